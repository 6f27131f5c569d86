"""Late fusion: the similarity of a pair from the encoder's and from TF-IDF cosines of the same texts.

Input: the encoder's similarity, float64 (n_pairs,), and the texts. Output: similarity float64 (n_pairs,) in
[0, 1]. It is symmetric, rises with each of its inputs, and is 1 where all of them are: for equal texts.

Each input is mapped to the expected similarity by a curve (`Calibration`), the curves' values are averaged
with non-negative weights, and a last curve maps the average. All are learned on val.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.config.experiment import TermKind
from neuralist.config.records import FusionFit, FusionInput, FusionRecord, InputName
from neuralist.data import arrays
from neuralist.model.similarity import Calibration
from neuralist.text.hashed_tfidf import BUCKETS, HashedTfidf, TermRows
from neuralist.text.tokenizer import TokenWindowing

FILE = "fusion.npz"  # counts of training texts by kind of term
# Val pairs below which nothing is learned: a curve then has three knots or fewer.
MIN_PAIRS = 100
FOLDS, SEED = 10, 2017


@dataclass(frozen=True)
class Join:
    """A function of several similarities of a pair that rises with each.

    Attributes:
        curves: of each input.
        weights: of each input, float64 (n_inputs,), not negative, of sum 1.
        last: the curve of the weighted mean.
    """

    curves: tuple[Calibration, ...]
    weights: np.ndarray
    last: Calibration

    @classmethod
    def fit(cls, inputs: np.ndarray, similarity: np.ndarray, weight: np.ndarray) -> "Join":
        """Learn the curves and weights.

        Args:
            inputs: float64 (n_pairs, n_inputs) in [0, 1].
            similarity: true similarities, float64 (n_pairs,).
            weight: the number of pairs that each represents, float64 (n_pairs,).
        """
        from scipy.optimize import nnls  # only training needs SciPy

        curves = tuple(Calibration.fit(column, similarity, weight) for column in inputs.T)
        expected = np.column_stack([curve(column) for curve, column in zip(curves, inputs.T, strict=True)])
        root = np.sqrt(weight)
        weights, _ = nnls(root[:, None] * expected, root * similarity)
        # Where all are 0, so is every similarity.
        weights = weights / weights.sum() if weights.any() else np.eye(len(curves))[0]
        return cls(curves, weights, Calibration.fit(_mean(expected, weights), similarity, weight))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the similarity for inputs, float64 (n_pairs, n_inputs)."""
        columns = zip(self.curves, inputs.T, strict=True)
        return self.last(_mean(np.column_stack([curve(column) for curve, column in columns]), self.weights))


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each row: 1, and not nearly 1, where all its values are 1."""
    # Not by a matrix product, whose last bits depend on how many rows there are.
    return 1 - ((1 - values) * weights).sum(axis=1)


class Gain(NamedTuple):
    """How good the encoder alone and the join are on val pairs that nothing was learned from."""

    encoder: FusionFit
    joined: FusionFit
    shown: bool  # whether the join is better by both metrics, by more than a standard error over the folds


def cross_validate(
    inputs: np.ndarray, similarity: np.ndarray, weight: np.ndarray, left: np.ndarray, right: np.ndarray
) -> Gain:
    """Measure what the join gains over the first input alone, with a curve of its own.

    Songs are put into FOLDS folds. A pair is judged by a join that is learned from pairs without any song of
    the fold of its left song.

    Args:
        inputs: float64 (n_pairs, n_inputs) in [0, 1].
        similarity: true similarities, float64 (n_pairs,).
        weight: the number of pairs that each represents, float64 (n_pairs,).
        left: numbers of the first songs, int (n_pairs,).
        right: of the second.
    """
    n_songs = 1 + int(max(left.max(), right.max()))
    fold = np.random.default_rng(SEED).permutation(n_songs) % FOLDS
    errors, ranks = np.zeros((2, FOLDS)), np.zeros((2, FOLDS))  # of the encoder and of the join
    for number in range(FOLDS):
        judged, learned = fold[left] == number, (fold[left] != number) & (fold[right] != number)
        if not judged.any() or not learned.any():
            continue
        truth, counts = similarity[judged], weight[judged]
        for row, columns in enumerate((inputs[:, :1], inputs)):
            answer = Join.fit(columns[learned], similarity[learned], weight[learned])(columns[judged])
            errors[row, number] = counts @ (answer - truth) ** 2
            ranks[row, number] = _spearman(answer, truth, counts)
    # Two metrics: where nearly all pairs are 0, a few of 1 decide the error, and the rest may lose its order.
    gains = errors[0] - errors[1], ranks[1] - ranks[0]
    shown = all(gain.sum() > np.sqrt(FOLDS) * gain.std(ddof=1) for gain in gains)
    mse, spearman = errors.sum(axis=1) / weight.sum(), ranks.mean(axis=1)
    encoder, joined = (FusionFit(mse=mse[row], spearman=spearman[row]) for row in range(2))
    return Gain(encoder, joined, shown)


def _spearman(answer: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """Return Spearman's correlation of pairs that count as often as their weights say; 0 of constants."""
    ranks = np.stack([_ranks(values, weight) for values in (answer, truth)])
    covariance = np.cov(ranks, aweights=weight, ddof=0)
    scale = np.sqrt(covariance[0, 0] * covariance[1, 1])
    return float(covariance[0, 1] / scale) if scale > 0 else 0.0


def _ranks(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mean rank of each value among all."""
    _, at = np.unique(values, return_inverse=True)
    counts = np.bincount(at, weight)
    return (np.cumsum(counts) - counts / 2)[at]


def inputs(similarity: np.ndarray, cosines: Sequence[np.ndarray]) -> np.ndarray:
    """Return what a `Join` takes, float64 (n_pairs, 1 + kinds): cosines of 0 get an inner knot, at 1/2."""
    return np.column_stack([similarity, *((1 + cosine) / 2 for cosine in cosines)])


@dataclass(frozen=True)
class Fusion:
    """The join of the encoder's similarity with TF-IDF cosines.

    Attributes:
        tfidf: of each kind of terms.
        join: of the encoder's similarity and of theirs, in this order.
    """

    tfidf: tuple[HashedTfidf, ...]
    join: Join

    def rows(self, texts: Sequence[str]) -> list[TermRows]:
        """Return the terms of texts, for `__call__`."""
        return [tfidf.rows(texts) for tfidf in self.tfidf]

    def __call__(
        self, similarity: np.ndarray, rows: list[TermRows], left: np.ndarray, right: np.ndarray
    ) -> np.ndarray:
        """Return the similarity of pairs of texts.

        Args:
            similarity: the encoder's, float64 (n_pairs,).
            rows: the terms of the texts.
            left: positions of the first texts, int64 (n_pairs,).
            right: of the second.
        """
        cosines = [of_kind.cosines(left, right) for of_kind in rows]
        return self.join(inputs(similarity, cosines))

    def inputs(self) -> tuple[FusionInput, ...]:
        """Return the inputs as experiment.json stores them."""
        names: tuple[InputName, ...] = ("encoder", *(tfidf.kind for tfidf in self.tfidf))
        parts = zip(names, self.join.weights.tolist(), self.join.curves, strict=True)
        return tuple(FusionInput(name=name, weight=weight, curve=c.record()) for name, weight, c in parts)

    def save(self, folder: Path) -> None:
        """Write what experiment.json does not hold; equal counts give equal bytes."""
        counts = {tfidf.kind: tfidf.counts for tfidf in self.tfidf}
        arrays.save(folder / FILE, {**counts, "n_texts": np.array(self.tfidf[0].n_texts)})

    @classmethod
    def load(cls, folder: Path, record: FusionRecord | None, windowing: TokenWindowing) -> "Fusion | None":
        """Read the fusion of a trained or served folder; None where the encoder answers alone.

        Raises:
            ValueError: its file is missing or damaged.
        """
        if record is None or record.last is None:
            return None
        kinds: list[TermKind] = [part.name for part in record.inputs if part.name != "encoder"]
        stored = arrays.load(folder / FILE, ["n_texts", *kinds])
        if any(stored[kind].shape != (BUCKETS,) for kind in kinds):
            raise ValueError(
                f"{folder / FILE}: expected {BUCKETS:,} counts of each kind; run `dvc repro` to train again"
            )
        tfidf = (HashedTfidf(kind, windowing, int(stored["n_texts"]), stored[kind]) for kind in kinds)
        curves = tuple(Calibration.of(part.curve) for part in record.inputs)
        weights = np.array([part.weight for part in record.inputs])
        return cls(tuple(tfidf), Join(curves, weights, Calibration.of(record.last)))
