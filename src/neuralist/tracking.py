"""MLflow: a run for each trained experiment, found by its tag `fingerprint`, rebuilt from the stages' files.

Input: what the stages wrote under artifacts/ (experiments/<name>/, metrics.json, figures/, pages). Output:
runs in the store that MLFLOW_TRACKING_URI names, else in mlflow.db and mlruns/ of the main checkout, where
plain `mlflow ui` finds them. A workspace work/<name>/ records into the MLflow experiment neuralist-<name>,
all else into neuralist.

Importing mlflow takes 3 s, so only functions that need it do; a store that already holds every run is found
out with sqlite3 alone. A run counts as recorded when it is FINISHED and its tag `evaluation` is the digest
of what it shows; both are set last, so a recording that was killed half-way is completed by the next one.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist import addresses, run_content

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LONG = 30.0  # seconds of training after which a person may want to watch it


@dataclass(frozen=True)
class Store:
    """Where runs go: the tracking URI, the MLflow experiment, and the checkout that holds a default store."""

    uri: str
    experiment: str
    checkout: Path | None


def store(folder: Path | None = None) -> Store:
    """The store for a pipeline that runs in `folder` (the working folder when left out)."""
    folder = (folder or Path.cwd()).resolve()
    checkout = main_checkout(folder)
    inside = folder.relative_to(checkout).parts
    experiment = f"neuralist-{inside[1]}" if inside[:1] == ("work",) and len(inside) > 1 else "neuralist"
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        return Store(uri, experiment, None)
    # Relative, because SQLAlchemy ends an absolute path at a '?'.
    database = os.path.relpath(checkout / "mlflow.db")
    return Store(f"sqlite:///{database}", experiment, checkout)


def main_checkout(folder: Path) -> Path:
    """The outermost folder around `folder` that holds the pipeline, else `folder` itself.

    Workspaces and the copies that `dvc exp run --queue` makes under .dvc/tmp hold the pipeline too, and lie
    inside it.
    """
    homes = [
        path
        for path in (folder, *folder.parents)
        if (path / "dvc.yaml").exists() and (path / "pipelines").is_dir()
    ]
    return homes[-1] if homes else folder


def record(artifacts: Path, raw: Path, into: Store | None = None) -> list[str]:
    """Make or complete the run of every experiment that the store lacks; returns their names.

    Args:
        artifacts: holds metrics.json, which names the experiments, and experiments/<name>/.
        raw: the raw folder; its corpus.yaml, when there is one, is recorded too.
        into: the store; that of the working folder when left out.

    Raises:
        ValueError: a file is missing, or the store cannot be reached.
    """
    into = into or store()
    evaluations = run_content.evaluations(artifacts)
    digests = {name: run_content.digest(artifacts, raw, name, evaluations[name]) for name in evaluations}
    absent = [name for name in digests if not recorded_in_default(into, "evaluation", digests[name])]
    if not absent:
        return []
    with opened(into) as client:
        place = place_of(client, into)
        absent = [name for name in absent if not _recorded(client, place, digests[name])]
        for name in absent:
            content = run_content.read(artifacts, raw, name, evaluations[name])
            _write_run(client, place, content, digests[name])
    return absent


@contextmanager
def opened(into: Store) -> Iterator["MlflowClient"]:
    """Have the store for oneself; not to be nested.

    Raises:
        ValueError: the store cannot be reached, or refuses what the block asks of it.
    """
    try:
        with _alone(into):
            yield _client(into)
    except _store_errors() as error:
        mend = "unset MLFLOW_TRACKING_URI" if into.checkout is None else "move mlflow.db away"
        raise ValueError(
            f"MLflow store {addresses.shown(into.uri)}: {_first_line(error)}; mend it, or {mend} and call "
            "`dvc repro` again: what it holds is made again from the files"
        ) from error


def ask(into: Store, question: str, values: Sequence[str]) -> list[tuple[Any, ...]] | None:
    """The rows that a default store answers to SQL, without mlflow; None where mlflow itself must look."""
    database = into.checkout / "mlflow.db" if into.checkout else None
    if database is None or not database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(question, values).fetchall()
    except sqlite3.Error:
        return None  # another version's tables: mlflow itself decides, or says what is wrong


class LiveRun:
    """Shows a long training in MLflow while it runs; call it once an epoch.

    Nothing happens in the first LONG seconds, so that a short training does not pay for importing mlflow;
    then the epochs so far are logged at once. A store that cannot be reached costs one line of output, never
    the training.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        params: Mapping[str, Any],
        into: Store | None = None,
    ) -> None:
        self._name = name
        self._tags = {"fingerprint": fingerprint}
        self._params = params
        self._start = time.monotonic()
        self._into = into
        self._epochs: dict[int, dict[str, float]] = {}
        self._run: tuple[MlflowClient, str] | None = None
        self._off = False

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take the figures of an epoch (counted from 1), and log them once the training counts as long."""
        self._epochs[epoch] = dict(metrics)
        if self._off or time.monotonic() - self._start < LONG:
            return
        try:
            self._log()
        except _store_errors() as error:
            self._off = True
            print(f"{self._name}: not shown in MLflow while it trains ({_first_line(error)})")

    def _log(self) -> None:
        if self._run is None:
            into = self._into or store()
            with _alone(into):
                client = _client(into)
                run = find_run(client, place_of(client, into), self._tags, self._name)
            self._run = client, run.info.run_id
            if run.info.status == "FINISHED":
                self._off = True
                return
            _log_params(client, run, self._params)
        _log_epochs(*self._run, self._epochs)
        self._epochs = {}


def recorded_in_default(into: Store, tag: str, digest: str) -> bool:
    """Whether a default store, without mlflow, shows a finished run whose tag holds the digest."""
    question = """
        SELECT 1 FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)
        WHERE tags.key = ? AND tags.value = ? AND experiments.name = ?
          AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
          AND experiments.lifecycle_stage = 'active'
    """
    return bool(ask(into, question, (tag, digest, into.experiment)))


def _recorded(client: "MlflowClient", place: str, digest: str) -> bool:
    found = client.search_runs([place], f"tags.evaluation = '{digest}' AND attributes.status = 'FINISHED'")
    return bool(found)


@contextmanager
def _alone(into: Store) -> Iterator[None]:
    """Let one process at a time look for a run and make it; a server's store has no such lock."""
    if into.checkout is None:
        yield
        return
    (into.checkout / "mlruns").mkdir(exist_ok=True)
    with (into.checkout / "mlruns" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _client(into: Store) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    # Lines to click on, one a run, which hold the server's address with its password.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # By default an unreachable server is tried for four minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow import MlflowClient

    if into.checkout is not None and not (into.checkout / "mlflow.db").exists():
        # A new store notes the working folder as the place of MLflow's own experiment Default.
        with chdir(into.checkout):
            MlflowClient("sqlite:///mlflow.db").search_experiments(max_results=1)
    return MlflowClient(into.uri, into.uri)


def _store_errors() -> tuple[type[Exception], ...]:
    # mlflow passes on as they are: a database of a newer mlflow, or of Optuna, and a damaged one.
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, CommandError, SQLAlchemyError, OSError


def place_of(client: "MlflowClient", into: Store) -> str:
    """The id of the MLflow experiment, made or restored where it is missing."""
    found = client.get_experiment_by_name(into.experiment)
    if found is None:
        home = into.checkout / "mlruns" / into.experiment if into.checkout else None
        return client.create_experiment(into.experiment, artifact_location=home.as_uri() if home else None)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def find_run(client: "MlflowClient", place: str, tags: Mapping[str, str], name: str) -> "Run":
    """The run of this training, or a new one."""
    wanted = f"tags.fingerprint = '{tags['fingerprint']}' AND tags.experiment = '{name}'"
    found = client.search_runs([place], wanted, max_results=1)
    if found:
        return found[0]
    return client.create_run(place, run_name=name, tags={**tags, "experiment": name, "mlflow.user": user()})


def _write_run(client: "MlflowClient", place: str, content: run_content.RunContent, digest: str) -> None:
    from mlflow.entities import Metric, RunTag

    run = find_run(client, place, content.tags, content.name)
    run_id = run.info.run_id
    client.update_run(run_id, status="RUNNING")
    _log_params(client, run, content.params)
    _log_epochs(client, run_id, content.epochs)
    now = int(time.time() * 1000)
    changed = {key: value for key, value in content.scores.items() if run.data.metrics.get(key) != value}
    client.log_batch(run_id, [Metric(key, value, now, 0) for key, value in changed.items()])
    for artifact, path in content.files.items():
        client.log_artifact(run_id, str(path), Path(artifact).parent.as_posix().removeprefix("."))
    client.log_dict(run_id, content.evaluation, "evaluation.json")
    tags = {**content.tags, "evaluation": digest}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_terminated(run_id)


def _log_params(client: "MlflowClient", run: "Run", params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    # MLflow refuses to change a param; those of a training cannot differ, since its fingerprint holds them.
    new = [Param(key, str(value)) for key, value in params.items() if key not in run.data.params]
    client.log_batch(run.info.run_id, params=new)


def _log_epochs(client: "MlflowClient", run_id: str, epochs: Mapping[int, Mapping[str, float]]) -> None:
    """Log the epochs that the run lacks, each by one call, so that it is there whole or not at all."""
    from mlflow.entities import Metric

    first = next(iter(next(iter(epochs.values()), {})), None)
    if first is None:
        return
    present = {metric.step for metric in client.get_metric_history(run_id, first)}
    now = int(time.time() * 1000)
    for epoch, metrics in epochs.items():
        if epoch not in present:
            client.log_batch(run_id, [Metric(key, value, now, epoch) for key, value in metrics.items()])


def user() -> str:
    """The name that MLflow shows beside a run."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or "unknown"


def _first_line(error: Exception) -> str:
    return addresses.shown((str(error).splitlines() or [type(error).__name__])[0])
