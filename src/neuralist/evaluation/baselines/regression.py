"""Logistic regression on features of pairs: how far what lyrics tell of two songs makes them alike.

Input: features of songs, and scores of pairs by other baselines. Output: a probability for each pair.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from neuralist.evaluation.baselines.common import Pairs, Scores, TrainingPairs
from neuralist.model import soft_labels

# Of more training pairs a sample is drawn, with a fixed seed: at 165 features 100,000 take 132 MB, and up to
# twice that in the rows with labels.
MAX_PAIRS = 100_000
_PAIRS_AT_ONCE = 8192


class PairFeatures(NamedTuple):
    """What a pair is described by.

    Attributes:
        compared: of each song, float64 (n_songs, n_compared); a pair has the differences |a - b|.
        multiplied: of each song, float64 (n_songs, n_multiplied); a pair has |a - b| and the products a * b.
        scores: other baselines' scores of the training pairs and of the pairs to score, as they are.
    """

    compared: np.ndarray
    multiplied: np.ndarray
    scores: Sequence[Scores]

    def of_training(self, training: TrainingPairs, rows: np.ndarray) -> np.ndarray:
        """Features of the training pairs `rows`, float64 (n_rows, n_features)."""
        return self._stacked(training.pairs, [own for own, _ in self.scores], rows)

    def of_chunks(self, pairs: Pairs, *, of_training: bool) -> Iterator[np.ndarray]:
        """Yield features of some thousand pairs at once: of the training pairs, or of those to score."""
        columns = [own if of_training else other for own, other in self.scores]
        for start in range(0, len(pairs.left), _PAIRS_AT_ONCE):
            rows = np.arange(start, min(start + _PAIRS_AT_ONCE, len(pairs.left)))
            yield self._stacked(pairs, columns, rows)

    def _stacked(self, pairs: Pairs, columns: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
        left, right = (side[rows] for side in pairs)
        parts = [np.abs(songs[left] - songs[right]) for songs in (self.compared, self.multiplied)]
        parts.append(self.multiplied[left] * self.multiplied[right])
        return np.hstack([*parts, *(column[rows, None] for column in columns)])


def scores(features: PairFeatures, training: TrainingPairs, pairs: Pairs) -> Scores | None:
    """Return the probability that the training pairs and the pairs to score are similar.

    Features are standardised on the training pairs.

    Returns:
        None where the training pairs are all of similarity 0, or all of 1.
    """
    from sklearn.preprocessing import StandardScaler

    rows = soft_labels.sample(len(training.similarity), MAX_PAIRS)
    scaler = StandardScaler(copy=False)
    learned = scaler.fit_transform(features.of_training(training, rows))
    model = soft_labels.fit(learned, training.similarity[rows], training.weight[rows])
    if model is None:
        return None

    def probability(chunks: Iterator[np.ndarray]) -> np.ndarray:
        predicted = [model.predict_proba(scaler.transform(chunk))[:, 1] for chunk in chunks]
        return np.concatenate([np.zeros(0), *predicted])

    return (
        probability(features.of_chunks(training.pairs, of_training=True)),
        probability(features.of_chunks(pairs, of_training=False)),
    )
