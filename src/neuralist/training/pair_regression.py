"""Learn how what lyrics tell of two songs makes them similar, by a logistic regression.

Input: predictions of the heads for the training songs, each by a fit without the song, and the training
pairs. Output: `similarity.PairRegression` of predictions, to judge a trained model's by.

The ridge teacher's leave-one-out predictions are used, and not the model's own: those of songs that it was
trained on are nearer to the truth than those of other songs, and would be trusted too much. On val of the
Million Song subset the regression is applied to the mean answers of LSTM and bag of words.
"""

import numpy as np

from neuralist.model import soft_labels
from neuralist.model.similarity import PairRegression

NEAR = 0.01  # share of the mean distance of training pairs at which a song is nearly the same
_AT_MOST = 300_000  # pairs; of more a sample is drawn, with a fixed seed


def fit(
    answers: np.ndarray, left: np.ndarray, right: np.ndarray, similarity: np.ndarray, weight: np.ndarray
) -> PairRegression | None:
    """Fit the regression; None where all pairs are similar, or all dissimilar.

    Args:
        answers: standardised predictions, float (n_songs, n_heads), finite.
        left: positions of the pairs' first songs, int (n_pairs,).
        right: of the second.
        similarity: in [0, 1], float (n_pairs,).
        weight: the number of pairs that each represents, float (n_pairs,).
    """
    rows = soft_labels.sample(len(left), _AT_MOST)
    left, right = left[rows], right[rows]
    apart, product = np.abs(answers[left] - answers[right]), answers[left] * answers[right]
    features = np.hstack([apart, product])
    deviation = features.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    model = soft_labels.fit(features / scale, similarity[rows], weight[rows])
    if model is None:
        return None
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
