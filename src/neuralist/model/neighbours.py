"""The embeddings nearest to queries, by a model's similarity; of equally near ones the first.

Input: embeddings float32 (n, width), queries float32 (n_queries, width). Output: positions and similarities.
faiss finds candidates in single precision, a few more than wanted; similarities in double precision rank
them. Where rounding or ties leave open whether another comes as near, and for similarity euclidean, which is
no distance of faiss, all are compared one by one: the answer is the same, and takes a hundred times as long.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from neuralist.model.similarity import Similarity

# Compared at once: 13 MB at 50 units, which stay in the processor's cache for all queries.
_BLOCK = 65_536
# Candidates beyond those wanted: songs with equal lyrics are equally near, and settle nothing.
_SPARE = 16
# An approximate search looks into this many of sqrt(n) lists. Of 584,897 made embeddings whose neighbours are
# as those of a trained model it finds 0.99 and more of the nearest ten.
_LISTS_SEARCHED = 24
_OF_A_LIST = 64  # embeddings that place its centre
_LOWER_THAN_ANY = -1.0


class Near(NamedTuple):
    """The nearest of one query, nearest first."""

    positions: np.ndarray  # int64 (k,)
    similarity: np.ndarray  # float64 (k,)


class Neighbours:
    """Embeddings to be searched.

    Args:
        embeddings: float32 (n, width).
        similarity: by which they are near.
    """

    def __init__(self, embeddings: np.ndarray, similarity: Similarity) -> None:
        self.embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self.similarity = similarity

    def nearest(
        self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None, *, approximate: bool = False
    ) -> list[Near]:
        """The k nearest to each query; fewer where fewer are allowed.

        Args:
            queries: float32 (n_queries, width).
            k: 0 or more.
            allowed: bool (n,), which may be found; None: all.
            approximate: may miss some, in a tenth of the time among half a million. The first call sorts the
                embeddings into lists, which takes seconds and as much memory again.

        Raises:
            ValueError: approximate, by similarity euclidean.
        """
        if approximate and self._metric is None:
            raise ValueError("approximate: not known for similarity euclidean; ask for the exact search")
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        k = min(k, len(self.embeddings) if allowed is None else int(np.count_nonzero(allowed)))
        found: list[Near | None] = [None] * len(queries)
        # Most often the nearest of all are allowed too, and picking those that are takes ten times as long.
        for pool in [None] if allowed is None else [None, allowed]:
            rest = [row for row, near in enumerate(found) if near is None]
            if not rest or not k or self._metric is None:
                break
            search = self._listed if approximate and pool is None else self._scanned
            for row, *candidates in zip(rest, *search(queries[rest], k + _SPARE, pool), strict=True):
                found[row] = self._settled(queries[row], k, allowed, *candidates)
        return [near or self._compared(query, k, allowed) for near, query in zip(found, queries, strict=True)]

    def _settled(
        self, query: np.ndarray, k: int, allowed: np.ndarray | None, positions: np.ndarray, ceiling: float
    ) -> Near | None:
        """The k nearest of the candidates; None where songs left out, at most `ceiling` alike, may be too."""
        positions = np.sort(positions[positions >= 0])
        if allowed is not None:
            positions = positions[allowed[positions]]
        similarity = self.similarity(query[None], self.embeddings[positions])
        if np.count_nonzero(similarity > ceiling) < k:
            return None
        order = np.argsort(-similarity, kind="stable")[:k]
        return Near(positions[order], similarity[order])

    def _compared(self, query: np.ndarray, k: int, allowed: np.ndarray | None) -> Near:
        """The k nearest, by the similarity of every one that is allowed."""
        pool = np.arange(len(self.embeddings)) if allowed is None else np.flatnonzero(allowed)
        parts = [self.similarity(query[None], self.embeddings[pool[block]]) for block in _blocks(len(pool))]
        similarity = np.concatenate([*parts, np.empty(0)])
        near = np.arange(len(pool))
        if 0 < k < len(pool):
            near = np.flatnonzero(similarity >= np.partition(similarity, -k)[-k])
        near = near[np.argsort(-similarity[near], kind="stable")][:k]
        return Near(pool[near], similarity[near])

    def _scanned(
        self, queries: np.ndarray, n: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The n allowed ones nearest in single precision, and what all others' similarity is at most."""
        pool = None if allowed is None else np.flatnonzero(allowed)
        size = len(self.embeddings) if pool is None else len(pool)
        points = self._points(queries)
        distances = np.empty((len(queries), 0), dtype=np.float32)
        positions = np.empty((len(queries), 0), dtype=np.int64)
        for block in _blocks(size):
            rows = self._points(self.embeddings[block if pool is None else pool[block]])
            scores, found = _on_all_cores(points, rows, min(n, len(rows)), self._metric)
            found = np.where(found < 0, -1, found + block.start)
            distances = np.hstack([distances, self._distances(scores)])
            positions = np.hstack([positions, found])
            order = np.argsort(distances, axis=1)[:, :n]
            distances = np.take_along_axis(distances, order, 1)
            positions = np.take_along_axis(positions, order, 1)
        ceiling = np.full(len(queries), _LOWER_THAN_ANY)
        if n < size:
            ceiling = self._ceiling(distances[:, -1].astype(np.float64))
        return positions if pool is None else np.where(positions < 0, -1, pool[positions]), ceiling

    def _listed(self, queries: np.ndarray, n: int, _: None) -> tuple[np.ndarray, np.ndarray]:
        """The n nearest of the lists that are searched; of the others nothing is known."""
        positions = self._lists.search(self._points(queries), n)[1]
        return positions, np.full(len(queries), _LOWER_THAN_ANY)

    @cached_property
    def _metric(self) -> Any:
        import faiss

        known = {"manhattan": faiss.METRIC_L1, "cosine": faiss.METRIC_INNER_PRODUCT}
        return known.get(self.similarity.kind)

    @cached_property
    def _lists(self) -> Any:
        """Embeddings by the nearest of sqrt(n) centres."""
        import faiss

        n, width = self.embeddings.shape
        n_lists = max(1, int(n**0.5))
        index = faiss.IndexIVFFlat(faiss.IndexFlat(width, self._metric), width, n_lists, self._metric)
        index.cp.niter, index.cp.min_points_per_centroid = 10, 1
        index.nprobe = _LISTS_SEARCHED
        drawn = np.random.default_rng(0).permutation(n)[: _OF_A_LIST * n_lists]
        index.train(self._points(self.embeddings[drawn]))
        for block in _blocks(n):
            index.add(self._points(self.embeddings[block]))
        return index

    def _points(self, embeddings: np.ndarray) -> np.ndarray:
        """Embeddings as faiss compares them: for cosine of length 1."""
        if self.similarity.kind != "cosine":
            return embeddings
        lengths = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float64))
        return embeddings / np.maximum(lengths, np.finfo(np.float32).tiny).astype(np.float32)[:, None]

    def _distances(self, scores: np.ndarray) -> np.ndarray:
        return -scores if self.similarity.kind == "cosine" else scores

    def _ceiling(self, distances: np.ndarray) -> np.ndarray:
        """The similarity at these distances, less what their rounding may be: a unit for each sum."""
        slack = (self.embeddings.shape[1] + 2) * float(np.finfo(np.float32).eps)
        if self.similarity.kind == "cosine":
            return self.similarity.calibrated(np.minimum((1 - distances + 2 * slack) / 2, 1))
        return self.similarity.calibrated(np.exp(-distances * (1 - slack)))


def _on_all_cores(points: np.ndarray, rows: np.ndarray, n: int, metric: Any) -> tuple[np.ndarray, ...]:
    """The n rows nearest to each point: what faiss calls distances, and their numbers."""
    parts = np.array_split(points, min(len(points), os.cpu_count() or 1))
    search = partial(_on_one_core, rows=rows, n=n, metric=metric)
    if len(parts) == 1:
        return search(points)
    with ThreadPoolExecutor(len(parts)) as pool:
        return tuple(map(np.concatenate, zip(*pool.map(search, parts), strict=True)))


def _on_one_core(points: np.ndarray, rows: np.ndarray, n: int, metric: Any) -> tuple[np.ndarray, ...]:
    import faiss

    # faiss's own threads wait for each other in a loop: on a busy machine that takes as long as the search.
    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of the calling thread
    try:
        return faiss.knn(points, rows, n, metric=metric)
    finally:
        faiss.omp_set_num_threads(usual)


def _blocks(n: int) -> Iterable[slice]:
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))
