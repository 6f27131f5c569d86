"""A study's storage, and its trials as a queue that processes take from, on one machine or on many.

Input: params.study.storage, a study whose trials are queued. Output: trials, each for one process at a time.

Who looks for a trial and takes it is alone meanwhile: among the processes that share a folder by a lock file,
among all that share a database by a lock on a row of a table of ours. A trial whose process died is given to
the next that asks: of a process of this machine a lock file tells, of another machine's its silence.

Not Optuna's heartbeat: it needs an SQL storage and Study.optimize, and gives a retried trial a new number.
What Study has no word for, that a trial of a given number shall run, our own storage object is told.
"""

import fcntl
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, select
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from neuralist import console
from neuralist.config import params

BEAT_S, SILENCE_S = 60, 300
# One row, beside Optuna's tables, which it does not touch.
GATE = Table("neuralist_gate", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))
FAILURES = SQLAlchemyError, StorageInternalError


class Storage(NamedTuple):
    """Where trials are kept, and the database whose GATE lets one process in at a time, if it is one."""

    trials: JournalStorage | RDBStorage
    gate: Engine | None


class Queue(NamedTuple):
    """A study whose trials are queued, where they are kept, and the folder of its locks."""

    study: optuna.Study
    storage: Storage
    folder: Path


def storage(url: str | None, folder: Path) -> Storage:
    """Open an Optuna storage: the one of a URL, or a journal in the folder.

    Raises:
        ValueError: it cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    if url is None:
        return Storage(JournalStorage(JournalFileBackend(str(folder / "study.journal"))), None)
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


def _database(url: str) -> Storage:
    # Between two epochs of a long trial a connection may be cut by whatever lies on its way.
    trials = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    gate = create_engine(url, pool_pre_ping=True)
    if gate.dialect.name == "sqlite":  # it locks no rows
        return Storage(trials, None)
    GATE.create(gate, checkfirst=True)
    # Where another process was faster, its row serves.
    with suppress(IntegrityError), gate.begin() as connection:
        if connection.execute(select(GATE.c.id)).first() is None:
            connection.execute(GATE.insert().values(id=1))
    return Storage(trials, gate)


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
def alone(queue: Queue) -> Iterator[None]:
    """Let one process at a time look at the queue and change it; not to be nested."""
    with (queue.folder / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if queue.storage.gate is None:
            yield
            return
        with queue.storage.gate.begin() as connection:
            # When the process dies the server frees it.
            connection.execute(select(GATE.c.id).with_for_update())
            yield


@contextmanager
def claimed(settings: params.Study, queue: Queue) -> Iterator[optuna.Trial | None]:
    """A trial that nobody else works on, or None when all are over; waits while others work on the rest."""
    taken = None
    while taken is None:
        with alone(queue):
            left = [
                one
                for one in queue.study.get_trials(deepcopy=False)[: settings.trials]
                if not one.state.is_finished()
            ]
            free = [one for one in left if one.state == TrialState.WAITING or _abandoned(one)]
            taken = _take(settings, queue, free[0]) if free else None
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


def _take(settings: params.Study, queue: Queue, free: FrozenTrial) -> tuple[optuna.Trial, IO[str]] | None:
    """Mark a free trial as this process', by a lock that the system frees when the process dies."""
    # Seeded by number: a resumed study would otherwise draw the numbers of its first trials again.
    queue.study.sampler = optuna.samplers.TPESampler(seed=settings.seed + free.number)
    id_ = _id(queue, free.number)
    # Not Study.ask: where another process was faster, it makes a trial that nobody asked for.
    if free.state == TrialState.WAITING and not _begun(queue, id_):
        return None
    # By its constructor, for Study.ask gives no trial that runs already, as one does that is taken up again.
    trial = optuna.Trial(queue.study, id_)
    path = queue.folder / f"trial-{trial.number}.lock"
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


def _id(queue: Queue, number: int) -> int:
    """What the storage calls a trial."""
    trials = queue.storage.trials
    study = trials.get_study_id_from_name(queue.study.study_name)
    return trials.get_trial_id_from_study_id_trial_number(study, number)


def _begun(queue: Queue, id_: int) -> bool:
    """Have a waiting trial run; False where another process was faster."""
    try:
        return queue.storage.trials.set_trial_state_values(id_, TrialState.RUNNING)
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
