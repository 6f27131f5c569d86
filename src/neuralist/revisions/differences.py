"""Paired differences of metrics between two revisions: from the same pairs, under the same resamples.

`here` is the working tree, `there` the commit it is compared with; a difference is here - there.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params
from neuralist.config.metric_table import HEADLINE
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.data import parquet, tables
from neuralist.evaluation.comparison import Comparison
from neuralist.evaluation.evaluation import SPLITS
from neuralist.revisions.revision import Revision

# Columns that identify a prediction in both revisions; `truth` is its similarity without the last bits.
KEYS = ["experiment", "split", "left_id", "right_id", "listed", "truth"]
_PREDICTED = ("predicted", "predicted_there")


class ScoredSplit(NamedTuple):
    """An experiment and a split on which it is scored."""

    experiment: str
    split: str


class PairedDifferences(NamedTuple):
    """How two revisions' predictions for the same rows differ.

    Attributes:
        shared: number of rows that both have.
        only_here: number of rows that only `here` has.
        only_there: number of rows that only `there` has.
        changed: number of shared rows whose prediction differs.
        largest: largest absolute difference of a prediction.
        differences: here - there by metric of HEADLINE; empty where no prediction differs.
    """

    shared: int
    only_here: int
    only_there: int
    changed: int
    largest: float
    differences: dict[str, Estimate]


def match_predictions(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """Join two tables.PREDICTIONS on what they predict, never by row order.

    A row that repeats, as under protocol paper, is matched as often as both tables have it.

    Returns:
        Columns of `here`, those of `there` with the suffix _there, and side: both, left_only or right_only.
    """
    numbered = []
    for predictions in (here, there):
        rows = predictions.assign(truth=predictions["similarity"].round(9))
        numbered.append(rows.assign(repeat=rows.groupby(KEYS).cumcount()))
    own, other = numbered
    return own.merge(other, "outer", on=[*KEYS, "repeat"], suffixes=("", "_there"), indicator="side")


def paired_differences(
    here: Revision, there: Revision, settings: params.Evaluate
) -> dict[ScoredSplit, PairedDifferences]:
    """Return the differences by split, for experiments that both score under one protocol and target.

    Empty where the cache lacks predictions or metrics of either revision. Which songs have lists is read from
    `here`.

    Raises:
        ValueError: the cache lacks the songs, or a table has other columns than its schema.
    """
    songs_file = next(iter(here.contents("artifacts/songs", ".parquet").values()), None)
    if here.predictions is None or there.predictions is None:
        return {}
    if songs_file is None:
        raise ValueError("artifacts/songs.parquet is not in DVC's cache; run `dvc pull` or `dvc repro`")
    songs = parquet.read(songs_file, tables.SONGS)
    matched = match_predictions(here.predictions, there.predictions)
    by_split: dict[ScoredSplit, PairedDifferences] = {}
    for name, own in here.metrics.items():
        other = there.metrics.get(name)
        if other is None or (own.protocol, own.target) != (other.protocol, other.target):
            continue
        rows = matched.loc[matched["experiment"] == name]
        of_both = rows.loc[rows["side"] == "both"].reset_index(drop=True)
        differences = _differences(of_both, songs, own, settings)
        for split in SPLITS:
            side = rows.loc[rows["split"] == split, "side"].value_counts()
            changes = (of_both["predicted"] - of_both["predicted_there"])[of_both["split"] == split].abs()
            by_split[ScoredSplit(name, split)] = PairedDifferences(
                shared=int(side["both"]),
                only_here=int(side["left_only"]),
                only_there=int(side["right_only"]),
                changed=int((changes > 0).sum()),
                largest=float(changes.max()) if len(changes) else 0.0,
                differences=differences.get(split, {}),
            )
    return by_split


def _differences(
    rows: pd.DataFrame, songs: pd.DataFrame, own: ExperimentMetrics, settings: params.Evaluate
) -> dict[str, dict[str, Estimate]]:
    """Return here - there by split and metric of HEADLINE, for splits in which a prediction differs.

    Args:
        rows: predictions of an experiment that both revisions have, as `match_predictions` returns them.
        songs: tables.SONGS.
        own: metrics of the experiment in `here`.
        settings: draws, seed and level of the intervals.
    """
    differences: dict[str, dict[str, Estimate]] = {}
    for split, values in _comparison(rows, songs, own).values(settings).items():
        here, there = (values["model", column] for column in _PREDICTED)
        differences[split] = {
            metric: metrics.summary(here[metric] - there[metric], metric, settings.level)
            for metric in HEADLINE
            if metric in here
        }
    return differences


def _comparison(rows: pd.DataFrame, songs: pd.DataFrame, own: ExperimentMetrics) -> Comparison:
    """Return both revisions as two predictors of the same pairs, on splits in which a prediction differs."""
    split = np.asarray(rows["split"], dtype=str)
    changed = sorted(set(split[np.asarray(rows["predicted"] != rows["predicted_there"])]))
    scored = np.asarray(rows["listed"], dtype=bool) | (own.target == "observable")
    # Which artists are new matters only to a metric that is not in HEADLINE.
    return Comparison.of_models(
        songs,
        rows,
        {column: np.asarray(rows[column]) for column in _PREDICTED},
        {name: np.flatnonzero((split == name) & scored & (name in changed)) for name in SPLITS},
        {name: np.flatnonzero(split == name) for name in changed if own.splits[name].ranking is not None},
    )
