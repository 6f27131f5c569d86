"""Two served models on the same pairs and the same draws: does the challenger beat the champion?

Input: tables songs and pairs, two served folders (see `packaging`). Output: a figure of each, and of their
paired difference.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist import evaluation, metrics, params, results
from neuralist.onnx_encoder import Encoder


class Rivals(NamedTuple):
    """Their served folders."""

    challenger: Path
    champion: Path


class Measured(NamedTuple):
    """Two models on the val pairs whose songs neither trained on; a figure is {value, low, high}."""

    metric: str
    challenger: dict[str, Any]
    champion: dict[str, Any]
    difference: dict[str, Any]  # challenger - champion, paired; None where undefined
    n_pairs: int
    n_songs: int

    def told(self) -> str:
        """All of it in words."""
        if not self.n_pairs:
            return "no val pair is of songs that neither trained on"
        challenger, champion, difference = (
            results.interval(figure, self.metric)
            for figure in (self.challenger, self.champion, self.difference)
        )
        return (
            f"{self.metric} {challenger} against {champion}, difference {difference}, "
            f"on {self.n_pairs:,} val pairs of {self.n_songs:,} songs that neither trained on"
        )


def measured(
    songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str, settings: params.Evaluate
) -> Measured:
    """Compare two served folders by one metric, on val pairs of songs that neither trained on.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS; test pairs are not read.
        rivals: the folders.
        metric: one of metrics.NAMES; each rival has its best thresholds on these pairs.
        settings: draws, seed and level of the intervals; the draws are the same for both.

    Raises:
        ValueError: a folder lacks a file, or a pair names a song that is not in `songs`.
    """
    listing = _new_to_both(pairs, rivals)
    if not len(listing):
        nothing = metrics.undefined("no pairs")
        return Measured(metric, nothing, nothing, nothing, 0, 0)
    truth = metrics.Answers.of(np.asarray(listing["similarity"]))
    answers = {}
    for name, folder in rivals._asdict().items():
        predictions = evaluation.predict(name, Encoder.load(folder), songs, listing)
        answers[name] = metrics.Answers.of(np.asarray(predictions["predicted"]))
    thresholds = {name: metrics.best_thresholds(truth, answer.similarity) for name, answer in answers.items()}
    left, right = evaluation.positions(songs, listing)
    weights = metrics.resamples(left, right, settings.draws, settings.seed)
    found = metrics.measure(truth, answers, thresholds, weights)
    challenger, champion = (found[name][:, metrics.NAMES.index(metric)] for name in Rivals._fields)
    figures = (challenger, champion, challenger - champion)
    return Measured(
        metric,
        *(metrics.summary(figure, metric, settings.level) for figure in figures),
        n_pairs=len(listing),
        n_songs=len(np.union1d(left, right)),
    )


def _new_to_both(pairs: pd.DataFrame, rivals: Rivals) -> pd.DataFrame:
    trained = set()
    for folder in rivals:
        trained.update((folder / "training_songs.txt").read_text(encoding="utf-8").splitlines())
    new = [
        split == "val" and left not in trained and right not in trained
        for split, left, right in zip(pairs["split"], pairs["left_id"], pairs["right_id"], strict=True)
    ]
    return pd.DataFrame(pairs[np.array(new, dtype=bool)]).reset_index(drop=True)
