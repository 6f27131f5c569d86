"""Experiments beside their baselines: predictions, and the metrics of all of them with intervals.

Input: songs, a protocol's rows or pairs, encoders, word vectors.
Output: predictions (tables.PREDICTIONS); metrics {experiment: {protocol, max_words, note, from_lyrics,
thresholds, thresholds_chosen_on, splits: {val | test: {n_pairs, n_songs, seen_in_train, metrics,
baselines}}}}.
A metric is {value, low, high}; a baseline's also holds difference = model - baseline (in mse, below 0 is in
the model's favour); what is undefined is None with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from neuralist import baselines, metrics, params
from neuralist.baselines import Pairs
from neuralist.metrics import Answers
from neuralist.onnx_encoder import Encoder, similarity
from neuralist.vectors import WordVectors

SPLITS = ("val", "test")
NOTES = {
    "paper": "Rows are split at random, so test repeats training pairs and songs: these figures leak.",
    "songs": "No song, and no cover of it, is in two of train, val and test.",
    "given": "The split is the raw data's own; see `seen_in_train` for what test shares with train.",
}
# A predictor: ("model", experiment), (baseline, max_words) where it reads lyrics, else (baseline, None).
Key = tuple[str, str | int | None]


def predict(name: str, encoder: Encoder, songs: pd.DataFrame, listing: pd.DataFrame) -> pd.DataFrame:
    """Predictions (tables.PREDICTIONS) for the val and test rows of `listing`, in its order.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    asked = _of_splits(listing, SPLITS)
    pairs = positions(songs, asked)
    needed = np.union1d(*pairs)
    embeddings = encoder.encode(songs["lyrics"].iloc[needed].tolist()) if len(needed) else np.zeros((0, 1))
    left, right = (embeddings[np.searchsorted(needed, side)] for side in pairs)
    predicted = similarity(left, right, encoder.similarity_kind)
    columns = {column: asked[column] for column in ("split", "left_id", "right_id", "similarity")}
    return pd.DataFrame({"experiment": name, **columns, "predicted": predicted})


def _of_splits(listing: pd.DataFrame, splits: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(listing[listing["split"].isin(splits)]).reset_index(drop=True)


def positions(songs: pd.DataFrame, listing: pd.DataFrame) -> Pairs:
    """Where the songs of each row stand in the songs table.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    index = pd.Index(songs["song_id"])
    pairs = Pairs(*(index.get_indexer(pd.Index(listing[side])) for side in ("left_id", "right_id")))
    for side, found in zip(("left_id", "right_id"), pairs, strict=True):
        if (found < 0).any():
            unknown = listing[side].iloc[int(np.argmin(found))]
            raise ValueError(f"{side} {unknown!r} is not in the songs table; run `dvc repro songs pairs`")
    return pairs


def evaluate(
    songs: pd.DataFrame,
    listings: Mapping[str, pd.DataFrame],
    predictions: pd.DataFrame,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors,
    *,
    settings: params.Evaluate,
) -> dict[str, Any]:
    """Metrics of all experiments and their baselines, with intervals.

    Args:
        songs: tables.SONGS.
        listings: protocol to its rows or pairs, with train, val and test in the column split.
        predictions: tables.PREDICTIONS of all experiments.
        experiments: name to settings.
        vectors: word vectors, for the baseline that averages them.
        settings: draws and level of the intervals.

    Raises:
        ValueError: a protocol has no training pair.
    """
    found: dict[str, Any] = {}
    for protocol in dict.fromkeys(experiment.protocol for experiment in experiments.values()):
        chosen = {name: one for name, one in experiments.items() if one.protocol == protocol}
        contest = _contest(songs, listings[protocol], predictions, chosen, vectors)
        values = contest.values(settings)
        for name, experiment in chosen.items():
            found[name] = _experiment(name, experiment, contest, values, settings.level)
    return {name: found[name] for name in experiments}


@dataclass(frozen=True)
class _Contest:
    """A protocol's val and test rows, with the answers of its experiments and of all baselines."""

    train: Pairs
    asked: Pairs
    truth: Answers
    rows: dict[str, np.ndarray]  # split to positions among the rows asked
    answers: dict[Key, Answers]

    @cached_property
    def thresholds(self) -> dict[Key, dict[str, float]]:
        """Each predictor's best thresholds on val."""
        val = self.rows["val"]
        truth = self.truth.at(val)
        return {
            key: metrics.best_thresholds(truth, answer.similarity[val])
            for key, answer in self.answers.items()
        }

    @property
    def thresholds_from(self) -> str:
        """Where the thresholds are from, in words."""
        similar = self.truth.similar[self.rows["val"]]
        return "val" if similar.any() and not similar.all() else "0.5, because val lacks a class"

    def values(self, settings: params.Evaluate) -> dict[str, dict[Key, np.ndarray]]:
        """Split to predictor to float64 (1 + draws, metrics); a split without rows is left out."""
        measured = {}
        for split, rows in self.rows.items():
            if len(rows):
                left, right = self.asked.left[rows], self.asked.right[rows]
                weights = metrics.resamples(left, right, settings.draws, settings.seed)
                answers = {key: answer.at(rows) for key, answer in self.answers.items()}
                measured[split] = metrics.measure(self.truth.at(rows), answers, self.thresholds, weights)
        return measured

    def counts(self, split: str) -> dict[str, Any]:
        """Rows and songs of a split; shares of the rows and of the songs that train holds too."""
        asked = Pairs(self.asked.left[self.rows[split]], self.asked.right[self.rows[split]])
        songs = np.union1d(*asked)
        counts: dict[str, Any] = {"n_pairs": len(asked.left), "n_songs": len(songs)}
        if len(songs):
            n_songs = 1 + max(int(side.max()) for side in (*self.train, *asked))
            pairs = np.isin(baselines.unordered(asked, n_songs), baselines.unordered(self.train, n_songs))
            shares = {"pairs": pairs.mean(), "songs": np.isin(songs, np.union1d(*self.train)).mean()}
            counts["seen_in_train"] = {name: metrics.rounded(share) for name, share in shares.items()}
        return counts


def _contest(
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    predictions: pd.DataFrame,
    experiments: Mapping[str, params.Experiment],
    vectors: WordVectors,
) -> _Contest:
    train_rows, asked_rows = _of_splits(listing, ["train"]), _of_splits(listing, SPLITS)
    train, asked = positions(songs, train_rows), positions(songs, asked_rows)
    known = np.asarray(train_rows["similarity"], dtype=np.float64)
    answers: dict[Key, Answers] = {}
    experiment_of, predicted = np.asarray(predictions["experiment"]), np.asarray(predictions["predicted"])
    for name in experiments:
        answers["model", name] = Answers.of(predicted[experiment_of == name])
    for name, answer in baselines.without_lyrics(songs, train, known, asked).items():
        answers[name, None] = answer
    for max_words in sorted({experiment.max_words for experiment in experiments.values()}):
        lyrics = baselines.cut(songs["lyrics"].tolist(), max_words)
        for name, answer in baselines.from_lyrics(lyrics, train, known, asked, vectors).items():
            answers[name, max_words] = answer
    split = np.asarray(asked_rows["split"])
    rows = {name: np.flatnonzero(split == name) for name in SPLITS}
    truth = Answers.of(np.asarray(asked_rows["similarity"]))
    return _Contest(train, asked, truth, rows, answers)


def _experiment(
    name: str,
    experiment: params.Experiment,
    contest: _Contest,
    values: Mapping[str, Mapping[Key, np.ndarray]],
    level: float,
) -> dict[str, Any]:
    """The entry of metrics.json of one experiment."""
    keys: dict[str, Key] = {"model": ("model", name)}
    for baseline, reads in baselines.FROM_LYRICS.items():
        key = (baseline, experiment.max_words if reads else None)
        if key in contest.answers:
            keys[baseline] = key
    names = metrics.NAMES if experiment.protocol == "paper" else metrics.NAMES[:-1]
    splits = {}
    for split in SPLITS:
        found = {predictor: values[split][key] for predictor, key in keys.items()} if split in values else {}
        splits[split] = contest.counts(split) | _compared(found, names, level)
    return {
        "protocol": experiment.protocol,
        "max_words": experiment.max_words,
        "note": NOTES[experiment.protocol],
        "from_lyrics": {
            baseline: baselines.FROM_LYRICS[baseline] for baseline in keys if baseline != "model"
        },
        "thresholds": {predictor: contest.thresholds[key] for predictor, key in keys.items()},
        "thresholds_chosen_on": contest.thresholds_from,
        "splits": splits,
    }


def _compared(values: Mapping[str, np.ndarray], names: Sequence[str], level: float) -> dict[str, Any]:
    """Metrics of the predictor "model", and those of all others with the model's difference from them."""
    if not values:
        return {"metrics": {name: metrics.undefined("no pairs") for name in names}, "baselines": {}}
    table: dict[str, dict[str, Any]] = {predictor: {} for predictor in values}
    for column, name in enumerate(names):
        model = values["model"][:, column]
        for predictor, drawn in values.items():
            table[predictor][name] = metrics.summary(drawn[:, column], name, level)
            if predictor != "model":
                difference = metrics.summary(model - drawn[:, column], name, level)
                table[predictor][name]["difference"] = difference
    return {"metrics": table.pop("model"), "baselines": table}
