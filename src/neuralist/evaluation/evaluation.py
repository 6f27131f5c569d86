"""Experiments beside their baselines: predictions, and the metrics of all of them with intervals.

Input: songs, listings, encoders, word vectors.
Output: predictions (tables.PREDICTIONS); experiment to its `ExperimentMetrics`. Metrics of ranking are of the
protocol songs alone, where songs have lists.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import metric_table, params
from neuralist.config.records import (
    BaselineEstimate,
    Estimate,
    ExperimentMetrics,
    SplitMetrics,
    Thresholds,
)
from neuralist.data.pair_sets import Listings
from neuralist.data.splits import songs_of
from neuralist.evaluation import baselines
from neuralist.evaluation.baselines import Pairs, TrainingPairs
from neuralist.evaluation.comparison import Comparison, Drawn, Key, positions, queries
from neuralist.metrics import Answers
from neuralist.model.encoder import Encoder
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.word_vectors import WordVectors

SPLITS = ("val", "test")
PAIR = ["left_id", "right_id", "split"]  # what predictions and scored pairs are joined by
NOTES = {
    "paper": "Rows are split at random, so test repeats training pairs and songs: these figures leak.",
    "songs": "No song, and no cover of it, is in two of train, val and test.",
    "given": "The split is the raw data's own; see `seen_in_train` for what test shares with train.",
}
# Pairs whose similarity is computed at once: 40 MB an array at 100 numbers an embedding.
PAIRS_AT_ONCE = 50_000


def predict(name: str, encoder: Encoder, songs: pd.DataFrame, to_score: pd.DataFrame) -> pd.DataFrame:
    """Predictions (tables.PREDICTIONS) for pairs, in their order.

    Args:
        name: of the experiment.
        encoder: of it.
        songs: tables.SONGS.
        to_score: as `Listings.scored` gives them.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    pairs = positions(songs, to_score)
    needed = np.union1d(*pairs)
    embeddings = encoder.encode(songs["lyrics"].iloc[needed].tolist()) if len(needed) else np.zeros((0, 1))
    left, right = (np.searchsorted(needed, side) for side in pairs)
    blocks = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(to_score), PAIRS_AT_ONCE)]
    similarity = [encoder.similarity(embeddings[left[block]], embeddings[right[block]]) for block in blocks]
    columns = {
        column: to_score[column] for column in ("split", "left_id", "right_id", "similarity", "listed")
    }
    return pd.DataFrame(
        {"experiment": name, **columns, "predicted": np.concatenate([np.zeros(0), *similarity])}
    )


def target(songs: pd.DataFrame, experiment: params.Experiment) -> Literal["observable", "listed_only"]:
    """What an experiment's target comes to: listed_only where nothing is known to be unlisted."""
    return experiment.target if _ranks(songs, experiment) else "listed_only"


def _ranks(songs: pd.DataFrame, experiment: params.Experiment) -> bool:
    return experiment.protocol == "songs" and bool(np.any(songs["has_list"]))


def targeted(
    predictions: pd.DataFrame, songs: pd.DataFrame, experiments: Mapping[str, params.Experiment]
) -> pd.DataFrame:
    """The predictions of pairs that an experiment's target is about; listed_only is about no unlisted one."""
    narrow = [name for name, experiment in experiments.items() if target(songs, experiment) == "listed_only"]
    return predictions.loc[predictions["listed"] | ~predictions["experiment"].isin(narrow)]


def evaluate(
    songs: pd.DataFrame,
    listings: Listings,
    predictions: pd.DataFrame,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors | None,
    *,
    settings: params.Evaluate,
) -> dict[str, ExperimentMetrics]:
    """Metrics of all experiments and their baselines, with intervals.

    Args:
        songs: tables.SONGS.
        listings: what experiments learn from and are scored on.
        predictions: tables.PREDICTIONS of all experiments, each for the pairs of `Listings.scored`, in any
            order.
        experiments: name to settings.
        vectors: word vectors, for the baselines that average them; without any these are left out.
        settings: draws and level of the intervals, and the sentence encoder to compare with.

    Raises:
        ValueError: a pair names a song that is not in `songs`, predictions are not those of the scored pairs,
            or the sentence encoder cannot be loaded.
    """
    evaluated: dict[str, ExperimentMetrics] = {}
    for chosen, comparison in comparisons(
        songs, listings, predictions, experiments, vectors, settings=settings
    ):
        values = comparison.values(settings)
        for name, experiment in chosen.items():
            # What the target comes to is a matter of the songs.
            settled = experiment.model_copy(update={"target": target(songs, experiment)})
            evaluated[name] = _metrics(name, settled, comparison, values, settings.level)
    return {name: evaluated[name] for name in experiments}


def comparisons(
    songs: pd.DataFrame,
    listings: Listings,
    predictions: pd.DataFrame,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors | None,
    *,
    settings: params.Evaluate,
) -> Iterator[tuple[dict[str, params.Experiment], Comparison]]:
    """Yield the experiments of each protocol and target, and them beside their baselines; see `evaluate`."""
    contests: dict[tuple[str, str], dict[str, params.Experiment]] = {}
    for name, experiment in experiments.items():
        contests.setdefault((experiment.protocol, target(songs, experiment)), {})[name] = experiment
    for chosen in contests.values():
        first = next(iter(chosen.values()))
        training, scored = _training_pairs(songs, listings, first), listings.scored(songs, first.protocol)
        models: dict[Key, Answers] = {
            ("model", name): Answers.of(_joined(predictions, name, scored)) for name in chosen
        }
        answers = models | _baselines(
            songs,
            training,
            positions(songs, scored),
            chosen,
            vectors,
            sentence_encoder=settings.sentence_encoder,
        )
        yield chosen, _comparison(songs, training, scored, first, answers)


def _training_pairs(songs: pd.DataFrame, listings: Listings, experiment: params.Experiment) -> TrainingPairs:
    """What baselines may learn from: the pairs that the experiment does."""
    learned = listings.of(experiment)
    train = learned.loc[learned["split"] == "train"]
    by_fold = experiment.protocol == "songs"
    listed = listings.pairs if by_fold else train
    split_of_song = np.full(len(songs), "", dtype=object)
    for split, mask in songs_of(songs, listed, by_fold=by_fold).items():
        split_of_song[mask] = split
    return TrainingPairs(
        positions(songs, train),
        train["similarity"].to_numpy(np.float64),
        train["weight"].to_numpy(np.float64),
        positions(songs, listed),
        split_of_song,
    )


def _joined(predictions: pd.DataFrame, experiment: str, scored: pd.DataFrame) -> np.ndarray:
    """An experiment's predictions in the order of the scored pairs, joined by ids, float64 (n_scored,).

    Under protocol paper a row may be repeated; its predictions are equal, as its texts are.

    Raises:
        ValueError: a scored pair has no prediction or several, or a predicted one is not scored.
    """
    own = predictions.loc[predictions["experiment"] == experiment, [*PAIR, "predicted"]].drop_duplicates()
    joined = scored[PAIR].drop_duplicates().merge(own, "outer", on=PAIR, indicator="side")
    wrong = joined.loc[(joined["side"] != "both") | joined.duplicated(PAIR)]
    if len(wrong):
        fault = {
            "left_only": "has no prediction",
            "right_only": "is not scored",
            "both": "has two predictions",
        }
        left, right, split, side = wrong[[*PAIR, "side"]].iloc[0]
        raise ValueError(
            f"predictions of {experiment}: pair {left}, {right} of split {split} {fault[side]} "
            f"({len(wrong):,} such pairs); run `dvc repro evaluate`"
        )
    return scored[PAIR].merge(own, "left", on=PAIR)["predicted"].to_numpy(np.float64)


def _baselines(
    songs: pd.DataFrame,
    training: TrainingPairs,
    to_score: Pairs,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors | None,
    *,
    sentence_encoder: str | None,
) -> dict[Key, Answers]:
    """All baselines' answers; those that read lyrics once for each way that an experiment reads."""
    every_way = list(dict.fromkeys(map(_windowing, experiments.values())))
    if not len(training.similarity):
        return {
            (name, windowing): answer
            for windowing in every_way
            for name, answer in baselines.untrained(songs, windowing, to_score, vectors).items()
        }
    every_answer: dict[Key, Answers] = {
        (name, None): answer for name, answer in baselines.without_lyrics(songs, training, to_score).items()
    }
    for windowing in every_way:
        answers = baselines.from_lyrics(
            songs, windowing, training, to_score, vectors, sentence_encoder=sentence_encoder
        )
        every_answer |= {(name, windowing): answer for name, answer in answers.items()}
    return every_answer


def _windowing(experiment: params.Experiment) -> TokenWindowing:
    """What of a text an experiment reads; in what windows is no matter to a baseline."""
    return TokenWindowing.of(experiment)._replace(window=None)


def _comparison(
    songs: pd.DataFrame,
    training: TrainingPairs,
    scored: pd.DataFrame,
    experiment: params.Experiment,
    answers: dict[Key, Answers],
) -> Comparison:
    """The pairs scored, with those that the experiment's target is about, and queries where there are any."""
    split, listed = np.asarray(scored["split"]), np.asarray(scored["listed"], dtype=bool)
    about = listed | (target(songs, experiment) == "observable")
    artists = songs["artist"].str.strip().str.casefold()
    new = (artists.notna() & ~artists.isin(artists.iloc[training.songs])).to_numpy(bool)
    ranked = {}
    for name in SPLITS if _ranks(songs, experiment) else ():
        every = np.flatnonzero(split == name)
        ranked[name] = every, queries(songs, scored.iloc[every], new)
    return Comparison(
        train=training.pairs,
        to_score=positions(songs, scored),
        truth=Answers.of(np.asarray(scored["similarity"])),
        rows={name: np.flatnonzero((split == name) & about) for name in SPLITS},
        ranked=ranked,
        answers=answers,
    )


def predictors(name: str, experiment: params.Experiment, comparison: Comparison) -> dict[str, Key]:
    """The keys of an experiment, by the name "model", and of the baselines beside it."""
    windowing = _windowing(experiment)
    keys: dict[str, Key] = {"model": ("model", name)}
    for baseline, reads_lyrics in baselines.FROM_LYRICS.items():
        key = (baseline, windowing if reads_lyrics else None)
        if key in comparison.answers:
            keys[baseline] = key
    return keys


def _metrics(
    name: str,
    experiment: params.Experiment,
    comparison: Comparison,
    values: Mapping[str, Mapping[Key, Drawn]],
    level: float,
) -> ExperimentMetrics:
    """The metrics of one experiment and of the baselines beside it."""
    keys = predictors(name, experiment, comparison)
    names = metric_table.of_protocol(experiment.protocol, ranked=bool(comparison.ranked))
    splits = {}
    for split in SPLITS:
        drawn = {predictor: values[split][key] for predictor, key in keys.items()} if split in values else {}
        splits[split] = SplitMetrics(
            **comparison.counts(split),
            metrics=_of_model(drawn, names, level),
            baselines=_against_model(drawn, names, level),
        )
    return ExperimentMetrics(
        protocol=experiment.protocol,
        target=experiment.target,
        tokens=experiment.tokens,
        max_tokens=experiment.max_tokens,
        long_text=experiment.long_text,
        note=NOTES[experiment.protocol],
        from_lyrics={baseline: baselines.FROM_LYRICS[baseline] for baseline in keys if baseline != "model"},
        thresholds={predictor: Thresholds(**comparison.thresholds[key]) for predictor, key in keys.items()},
        thresholds_chosen_on=comparison.thresholds_from,
        splits=splits,
    )


def _of_model(values: Mapping[str, Drawn], names: Sequence[str], level: float) -> dict[str, Estimate]:
    """Metrics of the predictor "model"; undefined where there is no pair."""
    if not values:
        return {name: metrics.undefined("no pairs") for name in names}
    return {name: metrics.summary(values["model"][name], name, level) for name in names}


def _against_model(
    values: Mapping[str, Drawn], names: Sequence[str], level: float
) -> dict[str, dict[str, BaselineEstimate]]:
    """Metrics of all other predictors, with the model's difference from them."""
    return {
        predictor: {
            name: BaselineEstimate(
                **metrics.summary(drawn[name], name, level).model_dump(),
                difference=metrics.summary(values["model"][name] - drawn[name], name, level),
            )
            for name in names
        }
        for predictor, drawn in values.items()
        if predictor != "model"
    }
