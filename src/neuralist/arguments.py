"""The command line of a pipeline's script: the paths that dvc.yaml gives it."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def path_parser(
    description: str | None, inputs: Sequence[str], options: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Return a parser of paths, to which a script may add arguments of its own.

    Args:
        description: of the script, its docstring.
        inputs: names of the paths that come first, in this order.
        options: names of the paths that follow as --name; all are required.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in inputs:
        parser.add_argument(name, type=Path)
    for name in options:
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser
