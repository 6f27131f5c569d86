"""Stage evaluate: every experiment beside its baselines, on val and test, with intervals.

Command: python pipelines/evaluate.py SONGS ROWS PAIRS UNLISTED VECTORS EXPERIMENTS --metrics FOLDER
--headline FILE --table FILE --predictions FILE --figures FOLDER
--dark-figures FOLDER --corpus FILE
"""

import neuralist.reproducible  # noqa: F401

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from neuralist import console, figure_style, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params, records
from neuralist.config.experiment import Experiment
from neuralist.data import parquet, splits, tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import epoch_histograms, evaluation, figures, results
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors


def main() -> None:
    """Predict with each experiment's encoder, compute the metrics, write them, the table and the figures."""
    inputs = ("songs", "rows", "pairs", "unlisted", "vectors", "experiments")
    options = ("corpus", "metrics", "headline", "table", "predictions", "figures", "dark-figures")
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
    trained = {name: records.load_experiment(args.experiments / name) for name in experiments}
    shown = evaluation.targeted(predictions, songs, experiments)
    _draw(args, trained, evaluation.resolved(songs, experiments), shown, settings.evaluate)
    print(results.headline_table(evaluated, note, warnings))
    print(f"{len(evaluated)} experiments beside their baselines; the tables with intervals: {args.table}")


def _draw(
    args: argparse.Namespace,
    trained: Mapping[str, records.ExperimentRecord],
    experiments: Mapping[str, Experiment],
    shown: pd.DataFrame,
    settings: params.Evaluate,
) -> None:
    """Write every figure twice, on light and on dark paper."""
    histories = {name: figures.read_history(args.experiments / name / "history.csv") for name in experiments}
    for folder, theme in ((args.figures, figure_style.LIGHT), (args.dark_figures, figure_style.DARK)):
        shutil.rmtree(folder, ignore_errors=True)
        drawn = {
            "curves": figures.curves(histories, trained, experiments, theme),
            "calibration": figures.calibration(shown, experiments, settings, theme),
            "confusion": figures.confusion(shown, experiments, theme),
            "decile_error": figures.decile_error(shown, experiments, theme),
            "predicted_against_true": figures.predicted_against_true(shown, experiments, theme),
        }
        for name, experiment in experiments.items():
            found = epoch_histograms.read(args.experiments / name / epoch_histograms.FILE)
            for kind in epoch_histograms.KINDS if found else ():
                figure = epoch_histograms.draw(kind, found, name, experiment, theme)
                drawn[f"{kind}-{name}"] = figure
        for name, figure in drawn.items():
            figure_style.save(figure, folder / f"{name}.png")


def _experiments(folder: Path, run: tuple[str, ...]) -> dict[str, Experiment]:
    """Read the settings of the trained experiments from their folders; `tuned` where a study ran."""
    names = [*run, params.TUNED]
    if (folder / params.TUNED / "skipped.txt").exists():
        names.remove(params.TUNED)
    return {name: records.load_experiment(folder / name).params for name in names}


if __name__ == "__main__":
    console.run(main)
