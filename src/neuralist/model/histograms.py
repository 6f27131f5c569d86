"""Histograms of weights and gradients by epoch: histograms.npz, written in training, read by evaluation.

File: for each weight, by its name, `weights/<name>/counts`, int64 (n_epochs, BINS), and `.../edges`, float64
(n_epochs, BINS + 1). The same with `gradients/`, by the decimal logarithm of their sizes, zeros left out:
sizes differ by factors of thousands. The edges of an epoch reach over the middle 99 % of its values, so that
a few large ones do not press all others into one bin.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from neuralist import files

FILE = "histograms.npz"  # in an experiment's folder
Kind = Literal["weights", "gradients"]
KINDS: tuple[Kind, ...] = ("weights", "gradients")
BINS = 60
REACH = (0.005, 0.995)  # quantiles of the values
NARROWEST = 1e-12  # of the edges, where all values are equal


class Histogram(NamedTuple):
    """Of one weight: counts (n_epochs, n_bins) and edges (n_epochs, n_bins + 1)."""

    counts: np.ndarray
    edges: np.ndarray


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


def read(path: Path) -> dict[Kind, dict[str, Histogram]]:
    """Return the histograms of a file by kind, and by the name of the weight; {} where there is no file.

    A training on another backend than TensorFlow keeps weights, and no gradients.

    Raises:
        ValueError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        with np.load(path) as arrays:
            names = [name.removesuffix("/counts") for name in arrays.files if name.endswith("/counts")]
            stored = {name: Histogram(arrays[f"{name}/counts"], arrays[f"{name}/edges"]) for name in names}
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: not readable ({error}); run `dvc repro -f` to train again") from error
    by_kind: dict[Kind, dict[str, Histogram]] = {
        kind: {name.partition("/")[2]: one for name, one in stored.items() if name.startswith(f"{kind}/")}
        for kind in KINDS
    }
    return {kind: histograms for kind, histograms in by_kind.items() if histograms}
