"""The MLflow store: where it is, opened by one process at a time, and how runs are found in it.

It is the store that MLFLOW_TRACKING_URI names, else mlflow.db and mlruns/ of the main checkout, where plain
`mlflow ui` finds them. A workspace work/<name>/ records into the MLflow experiment neuralist-<name>, all else
into neuralist. Importing mlflow takes 3 s, so only functions that need it do.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist import console, files

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
    """The outermost checkout around `folder`, whose store its workspaces share; else `folder` itself."""
    return [folder, *files.checkouts(folder)][-1]


@contextmanager
def opened(into: Store) -> Iterator["MlflowClient"]:
    """Have the store for oneself; not to be nested.

    Raises:
        ValueError: the store cannot be reached, or refuses what the block asks of it.
    """
    try:
        with alone(into):
            yield client_of(into)
    except store_errors() as error:
        mend = "unset MLFLOW_TRACKING_URI" if into.checkout is None else "move mlflow.db away"
        raise ValueError(
            f"MLflow store {console.without_passwords(into.uri)}: {first_line(error)}; mend it, or "
            f"{mend} and call `dvc repro` again: what it holds is made again from the files"
        ) from error


@contextmanager
def alone(into: Store) -> Iterator[None]:
    """Let one process at a time look for a run and make it; a server's store has no such lock."""
    if into.checkout is None:
        yield
        return
    (into.checkout / "mlruns").mkdir(exist_ok=True)
    with (into.checkout / "mlruns" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def client_of(into: Store) -> "MlflowClient":
    """A client of the store, which is made where it is missing."""
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


def store_errors() -> tuple[type[Exception], ...]:
    """What mlflow raises where a store cannot be used."""
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


def has_run(client: "MlflowClient", place: str, tag: str, digest: str) -> bool:
    """Whether a finished run's tag holds the digest."""
    wanted = f"tags.{tag} = '{digest}' AND attributes.status = 'FINISHED'"
    return bool(client.search_runs([place], wanted, max_results=1))


def find_run(client: "MlflowClient", place: str, tags: Mapping[str, str], name: str) -> "Run":
    """The run of this training, or a new one."""
    wanted = f"tags.fingerprint = '{tags['fingerprint']}' AND tags.experiment = '{name}'"
    found = client.search_runs([place], wanted, max_results=1)
    if found:
        return found[0]
    return client.create_run(place, run_name=name, tags={**tags, "experiment": name, "mlflow.user": user()})


def user() -> str:
    """The name that MLflow shows beside a run."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or "unknown"


def first_line(error: Exception) -> str:
    """The first line of an error, without passwords."""
    return console.without_passwords((str(error).splitlines() or [type(error).__name__])[0])
