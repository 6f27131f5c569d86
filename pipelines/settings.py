"""Stage settings: params.yaml as one resolved JSON file for each stage or experiment that trains.

Command: python pipelines/settings.py --corpus FILE --out FOLDER
A change in params.yaml runs this stage, and after it only those whose file is another by then.
"""

import argparse
from pathlib import Path

from neuralist import console
from neuralist.config import corpus, params, resolved


def parse() -> argparse.Namespace:
    """Read the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Resolve and write."""
    args = parse()
    settings = params.load()
    resolved.write(settings, corpus.load(args.corpus).epochs, args.out)
    print(f"settings of {', '.join(settings.run)}, the study, the word vectors and pretraining")


if __name__ == "__main__":
    console.run(main)
