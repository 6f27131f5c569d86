"""Stage train: one experiment of params.yaml, trained, exported as ONNX, and shown in MLflow while it runs.

Command: python pipelines/train.py NAME SONGS ROWS PAIRS UNLISTED VECTORS --corpus FILE --checkpoints DIR
--out DIR
Stage tuned: the same for what a study found, with the name `tuned` and `--best FILE`.
A run that was killed goes on from its last epoch when the command is given again.
"""

import argparse
from pathlib import Path

from neuralist import corpus, examples, params, pretraining, saving, scripts, tables, tracking, vectors
from neuralist.listings import Listings


def parse() -> argparse.Namespace:
    """Read the name and the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for table in ("songs", "rows", "pairs", "unlisted", "vectors"):
        parser.add_argument(table, type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--best", type=Path, help="best.yaml of a study, laid over the experiment it names")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Train, and leave model.keras, encoder.onnx, vocabulary.txt, history.csv and experiment.json."""
    args = parse()
    best = params.read_yaml(args.best) if args.best else {"experiment": args.name, "params": {}}
    epochs = corpus.load(args.corpus).epochs
    choices = params.load()
    settings = choices.experiment(best["experiment"], epochs, found=best["params"])
    listing = Listings.load(args.rows, args.pairs, args.unlisted).of(settings)
    songs = tables.read(args.songs, tables.SONGS)
    graded = pretraining.of(settings, choices.similarity_range, songs, listing)
    prepared = examples.prepare(settings, songs, listing, vectors.load(args.vectors), graded)

    checkpoints = args.checkpoints / f"{args.name}-{prepared.fingerprint[:16]}"
    if graded is not None:
        print(graded.told())
    live = tracking.LiveRun(args.name, prepared.fingerprint, settings.model_dump())
    print(saving.train_experiment(args.name, settings, prepared, args.out, checkpoints, after=live))


if __name__ == "__main__":
    scripts.run(main)
