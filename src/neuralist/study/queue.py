"""A study's storage, and its trials as a queue for several processes, on one machine or on many.

Input: params.study.storage, a study whose trials are queued. Output: trials, each for one process at a time.

Claiming a trial is mutually exclusive: a lock file excludes processes that share a folder, a lock on a row of
our own table those that share a database. A trial whose process died goes to the next process: on the same
machine a released lock file shows the death, on other machines a missing heartbeat.

We do not use Optuna's heartbeat: it needs an SQL storage and Study.optimize, and gives a retried trial a new
number. Study cannot start the trial of a certain number, so we call our storage object for that.
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
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, select
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from neuralist.config import params
from neuralist.console import error_messages
from neuralist.console.addresses import without_passwords

HEARTBEAT_S, SILENCE_S = 60, 300
JOURNAL_OF_ONE = "study.journal"  # what each study had in a folder of its own, before version 0.2.0
JOURNAL = (
    "studies.journal"  # one for all studies of a checkout: Optuna's dashboard opens a storage as a whole
)
# Has one row, for its lock; Optuna's tables are not touched.
GATE = Table("neuralist_gate", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))
FAILURES = SQLAlchemyError, StorageInternalError


class Storage(NamedTuple):
    """The storage of trials, and the engine of its GATE, which admits one process at a time, if any."""

    trials: JournalStorage | RDBStorage
    gate: Engine | None


class Progress(NamedTuple):
    """How far a study is: trials that ended, of how many, and the best value, if any, of a metric."""

    name: str
    ended: int
    trials: int
    metric: str
    best: float | None


class Queue(NamedTuple):
    """A study whose trials are queued, their storage, and the folder of its locks."""

    study: optuna.Study
    storage: Storage
    folder: Path


def storage(url: str | None, folder: Path) -> Storage:
    """Open the Optuna storage of a URL, or the journal in a folder.

    Raises:
        ValueError: it cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    if url is None:
        return Storage(_journal(folder / JOURNAL), None)
    try:
        try:
            return _database(url)
        except (IntegrityError, ProgrammingError):
            time.sleep(2)  # another process may be creating the tables
            return _database(url)
    except (*FAILURES, ImportError, LookupError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"params.yaml: study.storage: '{without_passwords(url)}' cannot be opened "
            f"({_reason(error)}); give an Optuna storage URL such as postgresql://host/name of a database of "
            "its own, with its driver installed, or null for a journal file"
        ) from error


def _journal(path: Path) -> JournalStorage:
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (KeyError, ValueError) as error:  # a line that is no JSON, or no step of a study
        raise ValueError(
            f"{path}: damaged ({type(error).__name__}: {error}); restore it from a copy, or move it away: "
            "then studies begin anew"
        ) from error


def journals(folder: Path) -> list[Path]:
    """Return the journals in a folder of checkpoints: that of all studies, and those of single ones."""
    return [path for path in (folder / JOURNAL, *folder.glob(f"study-*/{JOURNAL_OF_ONE}")) if path.exists()]


def studies(storage: Storage) -> list[Progress]:
    """Return all studies of a storage, that with the latest trial first."""
    names = optuna.get_all_study_names(storage.trials)
    opened = [optuna.load_study(study_name=name, storage=storage.trials) for name in names]
    opened.sort(key=_latest, reverse=True)
    return [_progress(study) for study in opened]


def _latest(study: optuna.Study) -> float:
    begun = (trial.datetime_start for trial in study.get_trials(deepcopy=False))
    return max((moment.timestamp() for moment in begun if moment is not None), default=0.0)


def _progress(study: optuna.Study) -> Progress:
    all_trials = study.get_trials(deepcopy=False)
    values = [
        trial.value for trial in all_trials if trial.state == TrialState.COMPLETE and trial.value is not None
    ]
    smallest = study.direction == StudyDirection.MINIMIZE
    best = (min if smallest else max)(values) if values else None
    ended = sum(trial.state.is_finished() for trial in all_trials)
    return Progress(study.study_name, ended, len(all_trials), (study.metric_names or ["value"])[0], best)


def adopt(storage: Storage, folder: Path, name: str = "*") -> None:
    """Move studies that have a JOURNAL_OF_ONE in a folder of checkpoints into the storage of all studies.

    A journal goes when its study is copied. Where both have a study of this name, as when a copying was
    killed, or an older version ran in between, that with more finished trials stays.

    Args:
        storage: that of all studies.
        folder: of checkpoints.
        name: of one study; all where it is left out.
    """
    with (folder / "studies.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in sorted(folder.glob(f"study-{name}/{JOURNAL_OF_ONE}")):
            source = _journal(path)
            for study in optuna.get_all_study_names(source):
                _copy(study, source, storage.trials)
            path.unlink()


def _copy(name: str, source: JournalStorage, target: JournalStorage | RDBStorage) -> None:
    if name in optuna.get_all_study_names(target):
        if _n_finished(target, name) >= _n_finished(source, name):
            return
        optuna.delete_study(study_name=name, storage=target)
    optuna.copy_study(from_study_name=name, from_storage=source, to_storage=target)


def _n_finished(storage: JournalStorage | RDBStorage, name: str) -> int:
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    return sum(trial.state.is_finished() for trial in trials)


def _database(url: str) -> Storage:
    # The network may cut an idle connection between two epochs of a long trial.
    trials = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    gate = create_engine(url, pool_pre_ping=True)
    if gate.dialect.name == "sqlite":  # it locks no rows
        return Storage(trials, None)
    GATE.create(gate, checkfirst=True)
    # Where another process was faster, its row is used.
    with suppress(IntegrityError), gate.begin() as connection:
        if connection.execute(select(GATE.c.id)).first() is None:
            connection.execute(GATE.insert().values(id=1))
    return Storage(trials, gate)


def _reason(error: BaseException) -> str:
    if isinstance(error, StorageInternalError | ImportError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # Optuna's own message only guesses, or names no driver
    if isinstance(error, LookupError):
        return "{ and } stand for a name there: write %7B and %7D"
    if isinstance(error, ImportError) and error.name in error_messages.EXTRAS:
        return str(error_messages.message(error))  # it names the extra that brings the driver
    return without_passwords(error_messages.first_line(error))


@contextmanager
def storage_errors(url: str | None) -> Iterator[None]:
    """Turn errors of the storage within the block into a one-line ValueError.

    Raises:
        ValueError: the database cannot be reached, or refuses an operation.
    """
    try:
        yield
    except FAILURES as error:
        raise ValueError(
            f"study.storage: '{without_passwords(url or '')}': {_reason(error)}; correct it and "
            "give the command again: the study goes on where it was"
        ) from error


@contextmanager
def locked(queue: Queue) -> Iterator[None]:
    """Hold the lock of the queue, to read and change it; not re-entrant."""
    with (queue.folder / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if queue.storage.gate is None:
            yield
            return
        with queue.storage.gate.begin() as connection:
            # The server releases it when the process dies.
            connection.execute(select(GATE.c.id).with_for_update())
            yield


def trials(study: optuna.Study, settings: params.Study) -> list[FrozenTrial]:
    """Return as many trials as the settings ask for: with a larger number, more may have been queued."""
    return study.get_trials(deepcopy=False)[: settings.trials]


@contextmanager
def claimed(settings: params.Study, queue: Queue) -> Iterator[optuna.Trial | None]:
    """Claim a trial, or None when all are finished; waits while other processes run the rest."""
    claim = None
    while claim is None:
        with locked(queue):
            unfinished = [trial for trial in trials(queue.study, settings) if not trial.state.is_finished()]
            free = (trial for trial in unfinished if trial.state == TrialState.WAITING or _abandoned(trial))
            available = next(free, None)
            claim = _claim(settings, queue, available) if available else None
        if not unfinished:
            yield None
            return
        if claim is None:
            time.sleep(1)
    trial, lock = claim
    stop = threading.Event()
    heartbeat = threading.Thread(target=_send_heartbeats, args=(trial, stop), daemon=True)
    heartbeat.start()
    try:
        yield trial
    finally:
        stop.set()
        heartbeat.join()
        lock.close()


def _claim(settings: params.Study, queue: Queue, queued: FrozenTrial) -> tuple[optuna.Trial, IO[str]] | None:
    """Claim a queued or abandoned trial, by a lock that the system releases when the process dies."""
    # Seeded by number: a resumed study would otherwise repeat the random numbers of its first trials.
    queue.study.sampler = optuna.samplers.TPESampler(seed=settings.seed + queued.number)
    storage = queue.storage.trials
    study_id = storage.get_study_id_from_name(queue.study.study_name)
    trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, queued.number)
    # Not Study.ask: where another process was faster, it creates an extra trial.
    if queued.state == TrialState.WAITING and not _start(storage, trial_id):
        return None
    # By the constructor: Study.ask does not return a running trial, and a resumed one is running.
    trial = optuna.Trial(queue.study, trial_id)
    path = queue.folder / f"trial-{trial.number}.lock"
    lock = path.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        trial.set_user_attr("worker", [socket.gethostname(), str(path.resolve())])
    except UpdateFinishedTrialError:  # not abandoned: its process had ended the trial and released the lock
        lock.close()
        return None
    return trial, lock


def _start(storage: JournalStorage | RDBStorage, trial_id: int) -> bool:
    """Set a waiting trial running; False where another process was faster."""
    try:
        return storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    except UpdateFinishedTrialError:
        return False


def ran_here(trial: FrozenTrial) -> bool:
    """Return whether a process of this machine runs a trial, or was the last to."""
    host, _ = trial.user_attrs.get("worker", [None, ""])
    return host == socket.gethostname()


def _abandoned(trial: FrozenTrial) -> bool:
    """Whether the process that runs a trial is dead: on another machine, whether its heartbeat is overdue."""
    _, path = trial.user_attrs.get("worker", [None, ""])
    if ran_here(trial) and Path(path).exists():
        with Path(path).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0
    return time.time() - trial.user_attrs.get("seen", started) > SILENCE_S


def _send_heartbeats(trial: optuna.Trial, stop: threading.Event) -> None:
    while not stop.is_set():
        # If the storage is unreachable for longer, the training itself will raise.
        with suppress(*FAILURES, UpdateFinishedTrialError):
            trial.set_user_attr("seen", time.time())
        stop.wait(HEARTBEAT_S)
