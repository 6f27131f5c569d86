"""Name the metrics of a run: curves by epoch apart from the figures of the kept model.

A curve is epoch/<metric>, its steps are epochs. A final figure is val_<metric> or test_<metric>, at step 0.
MLflow shows the last step of a metric: a curve and a figure under one name would show the last epoch's value.
"""


def final(column: str) -> str:
    """Return the metric that a column of history.csv holds, by its name in artifacts/metrics/.

    history.csv shortens two names: val_accuracy is val_binary_accuracy, val_listed_auc is
    val_pooled_listed_auc. Under its own name it would be compared with another metric.
    """
    from neuralist.config.metric_table import ON_VAL  # pydantic takes 0.1 s: only when a run is written

    metric = column.removeprefix("val_")
    split = column.removesuffix(metric)
    return split + (ON_VAL[metric].name if metric in ON_VAL else metric)


def curve(column: str) -> str:
    """Return the name of the curve of a column of history.csv: epoch/<metric> or epoch/val_<metric>."""
    return f"epoch/{final(column)}"
