"""Stage settings: resolve params.yaml into a JSON file for each stage or experiment that trains.

Command: python pipelines/settings.py --corpus FILE --out FOLDER
A change in params.yaml reruns this stage, and then only the stages whose file changed.
"""

import argparse
from pathlib import Path

from neuralist import console
from neuralist.config import corpus, params, resolved


def parse() -> argparse.Namespace:
    """Parse the paths that dvc.yaml passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Resolve the params and write the files."""
    args = parse()
    settings = params.load()
    resolved.write(settings, corpus.load(args.corpus).epochs, args.out)
    study = f"the study of {settings.studied_experiment}" if settings.study.trials else "no study"
    print(f"settings of {', '.join(settings.run)}, {study}, the word vectors and pretraining")


if __name__ == "__main__":
    console.run(main)
