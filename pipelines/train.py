"""Stage train: one experiment of params.yaml, trained, exported as ONNX, and shown in MLflow while it runs.

Command: python pipelines/train.py NAME SONGS ROWS PAIRS VECTORS --corpus FILE --checkpoints DIR --out DIR
Stage tuned: the same for what a study found, with the name `tuned` and `--best FILE`.
A run that was killed goes on from its last epoch when the command is given again.
"""

import argparse
import json
import shutil
from pathlib import Path

from neuralist import (
    corpus,
    examples,
    onnx_encoder,
    params,
    progress,
    scripts,
    tables,
    tracking,
    training,
    vectors,
)


def parse() -> argparse.Namespace:
    """Read the name and the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for table in ("songs", "rows", "pairs", "vectors"):
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
    settings = params.load().experiment(best["experiment"], epochs, found=best["params"])
    words = vectors.load(args.vectors)
    paper = settings.protocol == "paper"
    listed = tables.read(args.rows, tables.ROWS) if paper else tables.read(args.pairs, tables.PAIRS)
    songs = tables.read(args.songs, tables.SONGS)
    parts, words, fingerprint = examples.prepare(settings, songs, listed, words)

    model = training.make_model(settings, words, len(parts["train"].left))
    checkpoint = args.checkpoints / f"{args.name}-{fingerprint[:16]}" / "epoch.npz"
    live = tracking.LiveRun(args.name, fingerprint, settings.model_dump())
    with progress.epochs(args.name, settings.epochs, live) as report:
        history = training.fit(model, parts, settings, checkpoint, report)

    training.save(model, words.vocabulary, history, args.out)
    record = {
        "name": args.name,
        "fingerprint": fingerprint,
        "params": settings.model_dump(),
        "best_epoch": training.best_epoch(history),
        "n_pairs": {split: len(part.left) for split, part in parts.items()},
        "n_songs": {split: len(part.songs.starts) - 1 for split, part in parts.items()},
        "coverage": words.coverage,
    }
    tables.write_text(args.out / "experiment.json", json.dumps(record, indent=2) + "\n")
    difference = training.check_export(model, onnx_encoder.Encoder.load(args.out), parts["train"].songs)
    print(
        f"{args.name}: best epoch {record['best_epoch']} of {len(history)}, "
        f"encoder.onnx within {difference:.0e} of Keras"
    )
    shutil.rmtree(checkpoint.parent)


if __name__ == "__main__":
    scripts.run(main)
