"""The addresses of MLflow's pages."""

from collections.abc import Iterable
from urllib.parse import quote_plus, urlsplit

from neuralist.tracking import stamp
from neuralist.tracking.store import Store, get_experiment_id, opened, store

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


def charts_page(prefix: str, names: Iterable[str], mlflow_store: Store | None = None) -> str:
    """Return the address of the page that draws the curves of runs whose names begin so; see `runs_page`.

    MLflow searches run names by a pattern; it takes no list of them. The pattern is the shortest start of
    `prefix` that no other run's name has, and a chart needs no workflowType: the address fits 100 columns.

    Args:
        prefix: with which the names of the runs begin.
        names: of all runs.
        mlflow_store: the store; the working folder's by default.
    """
    others = [name for name in names if not name.startswith(prefix)]
    starts = (prefix[:length] for length in range(1, len(prefix)))
    start = next((start for start in starts if not any(name.startswith(start) for name in others)), prefix)
    search = quote_plus(f"run_name LIKE '{start}%'", safe="'")
    return f"{_runs(mlflow_store or store())}?compareRunsMode=CHART&searchFilter={search}"


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
