"""Experiments trained for each of five folds (`make splits`), or variants with three seeds (`make variants`).

Command: python pipelines/splits.py RAW SONGS ROWS --corpus FILE --out DIR [--experiments NAME,...]
[--variants] [--folds 0,1,2,3,4] [--seeds 2017] [--split test]
Trainings stay in --out and are not repeated; results.md and results.json there hold the result. Not part of
`dvc repro`, for it trains many times over.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuralist import console, files
from neuralist.config import corpus, params
from neuralist.config.records import Estimate
from neuralist.data import parquet, splits, tables
from neuralist.data.pair_sets import Listings
from neuralist.evaluation import cross_validation, evaluation, results
from neuralist.evaluation.comparison import Drawn
from neuralist.ingest import pairs, pretraining_pairs
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors
from neuralist.training import examples, loop, pretraining
from neuralist.training.experiment import train_experiment

Experiments = Mapping[str, params.Experiment]


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("raw", "songs", "rows"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--experiments", type=_names, default=None, help="default: all of `run` on new songs")
    parser.add_argument("--variants", action="store_true", help="those of params.yaml, not experiments")
    parser.add_argument("--folds", type=_numbers, default=list(range(params.N_FOLDS)))
    parser.add_argument("--seeds", type=_numbers, default=None, help="default: that of each experiment")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="which part is reported")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def chosen(args: argparse.Namespace, settings: params.Params) -> dict[str, params.Experiment]:
    """The experiments that are trained; of variants the first is the experiment that they vary.

    Raises:
        ValueError: a name is unknown, or an experiment is not on songs never seen.
    """
    epochs = corpus.load(args.corpus).epochs
    if args.variants:
        base = settings.run[-1]
        every: dict[str, dict[str, Any]] = {base: {}, **settings.variants}
        return {name: settings.experiment(base, epochs, found=own) for name, own in every.items()}
    found = {name: settings.experiment(name, epochs) for name in args.experiments or settings.run}
    kept = {name: one for name, one in found.items() if one.protocol == "songs"}
    wrong = sorted(set(found) - set(kept)) if args.experiments or not kept else []
    if wrong:
        raise ValueError(f"splits: {', '.join(wrong)} not of protocol songs, whose folds are meant here")
    return kept


def main() -> None:
    """Train what is not trained yet, measure, and write the table."""
    args, settings = parse(), params.load()
    songs, rows = parquet.read(args.songs, tables.SONGS), parquet.read(args.rows, tables.ROWS)
    experiments = chosen(args, settings)
    if not np.any(songs["has_list"]):
        raise ValueError("splits: similar songs are ranked, but no song has a list; bring songs with lists")
    folders = sorted({one.pretrain_on for one in experiments.values() if one.pretrain_on is not None})
    graded = [pretraining_pairs.read(args.raw, name, settings.similarity_range) for name in folders]
    graded_texts = [text for found in graded for text in found.songs["lyrics"]]
    measured: dict[str, list[dict[str, Drawn]]] = {"val": [], "test": []}
    for fold in args.folds:
        choices = settings.pairs.model_copy(update={"test_fold": fold})
        listed = pairs.pairs(rows, songs, choices, given=False)
        listings = Listings(rows, listed, pairs.unlisted(listed, songs, choices))
        texts = splits.lyrics_of(songs, listed, by_fold=True)
        before = word_vectors.without(graded_texts, texts["val"] + texts["test"])
        words = word_vectors.fit(texts, before, settings.vectors, args.raw)
        for seed in args.seeds or [None]:
            seeded = experiments
            if seed is not None:
                seeded = {name: one.model_copy(update={"seed": seed}) for name, one in experiments.items()}
            out = args.out / f"fold{fold}"
            made = _measured(seeded, songs, listings, words, raw=args.raw, out=out, settings=settings)
            for split, drawn in made.items():
                measured[split].append(drawn)
    _report(args, settings, list(experiments), measured)


def _measured(
    experiments: Experiments,
    songs: pd.DataFrame,
    listings: Listings,
    words: WordVectors,
    *,
    raw: Path,
    out: Path,
    settings: params.Params,
) -> dict[str, dict[str, Drawn]]:
    """Train, then give the ranking metrics of experiments and baselines on val and on test."""
    scored, predictions = listings.scored(songs, "songs"), []
    for name, one in experiments.items():
        listing = listings.of(one)
        graded = _graded(raw, one, songs, listing, settings.similarity_range)
        folder = _trained(name, one, examples.prepare(one, songs, listing, words, graded), out)
        predictions.append(evaluation.predict(name, Encoder.load(folder), songs, scored))
    found: dict[str, dict[str, Drawn]] = {"val": {}, "test": {}}
    every = evaluation.comparisons(
        songs, listings, pd.concat(predictions), experiments, words, settings=settings.evaluate
    )
    for of_target, compared in every:
        for split in found:
            drawn = compared.rankings(split, settings.evaluate)
            for name, one in of_target.items():
                for label, key in evaluation.predictors(name, one, compared).items():
                    known = name if label == "model" else _baseline(label, one, reads=key[1] is not None)
                    found[split].setdefault(known, drawn[key])
    # Experiments come first, whatever their target.
    return {split: {name: of[name] for name in [*experiments, *of]} for split, of in found.items()}


def _graded(
    raw: Path,
    experiment: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    similarity_range: tuple[float, float],
) -> pretraining.Graded | None:
    """The pairs that an experiment is first trained on, as stage pretraining would give them."""
    if experiment.pretrain_on is None:
        return None
    found = pretraining_pairs.read(raw, experiment.pretrain_on, similarity_range)
    return pretraining.prepare(found.songs, found.pairs, experiment, songs, listing)


def _baseline(label: str, experiment: params.Experiment, *, reads: bool) -> str:
    """What a baseline is called beside an experiment: with what it reads, and what it learned from."""
    read = f" ({results.reads(experiment)})" if reads else ""
    return results.BASELINES[label] + read + (" of listed pairs" * (experiment.target == "listed_only"))


def _trained(name: str, settings: params.Experiment, prepared: examples.Prepared, out: Path) -> Path:
    """The folder of a training, which is done unless it has been."""
    folder = out / f"{name}-{prepared.fingerprint[:16]}"
    if not (folder / "experiment.json").exists():
        loop.forget_models()
        told = train_experiment(
            name, settings, prepared, folder, folder / "checkpoints", title=f"{out.name} {name}"
        )
        print(told, flush=True)
    return folder


def _report(
    args: argparse.Namespace,
    settings: params.Params,
    experiments: list[str],
    measured: Mapping[str, list[dict[str, Drawn]]],
) -> None:
    """Write and print one part's table, about the experiment best on val; of variants, about the first."""
    level = settings.evaluate.level
    on_val = {
        name: sum(one[name]["listed_auc"][0] for one in measured["val"]) / len(measured["val"])
        for name in experiments
    }
    subject = experiments[0] if args.variants else max(on_val, key=on_val.__getitem__)
    found = cross_validation.averaged(measured[args.split], subject, level)
    told = ", ".join(f"{name} {value:.3f}" for name, value in on_val.items())
    lines = [
        f"Means of {len(measured['val'])} trainings (folds {args.folds}, seeds {args.seeds or 'their own'}) "
        f"on {args.split}, {level:.0%} intervals from {settings.evaluate.draws:,} resamples of the songs.",
        f"Mean listed AUC on val: {told}. Leads are those of {subject}; ~ none is shown, ! it trails.",
        "",
        *cross_validation.markdown(found, subject),
    ]
    note = corpus.load(args.corpus).note
    files.write_text(args.out / "results.md", "\n".join([note, *lines] if note else lines) + "\n")
    numbers = {name: one._asdict() for name, one in found.items()} | {"val": on_val}
    text = json.dumps(numbers, indent=2, default=Estimate.model_dump) + "\n"
    files.write_text(args.out / "results.json", text)
    print("\n".join(lines))


if __name__ == "__main__":
    console.run(main)
