"""Checkpoints of a training: all that its next epoch needs, in one file that is whole or not there.

| file | of |
|---|---|
| work/checkpoints/<experiment>-<fingerprint>/epoch.npz | the task |
| work/checkpoints/<experiment>-<fingerprint>/before-epoch.npz | its pretraining |
| work/checkpoints/study-<name>/trial-<number>.npz | a trial of a study |

`loop.fit` writes it after each epoch, and goes on from the one that is there.
"""

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files

Epoch = dict[str, float]


class Checkpoint(NamedTuple):
    """What a training has reached.

    Attributes:
        history: a record an epoch.
        state: all that training changes, weights and the optimizer's moments, in the model's order.
        best: the trainable weights of the best epoch.
    """

    history: list[Epoch]
    state: list[np.ndarray]
    best: list[np.ndarray]


def folder(root: Path, name: str, fingerprint: str) -> Path:
    """The folder of one training: another fingerprint, of settings, tables or code, begins anew.

    Args:
        root: work/checkpoints.
        name: of the experiment.
        fingerprint: see `examples.fingerprint`.
    """
    return root / f"{name}-{fingerprint[:16]}"


def of_training(folder: Path) -> Path:
    """The checkpoint of the training whose folder this is."""
    return folder / "epoch.npz"


def of_pretraining(checkpoint: Path) -> Path:
    """The checkpoint of what comes before the training with that checkpoint."""
    return checkpoint.with_name(f"before-{checkpoint.name}")


def of_trial(study_folder: Path, number: int) -> Path:
    """The checkpoint of a trial."""
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
