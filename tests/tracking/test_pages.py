"""The address of the page that lists the runs."""

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests import made_records

from neuralist.config import records
from neuralist.tracking import pages, run_content, stamp
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


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Estimates of two experiments, which is all that the page asks for."""
    for name in ("words15", "words300"):
        path = tmp_path / "artifacts" / "estimates" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "artifacts"


def test_experiments_that_differ_in_what_they_read_alone_stand_beside_each_other(tmp_path: Path) -> None:
    settings = {
        "long": {"max_tokens": 300},
        "another": {"max_tokens": 15, "units": 7},
        "short": {"max_tokens": 15},
        "words15": {"max_tokens": 15, "dropout": 0.5},
        "words9": {"max_tokens": 9, "units": 7},
    }
    for name, own in settings.items():
        (tmp_path / "estimates").mkdir(exist_ok=True)
        (tmp_path / "estimates" / f"{name}.json").touch()
        record = made_records.trained(name, own)
        records.save(record, tmp_path / "experiments" / name / "experiment.json")

    assert run_content.of_unlike_lengths(tmp_path) == [["short", "long"], ["words9", "another"]]


def digests(artifacts: Path) -> list[str]:
    return [f"3-{run_content.digest(artifacts, Path('data'), name)}" for name in ("words15", "words300")]


def test_the_page_of_two_experiments_asks_for_their_runs_of_now(
    monkeypatch: pytest.MonkeyPatch, artifacts: Path
) -> None:
    runs = dict(zip(digests(artifacts), ("a" * 32, "b" * 32), strict=True))
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT._replace(runs={"neuralist": {"older": "c"} | runs}))
    mlflow_store = Store("sqlite:///mlflow.db", "neuralist", None)

    page = pages.compare_page(["words15", "words300"], artifacts, Path("data"), mlflow_store)
    assert page is not None
    address, _, query = page.partition("?")
    assert address == "http://127.0.0.1:5000/#/compare-runs"
    asked = {key: json.loads(value) for key, [value] in parse_qs(query).items()}
    assert asked == {"runs": ["a" * 32, "b" * 32], "experiments": ["1"]}


def test_without_a_run_of_each_there_is_no_page_of_two(
    monkeypatch: pytest.MonkeyPatch, artifacts: Path
) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: CONTENT._replace(runs={"neuralist": {}}))
    mlflow_store = Store("sqlite:///mlflow.db", "neuralist", None)
    assert pages.compare_page(["words15", "words300"], artifacts, Path("data"), mlflow_store) is None


def test_without_a_stamp_the_runs_of_two_are_looked_up_in_mlflow(
    mlflow_store: Store, artifacts: Path
) -> None:
    with opened(mlflow_store) as client:
        place = client.create_experiment("neuralist")
        ids = []
        for digest in digests(artifacts):
            run = client.create_run(place, tags={"evaluation": digest})
            client.set_terminated(run.info.run_id)
            ids.append(run.info.run_id)
    page = pages.compare_page(["words15", "words300"], artifacts, Path("data"), mlflow_store)
    assert page is not None
    assert json.loads(parse_qs(page.partition("?")[2])["runs"][0]) == ids


def test_without_a_stamp_mlflow_is_queried(mlflow_store: Store) -> None:
    with opened(mlflow_store) as client:
        client.create_experiment("another")
        client.create_experiment("neuralist")

    page = "http://127.0.0.1:5000/#/experiments/2/runs?workflowType=machine_learning"
    assert pages.runs_page(mlflow_store) == page
    with opened(mlflow_store) as client:
        stamp.renew(client, mlflow_store)
    assert pages.runs_page(mlflow_store) == page
