"""What a person sees of a study: a line for each trial, once, when it is over."""

from typing import Any

import pytest

from neuralist import console


def row(trial: int, state: str, value: float | None, epochs: int) -> dict[str, Any]:
    return {"trial": trial, "state": state, "value": value, "epochs": epochs, "units": 8, "dropout": 0.125}


def test_a_trial_is_told_once_when_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = row(2, "waiting", None, 0)
    with console.trials("study", 3, 4) as report:
        report([row(0, "running", None, 1), row(1, "waiting", None, 0), waiting], 0)
        report([row(0, "complete", 0.5, 4), row(1, "running", None, 0), waiting], 0)
        report([row(0, "complete", 0.5, 4), row(1, "pruned", float("nan"), 2), waiting], 1)

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("trial")]
    assert lines == [
        "trial 0 complete 0.5000 after 4 epochs: units 8  dropout 0.125",
        "trial 1 pruned after 2 epochs: units 8  dropout 0.125",
    ]
