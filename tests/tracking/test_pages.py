"""The address of the page that lists the runs."""

import pytest

from neuralist.tracking import pages, stamp
from neuralist.tracking.store import Store, opened

# Made stamps: no store is opened here, and mlflow is not imported.
CONTENT = stamp.StoreContent({"Default": "0", "neuralist": "1", "neuralist-real": "7"}, {}, {})


@pytest.mark.parametrize(
    ("uri", "experiment", "address"),
    [
        ("sqlite:///mlflow.db", "neuralist", "http://127.0.0.1:5000/#/experiments/1/runs"),
        ("sqlite:///../../mlflow.db", "neuralist-real", "http://127.0.0.1:5000/#/experiments/7/runs"),
        ("http://mlflow:5000", "neuralist", "http://mlflow:5000/#/experiments/1/runs"),
        ("https://team:s3cret@host/mlflow/", "neuralist", "https://host/mlflow/#/experiments/1/runs"),
    ],
)
def test_the_page_is_that_of_the_store_in_use(
    monkeypatch: pytest.MonkeyPatch, uri: str, experiment: str, address: str
) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT)
    found = pages.runs_page(Store(uri, experiment, None))
    assert found == f"{address}?workflowType=machine_learning"


def test_the_page_of_charts_is_that_of_runs_whose_names_begin_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT)
    mlflow_store = Store("sqlite:///mlflow.db", "neuralist", None)

    search = "compareRunsMode=CHART&searchFilter=attributes.run_name%20LIKE%20'words%25'"
    assert pages.charts_page("words", mlflow_store) == f"{pages.runs_page(mlflow_store)}&{search}"


def test_without_a_stamp_mlflow_is_queried(mlflow_store: Store) -> None:
    with opened(mlflow_store) as client:
        client.create_experiment("another")
        client.create_experiment("neuralist")

    page = "http://127.0.0.1:5000/#/experiments/2/runs?workflowType=machine_learning"
    assert pages.runs_page(mlflow_store) == page
    with opened(mlflow_store) as client:
        stamp.renew(client, mlflow_store)
    assert pages.runs_page(mlflow_store) == page
