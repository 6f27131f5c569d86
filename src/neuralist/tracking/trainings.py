"""Keep when this machine trained an experiment or ran a trial: MLflow's run has these times.

Output: work/.trainings/<MLflow experiment>/<name>-<fingerprint>.json of the main checkout, and beside it
trials/<study>.json. They are where the checkpoints are: what DVC's cache brings back was not trained here, so
no file of a stage may hold it. A copy that `dvc exp run --queue` makes goes away, so what it trained is kept
in the main checkout too.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from neuralist import files
from neuralist.tracking.store import main_checkout, store

# Of trials by number: start and end in milliseconds since 1970.
Times = Mapping[int, tuple[int, int]]


class Training(NamedTuple):
    """When and by what an experiment was trained on this machine.

    Attributes:
        start: milliseconds since 1970; of a training that was resumed, of its first part.
        end: the same; None while it runs, or where it was killed.
        resumed: how many times it was resumed.
        dvc_experiment: the name of the DVC experiment that trained it; "" without one.
        git_commit: that was checked out; "" outside of git.
    """

    start: int
    end: int | None
    resumed: int
    dvc_experiment: str
    git_commit: str


@contextmanager
def timed(name: str, fingerprint: str, *, resumes: bool) -> Iterator[None]:
    """Note when the training in the block begins and ends; of one that is killed, when it began.

    Args:
        name: of the experiment.
        fingerprint: of its training.
        resumes: whether it goes on from a checkpoint.
    """
    path = _path(name, fingerprint)
    before = _read(path) if resumes else None
    began_here = before is not None and before.end is None
    training = Training(
        start=before.start if before is not None and began_here else now(),
        end=None,
        resumed=before.resumed + 1 if before is not None and began_here else int(resumes),
        dvc_experiment=os.environ.get("DVC_EXP_NAME", ""),
        git_commit=git_commit(),
    )
    _write(path, training)
    yield
    _write(path, training._replace(end=now()))


def read(name: str, fingerprint: str) -> Training | None:
    """Return what is kept of a training; None where this machine did not do it."""
    return _read(_path(name, fingerprint))


def keep_trials(study: str, times: Times) -> None:
    """Keep when this machine ran the trials of a study, which is known by its name."""
    path = _trials_path(study)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(times))


def read_trials(study: str) -> Times:
    """Return when this machine ran the trials of a study; of those that it did not run there is nothing."""
    try:
        kept = json.loads(_trials_path(study).read_text(encoding="utf-8"))
        return {int(number): (int(start), int(end)) for number, (start, end) in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none, or damaged


def now() -> int:
    """Return the time as MLflow takes it, in milliseconds since 1970."""
    return int(time.time() * 1000)


def git_commit() -> str:
    """Return the commit that is checked out; "" outside of git."""
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _folder() -> Path:
    return main_checkout(Path.cwd().resolve()) / "work" / ".trainings" / store().experiment


def _path(name: str, fingerprint: str) -> Path:
    return _folder() / f"{name}-{fingerprint[:16]}.json"


def _trials_path(study: str) -> Path:
    return _folder() / "trials" / f"{study}.json"


def _read(path: Path) -> Training | None:
    try:
        return Training(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # none, or damaged: then nothing is known of it


def _write(path: Path, training: Training) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(training._asdict()))
