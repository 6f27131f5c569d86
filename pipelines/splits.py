"""Train experiments for each of five folds (`make splits`), or variants with three seeds (`make variants`).

Command: python pipelines/splits.py RAW SONGS ROWS --corpus FILE --out DIR [--experiments NAME,...]
[--variants] [--folds 0,1,2,3,4] [--seeds 2017] [--split test]
Trainings are saved in --out and not repeated; results.md and results.json there have the result. Not part of
`dvc repro`, because it trains many times.
"""

import neuralist.reproducible  # noqa: F401

import argparse
from functools import partial

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.ingest import pairs, pretraining_pairs
from neuralist.study import cross_validation


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = path_parser(__doc__, ("raw", "songs", "rows"), ("corpus", "out"))
    parser.add_argument("--experiments", type=_names, default=None, help="default: all of `run` on new songs")
    parser.add_argument("--variants", action="store_true", help="those of params.yaml, not experiments")
    parser.add_argument("--folds", type=_numbers, default=list(range(params.N_FOLDS)))
    parser.add_argument("--seeds", type=_numbers, default=None, help="default: that of each experiment")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="which split is reported")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    """Train what is not trained yet, compute the metrics, and write the table."""
    args, settings = parse(), params.load()
    songs, rows = parquet.read(args.songs, tables.SONGS), parquet.read(args.rows, tables.ROWS)
    dataset = corpus.load(args.corpus)
    if args.variants:
        experiments = cross_validation.variants(settings, dataset.epochs)
    else:
        experiments = cross_validation.select_experiments(settings, args.experiments, dataset.epochs)
    listings = partial(pairs.of_fold, rows, songs, settings.pairs)
    used = {experiment.pretrain_on for experiment in experiments.values()}
    folders = sorted(folder for folder in used if folder is not None)
    graded = {name: pretraining_pairs.read(args.raw, name, settings.similarity_range)[:2] for name in folders}
    shared = cross_validation.Corpus(args.raw, songs, listings, graded)
    trainings = list(
        cross_validation.measure(experiments, shared, settings, args.folds, args.seeds or [None], args.out)
    )
    subject, level = next(iter(experiments)) if args.variants else None, settings.evaluate.level
    report = cross_validation.report(trainings, experiments, subject, args.split, level)
    lines = [
        f"Means of {len(trainings)} trainings (folds {args.folds}, seeds {args.seeds or 'their own'}) "
        f"on {args.split}, {level:.0%} intervals from {settings.evaluate.draws:,} resamples of the songs.",
        *report.lines,
    ]
    text = "\n".join([dataset.note, *lines] if dataset.note else lines) + "\n"
    files.write_text(args.out / "results.md", text)
    files.write_text(args.out / "results.json", report.numbers)
    print("\n".join(lines))


if __name__ == "__main__":
    console.run(main, "the same command goes on: what is trained is in --out")
