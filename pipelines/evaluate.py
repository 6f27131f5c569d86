"""Stage evaluate: every experiment beside its baselines, on val and test, with intervals.

Command: python pipelines/evaluate.py SONGS ROWS PAIRS UNLISTED VECTORS EXPERIMENTS --estimates FOLDER
--metrics FOLDER --headline FILE --table FILE --page FILE --predictions FILE --curves FOLDER --figures FOLDER
--corpus FILE
Estimates hold all that was measured; metrics and headline a few figures of it, for DVC's tables.
"""

import neuralist.reproducible  # noqa: F401

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params, records
from neuralist.config.experiment import Experiment
from neuralist.data import parquet, splits, tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import epoch_tables, evaluation, figures, results, results_page, summary
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors


def main() -> None:
    """Predict with each experiment's encoder, compute the metrics, write them, the tables and the figures."""
    inputs = ("songs", "rows", "pairs", "unlisted", "vectors", "experiments")
    options = ("corpus", "estimates", "metrics", "headline", "table", "page", "predictions")
    options += ("curves", "figures")
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
    for folder in (args.estimates, args.metrics, args.curves):
        shutil.rmtree(folder, ignore_errors=True)  # as DVC does: no file of another experiment stays
    for name, metrics in evaluated.items():
        records.save(metrics, args.estimates / f"{name}.json")
        _write_figures(results.figures(metrics), args.metrics / f"{name}.json")
    about = summary.subject(evaluated, settings.registration.metric)
    served = about.name if about.is_served else None
    _write_figures(results.headline(evaluated, served), args.headline)
    histories = {name: figures.read_history(args.experiments / name / "history.csv") for name in experiments}
    of_protocol = {"paper": listings.rows, "songs": listings.pairs, "given": listings.pairs}
    n_pairs = {name: listing["split"].value_counts().to_dict() for name, listing in of_protocol.items()}
    figures.save(figures.curves(histories, experiments, n_pairs), args.figures / "curves.png")
    shown = evaluation.targeted(predictions, songs, experiments)
    for draw in (figures.decile_error, figures.confusion, figures.calibration):
        figures.save(draw(shown, experiments), args.figures / f"{draw.__name__}.png")
    for measure, table in epoch_tables.by_measure(histories, experiments).items():
        files.write_text(args.curves / f"{measure}.csv", table.to_csv(index=False, lineterminator="\n"))
    note = corpus.load(args.corpus).note
    warnings = {protocol: splits.describe_small(pairs) for protocol, pairs in scored.items()}
    n_train = records.load_experiment(args.experiments / about.name).n_pairs["train"]
    sentences = summary.sentences(evaluated, about, n_train, settings.evaluate, note, warnings)
    files.write_text(args.table, results.markdown(evaluated, settings.evaluate, note, warnings, sentences))
    shown_page = results_page.page(evaluated, about, sentences, settings.evaluate, args.figures, warnings)
    files.write_text(args.page, shown_page)
    print(results.headline_table(evaluated, note, warnings))
    print(f"{len(evaluated)} experiments beside their baselines; the tables with intervals: {args.table}")


def _write_figures(values: Mapping[str, str | float | None], path: Path) -> None:
    files.write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def _experiments(folder: Path, run: tuple[str, ...]) -> dict[str, Experiment]:
    """Read the settings of the trained experiments from their folders; `tuned` where a study ran."""
    names = [*run, params.TUNED]
    if (folder / params.TUNED / "skipped.txt").exists():
        names.remove(params.TUNED)
    return {name: records.load_experiment(folder / name).params for name in names}


if __name__ == "__main__":
    console.run(main)
