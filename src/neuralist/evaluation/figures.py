"""Draw the figures of the evaluation: learning curves, decile errors, confusion of deciles, calibration.

Input: histories (the history.csv of each experiment) and predictions (tables.PREDICTIONS).
Output: matplotlib figures, made without pyplot and so without global state; `save` writes the same
bytes each time.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neuralist import files
from neuralist.config.params import Experiment
from neuralist.evaluation.groups import grouped
from neuralist.metrics import decile

# Okabe & Ito's colours, which colour-blind readers can tell apart: https://jfly.uni-koeln.de/color
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DECILES = np.arange(10)
LOSSES = {"mse": "mean squared error", "cross_entropy": "cross-entropy"}


def read_history(path: Path) -> pd.DataFrame:
    """Read an experiment's history.csv: epoch from 1, loss, accuracy; and val_loss, val_accuracy if any.

    Raises:
        ValueError: the file is missing, no table, or lacks one of these columns.
    """
    try:
        history = pd.read_csv(path)
    except (FileNotFoundError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(
            f"{path}: not a readable history ({error}); run `dvc repro` to train again"
        ) from None
    missing = sorted({"epoch", "loss", "accuracy"} - set(history.columns))
    if missing:
        raise ValueError(f"{path}: columns {missing} are missing; run `dvc repro` to train again")
    return history


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all, without the version of matplotlib in its metadata."""
    with files.unfinished(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})


def curves(
    histories: Mapping[str, pd.DataFrame],
    experiments: Mapping[str, Experiment],
    n_pairs: Mapping[str, Mapping[str, int]],
) -> Figure:
    """Plot accuracy and loss by epoch, a row of panels for each protocol and kind of loss.

    Args:
        histories: experiment to its history.
        experiments: those to show.
        n_pairs: protocol to split to its number of rows or pairs.
    """
    groups = grouped(experiments, lambda experiment: (experiment.protocol, experiment.loss))
    figure = Figure(figsize=(10, 0.7 + 3.3 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 2, squeeze=False)
    for row, ((protocol, loss), group) in zip(panels, groups.items(), strict=True):
        sizes = ", ".join(f"{split} n = {n_pairs[protocol].get(split, 0):,}" for split in ("train", "val"))
        measures = {"accuracy": "accuracy (both sides cut at 0.5)", "loss": f"loss ({LOSSES[loss]})"}
        for axes, (column, label) in zip(row, measures.items(), strict=True):
            for colour, (name, experiment) in zip(_colours(group), group.items(), strict=True):
                _curve(axes, histories[name], column, f"{name} ({experiment.max_tokens} words)", colour)
            axes.set(xlabel="epoch", ylabel=label, title=f"protocol {protocol}: {sizes} pairs")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            _style_axes(axes)
        row[0].legend(frameon=False, fontsize=8)
    figure.suptitle("Learning curves: accuracy and loss", fontsize=12)
    return figure


def _curve(axes: Axes, history: pd.DataFrame, column: str, name: str, colour: str) -> None:
    """Plot one experiment's val (solid) and train (dashed) curves, with dots where epochs are few."""
    marker = "." if len(history) < 15 else ""
    for split, prefix, line in (("val", "val_", "-"), ("train", "", "--")):
        if prefix + column in history:
            values = history[prefix + column]
            axes.plot(history["epoch"], values, line, color=colour, marker=marker, label=f"{name}, {split}")


def decile_error(predictions: pd.DataFrame, experiments: Mapping[str, Experiment]) -> Figure:
    """Draw a histogram of predicted minus true decile on test, a panel for each experiment."""
    figure, panels = _panels(experiments, "Predicted minus true decile on test", (4.4, 2.9), sharey=True)
    for axes, (name, experiment) in zip(panels, experiments.items(), strict=True):
        true, predicted = _test_similarities(predictions, name)
        errors = decile(predicted) - decile(true)
        steps = np.arange(-9, 10)
        shares = np.bincount(errors + 9, minlength=19) / max(len(errors), 1)
        near = np.abs(steps) <= 1
        axes.bar(steps[near], shares[near], color=COLOURS[0], label="within one decile")
        axes.bar(steps[~near], shares[~near], color=COLOURS[4], label="further off")
        axes.set(xlabel="predicted minus true decile", ylabel="share of pairs", xticks=steps[::3])
        axes.set_title(_title(name, experiment, true))
        _style_axes(axes)
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def confusion(predictions: pd.DataFrame, experiments: Mapping[str, Experiment]) -> Figure:
    """Draw the confusion of deciles on test, % of each true decile's pairs, a panel for each experiment."""
    figure, panels = _panels(
        experiments, "Confusion of deciles on test, % of each true decile's pairs", (4.7, 4.2)
    )
    for axes, (name, experiment) in zip(panels, experiments.items(), strict=True):
        true, predicted = _test_similarities(predictions, name)
        counts = np.zeros((10, 10))
        np.add.at(counts, (decile(true), decile(predicted)), 1)
        totals = counts.sum(axis=1)
        percent = 100 * counts / np.maximum(totals, 1)[:, None]
        axes.imshow(percent, cmap="cividis", vmin=0, vmax=100, origin="lower")
        for row, column in zip(*np.nonzero(percent >= 0.5), strict=True):
            shade = "black" if percent[row, column] > 50 else "white"
            cell = f"{percent[row, column]:.0f}"
            axes.text(column, row, cell, ha="center", va="center", color=shade, size=8)
        axes.set_title(_title(name, experiment, true), fontsize=10)
        axes.set(xlabel="predicted decile", ylabel="true decile", xticks=DECILES)
        axes.set_yticks(DECILES, [f"{step} (n = {total:,.0f})" for step, total in enumerate(totals)])
    return figure


def calibration(predictions: pd.DataFrame, experiments: Mapping[str, Experiment]) -> Figure:
    """Plot the mean true similarity in each predicted decile on test, a panel for each protocol."""
    protocols = grouped(experiments, lambda experiment: experiment.protocol)
    figure = Figure(figsize=(4.9 * len(protocols), 4.9), layout="constrained")
    panels = figure.subplots(1, len(protocols), squeeze=False)[0]
    for axes, (protocol, group) in zip(panels, protocols.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="perfectly calibrated")
        for colour, (name, experiment) in zip(_colours(group), group.items(), strict=True):
            true, predicted = _test_similarities(predictions, name)
            deciles, of_pair, sizes = np.unique(decile(predicted), return_inverse=True, return_counts=True)
            means = [np.bincount(of_pair, values, len(deciles)) / sizes for values in (predicted, true)]
            label = f"{name} ({experiment.max_tokens} words), n = {len(true):,}"
            axes.plot(*means, color=colour, linewidth=1, label=label)
            axes.scatter(*means, s=8 + 6 * np.sqrt(sizes), color=colour, alpha=0.7)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", title=f"protocol {protocol}, test")
        axes.set(xlabel="mean predicted similarity", ylabel="mean true similarity")
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        _style_axes(axes)
    figure.suptitle("Calibration by predicted decile; the larger a dot, the more pairs", fontsize=12)
    return figure


def _panels(
    experiments: Mapping[str, Experiment], title: str, size: tuple[float, float], sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, one for each experiment, two a row; `size` is a panel's in inches."""
    columns = min(2, len(experiments))
    rows = -(-len(experiments) // columns)
    figure = Figure(figsize=(size[0] * columns, 0.5 + size[1] * rows), layout="constrained")
    figure.suptitle(title, fontsize=12)
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for unused in panels[len(experiments) :]:
        unused.remove()
    return figure, panels[: len(experiments)]


def _test_similarities(predictions: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted similarities of an experiment's test pairs."""
    mask = np.asarray((predictions["experiment"] == name) & (predictions["split"] == "test"))
    return np.asarray(predictions["similarity"])[mask], np.asarray(predictions["predicted"])[mask]


def _title(name: str, experiment: Experiment, true: np.ndarray) -> str:
    return f"{name} ({experiment.max_tokens} words, protocol {experiment.protocol}), n = {len(true):,}"


def _colours(experiments: Mapping[str, Experiment]) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(len(experiments))]


def _style_axes(axes: Axes) -> None:
    """Give axes no frame but the two axes, a faint grid and a small title."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.set_title(axes.get_title(), fontsize=10)
