"""Train experiments once for each fold and seed, and average their metrics over these trainings.

Input: `Corpus`, experiments of protocol songs. Output: the ranking metrics of every training (`measure`), and
their means with intervals (`report`). Trainings are saved in a folder and not repeated.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.config.experiment import Experiment
from neuralist.config.metric_table import BY_NAME
from neuralist.config.records import Estimate
from neuralist.data import splits
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import evaluation, fold_averages, results, selection
from neuralist.evaluation.baselines import WITH_LYRICS
from neuralist.evaluation.comparison import ResampledMetrics
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors
from neuralist.training import examples, loop, pretraining
from neuralist.training.experiment import train_experiment

Experiments = Mapping[str, Experiment]
# Of one training: split to predictor to metrics.
MetricsBySplit = dict[str, dict[str, ResampledMetrics]]


class Corpus(NamedTuple):
    """The data that the trainings of all folds share.

    Attributes:
        raw: the raw folder, which may have word vectors.
        songs: tables.SONGS.
        listings: from a test fold to its pair sets.
        graded: songs and pairs (tables.PRETRAINING_SONGS, PRETRAINING_PAIRS) of each folder that an
            experiment's `pretrain_on` names.
    """

    raw: Path
    songs: pd.DataFrame
    listings: Callable[[int], Listings]
    graded: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]


class Report(NamedTuple):
    """The means over all trainings, as text.

    Attributes:
        lines: in Markdown.
        numbers: the same as JSON.
    """

    lines: list[str]
    numbers: str


def select_experiments(settings: params.Params, names: Sequence[str] | None, epochs: int) -> Experiments:
    """Return the experiments of these names, or those of `run` under protocol songs.

    Raises:
        ValueError: a name is unknown, or a named experiment, or all of `run`, is under another protocol.
    """
    experiments = {name: settings.experiment(name, epochs) for name in names or settings.run}
    others = sorted(name for name, experiment in experiments.items() if experiment.protocol != "songs")
    if others and (names or len(others) == len(experiments)):
        raise ValueError(f"splits: {', '.join(others)} not of protocol songs, whose folds are meant here")
    return {name: experiment for name, experiment in experiments.items() if name not in others}


def variants(settings: params.Params, epochs: int) -> Experiments:
    """Return the last experiment of `run`, and its variants in params.yaml."""
    base = settings.run[-1]
    changes = {base: {}, **settings.variants}
    return {name: settings.experiment(base, epochs, overrides=own) for name, own in changes.items()}


def measure(
    experiments: Experiments,
    corpus: Corpus,
    settings: params.Params,
    folds: Sequence[int],
    seeds: Sequence[int | None],
    out: Path,
) -> Iterator[MetricsBySplit]:
    """Train what is not trained yet, and yield the ranking metrics of each fold and seed on val and test.

    Args:
        experiments: of protocol songs.
        corpus: the data to train on.
        settings: params.yaml.
        folds: test folds, 0 to 4.
        seeds: None for each experiment's own.
        out: folder of the trainings, in fold<number>/.

    Raises:
        ValueError: no song has a list, so that nothing can be ranked.
    """
    if not np.any(corpus.songs["has_list"]):
        raise ValueError("splits: similar songs are ranked, but no song has a list; bring songs with lists")
    graded = [text for songs, _ in corpus.graded.values() for text in songs["lyrics"]]
    for fold in folds:
        listings = corpus.listings(fold)
        texts = splits.lyrics_of(corpus.songs, listings.pairs, by_fold=True)
        vectors = word_vectors.fit(texts, graded, settings.vectors, corpus.raw)
        for seed in seeds:
            # An ensemble of three with seed 2 has the seeds 6, 7 and 8, so that none is in two of them.
            seeded = {
                name: own if seed is None else own.model_copy(update={"seed": seed * own.ensemble})
                for name, own in experiments.items()
            }
            yield _measure_training(seeded, corpus, listings, vectors, out / f"fold{fold}", settings.evaluate)


def _measure_training(
    experiments: Experiments,
    corpus: Corpus,
    listings: Listings,
    vectors: WordVectors,
    out: Path,
    settings: params.Evaluate,
) -> MetricsBySplit:
    """Train each experiment on one fold; return its ranking metrics and those of the baselines."""
    songs = corpus.songs
    scored, predictions = listings.scored(songs, "songs"), []
    for name, experiment in experiments.items():
        listing, graded = listings.of(experiment), None
        if experiment.pretrain_on is not None:
            tables_of_pairs, segmenter = corpus.graded[experiment.pretrain_on], vectors.coverage.segmenter
            graded = pretraining.prepare(*tables_of_pairs, experiment, songs, listing, segmenter)
        prepared = examples.prepare(experiment, songs, listing, vectors, graded)
        folder = _train_once(name, experiment, prepared, out)
        predictions.append(evaluation.predict(name, Encoder.load(folder), songs, scored))
    by_split: MetricsBySplit = {"val": {}, "test": {}}
    comparisons = evaluation.comparisons(
        songs, listings, pd.concat(predictions), experiments, vectors, settings=settings
    )
    for group, comparison in comparisons:
        for split, predictors in by_split.items():
            metrics = comparison.rankings(split, settings)
            for name, experiment in group.items():
                for label, key in evaluation.predictors(name, experiment, comparison).items():
                    title = name if label == "model" else _baseline_label(label, name, experiment)
                    predictors.setdefault(title, metrics[key])
    # Experiments of all targets come before the baselines.
    return {
        split: {name: predictors[name] for name in [*experiments, *predictors]}
        for split, predictors in by_split.items()
    }


def _baseline_label(name: str, of: str, experiment: Experiment) -> str:
    """Label a baseline of an experiment, with what it reads and what it is trained on."""
    if name == evaluation.ALONE:
        return f"{of}, {results.baseline_label(name, experiment)}"
    of_listed = " of listed pairs" if experiment.target == "listed_only" else ""
    return results.baseline_label(name, experiment) + of_listed


def _train_once(name: str, settings: Experiment, prepared: examples.TrainingData, out: Path) -> Path:
    """Return the folder of a training, which is run unless its result is there."""
    folder = out / f"{name}-{prepared.fingerprint[:16]}"
    if not (folder / "experiment.json").exists():
        loop.forget_models()
        message = train_experiment(
            name, settings, prepared, folder, folder / "checkpoints", title=f"{out.name} {name}"
        )
        print(message, flush=True)
    return folder


def report(
    trainings: Sequence[MetricsBySplit],
    experiments: Experiments,
    subject: str | None,
    split: str,
    level: float,
) -> Report:
    """Format the table of one split, with the leads of one experiment over all predictors.

    Args:
        trainings: from `measure`.
        experiments: name to settings.
        subject: the experiment whose leads are shown; None: the best on val by listed AUC.
        split: val or test.
        level: of the intervals.
    """
    on_val = {
        name: sum(training["val"][name]["listed_auc"][0] for training in trainings) / len(trainings)
        for name in experiments
    }
    subject = subject or max(on_val, key=on_val.__getitem__)
    of_split = [training[split] for training in trainings]
    averages = fold_averages.averaged(of_split, subject, level)
    differences = {
        f"{predictor} - {other}": fold_averages.difference(of_split, predictor, other, level)
        for predictor, other in _with_and_without_lyrics(experiments)
        if predictor in averages and other in averages
    }
    values = ", ".join(f"{name} {value:.3f}" for name, value in on_val.items())
    lines = [
        f"Mean listed AUC on val: {values}. Leads are those of {subject}; ~ none is shown, ! it trails.",
        "",
        *fold_averages.markdown(averages, subject),
        *_difference_lines(differences),
    ]
    numbers = {name: average._asdict() for name, average in averages.items()}
    numbers |= {"val": on_val, "differences": differences}
    return Report(lines, json.dumps(numbers, indent=2, default=Estimate.model_dump) + "\n")


def _with_and_without_lyrics(experiments: Experiments) -> dict[tuple[str, str], None]:
    """Labels of each baseline from lyrics and metadata, and of the one from the same metadata alone."""
    return {
        (_baseline_label(both, name, experiment), _baseline_label(alone, name, experiment)): None
        for name, experiment in experiments.items()
        for both, alone in WITH_LYRICS.items()
    }


def _difference_lines(differences: Mapping[str, Mapping[str, Estimate]]) -> list[str]:
    """Lines that say what lyrics add to metadata; none without a difference."""
    lines = ["", "What lyrics add to metadata:", ""] if differences else []
    for title, difference in differences.items():
        shown = (
            f"{BY_NAME[metric].heading} {results.interval(difference[metric], metric)} "
            f"{selection.lead_mark(difference[metric], metric)}".rstrip()
            for metric in ("listed_auc", "ndcg_at_10")
        )
        lines.append(f"- {title}: {', '.join(shown)}")
    return lines
