"""Stage evaluate: every experiment beside its baselines, on val and test, with intervals.

Command: python pipelines/evaluate.py SONGS ROWS PAIRS UNLISTED VECTORS EXPERIMENTS --estimates FOLDER
--metrics FOLDER --headline FILE --table FILE --page FILE --predictions FILE --curves FOLDER
--curves-template FILE --figures FOLDER --dark-figures FOLDER --corpus FILE
Estimates hold all that was measured; metrics and headline a few figures of it, for DVC's tables.
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
from neuralist.evaluation import (
    epoch_histograms,
    epoch_tables,
    evaluation,
    figures,
    results,
    results_page,
    summary,
)
from neuralist.model import histograms
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors


def main() -> None:
    """Predict with each experiment's encoder, compute the metrics, write them, the tables and the figures."""
    inputs = ("songs", "rows", "pairs", "unlisted", "vectors", "experiments")
    options = ("corpus", "estimates", "metrics", "headline", "table", "page", "predictions")
    options += ("curves", "curves-template", "figures", "dark-figures")
    args, settings = path_parser(__doc__, inputs, options).parse_args(), params.load()
    songs = parquet.read(args.songs, tables.SONGS)
    listings = Listings.load(args.rows, args.pairs, args.unlisted)
    trained = _trained(args.experiments, settings.run)
    experiments = {name: record.params for name, record in trained.items()}
    _print_left_out(args.experiments, experiments)
    protocols = {experiment.protocol for experiment in experiments.values()}
    scored = {protocol: listings.scored(songs, protocol) for protocol in protocols}
    predictions = _predict(args, songs, experiments, scored)
    evaluated = evaluation.evaluate(
        songs, listings, predictions, experiments, word_vectors.load(args.vectors), settings=settings.evaluate
    )
    about = summary.subject(evaluated, settings.registration.metric)
    histories = {name: figures.read_history(args.experiments / name / "history.csv") for name in experiments}
    _write_numbers(args, evaluated, about, epoch_tables.by_measure(histories, experiments))
    resolved = evaluation.resolved(songs, experiments)
    shown = evaluation.targeted(predictions, songs, experiments)
    _draw(args, trained, histories, resolved, shown, settings.evaluate, results.things(evaluated))
    note = corpus.load(args.corpus).note
    warnings = {protocol: splits.describe_small(pairs) for protocol, pairs in scored.items()}
    n_train = trained[about.name].n_pairs["train"]
    sentences = summary.sentences(evaluated, about, n_train, settings.evaluate, note, warnings)
    files.write_text(args.table, results.markdown(evaluated, settings.evaluate, note, warnings, sentences))
    pictures = results_page.pictures(args.figures, args.dark_figures)
    page = results_page.page(evaluated, about, sentences, settings.evaluate, pictures, warnings)
    files.write_text(args.page, page)
    print(results.headline_table(evaluated, note, warnings))
    n = len(evaluated)
    what = "1 experiment beside its" if n == 1 else f"{n} experiments beside their"
    print(f"{what} baselines; the tables with intervals: {args.table}")


def _print_left_out(folder: Path, experiments: Mapping[str, Experiment]) -> None:
    """Print which folders of experiments are not evaluated, and why."""
    for path in sorted(folder.glob("*")):
        reason = path / "skipped.txt"
        if reason.exists():
            print(f"{path.name}: {reason.read_text(encoding='utf-8').strip()}")
        elif path.name not in experiments:
            print(f"{path}: ignored, for params.yaml does not run an experiment of this name")


def _predict(
    args: argparse.Namespace,
    songs: pd.DataFrame,
    experiments: Mapping[str, Experiment],
    scored: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Predict the pairs that each experiment's protocol scores, and write them; see `evaluation.predict`."""
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
    return predictions


def _write_numbers(
    args: argparse.Namespace,
    evaluated: Mapping[str, records.ExperimentMetrics],
    about: summary.Subject,
    curves: Mapping[str, pd.DataFrame],
) -> None:
    """Write the estimates, DVC's metrics and headline, and the tables and the template of its charts."""
    for folder in (args.estimates, args.metrics, args.curves):
        shutil.rmtree(folder, ignore_errors=True)  # as DVC does: no file of another experiment stays
    for name, metrics in evaluated.items():
        records.save(metrics, args.estimates / f"{name}.json")
        _write_metrics(results.headline_metrics(metrics), args.metrics / f"{name}.json")
    _write_metrics(results.headline(evaluated, about.name if about.is_served else None), args.headline)
    for measure, table in curves.items():
        files.write_text(args.curves / f"{measure}.csv", table.to_csv(index=False, lineterminator="\n"))
    template = epoch_tables.template(list(evaluated))
    files.write_text(args.curves_template, json.dumps(template, indent=2) + "\n")


def _write_metrics(values: Mapping[str, str | float | None], path: Path) -> None:
    files.write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def _draw(
    args: argparse.Namespace,
    trained: Mapping[str, records.ExperimentRecord],
    histories: Mapping[str, pd.DataFrame],
    experiments: Mapping[str, Experiment],
    shown: pd.DataFrame,
    settings: params.Evaluate,
    things: str,
) -> None:
    """Write every figure twice, on light and on dark paper."""
    of_epochs = {name: histograms.read(args.experiments / name / histograms.FILE) for name in experiments}
    bins = figures.bins_of_test(shown, experiments, settings)
    for folder, theme in ((args.figures, figure_style.LIGHT), (args.dark_figures, figure_style.DARK)):
        shutil.rmtree(folder, ignore_errors=True)
        drawn = {
            "curves": figures.curves(histories, trained, experiments, theme, things),
            "calibration": figures.calibration(bins, experiments, settings, theme, things),
            "confusion": figures.confusion(shown, experiments, theme, things),
            "decile_error": figures.decile_error(shown, experiments, theme, things),
            "predicted_against_true": figures.predicted_against_true(shown, experiments, theme, things),
        }
        for name, experiment in experiments.items():
            for kind, of_kind in of_epochs[name].items():
                drawn[f"{kind}-{name}"] = epoch_histograms.draw(kind, of_kind, name, experiment, theme)
        for name, figure in drawn.items():
            figure_style.save(figure, folder / f"{name}.png")


def _trained(folder: Path, run: tuple[str, ...]) -> dict[str, records.ExperimentRecord]:
    """Read the records of the trained experiments from their folders; `tuned` where a study ran."""
    names = [*run, params.TUNED]
    if (folder / params.TUNED / "skipped.txt").exists():
        names.remove(params.TUNED)
    return {name: records.load_experiment(folder / name) for name in names}


if __name__ == "__main__":
    console.run(main)
