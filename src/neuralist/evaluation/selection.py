"""Which of two predictors is better, and which experiment is the best: by the metrics on val.

Input: metrics of `evaluation.evaluate`, or estimates of them. Output: a verdict.
"""

from collections.abc import Mapping

from neuralist.config.metric_table import AUTO, BY_NAME
from neuralist.config.records import Estimate, ExperimentMetrics
from neuralist.evaluation.baselines import FROM_LYRICS

PROTOCOLS = ("songs", "given")  # the first that an experiment has; paper leaks, so its figures choose nothing
# Whatever answers without a song's metadata.
RIVALS = (
    "constant",
    "commonest_class",
    "lookup",
    *(name for name, reads_lyrics in FROM_LYRICS.items() if reads_lyrics),
)


def shown_lead(difference: Estimate, metric: str) -> int | None:
    """1 where the interval shows the model ahead, -1 behind, 0 where it includes 0; None where undefined."""
    if difference.low is None or difference.high is None:
        return None
    return BY_NAME[metric].sign * (int(difference.low > 0) - int(difference.high < 0))


def leads(experiment: ExperimentMetrics, metric: str) -> dict[str, int]:
    """Of RIVALS, where val defines a difference: 1 says that the model is ahead, -1 behind, 0 neither.

    Ahead and behind ask for an interval of the paired difference that excludes 0.
    """
    rivals = experiment.splits["val"].baselines
    shown = {name: shown_lead(rivals[name][metric].difference, metric) for name in RIVALS if name in rivals}
    return {name: lead for name, lead in shown.items() if lead is not None}


def metric_of(experiments: Mapping[str, ExperimentMetrics], metric: str) -> str:
    """The metric that chooses: `auto` is listed_auc where an experiment is ranked by it, else spearman.

    Listed AUC is about the same pairs whatever an experiment's target is.
    """
    if metric != AUTO:
        return metric
    ranked = any("listed_auc" in one.splits["val"].metrics for one in experiments.values())
    return "listed_auc" if ranked else "spearman"


def best(experiments: Mapping[str, ExperimentMetrics], metric: str) -> str | None:
    """The experiment that is best on val; None where protocols songs and given hold none with a figure there.

    Args:
        experiments: metrics of all of them; the first of equally good ones is taken.
        metric: one of metric_table.CHOOSING.
    """
    for protocol in PROTOCOLS:
        worth = {}
        for name, experiment in experiments.items():
            estimate = experiment.splits["val"].metrics.get(metric)  # lists may be unknown
            if experiment.protocol == protocol and estimate is not None and estimate.value is not None:
                worth[name] = BY_NAME[metric].sign * estimate.value
        if worth:
            return max(worth, key=worth.__getitem__)
    return None
