"""The first stages on a raw folder, as `make repro RAW=...` calls them, but in one process and without DVC.

Command, in a checkout: python -m faults.stages RAW STAGE...
With --here in place of RAW: in the folder itself, as it is.
"""

import os
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml


def command(name: str, checkout: Path = Path()) -> list[str]:
    """Return the program and arguments of a stage of dvc.yaml; of train@NAME, for that experiment."""
    return shlex.split(_definition(name, checkout)["cmd"])[1:]  # without PYTHONPATH=src


def outs(name: str, checkout: Path = Path()) -> tuple[str, ...]:
    """Return the files and folders that a stage of dvc.yaml makes, its metrics among them."""
    definition = _definition(name, checkout)
    entries = [*definition.get("outs", []), *definition.get("metrics", [])]
    # An entry with options is a mapping of its path to them.
    return tuple(next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries)


def _definition(name: str, checkout: Path) -> dict[str, Any]:
    stage, _, item = name.partition("@")
    text = (checkout / "dvc.yaml").read_text(encoding="utf-8").replace("${item}", item)
    definition = yaml.safe_load(text)["stages"][stage]
    return definition["do"] if item else definition


def _run(arguments: list[str]) -> None:
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


def main() -> None:
    """Make the workspace `raw`, and run the stages there; the first that refuses ends the process."""
    raw, *stages = sys.argv[1:]
    if raw != "--here":
        _run(["pipelines/workspace.py", raw, "--name", "raw"])
        os.chdir("work/raw")
    for stage in stages:
        _run(command(stage)[1:])  # without python


if __name__ == "__main__":
    main()
