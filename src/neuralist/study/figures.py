"""Draw a study's figures: its history, the importance of settings, and all trials in parallel coordinates.

Optuna draws each twice: with plotly, on one page that opens offline, and with matplotlib, as PNG.
"""

import html
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState

from neuralist import files

FIGURES = {
    "history": "optimization_history",
    "importance": "param_importances",
    "parallel_coordinates": "parallel_coordinate",
}


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
    """Write study.html and a PNG of each figure; a note replaces one that needs more completed trials.

    Args:
        study: with at least one completed trial.
        metric: name of the optimised metric.
        summary: what stands above the figures.
        folder: where to write.
    """
    matplotlib.use("Agg")
    sections = [f"<h1>Study {study.study_name}</h1><p>{html.escape(summary)}</p>"]
    n_complete = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
    for name, function in FIGURES.items():
        if name == "importance" and n_complete < 2:
            sections.append("<p>Importance of settings: two completed trials are needed.</p>")
            continue
        options = {"evaluator": StableImportances()} if name == "importance" else {}
        figure: Any = getattr(optuna.visualization, f"plot_{function}")(study, target_name=metric, **options)
        sections.append(figure.to_html(full_html=False, include_plotlyjs=len(sections) == 1, div_id=name))
        _save_picture(study, function, metric, folder / f"{name}.png", options)
    page = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Study</title><body>{}</body></html>"
    files.write_text(folder / "study.html", page.format("\n".join(sections)))


def _save_picture(
    study: optuna.Study, function: str, metric: str, path: Path, options: dict[str, Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        draw: Any = getattr(optuna.visualization.matplotlib, f"plot_{function}")
        axes: Any = draw(study, target_name=metric, **options)
    figure = axes.figure
    for axis in figure.axes:
        axis.grid(visible=False)  # Optuna's parallel coordinates have an axis a setting, each with a grid
    figure.set_size_inches(11, 5)
    figure.tight_layout()
    with files.unfinished(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
    plt.close(figure)
