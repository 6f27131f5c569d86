"""A regression on heads' answers: against scikit-learn's, on pairs whose rule is known."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuralist.model.similarity import PairRegression, Similarity
from neuralist.training import pair_regression


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Answers of 80 songs for three heads, and 2,000 pairs; alike are those near by the first head."""
    rng = np.random.default_rng(seed)
    answers = rng.normal(size=(80, 3))
    left, right = rng.integers(80, size=(2, 2000))
    alike = expit(2 - 4 * np.abs(answers[left, 0] - answers[right, 0])) > rng.random(2000)
    return answers, left, right, alike.astype(float)


def test_it_answers_as_scikit_learns_regression_on_standardised_features() -> None:
    answers, left, right, alike = made()
    weight = np.random.default_rng(1).uniform(0.5, 3, len(left))
    found = pair_regression.fit(answers, left, right, alike, weight)
    assert found is not None
    a, b = answers[left], answers[right]
    features = np.hstack([np.abs(a - b), a * b])
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.001, max_iter=500))
    theirs.fit(features, alike, logisticregression__sample_weight=weight / weight.mean())
    expected = theirs.predict_proba(features)[:, 1]
    apart = np.abs(a - b).sum(axis=1)
    expected += (1 - expected) * np.exp(-apart / (0.01 * apart.mean()))
    np.testing.assert_allclose(found.similarity(a, b), expected, atol=2e-4)


def test_the_head_that_decides_gets_the_largest_weight() -> None:
    found = pair_regression.fit(*made(), np.ones(2000))
    assert found is not None
    assert found.difference[0] == found.difference.min() < 0
    assert abs(found.difference[0]) > 3 * np.abs(found.difference[1:]).max()


def test_a_grade_counts_as_a_share_of_a_similar_and_of_a_dissimilar_pair() -> None:
    answers, left, right, _ = made()
    graded = pair_regression.fit(answers, left, right, np.full(2000, 0.25), np.ones(2000))
    twice = np.concatenate([left, left]), np.concatenate([right, right])
    split = np.repeat([1.0, 0.0], 2000), np.repeat([0.25, 0.75], 2000)
    counted = pair_regression.fit(answers, *twice, *split)
    assert graded is not None and counted is not None
    # The weights are relative to their mean, which is 1 of the first and a half of the second.
    assert graded.difference.tolist() == pytest.approx([0, 0, 0], abs=1e-4)
    assert expit(graded.offset) == pytest.approx(0.25, abs=1e-3)
    assert expit(counted.offset) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("grade", [0.0, 1.0])
def test_pairs_of_one_class_teach_nothing(grade: float) -> None:
    answers, left, right, _ = made()
    assert pair_regression.fit(answers, left, right, np.full(2000, grade), np.ones(2000)) is None


def test_of_embeddings_it_says_what_it_says_of_answers() -> None:
    answers, left, right, alike = made()
    found = pair_regression.fit(answers, left, right, alike, np.ones(2000))
    assert found is not None
    scale = np.array([0.5, -2.0, 3.0])
    scaled = pair_regression.of_embeddings(found, scale)
    a, b = answers[left], answers[right]
    far = np.abs(a - b).sum(axis=1) > 4  # where nearness, which is in other units, adds nothing
    expected = found.similarity(a, b)[far]
    np.testing.assert_allclose(scaled.similarity(a * scale, b * scale)[far], expected, rtol=1e-4, atol=1e-7)


def test_a_head_that_is_scaled_to_nothing_does_not_count() -> None:
    found = PairRegression(*map(np.float32, ([-1.0, -2.0], [0.5, 0.5], 0.25, 0.1)))
    scaled = pair_regression.of_embeddings(found, np.array([2.0, 0.0]))
    assert scaled.difference.tolist() == [-0.5, 0]
    assert scaled.product.tolist() == [0.125, 0]


def test_equal_songs_have_similarity_one_and_others_the_regressions() -> None:
    regression = PairRegression(*map(np.float32, ([-2.0], [1.0], 0.5, 0.001)))
    similarity = Similarity("logistic", networks=(regression,))
    left, right = np.array([[1.0], [1.0], [-3.0]]), np.array([[1.0], [2.0], [2.0]])
    # Differences of 0, 1 and 5, products of 1, 2 and -6.
    expected = [1, expit(0.5 - 2 + 2), expit(0.5 - 10 - 6)]
    assert similarity(left, right).tolist() == pytest.approx(expected)
    assert similarity(right, left).tolist() == similarity(left, right).tolist()


def test_embeddings_that_differ_by_rounding_are_of_equal_songs() -> None:
    # Nearness 0.1: 1e-6 apart is 1e-5 of it, 0.05 half of it. Differences and products weigh nothing.
    regression = PairRegression(*map(np.float32, ([0.0], [0.0], 0.0, 0.1)))
    left, right = np.array([[1.0], [1.0]]), np.array([[1.000001], [1.05]])
    assert regression.similarity(left, right).tolist() == pytest.approx(
        [1, 0.5 + 0.5 * np.exp(-0.5)], abs=1e-3
    )
    assert regression.similarity(left, right)[0] == 1
