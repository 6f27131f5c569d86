"""The names of a run's metrics."""

import pytest

from neuralist.tracking import metric_names


@pytest.mark.parametrize(
    ("column", "curve", "final"),
    [
        ("loss", "training/loss", "loss"),
        ("accuracy", "training/binary_accuracy", "binary_accuracy"),
        ("val_loss", "training/val_loss", "val_loss"),
        ("val_accuracy", "training/val_binary_accuracy", "val_binary_accuracy"),
        ("val_spearman", "training/val_spearman", "val_spearman"),
        ("val_listed_auc", "training/val_pooled_listed_auc", "val_pooled_listed_auc"),
        ("val_new", "training/val_new", "val_new"),
    ],
)
def test_a_column_of_the_history_has_the_name_of_its_metric(column: str, curve: str, final: str) -> None:
    assert (metric_names.curve(column), metric_names.final(column)) == (curve, final)
