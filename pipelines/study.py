"""Stage study: Optuna searches better settings of one experiment on val; a killed study resumes.

Command: python pipelines/study.py SONGS ROWS PAIRS UNLISTED VECTORS --settings FILE --pretraining FOLDER
--checkpoints DIR --out DIR
`--worker` in place of `--out` joins a study that another process started, on this machine or, with the same
tables and params.study.storage, on another. With `trials: 0`, or where val cannot tell trials apart, nothing
is searched, and skipped.txt says why; likewise where no trial came to a value.
"""

import neuralist.reproducible  # noqa: F401

import argparse
import gc
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import params, records, resolved
from neuralist.config.experiment import Experiment

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy

    from neuralist.study.search import Search

TUNED = "tuned.json"


def parse() -> argparse.Namespace:
    """Read the paths that dvc.yaml gives."""
    tables = ("songs", "rows", "pairs", "unlisted", "vectors")
    parser = path_parser(__doc__, tables, ("settings", "pretraining", "checkpoints"))
    output = parser.add_mutually_exclusive_group(required=True)
    output.add_argument("--out", type=Path)
    output.add_argument("--worker", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Run the trials, and write trials.csv, epochs.csv, best.yaml, tuned.json, study.html and its figures."""
    args = parse()
    settings = resolved.read_or_skipped(args.settings, resolved.StudySettings)
    if isinstance(settings, resolved.Skipped):
        _skip(args.out, settings.skipped)
    else:
        _search(args, settings)


def _search(args: argparse.Namespace, settings: resolved.StudySettings) -> None:
    # TensorFlow takes 15 s to import, which a skipped stage need not pay.
    from neuralist.study import queue, search
    from neuralist.tracking import study_runs, trainings

    gc.freeze()  # or the garbage collector scans all of TensorFlow, which takes a second at the end alone
    # The storage is no dep of the stage: its URL may have a password, which must not be in dvc.lock.
    study = settings.study.model_copy(update={"storage": params.load().study.storage})
    task = _task(args, settings.base, study)
    reason = search.explain_skip(task.listing, study.metric, settings.experiment)
    if reason is not None:
        _skip(args.out, reason)
        return
    title = task.name(settings.experiment)
    trial_queue = search.open_study(task, title, args.checkpoints)
    live = study_runs.LiveStudy()
    with console.trials(title, study.trials, study.epochs) as show:

        def report(number: int) -> None:
            trials = search.trials(trial_queue.study, study).to_dict("records")
            show(trials, number)
            if trials[number]["state"] != "running":
                epochs = search.epochs(trial_queue.study, study).to_dict("records")
                # Two workers at once would record a trial twice: an MLflow server has no lock for this.
                with queue.locked(trial_queue):
                    times = search.times(trial_queue.study, study)
                    live(study_runs.Trials(title, f"val_{study.metric}", trials, epochs, times))

        search.work(task, trial_queue, report)
    reason = search.explain_no_value(trial_queue.study, study)
    if reason is not None:
        live.fail(title)
        _skip(args.out, reason)
    elif not args.worker:
        trainings.keep_trials(title, search.times(trial_queue.study, study))
        _save(trial_queue.study, settings, args.out)


def _task(args: argparse.Namespace, base: Experiment, study: params.Study) -> "Search":
    from neuralist.data import parquet, tables
    from neuralist.data.pair_sets import Listings
    from neuralist.study import search
    from neuralist.text import word_vectors
    from neuralist.training import pretraining

    listing = Listings.load(args.rows, args.pairs, args.unlisted).of(base)
    songs = parquet.read(args.songs, tables.SONGS)
    vectors = word_vectors.load(args.vectors)
    graded = pretraining.load(args.pretraining, base, songs, listing, vectors.coverage.segmenter)
    return search.Search(study, base, songs, listing, vectors, graded)


def _save(optuna_study: "OptunaStudy", settings: resolved.StudySettings, out: Path) -> None:
    from neuralist.study import figures, search

    (out / "skipped.txt").unlink(missing_ok=True)
    study = settings.study
    best = search.best(optuna_study, study, settings.experiment, settings.base)
    chosen = f"trial {best.trial} of {study.trials}, {best.metric} {best.value:.4f}"
    gain = search.explain_gain(best)
    trials, epochs = search.trials(optuna_study, study), search.epochs(optuna_study, study)
    for table, file in ((trials, "trials.csv"), (epochs, "epochs.csv")):
        files.write_text(out / file, table.to_csv(index=False, lineterminator="\n"))
    figures.save(optuna_study, f"val {study.metric}", f"Best: {chosen}; {gain}.", out)
    records.save(best, out / "best.yaml")
    records.save(settings.base.model_copy(update=best.params), out / TUNED)
    print(f"study: {chosen}")
    print(f"  {gain}")  # indented, so that `make repro`'s one line of the stage is the one above


def _skip(out: Path | None, reason: str) -> None:
    if out is not None:
        shutil.rmtree(out, ignore_errors=True)  # as DVC does: no file of an earlier study stays
        files.write_text(out / "skipped.txt", f"{reason}\n")
        records.save(resolved.Skipped(skipped=reason), out / TUNED)
    print(f"study: {reason}")


if __name__ == "__main__":
    console.run(main)
