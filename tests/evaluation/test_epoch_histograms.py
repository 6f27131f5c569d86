"""The figures of weights and gradients by epoch: what they show by their artists."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.settings import experiment

from neuralist.evaluation import epoch_histograms
from neuralist.model import histograms
from neuralist.model.histograms import Histogram, Kind

SETTINGS = experiment(batch_size=64, batch_unit="pairs")


def written(path: Path, n_epochs: int) -> dict[Kind, dict[str, Histogram]]:
    """Weights at 1, 2, ... by epoch, and gradients of 0.1, 0.01, ..."""
    for epoch in range(1, n_epochs + 1):
        values = {"weights/lstm/kernel": np.full(9, epoch), "gradients/lstm/kernel": np.full(9, 0.1**epoch)}
        histograms.add(path, epoch, values)
    return histograms.read(path)


def test_a_ridge_an_epoch_stands_where_the_values_are(tmp_path: Path) -> None:
    read = written(tmp_path / histograms.FILE, 3)
    [axes] = epoch_histograms.draw("gradients", read["gradients"], "lyrics", SETTINGS).axes[:1]
    tops: list[Any] = [line.get_xydata() for line in axes.lines]
    assert [float(np.median(top[:, 0])) for top in tops] == pytest.approx([-1, -2, -3])
    assert [float(top[:, 1].min()) for top in tops] == [2, 1, 0]  # the first epoch at the top
    assert axes.get_title(loc="left") == "lstm/kernel"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "3"]


def test_the_heading_says_how_many_epochs_and_on_which_batch(tmp_path: Path) -> None:
    read = written(tmp_path / histograms.FILE, 3)
    figure = epoch_histograms.draw("gradients", read["gradients"], "lyrics", SETTINGS)
    heading = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert heading.startswith("Gradients of lyrics by epoch")
    assert "first batch (64 pairs of train)" in heading
    assert "n = 3 epochs" in heading


def test_of_many_epochs_twenty_are_drawn_with_the_first_and_the_last(tmp_path: Path) -> None:
    read = written(tmp_path / histograms.FILE, 41)
    [axes] = epoch_histograms.draw("weights", read["weights"], "lyrics", SETTINGS).axes[:1]
    assert len(axes.lines) == 20
    assert [label.get_text() for label in axes.get_yticklabels()][::5] == ["1", "41"]


def test_a_training_without_gradients_has_weights_to_draw_alone(tmp_path: Path) -> None:
    path = tmp_path / histograms.FILE
    histograms.add(path, 1, {"weights/lstm/kernel": np.ones(9)})  # of another backend than TensorFlow
    read = histograms.read(path)
    assert list(read) == ["weights"]
    assert list(read["weights"]) == ["lstm/kernel"]
