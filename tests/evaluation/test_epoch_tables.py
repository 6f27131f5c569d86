"""The tables of epochs, and the template that draws them as charts."""

import json

import pandas as pd
import pytest
from tests import settings

from neuralist.config.metric_table import of_column
from neuralist.evaluation import epoch_tables
from neuralist.figure_style import LIGHT


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("loss", ("train", "loss")),
        ("accuracy", ("train", "binary_accuracy")),
        ("val_accuracy", ("val", "binary_accuracy")),
        ("val_listed_auc", ("val", "pooled_listed_auc")),
        ("val_new", ("val", "new")),
    ],
)
def test_a_column_of_the_history_is_a_metric_on_a_split(column: str, expected: tuple[str, str]) -> None:
    assert of_column(column) == expected


def test_a_table_of_epochs_has_one_measure_and_each_kind_of_loss_its_own() -> None:
    history = pd.DataFrame(
        {"epoch": [1, 2], "loss": [0.5, 0.25], "val_loss": [0.75, None], "accuracy": [0.5, 1.0]}
    )
    unlike = pd.DataFrame({"epoch": [1], "loss": [2.0], "val_listed_auc": [0.625]})
    none = pd.DataFrame({"epoch": [], "loss": [], "val_loss": []})
    squared = settings.experiment(loss="mse")
    experiments = {"squared": squared, "entropy": settings.experiment(loss="cross_entropy"), "empty": squared}
    tables = epoch_tables.by_measure({"squared": history, "entropy": unlike, "empty": none}, experiments)

    assert list(tables) == ["loss_mse", "binary_accuracy", "loss_cross_entropy", "pooled_listed_auc"]
    assert json.loads(tables["loss_mse"].to_json(orient="values")) == [
        ["squared", "train", 1, 0.5],
        ["squared", "train", 2, 0.25],
        ["squared", "val", 1, 0.75],
    ]
    assert [table.columns[-1] for table in tables.values()] == [
        "loss (mse)",
        "binary accuracy",
        "loss (cross entropy)",
        "listed AUC, pooled",
    ]


def test_an_experiment_beyond_the_last_colour_has_another_shape() -> None:
    names = [f"e{number}" for number in range(len(LIGHT.colours) + 1)]
    encoding = epoch_tables.template(names)["encoding"]

    colours, shapes = (encoding[channel]["scale"]["range"] for channel in ("color", "shape"))
    assert encoding["color"]["scale"]["domain"] == [*names, "another"]
    assert colours == [*LIGHT.colours, LIGHT.colours[0], LIGHT.other]
    assert shapes == [*len(LIGHT.colours) * ["circle"], "diamond", "circle"]
    # Vega-Lite draws one legend of two scales only where their fields and legends are equal.
    assert encoding["color"]["legend"] == encoding["shape"]["legend"]
