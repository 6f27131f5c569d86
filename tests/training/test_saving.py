"""What is saved of a training is whole or not there."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from neuralist.console import error_messages
from neuralist.training import saving

pytestmark = pytest.mark.tensorflow


class Cut:
    """A model that a full disk, or a stop, meets while it is saved."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def save(self, path: Path) -> None:
        """Write the half of a file, as Keras would."""
        path.write_bytes(b"a half")
        raise self.error


def save(error: BaseException, folder: Path) -> None:
    model: Any = Cut(error)
    vectors: Any = None  # comes after the models
    saving.save([saving.Trained(model, [])], vectors, folder)


def test_of_a_model_that_a_full_disk_cuts_nothing_is_left_and_its_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError) as met:
        save(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert str(error_messages.message(met.value)).startswith(f"{tmp_path}/model.keras: the disk is full")


def test_of_a_model_whose_saving_is_stopped_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        save(KeyboardInterrupt(), tmp_path)
    assert list(tmp_path.iterdir()) == []
