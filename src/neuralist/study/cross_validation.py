"""Experiments trained once for each fold and seed, and their figures averaged over these trainings.

Input: `Corpus`, experiments of protocol songs. Output: the ranking metrics of every training (`measure`), and
their means with intervals (`report`). Trainings stay in a folder and are not repeated.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.config.experiment import Experiment
from neuralist.config.records import Estimate
from neuralist.data import splits
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import evaluation, fold_averages, results
from neuralist.evaluation.comparison import Drawn
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors
from neuralist.training import examples, loop, pretraining
from neuralist.training.experiment import train_experiment

Experiments = Mapping[str, Experiment]
# Split to the predictors of a training to their metrics.
OfSplits = dict[str, dict[str, Drawn]]


@dataclass(frozen=True)
class Corpus:
    """What the trainings of all folds share.

    Attributes:
        raw: the raw folder, which may hold word vectors.
        songs: tables.SONGS.
        listings: makes the pairs whose test split is that fold.
        graded: songs and pairs (tables.PRETRAINING_SONGS, PRETRAINING_PAIRS) of each folder that an
            experiment's `pretrain_on` names.
    """

    raw: Path
    songs: pd.DataFrame
    listings: Callable[[int], Listings]
    graded: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]


@dataclass(frozen=True)
class Report:
    """The means over all trainings.

    Attributes:
        lines: in Markdown.
        numbers: the same as JSON.
    """

    lines: list[str]
    numbers: str


def of_songs_never_seen(settings: params.Params, names: Sequence[str] | None, epochs: int) -> Experiments:
    """The experiments of these names, or those of `run` that are of protocol songs.

    Raises:
        ValueError: a name is unknown, or what is named, or all of `run`, is of another protocol.
    """
    experiments = {name: settings.experiment(name, epochs) for name in names or settings.run}
    others = sorted(name for name, experiment in experiments.items() if experiment.protocol != "songs")
    if others and (names or len(others) == len(experiments)):
        raise ValueError(f"splits: {', '.join(others)} not of protocol songs, whose folds are meant here")
    return {name: experiment for name, experiment in experiments.items() if name not in others}


def variants(settings: params.Params, epochs: int) -> Experiments:
    """The last experiment of `run`, and the variants of it that params.yaml names."""
    base = settings.run[-1]
    changes: dict[str, dict[str, Any]] = {base: {}, **settings.variants}
    return {name: settings.experiment(base, epochs, found=own) for name, own in changes.items()}


def measure(
    experiments: Experiments,
    corpus: Corpus,
    settings: params.Params,
    folds: Sequence[int],
    seeds: Sequence[int | None],
    out: Path,
) -> Iterator[OfSplits]:
    """Train what is not trained yet, and yield the ranking metrics of each fold and seed on val and test.

    Args:
        experiments: of protocol songs.
        corpus: what they are trained on.
        settings: params.yaml.
        folds: test folds, 0 to 4.
        seeds: None is each experiment's own.
        out: the trainings lie in fold<number>/ of this folder.

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
            change = {} if seed is None else {"seed": seed}
            seeded = {name: each.model_copy(update=change) for name, each in experiments.items()}
            yield _measured(seeded, corpus, listings, vectors, out / f"fold{fold}", settings.evaluate)


def _measured(
    experiments: Experiments,
    corpus: Corpus,
    listings: Listings,
    vectors: WordVectors,
    out: Path,
    settings: params.Evaluate,
) -> OfSplits:
    """The ranking metrics of one training of each experiment and of the baselines."""
    songs = corpus.songs
    scored, predictions = listings.scored(songs, "songs"), []
    for name, experiment in experiments.items():
        listing, graded = listings.of(experiment), None
        if experiment.pretrain_on is not None:
            graded = pretraining.prepare(*corpus.graded[experiment.pretrain_on], experiment, songs, listing)
        prepared = examples.prepare(experiment, songs, listing, vectors, graded)
        folder = _trained(name, experiment, prepared, out)
        predictions.append(evaluation.predict(name, Encoder.load(folder), songs, scored))
    measured: OfSplits = {"val": {}, "test": {}}
    comparisons = evaluation.comparisons(
        songs, listings, pd.concat(predictions), experiments, vectors, settings=settings
    )
    for of_target, comparison in comparisons:
        for split, predictors in measured.items():
            metrics = comparison.rankings(split, settings)
            for name, experiment in of_target.items():
                for label, key in evaluation.predictors(name, experiment, comparison).items():
                    reads = key[1] is not None
                    title = name if label == "model" else _baseline(label, experiment, reads=reads)
                    predictors.setdefault(title, metrics[key])
    # Experiments come first, whatever their target.
    return {split: {name: of[name] for name in [*experiments, *of]} for split, of in measured.items()}


def _baseline(label: str, experiment: Experiment, *, reads: bool) -> str:
    """What a baseline is called beside an experiment: with what it reads, and what it learned from."""
    read = f" ({results.reads(experiment)})" if reads else ""
    return results.BASELINES[label] + read + (" of listed pairs" * (experiment.target == "listed_only"))


def _trained(name: str, settings: Experiment, prepared: examples.TrainingData, out: Path) -> Path:
    """The folder of a training, which is done unless it has been."""
    folder = out / f"{name}-{prepared.fingerprint[:16]}"
    if not (folder / "experiment.json").exists():
        loop.forget_models()
        message = train_experiment(
            name, settings, prepared, folder, folder / "checkpoints", title=f"{out.name} {name}"
        )
        print(message, flush=True)
    return folder


def report(
    trainings: Sequence[OfSplits], experiments: Sequence[str], subject: str | None, split: str, level: float
) -> Report:
    """The table of one split, and the leads of one experiment over all predictors.

    Args:
        trainings: from `measure`.
        experiments: their names.
        subject: the experiment whose leads are shown; None: the best on val by listed AUC.
        split: val or test.
        level: of the intervals.
    """
    on_val = {
        name: sum(training["val"][name]["listed_auc"][0] for training in trainings) / len(trainings)
        for name in experiments
    }
    subject = subject or max(on_val, key=on_val.__getitem__)
    averages = fold_averages.averaged([training[split] for training in trainings], subject, level)
    values = ", ".join(f"{name} {value:.3f}" for name, value in on_val.items())
    lines = [
        f"Mean listed AUC on val: {values}. Leads are those of {subject}; ~ none is shown, ! it trails.",
        "",
        *fold_averages.markdown(averages, subject),
    ]
    numbers = {name: average._asdict() for name, average in averages.items()} | {"val": on_val}
    return Report(lines, json.dumps(numbers, indent=2, default=Estimate.model_dump) + "\n")
