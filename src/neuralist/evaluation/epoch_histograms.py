"""Draw the histograms of weights and gradients by epoch that a training kept (param train.histograms).

Input: histograms.npz of an experiment's folder, see `neuralist.model.histograms`. Output: a figure.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuralist import figure_style as style
from neuralist.config.params import Experiment
from neuralist.figure_style import LIGHT, Theme
from neuralist.model.histograms import Histogram, Kind

AXES = {"weights": "value of a weight", "gradients": "size of a gradient, as a power of ten (-3: 0.001)"}
MAX_RIDGES = 20  # epochs that are drawn at most, evenly spaced
HEIGHT = 2.6  # of a ridge, in steps from one epoch to the next


def draw(
    kind: Kind,
    histograms: dict[str, Histogram],
    name: str,
    experiment: Experiment,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw the histograms of one kind as ridges, a panel for each weight of the model.

    Args:
        kind: weights or gradients.
        histograms: of this kind, from `histograms.read`; by the name of the weight.
        name: of the experiment.
        experiment: its settings.
        theme: colours of the figure.
    """
    n_epochs = len(next(iter(histograms.values())).counts)
    what = {
        "weights": "The trained weights after each epoch",
        "gradients": "The gradients of the loss after each epoch, on its first batch "
        f"({experiment.batch_size} {experiment.batch_unit} of train), by size, zeros left out",
    }[kind]
    about = (
        f"{what}, n = {n_epochs} epochs: a ridge is the histogram of one epoch, the first at the back, each "
        "of the same height. Shown is the middle 99 % of the values."
    )
    rows = -(-len(histograms) // 2)
    with style.used(theme):
        figure = style.figure(2.5 * rows, f"{kind.capitalize()} of {name} by epoch", about, theme)
        axes = style.panels(figure, len(histograms))
        for number, (panel, (weight, histogram)) in enumerate(zip(axes, histograms.items(), strict=True)):
            _ridges(panel, histogram, theme)
            panel.set_title(weight, weight="bold", parse_math=False)
            panel.set(xlabel=AXES[kind], ylabel="" if number % 2 else "epoch")
    return figure


def _ridges(axes: Axes, histogram: Histogram, theme: Theme) -> None:
    """Draw the epochs, the first at the top and behind the others, in colours from pale to full."""
    n_epochs = len(histogram.counts)
    epochs = np.unique(np.linspace(0, n_epochs - 1, min(n_epochs, MAX_RIDGES)).round().astype(int))
    colours = theme.colormap(np.linspace(0.25, 0.8, len(epochs)))
    for place, (epoch, colour) in enumerate(zip(epochs, colours, strict=True)):
        counts, edges = histogram.counts[epoch], histogram.edges[epoch]
        base = len(epochs) - 1 - place
        outline = base + HEIGHT * np.repeat(counts / max(counts.max(), 1), 2)
        x = np.repeat(edges, 2)[1:-1]
        look: dict[str, Any] = {"zorder": 2 + place}
        axes.fill_between(x, base, outline, color=colour, linewidth=0, **look)
        axes.plot(x, outline, color=theme.paper, linewidth=0.6, **look)
    labelled = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), 6)).round().astype(int))
    axes.set_yticks(len(epochs) - 1 - labelled, [f"{epochs[place] + 1}" for place in labelled])
    axes.grid(visible=False, axis="y")
    axes.locator_params(axis="x", nbins=7)
