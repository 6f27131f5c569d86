"""How far new songs differ from those of training: effect sizes of binned distributions, with intervals.

Input: the songs of each bin, once of training and once new. Output: effect sizes. No p-values: with many
songs every difference is significant, and how large it is decides. A statistic takes counts of bins,
(..., n_bins), of training and of new songs, and returns (...): both may hold many resamples.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from neuralist.config.params import Drift

# Songs that must have a feature, in training and new. From fewer the bootstrap learns too little of the
# spread: songs of the same years, drawn at random, were beyond a limit in 69 % of the draws of 10, 13 % of
# those of 20, and 4.5 % of those of 30 (docs/results/drift.json).
MIN_SONGS = 30

KS, TOTAL_VARIATION, PSI = "KS", "TV", "PSI"  # as people read them


class Effect(NamedTuple):
    """An effect size with its interval.

    Attributes:
        statistic: KS, TOTAL_VARIATION or PSI.
        value: of all songs, at least 0.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    statistic: str
    value: float
    low: float
    high: float


def ks(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return Kolmogorov and Smirnov's D at the edges of bins: the largest difference of cumulative shares."""
    difference = np.cumsum(_shares(reference), axis=-1) - np.cumsum(_shares(new), axis=-1)
    return np.abs(difference).max(axis=-1)


def total_variation(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the largest difference in the share of any set of bins: half the sum of all differences."""
    return np.abs(_shares(reference) - _shares(new)).sum(axis=-1) / 2


def psi(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the population stability index: the sum over bins of (p - q) ln(p / q).

    It is infinite where a bin is empty on one side alone. So each side gets one song more, spread over the
    bins as both sides together are.
    """
    both = _shares(reference + new)
    p, q = _shares(reference + both), _shares(new + both)
    return stats.entropy(p, q, axis=-1) + stats.entropy(q, p, axis=-1)


def effects(reference: np.ndarray, new: np.ndarray, *, is_ordered: bool, choices: Drift) -> list[Effect]:
    """Return the effect sizes of one feature.

    An effect size of few songs is too large: two samples of one population differ. Their resamples differ
    once more, by as much again. The basic bootstrap takes that off: its ends are twice the value, less a
    quantile of the resamples. Where nothing changed, its lower end is near 0 on any number of songs.

    Args:
        reference: training songs of each bin, (n_bins,). Where a song may be in several bins, each of its
            names is drawn by itself: a name's share then varies at least as much as if songs were drawn.
        new: new songs of each bin.
        is_ordered: whether the bins are those of a number; else they are names.
        choices: section drift of params.yaml.
    """
    draw = np.random.default_rng(choices.seed)
    references, news = (
        draw.multinomial(counts.sum(), _shares(counts), choices.draws) for counts in (reference, new)
    )
    statistics = {KS: ks} if is_ordered else {TOTAL_VARIATION: total_variation}
    return [
        _effect(name, statistic(reference, new), statistic(references, news), choices.level)
        for name, statistic in (statistics | {PSI: psi}).items()
    ]


def _effect(statistic: str, value: np.ndarray, resampled: np.ndarray, level: float) -> Effect:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    most = np.inf if statistic == PSI else 1
    ends = np.clip([2 * value - high, 2 * value - low], 0, most)
    return Effect(statistic, float(value), *ends.tolist())


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum(axis=-1, keepdims=True)
