"""The list of metrics: what settings may name, and what is shown, in its order."""

from neuralist.config import metric_table
from neuralist.config.metric_table import METRICS

OF_PAIRS = [
    "decile_accuracy",
    "within_one_decile",
    "spearman",
    "mse",
    "average_precision",
    "roc_auc",
    "pearson",
]
OF_PAIRS += ["binary_accuracy", "f1", "balanced_accuracy"]


def test_names_and_labels_are_of_one_metric_each() -> None:
    assert (
        len({metric.name for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)
    )


def test_only_errors_and_losses_are_better_when_lower() -> None:
    lower = {metric.name: metric.heading for metric in METRICS if metric.sign == -1}

    assert lower == {"mse": "MSE (lower is better)", "loss": "loss (lower is better)"}


def test_protocol_songs_alone_ranks_and_paper_alone_has_the_predecessors_classes() -> None:
    assert metric_table.of_protocol("given", ranked=True) == tuple(OF_PAIRS)
    assert metric_table.of_protocol("songs", ranked=False) == tuple(OF_PAIRS)
    assert metric_table.of_protocol("paper", ranked=True) == (*OF_PAIRS, "nearest_tenth_accuracy")


def test_an_experiment_is_chosen_by_what_unseen_songs_are_measured_by() -> None:
    assert list(metric_table.CHOOSING) == ["listed_auc", "ndcg_at_10", *OF_PAIRS]
