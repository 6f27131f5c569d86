"""Files of named arrays in an experiment's folder, in NumPy's format .npz: equal arrays give equal bytes."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from neuralist import files


def save(path: Path, by_name: Mapping[str, np.ndarray]) -> None:
    """Write arrays, compressed."""
    with files.unfinished(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **dict(by_name))  # pyright: ignore[reportArgumentType]


def load(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read arrays by name.

    Raises:
        ValueError: the file is missing or damaged, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            by_name = {name: stored[name] for name in names}
        if any(of_name.dtype.kind not in "fiu" for of_name in by_name.values()):
            raise ValueError("an array holds no numbers")
        return by_name
    except FileNotFoundError:
        raise ValueError(f"{path}: missing; run `dvc repro` to train this experiment") from None
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not readable ({error}); run `dvc repro` to train it again") from error
