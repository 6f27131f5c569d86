"""Histories of all experiments as one table a measure, for `dvc plots show`: artifacts/curves/<measure>.csv.

DVC draws each file of the folder as a chart, with pipelines/curves.json as its template: the last column by
epoch, a colour for each experiment, val solid and train dashed.
"""

from collections.abc import Mapping

import pandas as pd

from neuralist.config.experiment import Experiment
from neuralist.config.metric_table import ON_VAL


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
            short = column.removeprefix("val_")
            split = "train" if short == column else "val"
            measure, label = ON_VAL[short].name, ON_VAL[short].label
            if short == "loss":
                measure, label = f"loss_{experiment.loss}", f"{label} ({experiment.loss.replace('_', ' ')})"
            values = {"experiment": name, "split": split, "epoch": history["epoch"], label: history[column]}
            parts.setdefault(measure, []).append(pd.DataFrame(values).dropna())
    tables = {measure: pd.concat(rows, ignore_index=True) for measure, rows in parts.items()}
    return {measure: table for measure, table in tables.items() if len(table)}
