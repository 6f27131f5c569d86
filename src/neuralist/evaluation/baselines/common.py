"""What baselines learn from, scores of pairs from their songs' vectors, and the mapping to similarity."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

# Pairs whose rows of a sparse matrix are multiplied at once: 300-word songs then take some 50 MB.
_PAIRS_AT_ONCE = 8192
Scores = tuple[np.ndarray, np.ndarray]  # of the training pairs and of those to score, in [0, 1]


class Pairs(NamedTuple):
    """Positions in the songs table, int64 (n,) each."""

    left: np.ndarray
    right: np.ndarray


class TrainingPairs(NamedTuple):
    """All that a baseline may learn from.

    Attributes:
        pairs: the training pairs, listed ones and sampled unlisted ones.
        similarity: of the training pairs, float64 in [0, 1].
        weight: of the training pairs, float64 above 0: how many pairs each stands for.
        listed: the listed pairs; under protocol songs those of all splits, otherwise the training rows. Only
            pairs within train and pairs across splits are looked at.
        splits: each song's split, str (n_songs,): train, val or test; "" where it is in none.
    """

    pairs: Pairs
    similarity: np.ndarray
    weight: np.ndarray
    listed: Pairs
    splits: np.ndarray

    @property
    def songs(self) -> np.ndarray:
        """Positions of the training songs, those in no pair included."""
        return np.flatnonzero(self.splits == "train")

    def mean(self) -> float:
        """Mean similarity of what the training pairs stand for."""
        return float(np.average(self.similarity, weights=self.weight))


def unordered(pairs: Pairs, n_songs: int) -> np.ndarray:
    """A number for each pair, int64 (n,), the same for both directions."""
    return np.minimum(*pairs) * n_songs + np.maximum(*pairs)


def mapped(of_train: np.ndarray, training: TrainingPairs, of_scored: np.ndarray) -> np.ndarray:
    """Similarity in [0, 1] for each score in [0, 1] (higher: more alike), by isotonic regression on training.

    A thousandth of the score itself is mixed in: the regression is made of steps, and within a step the score
    still tells pairs apart. NaN, an unknown score, gets the mean of training pairs whose score is unknown.
    """
    from sklearn.isotonic import IsotonicRegression

    known_in_train, known = ~np.isnan(of_train), ~np.isnan(of_scored)
    alike = slice(None) if known_in_train.all() else ~known_in_train
    unknown = np.average(training.similarity[alike], weights=training.weight[alike])
    predicted = np.full(len(of_scored), unknown)
    if known_in_train.any() and known.any():
        steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        steps.fit(
            of_train[known_in_train],
            training.similarity[known_in_train],
            sample_weight=training.weight[known_in_train],
        )
        predicted[known] = 0.999 * steps.predict(of_scored[known]) + 0.001 * of_scored[known]
    return predicted


def cosine(songs: np.ndarray | sparse.csr_array, training: TrainingPairs, to_score: Pairs) -> Scores:
    """`unit_cosine` of the training pairs and of those asked for."""
    return unit_cosine(songs, training.pairs), unit_cosine(songs, to_score)


def unit_cosine(songs: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """(1 + cosine) / 2 of each pair's song vectors of length 1; a zero vector has cosine 0 with all."""
    return np.clip((1 + products(songs, pairs)) / 2, 0, 1)


def products(songs: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """Inner product of each pair's rows, float64 (n_pairs,)."""
    parts = [np.zeros(0)]
    for start in range(0, len(pairs.left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        left, right = songs[pairs.left[part]], songs[pairs.right[part]]
        product = left.multiply(right) if isinstance(left, sparse.csr_array) else left * right
        parts.append(np.asarray(product.sum(axis=1), dtype=np.float64).ravel())
    return np.concatenate(parts)


def nearness(songs: np.ndarray, training: TrainingPairs, to_score: Pairs) -> Scores:
    """1 / (1 + distance) of each pair's rows; the unit is the mean distance of the training pairs (L1)."""
    of_train, of_scored = (_distance(songs, pairs) for pairs in (training.pairs, to_score))
    unit = of_train.mean() or 1.0
    return 1 / (1 + of_train / unit), 1 / (1 + of_scored / unit)


def _distance(songs: np.ndarray, pairs: Pairs) -> np.ndarray:
    parts = [np.zeros(0)]
    for start in range(0, len(pairs.left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        parts.append(np.abs(songs[pairs.left[part]] - songs[pairs.right[part]]).sum(axis=1))
    return np.concatenate(parts)
