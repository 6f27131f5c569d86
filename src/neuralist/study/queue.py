"""A study's storage, and its trials as a queue that processes take from, on one machine or on many.

Input: params.study.storage, a study whose trials are queued. Output: trials, each for one process at a time.

Who looks for a trial and takes it is alone meanwhile: among the processes that share a folder by a lock file,
among all that share a database by a lock on a row of it. A trial whose process died is given to the next that
asks: of a process of this machine a lock file tells, of another machine's its silence.
"""

import fcntl
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import column, select, table
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from neuralist import console
from neuralist.config import params

BEAT_S, SILENCE_S = 60, 300
VERSION = table("version_info")
FAILURES = SQLAlchemyError, StorageInternalError


def storage(url: str | None, folder: Path) -> Any:
    """Open an Optuna storage: the one of a URL, or a journal in the folder.

    Raises:
        ValueError: it cannot be opened.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    if url is None:
        return JournalStorage(JournalFileBackend(str(folder / "study.journal")))
    try:
        try:
            return _database(url)
        except (IntegrityError, ProgrammingError):
            time.sleep(2)  # another process may just be making the tables
            return _database(url)
    except (*FAILURES, ImportError, LookupError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"params.yaml: study.storage: '{console.without_passwords(url)}' cannot be opened "
            f"({_reason(error)}); give an Optuna storage URL such as postgresql://host/name of a database of "
            "its own, with its driver installed, or null for a journal file"
        ) from error


def _database(url: str) -> Any:
    # Between two epochs of a long trial a connection may be cut by whatever lies on its way.
    return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def _reason(error: BaseException) -> str:
    if isinstance(error, StorageInternalError) and error.__cause__:
        error = error.__cause__  # Optuna's own message only guesses
    if isinstance(error, LookupError):
        return "{ and } stand for a name there: write %7B and %7D"
    return console.without_passwords((str(error).splitlines() or [type(error).__name__])[0])


@contextmanager
def reached(url: str | None) -> Iterator[None]:
    """Make one clear line of a storage that fails on the way.

    Raises:
        ValueError: the database cannot be reached, or refuses what the block asks of it.
    """
    try:
        yield
    except FAILURES as error:
        raise ValueError(
            f"study.storage: '{console.without_passwords(url or '')}': {_reason(error)}; mend it and "
            "give the command again: the study goes on where it was"
        ) from error


@contextmanager
def alone(study: optuna.Study, folder: Path) -> Iterator[None]:
    """Let one process at a time look at the queue and change it; not to be nested."""
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    with (folder / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if engine is None or engine.dialect.name == "sqlite":  # SQLite locks no rows
            yield
            return
        with engine.begin() as connection:
            # The one row of a table that Optuna only reads; when the process dies the server frees it.
            connection.execute(select(column("version_info_id")).select_from(VERSION).with_for_update())
            yield


@contextmanager
def claimed(settings: params.Study, study: optuna.Study, folder: Path) -> Iterator[optuna.Trial | None]:
    """A trial that nobody else works on, or None when all are over; waits while others work on the rest."""
    taken = None
    while taken is None:
        with alone(study, folder):
            left = [
                one
                for one in study.get_trials(deepcopy=False)[: settings.trials]
                if not one.state.is_finished()
            ]
            free = [one for one in left if one.state == TrialState.WAITING or _abandoned(one)]
            taken = _take(settings, study, folder, free[0]) if free else None
        if not left:
            yield None
            return
        if taken is None:
            time.sleep(1)
    trial, lock = taken
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(trial, over), daemon=True)
    beat.start()
    try:
        yield trial
    finally:
        over.set()
        beat.join()
        lock.close()


def _take(
    settings: params.Study, study: optuna.Study, folder: Path, free: FrozenTrial
) -> tuple[optuna.Trial, IO[str]] | None:
    """Mark a free trial as this process', by a lock that the system frees when the process dies."""
    # Seeded by number: a resumed study would otherwise draw the numbers of its first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=settings.seed + free.number)
    # Not Study.ask: where another process was faster, it makes a trial that nobody asked for.
    if free.state == TrialState.WAITING and not _begun(study, free):
        return None
    trial = optuna.Trial(study, free._trial_id)
    path = folder / f"trial-{trial.number}.lock"
    lock = path.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        trial.set_user_attr("worker", [socket.gethostname(), str(path.resolve())])
    except (
        UpdateFinishedTrialError
    ):  # not abandoned: its process let its lock go since it had ended the trial
        lock.close()
        return None
    return trial, lock


def _begun(study: optuna.Study, waiting: FrozenTrial) -> bool:
    """Have a trial run; False where another process was faster."""
    try:
        return study._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)
    except UpdateFinishedTrialError:
        return False


def _abandoned(trial: FrozenTrial) -> bool:
    """Whether the process that runs a trial is dead; of another machine's, its silence tells."""
    host, path = trial.user_attrs.get("worker", [None, ""])
    if host == socket.gethostname() and Path(path).exists():
        with Path(path).open("a") as lock:
            return _free(lock)
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0
    return time.time() - trial.user_attrs.get("seen", started) > SILENCE_S


def _free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _beat(trial: optuna.Trial, over: threading.Event) -> None:
    while not over.is_set():
        # Should the storage be away for longer than a moment, the training itself will say so.
        with suppress(*FAILURES, UpdateFinishedTrialError):
            trial.set_user_attr("seen", time.time())
        over.wait(BEAT_S)
