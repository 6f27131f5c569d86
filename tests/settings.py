"""Settings of an experiment for tests: those of params.yaml, with what a test says of its own laid over."""

from pathlib import Path
from typing import Any

from neuralist.config import params

SHIPPED = Path(__file__).resolve().parents[1] / "params.yaml"


def experiment(**own: Any) -> params.Experiment:
    """The section `train` of the shipped params.yaml, with some values of the test's own."""
    shipped = params.load(SHIPPED).train.model_dump()
    return params.Experiment.model_validate(shipped | {"epochs": 1} | own)
