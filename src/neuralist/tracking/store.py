"""Locate the MLflow store, open it for one process at a time, and look up runs in it.

MLFLOW_TRACKING_URI names the store, else it is mlflow.db and mlruns/ of the main checkout, where plain
`mlflow ui` finds them. A workspace work/<name>/ records into the MLflow experiment neuralist-<name>, all else
into neuralist. Importing mlflow takes 3 s, so only functions that need it do.
"""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from neuralist import files
from neuralist.console.addresses import without_passwords
from neuralist.console.error_messages import first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

LONG = 30.0  # seconds after which a training or study is shown while it runs
# Of a run's metrics and params; a run's tag `layout` and its digest hold it. In the first layout, which had
# no tag, the curve and the final figure of a metric had one name. The second had some 90 metrics, with the
# ends of the intervals among them; curves were epoch/<metric>, and None was a param.
LAYOUT = "3"
# A run of these says what its files say, so it is not recorded again as long as the files stay.
READABLE = (LAYOUT, "2")
OLDER = " (older layout)"  # ends the name of a run whose files another run has anew


@dataclass(frozen=True)
class Store:
    """A tracking URI, an MLflow experiment, and the checkout of a default store (None for a server)."""

    uri: str
    experiment: str
    checkout: Path | None


def store(folder: Path | None = None) -> Store:
    """Return the store for a pipeline that runs in `folder` (by default the working folder)."""
    folder = (folder or Path.cwd()).resolve()
    checkout, workspace = main_checkout(folder), files.workspace(folder)
    experiment = f"neuralist-{workspace.name}" if workspace else "neuralist"
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri:
        return Store(uri, experiment, None)
    # Relative, because SQLAlchemy ends an absolute path at a '?'.
    database = os.path.relpath(checkout / "mlflow.db")
    return Store(f"sqlite:///{database}", experiment, checkout)


def main_checkout(folder: Path) -> Path:
    """Return the outermost checkout around `folder`, whose store its workspaces share; else `folder`."""
    return [folder, *files.checkouts(folder)][-1]


@contextmanager
def opened(mlflow_store: Store) -> Iterator["MlflowClient"]:
    """Lock the store and yield a client of it; must not be nested.

    Raises:
        ValueError: the store cannot be reached, or it refuses a request of the block.
    """
    try:
        with alone(mlflow_store):
            yield client_of(mlflow_store)
    except store_errors() as error:
        fix = "unset MLFLOW_TRACKING_URI" if mlflow_store.checkout is None else "move mlflow.db away"
        raise ValueError(
            f"MLflow store {without_passwords(mlflow_store.uri)}: {reason(error)}; repair it, or "
            f"{fix} and call `dvc repro` again: what it holds is made again from the files"
        ) from error


@contextmanager
def alone(mlflow_store: Store) -> Iterator[None]:
    """Lock a default store, so that one process at a time looks up and creates runs; a server has no lock."""
    if mlflow_store.checkout is None:
        yield
        return
    (mlflow_store.checkout / "mlruns").mkdir(exist_ok=True)
    with (mlflow_store.checkout / "mlruns" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def client_of(mlflow_store: Store) -> "MlflowClient":
    """Return a client of the store; a missing default store is created."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    # It would print a link to each run, with the password in the server's address.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # By default mlflow retries an unreachable server for four minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow import MlflowClient

    # It logs each error of a database with its traceback, beside raising it.
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
    if mlflow_store.checkout is not None and not (mlflow_store.checkout / "mlflow.db").exists():
        # A new store takes the working folder as the artifact location of MLflow's experiment Default.
        with chdir(mlflow_store.checkout):
            MlflowClient("sqlite:///mlflow.db").search_experiments(max_results=1)
    return MlflowClient(mlflow_store.uri, mlflow_store.uri)


def store_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that mlflow raises where a store cannot be used."""
    # Alembic's: a database of a newer mlflow, or of Optuna; SQLAlchemy's: a damaged one.
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, CommandError, SQLAlchemyError, OSError


def get_experiment_id(client: "MlflowClient", mlflow_store: Store) -> str:
    """Return the id of the MLflow experiment; creates or restores it where it is missing.

    MLflow keeps the absolute path of an experiment's files, and no call changes it. So in a checkout that was
    moved or copied the experiment gets another name, which says where it was, and its runs stay there; new
    ones go to an experiment of this checkout, not into the old folder.
    """
    name = mlflow_store.experiment
    if mlflow_store.checkout is None:
        experiment = _find_experiment(client, name)
        return experiment.experiment_id if experiment else client.create_experiment(name)
    folder = mlflow_store.checkout / "mlruns" / name
    experiment = _find_experiment(client, name)
    former = local_path(experiment.artifact_location) if experiment else None
    if experiment and former and former != folder and former.parts[-2:] == folder.parts[-2:]:
        client.rename_experiment(experiment.experiment_id, _name_elsewhere(name, former))
        experiment = None
    if experiment is None:
        experiment = _find_experiment(client, _name_elsewhere(name, folder))
        if experiment:  # the checkout is back where it was; or a call was killed between the two names
            client.rename_experiment(experiment.experiment_id, name)
    if experiment:
        return experiment.experiment_id
    return client.create_experiment(name, artifact_location=folder.as_uri())


def _find_experiment(client: "MlflowClient", name: str) -> "Experiment | None":
    """Return the MLflow experiment of this name, restored if it was deleted."""
    experiment = client.get_experiment_by_name(name)
    if experiment and experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return experiment


def _name_elsewhere(name: str, folder: Path) -> str:
    """Return the name of an MLflow experiment whose files are in `folder`, mlruns/<name> of another place."""
    return f"{name} (of {folder.parent.parent})"


def local_path(uri: str) -> Path | None:
    """Return the path of files that MLflow keeps on this machine; None where they are elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return Path(uri) if uri.startswith("/") else None


def is_gone(uri: str) -> bool:
    """Return whether a model's files are gone; of files elsewhere, or that may not be read, it says False."""
    folder = local_path(uri)
    try:
        if folder is not None:
            (folder / "MLmodel").stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def download_served(mlflow_store: Store, source: str, folder: Path) -> Path:
    """Copy the served folder of a version to a folder that is there; returns its path, `folder`/served.

    Args:
        mlflow_store: the store, which may be a server.
        source: the URI of the version's files, as `MlflowClient.get_model_version_download_uri` gives it.
        folder: where to copy to.
    """
    from mlflow.artifacts import download_artifacts

    uri = f"{source}/artifacts/served"
    return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder), tracking_uri=mlflow_store.uri))


def in_layouts(digest: str) -> list[str]:
    """Return a digest of files as runs hold it in a tag: with LAYOUT before it, or an earlier layout."""
    return [f"{layout}-{digest}" for layout in READABLE]


def find_recorded(
    client: "MlflowClient", experiment_id: str, tag: str, digests: Iterable[str]
) -> "Run | None":
    """Return a finished run that has one of these digests as its tag, the first of them if it can be."""
    for digest in digests:
        condition = f"tags.{tag} = '{digest}' AND attributes.status = 'FINISHED'"
        if found := client.search_runs([experiment_id], condition, max_results=1):
            return found[0]
    return None


def find_run(
    client: "MlflowClient",
    experiment_id: str,
    name: str,
    identity: Mapping[str, str],
    tags: Mapping[str, str],
    *,
    start_time: int | None = None,
) -> "Run":
    """Return the run with the tags of `identity` in this LAYOUT; creates it where it is missing.

    A run of another layout stays, under another name: MLflow cannot take a logged metric back, and a
    registered version may have its files there.

    Args:
        client: of the store.
        experiment_id: of the MLflow experiment.
        name: of a new run.
        identity: tags that no two runs share.
        tags: more tags for a new run.
        start_time: of a new run, in milliseconds since 1970; by default now.
    """
    condition = " AND ".join(f"tags.{key} = '{value}'" for key, value in identity.items())
    runs = client.search_runs([experiment_id], condition, max_results=1000)
    for run in runs:
        if run.data.tags.get("layout") == LAYOUT:
            return run
    for run in runs:
        former = (run.info.run_name or name).removesuffix(OLDER)
        client.update_run(run.info.run_id, name=f"{former}{OLDER}")
    tags = {**tags, **identity, "layout": LAYOUT, "mlflow.user": user()}
    return client.create_run(experiment_id, start_time, run_name=name, tags=tags)


def user() -> str:
    """Return the user name that MLflow shows beside a run."""
    return os.environ.get("USER") or os.environ.get("USERNAME") or "unknown"


def reason(error: Exception) -> str:
    """Return why a store cannot be used, in a line without passwords; of a database in its own words."""
    from sqlalchemy.exc import DBAPIError

    # What MLflow and SQLAlchemy say around it may begin with a hint on sessions.
    cause = error.__cause__ if isinstance(error.__cause__, DBAPIError) else error
    return without_passwords(first_line(getattr(cause, "orig", None) or error))
