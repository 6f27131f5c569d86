"""Metrics of predicted similarities, for the sample and for many resamples of its songs at once.

Input: true and predicted similarities of n pairs, float64 (n,) in [0, 1], and each pair's two songs.
Output: a metric's value for each resample, float64 (1 + n_resamples,); the first is of the sample itself, NaN
says that the metric is undefined there. `summary` turns them into an `Estimate`: value, low and high.

A weighted metric equals the plain one on pairs repeated as often as their weights say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from neuralist.config import metric_table
from neuralist.config.records import Estimate

NAMES = metric_table.OF_PAIRS
THRESHOLDED = ("f1", "balanced_accuracy")


@dataclass(frozen=True)
class Answers:
    """Similarities of n pairs, and the classes they are taken for.

    Attributes:
        similarity: float64 (n,) in [0, 1].
        similar: bool (n,), whether the pair is taken for similar.
        decile: int64 (n,) in 0..9.
        tenth: int64 (n,) in 0..10, the predecessor's classes.
    """

    similarity: np.ndarray
    similar: np.ndarray
    decile: np.ndarray
    tenth: np.ndarray

    @classmethod
    def of(cls, similarity: np.ndarray) -> "Answers":
        """The classes that the similarities themselves fall in; similar means at least 0.5."""
        similarity = np.asarray(similarity, dtype=np.float64)
        deciles = decile(similarity)
        return cls(similarity, deciles >= 5, deciles, nearest_tenth(similarity))

    def at(self, index: np.ndarray) -> "Answers":
        """The answers for some of the pairs, in the order of `index`."""
        return Answers(self.similarity[index], self.similar[index], self.decile[index], self.tenth[index])


def decile(similarity: np.ndarray) -> np.ndarray:
    """Class min(9, floor(10 s)), int64; 0.1 + 0.7, 0.8 but for its last bits, counts as 0.8."""
    return np.minimum(9, np.floor(np.round(10 * np.asarray(similarity), 9))).astype(np.int64)


def nearest_tenth(similarity: np.ndarray) -> np.ndarray:
    """Class round(10 s) with halves up, int64 in 0..10: the predecessor's classes."""
    return np.floor(np.round(10 * np.asarray(similarity), 9) + 0.5).astype(np.int64)


def best_thresholds(truth: Answers, similarity: np.ndarray) -> dict[str, float]:
    """The thresholds t at which `similarity >= t` reaches the best F1 and the best balanced accuracy on val.

    Candidates are 0 (all pairs similar) and the middles between neighbouring predictions, to 6 decimals; the
    lowest of equally good ones is taken. Where val lacks a class, 0.5.
    """
    positives = int(truth.similar.sum())
    negatives = len(similarity) - positives
    if not positives or not negatives:
        return dict.fromkeys(THRESHOLDED, 0.5)
    order = np.argsort(similarity, kind="stable")
    distinct = np.unique(similarity)
    candidates = np.unique(np.concatenate([[0.0], np.round((distinct[1:] + distinct[:-1]) / 2, 6)]))
    below = np.searchsorted(similarity[order], candidates)
    found = positives - np.concatenate([[0], np.cumsum(truth.similar[order])])[below]
    flagged = len(similarity) - below
    scores = {
        "f1": 2 * found / (flagged + positives),
        "balanced_accuracy": (found / positives + 1 - (flagged - found) / negatives) / 2,
    }
    return {name: float(candidates[np.argmax(scores[name])]) for name in THRESHOLDED}


def measure(
    truth: Answers,
    predictors: Mapping[Any, Answers],
    thresholds: Mapping[Any, Mapping[str, float]],
    weights: Iterable[np.ndarray],
) -> dict[Any, dict[str, np.ndarray]]:
    """Measure predictors under the same weights: predictor to metric of NAMES to float64 (rows of weights,).

    Args:
        truth: of n pairs.
        predictors: key to answers for the same pairs.
        thresholds: key to the predictor's `best_thresholds` on val.
        weights: chunks of float64 (chunk, n), as `resampling.pair_weights` yields them.
    """
    ranking = _Ranking(truth.similarity)
    comparisons = {key: _Comparison(truth, answers, thresholds[key]) for key, answers in predictors.items()}
    values: dict[Any, list[np.ndarray]] = {key: [] for key in predictors}
    for chunk in weights:
        groups = ranking.sums(chunk)
        ranks = ranking.midranks(groups)
        truth_ranks = _TruthRanks(
            chunk * ranks[:, ranking.group], np.einsum("dg,dg,dg->d", groups, ranks, ranks)
        )
        for key, comparison in comparisons.items():
            values[key].append(comparison.values(chunk, truth_ranks))
    return {key: dict(zip(NAMES, np.concatenate(chunks).T, strict=True)) for key, chunks in values.items()}


class _Ranking:
    """Values in ascending order, equal ones in one group."""

    def __init__(self, values: np.ndarray) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        self.starts = np.flatnonzero(begins)
        self.group = np.empty(len(values), dtype=np.int64)
        self.group[self.order] = np.cumsum(begins) - 1

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Weight of each group, (chunk, n_groups)."""
        return np.add.reduceat(np.take(weights, self.order, axis=-1), self.starts, axis=-1)

    @staticmethod
    def midranks(sums: np.ndarray) -> np.ndarray:
        """Weighted midranks of the groups minus their weighted mean, which is half the total weight."""
        upto = np.cumsum(sums, axis=-1)
        return upto - sums / 2 - upto[:, -1:] / 2


class _TruthRanks(NamedTuple):
    """Centred midranks of the truth: times the weights (chunk, n), and their weighted squares (chunk,)."""

    weighted: np.ndarray
    squares: np.ndarray


class _Comparison:
    """One predictor beside the truth: what does not depend on the weights is made once."""

    def __init__(self, truth: Answers, answers: Answers, thresholds: Mapping[str, float]) -> None:
        self.ranking = _Ranking(answers.similarity)
        self.similar = truth.similar.astype(np.float64)
        true = truth.similarity - truth.similarity.mean()
        predicted = answers.similarity - answers.similarity.mean()
        f1, balanced = (answers.similarity >= thresholds[name] for name in THRESHOLDED)
        self.columns = {
            "pairs": np.ones_like(true),
            "similar": self.similar,
            "decile_accuracy": answers.decile == truth.decile,
            "within_one_decile": np.abs(answers.decile - truth.decile) <= 1,
            "nearest_tenth_accuracy": answers.tenth == truth.tenth,
            "binary_accuracy": answers.similar == truth.similar,
            "mse": (answers.similarity - truth.similarity) ** 2,
            "f1 flagged": f1,
            "f1 found": f1 & truth.similar,
            "balanced flagged": balanced,
            "balanced found": balanced & truth.similar,
            "true": true,
            "predicted": predicted,
            "true²": true**2,
            "predicted²": predicted**2,
            "product": true * predicted,
        }
        self.matrix = np.column_stack(list(self.columns.values())).astype(np.float64)

    def values(self, weights: np.ndarray, truth_ranks: _TruthRanks) -> np.ndarray:
        """All metrics, (chunk, len(NAMES)), for weights (chunk, n)."""
        sums = dict(zip(self.columns, (weights @ self.matrix).T, strict=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = {name: total / sums["pairs"] for name, total in sums.items()}
            made = means | _classification(sums) | self._ranked(weights, truth_ranks, sums)
            made["pearson"] = _pearson(means)
        return np.column_stack([made[name] for name in NAMES])

    def _ranked(
        self, weights: np.ndarray, truth_ranks: _TruthRanks, totals: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Spearman's rho, ROC AUC and average precision, with ties as scipy and sklearn treat them."""
        pairs, similar = self.ranking.sums(weights), self.ranking.sums(weights * self.similar)
        ranks = self.ranking.midranks(pairs)
        together = np.einsum("dg,dg->d", ranks, self.ranking.sums(truth_ranks.weighted))
        squares = np.einsum("dg,dg,dg->d", pairs, ranks, ranks) * truth_ranks.squares
        dissimilar = pairs - similar
        lower = np.cumsum(dissimilar, axis=1) - dissimilar / 2
        above, similar_above = _from_above(pairs), _from_above(similar)
        precision = similar_above / np.maximum(above, 1)  # weights are counts: below 1 is 0
        positives, negatives = totals["similar"], totals["pairs"] - totals["similar"]
        both = _both_classes(totals)
        return {
            "spearman": np.where(squares > 0, together / np.sqrt(squares), np.nan),
            "roc_auc": np.einsum("dg,dg->d", similar, lower) / (positives * negatives * both),
            "average_precision": np.einsum("dg,dg->d", similar, precision) / (positives * both),
        }


def _from_above(groups: np.ndarray) -> np.ndarray:
    return np.cumsum(groups[:, ::-1], axis=1)[:, ::-1]


def _both_classes(sums: Mapping[str, np.ndarray]) -> np.ndarray:
    """1 where both classes have weight, else NaN."""
    return np.where((sums["similar"] > 0) & (sums["similar"] < sums["pairs"]), 1.0, np.nan)


def _classification(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    positives, negatives = sums["similar"], sums["pairs"] - sums["similar"]
    recall = sums["balanced found"] / positives
    false_alarms = (sums["balanced flagged"] - sums["balanced found"]) / negatives
    both = _both_classes(sums)
    return {
        "f1": both * 2 * sums["f1 found"] / (sums["f1 flagged"] + positives),
        "balanced_accuracy": both * (recall + 1 - false_alarms) / 2,
    }


def _pearson(means: Mapping[str, np.ndarray]) -> np.ndarray:
    true, predicted = (means[f"{name}²"] - means[name] ** 2 for name in ("true", "predicted"))
    # A constant's variance comes out as the rounding error of its mean square, not as 0.
    vary = (true > 1e-12 * means["true²"]) & (predicted > 1e-12 * means["predicted²"])
    covariance = means["product"] - means["true"] * means["predicted"]
    return np.where(vary, covariance / np.sqrt(true * predicted), np.nan)


def summary(values: np.ndarray, metric: str, level: float) -> Estimate:
    """Value, low and high of one metric (or difference), to 6 digits; None with a reason where undefined.

    Args:
        values: float64 (1 + n_resamples,), the sample's value first.
        metric: its name, for the reason.
        level: of the interval, between equal tails; resamples where the metric is undefined are left out.
    """
    reason = metric_table.BY_NAME[metric].undefined
    if np.isnan(values[0]):
        return undefined(reason)
    drawn = values[1:][~np.isnan(values[1:])]
    if 2 * len(drawn) < len(values) - 1:
        return Estimate(value=rounded(values[0]), low=None, high=None, reason=f"in most draws {reason}")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value=rounded(values[0]), low=rounded(low), high=rounded(high))


def undefined(reason: str) -> Estimate:
    """The estimate of a metric that has no value."""
    return Estimate(value=None, low=None, high=None, reason=reason)


def rounded(value: float) -> float:
    """A float of 6 significant digits, so that the last bits of a sum do not show in a file."""
    return float(f"{value:.6g}")
