"""Stage study: Optuna searches better settings of one experiment on val; a killed study goes on where it was.

Command: python pipelines/study.py SONGS ROWS PAIRS UNLISTED VECTORS --corpus FILE --checkpoints DIR --out DIR
`--worker` in place of `--out` joins a study that another process began, on this machine or, with the same
tables and params.study.storage, on another.
"""

import argparse
from pathlib import Path

import yaml

from neuralist import console, files
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import Listings
from neuralist.study import figures, queue, search
from neuralist.text import word_vectors
from neuralist.tracking import study_runs
from neuralist.training import pretraining


def parse() -> argparse.Namespace:
    """Read the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    for table in ("songs", "rows", "pairs", "unlisted", "vectors"):
        parser.add_argument(table, type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--checkpoints", type=Path, required=True)
    output = parser.add_mutually_exclusive_group(required=True)
    output.add_argument("--out", type=Path)
    output.add_argument("--worker", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Run the trials, and leave trials.csv, epochs.csv, best.yaml, study.html and its figures."""
    args, settings = parse(), params.load()
    name = settings.studied_experiment
    base = settings.experiment(name, corpus.load(args.corpus).epochs)
    listing = Listings.load(args.rows, args.pairs, args.unlisted).of(base)
    songs = parquet.read(args.songs, tables.SONGS)
    graded = pretraining.of(base, settings.similarity_range, songs, listing)
    task = search.Search(settings.study, base, songs, listing, word_vectors.load(args.vectors), graded)

    title = task.name(name)
    folder = args.checkpoints / f"study-{title}"
    searched = search.open_study(task, title, folder)
    live = study_runs.LiveStudy()
    with console.trials(title, settings.study.trials, settings.study.epochs) as show:

        def report(number: int) -> None:
            trials = search.trials(searched, settings.study).to_dict("records")
            show(trials, number)
            if trials[number]["state"] != "running":
                epochs = search.epochs(searched, settings.study).to_dict("records")
                # Two workers at once would record a trial twice: a server's store has no lock of its own.
                with queue.alone(searched, folder):
                    live(study_runs.Trials(title, f"val_{settings.study.metric}", trials, epochs))

        search.work(task, searched, folder, report)
    if args.worker:
        return
    best = search.best(searched, settings.study, name)
    trials, epochs = search.trials(searched, settings.study), search.epochs(searched, settings.study)
    for table, file in ((trials, "trials.csv"), (epochs, "epochs.csv")):
        files.write_text(args.out / file, table.to_csv(index=False, lineterminator="\n"))
    figures.save(searched, f"val {settings.study.metric}", args.out)
    files.write_text(args.out / "best.yaml", yaml.safe_dump(best, sort_keys=False))
    print(f"study: trial {best['trial']} of {settings.study.trials}, {best['metric']} {best['value']:.4f}")


if __name__ == "__main__":
    console.run(main, freeze=True)
