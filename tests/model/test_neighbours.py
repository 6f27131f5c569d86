"""The nearest embeddings: those of scipy, in one order, however they tie and whatever is left out."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance

from neuralist.model import neighbours
from neuralist.model.neighbours import Neighbours
from neuralist.model.similarity import Calibration, PairRegression, Similarity, Steepness

# Flat for distances from 3 on: all of these are equally alike.
FLAT = Calibration(np.array([np.exp(-3), 1.0]), np.array([0.25, 1.0]))


def _made(n: int, width: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def _expected(distances: np.ndarray, k: int, allowed: np.ndarray) -> list[list[int]]:
    """Of equally near ones the first; distances (n_queries, n)."""
    return [
        sorted(np.flatnonzero(allowed).tolist(), key=lambda at, row=row: (row[at], at))[:k]
        for row in distances
    ]


def _positions(found: list[neighbours.Near]) -> list[list[int]]:
    return [near.positions.tolist() for near in found]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_nearest_are_those_of_scipy_with_ties_in_order(data: st.DataObject) -> None:
    # On a grid distances are exact, and most of them tie.
    n, width = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 3))
    grid = st.lists(st.integers(0, 2), min_size=width, max_size=width)
    embeddings, queries = (
        np.array(data.draw(st.lists(grid, min_size=size, max_size=most)), np.float32).reshape(-1, width)
        for size, most in ((n, n), (0, 3))
    )
    k = data.draw(st.integers(0, 50))
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    every = np.ones(n, dtype=bool)
    apart = distance.cdist(queries, embeddings, "cityblock") if n else np.empty((len(queries), 0))

    with patch.multiple(neighbours, _BLOCK=7, _COMPARED=3, _SPARE=data.draw(st.integers(0, 3))):
        plain = Neighbours(embeddings, Similarity("manhattan"))
        curved = Neighbours(embeddings, Similarity("manhattan", FLAT))
        assert _positions(plain.nearest(queries, k)) == _expected(apart, k, every)
        assert _positions(plain.nearest(queries, k, allowed)) == _expected(apart, k, allowed)
        assert _positions(curved.nearest(queries, k, allowed)) == _expected(np.minimum(apart, 3), k, allowed)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_of_each_group_the_nearest_counts_as_by_brute_force(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(1, 60)), data.draw(st.integers(0, 12))
    # A few large groups: of the nearest, most may be of one.
    groups = np.array(data.draw(st.lists(st.integers(0, 12), min_size=n, max_size=n)))
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    embeddings, queries = (
        np.random.default_rng(seed).integers(0, 6, (size, 2)).astype(np.float32)
        for seed, size in enumerate((n, 3))
    )
    expected = []
    for positions in _expected(distance.cdist(queries, embeddings, "cityblock"), n, allowed):
        nearest_of = {groups[position]: position for position in reversed(positions)}
        expected.append([position for position in positions if nearest_of[groups[position]] == position][:k])
    with patch.multiple(neighbours, _BLOCK=7, _COMPARED=3, _SPARE=1):
        searched = Neighbours(embeddings, Similarity("manhattan"))
        assert _positions(searched.nearest_of_groups(queries, k, groups, allowed)) == expected


def test_an_approximate_search_still_gives_k_groups() -> None:
    # The ten nearest lists hold hundreds of one group.
    embeddings = _made(2000)
    groups = np.where(np.arange(2000) % 10, 0, np.arange(2000))
    found = Neighbours(embeddings, Similarity("manhattan")).nearest_of_groups(
        embeddings[:5], 20, groups, approximate=True
    )
    for near in found:
        assert len(near.positions) == len(set(groups[near.positions].tolist())) == 20
        assert (np.diff(near.similarity) <= 0).all()


@pytest.mark.parametrize("kind", ["manhattan", "euclidean", "cosine"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_each_similarity_is_searched_exactly(kind: str, share: float) -> None:
    embeddings, queries = _made(2000), _made(5, seed=1)
    allowed = np.random.default_rng(2).random(2000) < share
    apart = distance.cdist(queries, embeddings, {"manhattan": "cityblock"}.get(kind, kind))
    if kind == "euclidean":
        apart /= np.linalg.norm(queries, axis=1)[:, None] + np.linalg.norm(embeddings, axis=1)

    with patch.object(neighbours, "_BLOCK", 300):
        found = Neighbours(embeddings, Similarity(kind)).nearest(queries, 7, allowed)

    assert _positions(found) == _expected(apart, 7, allowed)
    alike = np.exp(-apart) if kind == "manhattan" else 1 - apart / (2 if kind == "cosine" else 1)
    for row, near in enumerate(found):
        np.testing.assert_allclose(near.similarity, alike[row, near.positions], rtol=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_of_a_learned_similarity_the_nearest_hundred_allowed_are_ranked(
    share: float,
) -> None:
    rng = np.random.default_rng(3)
    network = Steepness(*(rng.normal(size=shape) for shape in ((8, 4), (8, 4), (4,), (4,), ())))
    similarity = Similarity("learned", networks=(network,))
    embeddings, [query] = _made(2000), _made(1, seed=1)
    mask = rng.random(2000) < share
    allowed = np.flatnonzero(mask)

    [near] = Neighbours(embeddings, similarity).nearest(query[None], 7, None if share == 1 else mask)

    by_distance = np.argsort(np.abs(embeddings[allowed] - query).sum(axis=1))
    hundred = np.sort(allowed[by_distance[:100]])
    alike = similarity(query[None], embeddings[hundred])
    assert near.positions.tolist() == hundred[np.argsort(-alike)[:7]].tolist()
    assert near.similarity.tolist() == sorted(alike, reverse=True)[:7]


def _regression(seed: int = 4) -> Similarity:
    """A similarity that also weighs what two songs share; two of the differences count for nothing."""
    rng = np.random.default_rng(seed)
    difference, product = -rng.uniform(0.2, 1, size=8), rng.normal(size=8) / 5
    difference[:2] = 0.1
    network = PairRegression(difference, product, np.array(0.5), np.array(0.01))
    return Similarity("logistic", networks=(network,))


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_by_a_pair_regression_every_song_of_a_small_catalogue_is_compared(share: float) -> None:
    similarity, embeddings, queries = _regression(), _made(2000), _made(5, seed=1)
    allowed = np.random.default_rng(2).random(2000) < share

    found = Neighbours(embeddings, similarity).nearest(queries, 7, allowed)

    alike = np.array([similarity(query[None], embeddings) for query in queries])
    assert _positions(found) == _expected(-alike, 7, allowed)


def test_by_a_pair_regression_candidates_of_a_large_catalogue_are_the_nearest() -> None:
    similarity, embeddings, [query] = _regression(), _made(2000), _made(1, seed=1)
    with patch.object(neighbours, "_BLOCK", 300), patch.dict(neighbours._CANDIDATES, {"logistic": 100}):
        [near] = Neighbours(embeddings, similarity).nearest(query[None], 7)

    [network] = similarity.networks
    assert isinstance(network, PairRegression)
    apart = np.abs(embeddings - query) @ np.maximum(-network.difference, 0)
    hundred = np.sort(np.argsort(apart)[:100])
    alike = similarity(query[None], embeddings[hundred])
    assert near.positions.tolist() == hundred[np.argsort(-alike)[:7]].tolist()


@pytest.mark.parametrize("kind", ["manhattan", "cosine", "euclidean"])
def test_of_an_ensemble_the_mean_of_the_similarities_is_searched(kind: str) -> None:
    embeddings, queries = _made(2000), _made(5, seed=1)
    parts = []
    for half in (slice(0, 4), slice(4, 8)):
        name = {"manhattan": "cityblock"}.get(kind, kind)
        apart = distance.cdist(queries[:, half], embeddings[:, half], name)
        if kind == "euclidean":
            lengths = [np.linalg.norm(side[:, half], axis=1) for side in (queries, embeddings)]
            apart /= np.add.outer(*lengths)
        parts.append(1 - np.exp(-apart) if kind == "manhattan" else apart)
    nearest = Neighbours(embeddings, Similarity(kind, n_encoders=2)).nearest(queries, 7)
    assert _positions(nearest) == _expected(np.mean(parts, axis=0), 7, np.ones(2000, dtype=bool))


def test_differences_below_single_precision_decide() -> None:
    # Their distances from 0, 1 + i * 2^-30 with i falling, all are 1 in single precision.
    embeddings = np.array([(1, i * 2.0**-30) for i in range(60, 0, -1)], dtype=np.float32)
    [near] = Neighbours(embeddings, Similarity("manhattan")).nearest(np.zeros((1, 2), np.float32), 3)
    assert near.positions.tolist() == [59, 58, 57]


def test_candidates_settle_what_does_not_tie() -> None:
    searched = Neighbours(_made(2000), Similarity("manhattan"))
    allowed = np.arange(2000) % 100 == 0
    with patch.object(Neighbours, "_compare_all", side_effect=AssertionError("compared one by one")):
        searched.nearest(_made(50, seed=1), 10)
        searched.nearest(_made(50, seed=1), 10, allowed)


@pytest.mark.parametrize("kind", ["manhattan", "cosine"])
def test_an_approximate_search_finds_nearly_all(kind: str) -> None:
    # Of 77 lists it searches 24.
    searched, queries = Neighbours(_made(6000, width=4), Similarity(kind)), _made(40, width=4, seed=1)
    exact, found = (searched.nearest(queries, 10, approximate=approximate) for approximate in (False, True))
    common = [
        len(np.intersect1d(one.positions, other.positions)) for one, other in zip(exact, found, strict=True)
    ]
    assert np.mean(common) >= 9.9


def test_an_approximate_search_gives_as_many_as_are_allowed() -> None:
    allowed = np.arange(6000) % 1000 == 0
    [near] = Neighbours(_made(6000), Similarity("manhattan")).nearest(
        _made(1, seed=1), 10, allowed, approximate=True
    )
    assert sorted(near.positions.tolist()) == [0, 1000, 2000, 3000, 4000, 5000]


def test_euclidean_similarity_has_no_approximate_search() -> None:
    with pytest.raises(ValueError, match="approximate: not known for similarity euclidean"):
        Neighbours(_made(5), Similarity("euclidean")).nearest(_made(1), 1, approximate=True)


def test_coordinates_with_products_alone_rank_but_choose_no_candidates() -> None:
    [network] = _regression().networks
    assert isinstance(network, PairRegression)
    similarity = Similarity("logistic", networks=(network._replace(difference=network.difference[:5]),))
    embeddings, [query] = _made(2000), _made(1, seed=1)
    with patch.object(neighbours, "_BLOCK", 300), patch.dict(neighbours._CANDIDATES, {"logistic": 100}):
        [near] = Neighbours(embeddings, similarity).nearest(query[None], 7)

    apart = np.abs(embeddings - query)[:, :5] @ np.maximum(-network.difference[:5], 0)
    hundred = np.sort(np.argsort(apart)[:100])
    alike = similarity(query[None], embeddings[hundred])
    assert near.positions.tolist() == hundred[np.argsort(-alike)[:7]].tolist()
