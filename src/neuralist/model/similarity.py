"""Similarity of embeddings, in numpy: what a trained model says of two songs, perhaps calibrated.

Input: embeddings (n_pairs, width), twice. Output: similarity float64 (n_pairs,) in [0, 1], 1 for equal ones.
The Keras counterpart, without calibration, is `layers.PairSimilarity`.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from scipy.optimize import isotonic_regression

from neuralist.config import experiment
from neuralist.config.records import CalibrationCurve, ExperimentRecord

KINDS: tuple[str, ...] = get_args(experiment.Similarity)


@dataclass(frozen=True)
class Calibration:
    """A monotone curve from raw to expected similarity, straight between its knots; ends in (1, 1).

    Attributes:
        raw: float64 (n_knots,), ascending, the last 1.
        expected: float64 (n_knots,), never falling, the last 1.
    """

    raw: np.ndarray
    expected: np.ndarray

    def __call__(self, similarity: np.ndarray) -> np.ndarray:
        """Map raw similarities to expected ones."""
        return np.interp(similarity, self.raw, self.expected)

    @classmethod
    def fit(cls, raw: np.ndarray, similarity: np.ndarray, weight: np.ndarray) -> "Calibration":
        """The curve that isotonic regression finds on val pairs (Zadrozny & Elkan 2002), ending in (1, 1).

        A thousandth of the raw value is mixed in: a regression's steps would make unlike pairs equal.

        Args:
            raw: float64 (n_pairs,), n_pairs at least 1.
            similarity: what is true of them.
            weight: how many pairs each stands for.
        """
        knots, at = np.unique(raw, return_inverse=True)
        weights = np.bincount(at, weight)
        fitted = isotonic_regression(np.bincount(at, weight * similarity) / weights, weights=weights).x
        inner = knots < 1
        expected = (0.999 * fitted + 0.001 * knots)[inner]
        return cls(np.append(knots[inner], 1.0), np.append(np.clip(expected, 0.0, 1.0), 1.0)).thinned()

    def thinned(self) -> "Calibration":
        """The same curve without the knots on straight stretches."""
        slope = np.diff(self.expected) / np.diff(self.raw)
        bends = np.abs(np.diff(slope)) > 1e-9
        kept = np.concatenate([[True], bends, [True]]) if len(self.raw) > 1 else np.array([True])
        return Calibration(self.raw[kept], self.expected[kept])

    def record(self) -> CalibrationCurve:
        """As experiment.json keeps it."""
        return CalibrationCurve(raw=tuple(self.raw.tolist()), expected=tuple(self.expected.tolist()))


@dataclass(frozen=True)
class Similarity:
    """A kind of similarity, and perhaps its calibration.

    Attributes:
        kind: manhattan, exp(-|a - b|_1); euclidean, 1 - |a - b| / (|a| + |b|); cosine, (1 + cos(a, b)) / 2.
        calibration: of the raw values.

    Raises:
        ValueError: `kind` is another.
    """

    kind: str
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"similarity: received {self.kind!r}; choose {', '.join(KINDS)}")

    @classmethod
    def of(cls, trained: ExperimentRecord) -> "Similarity":
        """That of a trained experiment."""
        knots = trained.calibration
        curve = Calibration(np.array(knots.raw), np.array(knots.expected)) if knots else None
        return cls(trained.params.similarity, curve)

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Similarity of each pair of rows; one row against many broadcasts."""
        return self.calibrated(self._raw(left.astype(np.float64), right.astype(np.float64)))

    def calibrated(self, raw: np.ndarray) -> np.ndarray:
        """What raw similarities, by the kind alone, come to."""
        return raw if self.calibration is None else self.calibration(raw)

    def _raw(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if self.kind == "manhattan":
            return np.exp(-np.abs(left - right).sum(axis=1))
        tiny = np.finfo(np.float64).tiny
        lengths = np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1)
        if self.kind == "euclidean":
            return 1 - np.linalg.norm(left - right, axis=1) / np.maximum(lengths[0] + lengths[1], tiny)
        product = np.maximum(lengths[0] * lengths[1], tiny)
        return np.clip((1 + (left * right).sum(axis=1) / product) / 2, 0, 1)
