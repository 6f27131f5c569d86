"""Settings of an experiment for tests: those of params.yaml, with what a test says of its own laid over."""

from functools import cache
from pathlib import Path
from typing import Any

from neuralist.config import params

SHIPPED = Path(__file__).resolve().parents[1] / "params.yaml"


def experiment(**own: Any) -> params.Experiment:
    """The section `train` of the shipped params.yaml, with some values of the test's own."""
    return params.Experiment.model_validate(_shipped() | {"epochs": 1} | own)


@cache
def _shipped() -> dict[str, Any]:
    return params.load(SHIPPED).train.model_dump()
