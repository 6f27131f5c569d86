"""Draw the figures of the evaluation: curves, errors, predicted against true, confusion, calibration.

Input: histories (the history.csv of each experiment), their records, and predictions (tables.PREDICTIONS).
Output: matplotlib figures in one style, light or dark; `figure_style.save` writes the same bytes each time.
An experiment has the colour of its number in each of them, as in the charts of `epoch_tables`. `things` is
the word for what is compared, songs or texts.
Experiments are those of `evaluation.resolved`: their target says which pairs they are scored on.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from neuralist import figure_style as style
from neuralist.config.params import Evaluate, Experiment
from neuralist.config.records import ExperimentRecord
from neuralist.evaluation.groups import grouped
from neuralist.evaluation.resampling import pair_weights
from neuralist.evaluation.results import reads
from neuralist.figure_style import LIGHT, Theme
from neuralist.metrics import decile

MIN_PAIRS = 10  # of a decile that is shown: a mean or a share of fewer says little
TENTHS = np.arange(11) / 10
LOSSES = {"mse": "mean squared error", "cross_entropy": "cross-entropy"}
FINE = 40  # cells a side of the plane of true and predicted similarities


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


def curves(
    histories: Mapping[str, pd.DataFrame],
    records: Mapping[str, ExperimentRecord],
    experiments: Mapping[str, Experiment],
    theme: Theme = LIGHT,
    things: str = "songs",
) -> Figure:
    """Plot accuracy and loss by epoch, a row of panels for each kind of pairs and kind of loss.

    Args:
        histories: experiment to its history.
        records: experiment to its record, which has the number of pairs and the epoch that was kept.
        experiments: those to show.
        theme: colours of the figure.
        things: songs or texts.
    """

    def alike(name: str) -> tuple[str, str, tuple[int, ...]]:
        n_pairs = tuple(records[name].n_pairs.get(split, 0) for split in ("train", "val"))
        return _kind(experiments[name], things), experiments[name].loss, n_pairs

    groups = grouped({name: name for name in experiments}, alike)
    numbers = _numbers(experiments)
    about = (
        "Solid: on val, after the epoch. Dashed: on train, the mean of the epoch's batches while the "
        "model learned, with dropout. Ring: the epoch that was kept, that of the lowest val loss. Accuracy: "
        "the share of pairs whose predicted and true similarity lie on the same side of 0.5."
    )
    with style.used(theme):
        figure = style.figure(2.9 * len(groups), "Learning curves", about, theme)
        axes = style.panels(figure, 2 * len(groups))
        for row, ((kind, loss, n_pairs), group) in enumerate(groups.items()):
            accuracies, losses = axes[2 * row : 2 * row + 2]
            for name in group:
                label = f"{name} ({reads(experiments[name])})"
                for panel, column in ((accuracies, "accuracy"), (losses, "loss")):
                    kept = records[name].best_epoch
                    _curve(panel, histories[name], kept, column, label, numbers[name], theme)
            sizes = "{:,} train, {:,} val pairs".format(*n_pairs)
            _title(accuracies, kind, sizes, theme)
            heads = any(experiments[name].heads for name in group)
            note = "; train loss includes that of heads" if heads else ""
            _title(losses, f"Loss: {LOSSES[loss]}", f"{sizes}{note}", theme)
            accuracies.set(xlabel="epoch", ylabel="accuracy, cut at 0.5")
            losses.set(xlabel="epoch", ylabel=LOSSES[loss])
            for panel in (accuracies, losses):
                panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            accuracies.legend(loc="best")
    return figure


def _curve(
    axes: Axes, history: pd.DataFrame, kept: int, column: str, label: str, number: int, theme: Theme
) -> None:
    """Plot one experiment's val (solid) and train (dashed) curves, with dots where epochs are few."""
    marker = style.MARKERS[number // len(theme.colours) % len(style.MARKERS)]
    options: dict[str, Any] = {
        "color": theme.colour(number),
        "marker": marker if len(history) < 15 or number >= len(theme.colours) else "",
        "markersize": 3,
    }
    has_val = f"val_{column}" in history
    axes.plot(
        history["epoch"], history[column], "--", label=None if has_val else f"{label}, train", **options
    )
    if has_val:
        values = history[f"val_{column}"]
        axes.plot(history["epoch"], values, "-", label=label, **options)
        at_kept = history["epoch"] == kept
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": theme.colour(number), "linewidths": 1.4}
        axes.scatter(history["epoch"][at_kept], values[at_kept], s=52, zorder=3, **ring)


def decile_error(
    predictions: pd.DataFrame,
    experiments: Mapping[str, Experiment],
    theme: Theme = LIGHT,
    things: str = "songs",
) -> Figure:
    """Draw a histogram of predicted minus true decile on test, a panel for each experiment."""
    about = (
        "Share of the test pairs by error, in tenths of similarity: -3 is predicted three tenths too low. "
        "Full bars are at most one tenth off, pale bars further."
    )
    with style.used(theme):
        figure = style.figure(
            2.2 * _rows(experiments), "Errors: predicted minus true similarity", about, theme
        )
        axes = style.panels(figure, len(experiments), sharey=True)
        for number, (panel, (name, experiment)) in enumerate(zip(axes, experiments.items(), strict=True)):
            pairs = _test_pairs(predictions, name)
            errors = decile(pairs.predicted) - decile(pairs.true)
            steps = np.arange(-9, 10)
            shares = 100 * np.bincount(errors + 9, minlength=19) / max(len(errors), 1)
            bars = panel.bar(steps, shares, color=theme.colour(0), width=0.86)
            for bar, step in zip(bars, steps, strict=True):
                bar.set_alpha(1.0 if abs(step) <= 1 else 0.42)
            near = f"{shares[np.abs(steps) <= 1].sum():.0f} % at most a tenth off" if len(errors) else ""
            _experiment_title(panel, name, experiment, len(errors), theme, things=things, note=near)
            panel.set(xlabel="predicted minus true, in tenths", xticks=steps[::3])
            panel.set_ylabel("" if number % 2 else "% of the test pairs")
            panel.axvline(0, color=theme.soft, linewidth=0.8, zorder=0.5)
    return figure


def predicted_against_true(
    predictions: pd.DataFrame,
    experiments: Mapping[str, Experiment],
    theme: Theme = LIGHT,
    things: str = "songs",
) -> Figure:
    """Draw predicted against true similarity of the test pairs, as density, a panel for each experiment."""
    more = "darker" if theme is LIGHT else "lighter"
    about = (
        f"Test pairs by their true and their predicted similarity: the {more} a cell, the more pairs. "
        "Dotted: predicted as it is. Dots: the mean prediction of each true tenth that has "
        f"{MIN_PAIRS} pairs or more."
    )
    edges = np.linspace(0, 1, FINE + 1)
    with style.used(theme):
        figure = style.figure(3.9 * _rows(experiments), "Predicted against true similarity", about, theme)
        axes = style.panels(figure, len(experiments))
        scored = {name: _test_pairs(predictions, name) for name in experiments}
        counts = {
            name: np.histogram2d(pairs.predicted, pairs.true, bins=[edges, edges])[0]
            for name, pairs in scored.items()
        }
        most = max((cells.max() for cells in counts.values()), default=1)
        norm = LogNorm(0.25, max(most, 2))  # from below 1, so that a single pair is seen on the paper
        drawn: Any = None
        for number, (panel, (name, experiment)) in enumerate(zip(axes, experiments.items(), strict=True)):
            pairs, cells = scored[name], np.ma.masked_equal(counts[name], 0)
            drawn = panel.pcolormesh(edges, edges, cells, cmap=theme.colormap, norm=norm)
            panel.plot([0, 1], [0, 1], ":", color=theme.soft, linewidth=1.2)
            tenths = decile(pairs.true)
            shown = [tenth for tenth in range(10) if (tenths == tenth).sum() >= MIN_PAIRS]
            means = [[side[tenths == tenth].mean() for tenth in shown] for side in pairs[:2]]
            edge: dict[str, Any] = {"markeredgecolor": theme.paper, "markersize": 6}
            panel.plot(*means, "o-", color=theme.colour(1), linewidth=1.2, **edge)
            _experiment_title(panel, name, experiment, len(pairs.true), theme, things=things)
            panel.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="true similarity")
            panel.set_ylabel("" if number % 2 else "predicted similarity")
        if drawn is not None:
            bar = figure.colorbar(drawn, ax=axes, shrink=min(1, 2.6 / (3.9 * _rows(experiments))), pad=0.02)
            bar.set_label("test pairs in a cell")
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
            ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000, 10_000, 100_000) if tick <= max(most, 2)]
            bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
            bar.minorticks_off()
    return figure


def confusion(
    predictions: pd.DataFrame,
    experiments: Mapping[str, Experiment],
    theme: Theme = LIGHT,
    things: str = "songs",
) -> Figure:
    """Draw the confusion of deciles on test, % of each true decile's pairs, a panel for each experiment.

    Rows of fewer than MIN_PAIRS pairs are empty.
    """
    about = (
        "Of the test pairs in each tenth of true similarity (a row, n at its right), the % that are "
        f"predicted in each tenth. Boxes: the right tenth. Rows of fewer than {MIN_PAIRS} pairs are empty."
    )
    with style.used(theme):
        figure = style.figure(3.9 * _rows(experiments), "Confusion of tenths of similarity", about, theme)
        axes = style.panels(figure, len(experiments))
        for number, (panel, (name, experiment)) in enumerate(zip(axes, experiments.items(), strict=True)):
            pairs = _test_pairs(predictions, name)
            counts = np.zeros((10, 10))
            np.add.at(counts, (decile(pairs.true), decile(pairs.predicted)), 1)
            totals = counts.sum(axis=1)
            percent = 100 * counts / np.maximum(totals, 1)[:, None]
            percent[totals < MIN_PAIRS] = np.nan
            _cells(panel, percent, theme)
            for row, total in enumerate(totals):
                look: dict[str, Any] = {"size": 7, "color": theme.soft, "va": "center", "in_layout": False}
                panel.text(9.65, row, f"{total:,.0f}", **look)
            _experiment_title(panel, name, experiment, len(pairs.true), theme, things=things)
            ends = [f"{tenth:g}" for tenth in TENTHS]
            panel.set_xticks(np.arange(11) - 0.5, ends)
            panel.set_yticks(np.arange(11) - 0.5, ends)
            panel.set(xlabel="predicted similarity", ylabel="" if number % 2 else "true similarity")
    return figure


def _cells(axes: Axes, percent: np.ndarray, theme: Theme) -> None:
    """Draw percentages as cells with numbers, the diagonal in boxes."""
    axes.imshow(percent, cmap=theme.colormap, vmin=0, vmax=100, origin="lower")
    for row, column in zip(*np.nonzero(np.nan_to_num(percent) >= 0.5), strict=True):
        share = float(percent[row, column])
        look: dict[str, Any] = {"ha": "center", "va": "center", "size": 7.5, "in_layout": False}
        axes.text(column, row, f"{share:.0f}", color=theme.onto(share / 100), **look)
    for tenth in range(10):
        corner = (tenth - 0.5, tenth - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=theme.colour(1), linewidth=1.1))
    axes.grid(visible=False)
    axes.tick_params(labelsize=7.5)


class Bins(NamedTuple):
    """Test pairs by predicted decile: those with MIN_PAIRS or more, and how many pairs the others hold.

    Attributes:
        predicted: mean predicted similarity of each, float64 (n_bins,).
        true: mean true similarity of each.
        low: lower end of that mean's interval.
        high: upper end of it.
        n_pairs: int64 (n_bins,).
        n_hidden: pairs in deciles of fewer than MIN_PAIRS.
    """

    predicted: np.ndarray
    true: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_pairs: np.ndarray
    n_hidden: int

    @property
    def n_pairs_in_all(self) -> int:
        """The number of test pairs, hidden ones included."""
        return int(self.n_pairs.sum()) + self.n_hidden


class Scored(NamedTuple):
    """True and predicted similarity of an experiment's test pairs, and numbers of their songs."""

    true: np.ndarray
    predicted: np.ndarray
    left: np.ndarray
    right: np.ndarray


def calibration_bins(pairs: Scored, settings: Evaluate) -> Bins:
    """Return the mean true similarity by predicted decile, with intervals from resamples of the songs.

    A resample that draws no pair of a decile is left out of that decile's interval.
    """
    deciles, of_pair, sizes = np.unique(decile(pairs.predicted), return_inverse=True, return_counts=True)
    shown = sizes >= MIN_PAIRS
    member = (of_pair[:, None] == np.arange(len(deciles))).astype(np.float64)
    means = [
        (weights @ (member * pairs.true[:, None])) / np.where(total > 0, total, np.nan)
        for weights in pair_weights(pairs.left, pairs.right, settings.draws, settings.seed)
        for total in (weights @ member,)
    ]
    drawn = np.concatenate(means)[1:] if len(deciles) else np.zeros((1, 0))
    ends = [(1 - settings.level) / 2, (1 + settings.level) / 2]
    low, high = np.nanquantile(drawn[:, shown], ends, axis=0) if shown.any() else np.zeros((2, 0))
    predicted, true = (
        np.bincount(of_pair, values, len(deciles))[shown] / sizes[shown] for values in pairs[1::-1]
    )
    return Bins(predicted, true, low, high, sizes[shown], int(sizes[~shown].sum()))


def bins_of_test(predictions: pd.DataFrame, names: Iterable[str], settings: Evaluate) -> dict[str, Bins]:
    """Return the bins of each experiment's test pairs; resampling takes longer than drawing them."""
    return {name: calibration_bins(_test_pairs(predictions, name), settings) for name in names}


def calibration(
    bins: Mapping[str, Bins],
    experiments: Mapping[str, Experiment],
    settings: Evaluate,
    theme: Theme = LIGHT,
    things: str = "songs",
) -> Figure:
    """Plot mean true similarity by predicted decile on test, with intervals; a panel for each target.

    Deciles of fewer than MIN_PAIRS pairs are not shown, and the panel says how many pairs those hold.

    Args:
        bins: experiment to its bins, from `bins_of_test`.
        experiments: those to show.
        settings: draws and level of the intervals.
        theme: colours of the figure.
        things: songs or texts.
    """
    groups = grouped(experiments, lambda experiment: (_kind(experiment, things), _names(experiment)))
    numbers = _numbers(experiments)
    about = (
        "Mean true similarity of the test pairs in each tenth of predicted similarity; the larger a dot, the "
        f"more pairs. Bars: {settings.level:.0%} intervals from {settings.draws:,} resamples of "
        f"the {things}. Tenths of fewer than {MIN_PAIRS} pairs are not shown. Dotted: predicted as it is."
    )
    with style.used(theme):
        rows = -(-len(groups) // 2)
        figure = style.figure(4.2 * rows, "Calibration: true by predicted similarity", about, theme)
        axes = style.panels(figure, len(groups))
        for number, (panel, ((kind, names), group)) in enumerate(zip(axes, groups.items(), strict=True)):
            _calibration_panel(panel, {name: bins[name] for name in group}, numbers, theme)
            n_pairs = bins[next(iter(group))].n_pairs_in_all
            _title(panel, kind, f"{names}: {n_pairs:,} test pairs", theme)
            panel.set_ylabel("" if number % 2 else "mean true similarity")
    return figure


def _calibration_panel(
    axes: Axes, by_experiment: Mapping[str, Bins], numbers: Mapping[str, int], theme: Theme
) -> None:
    top = 0.2
    for name, bins in by_experiment.items():
        number = numbers[name]
        hidden = f" ({bins.n_hidden:,} pairs not shown)" if bins.n_hidden else ""
        look: dict[str, Any] = {"color": theme.colour(number)}
        marker = style.MARKERS[number % len(style.MARKERS)]
        spread = [bins.true - bins.low, bins.high - bins.true]
        axes.errorbar(bins.predicted, bins.true, spread, fmt="none", elinewidth=1.1, alpha=0.75, **look)
        axes.plot(bins.predicted, bins.true, linewidth=1.1, alpha=0.8, **look)
        dots: dict[str, Any] = {"marker": marker, "edgecolors": theme.paper, "linewidths": 0.6, "zorder": 3}
        sizes = 12 + 2.2 * np.sqrt(bins.n_pairs)
        axes.scatter(bins.predicted, bins.true, s=sizes, label=f"{name}{hidden}", **dots, **look)
        top = max([top, *bins.high, *bins.predicted])
    top = min(1.0, np.ceil(5 * top) / 5)
    axes.plot([0, 1], [0, 1], color=theme.soft, linestyle=":", linewidth=1.2, zorder=1)
    edges = (-0.03 * top, 1.03 * top)
    axes.set(xlim=edges, ylim=edges, aspect="equal", xlabel="mean predicted similarity")
    axes.legend(loc="lower right", markerscale=0.6, borderaxespad=0.1, handletextpad=0.1)


def _kind(experiment: Experiment, things: str) -> str:
    """Say in words which pairs an experiment is scored on."""
    if experiment.protocol == "songs":
        both = experiment.target == "observable"
        return f"{things.capitalize()} never seen: " + (
            "listed and unlisted pairs" if both else "listed pairs alone"
        )
    return "Rows cut at random: it leaks" if experiment.protocol == "paper" else "The corpus' own split"


def _names(experiment: Experiment) -> str:
    """Say the same in the words of params.yaml."""
    target = f", target {experiment.target}" if experiment.protocol == "songs" else ""
    return f"protocol {experiment.protocol}{target}"


def _numbers(experiments: Iterable[str]) -> dict[str, int]:
    """Return the number of each experiment, which gives it its colour."""
    return {name: number for number, name in enumerate(experiments)}


def _rows(experiments: Mapping[str, Experiment]) -> int:
    return max(1, -(-len(experiments) // 2))


def _test_pairs(predictions: pd.DataFrame, name: str) -> Scored:
    mask = np.asarray((predictions["experiment"] == name) & (predictions["split"] == "test"))
    of_test = predictions.loc[mask]
    songs = pd.factorize(pd.concat([of_test["left_id"], of_test["right_id"]]))[0]
    true, predicted = (of_test[column].to_numpy(np.float64) for column in ("similarity", "predicted"))
    return Scored(true, predicted, songs[: len(of_test)], songs[len(of_test) :])


def _experiment_title(
    axes: Axes,
    name: str,
    experiment: Experiment,
    n_pairs: int,
    theme: Theme,
    *,
    things: str,
    note: str = "",
) -> None:
    """Head a panel of one experiment: its name, what it reads, its pairs and their number."""
    kind = _kind(experiment, things)
    details = f"{n_pairs:,} test pairs; {kind[0].lower()}{kind[1:]}"
    _title(axes, f"{name} ({reads(experiment)})" + (f": {note}" if note else ""), details, theme)


def _title(axes: Axes, title: str, details: str, theme: Theme) -> None:
    """Head a panel: a title, and details in smaller and softer letters under it."""
    axes.set_title(f"{title}\n ", weight="bold", parse_math=False)
    # Not in the layout: a long line would take the width of its panel.
    small: dict[str, Any] = {"size": style.FONT_SIZE - 1.5, "color": theme.soft, "in_layout": False}
    axes.annotate(
        details,
        (0, 1),
        (0, 8),
        xycoords="axes fraction",
        textcoords="offset points",
        parse_math=False,
        **small,
    )
