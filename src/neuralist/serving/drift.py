"""Count songs by what may change from month to month: length, known words, language, year, tags, embedding.

Input: songs, and what the encoder read of them. Output: `config.records.drift.DriftReference` of the training
songs, which a served folder keeps; new songs in its bins, for `evaluation.drift` to compare.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config.records import DriftReference, NameBins, NumberBins
from neuralist.metrics import rounded
from neuralist.model.encoder import Reading
from neuralist.text import languages, tokenizer

N_BINS = 10  # as many training songs in each
MIN_UNSEEN = 30
N_NAMES = 30
# The distance of a song to the training songs' mean would be one number. But it tells songs that the encoder
# was trained on from all others, of the same years too: KS D 0.35, against 0.26 for later years. What lies
# along the first directions differs by 0.07 at most, and by 0.46.
N_DIRECTIONS = 5
# Of these nobody cares whether a model knows 99 or 100 of 100 words of a song.
KNOWN_EDGES = (0.5, 0.8, 0.9, 0.95)
LENGTH, KNOWN, YEAR = "length", "known_words", "year"
LANGUAGE, TAGS, EMBEDDING = "language", "tags", "embedding"


class Songs(NamedTuple):
    """Songs to count.

    Attributes:
        texts: cleaned lyrics.
        facts: columns year, language and tags, in the order of the texts.
        reading: of the texts.
    """

    texts: Sequence[str]
    facts: pd.DataFrame
    reading: Reading


class Feature(NamedTuple):
    """The distribution of one feature, of training songs and of new ones.

    Attributes:
        name: LENGTH, KNOWN, YEAR, LANGUAGE, TAGS, or EMBEDDING and a number.
        is_ordered: whether it is a number; else bins are names.
        bins: what they hold, for people.
        reference: training songs of each bin, int64 (n_bins,); a song with several tags is in several.
        new: new songs of each bin.
        n_songs: training songs and new ones that have the feature.
        usual: of both, the median, or the commonest name with its share of the songs.
    """

    name: str
    is_ordered: bool
    bins: tuple[str, ...]
    reference: np.ndarray
    new: np.ndarray
    n_songs: tuple[int, int]
    usual: tuple[str, str]

    @property
    def shares(self) -> list[tuple[str, float, float]]:
        """Of each bin: what it holds, and its shares of the training songs and of the new ones."""
        reference, new = (counts / max(counts.sum(), 1) for counts in (self.reference, self.new))
        return list(zip(self.bins, reference.tolist(), new.tolist(), strict=True))


def learn(songs: Songs, is_train: np.ndarray, is_unseen: np.ndarray) -> DriftReference:
    """Return how the training songs are distributed.

    The model knows the words of its training songs, so known words are those of songs that it was not
    trained on, where there are MIN_UNSEEN or more.

    Args:
        songs: all songs.
        is_train: of each, whether the model was trained on it.
        is_unseen: of each, whether it is in val or test, and the model was not trained on it.
    """
    has_embedding = is_train & (songs.reading.known > 0)
    mean, directions = _directions(songs.reading.embeddings[has_embedding])
    numbers = {}
    for name, values in _numbers(songs, mean, directions).items():
        is_counted = is_unseen if name == KNOWN and is_unseen.sum() >= MIN_UNSEEN else is_train
        values = values[is_counted & ~np.isnan(values)]
        if len(values):
            edges = KNOWN_EDGES if name == KNOWN else _edges(values, is_whole=name in (LENGTH, YEAR))
            numbers[name] = NumberBins(
                edges=edges, counts=_counts(edges, values).tolist(), median=rounded(float(np.median(values)))
            )
    names = {}
    for name, of_songs in _names(songs.facts.loc[is_train]).items():
        songs_with = _songs_with(of_songs)
        if songs_with:
            kept = dict(songs_with.most_common(N_NAMES))
            rest = songs_with.total() - sum(kept.values())
            n_songs = sum(map(bool, of_songs))
            names[name] = NameBins(names=tuple(kept), counts=(*kept.values(), rest), n_songs=n_songs)
    return DriftReference(
        n_songs=int(is_train.sum()),
        numbers=numbers,
        names=names,
        mean=mean.tolist(),
        directions=directions.tolist(),
    )


def count(reference: DriftReference, songs: Songs) -> list[Feature]:
    """Return the features that the training songs have, with new songs in the same bins."""
    mean = np.array(reference.mean)
    numbers = _numbers(songs, mean, np.array(reference.directions).reshape(-1, len(mean)))
    names = _names(songs.facts)
    return [
        *(_number(name, bins, numbers[name]) for name, bins in reference.numbers.items()),
        *(_name(name, bins, names[name]) for name, bins in reference.names.items()),
    ]


def _number(name: str, bins: NumberBins, values: np.ndarray) -> Feature:
    values = values[~np.isnan(values)]
    return Feature(
        name,
        is_ordered=True,
        bins=_ranges(bins.edges),
        reference=np.array(bins.counts),
        new=_counts(bins.edges, values),
        n_songs=(sum(bins.counts), len(values)),
        usual=(_median(name, bins.median), _median(name, np.median(values)) if len(values) else ""),
    )


def _name(name: str, bins: NameBins, of_songs: list[list[str]]) -> Feature:
    songs_with, n_songs = _songs_with(of_songs), sum(map(bool, of_songs))
    known = [songs_with[bin_name] for bin_name in bins.names]
    return Feature(
        name,
        is_ordered=False,
        bins=(*bins.names, "other"),
        reference=np.array(bins.counts),
        new=np.array([*known, songs_with.total() - sum(known)]),
        n_songs=(bins.n_songs, n_songs),
        usual=(
            _commonest(bins.names[0], bins.counts[0], bins.n_songs),
            "".join(
                _commonest(commonest, number, n_songs) for commonest, number in songs_with.most_common(1)
            ),
        ),
    )


def _directions(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of embeddings, (width,), and the directions in which they differ most, (n, width).

    Those of no difference are left out. Each sign is that which makes the largest coordinate positive.
    """
    if len(embeddings) < 2:
        return np.zeros(embeddings.shape[1]), np.zeros((0, embeddings.shape[1]))
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(embeddings, rowvar=False, dtype=float)))
    order = np.argsort(values)[::-1][:N_DIRECTIONS]
    order = order[values[order] > values.max() * 1e-9]
    directions = vectors.T[order]
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    return _rounded(embeddings.mean(axis=0, dtype=float)), _rounded(directions)


def _rounded(array: np.ndarray) -> np.ndarray:
    return np.vectorize(rounded, otypes=[float])(array)


def _numbers(songs: Songs, mean: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
    """Return each number of each song, float64 (n_songs,); NaN where it is not known."""
    along = (songs.reading.embeddings - mean) @ directions.T
    along[songs.reading.known == 0] = np.nan
    return {
        LENGTH: np.array([len(tokenizer.words(text)) for text in songs.texts], dtype=float),
        KNOWN: songs.reading.known,
        YEAR: songs.facts["year"].to_numpy(dtype=float, na_value=np.nan),
    } | {f"{EMBEDDING} {number}": values for number, values in enumerate(along.T, start=1)}


def _names(facts: pd.DataFrame) -> dict[str, list[list[str]]]:
    """Return the language, where known, and the own tags of each song; of new ones Last.fm often has none."""
    spoken = [str(name).casefold() for name in facts["language"].fillna(languages.UNKNOWN)]
    return {
        LANGUAGE: [[] if name == languages.UNKNOWN else [name] for name in spoken],
        TAGS: [list(dict.fromkeys(str(tag).casefold() for tag in tags)) for tags in facts["tags"]],
    }


def _songs_with(of_songs: Iterable[list[str]]) -> Counter[str]:
    """Return how many songs have each name, the commonest first, and of equally common ones by name."""
    counts = Counter(name for names in of_songs for name in names)
    return Counter(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _edges(values: np.ndarray, *, is_whole: bool) -> tuple[float, ...]:
    """Return edges between bins of as many values each, and at both ends: beyond those no value is.

    Args:
        values: of the training songs.
        is_whole: whether they are whole numbers.
    """
    inner = np.quantile(values, np.linspace(0, 1, N_BINS + 1))
    inner[-1] += is_whole  # an edge is of the bin above it
    return tuple(dict.fromkeys(rounded(edge) for edge in inner.tolist()))


def _counts(edges: Sequence[float], values: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


def _ranges(edges: Sequence[float]) -> tuple[str, ...]:
    texts = [_shown(edge) for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return (f"below {texts[0]}", *between, f"{texts[-1]} and above")


def _shown(number: float) -> str:
    """Return an edge as people read it: years and many words whole, others with three digits."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _median(name: str, number: float | np.floating) -> str:
    return f"{number:.0f}" if name in (LENGTH, YEAR) else f"{number:.2f}"


def _commonest(name: str, count: int, n_songs: int) -> str:
    short = name if len(name) <= 16 else f"{name[:15]}…"
    return f"{short} {count / n_songs:.0%}"
