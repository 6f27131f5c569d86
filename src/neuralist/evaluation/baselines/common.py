"""What baselines are fitted on, scores of pairs from song vectors, and their mapping to similarity."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from neuralist.data.pair_sets import Pairs

# Pairs whose sparse vectors are multiplied together: 300-word songs then take some 50 MB.
_PAIRS_AT_ONCE = 8192
Scores = tuple[np.ndarray, np.ndarray]  # of the training pairs and of the pairs to score, in [0, 1]


class TrainingPairs(NamedTuple):
    """Everything that a baseline may learn from.

    Attributes:
        pairs: the training pairs, listed and sampled unlisted.
        similarity: of each training pair, float64 (n_pairs,) in [0, 1].
        weight: of each training pair, float64 (n_pairs,) above 0: how many pairs it stands for.
        listed: the listed pairs; under protocol songs those of all splits, otherwise the training rows. Only
            pairs within train and pairs across splits are used.
        splits: each song's split, str (n_songs,): train, val or test; "" where it is in none.
    """

    pairs: Pairs
    similarity: np.ndarray
    weight: np.ndarray
    listed: Pairs
    splits: np.ndarray

    @property
    def songs(self) -> np.ndarray:
        """Row numbers of the training songs, also of those in no pair; int64, ascending."""
        return np.flatnonzero(self.splits == "train")

    def mean(self) -> float:
        """Weighted mean similarity of the training pairs."""
        return float(np.average(self.similarity, weights=self.weight))


def unordered_ids(pairs: Pairs, n_songs: int) -> np.ndarray:
    """One integer for each pair, int64 (n_pairs,), the same for (a, b) and (b, a)."""
    return np.minimum(*pairs) * n_songs + np.maximum(*pairs)


def to_similarity(train_scores: np.ndarray, training: TrainingPairs, pair_scores: np.ndarray) -> np.ndarray:
    """Map scores to similarities by isotonic regression, fitted on the training pairs.

    The regression is a step function, so a thousandth of the score is mixed in to rank pairs within a step.
    A score of NaN (missing) becomes the mean similarity of training pairs whose score is missing too.

    Args:
        train_scores: in [0, 1] or NaN, float64, of the training pairs; higher means more alike.
        training: the similarities to fit.
        pair_scores: as train_scores, of the pairs to score.

    Returns:
        Similarities in [0, 1] of the pairs to score.
    """
    from sklearn.isotonic import IsotonicRegression

    fitted, has_score = ~np.isnan(train_scores), ~np.isnan(pair_scores)
    rows = slice(None) if fitted.all() else ~fitted
    default = np.average(training.similarity[rows], weights=training.weight[rows])
    predictions = np.full(len(pair_scores), default)
    if fitted.any() and has_score.any():
        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        isotonic.fit(train_scores[fitted], training.similarity[fitted], sample_weight=training.weight[fitted])
        predictions[has_score] = (
            0.999 * isotonic.predict(pair_scores[has_score]) + 0.001 * pair_scores[has_score]
        )
    return predictions


def cosine_scores(vectors: np.ndarray | sparse.csr_array, training: TrainingPairs, pairs: Pairs) -> Scores:
    """`rescaled_cosine` of the training pairs and of the pairs to score."""
    return rescaled_cosine(vectors, training.pairs), rescaled_cosine(vectors, pairs)


def rescaled_cosine(vectors: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """(1 + cosine) / 2 of each pair's vectors, which have length 1; a zero vector has cosine 0 with all."""
    return np.clip((1 + inner_products(vectors, pairs)) / 2, 0, 1)


def inner_products(vectors: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """Inner product of each pair's vectors, float64 (n_pairs,)."""
    return _compared(vectors, pairs, lambda left, right: (left * right).sum(axis=1))


def inverse_distance(vectors: np.ndarray, training: TrainingPairs, pairs: Pairs) -> Scores:
    """1 / (1 + L1 distance) of each pair's vectors; the unit is the mean distance of the training pairs."""
    train_scores, pair_scores = (
        _compared(vectors, side, lambda left, right: np.abs(left - right).sum(axis=1))
        for side in (training.pairs, pairs)
    )
    unit = train_scores.mean() or 1.0
    return 1 / (1 + train_scores / unit), 1 / (1 + pair_scores / unit)


def _compared(vectors: Any, pairs: Pairs, compare: Callable[[Any, Any], np.ndarray]) -> np.ndarray:
    """Compare each pair's vectors, some thousand pairs at once; float64 (n_pairs,)."""
    chunks = [np.zeros(0)]
    for start in range(0, len(pairs.left), _PAIRS_AT_ONCE):
        left, right = (side[start : start + _PAIRS_AT_ONCE] for side in pairs)
        chunks.append(compare(vectors[left], vectors[right]))
    return np.concatenate(chunks)
