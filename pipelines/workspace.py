"""Create or update the workspace of a raw folder, and print its path.

`make repro RAW=<folder> [NAME=<name>] [EXPERIMENTS=<name>,<name>] [TRUST=1]` calls it, in the checkout,
before `dvc repro` runs in that workspace:

    PYTHONPATH=src python pipelines/workspace.py <raw folder> [--name <name>] [--experiments <name>,<name>]
        [--trust]
"""

import argparse
import sys
from pathlib import Path

from neuralist import console, workspace


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path, help="folder of raw files")
    parser.add_argument("--name", help="of the workspace; the raw folder's name when left out")
    parser.add_argument("--experiments", default="", help="to run; those of `run` when left out")
    parser.add_argument("--trust", action="store_true", help="let it name what lies outside of it")
    return parser.parse_args()


def main() -> None:
    """Prepare work/<name>; only its path goes to stdout."""
    args = parse()
    experiments = [name.strip() for name in args.experiments.split(",") if name.strip()]
    prepared = workspace.prepare(args.raw, Path.cwd(), args.name, experiments, trust=args.trust)
    if prepared.note:
        print(prepared.note, file=sys.stderr)
    print(prepared.folder)


if __name__ == "__main__":
    console.run(main, "`make repro` begins again")
