"""What `neuralist drift` compares new texts with: how the training songs of a served model are distributed.

Counts by bin, no text and no song id. A reference of half a million songs is as small as one of thirty.
"""

from itertools import pairwise

from pydantic import model_validator

from neuralist.config.experiment import Section
from neuralist.config.records.base import Count


class NumberBins(Section):
    """How many songs have a number within each bin.

    Attributes:
        edges: between the bins, ascending: bin i holds edges[i - 1] <= number < edges[i].
        counts: songs of each bin, one bin more than edges.
        median: of the songs' numbers.
    """

    edges: tuple[float, ...]
    counts: tuple[Count, ...]
    median: float

    @model_validator(mode="after")
    def _fits(self) -> "NumberBins":
        if len(self.counts) != len(self.edges) + 1 or any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges must ascend, and there must be one count more")
        return self


class NameBins(Section):
    """How many songs have each name, a language or a tag.

    Attributes:
        names: the commonest, the commonest first.
        counts: songs that have each, and last how often songs have any other name; a song may have several.
        n_songs: that have a name.
    """

    names: tuple[str, ...]
    counts: tuple[Count, ...]
    n_songs: Count

    @model_validator(mode="after")
    def _fits(self) -> "NameBins":
        if len(self.counts) != len(self.names) + 1:
            raise ValueError("there must be a count for each name and one for all others")
        return self


class DriftReference(Section):
    """How the training songs of a model are distributed.

    Attributes:
        n_songs: trained on.
        numbers: by feature; songs without the number are left out.
        names: by feature; songs without a name are left out.
        mean: of the embeddings, (width,).
        directions: in which the embeddings differ most, the first the most: unit vectors, (n, width). Feature
            "embedding 1" is what an embedding less the mean has along the first.
    """

    n_songs: Count
    numbers: dict[str, NumberBins]
    names: dict[str, NameBins]
    mean: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]
