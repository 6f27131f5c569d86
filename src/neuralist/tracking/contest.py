"""Two served models on the same pairs and the same draws: does the challenger beat the champion?

Input: tables songs and pairs, two served folders (see `packaging`). Output: a figure of each, and of their
paired difference.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params
from neuralist.data import pair_sets
from neuralist.evaluation import evaluation, ranking, results
from neuralist.evaluation.baselines import Pairs
from neuralist.evaluation.comparison import Comparison, Key, positions, queries
from neuralist.model.encoder import Encoder


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

    The pairs are those that the challenger's target is about, or for a metric of ranking all observable ones.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS; test pairs are not read.
        rivals: the folders.
        metric: one of packaging.CHOICES; each rival has its best thresholds on these pairs.
        settings: draws, seed and level of the intervals; the draws are the same for both.

    Raises:
        ValueError: a folder lacks a file, or a pair names a song that is not in `songs`.
    """
    listing = _new_to_both(_val(songs, pairs, rivals, metric), rivals)
    if not len(listing):
        nothing = metrics.undefined("no pairs")
        return Measured(metric, nothing, nothing, nothing, 0, 0)
    compared = _comparison(songs, listing, rivals, ranked=metric in ranking.NAMES)
    drawn = compared.values(settings)["val"]
    challenger, champion = (drawn["model", name][metric] for name in Rivals._fields)
    figures = (challenger, champion, challenger - champion)
    return Measured(
        metric,
        *(metrics.summary(figure, metric, settings.level) for figure in figures),
        n_pairs=len(listing),
        n_songs=len(np.union1d(*compared.asked)),
    )


def _val(songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str) -> pd.DataFrame:
    trained = json.loads((rivals.challenger / "experiment.json").read_text(encoding="utf-8"))["params"]
    observable = trained["protocol"] == "songs" and trained.get("target") == "observable"
    if observable or metric in ranking.NAMES:
        return pair_sets.observable(songs, pairs, "val")
    return pairs.loc[pairs["split"] == "val"].assign(listed=True)


def _new_to_both(listing: pd.DataFrame, rivals: Rivals) -> pd.DataFrame:
    trained: list[str] = []
    for folder in rivals:
        trained += (folder / "training_songs.txt").read_text(encoding="utf-8").splitlines()
    known = listing["left_id"].isin(trained) | listing["right_id"].isin(trained)
    return listing.loc[~known].reset_index(drop=True)


def _comparison(songs: pd.DataFrame, listing: pd.DataFrame, rivals: Rivals, *, ranked: bool) -> Comparison:
    answers: dict[Key, metrics.Answers] = {}
    for name, folder in rivals._asdict().items():
        predictions = evaluation.predict(name, Encoder.load(folder), songs, listing)
        answers["model", name] = metrics.Answers.of(np.asarray(predictions["predicted"]))
    asked, every = positions(songs, listing), np.arange(len(listing))
    nobody = np.zeros(len(songs), dtype=bool)
    return Comparison(
        train=Pairs(every[:0], every[:0]),
        asked=asked,
        truth=metrics.Answers.of(np.asarray(listing["similarity"])),
        rows={"val": every},
        ranked={"val": (every, queries(songs, listing, nobody))} if ranked else {},
        answers=answers,
    )
