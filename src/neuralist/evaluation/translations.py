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

A resample draws songs, each with all its queries, see `neuralist.evaluation.resampling`. Candidates stay. If
they were drawn too, a third of the rivals would be missing and others would stand twice, which shares places
among fewer: recall@1 of the resamples then lay above that of the sample, at 0.775 [0.737, 0.863].
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

    Args:
        queries: the texts and queries.
        predictors: name to similarities.
        n_resamples: number of resamples.
        seed: of the resamples.

    Returns:
        Predictor to ALL and each language pair to its metrics; auc is NaN where there is no other song.
    """
    of_queries = {
        name: np.concatenate([_metrics(_rivals(queries, chunk, similarities)) for chunk in _chunks(queries)])
        for name, similarities in predictors.items()
    }
    pairs, of_query = np.unique(queries.languages, return_inverse=True)
    rows = {ALL: np.arange(len(of_query))}
    rows |= {pair: np.flatnonzero(of_query == number) for number, pair in enumerate(pairs.tolist())}
    songs, song = np.unique(queries.song[queries.text], return_inverse=True)
    means: dict[tuple[str, str], list[np.ndarray]] = {}
    for counts in resampling.song_counts(len(songs), len(song), n_resamples, seed):
        for pair, of_pair in rows.items():
            weights = counts[:, song[of_pair]].astype(np.float64)
            total = weights.sum(axis=1, keepdims=True)
            weights = np.divide(weights, total, out=np.full(weights.shape, np.nan), where=total > 0)
            for name, values in of_queries.items():
                means.setdefault((name, pair), []).append(weights @ values[of_pair])
    return {
        name: {pair: dict(zip(NAMES, np.concatenate(means[name, pair]).T, strict=True)) for pair in rows}
        for name in predictors
    }


def _chunks(queries: TranslationQueries) -> Iterator[slice]:
    at_once = max(1, _SIMILARITIES_AT_ONCE // len(queries.song))
    n_queries = len(queries.text)
    return (slice(start, min(start + at_once, n_queries)) for start in range(0, n_queries, at_once))


class _Rivals(NamedTuple):
    """The texts of other songs beside the translation of each query: numbers of them, int64 (n_queries,)."""

    above: np.ndarray  # more similar
    tied: np.ndarray  # as similar
    all: np.ndarray


def _rivals(queries: TranslationQueries, chunk: slice, similarities: Similarities) -> _Rivals:
    """Compare the texts of other songs with the nearest translation."""
    texts = queries.text[chunk]
    similarity = similarities(texts)
    begin, end = np.searchsorted(queries.query, [chunk.start, chunk.stop])
    is_right = np.zeros(similarity.shape, dtype=bool)
    is_right[queries.query[begin:end] - chunk.start, queries.answer[begin:end]] = True
    is_right &= ~np.isnan(similarity)
    best = np.where(is_right, similarity, -np.inf).max(axis=1, keepdims=True)
    is_read = is_right.any(axis=1, keepdims=True)  # else the translation comes last
    is_other = queries.song[texts, None] != queries.song
    above = is_other & (~is_read | (similarity > best))  # NaN is not above
    tied = is_other & is_read & (similarity == best)
    return _Rivals(above.sum(axis=1), tied.sum(axis=1), is_other.sum(axis=1))


def _metrics(rivals: _Rivals) -> np.ndarray:
    """Compute the metrics of each query, float64 (n_queries, len(NAMES)): means over the orders of ties."""
    places = rivals.tied + 1  # where the translation may stand, from rank above + 1 on
    recall = [np.clip(top - rivals.above, 0, places) / places for top in (1, 10)]
    # The sums of 1 / rank over the first n ranks, n = 0, 1, ...
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, rivals.all.max(initial=0) + 2))])
    mrr = (harmonic[rivals.above + places] - harmonic[rivals.above]) / places
    wins = rivals.all - rivals.above - rivals.tied / 2
    auc = np.divide(wins, rivals.all, out=np.full(len(wins), np.nan), where=rivals.all > 0)
    return np.column_stack([*recall, mrr, auc])
