"""Figures: what they show by their artists, and the same bytes from the same input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from neuralist.config import params
from neuralist.config.params import Experiment
from neuralist.evaluation import figures

N_PAIRS = {"paper": {"train": 700, "val": 90, "test": 4}, "songs": {"train": 500}}


@pytest.fixture
def experiments() -> dict[str, Experiment]:
    settings = params.load()
    return {name: settings.experiment(name) for name in settings.experiments}


@pytest.fixture
def predictions(experiments: dict[str, Experiment]) -> pd.DataFrame:
    true, predicted = [0.05, 0.15, 0.15, 0.95], [0.05, 0.05, 0.45, 0.85]
    parts = [
        pd.DataFrame({"experiment": name, "split": ["test"] * 4, "similarity": true, "predicted": predicted})
        for name in experiments
    ]
    val = parts[0].assign(split="val", predicted=0.0)
    return pd.concat([*parts, val], ignore_index=True)


def history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    columns = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy"), 1 / epoch)
    return pd.DataFrame({"epoch": epoch} | columns)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def test_curves_of_both_word_lengths_share_a_panel_with_train_and_val(
    experiments: dict[str, Experiment],
) -> None:
    figure = figures.curves({name: history(20) for name in experiments}, experiments, N_PAIRS)
    assert titles(figure)[:2] == ["protocol paper: train n = 700, val n = 90 pairs"] * 2
    assert [axes.get_ylabel().split(" (")[0] for axes in figure.axes] == ["accuracy", "loss"] * 3
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == [
        "words15 (15 words), val",
        "words15 (15 words), train",
        "words300 (300 words), val",
        "words300 (300 words), train",
    ]


def test_losses_of_two_kinds_share_no_panel(experiments: dict[str, Experiment]) -> None:
    name, first = next(iter(experiments.items()))
    both = {name: first, "other": first.model_copy(update={"loss": "cross_entropy"})}
    figure = figures.curves({name: history(20) for name in both}, both, N_PAIRS)

    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel().startswith("loss")]
    assert labels == ["loss (mean squared error)", "loss (cross-entropy)"]


def test_curves_without_val_show_train_alone(experiments: dict[str, Experiment]) -> None:
    without = history(3).drop(columns=["val_loss", "val_accuracy"])
    figure = figures.curves(dict.fromkeys(experiments, without), experiments, N_PAIRS)
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 6, 6, 1, 1]


def test_bars_of_the_decile_errors_are_shares_of_the_test_pairs(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    figure = figures.decile_error(predictions, experiments)
    assert titles(figure)[0] == "words15 (15 words, protocol paper), n = 4"
    bars = {
        round(bar.get_x() + bar.get_width() / 2): bar.get_height()  # pyright: ignore[reportAttributeAccessIssue]
        for bar in figure.axes[0].patches
    }
    assert {error: share for error, share in bars.items() if share} == {0: 0.25, -1: 0.5, 3: 0.25}


def test_rows_of_the_confusion_sum_to_100_percent(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    figure = figures.confusion(predictions, experiments)
    shown = np.asarray(figure.axes[0].images[0].get_array())
    expected = np.zeros((10, 10))
    expected[0, 0], expected[1, 0], expected[1, 4], expected[9, 8] = 100, 50, 50, 100
    assert shown == pytest.approx(expected)
    assert figure.axes[0].get_yticklabels()[1].get_text() == "1 (n = 2)"


def test_calibration_shows_the_mean_truth_of_each_predicted_decile(
    experiments: dict[str, Experiment], predictions: pd.DataFrame
) -> None:
    figure = figures.calibration(predictions, experiments)
    assert titles(figure) == ["protocol paper, test", "protocol songs, test"]
    line = figure.axes[0].lines[1]
    assert np.asarray(line.get_xdata()) == pytest.approx([0.05, 0.45, 0.85])
    assert np.asarray(line.get_ydata()) == pytest.approx([0.1, 0.15, 0.95])


@pytest.mark.slow
def test_empty_test_parts_draw_without_error(
    experiments: dict[str, Experiment], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    empty = predictions.iloc[:0]
    for draw in (figures.decile_error, figures.confusion, figures.calibration):
        figures.save(draw(empty, experiments), tmp_path / "empty.png")


def test_the_same_figure_gives_the_same_bytes(
    experiments: dict[str, Experiment], predictions: pd.DataFrame, tmp_path: Path
) -> None:
    for name in ("one.png", "two.png"):
        figures.save(figures.calibration(predictions, experiments), tmp_path / name)
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
