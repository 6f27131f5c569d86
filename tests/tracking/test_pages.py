"""The address of the page that lists the runs."""

from urllib.parse import parse_qs

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


@pytest.mark.parametrize(
    ("others", "start"),
    [
        (["lyrics", "songs15", "tuned"], "w"),
        ([], "w"),
        (["walrus", "wor"], "word"),
        (["wordless"], "words"),
    ],
)
def test_the_page_of_charts_has_the_shortest_start_that_no_other_run_has(
    monkeypatch: pytest.MonkeyPatch, others: list[str], start: str
) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT)
    mlflow_store = Store("sqlite:///mlflow.db", "neuralist", None)

    page = pages.charts_page("words", ["words15", "words300", *others], mlflow_store)
    assert page == (
        "http://127.0.0.1:5000/#/experiments/1/runs"
        f"?compareRunsMode=CHART&searchFilter=run_name+LIKE+'{start}%25'"
    )


def test_the_address_of_the_demos_charts_fits_100_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT)
    mlflow_store = Store("sqlite:///mlflow.db", "neuralist", None)
    demo = ["lyrics", "songs15", "songs300", "tuned", "words15", "words300"]

    assert len(f"  {pages.charts_page('words', demo, mlflow_store)}") <= 100


def test_mlflow_takes_the_search_of_the_charts_for_the_runs_of_that_start(mlflow_store: Store) -> None:
    with opened(mlflow_store) as client:
        experiment = client.create_experiment("neuralist")
        names = ["words15", "words300", "lyrics", "sawdust"]
        for name in names:
            client.create_run(experiment, run_name=name)
    page = pages.charts_page("words", names, mlflow_store)
    [search] = parse_qs(page.partition("?")[2])["searchFilter"]
    with opened(mlflow_store) as client:
        shown = [run.info.run_name for run in client.search_runs([experiment], search)]
    assert sorted(shown) == ["words15", "words300"]


def test_without_a_stamp_mlflow_is_queried(mlflow_store: Store) -> None:
    with opened(mlflow_store) as client:
        client.create_experiment("another")
        client.create_experiment("neuralist")

    page = "http://127.0.0.1:5000/#/experiments/2/runs?workflowType=machine_learning"
    assert pages.runs_page(mlflow_store) == page
    with opened(mlflow_store) as client:
        stamp.renew(client, mlflow_store)
    assert pages.runs_page(mlflow_store) == page
