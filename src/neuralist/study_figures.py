"""A study's figures: how it went, which settings mattered, and all trials side by side.

Each is drawn twice by Optuna: with plotly, on one page that opens offline, and with matplotlib, as PNG.
"""

import warnings
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import optuna
from optuna.trial import TrialState

from neuralist import tables

FIGURES = {
    "history": "optimization_history",
    "importance": "param_importances",
    "parallel_coordinates": "parallel_coordinate",
}


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
        figure: Any = getattr(optuna.visualization, f"plot_{function}")(study, target_name=metric)
        parts.append(figure.to_html(full_html=False, include_plotlyjs=len(parts) == 1, div_id=name))
        _save_picture(study, function, metric, folder / f"{name}.png")
    page = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Study</title><body>{}</body></html>"
    tables.write_text(folder / "study.html", page.format("\n".join(parts)))


def _save_picture(study: optuna.Study, function: str, metric: str, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        axes: Any = getattr(optuna.visualization.matplotlib, f"plot_{function}")(study, target_name=metric)
    figure = axes.figure
    for one in figure.axes:
        one.grid(visible=False)  # Optuna's parallel coordinates have an axis a setting, each with a grid
    figure.set_size_inches(11, 5)
    figure.tight_layout()
    with tables.unfinished(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png", metadata={"Software": None})
    plt.close(figure)
