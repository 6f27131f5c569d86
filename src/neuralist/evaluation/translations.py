"""Retrieval of translations: is a song's translation the nearest of all texts?

Input: texts by number, which of them are translations of each other, and of each predictor the similarity of
a text with all texts. A query is a text and a language that it is translated into. Its candidates are the
texts of all other songs, whatever their language, and its translation.

| metric | |
|---|---|
| recall_at_1 | share of queries whose translation comes first |
| recall_at_10 | share of queries whose translation is among the first ten |
| mrr | mean over queries of 1 / rank of the translation |
| auc | mean over queries of the share of the other candidates that are less similar than the translation |

Of several translations into the language the most similar one counts, and the song's other texts are no
candidates (the filtered setting of Bordes et al. 2013, section 4.1). Candidates that are as similar as the
translation count with the mean over all their orders (McSherry & Najork 2008, section 2.1); in auc as half.

A resample draws songs, each with all its texts, see `neuralist.evaluation.resampling`. Its metrics equal
those of a sample in which each song occurs as often as it was drawn, never as its own candidate.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from neuralist.data.pair_sets import Pairs
from neuralist.evaluation import resampling

NAMES = ("recall_at_1", "recall_at_10", "mrr", "auc")
ALL = "all"  # beside the language pairs: all queries
HALVES = ("A", "B")
# Similarities computed together: 8 MB.
_SIMILARITIES_AT_ONCE = 1_000_000
_QUERIES_AT_ONCE = 256

# Positions of texts, int64 (n,), to their similarity with every text, float (n, n_texts). NaN: the predictor
# cannot read one of the two. Such a candidate comes after all others, a translation after even these.
Similarities = Callable[[np.ndarray], np.ndarray]
ResampledMetrics = dict[str, np.ndarray]  # metric to float64 (1 + n_resamples,); the first is the sample's


@dataclass(frozen=True)
class TranslationQueries:
    """Texts, and the queries that are asked among them.

    Attributes:
        song: a number of each text's song, int64 (n_texts,): texts that pairs join are one song.
        text: the text of each query, int64 (n_queries,).
        languages: of each query, such as "fr→en".
        query: int64 (n_answers,), the number of the query of each right answer.
        answer: int64 (n_answers,), the text that is the right answer.
    """

    song: np.ndarray
    text: np.ndarray
    languages: list[str]
    query: np.ndarray
    answer: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, languages: Sequence[str], asked: np.ndarray | None = None) -> Self:
        """Select the queries: both texts of each pair, in either order.

        Args:
            pairs: positions of texts that are translations of each other; a repeated pair counts once.
            languages: of each text.
            asked: bool (n_texts,), the texts that may be queries; None for all. Candidates are all texts.
        """
        names, numbers = np.unique(np.array(languages, dtype=str), return_inverse=True)
        text, answer = np.concatenate(pairs), np.concatenate([pairs.right, pairs.left])
        if asked is not None:
            text, answer = text[asked[text]], answer[asked[text]]
        rows = np.unique(np.column_stack([text, numbers[answer], answer]), axis=0)
        is_first = np.diff(rows[:, :2], axis=0, prepend=-1).any(axis=1)
        first = rows[is_first]
        return cls(
            songs(pairs, len(languages)),
            first[:, 0],
            [f"{languages[source]}→{names[target]}" for source, target, _ in first],
            np.cumsum(is_first) - 1,
            rows[:, 2],
        )

    @property
    def counts(self) -> dict[str, int]:
        """Number of queries, of all and by language pair, the latter in alphabetical order."""
        pairs, counts = np.unique(self.languages, return_counts=True)
        return {ALL: len(self.text)} | dict(zip(pairs.tolist(), counts.tolist(), strict=True))

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of texts of each song, int64 (n_songs,)."""
        return np.bincount(self.song)


def songs(pairs: Pairs, n_texts: int) -> np.ndarray:
    """Number the songs that pairs join texts to, int64 (n_texts,); a text in no pair is a song of its own."""
    joined = sparse.coo_array((np.ones(len(pairs.left)), pairs), shape=(n_texts, n_texts))
    return csgraph.connected_components(joined, directed=False)[1].astype(np.int64)


def halves(song: np.ndarray, ids: Sequence[str]) -> np.ndarray:
    """Return the half of each text, A or B, str (n_texts,): by the hash of its song's smallest id.

    Settings can be chosen on half of the songs and measured on the other, without a list of either.

    Args:
        song: as `songs` returns it.
        ids: of the texts.
    """
    smallest: dict[int, str] = {}
    for number, text_id in zip(song.tolist(), ids, strict=True):
        smallest[number] = min(smallest.get(number, text_id), text_id)
    half = {
        number: HALVES[int(hashlib.sha256(text_id.encode()).hexdigest(), 16) % 2]
        for number, text_id in smallest.items()
    }
    return np.array([half[number] for number in song.tolist()])


def measure(
    queries: TranslationQueries, predictors: Mapping[str, Similarities], n_resamples: int, seed: int
) -> dict[str, dict[str, ResampledMetrics]]:
    """Compute all metrics of all predictors, for the sample and for the same resamples of its songs.

    Memory is that of some million numbers, however many texts there are, and of one number for each text
    and resample.

    Args:
        queries: the texts and queries.
        predictors: name to similarities.
        n_resamples: number of resamples.
        seed: of the resamples.

    Returns:
        Predictor to ALL and each language pair to its metrics; NaN where there is no other song.
    """
    n_songs = len(queries.sizes)
    of_songs = np.concatenate(
        [
            counts.astype(np.float32)  # which counts to 16 million
            for counts in resampling.song_counts(n_songs, n_songs, n_resamples, seed)
        ]
    )
    draws = _Draws(np.ascontiguousarray(of_songs[:, queries.song].T))
    return {name: _measure(queries, similarities, draws) for name, similarities in predictors.items()}


@dataclass(frozen=True)
class _Draws:
    """How often each text is in each resample, float32 (n_texts, 1 + n_resamples)."""

    counts: np.ndarray

    @cached_property
    def n_texts(self) -> np.ndarray:
        """Number of texts in each resample, float32 (1 + n_resamples,)."""
        return self.counts.sum(axis=0)

    @cached_property
    def harmonic(self) -> np.ndarray:
        """The sums of 1 / rank over the first n ranks, n = 0 to the largest rank."""
        return np.concatenate([[0], np.cumsum(1 / np.arange(1, int(self.n_texts.max()) + 2))])


def _measure(
    queries: TranslationQueries, similarities: Similarities, draws: _Draws
) -> dict[str, ResampledMetrics]:
    pairs, of_query = np.unique(queries.languages, return_inverse=True)
    shape = (len(pairs), len(NAMES), draws.counts.shape[1])
    sums, weights = np.zeros(shape), np.zeros(shape)
    for chunk in _chunks(queries):
        values = _metrics(_others(queries, chunk, similarities), draws)
        drawn = draws.counts[queries.text[chunk]]  # how often each query is asked
        for number, name in enumerate(NAMES):
            defined = np.where(np.isnan(values[name]), 0, drawn)
            for pair in np.unique(of_query[chunk]):
                of_pair = of_query[chunk] == pair
                weights[pair, number] += defined[of_pair].sum(axis=0)
                sums[pair, number] += (defined * np.nan_to_num(values[name]))[of_pair].sum(axis=0)
    sums, weights = (np.concatenate([part.sum(axis=0, keepdims=True), part]) for part in (sums, weights))
    means = np.divide(sums, weights, out=np.full(sums.shape, np.nan), where=weights > 0)
    return {
        pair: dict(zip(NAMES, of_pair, strict=True))
        for pair, of_pair in zip([ALL, *pairs.tolist()], means, strict=True)
    }


def _chunks(queries: TranslationQueries) -> Iterator[slice]:
    at_once = max(1, min(_QUERIES_AT_ONCE, _SIMILARITIES_AT_ONCE // len(queries.song)))
    n_queries = len(queries.text)
    return (slice(start, min(start + at_once, n_queries)) for start in range(0, n_queries, at_once))


class _Others(NamedTuple):
    """The texts of other songs, as they stand to the translations of some queries."""

    above: np.ndarray  # bool (n_queries, n_texts): more similar
    tied: np.ndarray  # bool (n_queries, n_texts): as similar
    own: np.ndarray  # int64 (n_queries,): a text of the query's song
    n_own: np.ndarray  # int64 (n_queries,): number of texts of the query's song


def _others(queries: TranslationQueries, chunk: slice, similarities: Similarities) -> _Others:
    """Compare every text of another song with the nearest translation."""
    texts = queries.text[chunk]
    similarity = similarities(texts)
    begin, end = np.searchsorted(queries.query, [chunk.start, chunk.stop])
    is_right = np.zeros(similarity.shape, dtype=bool)
    is_right[queries.query[begin:end] - chunk.start, queries.answer[begin:end]] = True
    readable = ~np.isnan(similarity)
    best = np.where(is_right & readable, similarity, -np.inf).max(axis=1, keepdims=True)
    is_other = queries.song[texts, None] != queries.song
    is_read = best > -np.inf  # else the translation comes last
    above = is_other & (~is_read | (similarity > best))  # NaN is not above
    return _Others(
        above, is_other & is_read & (similarity == best), texts, queries.sizes[queries.song[texts]]
    )


def _metrics(others: _Others, draws: _Draws) -> ResampledMetrics:
    """Compute the metrics of each query in each resample, float64 (n_queries, 1 + n_resamples)."""
    above, tied = (_count(which, draws) for which in (others.above, others.tied))
    n_others = draws.n_texts - others.n_own[:, None] * draws.counts[others.own]
    places = tied + 1  # where the translation may stand
    best, last = above.astype(np.int64), (above + places).astype(np.int64)
    values = {
        f"recall_at_{top}": np.clip(top - above, 0, places, dtype=np.float64) / places for top in (1, 10)
    }
    values["mrr"] = (draws.harmonic[last] - draws.harmonic[best]) / places
    wins = n_others - above - tied / 2
    values["auc"] = np.divide(wins, n_others, out=np.full(wins.shape, np.nan), where=n_others > 0)
    return values


def _count(which: np.ndarray, draws: _Draws) -> np.ndarray:
    """Count the texts that `which` marks, bool (n_queries, n_texts), in each resample: float64."""
    return (which.astype(np.float32) @ draws.counts).astype(np.float64)
