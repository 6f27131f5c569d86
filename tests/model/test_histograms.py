"""Histograms by epoch: their bins, and what a killed run leaves."""

from pathlib import Path

import numpy as np
import pytest
from tests.settings import experiment

from neuralist.config.experiment import Experiment
from neuralist.model import histograms


def test_the_bins_reach_over_the_middle_99_percent_of_the_values() -> None:
    counts, edges = histograms.histogram(np.arange(1001.0))
    assert (edges[0], edges[-1]) == (5, 995)
    assert len(counts) == 60
    assert counts.sum() == 991  # 5, 6, ..., 995


def test_equal_values_have_a_histogram() -> None:
    counts, edges = histograms.histogram(np.zeros((3, 4), dtype=np.float32))
    assert counts.sum() == 12
    assert edges[-1] > edges[0]


def test_gradients_are_shown_by_size_and_zeros_left_out(tmp_path: Path) -> None:
    path = tmp_path / "histograms.npz"
    gradient = np.array([[0.01, -0.01, 0.0], [100.0, -100.0, 0.0]], dtype=np.float32)
    histograms.add(path, 1, {"gradients/lstm/bias": gradient, "gradients/dead": np.zeros(3)})
    with np.load(path) as arrays:
        counts, edges = (arrays[f"gradients/lstm/bias/{kind}"][0] for kind in ("counts", "edges"))
        assert arrays["gradients/dead/counts"].sum() == 0
    assert edges[[0, -1]] == pytest.approx([-2, 2])
    assert counts[[0, -1]].tolist() == [2, 2]


def test_an_epoch_replaces_itself_and_the_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "histograms.npz"
    for epoch, value in ((1, 1.0), (2, 2.0), (3, 3.0), (2, 5.0)):
        histograms.add(path, epoch, {"weights/lstm/kernel": np.full(10, value)})
    with np.load(path) as arrays:
        assert arrays["weights/lstm/kernel/counts"].shape == (2, histograms.BINS)
        assert arrays["weights/lstm/kernel/edges"][:, 0] == pytest.approx([1, 5])


def test_a_file_is_read_by_kind_and_weight_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / histograms.FILE
    for epoch in (1, 2):
        values = {"weights/lstm/kernel": np.full(9, float(epoch)), "gradients/lstm/kernel": np.full(9, 0.1)}
        histograms.add(path, epoch, values)
    read = histograms.read(path)
    assert {kind: list(of_kind) for kind, of_kind in read.items()} == {
        "weights": ["lstm/kernel"],
        "gradients": ["lstm/kernel"],
    }
    assert read["weights"]["lstm/kernel"].counts.sum(axis=1).tolist() == [9, 9]
    assert read["gradients"]["lstm/kernel"].edges[:, 0] == pytest.approx([-1, -1])


def test_no_file_holds_no_histograms_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / histograms.FILE
    assert histograms.read(path) == {}
    path.write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match=r"histograms\.npz: not readable"):
        histograms.read(path)


def test_settings_that_ask_for_none_do_not_name_them() -> None:
    """So older files and fingerprints stay as they are."""
    assert "histograms" not in experiment().model_dump()
    asked = experiment(histograms=True)
    assert Experiment.model_validate_json(asked.model_dump_json()).histograms
