"""Name the metrics of a run: the eight figures on test first, then curves by epoch, then the figures on val.

MLflow orders metrics by name, in its table of runs as in a comparison. A figure of the kept model is
test_<metric> or val_<metric>, at step 0, and there is one for each headline metric. A curve is
training/<metric>, its steps are epochs. MLflow shows the last step of a metric: a curve and a figure under
one name would show the last epoch's value. All other metrics, and the intervals, are in INTERVALS.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralist.config.records import ExperimentMetrics

INTERVALS = "intervals.csv"
CURVES = "training/"


def final(column: str) -> str:
    """Return the name of what a column of history.csv holds: <metric>, or val_<metric>, as in metrics/.

    Under its name in history.csv, where two are shortened, it would be compared with another metric.
    """
    from neuralist.config.metric_table import of_column  # pydantic takes 0.1 s: only when a run is written

    split, metric = of_column(column)
    return f"val_{metric}" if split == "val" else metric


def curve(column: str) -> str:
    """Return the name of the curve of a column of history.csv: training/<metric> or training/val_<metric>."""
    return f"{CURVES}{final(column)}"


def figures(metrics: "ExperimentMetrics") -> dict[str, float]:
    """Return the figures of a kept model that a run shows, by name; MLflow has no undefined ones."""
    from neuralist.config.metric_table import HEADLINE

    return {
        f"{split}_{name}": float(value)
        for split, of_split in sorted(metrics.splits.items())  # test before val
        for name in HEADLINE
        if name in of_split.metrics and (value := of_split.metrics[name].value) is not None
    }


def is_front(name: str) -> bool:
    """Return whether a metric of a run is one of the eight figures on test."""
    return name.startswith("test_")


def intervals(metrics: "ExperimentMetrics") -> Iterator[list[str]]:
    """Yield the rows of INTERVALS: each metric on each split, with the ends of its interval."""
    yield ["split", "metric", "value", "low", "high", "n_pairs", "n_songs"]
    for split, of_split in metrics.splits.items():
        for name, estimate in of_split.metrics.items():
            values = (estimate.value, estimate.low, estimate.high, of_split.n_pairs, of_split.n_songs)
            yield [split, name, *("" if value is None else str(value) for value in values)]
