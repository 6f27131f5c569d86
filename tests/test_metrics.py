"""Metrics: hand values, scipy and scikit-learn as the independent implementations, intervals by song."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats
from sklearn import metrics as sklearn

from neuralist import metrics
from neuralist.config.records import Estimate
from neuralist.evaluation import resampling
from neuralist.metrics import NAMES, Answers

TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def values(
    true: ArrayLike,
    predicted: ArrayLike,
    weights: ArrayLike | None = None,
    thresholds: dict[str, float] | None = None,
) -> dict[str, float]:
    """All metrics by name, of one set of weights (ones unless given)."""
    true, predicted = np.asarray(true, dtype=float), np.asarray(predicted, dtype=float)
    weights = np.ones((1, len(true))) if weights is None else np.asarray(weights, dtype=float)[None]
    thresholds = thresholds or dict.fromkeys(metrics.THRESHOLDED, 0.5)
    found = metrics.measure(
        Answers.of(true), {"one": Answers.of(predicted)}, {"one": thresholds}, iter([weights])
    )
    return {name: drawn[0] for name, drawn in found["one"].items()}


# --- classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("similarity", "expected"), [(s, i) for i, s in enumerate(TENTHS, start=1)])
def test_a_tenth_begins_its_decile(similarity: float, expected: int) -> None:
    assert metrics.decile(np.array([similarity]))[0] == expected


def test_deciles_of_the_ends_and_in_between() -> None:
    assert metrics.decile(np.array([0, 0.0999, 0.55, 0.8999, 0.95, 1])).tolist() == [0, 0, 5, 8, 9, 9]


def test_a_sum_or_mean_that_misses_its_tenth_by_rounding_counts_as_the_tenth() -> None:
    missing = np.array([0.1 + 0.7, np.mean([0.1, 0.3, 0.5]), 3 * 0.1, 1 - 0.4])
    assert missing[0] < 0.8
    assert metrics.decile(missing).tolist() == [8, 3, 3, 6]


def test_the_nearest_tenth_rounds_halves_up() -> None:
    assert metrics.nearest_tenth(np.array([0, 0.049, 0.05, 0.25, 0.949, 0.95, 1])).tolist() == [
        0, 0, 1, 3, 9, 10, 10,
    ]  # fmt: skip


def test_similar_means_at_least_a_half() -> None:
    assert Answers.of(np.array([0.4999, 0.5, 0.9])).similar.tolist() == [False, True, True]


# --- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("decile_accuracy", 2 / 5),  # the first and the last
        ("within_one_decile", 4 / 5),  # 6 against 3 is further off
        ("nearest_tenth_accuracy", 1 / 5),  # only 0.05; 0.97 is 10, 0.91 is 9
        ("binary_accuracy", 3 / 5),
        ("mse", (0 + 0.1**2 + 0.13**2 + 0.26**2 + 0.06**2) / 5),
        ("f1", 1 / 2),  # one found, one false alarm, one missed
        ("balanced_accuracy", (1 / 2 + 2 / 3) / 2),
        ("roc_auc", 5 / 6),  # of 2 x 3 comparisons, 0.35 loses to 0.55 alone
        ("average_precision", 1 / 2 * 1 + 1 / 2 * 2 / 3),
        ("spearman", 0.9),  # 1 - 6 * (1 + 1) / (5 * 24),
    ],
)
def test_a_metric_of_five_pairs_has_the_value_worked_out_by_hand(metric: str, by_hand: float) -> None:
    found = values([0.05, 0.15, 0.42, 0.61, 0.97], [0.05, 0.25, 0.55, 0.35, 0.91])
    assert found[metric] == pytest.approx(by_hand)


def test_a_constant_prediction_scores_what_a_constant_can() -> None:
    true = [0.05, 0.15, 0.18, 0.62]
    found = values(true, [0.25] * 4, thresholds=dict.fromkeys(metrics.THRESHOLDED, 0.0))
    assert found["roc_auc"] == 0.5
    assert found["average_precision"] == 0.25  # the share of similar pairs
    assert found["balanced_accuracy"] == 0.5
    assert found["f1"] == pytest.approx(2 / 5)  # all are called similar, one is
    assert found["mse"] == pytest.approx(np.var(true))  # 0.25 is their mean


def test_a_constant_prediction_has_no_correlation() -> None:
    found = values([0.05, 0.15, 0.18, 0.62], [0.25] * 4)
    assert np.isnan([found["pearson"], found["spearman"]]).all()


counted = st.integers(min_value=0, max_value=3)
grade = st.sampled_from([0.0, 0.08, 0.2, 0.3, 0.31, 0.5, 0.55, 0.7, 0.99, 1.0])


@given(st.lists(st.tuples(grade, grade, counted), min_size=3, max_size=25), grade)
@settings(max_examples=60, deadline=None)
def test_weighted_metrics_equal_plain_ones_on_the_repeated_sample(
    pairs: list[tuple[float, float, int]], threshold: float
) -> None:
    true, predicted, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = values(true, predicted, weights, thresholds=dict.fromkeys(metrics.THRESHOLDED, threshold))
    expected = by_other_means(np.repeat(true, weights), np.repeat(predicted, weights), threshold)
    for name in NAMES:
        assert found[name] == pytest.approx(expected[name], abs=1e-9, nan_ok=True), name


def by_other_means(true: np.ndarray, predicted: np.ndarray, threshold: float) -> dict[str, float]:
    """All metrics by scipy and scikit-learn; NaN where they are undefined."""
    if not len(true):
        return dict.fromkeys(NAMES, np.nan)
    deciles = [np.minimum(9, np.trunc(np.round(side * 10, 6))) for side in (true, predicted)]
    tenths = [np.trunc(side * 10 + 0.5 + 1e-9) for side in (true, predicted)]
    similar, flagged = true >= 0.5, predicted >= threshold
    two_classes = 0 < similar.sum() < len(similar)
    varies = np.ptp(true) > 0 and np.ptp(predicted) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "decile_accuracy": sklearn.accuracy_score(*deciles),
            "within_one_decile": np.mean(np.abs(deciles[0] - deciles[1]) <= 1),
            "spearman": stats.spearmanr(true, predicted)[0] if varies else np.nan,
            "mse": sklearn.mean_squared_error(true, predicted),
            "average_precision": sklearn.average_precision_score(similar, predicted)
            if two_classes
            else np.nan,
            "roc_auc": sklearn.roc_auc_score(similar, predicted) if two_classes else np.nan,
            "pearson": stats.pearsonr(true, predicted)[0] if varies else np.nan,
            "binary_accuracy": sklearn.accuracy_score(similar, predicted >= 0.5),
            "f1": sklearn.f1_score(similar, flagged) if two_classes else np.nan,
            "balanced_accuracy": sklearn.balanced_accuracy_score(similar, flagged) if two_classes else np.nan,
            "nearest_tenth_accuracy": sklearn.accuracy_score(*tenths),
        }


def test_pearson_of_a_draw_that_is_constant_but_for_pairs_of_weight_0_is_undefined() -> None:
    found = values([0.1, 0.3, 0.6, 0.9], [0.7, 0.7, 0.7, 0.1], weights=[1, 2, 1, 0])
    assert np.isnan(found["pearson"])
    assert np.isnan(found["spearman"])
    assert found["roc_auc"] == 0.5


# --- thresholds ------------------------------------------------------------------------------------


def test_the_best_threshold_lies_in_the_middle_of_the_gap_that_separates() -> None:
    truth = Answers.of(np.array([0.1, 0.2, 0.7, 0.9]))
    found = metrics.best_thresholds(truth, np.array([0.11, 0.20, 0.30, 0.45]))
    assert found == {"f1": 0.25, "balanced_accuracy": 0.25}


def test_f1_and_balanced_accuracy_may_want_different_thresholds() -> None:
    # At 0.15: 2 found of 2, 3 false alarms of 8: F1 4/7, balanced 0.8125. At 0.65: 1 of 2, none: 2/3, 0.75.
    truth = Answers.of(np.array([0.9, 0.1, 0.1, 0.1, 0.9, *[0.1] * 5]))
    found = metrics.best_thresholds(truth, np.array([0.8, 0.5, 0.5, 0.5, 0.2, *[0.1] * 5]))
    assert found == {"f1": 0.65, "balanced_accuracy": 0.15}


def test_without_both_classes_on_val_the_threshold_is_a_half() -> None:
    for true in ([], [0.1, 0.2], [0.8, 0.9]):
        found = metrics.best_thresholds(Answers.of(np.array(true)), np.array(true))
        assert found == {"f1": 0.5, "balanced_accuracy": 0.5}


@pytest.mark.slow
@given(st.lists(st.tuples(grade, grade), min_size=2, max_size=20))
@settings(max_examples=40, deadline=None)
def test_no_other_threshold_does_better(pairs: list[tuple[float, float]]) -> None:
    true, predicted = np.array(pairs).T
    truth = Answers.of(true)
    if truth.similar.all() or not truth.similar.any():
        return
    best = metrics.best_thresholds(truth, predicted)
    for name, score in (("f1", sklearn.f1_score), ("balanced_accuracy", sklearn.balanced_accuracy_score)):
        reached = score(truth.similar, predicted >= best[name])
        for threshold in [0.0, *predicted, 0.123, 0.52]:
            assert reached >= score(truth.similar, predicted >= threshold) - 1e-12


# --- resamples of songs ----------------------------------------------------------------------------


def test_a_pair_weighs_the_product_of_its_songs_counts() -> None:
    left, right = np.array([7, 7, 3]), np.array([3, 5, 5])
    weights = np.concatenate(list(resampling.pair_weights(left, right, n_resamples=200, seed=1)))
    assert weights.shape == (201, 3)
    assert weights[0].tolist() == [1, 1, 1]
    possible = set()  # counts of the songs 7, 3, 5 that sum to 3
    for a in range(4):
        for b in range(4 - a):
            possible.add((a * b, a * (3 - a - b), b * (3 - a - b)))
    assert {tuple(row) for row in weights[1:].astype(int).tolist()} == possible


def test_draws_depend_neither_on_their_number_nor_on_the_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, right = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3])
    few = np.concatenate(list(resampling.pair_weights(left, right, n_resamples=5, seed=9)))
    monkeypatch.setattr(resampling, "_WEIGHTS_PER_CHUNK", 12)
    chunks = list(resampling.pair_weights(left, right, n_resamples=20, seed=9))
    assert [len(chunk) for chunk in chunks] == [3] * 7
    assert np.array_equal(np.concatenate(chunks)[:6], few)


def test_another_seed_gives_other_draws() -> None:
    left, right = np.arange(10), np.arange(10) + 1
    one, two = (np.concatenate(list(resampling.pair_weights(left, right, 3, seed))) for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.slow
def test_intervals_and_paired_differences_equal_a_slow_bootstrap_over_repeated_pairs() -> None:
    generator = np.random.default_rng(5)
    left, right = generator.integers(12, size=40), generator.integers(12, 24, size=40)
    true = generator.beta(1, 2, 40)
    predicted = {
        key: np.clip(true + generator.normal(0, spread, 40), 0, 1) for key, spread in (("a", 0.1), ("b", 0.3))
    }
    thresholds = {key: {"f1": 0.4, "balanced_accuracy": 0.4} for key in predicted}
    found = metrics.measure(
        Answers.of(true),
        {key: Answers.of(one) for key, one in predicted.items()},
        thresholds,
        resampling.pair_weights(left, right, n_resamples=60, seed=3),
    )

    songs = sorted({*left.tolist(), *right.tolist()})
    slow: dict[str, list[list[float]]] = {"a": [], "b": []}
    for draw in range(1, 61):
        drawn = np.random.default_rng([3, draw]).integers(len(songs), size=len(songs))
        chosen = [songs[i] for i in drawn]
        pairs = [
            pair for pair in range(40) for _ in range(chosen.count(left[pair]) * chosen.count(right[pair]))
        ]
        for key, one in predicted.items():
            slow[key].append(list(by_other_means(true[pairs], one[pairs], 0.4).values()))
    names = list(by_other_means(true, true, 0.4))
    for name in NAMES:
        a, b = (np.array(slow[key])[:, names.index(name)] for key in "ab")
        entry = metrics.summary(found["a"][name], name, level=0.9)
        difference = metrics.summary(found["a"][name] - found["b"][name], name, level=0.9)
        for quick, slowly in ((entry, a), (difference, a - b)):
            low, high = np.nanquantile(slowly, [0.05, 0.95])
            assert quick.low == pytest.approx(low, rel=1e-5, abs=1e-9)
            assert quick.high == pytest.approx(high, rel=1e-5, abs=1e-9)


def test_the_interval_by_song_is_wider_than_by_pair_where_pairs_share_songs() -> None:
    generator = np.random.default_rng(0)
    left, right = (side.ravel() for side in np.meshgrid(np.arange(15), np.arange(15, 30)))
    quality = generator.normal(0, 0.2, 30)
    true = np.full(len(left), 0.5)
    predicted = np.clip(0.5 + quality[left] + quality[right], 0, 1)
    found = metrics.measure(
        Answers.of(true),
        {"one": Answers.of(predicted)},
        {"one": dict.fromkeys(metrics.THRESHOLDED, 0.5)},
        resampling.pair_weights(left, right, n_resamples=300, seed=0),
    )["one"]["mse"]
    by_song = metrics.summary(found, "mse", 0.95)
    by_pair = np.std((predicted - true) ** 2) / np.sqrt(len(true)) * 2 * 1.96
    assert by_song.high - by_song.low > 1.5 * by_pair


# --- summaries -------------------------------------------------------------------------------------


def test_a_summary_leaves_undefined_draws_out() -> None:
    drawn = np.array([0.5, *np.linspace(0, 1, 101), np.nan, np.nan])
    assert metrics.summary(drawn, "roc_auc", 0.9) == Estimate(value=0.5, low=0.05, high=0.95)


def test_an_undefined_value_is_none_with_a_reason() -> None:
    entry = metrics.summary(np.array([np.nan, 0.5, 0.6]), "roc_auc", 0.95)
    assert (entry.value, entry.low, entry.high) == (None, None, None)
    assert "similar" in (entry.reason or "")


def test_an_interval_that_most_draws_cannot_give_is_none_with_a_reason() -> None:
    entry = metrics.summary(np.array([0.5, 0.4, np.nan, np.nan, np.nan]), "spearman", 0.95)
    assert (entry.value, entry.low, entry.high) == (0.5, None, None)
    assert "most draws" in (entry.reason or "")


def test_numbers_are_kept_to_six_digits() -> None:
    assert metrics.rounded(0.123456789) == 0.123457
    assert metrics.rounded(1.23456789e-5) == 1.23457e-5
