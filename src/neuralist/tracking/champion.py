"""Decide whether a newly packed model becomes champion.

Input: the tags of the registered champion; tables songs and pairs, two served folders (see
`neuralist.serving.package`). Output: a verdict. Unless the tags alone settle it, both models are evaluated on
the same pairs under the same draws, and compared by their paired difference.

The champion may be of earlier data of the corpus. A song's fold follows from its group, so most songs of val
were no training songs before. It is not assumed: a new song that is an earlier version of an old one gives
their group another fold, ids may be given anew, and the source may give the split. So a song counts as
trained on, with its whole group, where its id or its text is among those that either folder keeps.
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
from neuralist.data.splits import MIN_PAIRS
from neuralist.evaluation import evaluation, results, selection
from neuralist.evaluation.comparison import Comparison
from neuralist.model.encoder import Encoder
from neuralist.serving import package
from neuralist.text import equal_texts


class Verdict(NamedTuple):
    """The alias for the new version, and the reason for it."""

    alias: str
    reason: str


class Rivals(NamedTuple):
    """The served folders of the two models to compare."""

    challenger: Path
    champion: Path


class RivalScores(NamedTuple):
    """A metric of two models, on the val pairs whose songs neither trained on."""

    metric: str
    challenger: Estimate
    champion: Estimate
    difference: Estimate  # challenger - champion, paired
    n_pairs: int
    n_songs: int

    def __str__(self) -> str:
        """Describe the scores in a sentence fragment, for the verdict's reason."""
        challenger, champion, difference = (
            results.interval(figure, self.metric)
            for figure in (self.challenger, self.champion, self.difference)
        )
        return (
            f"{self.metric} {challenger} against {champion}, difference {difference}, "
            f"on {self.n_pairs:,} val pairs of {self.n_songs:,} songs that neither trained on"
        )


class TooFew(NamedTuple):
    """The number of listed val pairs whose songs neither model trained on, below MIN_PAIRS."""

    n_listed: int

    def __str__(self) -> str:
        """Say so, for the verdict's reason."""
        listed = f"{self.n_listed} listed val pair{' is' if self.n_listed == 1 else 's are'}"
        return f"only {listed} of songs that neither trained on, and it takes {MIN_PAIRS}"


def verdict_from_tags(
    champion: Mapping[str, str] | None,
    description: str,
    fingerprint: str,
    digest: str,
    *,
    replace: bool,
) -> Verdict | None:
    """Return the verdict that the tags alone settle; None where the models must be compared.

    Args:
        champion: tags of the champion's version, or None without a champion.
        description: the champion's version and experiment, for the reason.
        fingerprint: of the packed model's training.
        digest: of the packed model's content.
        replace: make the packed model champion without comparing.
    """
    if champion is None:
        return Verdict("champion", "there was no champion")
    if champion.get("served") == digest:  # a registration that was killed between the two models
        return Verdict("champion", champion.get("verdict", ""))
    if replace:
        return Verdict("champion", f"it replaces {description}, unmeasured")
    if champion.get("fingerprint") == fingerprint:
        return Verdict("champion", f"the training of {description}, with newer figures or songs")
    if "served" not in champion:
        return Verdict("challenger", f"{description} is no model of Neuralist's, so they were not compared")
    return None


def verdict_from_scores(scores: RivalScores | TooFew, description: str) -> Verdict:
    """Return champion where a lead is shown: the interval of the paired difference excludes 0."""
    if isinstance(scores, TooFew):
        return Verdict("challenger", f"not compared with {description}: {scores}")
    ahead = selection.shown_lead(scores.difference, scores.metric) == 1
    alias, article = ("champion", "a") if ahead else ("challenger", "no")
    return Verdict(alias, f"{article} lead is shown over {description}: {scores}")


def compare(
    songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str, settings: params.Evaluate
) -> RivalScores | TooFew:
    """Evaluate two served folders by one metric, on val pairs of songs that neither trained on.

    The pairs are those of the challenger's target; a ranking metric takes all observable pairs.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS; test pairs are not read.
        rivals: the served folders.
        metric: one of metric_table.CHOOSING; each model's thresholds are the best on these pairs.
        settings: draws, seed and level of the intervals; both models get the same draws.

    Raises:
        ValueError: a folder lacks a file, or a pair names a song that is not in `songs`.
    """
    listing = _new_to_both(_val_pairs(songs, pairs, rivals, metric), songs, rivals)
    n_listed = int(listing["listed"].to_numpy(bool).sum())
    if n_listed < MIN_PAIRS:
        return TooFew(n_listed)
    comparison = _comparison(songs, listing, rivals, ranked=metric in OF_RANKING)
    drawn = comparison.values(settings)["val"]
    challenger, champion = (drawn["model", name][metric] for name in Rivals._fields)
    figures = (challenger, champion, challenger - champion)
    return RivalScores(
        metric,
        *(metrics.summary(figure, metric, settings.level) for figure in figures),
        n_pairs=len(listing),
        n_songs=len(np.union1d(*comparison.pairs)),
    )


def _val_pairs(songs: pd.DataFrame, pairs: pd.DataFrame, rivals: Rivals, metric: str) -> pd.DataFrame:
    settings = records.load_experiment(rivals.challenger).params
    if (settings.protocol, settings.target) == ("songs", "observable") or metric in OF_RANKING:
        return pair_sets.observable(songs, pairs, "val")
    return pairs.loc[pairs["split"] == "val"].assign(listed=True)


def _new_to_both(listing: pd.DataFrame, songs: pd.DataFrame, rivals: Rivals) -> pd.DataFrame:
    """Return the pairs of which no song, nor another one of its group, was trained on by either."""
    trained_on = [package.load_training_songs(folder) for folder in rivals]
    ids = set[str]().union(*(songs_of_rival.ids for songs_of_rival in trained_on))
    texts = set[str]().union(*(songs_of_rival.texts for songs_of_rival in trained_on))
    is_listed = songs["song_id"].isin([*listing["left_id"], *listing["right_id"]])
    related = songs.loc[songs["group_id"].isin(songs.loc[is_listed, "group_id"])]
    has_seen_text = related["lyrics"].map(lambda text: equal_texts.digest(text) in texts)
    is_seen = related["song_id"].isin(ids) | has_seen_text.astype(bool)
    seen = related.loc[related["group_id"].isin(related.loc[is_seen, "group_id"]), "song_id"]
    in_seen = listing["left_id"].isin(seen) | listing["right_id"].isin(seen)
    return listing.loc[~in_seen].reset_index(drop=True)


def _comparison(songs: pd.DataFrame, listing: pd.DataFrame, rivals: Rivals, *, ranked: bool) -> Comparison:
    predicted = {
        name: np.asarray(evaluation.predict(name, Encoder.load(folder), songs, listing)["predicted"])
        for name, folder in rivals._asdict().items()
    }
    rows = {"val": np.arange(len(listing))}
    return Comparison.of_models(songs, listing, predicted, rows, rows if ranked else {})
