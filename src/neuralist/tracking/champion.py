"""Whether a newly packed model becomes champion.

Input: what the registry holds of the champion; tables songs and pairs, two served folders (see
`neuralist.serving.package`). Output: a verdict, which is measured where there is something to measure: both
models on the same pairs under the same draws, and their paired difference.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params, records
from neuralist.config.metric_table import OF_RANKING
from neuralist.config.records import Estimate
from neuralist.data import pair_sets
from neuralist.evaluation import evaluation, results, selection
from neuralist.evaluation.baselines import Pairs
from neuralist.evaluation.comparison import Comparison, Key, positions, queries
from neuralist.model.encoder import Encoder


class Verdict(NamedTuple):
    """The alias that a version gets, and why."""

    alias: str
    reason: str


class Rivals(NamedTuple):
    """Their served folders."""

    challenger: Path
    champion: Path


class Measured(NamedTuple):
    """Two models on the val pairs whose songs neither trained on."""

    metric: str
    challenger: Estimate
    champion: Estimate
    difference: Estimate  # challenger - champion, paired
    n_pairs: int
    n_songs: int

    def __str__(self) -> str:
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


def unmeasured(
    champion: Mapping[str, str] | None,
    described: str,
    fingerprint: str,
    digest: str,
    *,
    replace: bool,
) -> Verdict | None:
    """The verdict where there is nothing to measure; None where there is.

    Args:
        champion: tags of the champion's version, if there is one.
        described: which version and experiment it is.
        fingerprint: of the packed model's training.
        digest: of the packed model's content.
        replace: whether it is to be champion whatever it is worth.
    """
    if champion is None:
        return Verdict("champion", "there was no champion")
    if champion.get("served") == digest:  # a registration that was killed between the two models
        return Verdict("champion", champion.get("verdict", ""))
    if replace:
        return Verdict("champion", f"it replaces {described}, unmeasured")
    if champion.get("fingerprint") == fingerprint:
        return Verdict("champion", f"the training of {described}, with newer figures or songs")
    return None


def verdict(found: Measured, described: str) -> Verdict:
    """Champion where a lead over the champion is shown: the interval of the paired difference excludes 0."""
    ahead = selection.shown_lead(found.difference, found.metric) == 1
    alias, article = ("champion", "a") if ahead else ("challenger", "no")
    return Verdict(alias, f"{article} lead is shown over {described}: {found}")


def measured(
    songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str, settings: params.Evaluate
) -> Measured:
    """Compare two served folders by one metric, on val pairs of songs that neither trained on.

    The pairs are those that the challenger's target is about, or for a metric of ranking all observable ones.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS; test pairs are not read.
        rivals: the folders.
        metric: one of metric_table.CHOOSING; each rival has its best thresholds on these pairs.
        settings: draws, seed and level of the intervals; the draws are the same for both.

    Raises:
        ValueError: a folder lacks a file, or a pair names a song that is not in `songs`.
    """
    listing = _new_to_both(_val(songs, pairs, rivals, metric), rivals)
    if not len(listing):
        nothing = metrics.undefined("no pairs")
        return Measured(metric, nothing, nothing, nothing, 0, 0)
    compared = _comparison(songs, listing, rivals, ranked=metric in OF_RANKING)
    drawn = compared.values(settings)["val"]
    challenger, champion = (drawn["model", name][metric] for name in Rivals._fields)
    figures = (challenger, champion, challenger - champion)
    return Measured(
        metric,
        *(metrics.summary(figure, metric, settings.level) for figure in figures),
        n_pairs=len(listing),
        n_songs=len(np.union1d(*compared.to_score)),
    )


def _val(songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str) -> pd.DataFrame:
    settings = records.load_experiment(rivals.challenger).params
    if (settings.protocol, settings.target) == ("songs", "observable") or metric in OF_RANKING:
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
        to_score=asked,
        truth=metrics.Answers.of(np.asarray(listing["similarity"])),
        rows={"val": every},
        ranked={"val": (every, queries(songs, listing, nobody))} if ranked else {},
        answers=answers,
    )
