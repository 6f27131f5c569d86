"""params.yaml has the form that DVC writes: what `dvc exp run -S` changes is one line, and comments stay."""

import io
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

SHIPPED = (Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8")


def set_by_dvc(change: dict[str, Any]) -> list[str]:
    """The lines taken from params.yaml and added to it, by the round trip that `dvc exp run -S` makes.

    DVC makes plain values of what ruamel.yaml read, changes them, and writes all of them back into it: every
    list is a new one.
    """
    yaml = YAML()
    yaml.default_flow_style = False
    values = yaml.load(SHIPPED)
    merge(values, YAML(typ="safe").load(SHIPPED))
    merge(values, change)
    written = io.StringIO()
    yaml.dump(values, written)
    lines = ndiff(SHIPPED.splitlines(), written.getvalue().splitlines())
    return [" ".join(line.split("#")[0].split()) for line in lines if line[0] in "-+"]


def merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            merge(below[key], value)
        else:
            below[key] = value


def test_case_params_rewrite() -> None:
    """shared/cases/params-rewrite: `dvc exp run -S songmap.neighbours=5` changes its own line."""
    assert set_by_dvc({"songmap": {"neighbours": 5}}) == ["- neighbours: 6", "+ neighbours: 5"]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, []),
        ({"train": {"units": 60}}, ["- units: 50", "+ units: 60"]),
        ({"train": {"window": 60}}, ["- window:", "+ window: 60"]),
        ({"experiments": {"lyrics": {"window": None}}}, ["- window: 60", "+ window:"]),
        ({"experiments": {"lyrics": {"seed": 1}}}, ["+ seed: 1"]),
        ({"study": {"spaces": {"graded": {"units": [50, 200]}}}}, ["- - 100", "+ - 200"]),
        ({"study": {"trials": 20}}, ["- trials: 6", "+ trials: 20"]),
        ({"run": ["words15", "lyrics"]}, ["- - words300", "- - songs15", "- - songs300"]),
        ({"expected": {"similar_share": [0.001, 0.5]}}, ["- - 0.999", "+ - 0.5"]),
    ],
)
def test_a_value_set_by_dvc_changes_its_own_lines_alone(change: dict[str, Any], lines: list[str]) -> None:
    assert set_by_dvc(change) == lines
