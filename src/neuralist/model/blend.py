"""A score of pairs of songs from the similarity of their lyrics and from their artists, years and tags.

Input: the encoder's similarity, float64 (n_pairs,) in [0, 1], and for each fact how near the two songs are by
it, NaN where one of them lacks it. Output: scores float64 (n_pairs,) in [0, 1], the expected similarity, or
the chance of being listed, as `fit` was given the one or the other.

The log-odds of a score are a weighted sum (logistic regression) that rises with each input. A fact that a
candidate lacks counts as the average pair's: to have tags must not lift a song, though songs with tags are
listed more often. Fitting needs SciPy, scoring NumPy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from neuralist.config.records import BlendPart, Fact
from neuralist.model.similarity import sigmoid

FACTS: tuple[Fact, ...] = ("artist", "year", "tags")
# Log-odds of a similarity are finite: 6 decimals are told apart.
_SMALLEST = 1e-6
# So small that it only keeps weights finite where a fact divides the pairs without error.
_PENALTY = 1e-5


class Tags:
    """The tags of songs, weighed by their rarity, to compare with those of a query.

    Args:
        counts: the number of tags of each song, int64 (n_songs,).
        names: the tags of all songs, one song after the other, (n_tags,).
        weights: of each, above 0, float64 (n_tags,).
        rarity: the weight of each tag that counts; None for the logarithm of (songs with tags + 1) / (songs
            with this tag + 1), plus 1, over these songs (scikit-learn's smoothed IDF).
    """

    def __init__(
        self,
        counts: np.ndarray,
        names: np.ndarray,
        weights: np.ndarray,
        rarity: Mapping[str, float] | None = None,
    ) -> None:
        self.n_songs = len(counts)
        song = np.repeat(np.arange(len(counts)), counts)
        code, distinct = pd.factorize(names)
        if rarity is None:
            n_tagged, n_songs = np.count_nonzero(counts), np.bincount(code, minlength=len(distinct))
            self.rarity = dict(zip(distinct, np.log((1 + n_tagged) / (1 + n_songs)) + 1, strict=True))
        else:
            self.rarity = dict(rarity)
        weight = weights * np.array([self.rarity.get(name, 0.0) for name in distinct])[code]
        length = np.sqrt(np.bincount(song, weight**2, minlength=len(counts)))
        self._has = length > 0
        weight /= np.where(self._has, length, 1)[song]
        order = np.argsort(code, kind="stable")
        self._song, self._weight = song[order], weight[order]
        starts = np.searchsorted(code[order], np.arange(len(distinct) + 1))
        self._rows = {name: slice(*starts[at : at + 2]) for at, name in enumerate(distinct)}

    @classmethod
    def of(cls, songs: Sequence[Mapping[str, float]], rarity: Mapping[str, float] | None = None) -> "Tags":
        """Return the tags of songs, given as tag to weight."""
        counts = np.array([len(tags) for tags in songs], dtype=np.int64)
        names = np.array([tag for tags in songs for tag in tags], dtype=object)
        weights = np.array([weight for tags in songs for weight in tags.values()], dtype=np.float64)
        return cls(counts, names, weights, rarity)

    def cosines(self, query: Mapping[str, float]) -> np.ndarray:
        """Return the cosine of a query's tags with each song's, float64 (n_songs,) in [0, 1].

        It is NaN for a song without tags, and for all where the query has no tag with a rarity.
        """
        weights = {tag: value * self.rarity[tag] for tag, value in query.items() if tag in self.rarity}
        length = np.sqrt(sum(value**2 for value in weights.values()))
        if not length:
            return np.full(self.n_songs, np.nan)
        cosine = np.zeros(self.n_songs)
        for tag, value in weights.items():
            rows = self._rows.get(tag, slice(0))
            cosine[self._song[rows]] += value / length * self._weight[rows]
        return np.where(self._has, np.minimum(cosine, 1), np.nan)


@dataclass(frozen=True)
class Songs:
    """What is known of songs, to compare with what is known of a query.

    Attributes:
        artist: a number of each song's artist, int64 (n_songs,); below 0 where unknown.
        year: float64 (n_songs,); NaN where unknown.
        tags: of the songs.
    """

    artist: np.ndarray
    year: np.ndarray
    tags: Tags

    def nearness(
        self, artist: int | None, year: float | None, tags: Mapping[str, float]
    ) -> dict[Fact, np.ndarray]:
        """Return how near each song is by each fact, float64 (n_songs,), NaN where it is unknown.

        Artist: 1 if equal, else 0. Year: minus the years between. Tags: their cosine.

        Args:
            artist: the number of the query's; None or below 0 where unknown.
            year: of the query; None or NaN where unknown.
            tags: of the query with their weights; empty where unknown.
        """
        nothing = np.full(len(self.year), np.nan)
        has_artist = artist is not None and artist >= 0
        same = np.where(self.artist < 0, np.nan, self.artist == artist) if has_artist else nothing
        gap = nothing if year is None else -np.abs(self.year - year)
        return {"artist": same, "year": gap, "tags": self.tags.cosines(tags) if tags else nothing}


@dataclass(frozen=True)
class Weighing:
    """The weights by which lyrics and some facts make a score.

    Attributes:
        facts: those that the query must have, of FACTS.
        intercept: of the log-odds.
        lyrics: the weight of the similarity's log-odds, not negative.
        weights: of each fact's nearness, not negative.
        average: the nearness that stands for a fact that a candidate lacks: the mean of the pairs fitted.
    """

    facts: tuple[Fact, ...]
    intercept: float
    lyrics: float
    weights: tuple[float, ...]
    average: tuple[float, ...]

    @classmethod
    def of(cls, part: BlendPart) -> "Weighing":
        """Return the weighing that blend.json holds."""
        return cls(part.facts, part.intercept, part.lyrics, part.weights, part.average)

    @cached_property
    def used(self) -> tuple[Fact, ...]:
        """The facts whose weight is above 0."""
        return tuple(fact for fact, weight in zip(self.facts, self.weights, strict=True) if weight > 0)

    def log_odds(self, similarity: np.ndarray, nearness: Mapping[Fact, np.ndarray]) -> np.ndarray:
        """Return the log-odds of the scores of pairs, float64 (n_pairs,).

        Args:
            similarity: of the lyrics, float64 (n_pairs,) in [0, 1].
            nearness: by each fact, float64 (n_pairs,), NaN where the candidate lacks it.
        """
        total = self.intercept + self.lyrics * _log_odds(similarity)
        for fact, weight, average in zip(self.facts, self.weights, self.average, strict=True):
            near = nearness[fact]
            total = total + weight * np.where(np.isnan(near), average, near)
        return total


def fit(
    facts: tuple[Fact, ...],
    similarity: np.ndarray,
    nearness: Mapping[Fact, np.ndarray],
    target: np.ndarray,
    weight: np.ndarray,
) -> Weighing:
    """Learn the weights of lyrics and some facts by logistic regression; no weight is negative.

    Each fact that is missing in some pairs also has an indicator of that, which takes up that such pairs are
    listed more or less often. The weighing leaves it out.

    Args:
        facts: to weigh.
        similarity: of the lyrics, float64 (n_pairs,) in [0, 1].
        nearness: by each fact, float64 (n_pairs,), NaN where one of the songs lacks it.
        target: 1 or 0, or a similarity between, float64 (n_pairs,).
        weight: the number of pairs that each represents, float64 (n_pairs,).
    """
    from scipy.optimize import minimize

    columns, indicators, average = [_log_odds(similarity)], [], []
    share = weight / weight.sum()
    for fact in facts:
        missing = np.isnan(nearness[fact])
        known = share * ~missing
        mean = float(known @ np.nan_to_num(nearness[fact]) / (known.sum() or 1))
        average.append(mean)
        columns.append(np.where(missing, mean, nearness[fact]))
        if missing.any() and not missing.all():
            indicators.append(missing.astype(np.float64))
    features = np.column_stack([*columns, *indicators])
    middle = np.average(features, axis=0, weights=share)
    scale = np.sqrt(np.average((features - middle) ** 2, axis=0, weights=share))
    scale[scale < 1e-12] = 1
    standard = (features - middle) / scale

    # einsum, not @: for so few columns BLAS' threads wait for each other, on a busy machine most of the time.
    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        total = values[0] + np.einsum("ij,j->i", standard, values[1:])
        error = share * (sigmoid(total) - target)
        value = np.sum(share * (np.logaddexp(0, total) - target * total))
        gradient = np.einsum("ij,i->j", standard, error) + _PENALTY * values[1:]
        return value + _PENALTY / 2 * np.sum(values[1:] ** 2), np.append(error.sum(), gradient)

    bounds = [(None, None), *[(0, None)] * len(columns), *[(None, None)] * len(indicators)]
    found = minimize(loss, np.zeros(1 + len(middle)), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = found[1:] / scale
    kept = weights[: len(columns)]
    intercept = found[0] - weights @ middle
    return Weighing(facts, float(intercept), float(kept[0]), tuple(kept[1:].tolist()), tuple(average))


def _log_odds(similarity: np.ndarray) -> np.ndarray:
    inner = np.clip(similarity, _SMALLEST, 1 - _SMALLEST)
    return np.log(inner / (1 - inner))
