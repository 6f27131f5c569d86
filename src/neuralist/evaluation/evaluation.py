"""Predict with each experiment, and compute its metrics and its baselines' with intervals.

Input: songs, listings, encoders, word vectors.
Output: predictions (tables.PREDICTIONS); experiment to its `ExperimentMetrics`. Ranking metrics exist under
protocol songs alone, and only where songs have lists.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import metric_table, params
from neuralist.config.records import BaselineEstimate, ExperimentMetrics, SplitMetrics, Thresholds
from neuralist.data import tables
from neuralist.data.pair_sets import Listings, Pairs, positions
from neuralist.data.songs import things
from neuralist.data.splits import songs_of
from neuralist.evaluation import baselines
from neuralist.evaluation.baselines import TrainingPairs, metadata
from neuralist.evaluation.comparison import Comparison, Key, ResampledMetrics, queries
from neuralist.evaluation.groups import grouped
from neuralist.metrics import Answers
from neuralist.model.encoder import Encoder, PairSimilarity
from neuralist.text.equal_texts import first_equal, folded
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.word_vectors import WordVectors

SPLITS = ("val", "test")
ALONE = "encoder_alone"  # column of predictions, and the baseline made from it
PAIR = ["left_id", "right_id", "split"]  # the join keys of predictions and scored pairs
NOTES = {
    "paper": "Rows are split at random, so test repeats training pairs and {things}: these figures leak.",
    "songs": "No {thing}, and no {copy} of it, is in two of train, val and test.",
    "given": "The split is the raw data's own: test may hold pairs and {things} of train.",
}
WORDS = {
    "songs": {"thing": "song", "things": "songs", "copy": "cover"},
    "texts": {"thing": "text", "things": "texts", "copy": "copy"},
}
# Pairs whose similarity is computed together: 40 MB an array at 100 dimensions an embedding.
PAIRS_AT_ONCE = 50_000


def predict(name: str, encoder: Encoder, songs: pd.DataFrame, scored: pd.DataFrame) -> pd.DataFrame:
    """Predict the similarity of pairs, in their order.

    Args:
        name: of the experiment.
        encoder: the experiment's.
        songs: tables.SONGS.
        scored: the pairs, as `Listings.scored` returns them.

    Returns:
        tables.PREDICTIONS, and where TF-IDF takes part a column ALONE, the encoder's own similarity.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    pairs = positions(songs, scored)
    used = np.union1d(*pairs)
    texts = [encoder.clean(text) for text in songs["lyrics"].iloc[used]]
    embeddings = encoder.read(texts, cleaned=True).embeddings if texts else np.zeros((0, 1))
    left, right = (np.searchsorted(used, side) for side in pairs)
    batches = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(scored), PAIRS_AT_ONCE)]

    def compared(similarity: PairSimilarity) -> np.ndarray:
        return np.concatenate([np.zeros(0), *(similarity(left[batch], right[batch]) for batch in batches)])

    predicted = compared(encoder.pair_similarity(texts, embeddings))
    predictions = scored.assign(experiment=name, predicted=predicted).filter(tables.PREDICTIONS.names)
    if encoder.fusion is None:
        return predictions
    alone = compared(lambda left, right: encoder.similarity(embeddings[left], embeddings[right]))
    return predictions.assign(**{ALONE: alone})


def target(songs: pd.DataFrame, experiment: params.Experiment) -> Literal["observable", "listed_only"]:
    """Resolve an experiment's target: listed_only where no pair is known to be unlisted, else its setting."""
    return experiment.target if _ranks(songs, experiment) else "listed_only"


def _ranks(songs: pd.DataFrame, experiment: params.Experiment) -> bool:
    return experiment.protocol == "songs" and bool(np.any(songs["has_list"]))


def resolved(
    songs: pd.DataFrame, experiments: Mapping[str, params.Experiment]
) -> dict[str, params.Experiment]:
    """Return the experiments with their target as it is: without lists in the data, listed_only."""
    return {
        name: experiment.model_copy(update={"target": target(songs, experiment)})
        for name, experiment in experiments.items()
    }


def targeted(
    predictions: pd.DataFrame, songs: pd.DataFrame, experiments: Mapping[str, params.Experiment]
) -> pd.DataFrame:
    """Keep the predictions of pairs in each experiment's target: listed_only has no unlisted pair."""
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
    """Compute the metrics of all experiments and their baselines, with intervals.

    Args:
        songs: tables.SONGS.
        listings: the pairs that experiments are trained and scored on.
        predictions: of all experiments by `predict`, each for the pairs of `Listings.scored`, in any order.
        experiments: name to settings.
        vectors: word vectors; None leaves out the baselines that average them.
        settings: draws and level of the intervals, and the sentence encoder to compare with.

    Raises:
        ValueError: a pair names a song that is not in `songs`, predictions are not those of the scored pairs,
            or the sentence encoder cannot be loaded.
    """
    words = WORDS[things(songs)]
    evaluated: dict[str, ExperimentMetrics] = {}
    for group, comparison in comparisons(
        songs, listings, predictions, experiments, vectors, settings=settings
    ):
        values = comparison.values(settings)
        for name, experiment in resolved(songs, group).items():
            note = NOTES[experiment.protocol].format(**words)
            evaluated[name] = _metrics(name, experiment, comparison, values, level=settings.level, note=note)
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
    """Yield the experiments of each protocol and target, and their comparison; arguments as in `evaluate`."""
    groups = grouped(experiments, lambda experiment: (experiment.protocol, target(songs, experiment)))
    texts = first_equal(map(folded, songs["lyrics"].tolist()))
    for group in groups.values():
        first = next(iter(group.values()))
        training, scored = _training_pairs(songs, listings, first), listings.scored(songs, first.protocol)
        answers: dict[Key, Answers] = {}
        for name in group:
            of_experiment = predictions.loc[predictions["experiment"] == name]
            answers["model", name] = Answers.of(_joined(of_experiment, name, scored, "predicted"))
            if ALONE in of_experiment and of_experiment[ALONE].notna().all():
                answers[ALONE, name] = Answers.of(_joined(of_experiment, name, scored, ALONE))
        pairs = positions(songs, scored)
        answers |= _baselines(songs, training, pairs, group, vectors, settings.sentence_encoder)
        yield group, _comparison(songs, texts, training, scored, first, answers)


def _training_pairs(songs: pd.DataFrame, listings: Listings, experiment: params.Experiment) -> TrainingPairs:
    """The training pairs of the baselines: the same as the experiment's."""
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


def _joined(predictions: pd.DataFrame, experiment: str, scored: pd.DataFrame, column: str) -> np.ndarray:
    """Join a column of an experiment's predictions to the scored pairs by ids; float64, in their order.

    Under protocol paper a row may be repeated; its predictions are equal, as its texts are.

    Raises:
        ValueError: a scored pair has no prediction or several, or a predicted one is not scored.
    """
    predicted = predictions[[*PAIR, column]].drop_duplicates()
    merged = scored[PAIR].drop_duplicates().merge(predicted, "outer", on=PAIR, indicator="side")
    unmatched = merged.loc[(merged["side"] != "both") | merged.duplicated(PAIR)]
    if len(unmatched):
        fault = {
            "left_only": "has no prediction",
            "right_only": "is not scored",
            "both": "has two predictions",
        }
        left, right, split, side = unmatched[[*PAIR, "side"]].iloc[0]
        raise ValueError(
            f"predictions of {experiment}: pair {left}, {right} of split {split} {fault[side]} "
            f"({len(unmatched):,} such pairs); run `dvc repro evaluate`"
        )
    return scored[PAIR].merge(predicted, "left", on=PAIR)[column].to_numpy(np.float64)


def _baselines(
    songs: pd.DataFrame,
    training: TrainingPairs,
    pairs: Pairs,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors | None,
    sentence_encoder: str | None,
) -> dict[Key, Answers]:
    """Predictions of all baselines; those that read lyrics once for each windowing of an experiment."""
    windowings = dict.fromkeys(map(_windowing, experiments.values()))
    if not len(training.similarity):
        return {
            (name, windowing): answer
            for windowing in windowings
            for name, answer in baselines.untrained(
                songs, _segmented(windowing, vectors), pairs, vectors
            ).items()
        }
    of_metadata = metadata.scores(songs, training, pairs)
    answers = baselines.without_lyrics(of_metadata, training, pairs)
    predictions: dict[Key, Answers] = {(name, None): answer for name, answer in answers.items()}
    for windowing in windowings:
        answers = baselines.from_lyrics(
            songs,
            _segmented(windowing, vectors),
            training,
            pairs,
            vectors,
            of_metadata=of_metadata,
            sentence_encoder=sentence_encoder,
        )
        predictions |= {(name, windowing): answer for name, answer in answers.items()}
    return predictions


def _windowing(experiment: params.Experiment) -> TokenWindowing:
    """How much of a text an experiment reads; baselines do not depend on the size of windows."""
    return TokenWindowing.of(experiment)._replace(window=None)


def _segmented(windowing: TokenWindowing, vectors: WordVectors | None) -> TokenWindowing:
    """Return the windowing with the segmenter of the word vectors, where words are read."""
    if vectors is None or windowing.tokens == "char":
        return windowing
    return windowing._replace(segmenter=vectors.coverage.segmenter)


def _comparison(
    songs: pd.DataFrame,
    texts: np.ndarray,
    training: TrainingPairs,
    scored: pd.DataFrame,
    experiment: params.Experiment,
    answers: dict[Key, Answers],
) -> Comparison:
    """Build the comparison: the scored pairs, which of them are in the target, and the ranking queries."""
    split, listed = np.asarray(scored["split"]), np.asarray(scored["listed"], dtype=bool)
    targeted_rows = listed | (target(songs, experiment) == "observable")
    artists = songs["artist"].str.strip().str.casefold()
    new_artist = (artists.notna() & ~artists.isin(artists.iloc[training.songs])).to_numpy(bool)
    ranked = {}
    for name in SPLITS if _ranks(songs, experiment) else ():
        split_rows = np.flatnonzero(split == name)
        ranked[name] = split_rows, queries(songs, scored.iloc[split_rows], new_artist)
    return Comparison(
        train=training.pairs,
        pairs=positions(songs, scored),
        truth=Answers.of(np.asarray(scored["similarity"])),
        rows={name: np.flatnonzero((split == name) & targeted_rows) for name in SPLITS},
        ranked=ranked,
        answers=answers,
        texts=texts,
    )


def predictors(name: str, experiment: params.Experiment, comparison: Comparison) -> dict[str, Key]:
    """Name to key of an experiment's predictors: itself as "model", and its baselines."""
    windowing = _windowing(experiment)
    keys: dict[str, Key] = {"model": ("model", name), ALONE: (ALONE, name)}
    keys |= {
        key: (key, windowing if of.from_lyrics else None)
        for key, of in baselines.BASELINES.items()
        if key != ALONE
    }
    return {predictor: key for predictor, key in keys.items() if key in comparison.answers}


def _metrics(
    name: str,
    experiment: params.Experiment,
    comparison: Comparison,
    values: Mapping[str, Mapping[Key, ResampledMetrics]],
    *,
    level: float,
    note: str,
) -> ExperimentMetrics:
    """Metrics of one experiment and of its baselines; undefined in a split without pairs."""
    keys = predictors(name, experiment, comparison)
    names = metric_table.of_protocol(experiment.protocol, ranked=bool(comparison.ranked))
    splits = {}
    for split in SPLITS:
        of_split = {predictor: values[split][key] for predictor, key in keys.items() if split in values}
        model = of_split.pop("model", {})
        splits[split] = SplitMetrics(
            **comparison.counts(split),
            metrics={
                name: metrics.summary(model[name], name, level) if model else metrics.undefined("no pairs")
                for name in names
            },
            baselines={
                baseline: {
                    name: BaselineEstimate(
                        **metrics.summary(rival[name], name, level).model_dump(),
                        difference=metrics.summary(model[name] - rival[name], name, level),
                    )
                    for name in names
                }
                for baseline, rival in of_split.items()
            },
        )
    return ExperimentMetrics(
        protocol=experiment.protocol,
        target=experiment.target,
        tokens=experiment.tokens,
        max_tokens=experiment.max_tokens,
        long_text=experiment.long_text,
        note=note,
        from_lyrics={name: of.from_lyrics for name, of in baselines.BASELINES.items() if name in keys},
        thresholds={predictor: Thresholds(**comparison.thresholds[key]) for predictor, key in keys.items()},
        thresholds_chosen_on=comparison.thresholds_from,
        splits=splits,
    )
