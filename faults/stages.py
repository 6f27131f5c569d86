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


def _run(arguments: list[str]) -> None:
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


def main() -> None:
    """Make the workspace `raw`, and run the stages there; the first that refuses ends the process."""
    raw, *stages = sys.argv[1:]
    if raw != "--here":
        _run(["pipelines/workspace.py", raw, "--name", "raw"])
        os.chdir("work/raw")
    definitions = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for stage in stages:
        # Without PYTHONPATH=src python, which come first.
        _run(shlex.split(definitions[stage]["cmd"])[2:])


if __name__ == "__main__":
    main()
