"""Stage register: register artifacts/served in MLflow, as champion where its lead is shown.

Command: python pipelines/register.py RAW ARTIFACTS [--replace]
Runs at every `dvc repro`, since the store is no output of DVC's; it takes 0.2 s when nothing is to be done
and nothing was written to the store, else the 3 s of importing mlflow.
"""

import argparse
from pathlib import Path

from neuralist import console
from neuralist.tracking import registry


def parse() -> argparse.Namespace:
    """Parse the paths that dvc.yaml passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("artifacts", type=Path)
    parser.add_argument(
        "--replace", action="store_true", help="make it champion unmeasured, also of another corpus"
    )
    return parser.parse_args()


def main() -> None:
    """Register the packed model, and print the outcome."""
    args = parse()
    print(registry.register(args.artifacts, args.raw, replace=args.replace))


if __name__ == "__main__":
    console.run(main)
