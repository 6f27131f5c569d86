"""Makes the workspace of a raw folder, or brings it up to date, and prints its path.

`make repro RAW=<folder> [NAME=<name>]` calls it, in the checkout, before `dvc repro` runs in that workspace:

    PYTHONPATH=src python pipelines/workspace.py <raw folder> [--name <name>]
"""

import argparse
from pathlib import Path

from neuralist import scripts, workspace


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path, help="folder of raw files")
    parser.add_argument("--name", help="of the workspace; the raw folder's name when left out")
    return parser.parse_args()


def main() -> None:
    """Prepare work/<name>."""
    args = parse()
    print(workspace.prepare(args.raw, Path.cwd(), args.name))


if __name__ == "__main__":
    scripts.run(main)
