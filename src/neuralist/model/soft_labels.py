"""Logistic regression from pairs' similarities, as soft labels: for a model, and for a baseline.

Input: features, float64 (n_pairs, n_features), standardised; similarities and weights. Output: scikit-learn's
regression of being similar.
"""

from typing import Any

import numpy as np

PENALTY = 1000.0  # scikit-learn's 1 / C; chosen on val of the Million Song subset, five folds


def sample(n_pairs: int, at_most: int) -> np.ndarray:
    """Return ascending positions of pairs: all, or a sample of `at_most`, by a fixed seed."""
    if n_pairs <= at_most:
        return np.arange(n_pairs)
    return np.sort(np.random.default_rng(0).choice(n_pairs, at_most, replace=False))


def fit(features: np.ndarray, similarity: np.ndarray, weight: np.ndarray) -> Any:
    """Fit the regression; None where all pairs are of similarity 0, or all of 1.

    A pair of similarity 0.7 counts as 0.7 of a similar one and 0.3 of a dissimilar one, times its weight. On
    five real val folds that ranks as well as counting each listed pair as a whole one, and it serves graded
    pairs, too.

    Args:
        features: of the pairs.
        similarity: in [0, 1], float64 (n_pairs,).
        weight: above 0, float64 (n_pairs,); what counts is its ratio to the mean.

    Returns:
        A fitted LogisticRegression of scikit-learn, or None.
    """
    from sklearn.linear_model import LogisticRegression  # 1 s to import

    # A pair whose similarity is neither 0 nor 1 comes twice, once with each label.
    positive, negative = np.flatnonzero(similarity > 0), np.flatnonzero(similarity < 1)
    if not len(positive) or not len(negative):
        return None
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    weights = np.concatenate([(weight * similarity)[positive], (weight * (1 - similarity))[negative]])
    model = LogisticRegression(C=1 / PENALTY, max_iter=500)
    return model.fit(
        features[np.concatenate([positive, negative])], labels, sample_weight=weights / weight.mean()
    )
