"""The addresses of MLflow's pages."""

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

from neuralist.tracking import run_content, stamp
from neuralist.tracking.store import (
    Store,
    find_recorded,
    get_experiment_id,
    in_layouts,
    opened,
    store,
)

LOCAL = "http://127.0.0.1:5000"  # where plain `mlflow ui` listens


def runs_page(mlflow_store: Store | None = None) -> str:
    """Return the address of the page that lists the runs of the store's MLflow experiment.

    Plain `mlflow ui` opens a page for traces of language models, where no run is seen. mlflow is not imported
    where the store's stamp holds the experiment's id.

    Args:
        mlflow_store: the store; the working folder's by default.

    Raises:
        ValueError: the store cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    return f"{_runs(mlflow_store)}?workflowType=machine_learning"


def compare_page(
    names: Iterable[str], artifacts: Path, raw: Path, mlflow_store: Store | None = None
) -> str | None:
    """Return the address of the page with runs side by side; None where the store lacks one of them.

    Their params and figures stand there in columns, of what differs if so chosen. It asks for the runs' ids,
    which no two stores share.

    Args:
        names: of the experiments, as they are in `artifacts`.
        artifacts: holds estimates/ and experiments/<name>/.
        raw: the raw folder.
        mlflow_store: the store; the working folder's by default.

    Raises:
        ValueError: a file is missing, or the store cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    digests = [in_layouts(run_content.digest(artifacts, raw, name)) for name in names]
    ids = [stamp.run_id(mlflow_store, of_run) for of_run in digests]
    if None in ids and stamp.read(mlflow_store) is None:
        with opened(mlflow_store) as client:
            experiment_id = get_experiment_id(client, mlflow_store)
            found = [find_recorded(client, experiment_id, "evaluation", of_run) for of_run in digests]
        ids = [run.info.run_id if run else None for run in found]
    if None in ids:
        return None
    runs, experiments = (
        quote(json.dumps(of, separators=(",", ":")), safe=",") for of in (ids, [_experiment_id(mlflow_store)])
    )
    return f"{_site(mlflow_store.uri)}/#/compare-runs?runs={runs}&experiments={experiments}"


def compare_pages(artifacts: Path, raw: Path) -> dict[str, str]:
    """Return the page of each group of experiments that differ in max_tokens alone, by the group's names.

    Groups of which the store lacks a run are left out. The names are joined, as "words15 beside words300".

    Raises:
        ValueError: see `run_content.of_unlike_lengths` and `compare_page`.
    """
    groups = run_content.of_unlike_lengths(artifacts)
    compared = {" beside ".join(group): compare_page(group, artifacts, raw) for group in groups}
    return {names: address for names, address in compared.items() if address}


def _runs(mlflow_store: Store) -> str:
    return f"{_site(mlflow_store.uri)}/#/experiments/{_experiment_id(mlflow_store)}/runs"


def _site(uri: str) -> str:
    """Return the address of a server without its password, or that of `mlflow ui` for a database."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return LOCAL
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _experiment_id(mlflow_store: Store) -> str:
    content = stamp.read(mlflow_store)
    if content is not None and mlflow_store.experiment in content.experiments:
        return content.experiments[mlflow_store.experiment]
    with opened(mlflow_store) as client:
        return get_experiment_id(client, mlflow_store)
