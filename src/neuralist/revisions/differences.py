"""Paired differences between two revisions: their predictions for the same pairs, under the same resamples.

`here` is the working tree, `there` the commit it is compared with; a difference is here - there.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params
from neuralist.config.metric_table import HEADLINE
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.data import parquet, tables
from neuralist.evaluation import comparison
from neuralist.evaluation.baselines import Pairs
from neuralist.evaluation.evaluation import SPLITS
from neuralist.metrics import Answers
from neuralist.revisions.revision import Revision

# By what a row of predictions is the same on both sides; `truth` is its similarity without the last bits.
SAME = ["experiment", "split", "left_id", "right_id", "listed", "truth"]
_PREDICTED = ("predicted", "predicted_there")


@dataclass(frozen=True)
class Part:
    """One part of the pairs on which an experiment is scored."""

    experiment: str
    split: str


@dataclass(frozen=True)
class Paired:
    """Both sides' predictions for the same rows of one part.

    Attributes:
        shared: rows of both.
        only_here: rows without a counterpart.
        only_there: likewise.
        changed: of the rows of both, those whose prediction differs.
        largest: difference of a prediction.
        differences: metric of HEADLINE to here - there; empty where no prediction differs.
    """

    shared: int
    only_here: int
    only_there: int
    changed: int
    largest: float
    differences: dict[str, Estimate]


def joined(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """Rows of two tables.PREDICTIONS side by side, found by what they are about and never by their order.

    A row that repeats, as under protocol paper, is matched as often as both have it.

    Returns:
        Columns of `here`, those of `there` with the suffix _there, and side: both, left_only or right_only.
    """
    numbered = []
    for predictions in (here, there):
        rows = predictions.assign(truth=predictions["similarity"].round(9))
        numbered.append(rows.assign(repeat=rows.groupby(SAME).cumcount()))
    own, other = numbered
    return own.merge(other, "outer", on=[*SAME, "repeat"], suffixes=("", "_there"), indicator="side")


def paired(here: Revision, there: Revision, settings: params.Evaluate) -> dict[Part, Paired]:
    """Paired differences of every part of the experiments that both score by one protocol and target.

    Empty where the cache lacks the predictions or metrics of either side. Which songs have lists is as here.

    Raises:
        ValueError: the cache lacks the songs, or a table has other columns than tables.py says.
    """
    songs_file = next(iter(here.contents("artifacts/songs", ".parquet").values()), None)
    if here.predictions is None or there.predictions is None:
        return {}
    if songs_file is None:
        raise ValueError("artifacts/songs.parquet is not in DVC's cache; run `dvc pull` or `dvc repro`")
    songs, every = parquet.read(songs_file, tables.SONGS), joined(here.predictions, there.predictions)
    made: dict[Part, Paired] = {}
    for name, own in here.metrics.items():
        other = there.metrics.get(name)
        if other is None or (own.protocol, own.target) != (other.protocol, other.target):
            continue
        rows = every.loc[every["experiment"] == name]
        of_both = rows.loc[rows["side"] == "both"].reset_index(drop=True)
        differences = _differences(of_both, songs, own, settings)
        for split in SPLITS:
            side = rows.loc[rows["split"] == split, "side"].value_counts()
            gaps = (of_both["predicted"] - of_both["predicted_there"])[of_both["split"] == split].abs()
            made[Part(name, split)] = Paired(
                shared=int(side["both"]),
                only_here=int(side["left_only"]),
                only_there=int(side["right_only"]),
                changed=int((gaps > 0).sum()),
                largest=float(gaps.max()) if len(gaps) else 0.0,
                differences=differences.get(split, {}),
            )
    return made


def _differences(
    rows: pd.DataFrame, songs: pd.DataFrame, own: ExperimentMetrics, settings: params.Evaluate
) -> dict[str, dict[str, Estimate]]:
    """Split, where a prediction differs, to metric of HEADLINE to here - there.

    Args:
        rows: of one experiment and of both sides, as `joined` gives them.
        songs: tables.SONGS.
        own: metrics of the experiment here.
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


def _comparison(rows: pd.DataFrame, songs: pd.DataFrame, own: ExperimentMetrics) -> comparison.Comparison:
    """Both sides as two predictors, on the splits where a prediction differs; without training pairs."""
    split = np.asarray(rows["split"], dtype=str)
    changed = sorted(set(split[np.asarray(rows["predicted"] != rows["predicted_there"])]))
    about = np.asarray(rows["listed"], dtype=bool) | (own.target == "observable")
    ranked = {}
    for name in (name for name in changed if own.splits[name].ranking is not None):
        at = np.flatnonzero(split == name)
        # That an artist is new matters to a metric that is not in HEADLINE.
        ranked[name] = at, comparison.queries(songs, rows.iloc[at], np.zeros(len(songs), dtype=bool))
    nothing = np.zeros(0, dtype=np.int64)
    return comparison.Comparison(
        train=Pairs(nothing, nothing),
        asked=comparison.positions(songs, rows),
        truth=Answers.of(np.asarray(rows["similarity"])),
        rows={name: np.flatnonzero((split == name) & about & (name in changed)) for name in SPLITS},
        ranked=ranked,
        answers={("model", column): Answers.of(np.asarray(rows[column])) for column in _PREDICTED},
    )
