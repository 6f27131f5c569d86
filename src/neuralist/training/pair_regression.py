"""Learn how what lyrics tell of two songs makes them similar, by a logistic regression.

Input: predictions of the heads for the training songs, each by a fit without the song, and the training
pairs. Output: `similarity.PairRegression` of predictions, to judge a trained model's by.

The ridge teacher's leave-one-out predictions are used, and not the model's own: those of songs that it was
trained on are nearer to the truth than those of other songs, and would be trusted too much. On val of the
Million Song subset the regression is applied to the mean answers of LSTM and bag of words.
"""

from typing import Any

import numpy as np

from neuralist.model.similarity import PairRegression

PENALTY = 1000.0  # scikit-learn's 1 / C; chosen on val of the Million Song subset
NEAR = 0.01  # share of the mean distance of training pairs at which a song is nearly the same
_AT_MOST = 300_000  # pairs; of more a sample is drawn, with a fixed seed


def fit(
    answers: np.ndarray, left: np.ndarray, right: np.ndarray, similarity: np.ndarray, weight: np.ndarray
) -> PairRegression | None:
    """Fit the regression; None where all pairs are similar, or all dissimilar.

    A pair of similarity s counts as s of a similar pair and 1 - s of a dissimilar one.

    Args:
        answers: standardised predictions, float (n_songs, n_heads), finite.
        left: positions of the pairs' first songs, int (n_pairs,).
        right: of the second.
        similarity: in [0, 1], float (n_pairs,).
        weight: the number of pairs that each represents, float (n_pairs,).
    """
    from sklearn.linear_model import LogisticRegression  # 1 s to import

    if len(left) > _AT_MOST:
        drawn = np.sort(np.random.default_rng(0).choice(len(left), _AT_MOST, replace=False))
        left, right, similarity, weight = (array[drawn] for array in (left, right, similarity, weight))
    apart, product = np.abs(answers[left] - answers[right]), answers[left] * answers[right]
    features = np.hstack([apart, product])
    classes = np.repeat([1, 0], len(left))
    weights = np.concatenate([weight * similarity, weight * (1 - similarity)]) / weight.mean()
    used = weights > 0
    if len(set(classes[used].tolist())) < 2:
        return None
    deviation = features.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    standardised = np.vstack([features / scale] * 2)[used]
    model: Any = LogisticRegression(C=1 / PENALTY, max_iter=500)
    model.fit(standardised, classes[used], sample_weight=weights[used])
    difference, factors = np.split(model.coef_[0] / scale, 2)
    nearness = NEAR * apart.sum(axis=1).mean() or NEAR
    parts = (difference, factors, model.intercept_[0], nearness)
    return PairRegression(*(np.asarray(part, dtype=np.float32) for part in parts))


def of_embeddings(regression: PairRegression, scale: np.ndarray) -> PairRegression:
    """Return the regression for embeddings, whose coordinates are predictions times `scale` (n_heads,).

    A coordinate that the model has scaled to nothing cannot count.
    """
    counted = np.abs(scale) > 1e-6
    factor = np.divide(1, scale, out=np.zeros_like(scale), where=counted)
    return regression._replace(
        difference=regression.difference * np.abs(factor),
        product=regression.product * factor**2,
        nearness=regression.nearness * np.abs(scale).mean(),
    )
