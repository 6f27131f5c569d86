"""Decide which of two predictors is better, and which experiment is the best, by the metrics on val.

Input: metrics of `evaluation.evaluate`, or estimates of them. Output: a verdict.
"""

from collections.abc import Mapping

from neuralist.config.metric_table import AUTO, BY_NAME
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.evaluation.baselines import BASELINES

PROTOCOLS = ("songs", "given")  # in order of preference; paper leaks, so it is not used for choosing
# The baselines that need no metadata of songs, and are no part of the model.
RIVALS = tuple(name for name, of in BASELINES.items() if of.made_from in ("similarities", "lyrics"))


def shown_lead(difference: Estimate, metric: str) -> int | None:
    """Return 1 where the interval shows the model better, -1 worse, 0 neither; None where undefined."""
    if difference.low is None or difference.high is None:
        return None
    return BY_NAME[metric].sign * (int(difference.low > 0) - int(difference.high < 0))


def lead_mark(difference: Estimate, metric: str) -> str:
    """Return ~ where no lead is shown, ! where the model is worse, else nothing."""
    marks: dict[int | None, str] = {0: "~", -1: "!"}
    return marks.get(shown_lead(difference, metric), "")


def leads(experiment: ExperimentMetrics, metric: str) -> dict[str, int]:
    """Return `shown_lead` over each of RIVALS on val, without those whose difference is undefined.

    1 and -1 need an interval of the paired difference that excludes 0.
    """
    rivals = experiment.splits["val"].baselines
    shown = {name: shown_lead(rivals[name][metric].difference, metric) for name in RIVALS if name in rivals}
    return {name: lead for name, lead in shown.items() if lead is not None}


def resolve_metric(experiments: Mapping[str, ExperimentMetrics], metric: str) -> str:
    """Resolve the metric to choose by: `auto` is listed_auc if any experiment has it on val, else spearman.

    Listed AUC is computed on the same pairs for every target, so experiments of different targets compare.
    """
    if metric != AUTO:
        return metric
    ranked = any("listed_auc" in experiment.splits["val"].metrics for experiment in experiments.values())
    return "listed_auc" if ranked else "spearman"


def best(experiments: Mapping[str, ExperimentMetrics], metric: str) -> str | None:
    """Return the experiment that is best on val; None where none of protocol songs or given has the metric.

    Args:
        experiments: name to metrics; of equally good ones the first is returned.
        metric: one of metric_table.CHOOSING.
    """
    for protocol in PROTOCOLS:
        scores = {}
        for name, experiment in experiments.items():
            estimate = experiment.splits["val"].metrics.get(metric)  # ranking metrics need lists
            if experiment.protocol == protocol and estimate is not None and estimate.value is not None:
                scores[name] = BY_NAME[metric].sign * estimate.value
        if scores:
            return max(scores, key=scores.__getitem__)
    return None
