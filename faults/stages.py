"""The first stages on a raw folder, as `make repro RAW=...` calls them, but in one process and without DVC.

Command, in a checkout: python -m faults.stages RAW STAGE...
With --here in place of RAW: in the folder itself, as it is.
"""

import os
import runpy
import shlex
import sys
from pathlib import Path

import yaml


def command(name: str, checkout: Path = Path()) -> list[str]:
    """Return the program and arguments of a stage of dvc.yaml; of train@NAME, for that experiment."""
    stage, _, item = name.partition("@")
    definition = yaml.safe_load((checkout / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
    words = shlex.split((definition["do"] if item else definition)["cmd"].replace("${item}", item))
    return words[1:]  # without PYTHONPATH=src


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
