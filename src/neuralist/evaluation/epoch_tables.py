"""Histories of all experiments as one table a measure, and how `dvc plots show` draws them.

DVC draws each file of artifacts/curves/ as a chart, by the template artifacts/curves.json: the last column by
epoch, val solid and train dashed. The template names the colour of each experiment, so that all charts agree.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from neuralist.config.experiment import Experiment
from neuralist.config.metric_table import BY_NAME, of_column
from neuralist.figure_style import LIGHT, MARKERS

# Vega's names of matplotlib's markers: https://vega.github.io/vega/docs/marks/symbol/
SHAPES = {"o": "circle", "D": "diamond", "s": "square", "^": "triangle-up"}

_COLUMNS = ("rev", "experiment", "split", "<DVC_METRIC_X>", "<DVC_METRIC_Y>")
# What charts of all experiments share, in Vega-Lite; DVC fills in table, title and columns, <DVC_...>.
_CHART: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"name": "curves", "values": "<DVC_METRIC_DATA>"},
    "title": "<DVC_METRIC_TITLE>",
    "width": 380,
    "height": 280,
    "mark": {"type": "line", "point": {"size": 24}},
}
_ENCODING: dict[str, Any] = {
    "x": {
        "field": "<DVC_METRIC_X>",
        "type": "quantitative",
        "title": "<DVC_METRIC_X_LABEL>",
        "axis": {"tickMinStep": 1},
    },
    "y": {
        "field": "<DVC_METRIC_Y>",
        "type": "quantitative",
        "title": "<DVC_METRIC_Y_LABEL>",
        "scale": {"zero": False},
    },
    "strokeDash": {
        "field": "split",
        "type": "nominal",
        "scale": {"domain": ["val", "train"], "range": [[1, 0], [4, 3]]},
        "legend": {
            "symbolType": "stroke",
            "symbolFillColor": "transparent",
            "symbolStrokeColor": "grey",
        },
    },
    "row": {
        "field": "rev",
        "type": "nominal",
        "sort": None,
        "title": None,
        "header": {"labelOrient": "top", "labelAnchor": "start"},
    },
    "tooltip": [{"field": column} for column in _COLUMNS],
}


def by_measure(
    histories: Mapping[str, pd.DataFrame], experiments: Mapping[str, Experiment]
) -> dict[str, pd.DataFrame]:
    """Return a table for each measure that a history has; losses of different kinds are different measures.

    Args:
        histories: experiment to its history.csv.
        experiments: those to show.

    Returns:
        Measure, as file names say it, to a table: experiment, split (train, val), epoch from 1, and a value
        in a column named as people read it. A history without an epoch has no rows.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for name, experiment in experiments.items():
        history = histories[name]
        for column in history.columns.drop("epoch"):
            split, measure = of_column(str(column))
            label = BY_NAME[measure].label
            if measure == "loss":
                measure, label = f"loss_{experiment.loss}", f"{label} ({experiment.loss.replace('_', ' ')})"
            values = {"experiment": name, "split": split, "epoch": history["epoch"], label: history[column]}
            parts.setdefault(measure, []).append(pd.DataFrame(values).dropna())
    tables = {measure: pd.concat(rows, ignore_index=True) for measure, rows in parts.items()}
    return {measure: table for measure, table in tables.items() if len(table)}


def template(experiments: Sequence[str]) -> dict[str, Any]:
    """Return the template of the charts, in Vega-Lite; DVC fills in table, title and columns, <DVC_...>.

    An experiment has the colour of its number, and beyond the last colour another shape of dots. DVC shows
    charts on white, so the colours are those of light paper. A legend names all experiments, and says which
    of them its chart lacks. Others, as another revision may have in `dvc plots diff`, are grey.

    Args:
        experiments: names, in their order.
    """
    n_colours = len(LIGHT.colours)
    shapes = [SHAPES[MARKERS[number // n_colours % len(MARKERS)]] for number in range(len(experiments))]
    colours = [LIGHT.colour(number) for number in range(len(experiments))]
    names = list(experiments)
    drawn = "indexof(pluck(data('curves'), 'experiment'), datum.label) >= 0"
    legend = {"values": names, "labelExpr": f"{drawn} ? datum.label : datum.label + ' (not here)'"}
    named: dict[str, Any] = {"field": "named", "type": "nominal", "title": "experiment", "legend": legend}
    is_named, domain = f"indexof({json.dumps(names)}, datum.experiment) >= 0", [*names, "another"]
    return _CHART | {
        "transform": [{"calculate": f"{is_named} ? datum.experiment : 'another'", "as": "named"}],
        "encoding": _ENCODING
        | {
            "color": named | {"scale": {"domain": domain, "range": [*colours, LIGHT.other]}},
            "shape": named | {"scale": {"domain": domain, "range": [*shapes, SHAPES["o"]]}},
            "detail": {"field": "experiment"},  # a line each, also of those that are grey
        },
    }
