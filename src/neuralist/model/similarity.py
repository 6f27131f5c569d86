"""Similarity of embeddings in numpy, with optional calibration.

Input: two arrays of embeddings (n_pairs, width). Output: similarity float64 (n_pairs,) in [0, 1], 1 if equal.
The Keras counterparts, without calibration, are `layers.PairSimilarity` and `layers.LearnedSimilarity`; a
`PairRegression` is learned after them, by `training.pair_regression`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from neuralist.config import experiment
from neuralist.config.records import CalibrationCurve, ExperimentRecord
from neuralist.data import arrays

KINDS: tuple[str, ...] = (*get_args(experiment.Similarity), "logistic")
WEIGHTS_FILE = "similarity.npz"  # of an experiment's folder, where its similarity is learned
# A text's embedding differs in its last digits by how many texts it is encoded with.
_ROUNDING = 0.001
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
        return np.logaddexp(0, sigmoid(hidden) @ self.factor + self.offset)  # softplus

    def similarity(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair of rows, float64 (n_pairs,) in [0, 1]."""
        return np.exp(-np.abs(left - right).sum(axis=1) * self(left, right))


class PairRegression(NamedTuple):
    """A logistic regression on |a - b| and a * b: how likely it is that two songs are listed as similar.

    Near 0 distance the similarity rises to 1, for equal texts: to p + (1 - p) exp(-d), where d is
    |a - b|_1 / nearness less _ROUNDING, and at least 0. The last coordinates may have products alone: they
    then count in neither difference nor distance.

    Attributes:
        difference: float32 (n_differences,), coefficients of |a - b| of the first coordinates.
        product: float32 (width,), coefficients of a * b.
        offset: float32 ().
        nearness: float32 (), above 0; a hundredth of the mean distance of training pairs.
    """

    difference: np.ndarray
    product: np.ndarray
    offset: np.ndarray
    nearness: np.ndarray

    def similarity(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair of rows, float64 (n_pairs,) in [0, 1]."""
        n = len(self.difference)
        apart = np.abs(left[:, :n] - right[:, :n])
        # Of a query all products are a matrix product, which takes a third of the time.
        products = right @ (left[0] * self.product) if len(left) == 1 else (left * right) @ self.product
        listed = sigmoid(apart @ self.difference + products + self.offset)
        distance = np.maximum(apart.sum(axis=1) / self.nearness - _ROUNDING, 0)
        return listed + (1 - listed) * np.exp(-distance)

    def with_cosine(self, width: int, weight: float) -> "PairRegression":
        """Return the regression for `width` more coordinates, of length 1, whose product counts."""
        weights = np.full(width, weight, dtype=self.product.dtype)
        return self._replace(product=np.append(self.product, weights))


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Return the probabilities of log-odds."""
    return (1 + np.tanh(log_odds / 2)) / 2


@dataclass(frozen=True)
class Similarity:
    """A similarity function of embeddings.

    An embedding of an ensemble is those of its encoders, of one width, one after the other. The similarity is
    the mean of theirs.

    Attributes:
        kind: manhattan, exp(-|a - b|_1); euclidean, 1 - |a - b| / (|a| + |b|); cosine, (1 + cos(a, b)) / 2;
            learned, exp(-steepness |a - b|_1); logistic, a `PairRegression`.
        calibration: applied to the raw values; None for none.
        networks: of each encoder: a `Steepness` for kind learned, a `PairRegression` for logistic; else none.
        n_encoders: above 1 for an ensemble.

    Raises:
        ValueError: `kind` is none of KINDS, or lacks its networks.
    """

    kind: str
    calibration: Calibration | None = None
    networks: tuple[Steepness | PairRegression, ...] = ()
    n_encoders: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"similarity: received {self.kind!r}; choose {', '.join(KINDS)}")
        expected = self.n_encoders if self.has_weights else 0
        if len(self.networks) != expected:
            raise ValueError(
                f"similarity: {self.kind} of {self.n_encoders} encoders with {len(self.networks)} networks; "
                f"give {expected}"
            )

    @property
    def has_weights(self) -> bool:
        """Whether it has networks, which are saved in WEIGHTS_FILE."""
        return self.kind in ("learned", "logistic")

    @classmethod
    def load(cls, trained: ExperimentRecord, folder: Path) -> "Similarity":
        """Return the similarity of a trained experiment.

        Args:
            trained: the experiment.
            folder: its folder, which holds WEIGHTS_FILE where the similarity has weights.

        Raises:
            ValueError: WEIGHTS_FILE is missing or damaged.
        """
        knots, settings = trained.calibration, trained.params
        kind = "logistic" if settings.pair_regression else settings.similarity
        networks: list[Steepness | PairRegression] = []
        if kind in ("learned", "logistic"):
            network = PairRegression if settings.pair_regression else Steepness
            stored = arrays.load(folder / WEIGHTS_FILE, network._fields)
            # Each array has an axis for the encoders where there are several.
            shape = (settings.ensemble,) if settings.ensemble > 1 else ()
            if stored["offset"].shape != shape or any(
                of_field.shape[: len(shape)] != shape or not np.isfinite(of_field).all()
                for of_field in stored.values()
            ):
                raise ValueError(
                    f"{folder / WEIGHTS_FILE}: expected finite weights of {settings.ensemble} networks; "
                    "run `dvc repro` to train it again"
                )
            stacked = [of_field if settings.ensemble > 1 else of_field[None] for of_field in stored.values()]
            networks = [network(*parts) for parts in zip(*stacked, strict=True)]
        calibration = Calibration.of(knots) if knots else None
        return cls(kind, calibration, tuple(networks), settings.ensemble)

    def save(self, folder: Path) -> None:
        """Write WEIGHTS_FILE where the similarity has weights; equal networks give equal bytes."""
        if self.networks:
            networks = [network._asdict() for network in self.networks]
            stacked = {name: np.stack([of[name] for of in networks]) for name in networks[0]}
            arrays.save(folder / WEIGHTS_FILE, stacked if len(networks) > 1 else networks[0])

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair of rows; a single row is broadcast."""
        sides = [np.split(np.asarray(side, np.float64), self.n_encoders, axis=1) for side in (left, right)]
        networks = self.networks or [None] * self.n_encoders
        raw = [self._raw(*of_encoder) for of_encoder in zip(*sides, networks, strict=True)]
        return self.calibrated(raw[0] if len(raw) == 1 else np.mean(raw, axis=0))

    def calibrated(self, raw: np.ndarray) -> np.ndarray:
        """Return raw similarities, calibrated where there is a calibration."""
        return raw if self.calibration is None else self.calibration(raw)

    def _raw(
        self, left: np.ndarray, right: np.ndarray, network: Steepness | PairRegression | None
    ) -> np.ndarray:
        if network is not None:
            return network.similarity(left, right)
        if self.kind == "manhattan":
            return np.exp(-np.abs(left - right).sum(axis=1))
        tiny = np.finfo(np.float64).tiny
        lengths = np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1)
        if self.kind == "euclidean":
            return 1 - np.linalg.norm(left - right, axis=1) / np.maximum(lengths[0] + lengths[1], tiny)
        product = np.maximum(lengths[0] * lengths[1], tiny)
        return np.clip((1 + (left * right).sum(axis=1) / product) / 2, 0, 1)
