"""The stamp of a default store: it answers as MLflow does, until anybody has written to the store."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuralist.tracking import stamp
from neuralist.tracking.store import Store, opened

MODEL = "neuralist"


@pytest.fixture
def client(mlflow_store: Store) -> Any:
    """A store with a recorded run and a champion, and its stamp."""
    with opened(mlflow_store) as client:
        place = client.create_experiment(
            mlflow_store.experiment, artifact_location=f"file://{mlflow_store.checkout}/mlruns/0"
        )
        for tags, status in (
            ({"evaluation": "of an experiment"}, "FINISHED"),
            ({"recorded": "of a study"}, "FINISHED"),
            ({"evaluation": "half-way"}, "RUNNING"),
            ({"trial": "0"}, "FINISHED"),
        ):
            run = client.create_run(place, tags=tags)
            client.update_run(run.info.run_id, status=status)
        client.create_registered_model(MODEL)
        client.create_model_version(MODEL, source=f"file://{mlflow_store.checkout}", tags={"served": "a"})
        client.set_registered_model_alias(MODEL, "champion", "1")
        stamp.renew(client, mlflow_store)
    return client


def run_id(client: Any, mlflow_store: Store) -> str:
    place = client.get_experiment_by_name(mlflow_store.experiment).experiment_id
    [run] = client.search_runs([place], "tags.evaluation = 'of an experiment'")
    return run.info.run_id


def test_it_holds_what_is_finished_and_what_is_registered(mlflow_store: Store, client: Any) -> None:
    found = stamp.read(mlflow_store)
    assert found is not None
    assert {name: set(runs) for name, runs in found.runs.items()} == {
        "Default": set(),
        "neuralist": {"of an experiment", "of a study"},
    }
    assert found._replace(runs={}) == stamp.StoreContent(
        {"Default": "0", "neuralist": "1"},
        {},
        {
            "neuralist": stamp.Registered(
                {"champion": "1"}, {"1": {"served": "a"}}, {"1": f"file://{mlflow_store.checkout}"}
            ),
        },
    )
    assert stamp.run_id(mlflow_store, ["unknown", "of an experiment"]) == run_id(client, mlflow_store)
    assert stamp.run_id(mlflow_store, ["half-way"]) is None
    other = Store(mlflow_store.uri, "neuralist-other", mlflow_store.checkout)
    assert stamp.run_id(other, ["of a study"]) is None


def test_a_stamp_of_the_release_before_is_none(mlflow_store: Store, client: Any) -> None:
    path = mlflow_store.checkout / "mlruns" / ".recorded.json"
    content = json.loads(path.read_text())
    content["runs"] = {name: list(runs) for name, runs in content["runs"].items()}
    path.write_text(json.dumps(content))
    assert stamp.read(mlflow_store) is None


def test_who_only_reads_the_store_leaves_it_as_it_is(mlflow_store: Store, client: Any) -> None:
    client.search_runs([client.get_experiment_by_name(mlflow_store.experiment).experiment_id])
    code = f"from mlflow import MlflowClient; MlflowClient({mlflow_store.uri!r}).search_experiments()"
    subprocess.run([sys.executable, "-c", code], check=True)

    assert stamp.run_id(mlflow_store, ["of a study"])


def by_another_process(mlflow_store: Store, code: str) -> None:
    uri = mlflow_store.uri
    start = f"from mlflow import MlflowClient; client = MlflowClient({uri!r}, {uri!r}); "
    subprocess.run([sys.executable, "-c", start + code], check=True)


@pytest.mark.parametrize(
    "write",
    [
        lambda client, mlflow_store: client.delete_run(run_id(client, mlflow_store)),
        lambda client, mlflow_store: by_another_process(
            mlflow_store, f"client.delete_run({run_id(client, mlflow_store)!r})"
        ),
        lambda client, mlflow_store: client.set_tag(
            run_id(client, mlflow_store), "evaluation", "of another one"
        ),
        lambda client, mlflow_store: client.update_run(run_id(client, mlflow_store), status="FAILED"),
        lambda client, mlflow_store: client.delete_experiment(
            client.get_experiment_by_name(mlflow_store.experiment).experiment_id
        ),
        lambda client, mlflow_store: client.delete_model_version(MODEL, "1"),
        lambda client, mlflow_store: client.delete_registered_model(MODEL),
        lambda client, mlflow_store: client.delete_registered_model_alias(MODEL, "champion"),
        lambda client, mlflow_store: client.set_model_version_tag(MODEL, "1", "served", "b"),
    ],
)
def test_any_write_ends_it_and_a_new_one_says_what_mlflow_says(
    mlflow_store: Store, client: Any, write: Callable[[Any, Store], None]
) -> None:
    before = stamp.read(mlflow_store)
    write(client, mlflow_store)

    assert stamp.read(mlflow_store) is None
    stamp.renew(client, mlflow_store)
    after = stamp.read(mlflow_store)
    assert after is not None
    assert after != before
    assert after.models == stamp.models(client, mlflow_store, after.models)


def test_what_mlflow_gc_removes_for_good_ends_it(mlflow_store: Store, client: Any) -> None:
    client.delete_run(run_id(client, mlflow_store))
    stamp.renew(client, mlflow_store)
    assert stamp.read(mlflow_store) is not None
    command = [sys.executable, "-m", "mlflow", "gc"]
    command += ["--backend-store-uri", mlflow_store.uri, "--tracking-uri", mlflow_store.uri]
    subprocess.run(command, check=True, capture_output=True)

    assert stamp.read(mlflow_store) is None


def test_a_store_that_is_gone_or_another_in_its_place_ends_it(
    mlflow_store: Store, client: Any, empty_database: Path, tmp_path: Path
) -> None:
    database = tmp_path / "mlflow.db"
    shutil.copy2(database, tmp_path / "kept.db")
    database.unlink()
    assert stamp.read(mlflow_store) is None
    shutil.copy(empty_database, database)
    assert stamp.read(mlflow_store) is None
    shutil.copy2(tmp_path / "kept.db", database)  # the same bytes, of which nobody can tell that in time
    assert stamp.read(mlflow_store) is None


def test_an_older_copy_put_back_with_its_times_ends_it(
    mlflow_store: Store, client: Any, tmp_path: Path
) -> None:
    database = tmp_path / "mlflow.db"
    shutil.copy2(database, tmp_path / "older.db")
    client.set_tag(run_id(client, mlflow_store), "evaluation", "of another one")  # the file keeps its size
    stamp.renew(client, mlflow_store)
    found = database.stat()
    assert stamp.run_id(mlflow_store, ["of another one"])

    shutil.copy2(tmp_path / "older.db", database)
    os.utime(database, ns=(found.st_atime_ns, found.st_mtime_ns))
    now = database.stat()
    assert (now.st_ino, now.st_size, now.st_mtime_ns) == (found.st_ino, found.st_size, found.st_mtime_ns)
    assert stamp.read(mlflow_store) is None


def test_what_is_written_while_mlflow_is_asked_leaves_no_stamp(
    mlflow_store: Store, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = stamp.models

    def slowly(*given: Any) -> Any:
        answer = ask(*given)
        client.delete_run(run_id(client, mlflow_store))
        return answer

    client.set_tag(run_id(client, mlflow_store), "note", "so that the stamp is an old one")
    with monkeypatch.context() as patch:
        patch.setattr(stamp, "models", slowly)
        stamp.renew(client, mlflow_store)
    assert stamp.read(mlflow_store) is None


def test_two_writes_within_a_tick_of_the_clock_are_told_apart(
    mlflow_store: Store, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the clock of file times stands still for 30 ms after each write."""
    look = stamp._database_state
    end = time.monotonic() + 0.03

    def coarse(given: Store) -> Any:
        return look(given) if time.monotonic() > end else [0, 0, 0, 0]

    monkeypatch.setattr(stamp, "_database_state", coarse)
    stamp.renew(client, mlflow_store)
    assert json.loads((mlflow_store.checkout / "mlruns/.recorded.json").read_text())["database"] != [
        0,
        0,
        0,
        0,
    ]


def test_a_store_that_never_rests_has_none(
    mlflow_store: Store, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mlflow_store.checkout / "mlruns/.recorded.json"
    path.unlink()
    monkeypatch.setattr(stamp, "TICK_S", 0.0)
    monkeypatch.setattr(stamp, "_database_state", lambda given: [time.monotonic_ns()])
    stamp.renew(client, mlflow_store)
    assert not path.exists()


def test_a_store_whose_writes_go_to_another_file_first_has_none(
    mlflow_store: Store, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "mlflow.db-wal").touch()
    assert stamp.read(mlflow_store) is None


def test_a_servers_store_has_none(mlflow_store: Store, client: Any, tmp_path: Path) -> None:
    (tmp_path / "mlruns/.recorded.json").unlink()
    server = Store(mlflow_store.uri, mlflow_store.experiment, None)
    stamp.renew(client, server)
    assert stamp.read(server) is None
    assert not (tmp_path / "mlruns/.recorded.json").exists()


def test_in_a_checkout_that_was_moved_it_says_nothing(
    mlflow_store: Store, client: Any, tmp_path: Path
) -> None:
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    tmp_path.rename(moved)  # which leaves mlflow.db with its inode and its times
    assert stamp.read(Store(mlflow_store.uri, mlflow_store.experiment, moved)) is None
    moved.rename(tmp_path)
    assert stamp.read(mlflow_store) is not None


def test_a_version_is_lost_where_its_files_are_gone_from_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20c#d?é"
    folder.mkdir()
    (folder / "MLmodel").touch()
    sources = {"1": folder.as_uri(), "2": str(folder), "3": (tmp_path / "b").as_uri(), "4": "/nowhere"}
    sources |= {"5": "s3://bucket/neuralist", "6": "mlflow-artifacts:/1", "7": "models:/m-1", "8": ""}
    model = stamp.Registered({}, {number: {"served": "a"} for number in ("4", "3", "2", "1")}, sources)

    assert [number for number in sources if model.is_lost(number)] == ["3", "4"]
    assert model.version_of("a") == "2"


def test_files_that_may_not_be_read_are_not_called_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "stat", refuse)
    assert not stamp.Registered({}, {"1": {}}, {"1": tmp_path.as_uri()}).is_lost("1")


def test_the_files_of_a_server_are_never_called_gone(mlflow_store: Store, client: Any) -> None:
    server = replace(mlflow_store, checkout=None)
    assert {model.sources == {} for model in stamp.models(client, server, [MODEL]).values()} == {True}


DAMAGED = itertools.product(
    ("database", "checkout", "experiments", "runs", "models"), (None, 3, [], {"neuralist": 1}, "cut")
)


def test_a_damaged_one_says_nothing(mlflow_store: Store, client: Any, tmp_path: Path) -> None:
    path = tmp_path / "mlruns/.recorded.json"
    text = path.read_text()
    for key, value in DAMAGED:
        path.write_text(text[:-9] if value == "cut" else json.dumps(json.loads(text) | {key: value}))
        assert stamp.read(mlflow_store) is None, (key, value)
    path.write_text(text)
    assert stamp.read(mlflow_store) is not None
