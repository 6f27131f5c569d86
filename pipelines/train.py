"""Stage train: one experiment of params.yaml, trained, exported as ONNX, and shown in MLflow while it runs.

Command: python pipelines/train.py NAME SONGS ROWS PAIRS UNLISTED VECTORS --corpus FILE --checkpoints DIR
--out DIR
Stage tuned: the same for what a study found, with the name `tuned` and `--best FILE`.
A run that was killed goes on from its last epoch when the command is given again.
Several workers, named by TF_CONFIG (see `neuralist.training.distributed.workers`), train together when each
is given the command.
"""

import argparse
from pathlib import Path

from neuralist import console
from neuralist.config import corpus, params
from neuralist.text import word_vectors
from neuralist.tracking.runs import LiveRun
from neuralist.training import examples, saving
from neuralist.training.distributed import shards, workers


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
    where = workers.place()
    together = workers.Workers(where) if where else None
    prepared = _prepared(args, settings, choices.similarity_range, together)
    if together is not None:
        together.agree(prepared.fingerprint)
    checkpoints = args.checkpoints / f"{args.name}-{prepared.fingerprint[:16]}"
    live = LiveRun(args.name, prepared.fingerprint, settings.model_dump())
    after = live if together is None or together.chief else lambda *_: None
    told = saving.train_experiment(
        args.name, settings, prepared, args.out, checkpoints, after=after, workers=together
    )
    print(told)


def _prepared(
    args: argparse.Namespace,
    settings: params.Experiment,
    similarity_range: tuple[float, float],
    together: workers.Workers | None,
) -> examples.Prepared:
    """What the experiment is trained on: all of it, or a worker's share."""
    words = word_vectors.load(args.vectors)
    files = shards.TablePaths(args.songs, args.rows, args.pairs, args.unlisted)
    if together is not None:
        return shards.prepare(settings, files, words, together, similarity_range)
    prepared, graded = shards.whole(settings, files, words, similarity_range)
    if graded is not None:
        print(graded.told())
    return prepared


if __name__ == "__main__":
    console.run(main, freeze=True)
