"""Calibration: rising, without steps, and through the means of scikit-learn's isotonic regression."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import IsotonicRegression
from tests import made_records

from neuralist.model import similarity as module
from neuralist.model.similarity import Calibration, Similarity, Steepness

unit = st.floats(0, 1, allow_subnormal=False)
pairs = st.lists(st.tuples(unit, unit, st.floats(0.5, 20)), min_size=1, max_size=30)


@given(pairs)
def test_the_curve_rises_from_zero_to_one_at_every_knot(found: list[tuple[float, float, float]]) -> None:
    curve = Calibration.fit(*np.array(found).T)
    assert (np.diff(curve.raw) > 0).all()
    assert (np.diff(curve.expected) >= 0).all()
    assert curve(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


@given(pairs)
def test_different_values_get_different_similarities(found: list[tuple[float, float, float]]) -> None:
    raw, similarity, weight = np.array(found).T
    values = np.linspace(0, 1, 11)
    assert (np.diff(Calibration.fit(raw.round(2), similarity.round(2), weight)(values)) > 0).all()


@given(pairs)
def test_each_step_of_isotonic_regression_is_met_at_its_mean(found: list[tuple[float, float, float]]) -> None:
    raw, similarity, weight = np.array(found).T
    raw = 0.001 + 0.998 * raw.round(3)  # 0 and 1 have values of their own
    theirs = IsotonicRegression().fit(raw, similarity, sample_weight=weight).predict(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEP", 1)
        curve = Calibration.fit(raw, similarity, weight)
    for value in np.unique(theirs):
        mean = np.average(raw[theirs == value], weights=weight[theirs == value])
        assert curve(np.array([mean]))[0] == pytest.approx(0.999 * value + 0.001 * mean, abs=1e-6)


@given(st.integers(1, 200), st.integers(0, 99))
def test_a_knot_stands_for_thirty_pairs_or_more(n_pairs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.01, 0.99, n_pairs)
    curve = Calibration.fit(raw, rng.uniform(0, 1, n_pairs), np.ones(n_pairs))
    assert 1 <= len(curve.raw) - 2 <= max(1, n_pairs // 30)


def test_a_single_pair_at_the_top_does_not_decide() -> None:
    # Sixty pairs of 0.2, half of them at 0.1 and half at 0.3; then a pair of 1 at 0.9.
    raw = np.repeat([0.1, 0.3, 0.9], [30, 30, 1])
    curve = Calibration.fit(raw, np.repeat([0.2, 1.0], [60, 1]), np.ones(61))
    mean, similarity = (30 * 0.1 + 30 * 0.3 + 0.9) / 61, (60 * 0.2 + 1) / 61
    np.testing.assert_allclose(curve.raw, [0, mean, 1])
    np.testing.assert_allclose(curve.expected, [0, 0.999 * similarity + 0.001 * mean, 1])


def test_a_pair_of_weight_two_counts_as_two_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 1)
    raw, similarity = np.array([0.2, 0.4, 0.4, 0.8]), np.array([0.6, 0.2, 0.2, 0.9])
    twice = Calibration.fit(raw, similarity, np.ones(4))
    weighed = Calibration.fit(raw[[0, 1, 3]], similarity[[0, 1, 3]], np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(twice.expected, weighed.expected)
    # The first two are a step of (0.6 + 2 * 0.2) / 3 at the mean (0.2 + 2 * 0.4) / 3.
    assert twice(np.array([1 / 3])).tolist() == pytest.approx([0.999 / 3 + 0.001 / 3])


def test_a_trained_experiments_similarity_is_read_with_its_curve() -> None:
    curve = {"raw": [0.0, 0.5, 1.0], "expected": [0, 0.1, 1]}
    similarity = Similarity.load(made_records.trained(calibration=curve), Path())
    # exp(-ln 2) = 0.5 and exp(-ln 4) = 0.25
    left, right = np.zeros((3, 1)), np.log([[2.0], [4.0], [1.0]])
    assert similarity(left, right).tolist() == pytest.approx([0.1, 0.05, 1.0])
    cosine = made_records.trained(settings={"similarity": "cosine"})
    assert Similarity.load(cosine, Path()) == Similarity("cosine")


@pytest.mark.parametrize("n_encoders", [1, 2])
def test_the_network_of_a_learned_similarity_is_read_from_the_folder(n_encoders: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    networks = tuple(
        Steepness(*(rng.normal(size=shape) for shape in ((3, 2), (3, 2), (2,), (2,), ())))
        for _ in range(n_encoders)
    )
    similarity = Similarity("learned", networks=networks, n_encoders=n_encoders)
    similarity.save(tmp_path)
    first = (tmp_path / "similarity.npz").read_bytes()
    similarity.save(tmp_path)
    assert (tmp_path / "similarity.npz").read_bytes() == first
    trained = made_records.trained(settings={"similarity": "learned", "ensemble": n_encoders})
    left, right = rng.normal(size=(2, 5, 3 * n_encoders))
    loaded = Similarity.load(trained, tmp_path)
    np.testing.assert_array_equal(loaded(left, right), similarity(left, right))
    others = made_records.trained(settings={"similarity": "learned", "ensemble": 3})
    with pytest.raises(ValueError, match=r"similarity\.npz: expected finite weights of 3 networks"):
        Similarity.load(others, tmp_path)
    (tmp_path / "similarity.npz").write_bytes(first[:100])
    with pytest.raises(ValueError, match=r"similarity\.npz: not readable .*; run `dvc repro`"):
        Similarity.load(trained, tmp_path)
    (tmp_path / "similarity.npz").unlink()
    with pytest.raises(ValueError, match=r"similarity\.npz: missing; run `dvc repro`"):
        Similarity.load(trained, tmp_path)


def test_the_similarity_of_an_ensemble_is_the_mean_of_its_encoders() -> None:
    # Of the first encoder exp(-ln 2) = 1/2, of the second exp(-(ln 2 + ln 2)) = 1/4.
    left, right = np.zeros((1, 4)), np.log([[2.0, 1.0, 2.0, 2.0]])
    assert Similarity("manhattan", n_encoders=2)(left, right).tolist() == pytest.approx([3 / 8])
    # Cosines of 1 and 0, that is 1 and 1/2; the lengths of the parts do not matter.
    left, right = np.array([[1.0, 1.0, 0.0, 9.0]]), np.array([[4.0, 4.0, 0.1, 0.0]])
    assert Similarity("cosine", n_encoders=2)(left, right).tolist() == pytest.approx([3 / 4])
    # A distance of 3 between lengths of 1 and 2, that is 0, and one of 0, that is 1.
    left, right = np.array([[1.0, 3.0]]), np.array([[-2.0, 3.0]])
    assert Similarity("euclidean", n_encoders=2)(left, right).tolist() == pytest.approx([1 / 2])


def test_an_ensemble_with_a_learned_similarity_has_a_network_for_each_encoder() -> None:
    with pytest.raises(ValueError, match="learned of 3 encoders with 0 networks; give 3"):
        Similarity("learned", n_encoders=3)


@given(arrays(float, (2, 4, 3), elements=st.floats(-1, 1)), st.integers(0, 9))
def test_a_learned_similarity_is_symmetric_in_range_and_one_for_equal_embeddings(
    pairs: np.ndarray, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    network = Steepness(*(rng.normal(size=shape) for shape in ((3, 2), (3, 2), (2,), (2,), ())))
    similarity, (left, right) = Similarity("learned", networks=(network,)), pairs
    assert similarity(left, right).tolist() == similarity(right, left).tolist()
    assert np.all((similarity(left, right) >= 0) & (similarity(left, right) <= 1))
    assert similarity(left, left).tolist() == [1.0] * 4
