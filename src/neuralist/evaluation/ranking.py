"""Ranking metrics: does a predictor rank a song's listed songs above those that could be listed and are not?

Input: every observable pair of a split, with a score of each predictor. A query is a song that has a list,
and a listed and an unlisted candidate; its candidates are the other songs of its observable pairs.

| metric | |
|---|---|
| listed_auc | mean over queries of the AUC of their listed against their unlisted candidates |
| ndcg_at_10 | mean over queries, the gain of a candidate being its similarity, an unlisted one's 0 |
| recall_at_10 | mean over queries of listed candidates among the first ten / min(10, listed candidates) |
| listed_auc_new_artist | listed_auc of queries whose artist no training song has |
| pooled_listed_auc | one AUC of all listed against all unlisted pairs |

A resample draws songs, see `neuralist.evaluation.resampling`. Its metrics equal those of a sample in which
each song occurs as often as it was drawn, as query and as candidate, never as its own candidate. Candidates
with equal scores count with the mean over all their orders.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neuralist.config import metric_table
from neuralist.evaluation import resampling

NAMES = metric_table.OF_RANKING
TOP = 10
# The summed discounts of the first n ranks, n = 0 to 10; the discount of a rank is 1 / log2(1 + rank).
_DISCOUNTS = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, TOP + 2)))])


@dataclass(frozen=True)
class RankingQueries:
    """The observable pairs of a split, and which of their songs are queries.

    Attributes:
        left: int64 (n_pairs,), numbers of songs, 0 to n_songs - 1.
        right: as left.
        listed: bool (n_pairs,).
        similarity: float64 (n_pairs,).
        pair: int64 (n_candidates,), the number of the pair of a query and its candidate, sorted by query.
        query: int64 (n_candidates,), the song that is the query.
        candidate: int64 (n_candidates,), the other song of the pair.
        new_artist: bool (n_songs,), whether the song has an artist that no training song has.
        n_left_out: number of songs with a list that lack a listed or an unlisted candidate, so are no query.
    """

    left: np.ndarray
    right: np.ndarray
    listed: np.ndarray
    similarity: np.ndarray
    pair: np.ndarray
    query: np.ndarray
    candidate: np.ndarray
    new_artist: np.ndarray
    n_left_out: int

    @classmethod
    def of(
        cls,
        pairs: tuple[np.ndarray, np.ndarray],
        listed: np.ndarray,
        similarity: np.ndarray,
        has_list: np.ndarray,
        new_artist: np.ndarray,
    ) -> "RankingQueries":
        """Select the queries.

        Args:
            pairs: the two songs of each pair, int64 (n_pairs,), any numbering.
            listed: bool (n_pairs,).
            similarity: float64 (n_pairs,), 0 for unlisted pairs.
            has_list: bool, of each song by that numbering.
            new_artist: as has_list, whether the song has an artist that no training song has.
        """
        songs, numbers = np.unique(np.concatenate(pairs), return_inverse=True)
        left, right = np.split(numbers, 2)
        query, candidate = np.concatenate([left, right]), np.concatenate([right, left])
        pair = np.tile(np.arange(len(left)), 2)
        n_listed = np.bincount(query, np.tile(listed, 2), len(songs))
        n_candidates = np.bincount(query, minlength=len(songs))
        is_query = has_list[songs] & (n_listed > 0) & (n_listed < n_candidates)
        in_query = np.flatnonzero(is_query[query])
        in_query = in_query[np.argsort(query[in_query], kind="stable")]
        pair, query, candidate = (numbers[in_query] for numbers in (pair, query, candidate))
        n_left_out = int((has_list[songs] & ~is_query).sum())
        return cls(left, right, listed, similarity, pair, query, candidate, new_artist[songs], n_left_out)

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of queries and pairs, the fields of `RankingCounts`."""
        return {
            "n_queries": len(np.unique(self.query)),
            "n_left_out": self.n_left_out,
            "n_pairs": len(self.left),
            "n_listed": int(self.listed.sum()),
        }


def measure(
    queries: RankingQueries, scores: Mapping[Any, np.ndarray], n_resamples: int, seed: int
) -> dict[Any, np.ndarray]:
    """Compute all ranking metrics of all predictors, for the sample and for the same resamples of its songs.

    Args:
        queries: the observable pairs and their queries.
        scores: predictor to score, float64 (n_pairs,), higher for pairs that are more likely listed.
        n_resamples: number of resamples.
        seed: of the resamples.

    Returns:
        Predictor to float64 (1 + n_resamples, len(NAMES)); row 0 is the sample, NaN where undefined.
    """
    gain, listed = queries.similarity[queries.pair], queries.listed[queries.pair]
    one_query = np.zeros(len(queries.left), dtype=np.int64)
    orders = {
        key: (_Order(queries.query, score[queries.pair], listed), _Order(one_query, score, queries.listed))
        for key, score in scores.items()
    }
    ideal = _Order(queries.query, gain, listed)
    values: dict[Any, list[np.ndarray]] = {key: [] for key in scores}
    for counts in resampling.song_counts(len(queries.new_artist), len(queries.pair), n_resamples, seed):
        of_candidates = counts[:, queries.candidate]
        of_pairs = counts[:, queries.left] * counts[:, queries.right]
        ideal_gain = ideal.discounted(ideal.ranks(of_candidates), gain)
        for key, (order, pooled) in orders.items():
            ranks = order.ranks(of_candidates)
            auc = order.auc(ranks)
            of_queries = np.where(np.isnan(auc), 0, counts[:, order.queries])
            pooled_auc = pooled.auc(pooled.ranks(of_pairs))
            chunk_metrics = {
                "listed_auc": _mean(auc, of_queries),
                "ndcg_at_10": _mean(_divide(order.discounted(ranks, gain), ideal_gain), of_queries),
                "recall_at_10": _mean(order.recall(ranks), of_queries),
                "listed_auc_new_artist": _mean(auc, of_queries * queries.new_artist[order.queries]),
                "pooled_listed_auc": _mean(pooled_auc, np.ones_like(pooled_auc)),
            }
            values[key].append(np.column_stack([chunk_metrics[name] for name in NAMES]))
    return {key: np.concatenate(chunks) for key, chunks in values.items()}


class _ListedRanks(NamedTuple):
    """For each listed candidate, the weight of its query's candidates by relative rank, (chunk, n_listed)."""

    own: np.ndarray  # of the candidate alone
    above: np.ndarray  # with a higher score
    tied: np.ndarray  # with the same score, its own included
    unlisted_tied: np.ndarray
    unlisted_below: np.ndarray
    unlisted: np.ndarray  # all unlisted candidates of the query


class _Order:
    """The candidates of each query sorted by descending score, which does not depend on the weights.

    Sums over a query or over equal scores are differences of a running sum, taken at listed candidates
    alone, which are few.

    Attributes:
        queries: the songs that have a listed candidate, ascending.
    """

    def __init__(self, query: np.ndarray, score: np.ndarray, listed: np.ndarray) -> None:
        self._order = np.lexsort((-score, query))
        query, score = query[self._order], score[self._order]
        self._listed = np.flatnonzero(listed[self._order])
        of_listed = query[self._listed]
        self.queries, self._starts = np.unique(of_listed, return_index=True)
        changes = np.flatnonzero((query[1:] != query[:-1]) | (score[1:] != score[:-1])) + 1
        tie = np.searchsorted(changes, self._listed, side="right")
        ties = np.concatenate([[0], changes, [len(query)]]).astype(np.int64)
        # Where the query of a listed candidate begins, its ties begin and end, and its query ends.
        begins, ends = (np.searchsorted(query, of_listed, side=side) for side in ("left", "right"))
        self._bounds = (begins, ties[tie], ties[tie + 1], ends)
        self._listed_bounds = tuple(np.searchsorted(self._listed, bound) for bound in self._bounds)

    def ranks(self, weights: np.ndarray) -> _ListedRanks:
        """Rank the listed candidates under weights int64 (chunk, n_candidates)."""
        ordered = weights[:, self._order]
        own = ordered[:, self._listed]
        above, tied, below = _sums_between(ordered, self._bounds)
        listed_above, listed_tied, listed_below = _sums_between(own, self._listed_bounds)
        unlisted_tied, unlisted_below = tied - listed_tied, below - listed_below
        unlisted = above - listed_above + unlisted_tied + unlisted_below
        return _ListedRanks(own, above, tied, unlisted_tied, unlisted_below, unlisted)

    def auc(self, ranks: _ListedRanks) -> np.ndarray:
        """AUC of listed against unlisted candidates, (chunk, n_queries); NaN where a query lacks either."""
        wins = self._sums(ranks.own * (ranks.unlisted_below + ranks.unlisted_tied / 2))
        return _divide(wins, self._sums(ranks.own * ranks.unlisted))

    def discounted(self, ranks: _ListedRanks, gain: np.ndarray) -> np.ndarray:
        """Expected DCG@10, (chunk, n_queries), from the gain of each candidate (n_candidates,)."""
        above, last = (np.minimum(rank, TOP) for rank in (ranks.above, ranks.above + ranks.tied))
        tied_gain = (_DISCOUNTS[last] - _DISCOUNTS[above]) * gain[self._order[self._listed]]
        return self._sums(ranks.own * _divide(tied_gain, ranks.tied, 0))

    def recall(self, ranks: _ListedRanks) -> np.ndarray:
        """Expected listed candidates among the first ten / min(10, listed candidates), (chunk, n_queries)."""
        above, last = (np.minimum(rank, TOP) for rank in (ranks.above, ranks.above + ranks.tied))
        hits = self._sums(ranks.own * _divide(last - above, ranks.tied, 0))
        return _divide(hits, np.minimum(self._sums(ranks.own), TOP))

    def _sums(self, of_listed: np.ndarray) -> np.ndarray:
        """Sum a value of each listed candidate by query, (chunk, n_queries)."""
        return np.add.reduceat(of_listed, self._starts, axis=1) if len(self._starts) else of_listed[:, :0]


def _sums_between(weights: np.ndarray, bounds: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Sum the weights between each two neighbouring bounds, (chunk, n) each."""
    running_sum = np.zeros((len(weights), weights.shape[1] + 1), dtype=np.int64)
    np.cumsum(weights, axis=1, out=running_sum[:, 1:])
    sums = [running_sum[:, bound] for bound in bounds]
    return [end - begin for begin, end in itertools.pairwise(sums)]


def _divide(values: np.ndarray, by: np.ndarray, default: float = np.nan) -> np.ndarray:
    return np.divide(values, by, out=np.full(values.shape, default, dtype=np.float64), where=by > 0)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of each row of values (chunk, n), ignoring NaN; NaN where no weight remains."""
    defined_weights = np.where(np.isnan(values), 0, weights)
    return _divide(np.einsum("dq,dq->d", defined_weights, np.nan_to_num(values)), defined_weights.sum(axis=1))
