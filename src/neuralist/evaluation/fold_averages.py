"""Figures over several trainings, of the five folds or of several seeds: one split's luck is averaged out.

Input: of each training the ranking metrics of predictors, metric to float64 (1 + draws,), as
`comparison.Comparison.rankings` gives them. Output: their means with intervals, and a table.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuralist import metrics
from neuralist.config.metric_table import OF_RANKING
from neuralist.config.records import Estimate
from neuralist.evaluation import results, selection
from neuralist.evaluation.comparison import Drawn


class Averaged(NamedTuple):
    """One predictor over all trainings.

    Attributes:
        mean: metric to the mean of the trainings; all are resampled at once.
        each: metric to the value of every training.
        lead: metric to subject - predictor, paired; empty for the subject.
    """

    mean: dict[str, Estimate]
    each: dict[str, list[float]]
    lead: dict[str, Estimate]


def averaged(trainings: Sequence[Mapping[str, Drawn]], subject: str, level: float) -> dict[str, Averaged]:
    """Average predictors over trainings, and compare each with the subject.

    A draw resamples the songs of every training's part by itself; the mean of the parts' k-th draws is the
    k-th draw of the mean.

    Args:
        trainings: of each one predictor to its metrics; all have the same predictors.
        subject: the predictor that the others are compared with.
        level: of the intervals.
    """
    found = {}
    for predictor in trainings[0]:
        drawn = {name: np.stack([one[predictor][name] for one in trainings]) for name in OF_RANKING}
        of_subject = {name: np.stack([one[subject][name] for one in trainings]) for name in OF_RANKING}
        found[predictor] = Averaged(
            {name: metrics.summary(values.mean(axis=0), name, level) for name, values in drawn.items()},
            {name: [metrics.rounded(value) for value in values[:, 0]] for name, values in drawn.items()},
            {
                name: metrics.summary((of_subject[name] - values).mean(axis=0), name, level)
                for name, values in drawn.items()
                if predictor != subject
            },
        )
    return found


def markdown(found: Mapping[str, Averaged], subject: str) -> list[str]:
    """A table's lines: each predictor's means, listed AUC by training, and by how much the subject leads.

    Args:
        found: of `averaged`.
        subject: as there.
    """
    heads = ["listed AUC", "of each", f"{subject} leads by", "nDCG@10", f"{subject} leads by", "recall@10"]
    heads += ["new artists", "pooled"]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for predictor, one in found.items():
        mean = {name: results.interval(entry, name) for name, entry in one.mean.items()}
        lead = {
            name: results.interval(one.lead[name], name) + _mark(one.lead[name], name) if one.lead else ""
            for name in OF_RANKING
        }
        cells = [mean["listed_auc"], " ".join(f"{value:.3f}" for value in one.each["listed_auc"])]
        cells += [lead["listed_auc"], mean["ndcg_at_10"], lead["ndcg_at_10"], mean["recall_at_10"]]
        cells += [mean["listed_auc_new_artist"], mean["pooled_listed_auc"]]
        lines.append(f"| {predictor} | " + " | ".join(cells) + " |")
    return lines


def _mark(lead: Estimate, name: str) -> str:
    """~ where no lead is shown, ! where the subject trails."""
    return {1: "", 0: " ~", -1: " !", None: ""}[selection.shown_lead(lead, name)]
