"""Search the embeddings nearest to queries, by a model's similarity; ties go to the earlier position.

Input: embeddings float32 (n, width), queries float32 (n_queries, width). Output: positions and similarities.
faiss finds candidates in single precision, a few more than requested; similarities in double precision rank
them. Where rounding or ties leave open whether another embedding is as near, for similarity euclidean, which
faiss lacks, and for manhattan of an ensemble, whose mean no distance bounds, every embedding is compared: the
result is the same, and takes a hundred times as long. Only a similarity with weights may miss some, where
there are more than _BLOCK embeddings: candidates are then the nearest of _CANDIDATES by distance.
"""

import os
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from neuralist import threads
from neuralist.model.similarity import PairRegression, Similarity

# Embeddings compared at once: 13 MB at 50 units, which stay in the processor's cache for all queries.
_BLOCK = 65_536
# Likewise compared in double precision, where a similarity makes several arrays of a block.
_COMPARED = 4096
# Candidates beyond k: equal lyrics tie, and ties cannot exclude further songs.
_SPARE = 16
# Candidates at least, of a similarity with weights: a regression also weighs what both songs share.
_CANDIDATES = {"learned": 100, "logistic": 2000}
# An approximate search looks into this many of sqrt(n) lists. Of 584,897 random embeddings whose neighbours
# resemble those of a trained model it finds 0.99 and more of the nearest ten.
_LISTS_SEARCHED = 24
_TRAINING_PER_LIST = 64  # embeddings to fit the centre of a list
_NO_CEILING = -1.0  # below any similarity


class Near(NamedTuple):
    """The neighbours of a query, nearest first."""

    positions: np.ndarray  # int64 (k,)
    similarity: np.ndarray  # float64 (k,)


class Neighbours:
    """An index of embeddings.

    Args:
        embeddings: float32 (n, width).
        similarity: the similarity to rank by.
    """

    def __init__(self, embeddings: np.ndarray, similarity: Similarity) -> None:
        self.embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self.similarity = similarity

    def nearest(
        self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None, *, approximate: bool = False
    ) -> list[Near]:
        """Return the k nearest to each query; fewer where fewer are allowed.

        Args:
            queries: float32 (n_queries, width).
            k: 0 or more.
            allowed: mask of the embeddings to search, bool (n,); None for all.
            approximate: a tenth of the time for half a million, but may miss some. The first call sorts the
                embeddings into lists, which takes seconds and doubles the memory.

        Raises:
            ValueError: `approximate` with similarity euclidean, or with manhattan of an ensemble.
        """
        if approximate and self._metric is None:
            of = f"similarity {self.similarity.kind}" + " of an ensemble" * (self.similarity.n_encoders > 1)
            raise ValueError(f"approximate: not known for {of}; ask for the exact search")
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        k = min(k, len(self.embeddings) if allowed is None else int(np.count_nonzero(allowed)))
        results: list[Near | None] = [None] * len(queries)
        # First search all: mostly the nearest are allowed, and selecting the allowed takes ten times as long.
        # With a learned similarity the candidates must be allowed ones, or few of them would be left.
        only_allowed = self._is_learned and not approximate
        pools = [allowed] if allowed is None or only_allowed else [None, allowed]
        for pool in pools:
            open_rows = [row for row, near in enumerate(results) if near is None]
            if not open_rows or not k or self._metric is None or self._is_small:
                break
            search = self._search_lists if approximate and pool is None else self._search_all
            found = search(
                queries[open_rows], max(k + _SPARE, _CANDIDATES.get(self.similarity.kind, 0)), pool
            )
            for row, *candidates in zip(open_rows, *found, strict=True):
                results[row] = self._rank(queries[row], k, allowed, *candidates)
        open_rows = [row for row, near in enumerate(results) if near is None]
        compared = threads.mapped(lambda row: self._compare_all(queries[row], k, allowed), open_rows)
        of_open_rows = dict(zip(open_rows, compared, strict=True))
        return [near or of_open_rows[row] for row, near in enumerate(results)]

    def nearest_of_groups(
        self,
        queries: np.ndarray,
        k: int,
        groups: np.ndarray,
        allowed: np.ndarray | None = None,
        *,
        approximate: bool = False,
    ) -> list[Near]:
        """Return the k nearest to each query that are of different groups: the nearest of each group.

        Args:
            queries: float32 (n_queries, width).
            k: 0 or more.
            groups: the group of each embedding, int64 (n,).
            allowed: see `nearest`.
            approximate: see `nearest`.
        """
        results: dict[int, Near] = {}
        # Most groups are of one, so that twice k nearly always hold k groups.
        rows, n = list(range(len(queries))), 2 * k
        while rows:
            nearest = self.nearest(queries[rows], n, allowed, approximate=approximate)
            for row, near in zip(rows, nearest, strict=True):
                first = np.sort(np.unique(groups[near.positions], return_index=True)[1])[:k]
                if len(first) == k or len(near.positions) < n:
                    results[row] = Near(near.positions[first], near.similarity[first])
            rows, n = [row for row in rows if row not in results], 2 * n
        return [results[row] for row in range(len(queries))]

    def compare(self, query: np.ndarray, pool: np.ndarray | None = None) -> np.ndarray:
        """Return the similarity of a query, float32 (width,), to the embeddings at `pool`, or to all."""
        n = len(self.embeddings if pool is None else pool)
        parts = (self.embeddings[block if pool is None else pool[block]] for block in _blocks(n, _COMPARED))
        return np.concatenate([*(self.similarity(query[None], part) for part in parts), np.empty(0)])

    def _rank(
        self, query: np.ndarray, k: int, allowed: np.ndarray | None, positions: np.ndarray, ceiling: float
    ) -> Near | None:
        """Return the k nearest candidates; None where others, up to `ceiling` similar, may be nearer."""
        positions = np.sort(positions[positions >= 0])
        if allowed is not None:
            positions = positions[allowed[positions]]
        similarity = self.similarity(query[None], self.embeddings[positions])
        if np.count_nonzero(similarity > ceiling) < k:
            return None
        order = np.argsort(-similarity, kind="stable")[:k]
        return Near(positions[order], similarity[order])

    def _compare_all(self, query: np.ndarray, k: int, allowed: np.ndarray | None) -> Near:
        """Return the k nearest, by the similarity to every allowed embedding."""
        pool = np.arange(len(self.embeddings)) if allowed is None else np.flatnonzero(allowed)
        similarity = self.compare(query, None if allowed is None else pool)
        near = np.arange(len(pool))
        if 0 < k < len(pool):
            near = np.flatnonzero(similarity >= np.partition(similarity, -k)[-k])
        near = near[np.argsort(-similarity[near], kind="stable")][:k]
        return Near(pool[near], similarity[near])

    def _search_all(
        self, queries: np.ndarray, n: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the n nearest allowed in single precision, and an upper bound of the others' similarity."""
        pool = None if allowed is None else np.flatnonzero(allowed)
        size = len(self.embeddings) if pool is None else len(pool)
        points, cores = self._points(queries), os.cpu_count() or 1
        is_shared = len(points) >= cores  # queries, among the cores; fewer of them leave the blocks to share
        shares = np.array_split(points, cores) if is_shared else [points]

        def search(block: slice) -> tuple[np.ndarray, np.ndarray]:
            rows = self._points(self.embeddings[block if pool is None else pool[block]])
            one_core = partial(_on_one_core, rows=rows, n=min(n, len(rows)), metric=self._metric)
            scores, indices = map(np.concatenate, zip(*threads.mapped(one_core, shares), strict=True))
            scores = -scores if self.similarity.kind == "cosine" else scores
            return scores, np.where(indices < 0, -1, indices + block.start)

        blocks = list(_blocks(size, _BLOCK))
        found = map(search, blocks) if is_shared else threads.mapped(search, blocks)
        distances, positions = _nearest(found, n)
        ceiling = np.full(len(queries), _NO_CEILING)
        if n < size and not self._is_learned:
            ceiling = self._ceiling(distances.max(axis=1).astype(np.float64))
        return positions if pool is None else np.where(positions < 0, -1, pool[positions]), ceiling

    def _search_lists(
        self, queries: np.ndarray, n: int, _: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the n nearest in the lists that are searched, without an upper bound for the others."""
        positions = self._lists.search(self._points(queries), n)[1]
        return positions, np.full(len(queries), _NO_CEILING)

    @property
    def _is_learned(self) -> bool:
        return self.similarity.has_weights

    @property
    def _is_small(self) -> bool:
        """Whether every embedding is compared, since no distance tells which are the nearest."""
        return self.similarity.kind == "logistic" and len(self.embeddings) <= _BLOCK

    @cached_property
    def _metric(self) -> Any:
        import faiss

        if self.similarity.kind == "manhattan" and self.similarity.n_encoders > 1:
            return None
        l1, product = faiss.METRIC_L1, faiss.METRIC_INNER_PRODUCT
        kinds = {"manhattan": l1, "learned": l1, "logistic": l1, "cosine": product}
        return kinds.get(self.similarity.kind)

    @cached_property
    def _lists(self) -> Any:
        """The faiss index of embeddings, in lists by the nearest of sqrt(n) centres."""
        import faiss

        n = len(self.embeddings)
        n_lists = max(1, int(n**0.5))
        sample = np.random.default_rng(0).permutation(n)[: _TRAINING_PER_LIST * n_lists]
        points = self._points(self.embeddings[sample])
        width = points.shape[1]
        index = faiss.IndexIVFFlat(faiss.IndexFlat(width, self._metric), width, n_lists, self._metric)
        index.cp.niter, index.cp.min_points_per_centroid = 10, 1
        index.nprobe = _LISTS_SEARCHED
        index.train(points)
        for block in _blocks(n, _BLOCK):
            index.add(self._points(self.embeddings[block]))
        return index

    def _points(self, embeddings: np.ndarray) -> np.ndarray:
        """Return embeddings as faiss compares them, float32 (n, width).

        For cosine each encoder's part is scaled to one length; for logistic a coordinate counts as much as
        its difference does, and those without one are left out.
        """
        if self.similarity.kind == "logistic":
            networks = [of for of in self.similarity.networks if isinstance(of, PairRegression)]
            weights = [np.maximum(-network.difference, 0).astype(np.float32) for network in networks]
            parts = np.split(embeddings, len(weights), axis=1)
            return np.hstack([part[:, : len(of)] * of for part, of in zip(parts, weights, strict=True)])
        if self.similarity.kind != "cosine":
            return embeddings
        n, parts = len(embeddings), self.similarity.n_encoders
        by_encoder = embeddings.reshape(n, parts, -1)
        lengths = np.sqrt(np.einsum("ijk,ijk->ij", by_encoder, by_encoder, dtype=np.float64) * parts)
        shortest = np.finfo(np.float32).tiny
        return (by_encoder / np.maximum(lengths, shortest).astype(np.float32)[:, :, None]).reshape(n, -1)

    def _ceiling(self, distances: np.ndarray) -> np.ndarray:
        """Return an upper bound of the similarity at these distances, with a rounding unit for each sum."""
        slack = (self.embeddings.shape[1] + 2) * float(np.finfo(np.float32).eps)
        if self.similarity.kind == "cosine":
            return self.similarity.calibrated(np.minimum((1 - distances + 2 * slack) / 2, 1))
        return self.similarity.calibrated(np.exp(-distances * (1 - slack)))


def _nearest(found: Iterator[tuple[np.ndarray, np.ndarray]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and positions of the n nearest to each query, in any order, of what blocks gave."""
    distances, positions = next(found)
    for of_block in found:
        distances, positions = np.hstack([distances, of_block[0]]), np.hstack([positions, of_block[1]])
        if distances.shape[1] > n:
            nearest = np.argpartition(distances, n - 1, axis=1)[:, :n]
            distances = np.take_along_axis(distances, nearest, 1)
            positions = np.take_along_axis(positions, nearest, 1)
    return distances, positions


def _on_one_core(points: np.ndarray, rows: np.ndarray, n: int, metric: Any) -> tuple[np.ndarray, ...]:
    import faiss

    # faiss' threads busy-wait for each other, which on a busy machine takes as long as the search.
    previous = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of the calling thread
    try:
        return faiss.knn(points, rows, n, metric=metric)
    finally:
        faiss.omp_set_num_threads(previous)


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
