"""Figures: what they show by their artists, and the same bytes from the same input."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from neuralist import figure_style
from neuralist.config import params
from neuralist.config.params import Evaluate, Experiment
from neuralist.config.records import ExperimentRecord
from neuralist.evaluation import figures
from neuralist.figure_style import DARK, LIGHT, Theme

TRUE, PREDICTED = [0.05, 0.15, 0.15, 0.95], [0.05, 0.05, 0.45, 0.85]
DRAWN = {
    "decile_error": figures.decile_error,
    "confusion": figures.confusion,
    "predicted_against_true": figures.predicted_against_true,
}


@pytest.fixture(scope="module")
def settings() -> params.Params:
    return params.load()


@pytest.fixture
def experiments(settings: params.Params) -> dict[str, Experiment]:
    return {name: settings.experiment(name) for name in ("words15", "words300", "songs15", "lyrics")}


@pytest.fixture
def evaluate(settings: params.Params) -> Evaluate:
    return settings.evaluate.model_copy(update={"draws": 200})


def table(experiments: dict[str, Experiment], true: list[float], predicted: list[float]) -> pd.DataFrame:
    """Predictions on test of songs s0-t0, s1-t1, ..., and others on val that no figure may show."""
    n = len(true)
    of_each = {"split": ["test"] * n, "similarity": true, "predicted": predicted}
    ids = {"left_id": [f"s{k}" for k in range(n)], "right_id": [f"t{k}" for k in range(n)]}
    parts = [pd.DataFrame({"experiment": name, **of_each, **ids}) for name in experiments]
    return pd.concat([*parts, parts[0].assign(split="val", predicted=0.0)], ignore_index=True)


@pytest.fixture
def predictions(experiments: dict[str, Experiment]) -> pd.DataFrame:
    return table(experiments, TRUE * 10, PREDICTED * 10)


def history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    columns = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy"), 1 / epoch)
    return pd.DataFrame({"epoch": epoch} | columns)


def trained(experiment: Experiment, train: int, val: int, best_epoch: int = 3) -> ExperimentRecord:
    counts: Any = {"train": train, "val": val}
    return ExperimentRecord.model_construct(params=experiment, best_epoch=best_epoch, n_pairs=counts)


def drawn_curves(
    experiments: dict[str, Experiment], sizes: dict[str, tuple[int, int]], histories: pd.DataFrame
) -> Figure:
    records = {name: trained(experiment, *sizes[name]) for name, experiment in experiments.items()}
    return figures.curves(dict.fromkeys(experiments, histories), records, experiments)


def drawn_calibration(
    predictions: pd.DataFrame, experiments: dict[str, Experiment], evaluate: Evaluate, theme: Theme = LIGHT
) -> Figure:
    bins = figures.bins_of_test(predictions, experiments, evaluate)
    return figures.calibration(bins, experiments, evaluate, theme)


SIZES = {"words15": (700, 90), "words300": (700, 90), "songs15": (500, 60), "lyrics": (10_696, 1_071)}


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left").strip() for axes in figure.axes]


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def headed(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in figure.texts).split())


def test_curves_name_the_pairs_that_each_experiment_was_trained_on(
    experiments: dict[str, Experiment],
) -> None:
    figure = drawn_curves(experiments, SIZES, history(20))
    assert titles(figure)[::2] == [
        "Rows cut at random: it leaks",
        "Songs never seen: listed pairs alone",
        "Songs never seen: listed and unlisted pairs",
    ]
    assert [words(axes)[0] for axes in figure.axes[::2]] == [
        "700 train, 90 val pairs",
        "500 train, 60 val pairs",
        "10,696 train, 1,071 val pairs",
    ]


def test_experiments_of_other_numbers_of_pairs_share_no_panel(experiments: dict[str, Experiment]) -> None:
    both = {name: experiments[name] for name in ("words15", "words300")}
    figure = drawn_curves(both, SIZES | {"words300": (701, 90)}, history(20))
    assert [words(axes)[0] for axes in figure.axes[::2]] == [
        "700 train, 90 val pairs",
        "701 train, 90 val pairs",
    ]


def test_losses_of_two_kinds_share_no_panel(experiments: dict[str, Experiment]) -> None:
    first = experiments["words15"]
    both = {"words15": first, "words300": first.model_copy(update={"loss": "cross_entropy"})}
    figure = drawn_curves(both, SIZES, history(20))
    assert titles(figure)[1::2] == ["Loss: mean squared error", "Loss: cross-entropy"]


def test_a_train_loss_that_includes_that_of_heads_says_so(experiments: dict[str, Experiment]) -> None:
    figure = drawn_curves(experiments, SIZES, history(20))
    noted = [any("loss includes that of heads" in text for text in words(axes)) for axes in figure.axes]
    assert noted == [False, False, False, False, False, True]


def test_val_is_solid_and_train_dashed_and_the_epoch_that_was_kept_has_a_ring(
    experiments: dict[str, Experiment],
) -> None:
    both = {name: experiments[name] for name in ("words15", "words300")}
    axes = drawn_curves(both, SIZES, history(20)).axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-", "--", "-"]
    assert axes.get_legend_handles_labels()[1] == ["words15 (15 words)", "words300 (300 words)"]
    [ring, _] = axes.collections
    assert np.asarray(ring.get_offsets()) == pytest.approx(np.array([[3, 1 / 3]]))


def test_an_experiment_has_one_colour_in_all_figures(
    experiments: dict[str, Experiment], predictions: pd.DataFrame, evaluate: Evaluate
) -> None:
    # songs15 is alone in its panels, and the third of the experiments.
    curve = drawn_curves(experiments, SIZES, history(20)).axes[2].lines[0]
    calibrated = drawn_calibration(predictions, experiments, evaluate).axes[1].lines[0]
    assert list(experiments)[2] == "songs15"
    assert [to_hex(str(line.get_color())) for line in (curve, calibrated)] == [LIGHT.colours[2]] * 2


def test_curves_without_val_show_train_alone_and_say_so(experiments: dict[str, Experiment]) -> None:
    without = history(3).drop(columns=["val_loss", "val_accuracy"])
    axes = drawn_curves({"words15": experiments["words15"]}, SIZES, without).axes[0]
    assert [line.get_label() for line in axes.lines] == ["words15 (15 words), train"]


def test_bars_of_the_errors_are_shares_of_the_test_pairs(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    figure = figures.decile_error(predictions, experiments)
    assert titles(figure)[0] == "words15 (15 words): 75 % at most a tenth off"
    assert words(figure.axes[0]) == ["40 test pairs; rows cut at random: it leaks"]
    bars: list[Any] = list(figure.axes[0].patches)
    shares = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in bars}
    assert {error: share for error, share in shares.items() if share} == {0: 25, -1: 50, 3: 25}
    pale = {round(bar.get_x() + bar.get_width() / 2) for bar in bars if bar.get_alpha() < 1}
    assert pale == {*range(-9, -1), *range(2, 10)}


def test_predicted_stands_upright_against_true_across(experiments: dict[str, Experiment]) -> None:
    pairs = table(experiments, [0.91] * 11 + [0.11], [0.21] * 11 + [0.61])
    axes = figures.predicted_against_true(pairs, experiments).axes[0]
    mesh: Any = axes.collections[0]
    cells = np.ma.filled(mesh.get_array(), 0).reshape(figures.FINE, figures.FINE)
    assert {(row, column): n for (row, column), n in np.ndenumerate(cells) if n} == {
        (8, 36): 11,  # 0.21 and 0.91 times 40
        (24, 4): 1,
    }
    # The other true tenth has a single pair, whose mean says nothing.
    [means] = [line for line in axes.lines if line.get_marker() == "o"]
    assert np.asarray(means.get_xydata()) == pytest.approx(np.array([[0.91, 0.21]]))


def test_rows_of_the_confusion_sum_to_100_percent(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    axes = figures.confusion(predictions, experiments).axes[0]
    shown = np.asarray(axes.images[0].get_array())
    expected = np.full((10, 10), np.nan)
    expected[[0, 1, 9]] = 0
    expected[0, 0], expected[1, 0], expected[1, 4], expected[9, 8] = 100, 50, 50, 100
    np.testing.assert_allclose(shown, expected)
    assert {"10", "20", "100", "50"} <= set(words(axes))


def test_a_row_of_the_confusion_with_nine_pairs_stays_empty(experiments: dict[str, Experiment]) -> None:
    pairs = table(experiments, [0.05] * 9 + [0.95] * 10, [0.05] * 19)
    figure = figures.confusion(pairs, experiments)
    shown = np.asarray(figure.axes[0].images[0].get_array())
    assert np.isnan(shown[0]).all()
    assert shown[9, 0] == 100
    assert "Rows of fewer than 10 pairs are empty." in headed(figure)


def test_the_diagonal_of_the_confusion_is_ten_boxes(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    boxes: list[Any] = list(figures.confusion(predictions, experiments).axes[0].patches)
    assert [box.get_xy() for box in boxes] == [(k - 0.5, k - 0.5) for k in range(10)]


def test_calibration_has_the_mean_truth_of_each_predicted_decile(evaluate: Evaluate) -> None:
    true, predicted = np.array(TRUE * 10), np.array(PREDICTED * 10)
    songs = np.arange(80)
    bins = figures.calibration_bins(figures.Scored(true, predicted, songs[:40], songs[40:]), evaluate)
    assert bins.predicted == pytest.approx([0.05, 0.45, 0.85])
    assert bins.true == pytest.approx([0.1, 0.15, 0.95])
    assert bins.n_pairs.tolist() == [20, 10, 10]
    # The truth of the first decile is 0.05 or 0.15, of the others one value.
    assert 0.05 < bins.low[0] < 0.1 < bins.high[0] < 0.15
    assert [*bins.low[1:], *bins.high[1:]] == pytest.approx([0.15, 0.95] * 2)


def test_calibration_intervals_are_wide_where_all_pairs_share_one_song(evaluate: Evaluate) -> None:
    """Half of the pairs are of one song: it is in a resample not at all, once, twice, ..."""
    true = np.repeat([0.2, 0.8], 20)
    predicted = np.full(40, 0.5)
    apart, shared = np.arange(40), np.array([0] * 20 + [*range(20, 40)])
    widths = []
    for left in (apart, shared):
        bins = figures.calibration_bins(figures.Scored(true, predicted, left, 40 + apart), evaluate)
        widths.append(float(bins.high[0] - bins.low[0]))
    assert widths[1] > 1.3 * widths[0]


def test_calibration_hides_nine_pairs_and_says_so(
    experiments: dict[str, Experiment], evaluate: Evaluate
) -> None:
    pairs = table(experiments, [0.5] * 19, [0.15] * 10 + [0.85] * 9)
    axes = drawn_calibration(pairs, experiments, evaluate).axes[0]
    assert axes.get_legend_handles_labels()[1] == [
        "words15 (9 pairs not shown)",
        "words300 (9 pairs not shown)",
    ]
    dots: Any = [points for points in axes.collections if len(np.asarray(points.get_offsets()))][-1]
    assert np.asarray(dots.get_offsets()) == pytest.approx(np.array([[0.15, 0.5]]))


def test_calibration_has_a_panel_for_each_target(
    experiments: dict[str, Experiment], predictions: pd.DataFrame, evaluate: Evaluate
) -> None:
    figure = drawn_calibration(predictions, experiments, evaluate)
    assert [words(axes)[0] for axes in figure.axes if words(axes)] == [
        "protocol paper: 40 test pairs",
        "protocol songs, target listed_only: 40 test pairs",
        "protocol songs, target observable: 40 test pairs",
    ]
    assert "95% intervals from 200 resamples of the songs" in headed(figure)


@pytest.mark.slow
@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_empty_test_parts_draw_without_error(
    experiments: dict[str, Experiment],
    predictions: pd.DataFrame,
    evaluate: Evaluate,
    theme: figure_style.Theme,
    tmp_path: Path,
) -> None:
    empty = predictions.iloc[:0]
    for draw in DRAWN.values():
        figure_style.save(draw(empty, experiments, theme), tmp_path / "empty.png")
    figure_style.save(drawn_calibration(empty, experiments, evaluate, theme), tmp_path / "empty.png")


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_no_two_texts_of_a_figure_overlap(
    name: str, experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    figure = DRAWN[name](predictions, experiments)
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    boxes = [text.get_window_extent() for text in figure.texts]
    boxes += [text.get_window_extent() for axes in panels for text in (axes.title, axes.xaxis.label)]
    boxes += [axes.texts[-1].get_window_extent() for axes in panels]
    boxes = [box for box in boxes if box.width and box.height]
    width, height = figure.bbox.width, figure.bbox.height
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_a_dark_figure_has_dark_paper_and_its_own_colours(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    for theme in (LIGHT, DARK):
        figure = figures.decile_error(predictions, experiments, theme)
        assert to_hex(figure.get_facecolor()) == theme.paper
        assert to_hex(figure.axes[0].get_facecolor()) == theme.paper
        bars: Any = figure.axes[0].patches
        assert to_hex(bars[9].get_facecolor()) == theme.colours[0]


def test_the_same_figure_gives_the_same_bytes(
    experiments: dict[str, Experiment], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png"):
        figure_style.save(figures.decile_error(predictions, experiments), tmp_path / name)
    first_bytes = (tmp_path / "one.png").read_bytes()
    assert first_bytes == (tmp_path / "two.png").read_bytes()
    assert b"Software" not in first_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_a_history_that_is_missing_or_lacks_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a readable history"):
        figures.read_history(tmp_path / "history.csv")
    (tmp_path / "history.csv").write_text("epoch,accuracy\n1,0.5\n")
    with pytest.raises(ValueError, match=r"columns \['loss'\] are missing"):
        figures.read_history(tmp_path / "history.csv")
