"""Stage evaluate: every experiment beside its baselines, on val and test, with intervals.

Command: python pipelines/evaluate.py SONGS ROWS PAIRS UNLISTED VECTORS EXPERIMENTS --metrics FOLDER
--headline FILE --table FILE --predictions FILE --figures FOLDER --corpus FILE
"""

import neuralist.reproducible  # noqa: F401

import json
import shutil
from pathlib import Path

import pandas as pd

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params, records
from neuralist.config.experiment import Experiment
from neuralist.data import parquet, splits, tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import evaluation, figures, results
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors


def main() -> None:
    """Predict with each experiment's encoder, compute the metrics, write them, the table and the figures."""
    inputs = ("songs", "rows", "pairs", "unlisted", "vectors", "experiments")
    options = ("corpus", "metrics", "headline", "table", "predictions", "figures")
    args, settings = path_parser(__doc__, inputs, options).parse_args(), params.load()
    songs = parquet.read(args.songs, tables.SONGS)
    listings = Listings.load(args.rows, args.pairs, args.unlisted)
    experiments = _experiments(args.experiments, settings.run)
    for folder in sorted(args.experiments.glob("*")):
        reason = folder / "skipped.txt"
        if reason.exists():
            print(f"{folder.name}: {reason.read_text(encoding='utf-8').strip()}")
        elif folder.name not in experiments:
            print(f"{folder}: ignored, for params.yaml does not run an experiment of this name")
    protocols = {experiment.protocol for experiment in experiments.values()}
    scored = {protocol: listings.scored(songs, protocol) for protocol in protocols}
    predictions = pd.concat(
        [
            evaluation.predict(
                name, Encoder.load(args.experiments / name), songs, scored[experiment.protocol]
            )
            for name, experiment in experiments.items()
        ],
        ignore_index=True,
    )
    parquet.write(predictions.filter(tables.PREDICTIONS.names), tables.PREDICTIONS, args.predictions)
    evaluated = evaluation.evaluate(
        songs, listings, predictions, experiments, word_vectors.load(args.vectors), settings=settings.evaluate
    )
    shutil.rmtree(args.metrics, ignore_errors=True)  # as DVC does: no file of another experiment stays
    for name, metrics in evaluated.items():
        records.save(metrics, args.metrics / f"{name}.json")
    files.write_text(args.headline, json.dumps(results.headline(evaluated), indent=2, allow_nan=False) + "\n")
    note = corpus.load(args.corpus).note
    warnings = {protocol: splits.describe_small(pairs) for protocol, pairs in scored.items()}
    files.write_text(args.table, results.markdown(evaluated, settings.evaluate, note, warnings))
    histories = {name: figures.read_history(args.experiments / name / "history.csv") for name in experiments}
    of_protocol = {"paper": listings.rows, "songs": listings.pairs, "given": listings.pairs}
    n_pairs = {name: listing["split"].value_counts().to_dict() for name, listing in of_protocol.items()}
    figures.save(figures.curves(histories, experiments, n_pairs), args.figures / "curves.png")
    shown = evaluation.targeted(predictions, songs, experiments)
    for draw in (figures.decile_error, figures.confusion, figures.calibration):
        figures.save(draw(shown, experiments), args.figures / f"{draw.__name__}.png")
    print(results.headline_table(evaluated, note, warnings))
    print(f"{len(evaluated)} experiments beside their baselines; the tables with intervals: {args.table}")


def _experiments(folder: Path, run: tuple[str, ...]) -> dict[str, Experiment]:
    """Read the settings of the trained experiments from their folders; `tuned` where a study ran."""
    names = [*run, params.TUNED]
    if (folder / params.TUNED / "skipped.txt").exists():
        names.remove(params.TUNED)
    return {name: records.load_experiment(folder / name).params for name in names}


if __name__ == "__main__":
    console.run(main)
