"""Read and write checkpoints: the state after an epoch, in one file that is written atomically.

| file | of |
|---|---|
| work/checkpoints/<experiment>-<fingerprint>/epoch.npz | the task; of an ensemble, the first training |
| work/checkpoints/<experiment>-<fingerprint>/epoch-<number>.npz | a further training of an ensemble, from 2 |
| work/checkpoints/<experiment>-<fingerprint>/before-<either>.npz | its pretraining |
| work/checkpoints/<experiment>-<fingerprint>/<any>-histograms.npz | its histograms, see `model.histograms` |
| work/checkpoints/study-<name>/trial-<number>.npz | a trial of a study |

`loop.fit` writes one after each epoch, and resumes from an existing one.
"""

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files
from neuralist.model import histograms

Epoch = dict[str, float]


class Checkpoint(NamedTuple):
    """The state of a training after an epoch.

    Attributes:
        history: one record for each epoch.
        state: the variables of model and optimizer that training changes, in their order.
        best: the trainable weights of the best epoch.
    """

    history: list[Epoch]
    state: list[np.ndarray]
    best: list[np.ndarray]


def folder(root: Path, name: str, fingerprint: str) -> Path:
    """Return the folder of one training; other settings, tables or code have another folder.

    Args:
        root: work/checkpoints.
        name: of the experiment.
        fingerprint: see `examples.fingerprint`.
    """
    return root / f"{name}-{fingerprint[:16]}"


def of_training(folder: Path, number: int = 0) -> Path:
    """Path of a training's checkpoint in its folder; the trainings of an ensemble are numbered from 0."""
    return folder / (f"epoch-{number + 1}.npz" if number else "epoch.npz")


def of_pretraining(checkpoint: Path) -> Path:
    """Path of the checkpoint of the pretraining that precedes a training."""
    return checkpoint.with_name(f"before-{checkpoint.name}")


def histograms_beside(checkpoint: Path) -> Path:
    """Path of the histograms of the training that a checkpoint is of."""
    return checkpoint.with_name(f"{checkpoint.stem}-{histograms.FILE}")


def of_trial(study_folder: Path, number: int) -> Path:
    """Path of a trial's checkpoint."""
    return study_folder / f"trial-{number}.npz"


def read(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None where there is none.

    Raises:
        ValueError: the file is no checkpoint.
    """
    if not path.exists():
        return None
    try:
        with np.load(path) as arrays:
            history = json.loads(str(arrays["history"]))
            state, best = (
                [arrays[f"{name}{index}"] for index in range(int(arrays[f"n_{name}"]))]
                for name in ("state", "best")
            )
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: no checkpoint of a training ({error}); remove it") from error
    return Checkpoint(history, state, best)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    arrays = {"history": np.array(json.dumps(checkpoint.history))}
    for name in ("state", "best"):
        values = getattr(checkpoint, name)
        arrays |= {f"n_{name}": np.array(len(values))}
        arrays |= {f"{name}{index}": value for index, value in enumerate(values)}
    with files.unfinished(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
