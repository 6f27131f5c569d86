"""A study's figures: how it went, which settings mattered, and all trials side by side.

Each is drawn twice by Optuna: with plotly, on one page that opens offline, and with matplotlib, as PNG.
"""

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


class InOrder(PedAnovaImportanceEvaluator):
    """Optuna's default importances, equal ones by name: it leaves their order to a set's, so to chance."""

    def evaluate(
        self,
        study: optuna.Study,
        params: list[str] | None = None,
        *,
        target: Callable[[optuna.trial.FrozenTrial], float] | None = None,
    ) -> dict[str, float]:
        """The importance of each setting, the largest first."""
        found = super().evaluate(study, params, target=target)
        rounded = {name: round(importance, 12) for name, importance in found.items()}
        return dict(sorted(rounded.items(), key=lambda one: (-one[1], one[0])))


def save(study: optuna.Study, metric: str, folder: Path) -> None:
    """Write study.html and a PNG a figure; one that needs more completed trials is left out, with a word.

    Args:
        study: with at least one completed trial.
        metric: name of what was searched for.
        folder: where to write.
    """
    matplotlib.use("Agg")
    parts = [f"<h1>Study {study.study_name}</h1>"]
    n_complete = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
    for name, function in FIGURES.items():
        if name == "importance" and n_complete < 2:
            parts.append("<p>Importance of settings: two completed trials are needed.</p>")
            continue
        own = {"evaluator": InOrder()} if name == "importance" else {}
        figure: Any = getattr(optuna.visualization, f"plot_{function}")(study, target_name=metric, **own)
        parts.append(figure.to_html(full_html=False, include_plotlyjs=len(parts) == 1, div_id=name))
        _save_picture(study, function, metric, folder / f"{name}.png", own)
    page = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Study</title><body>{}</body></html>"
    files.write_text(folder / "study.html", page.format("\n".join(parts)))


def _save_picture(study: optuna.Study, function: str, metric: str, path: Path, own: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        draw: Any = getattr(optuna.visualization.matplotlib, f"plot_{function}")
        axes: Any = draw(study, target_name=metric, **own)
    figure = axes.figure
    for one in figure.axes:
        one.grid(visible=False)  # Optuna's parallel coordinates have an axis a setting, each with a grid
    figure.set_size_inches(11, 5)
    figure.tight_layout()
    with files.unfinished(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
    plt.close(figure)
