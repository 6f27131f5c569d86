"""Figures of benchmarks: medians, ratios, targets, and results.json."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import architecture, figures
from benchmarks.figures import Figure, Peer
from tests.settings import experiment

PEER = Peer("other", [8.0, 5.0, 2.0])


@pytest.mark.parametrize(
    ("target", "met"),
    [
        ("< 4", True),
        ("< 3", False),
        (">= 3", True),
        ("ratio < 0.7", True),
        ("ratio >= 0.7", False),
        (None, None),
    ],
)
def test_a_median_or_its_ratio_is_held_against_the_target(target: str | None, met: bool | None) -> None:
    assert Figure("one", [1.0, 3.0, 9.0], "s", target, PEER).met is met


def test_a_target_for_a_ratio_needs_a_peer() -> None:
    with pytest.raises(ValueError, match="one: target 'ratio < 2' needs a peer"):
        _ = Figure("one", [1.0], "s", "ratio < 2").met


@pytest.mark.parametrize("changes", architecture.KINDS.values(), ids=architecture.KINDS)
def test_the_models_whose_cost_is_measured_are_ones_that_params_yaml_takes(changes: dict[str, Any]) -> None:
    assert changes.items() <= experiment(**changes).model_dump().items()


def test_things_are_measured_in_turn_and_the_first_round_is_left_out() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    assert figures.in_turn(2, lambda: measure("a"), lambda: measure("b")) == [[3.0, 5.0], [4.0, 6.0]]
    assert order == ["a", "b"] * 3


def test_the_table_shows_median_spread_ratio_and_verdict() -> None:
    lines = figures.table([Figure("one", [1.0, 3.0, 9.0], "s", "< 3", PEER), Figure("two", [7.0], "MB")])
    assert [" ".join(line.split()) for line in lines.splitlines()[1:]] == [
        "one s 3 (1 to 9) 5 (2 to 8) 0.6 < 3 MISSED peer: other",
        "two MB 7",
    ]


def test_results_keep_the_figures_of_groups_that_were_not_run(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    figures.write("search", [Figure("gone", [1.0], "s")], path)
    figures.write("serving", [Figure("kept", [1.0], "s")], path)
    figures.write("search", [Figure("one", [1.0, 3.0, 9.0], "s", peer=PEER)], path)
    assert json.loads(path.read_text()) == {
        "serving: kept": {"ours": 1.0, "peer": None, "ratio": None, "unit": "s", "spread": [1.0, 1.0]},
        "search: one": {"ours": 3.0, "peer": 5.0, "ratio": 0.6, "unit": "s", "spread": [1.0, 9.0]},
    }
