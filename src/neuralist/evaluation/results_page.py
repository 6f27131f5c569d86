"""The results as one page, artifacts/results.html: five sentences, a chart of intervals, tables and figures.

Input: what results.md is made of, and PNG files. Output: the page, which opens offline and by itself.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from neuralist import html
from neuralist.config import params
from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.evaluation import results
from neuralist.evaluation.baselines import BASELINES
from neuralist.evaluation.selection import lead_mark
from neuralist.evaluation.summary import Subject

# What a figure shows, by its file's name; another one is shown under that name.
CAPTIONS = {
    "calibration": "Calibration: mean true similarity of the test pairs in each predicted decile",
    "confusion": "Confusion of deciles on test, in % of each true decile's pairs",
    "curves": "Learning curves: accuracy and loss by epoch",
    "decile_error": "Predicted minus true decile on test",
    "predicted_against_true": "Predicted against true similarity of the test pairs",
}


class Bar(NamedTuple):
    """A line of the chart of intervals, with positions in % of its width.

    Attributes:
        label: of an experiment or baseline.
        kind: model, lyrics or other: what it is made from.
        text: the value and its interval.
        mark: ~ where the model shows no lead over it, ! where it is better than the model.
        at: of the value.
        low: of the interval's lower end; `at` where it has none.
        high: of its upper end.
    """

    label: str
    kind: str
    text: str
    mark: str
    at: float
    low: float
    high: float


class Picture(NamedTuple):
    """A figure and what it shows; as PNG on light and on dark paper, in base64."""

    caption: str
    light: str
    dark: str


def bars(about: Subject, own: ExperimentMetrics) -> list[Bar]:
    """Return a line for the subject and each baseline by the metric it was chosen by, the best first.

    Args:
        about: from `summary.subject`.
        own: its metrics.
    """
    name, test = about.metric, own.splits["test"]
    rows: list[tuple[str, str, Estimate, str]] = [(about.name, "model", test.metrics[name], "")]
    for key, measured in test.baselines.items():
        kind = "other" if BASELINES[key].made_from in ("metadata", "both") else "lyrics"
        mark = lead_mark(measured[name].difference, name)
        rows.append((BASELINES[key].label, kind, measured[name], mark))
    defined = [(row, row[2].value) for row in rows if row[2].value is not None]
    if not defined:
        return []
    ends = [end for row, _ in defined for end in (row[2].value, row[2].low, row[2].high) if end is not None]
    start, width = min(ends), (max(ends) - min(ends)) or 1.0
    ordered = sorted(defined, key=lambda one: -BY_NAME[name].sign * one[1])

    def position(value: float | None, instead: float) -> float:
        return 100 * ((instead if value is None else value) - start) / width

    return [
        Bar(
            label,
            kind,
            results.interval(estimate, name),
            mark,
            position(value, value),
            position(estimate.low, value),
            position(estimate.high, value),
        )
        for (label, kind, estimate, mark), value in ordered
    ]


def pictures(light: Path, dark: Path) -> list[Picture]:
    """Return the figures of two folders, by name: PNG files of the same names."""
    return [
        Picture(
            CAPTIONS.get(path.stem, path.stem.replace("_", " ")), _base64(path), _base64(dark / path.name)
        )
        for path in sorted(light.glob("*.png"))
    ]


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def page(
    experiments: results.Experiments,
    about: Subject,
    sentences: Sequence[str],
    settings: params.Evaluate,
    figures: Sequence[Picture],
    warnings: results.Warnings | None = None,
) -> str:
    """Return the page.

    Args:
        experiments: name to metrics.
        about: the experiment of the chart of intervals.
        sentences: that the page begins with, from `summary.sentences`.
        settings: draws and level of the intervals.
        figures: from `pictures`.
        warnings: protocol to sentences about its val and test.
    """
    return html.render(
        "neuralist.evaluation",
        "results.html.j2",
        sentences=sentences,
        about=about,
        metric=BY_NAME[about.metric],
        reads=results.reads(experiments[about.name]),
        bars=bars(about, experiments[about.name]),
        lyrics=results.lyrics(experiments),
        explanation=results.explanation(experiments, settings),
        sections=list(results.sections(experiments, warnings)),
        pictures=figures,
    )
