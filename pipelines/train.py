"""Stage train: train one experiment, export it as ONNX, and log it to MLflow while it runs.

Command: python pipelines/train.py NAME SONGS ROWS PAIRS UNLISTED VECTORS --settings FILE --pretraining FOLDER
--checkpoints DIR --out DIR
Stage tuned: the same with the best settings of a study. Where the file says that there are none, nothing is
trained, and skipped.txt says why.
A killed run resumes after its last complete epoch when the command is given again.
Several workers, listed in TF_CONFIG (see `neuralist.training.distributed.workers`), train together when the
command is given to each.
"""

import neuralist.reproducible  # noqa: F401

import argparse
import gc
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist import console, files
from neuralist.config import resolved
from neuralist.config.experiment import Experiment

if TYPE_CHECKING:
    from neuralist.training.distributed.workers import Workers
    from neuralist.training.examples import TrainingData


def parse() -> argparse.Namespace:
    """Read the name and the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for table in ("songs", "rows", "pairs", "unlisted", "vectors"):
        parser.add_argument(table, type=Path)
    for name in ("settings", "pretraining", "checkpoints", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Train, and write model.keras, encoder.onnx, vocabulary.txt, history.csv and experiment.json."""
    args = parse()
    settings = resolved.read_or_skipped(args.settings, Experiment)
    if isinstance(settings, resolved.Skipped):
        _skip(args.out, settings.skipped)
        print(f"{args.name}: not trained: {settings.skipped}")
    else:
        _train(args, settings)


def _train(args: argparse.Namespace, settings: Experiment) -> None:
    # TensorFlow takes 15 s to import, which a skipped stage need not pay.
    from neuralist.tracking import trainings
    from neuralist.tracking.runs import LiveRun
    from neuralist.training import checkpoints
    from neuralist.training.distributed import workers
    from neuralist.training.experiment import train_experiment

    gc.freeze()  # or the garbage collector scans all of TensorFlow, which takes a second at the end alone
    (args.out / "skipped.txt").unlink(missing_ok=True)
    cluster = workers.read_cluster()
    group = workers.Workers(cluster) if cluster else None
    prepared = _prepared(args, settings, group)
    if group is not None:
        group.agree(prepared.fingerprint)
    folder = checkpoints.folder(args.checkpoints, args.name, prepared.fingerprint)
    if group is not None and not group.chief:
        print(train_experiment(args.name, settings, prepared, args.out, folder, workers=group))
        return
    live = LiveRun(args.name, prepared.fingerprint, settings.model_dump())
    with trainings.timed(args.name, prepared.fingerprint, resumes=folder.exists()):
        message = train_experiment(args.name, settings, prepared, args.out, folder, after=live, workers=group)
    print(message)


def _skip(out: Path, reason: str) -> None:
    """Write the reason in skipped.txt, and nothing else."""
    shutil.rmtree(out, ignore_errors=True)  # as DVC does: no file of an earlier training stays
    files.write_text(out / "skipped.txt", f"{reason}\n")


def _prepared(args: argparse.Namespace, settings: Experiment, group: "Workers | None") -> "TrainingData":
    """Build the training data: all of it, or a worker's share."""
    from neuralist.text import word_vectors
    from neuralist.training import examples
    from neuralist.training.distributed import shards

    words = word_vectors.load(args.vectors)
    paths = examples.TablePaths(args.songs, args.rows, args.pairs, args.unlisted, args.pretraining)
    if group is not None:
        return shards.prepare(settings, paths, words, group)
    prepared, graded = examples.load(settings, paths, words)
    if graded is not None:
        print(graded)
    return prepared


if __name__ == "__main__":
    console.run(main)
