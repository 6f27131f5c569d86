"""What `dvc plots show` and `dvc metrics show` make of the shipped dvc.yaml, on made files."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tests import settings

from neuralist.evaluation import epoch_tables
from neuralist.figure_style import LIGHT

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def dvc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments whose losses are of different kinds, and the plots of the shipped dvc.yaml."""
    made = tmp_path_factory.mktemp("views")
    experiments = {
        "squared": settings.experiment(loss="mse"),
        "entropy": settings.experiment(loss="cross_entropy"),
    }
    history = pd.DataFrame(
        {"epoch": [1, 2], "loss": [0.5, 0.25], "val_loss": [0.75, 0.5], "accuracy": [0.5, 1]}
    )
    (made / "artifacts/curves").mkdir(parents=True)
    for name, table in epoch_tables.by_measure(dict.fromkeys(experiments, history), experiments).items():
        table.to_csv(made / f"artifacts/curves/{name}.csv", index=False)
    (made / "artifacts/figures").mkdir()
    (made / "artifacts/metrics").mkdir()
    for number, name in enumerate(experiments):
        (made / f"artifacts/metrics/{name}.json").write_text(
            json.dumps({"mse": number / 4, "spearman": [0.5, None][number]})
        )
    (made / "artifacts/curves.json").write_text(json.dumps(epoch_tables.template(list(experiments))))
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (made / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    dvc(made, "init", "--quiet", "--no-scm")
    dvc(made, "config", "core.analytics", "false")
    return made


def charts(folder: Path) -> dict[str, dict[str, Any]]:
    """The Vega-Lite specification of each chart, by its title."""
    dvc(folder, "plots", "show", "--out", "page")
    found = re.findall(r"var spec = (\{.*\});", (folder / "page/index.html").read_text())
    return {spec["title"]: spec for spec in map(json.loads, found)}


def test_each_measure_is_a_chart_with_a_colour_for_each_experiment(folder: Path) -> None:
    shown = charts(folder)

    names = ("binary_accuracy", "loss_cross_entropy", "loss_mse")
    assert sorted(shown) == [f"artifacts/curves/{name}.csv" for name in names]
    accuracy = shown["artifacts/curves/binary_accuracy.csv"]
    assert accuracy["encoding"]["detail"]["field"] == "experiment"
    assert accuracy["encoding"]["x"]["field"] == "epoch"
    assert accuracy["encoding"]["y"]["field"] == "binary accuracy"
    drawn = [(row["experiment"], row["split"], row["epoch"]) for row in accuracy["data"]["values"]]
    assert [(name, split, int(epoch)) for name, split, epoch in drawn] == [
        ("squared", "train", 1),
        ("squared", "train", 2),
        ("entropy", "train", 1),
        ("entropy", "train", 2),
    ]


def test_losses_of_one_kind_are_together_and_val_beside_train(folder: Path) -> None:
    squared = charts(folder)["artifacts/curves/loss_mse.csv"]["data"]["values"]

    assert {(row["experiment"], row["split"]) for row in squared} == {
        ("squared", "train"),
        ("squared", "val"),
    }
    assert [float(row["loss (mse)"]) for row in squared] == [0.5, 0.25, 0.75, 0.5]


def test_an_experiment_has_one_colour_in_all_charts_that_of_the_figures(folder: Path) -> None:
    scales = [spec["encoding"]["color"]["scale"] for spec in charts(folder).values()]

    # loss_cross_entropy has `entropy` alone, which is yet the second experiment.
    domain = ["squared", "entropy", "another"]
    assert scales == 3 * [{"domain": domain, "range": [*LIGHT.colours[:2], LIGHT.other]}]


def test_metrics_have_a_row_for_each_experiment_and_a_column_for_each_figure(folder: Path) -> None:
    paths = [f"artifacts/metrics/{name}.json" for name in ("entropy", "squared")]
    lines = [line.split() for line in dvc(folder, "metrics", "show", *paths).splitlines() if line.strip()]

    assert lines == [["Path", "mse", "spearman"], [paths[0], "0.25", "-"], [paths[1], "0.0", "0.5"]]
