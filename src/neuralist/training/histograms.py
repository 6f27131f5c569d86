"""Histograms of weights and gradients by epoch, in a file beside the checkpoint.

File: for each weight, by its name, `weights/<name>/counts`, int64 (n_epochs, BINS), and `.../edges`, float64
(n_epochs, BINS + 1). The same with `gradients/`, by the decimal logarithm of their sizes, zeros left out:
sizes differ by factors of thousands. The edges of an epoch reach over the middle 99 % of its values, so that
a few large ones do not press all others into one bin.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neuralist import files

FILE = "histograms.npz"  # in an experiment's folder
BINS = 60
REACH = (0.005, 0.995)  # quantiles of the values
NARROWEST = 1e-12  # of the edges, where all values are equal


def beside(checkpoint: Path) -> Path:
    """Return the path of the histograms of the training that a checkpoint is of."""
    return checkpoint.with_name(f"{checkpoint.stem}-{FILE}")


def histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts and the edges of the histogram of an array's values; of none, counts of 0."""
    if not values.size:
        return np.zeros(BINS, dtype=np.int64), np.linspace(0, 1, BINS + 1)
    low, high = np.quantile(values.astype(np.float64), REACH)
    return np.histogram(values, bins=BINS, range=(low, max(high, low + NARROWEST)))


def sizes(gradient: np.ndarray) -> np.ndarray:
    """Return the decimal logarithm of the size of each coordinate that is not 0, float64."""
    return np.log10(np.abs(gradient[gradient != 0]), dtype=np.float64)


def add(path: Path, epoch: int, values: Mapping[str, np.ndarray]) -> None:
    """Add an epoch's histograms; those of this epoch and later ones, which a killed run left, are replaced.

    Args:
        path: of the file; it is made where it is missing.
        epoch: from 1.
        values: weights/<name> and gradients/<name> to an array of any shape.
    """
    earlier = {}
    if path.exists():
        with np.load(path) as arrays:
            earlier = {name: arrays[name][: epoch - 1] for name in arrays.files}
    made = {}
    for name, array in values.items():
        shown = sizes(array) if name.startswith("gradients/") else array
        for kind, row in zip(("counts", "edges"), histogram(shown), strict=True):
            key = f"{name}/{kind}"
            made[key] = np.concatenate([earlier[key], row[None]]) if key in earlier else row[None]
    with files.unfinished(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **made)
