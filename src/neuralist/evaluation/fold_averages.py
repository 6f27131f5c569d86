"""Average metrics over several trainings, of the five folds or of several seeds, to even out chance.

Input: for each training the ranking metrics of predictors, metric to float64 (1 + n_resamples,), as
`comparison.Comparison.rankings` returns them. Output: their means with intervals, and a table.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuralist import metrics
from neuralist.config.metric_table import OF_RANKING
from neuralist.config.records import Estimate
from neuralist.evaluation import results, selection
from neuralist.evaluation.comparison import ResampledMetrics


class Averaged(NamedTuple):
    """The metrics of one predictor over all trainings.

    Attributes:
        mean: metric to its mean over the trainings, which are resampled together.
        each: metric to its value in every training.
        lead: metric to the paired difference subject - predictor; empty for the subject.
    """

    mean: dict[str, Estimate]
    each: dict[str, list[float]]
    lead: dict[str, Estimate]


def averaged(
    trainings: Sequence[Mapping[str, ResampledMetrics]], subject: str, level: float
) -> dict[str, Averaged]:
    """Average predictors over trainings, and compare each with the subject.

    Each training's songs are resampled independently; the mean of their k-th resamples is the k-th of the
    mean.

    Args:
        trainings: for each, predictor to its metrics; all have the same predictors.
        subject: the predictor that the others are compared with.
        level: of the intervals.
    """
    averages = {}
    for predictor in trainings[0]:
        of_metric = _stacked(trainings, predictor)
        averages[predictor] = Averaged(
            {name: metrics.summary(values.mean(axis=0), name, level) for name, values in of_metric.items()},
            {name: [metrics.rounded(value) for value in values[:, 0]] for name, values in of_metric.items()},
            {} if predictor == subject else difference(trainings, subject, predictor, level),
        )
    return averages


def difference(
    trainings: Sequence[Mapping[str, ResampledMetrics]], predictor: str, other: str, level: float
) -> dict[str, Estimate]:
    """Average the paired difference predictor - other over trainings, by metric.

    Args:
        trainings: as for `averaged`.
        predictor: a predictor of all trainings.
        other: another.
        level: of the intervals.
    """
    own, others = _stacked(trainings, predictor), _stacked(trainings, other)
    return {
        name: metrics.summary((own[name] - others[name]).mean(axis=0), name, level) for name in OF_RANKING
    }


def _stacked(trainings: Sequence[Mapping[str, ResampledMetrics]], predictor: str) -> ResampledMetrics:
    """Metric to its values in every training, float64 (n_trainings, 1 + n_resamples)."""
    return {name: np.stack([training[predictor][name] for training in trainings]) for name in OF_RANKING}


def markdown(averages: Mapping[str, Averaged], subject: str) -> list[str]:
    """Lines of a Markdown table: each predictor's means, its listed AUC by training, and the subject's lead.

    Args:
        averages: as `averaged` returns them.
        subject: the predictor that the others were compared with.
    """
    heads = ["listed AUC", "of each", f"{subject} leads by", "nDCG@10", f"{subject} leads by", "recall@10"]
    heads += ["new artists", "pooled"]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for predictor, average in averages.items():
        mean = {name: results.interval(entry, name) for name, entry in average.mean.items()}
        lead = {
            name: f"{results.interval(entry, name)} {selection.lead_mark(entry, name)}".rstrip()
            for name, entry in average.lead.items()
        }
        cells = [mean["listed_auc"], " ".join(f"{value:.3f}" for value in average.each["listed_auc"])]
        cells += [lead.get("listed_auc", ""), mean["ndcg_at_10"], lead.get("ndcg_at_10", "")]
        cells += [mean[name] for name in ("recall_at_10", "listed_auc_new_artist", "pooled_listed_auc")]
        lines.append(f"| {predictor} | " + " | ".join(cells) + " |")
    return lines
