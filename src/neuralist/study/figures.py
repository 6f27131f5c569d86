"""Draw a study's figures: its history, the importance of settings, and all trials in parallel coordinates.

Optuna draws each with plotly, for one page that opens offline, on light and on dark paper as the reader's
system asks; and with matplotlib, as PNG. All get the style of the other figures.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import optuna
import plotly.offline
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.gridspec import GridSpec
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState

from neuralist import figure_style as style
from neuralist import files, html
from neuralist.figure_style import DARK, LIGHT, Theme

# The importances are those of reaching the best tenth of the trials, of which Optuna wants five or more:
# https://optuna.readthedocs.io/en/stable/reference/generated/optuna.importance.PedAnovaImportanceEvaluator.html
MIN_TRIALS = 50
# From the worst trial to the best: a line is seen on the paper.
FAINT = {LIGHT: ("#cdd3e0", "#5f7fd8", "#122866"), DARK: ("#3a465f", "#2f6fcb", "#e4efff")}


class StableImportances(PedAnovaImportanceEvaluator):
    """Optuna's default importances with ties in order of name; Optuna's own order of ties is random."""

    def evaluate(
        self,
        study: optuna.Study,
        params: list[str] | None = None,
        *,
        target: Callable[[optuna.trial.FrozenTrial], float] | None = None,
    ) -> dict[str, float]:
        """Return the importance of each setting, the largest first."""
        importances = super().evaluate(study, params, target=target)
        rounded = {name: round(importance, 12) for name, importance in importances.items()}
        return dict(sorted(rounded.items(), key=lambda item: (-item[1], item[0])))


def save(study: optuna.Study, metric: str, summary: str, folder: Path) -> None:
    """Write study.html and a PNG of each figure; a sentence replaces importances of fewer than MIN_TRIALS.

    Args:
        study: with at least one completed trial.
        metric: name of the optimised metric.
        summary: what stands above the figures.
        folder: where to write.
    """
    matplotlib.use("Agg")
    counted, sections = count(study), []
    figures: dict[str, dict[str, Any]] = {}
    for name, drawn in FIGURES.items():
        about = drawn.about.format(metric=metric)
        missing = explain_missing(study) if name == "importance" else None
        if missing is None:
            themes = {"light": LIGHT, "dark": DARK}
            figures[name] = {key: page_figure(drawn, study, metric, theme) for key, theme in themes.items()}
            _save_picture(drawn, study, metric, f"{counted}. {about}", folder / f"{name}.png")
        sections.append({"name": name, "title": drawn.title, "about": missing or about})
    page = html.render(
        "neuralist.study",
        "study.html.j2",
        name=study.study_name,
        summary=summary,
        counted=counted,
        sections=sections,
        figures=figures,
        plotly=plotly.offline.get_plotlyjs(),
        light=LIGHT,
        dark=DARK,
    )
    files.write_text(folder / "study.html", page)


def count(study: optuna.Study) -> str:
    """Say how many trials a study has, and how many of them ended with a value, early, or without one."""
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    kinds = {
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "stopped early",
        TrialState.FAIL: "without a value",
    }
    by_kind = [f"{states.count(state):,} {kind}" for state, kind in kinds.items() if state in states]
    return f"n = {len(states):,} trials: {', '.join(by_kind)}"


def explain_missing(study: optuna.Study) -> str | None:
    """Return why a study has too few trials for importances; None where it has enough."""
    n_complete = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
    if n_complete >= MIN_TRIALS:
        return None
    return (
        f"Not shown: {MIN_TRIALS} complete trials are needed, and there are {n_complete}. The importance of "
        "a setting is read from the best tenth of the trials: what fewer than five have in common is chance."
    )


class Drawn(NamedTuple):
    """A figure of a study: how Optuna draws it, and how its look is changed.

    Attributes:
        title: above it.
        about: how it is read; {metric} stands for the optimised metric.
        on_page: draws it with plotly, from the study and the keyword target_name.
        as_picture: draws it with matplotlib, likewise; returns the axes.
        style_page: changes plotly's figure to a theme.
        style_picture: changes the axes.
        height: of the picture under its heading, in inches.
    """

    title: str
    about: str
    on_page: Callable[..., Any]
    as_picture: Callable[..., Any]
    style_page: Callable[[Any, Theme], None]
    style_picture: Callable[[Any], None]
    height: float


def page_figure(drawn: Drawn, study: optuna.Study, metric: str, theme: Theme) -> dict[str, Any]:
    """Return a figure of plotly, data and layout, in the house's colours."""
    figure = drawn.on_page(study, target_name=metric)
    font = {"family": "Inter, system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "color": theme.ink}
    figure.update_layout(
        title=None,
        font=font,
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        colorway=list(theme.colours),
        margin={"l": 70, "r": 30, "t": 50, "b": 60},
        height=420,
    )
    figure.update_xaxes(gridcolor=theme.line, linecolor=theme.soft, zerolinecolor=theme.line)
    figure.update_yaxes(gridcolor=theme.line, linecolor=theme.soft, zerolinecolor=theme.line)
    drawn.style_page(figure, theme)
    return json.loads(figure.to_json())


def _save_picture(drawn: Drawn, study: optuna.Study, metric: str, about: str, path: Path) -> None:
    with style.used(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Of a setting that all trials share.
        warnings.filterwarnings("ignore", message="Attempting to set identical low and high ylims")
        axes = drawn.as_picture(study, target_name=metric)
        figure = axes.figure
        style.restyle(figure)
        drawn.style_picture(axes)
        style.head(figure, drawn.height, drawn.title, about, layout="tight")
        style.save(figure, path)
    plt.close(figure)


def _with_stable_importances(draw: Callable[..., Any]) -> Callable[..., Any]:
    return lambda study, **options: draw(study, evaluator=StableImportances(), **options)


def _style_history_page(figure: Any, theme: Theme) -> None:
    dots, line = {"color": theme.colours[0]}, {"color": theme.colours[1], "shape": "hv"}
    figure.update_traces(marker=dots, selector={"mode": "markers"})
    figure.update_traces(line=line, name="best so far", selector={"mode": "lines"})
    figure.update_xaxes(title="trial")


def _style_importance_page(figure: Any, theme: Theme) -> None:
    figure.update_traces(marker={"color": theme.colours[0], "line": {"width": 0}})
    figure.update_layout(xaxis_title="importance", yaxis_title=None)


def _style_parallel_page(figure: Any, theme: Theme) -> None:
    """Colour the lines, one a trial, and the scale beside them; a line begins at the height of its value."""
    # On the paper's colour: some values lie on lines.
    figure.update_annotations(font_color=theme.ink, bgcolor=theme.paper)
    [scale] = figure.select_traces(selector={"mode": "markers"})
    scale.marker.colorscale = list(FAINT[theme])
    colours = _from_worst_to_best(theme)
    for line in figure.select_traces(selector={"mode": "lines"}):
        line.update(opacity=1, line_width=1.4)
        line.line.color = to_hex(colours(1 - line.y[0] if scale.marker.reversescale else line.y[0]))


def _from_worst_to_best(theme: Theme) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("trials", FAINT[theme])


def _style_history(axes: Any) -> None:
    for points in axes.collections:
        points.set(facecolor=LIGHT.colours[0], edgecolor=LIGHT.paper, linewidth=0.8, zorder=3)
        points.set_sizes([44])
    for line in axes.lines:
        line.set(color=LIGHT.colours[1], alpha=1, linewidth=1.6, drawstyle="steps-post", label="best so far")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right", prop={"family": style.FONT, "size": style.FONT_SIZE - 1})


def _style_importance(axes: Any) -> None:
    for bar in axes.patches:
        bar.set_facecolor(LIGHT.colours[0])
    axes.get_legend().remove()
    axes.set(xlabel="importance", ylabel="")
    axes.grid(visible=False, axis="y")


def _style_parallel(axes: Any) -> None:
    lines, low_is_good = axes.collections[0], axes.collections[0].get_cmap().name.endswith("_r")
    colours = _from_worst_to_best(LIGHT)
    lines.set_cmap(colours.reversed() if low_is_good else colours)
    lines.set(linewidth=1.5 if len(lines.get_segments()) < 30 else 0.9, alpha=0.9)
    lines.colorbar.remove()  # the first axis says the same
    whole = GridSpec(1, 1, axes.figure)[0]
    halo = [withStroke(linewidth=2.5, foreground=LIGHT.paper)]
    for axis in axes.figure.axes:
        axis.set_subplotspec(whole)
        axis.grid(visible=False)
        axis.spines["right"].set(visible=axis is not axes, edgecolor=LIGHT.soft)
        if axis.get_yscale() == "log":
            low, high = axis.get_ylim()
            places = np.geomspace(low, high, 4)
            axis.set_yticks(places, [f"{place:.2g}" for place in places])
            axis.minorticks_off()
        for label in axis.get_yticklabels():
            label.set(size=style.FONT_SIZE - 2.3, path_effects=halo)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    for label in axes.get_xticklabels():
        label.set(rotation=-25, ha="left", rotation_mode="anchor")


FIGURES = {
    "history": Drawn(
        "History of the study",
        "Each dot is a complete trial by its {metric}; the line is the best so far. Trial 0 has the "
        "experiment's own settings.",
        optuna.visualization.plot_optimization_history,
        optuna.visualization.matplotlib.plot_optimization_history,
        _style_history_page,
        _style_history,
        3.4,
    ),
    "importance": Drawn(
        "Importance of the settings",
        "How much of reaching the best tenth of the trials by {metric} each setting explains, as shares of 1 "
        "(PED-ANOVA).",
        _with_stable_importances(optuna.visualization.plot_param_importances),
        _with_stable_importances(optuna.visualization.matplotlib.plot_param_importances),
        _style_importance_page,
        _style_importance,
        3.4,
    ),
    "parallel_coordinates": Drawn(
        "All trials as lines",
        "Each line is a complete trial, from its {metric} at the left through its settings; the more it "
        "stands out, the better.",
        optuna.visualization.plot_parallel_coordinate,
        optuna.visualization.matplotlib.plot_parallel_coordinate,
        _style_parallel_page,
        _style_parallel,
        3.9,
    ),
}
