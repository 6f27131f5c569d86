"""Ranking metrics: does a song's list come out on top of the songs that could be on it and are not?

Input: every observable pair of a part, with a score of each predictor. A query is a song that has a list, and
a listed and an unlisted song in the part; its candidates are the other observed songs there.

| metric | |
|---|---|
| listed_auc | mean over queries of the AUC of their listed against their unlisted candidates |
| ndcg_at_10 | mean over queries, the gain of a candidate being its similarity, an unlisted one's 0 |
| recall_at_10 | mean over queries of listed candidates among the first ten / min(10, listed candidates) |
| listed_auc_new_artist | listed_auc of queries whose artist no training song has |
| pooled_listed_auc | one AUC of all listed against all unlisted pairs |

A resample draws songs, see `neuralist.evaluation.resampling`. A metric of it equals the plain one where each
song stands as often as it was drawn, as query and as candidate, never as its own candidate. Of candidates
with equal scores every order counts alike.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neuralist.config import metric_table
from neuralist.evaluation import resampling

NAMES = metric_table.OF_RANKING
FIRST = 10
# What the first n places are worth together, n = 0 to 10: a place's worth is 1 / log2(1 + place).
_WORTH = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, FIRST + 2)))])


@dataclass(frozen=True)
class RankingQueries:
    """The observable pairs of a part, and which of their songs are queries.

    Attributes:
        left: int64 (n_pairs,), numbers of songs, 0 to n_songs - 1.
        right: as left.
        listed: bool (n_pairs,).
        similarity: float64 (n_pairs,).
        cells: int64 (n_cells,), the pair of each query and candidate, query by query.
        query: int64 (n_cells,), the song that is the query.
        candidate: int64 (n_cells,), the other song of the pair.
        new: bool (n_songs,), whether the artist is known, and no training song's.
        n_left_out: songs with a list that are no query, for lack of a listed or of an unlisted candidate.
    """

    left: np.ndarray
    right: np.ndarray
    listed: np.ndarray
    similarity: np.ndarray
    cells: np.ndarray
    query: np.ndarray
    candidate: np.ndarray
    new: np.ndarray
    n_left_out: int

    @classmethod
    def of(
        cls,
        pairs: tuple[np.ndarray, np.ndarray],
        listed: np.ndarray,
        similarity: np.ndarray,
        has_list: np.ndarray,
        new: np.ndarray,
    ) -> "RankingQueries":
        """Find the queries.

        Args:
            pairs: the two songs of each pair, int64 (n_pairs,), any numbering.
            listed: bool (n_pairs,).
            similarity: float64 (n_pairs,), 0 for unlisted pairs.
            has_list: bool, of each song by that numbering.
            new: as has_list, whether the song's artist is known, and no training song's.
        """
        songs, numbers = np.unique(np.concatenate(pairs), return_inverse=True)
        left, right = np.split(numbers, 2)
        query, candidate = np.concatenate([left, right]), np.concatenate([right, left])
        cells = np.tile(np.arange(len(left)), 2)
        n_listed = np.bincount(query, np.tile(listed, 2), len(songs))
        n_candidates = np.bincount(query, minlength=len(songs))
        is_query = has_list[songs] & (n_listed > 0) & (n_listed < n_candidates)
        kept = np.flatnonzero(is_query[query])
        kept = kept[np.argsort(query[kept], kind="stable")]
        n_left_out = int((has_list[songs] & ~is_query).sum())
        return cls(
            left, right, listed, similarity, cells[kept], query[kept], candidate[kept], new[songs], n_left_out
        )

    @property
    def counts(self) -> dict[str, int]:
        """What is ranked, in numbers."""
        return {
            "n_queries": len(np.unique(self.query)),
            "n_left_out": self.n_left_out,
            "n_pairs": len(self.left),
            "n_listed": int(self.listed.sum()),
        }


def measure(
    queries: RankingQueries, scores: Mapping[Any, np.ndarray], draws: int, seed: int
) -> dict[Any, np.ndarray]:
    """All ranking metrics of all predictors, for the sample and for the same resamples of its songs.

    Args:
        queries: n pairs.
        scores: predictor to score, float64 (n_pairs,), higher for pairs that are more likely listed.
        draws: resamples.
        seed: of the resamples.

    Returns:
        Predictor to float64 (1 + draws, len(NAMES)); row 0 is the sample, NaN what is undefined.
    """
    gain, listed = queries.similarity[queries.cells], queries.listed[queries.cells]
    nobody = np.zeros(len(queries.left), dtype=np.int64)
    orders = {
        key: (_Order(queries.query, score[queries.cells], listed), _Order(nobody, score, queries.listed))
        for key, score in scores.items()
    }
    ideal = _Order(queries.query, gain, listed)
    values: dict[Any, list[np.ndarray]] = {key: [] for key in scores}
    for counts in resampling.song_counts(len(queries.new), len(queries.cells), draws, seed):
        of_cells, of_pairs = counts[:, queries.candidate], counts[:, queries.left] * counts[:, queries.right]
        best = ideal.discounted(ideal.places(of_cells), gain)
        for key, (order, pooled) in orders.items():
            places = order.places(of_cells)
            auc = order.auc(places)
            of_queries = np.where(np.isnan(auc), 0, counts[:, order.queries])
            together = pooled.auc(pooled.places(of_pairs))
            made = {
                "listed_auc": _mean(auc, of_queries),
                "ndcg_at_10": _mean(_divided(order.discounted(places, gain), best), of_queries),
                "recall_at_10": _mean(order.recall(places), of_queries),
                "listed_auc_new_artist": _mean(auc, of_queries * queries.new[order.queries]),
                "pooled_listed_auc": _mean(together, np.ones_like(together)),
            }
            values[key].append(np.column_stack([made[name] for name in NAMES]))
    return {key: np.concatenate(chunks) for key, chunks in values.items()}


class _Places(NamedTuple):
    """Of each listed cell, (chunk, n_listed): the weight of the cells of its query that are where."""

    own: np.ndarray
    above: np.ndarray  # with a higher score
    tied: np.ndarray  # with the same score, itself among them
    unlisted_tied: np.ndarray
    unlisted_below: np.ndarray
    unlisted: np.ndarray  # all unlisted cells of the query


class _Order:
    """The cells of each query from the highest score down: all that does not depend on the weights.

    Sums over a query or over equal scores are differences of a running sum, asked for at listed cells alone,
    which are few.

    Attributes:
        queries: those with a listed cell, ascending.
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
        # Where the query of a listed cell begins, its ties begin and end, and its query ends.
        begins, ends = (np.searchsorted(query, of_listed, side=side) for side in ("left", "right"))
        self._bounds = (begins, ties[tie], ties[tie + 1], ends)
        self._listed_bounds = tuple(np.searchsorted(self._listed, bound) for bound in self._bounds)

    def places(self, weights: np.ndarray) -> _Places:
        """Where the listed cells stand under weights int64 (chunk, n_cells)."""
        ordered = weights[:, self._order]
        own = ordered[:, self._listed]
        above, tied, below = _between(ordered, self._bounds)
        listed_above, listed_tied, listed_below = _between(own, self._listed_bounds)
        unlisted_tied, unlisted_below = tied - listed_tied, below - listed_below
        unlisted = above - listed_above + unlisted_tied + unlisted_below
        return _Places(own, above, tied, unlisted_tied, unlisted_below, unlisted)

    def auc(self, places: _Places) -> np.ndarray:
        """AUC of listed against unlisted cells, (chunk, n_queries); NaN where a query lacks one of them."""
        won = self._sums(places.own * (places.unlisted_below + places.unlisted_tied / 2))
        return _divided(won, self._sums(places.own * places.unlisted))

    def discounted(self, places: _Places, gain: np.ndarray) -> np.ndarray:
        """Expected discounted gain of the first ten places, (chunk, n_queries); gain is that of each cell."""
        above, upto = (np.minimum(place, FIRST) for place in (places.above, places.above + places.tied))
        worth = (_WORTH[upto] - _WORTH[above]) * gain[self._order[self._listed]]
        return self._sums(places.own * _divided(worth, places.tied, 0))

    def recall(self, places: _Places) -> np.ndarray:
        """Expected listed cells among the first ten / min(10, listed cells), (chunk, n_queries)."""
        above, upto = (np.minimum(place, FIRST) for place in (places.above, places.above + places.tied))
        found = self._sums(places.own * _divided(upto - above, places.tied, 0))
        return _divided(found, np.minimum(self._sums(places.own), FIRST))

    def _sums(self, of_listed: np.ndarray) -> np.ndarray:
        """Sums by query of a value of each listed cell."""
        return np.add.reduceat(of_listed, self._starts, axis=1) if len(self._starts) else of_listed[:, :0]


def _between(weights: np.ndarray, bounds: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Weight between each two neighbouring bounds, (chunk, n) each."""
    upto = np.zeros((len(weights), weights.shape[1] + 1), dtype=np.int64)
    np.cumsum(weights, axis=1, out=upto[:, 1:])
    at = [upto[:, bound] for bound in bounds]
    return [end - begin for begin, end in itertools.pairwise(at)]


def _divided(number: np.ndarray, by: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    return np.divide(number, by, out=np.full(number.shape, otherwise, dtype=np.float64), where=by > 0)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of each row of values (chunk, n), NaN left out; NaN where nothing is left."""
    of_defined = np.where(np.isnan(values), 0, weights)
    return _divided(np.einsum("dq,dq->d", of_defined, np.nan_to_num(values)), of_defined.sum(axis=1))
