"""Similarity of embeddings in numpy, with optional calibration.

Input: two arrays of embeddings (n_pairs, width). Output: similarity float64 (n_pairs,) in [0, 1], 1 if equal.
The Keras counterparts, without calibration, are `layers.PairSimilarity` and `layers.LearnedSimilarity`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from neuralist import files
from neuralist.config import experiment
from neuralist.config.records import CalibrationCurve, ExperimentRecord

KINDS: tuple[str, ...] = get_args(experiment.Similarity)
WEIGHTS_FILE = "similarity.npz"  # of an experiment's folder, where its similarity is learned
STEP = 30  # pairs of a knot at least: their mean has a standard error below 0.1


@dataclass(frozen=True)
class Calibration:
    """A rising curve from raw to expected similarity, from (0, 0) to (1, 1), straight between its knots.

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
    def of(cls, curve: CalibrationCurve) -> "Calibration":
        """Return the curve that `record` gave."""
        return cls(np.array(curve.raw), np.array(curve.expected))

    @classmethod
    def fit(cls, raw: np.ndarray, similarity: np.ndarray, weight: np.ndarray) -> "Calibration":
        """Fit the curve on val pairs by isotonic regression (Zadrozny & Elkan 2002), and join its steps.

        A step alone would give the same similarity to all pairs on it. So each becomes a knot at its mean;
        neighbouring steps share one until it stands for STEP pairs, so that no few pairs decide.

        Args:
            raw: float64 (n_pairs,), n_pairs at least 1.
            similarity: true similarities, float64 (n_pairs,).
            weight: the number of pairs that each represents, float64 (n_pairs,).
        """
        from scipy.optimize import isotonic_regression  # only training needs SciPy

        values, at, counts = np.unique(raw, return_inverse=True, return_counts=True)
        weights = np.bincount(at, weight)
        fitted = isotonic_regression(np.bincount(at, weight * similarity) / weights, weights=weights)
        steps = _merged(np.add.reduceat(counts, fitted.blocks[:-1]))
        step = np.repeat(steps, np.diff(fitted.blocks))  # of each value
        total = np.bincount(step, weights)
        knots = np.bincount(step, weights * values) / total
        # A thousandth of the raw value: a step at 1 would tie with the end.
        expected = 0.999 * np.bincount(step, weights * fitted.x) / total + 0.001 * knots
        is_inner = (knots > 0) & (knots < 1)
        return cls(
            np.concatenate([[0.0], knots[is_inner], [1.0]]),
            np.concatenate([[0.0], np.clip(expected[is_inner], 0.0, 1.0), [1.0]]),
        )

    def record(self) -> CalibrationCurve:
        """Return the curve as experiment.json stores it."""
        return CalibrationCurve(raw=tuple(self.raw.tolist()), expected=tuple(self.expected.tolist()))


def _merged(counts: np.ndarray) -> np.ndarray:
    """Number steps from 0 so that those with the same number hold STEP pairs, if there are so many.

    Args:
        counts: int64 (n_steps,), the pairs of each.
    """
    numbers, number, n_pairs = [], 0, 0
    for count in counts.tolist():
        numbers.append(number)
        n_pairs += count
        if n_pairs >= STEP:
            number, n_pairs = number + 1, 0
    # What is left over joins the last.
    return np.minimum(numbers, max(0, number - 1))


class Steepness(NamedTuple):
    """The network of similarity `learned`, which makes the distance's factor; see `layers.LearnedSimilarity`.

    Attributes:
        difference: float32 (width, hidden), of |a - b|.
        product: float32 (width, hidden), of a * b.
        bias: float32 (hidden,).
        factor: float32 (hidden,).
        offset: float32 ().
    """

    difference: np.ndarray
    product: np.ndarray
    bias: np.ndarray
    factor: np.ndarray
    offset: np.ndarray

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the factor of each pair of rows, float64 (n_pairs,), above 0."""
        hidden = np.abs(left - right) @ self.difference + (left * right) @ self.product + self.bias
        return np.logaddexp(0, (1 + np.tanh(hidden / 2)) / 2 @ self.factor + self.offset)  # sigmoid, softplus

    def save(self, path: Path) -> None:
        """Write the arrays; equal ones give equal bytes."""
        with files.unfinished(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> "Steepness":
        """Read a file written by `save`.

        Raises:
            ValueError: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{name: arrays[name].astype(np.float64) for name in cls._fields})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path}: no weights of a learned similarity ({error}); run `dvc repro` to train it again"
            ) from error


@dataclass(frozen=True)
class Similarity:
    """A similarity function of embeddings.

    Attributes:
        kind: manhattan, exp(-|a - b|_1); euclidean, 1 - |a - b| / (|a| + |b|); cosine, (1 + cos(a, b)) / 2;
            learned, exp(-steepness |a - b|_1).
        calibration: applied to the raw values; None for none.
        steepness: of kind learned.

    Raises:
        ValueError: `kind` is none of KINDS, or lacks its network.
    """

    kind: str
    calibration: Calibration | None = None
    steepness: Steepness | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"similarity: received {self.kind!r}; choose {', '.join(KINDS)}")
        if (self.kind == "learned") != (self.steepness is not None):
            raise ValueError(
                f"similarity: {self.kind} with steepness {self.steepness}; learned alone has one"
            )

    @classmethod
    def load(cls, trained: ExperimentRecord, folder: Path) -> "Similarity":
        """Return the similarity of a trained experiment.

        Args:
            trained: the experiment.
            folder: its folder, which holds WEIGHTS_FILE where the similarity is learned.

        Raises:
            ValueError: WEIGHTS_FILE is missing or damaged.
        """
        knots, kind = trained.calibration, trained.params.similarity
        steepness = Steepness.load(folder / WEIGHTS_FILE) if kind == "learned" else None
        return cls(kind, Calibration.of(knots) if knots else None, steepness)

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair of rows; a single row is broadcast."""
        return self.calibrated(self._raw(np.asarray(left, np.float64), np.asarray(right, np.float64)))

    def calibrated(self, raw: np.ndarray) -> np.ndarray:
        """Return raw similarities, calibrated where there is a calibration."""
        return raw if self.calibration is None else self.calibration(raw)

    def _raw(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if self.kind in ("manhattan", "learned"):
            distance = np.abs(left - right).sum(axis=1)
            return np.exp(-distance if self.steepness is None else -distance * self.steepness(left, right))
        tiny = np.finfo(np.float64).tiny
        lengths = np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1)
        if self.kind == "euclidean":
            return 1 - np.linalg.norm(left - right, axis=1) / np.maximum(lengths[0] + lengths[1], tiny)
        product = np.maximum(lengths[0] * lengths[1], tiny)
        return np.clip((1 + (left * right).sum(axis=1) / product) / 2, 0, 1)
