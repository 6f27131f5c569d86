"""Calibration: monotone, equal to scikit-learn's isotonic regression but for the thousandth mixed in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from tests import made_records

from neuralist.model.similarity import Calibration, Similarity

unit = st.floats(0, 1, allow_subnormal=False)
pairs = st.lists(st.tuples(unit, unit, st.floats(0.5, 20)), min_size=1, max_size=30)


@given(pairs)
def test_the_curve_never_falls_and_ends_in_one(found: list[tuple[float, float, float]]) -> None:
    curve = Calibration.fit(*np.array(found).T)
    expected = curve(np.linspace(0, 1, 101))
    assert (np.diff(expected) >= 0).all()
    assert expected.min() >= 0
    assert curve(np.array([1.0])).tolist() == [1.0]


@given(pairs)
def test_at_the_val_pairs_it_is_isotonic_regression(found: list[tuple[float, float, float]]) -> None:
    raw, similarity, weight = np.array(found).T
    raw = raw.round(3) * 0.999  # none is 1, which has a value of its own
    theirs = IsotonicRegression().fit(raw, similarity, sample_weight=weight).predict(raw)
    ours = Calibration.fit(raw, similarity, weight)(raw)
    np.testing.assert_allclose(ours, 0.999 * theirs + 0.001 * raw, atol=1e-6)


def test_a_pair_of_weight_two_counts_as_two_pairs() -> None:
    raw, similarity = np.array([0.2, 0.4, 0.4, 0.8]), np.array([0.6, 0.2, 0.2, 0.9])
    twice = Calibration.fit(raw, similarity, np.ones(4))
    weighed = Calibration.fit(raw[[0, 1, 3]], similarity[[0, 1, 3]], np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(twice.expected, weighed.expected)
    # the first two rise together: (0.6 + 2 * 0.2) / 3
    assert twice(np.array([0.3])).tolist() == pytest.approx([0.999 / 3 + 0.0003])


def test_a_trained_experiments_similarity_is_read_with_its_curve() -> None:
    curve = {"raw": [0.0, 0.5, 1.0], "expected": [0, 0.1, 1]}
    similarity = Similarity.of(made_records.trained(calibration=curve))
    # exp(-ln 2) = 0.5 and exp(-ln 4) = 0.25
    left, right = np.zeros((3, 1)), np.log([[2.0], [4.0], [1.0]])
    assert similarity(left, right).tolist() == pytest.approx([0.1, 0.05, 1.0])
    assert Similarity.of(made_records.trained(settings={"similarity": "cosine"})) == Similarity("cosine")
