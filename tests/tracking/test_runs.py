"""MLflow runs: made once from the files, completed after a kill, refreshed when the evaluation changes."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests import made_records, trained
from tests.older_run import older_run
from tests.study_files import write_study

from neuralist.config import records
from neuralist.tracking import runs as training_runs
from neuralist.tracking.runs import LiveRun, record
from neuralist.tracking.store import Store, get_experiment_id, store

ROOT = Path(__file__).resolve().parents[2]
PARAMS = {"target": "listed_only", "max_tokens": 15, "units": 4}
FINGERPRINT = "f" * 64
HISTORY = "epoch,loss,accuracy,val_loss,val_accuracy\n1,0.5,0.6,0.55,0.5\n2,0.25,0.75,0.5,0.625\n"


def write_metrics(artifacts: Path, name: str, value: float) -> None:
    """An experiment's metrics, of which Spearman is given on test and ROC AUC is undefined."""
    entry = trained.entry()
    entry["splits"]["test"] |= {"n_pairs": 7, "n_songs": 5}
    entry["splits"]["test"]["metrics"] |= {
        "spearman": trained.figure(value, value - 0.125, value + 0.125),
        "roc_auc": trained.figure(None) | {"reason": "one class only"},
    }
    [metrics] = trained.metrics(one=entry).values()
    records.save(metrics, artifacts / "metrics" / f"{name}.json")


def write_val(artifacts: Path, **figures: float) -> None:
    """An experiment's metrics, with these on val."""
    entry = trained.entry()
    entry["splits"]["val"]["metrics"] |= {name: trained.figure(value) for name, value in figures.items()}
    [metrics] = trained.metrics(one=entry).values()
    records.save(metrics, artifacts / "metrics" / "songs15.json")


def write_artifacts(folder: Path, name: str = "songs15", fingerprint: str = FINGERPRINT) -> Path:
    """The files that the stages before `track` leave, as small as they can be."""
    experiment = folder / "experiments" / name
    experiment.mkdir(parents=True)
    record = made_records.trained(name, PARAMS, fingerprint=fingerprint)
    records.save(record, experiment / "experiment.json")
    (experiment / "history.csv").write_text(HISTORY)
    (experiment / "model.keras").write_bytes(b"weights")
    (folder / "figures").mkdir()
    (folder / "figures" / "curves.png").write_bytes(b"picture")
    (folder / "results.md").write_text("a table")
    write_metrics(folder, name, 0.5)
    return folder


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return write_artifacts(tmp_path / "artifacts")


def runs(mlflow_store: Store) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_store.uri)
    found = client.get_experiment_by_name(mlflow_store.experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def curve(mlflow_store: Store, run: Any, metric: str) -> dict[int, float]:
    from mlflow import MlflowClient

    history = MlflowClient(mlflow_store.uri).get_metric_history(run.info.run_id, metric)
    assert len({point.step for point in history}) == len(history), "an epoch was logged twice"
    return {point.step: point.value for point in history}


def values(mlflow_store: Store, run: Any, metric: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    history = MlflowClient(mlflow_store.uri).get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.value) for point in history)


def shown(run: Any) -> set[str]:
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_finished_and_named_after_its_experiment(mlflow_store: Store, artifacts: Path) -> None:
    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    (run,) = runs(mlflow_store)
    assert (run.info.run_name, run.info.status) == ("songs15", "FINISHED")
    assert run.data.tags["fingerprint"] == FINGERPRINT
    assert run.data.tags["protocol"] == "songs"


def test_a_run_shows_the_params_of_its_experiment(mlflow_store: Store, artifacts: Path) -> None:
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert run.data.params["units"] == "4"
    assert run.data.params["vectors.source"] == "auto"
    assert run.data.params["pairs.test_fold"] == "0"


def test_a_run_shows_a_curve_by_epoch(mlflow_store: Store, artifacts: Path) -> None:
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert curve(mlflow_store, run, "training/loss") == {1: 0.5, 2: 0.25}
    assert curve(mlflow_store, run, "training/val_binary_accuracy") == {1: 0.5, 2: 0.625}


def test_a_run_shows_test_metrics_with_their_intervals(mlflow_store: Store, artifacts: Path) -> None:
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    expected = {"spearman": 0.5, "spearman_low": 0.375, "spearman_high": 0.625, "n_pairs": 7, "n_songs": 5}
    assert {name: run.data.metrics[f"test_{name}"] for name in expected} == expected
    assert "test_roc_auc" not in run.data.metrics, "it is undefined"


def test_a_run_has_the_files_of_its_experiment_and_the_corpus_yaml(
    mlflow_store: Store, artifacts: Path
) -> None:
    (artifacts.parent / "data").mkdir()
    (artifacts.parent / "data" / "corpus.yaml").write_text("similarity_range: [0, 1]\n")
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    expected = {"experiment.json", "history.csv", "model.keras", "figures/curves.png", "results.md"}
    assert shown(run) == expected | {"metrics/songs15.json", "corpus.yaml"}


def test_figures_of_the_kept_model_stand_apart_from_curves(mlflow_store: Store, artifacts: Path) -> None:
    # The kept model is of the first epoch; the last one is worse.
    history = "epoch,loss,val_spearman,val_listed_auc\n1,0.5,0.5,0.75\n2,0.25,0.375,0.625\n"
    (artifacts / "experiments" / "songs15" / "history.csv").write_text(history)
    write_val(artifacts, spearman=0.5, listed_auc=0.875)

    record(artifacts, Path("data"), mlflow_store)

    (run,) = runs(mlflow_store)
    expected = {
        "training/loss": {1: 0.5, 2: 0.25},
        "training/val_spearman": {1: 0.5, 2: 0.375},
        "training/val_pooled_listed_auc": {1: 0.75, 2: 0.625},
        "val_spearman": {0: 0.5},
        "val_listed_auc": {0: 0.875},
    }
    assert {name: curve(mlflow_store, run, name) for name in expected} == expected
    assert {name for name in run.data.metrics if name.startswith("training/")} == {
        name for name in expected if name.startswith("training/")
    }
    assert (run.data.metrics["val_spearman"], run.data.metrics["val_listed_auc"]) == (0.5, 0.875)


def test_a_run_of_the_older_layout_is_made_again(mlflow_store: Store, artifacts: Path) -> None:
    # Curve and final figure of one name, as the first release logged them.
    older = older_run(mlflow_store, {"fingerprint": FINGERPRINT, "experiment": "songs15"}, "songs15")

    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    assert record(artifacts, Path("data"), mlflow_store) == []
    by_name = {run.info.run_name: run for run in runs(mlflow_store)}
    assert set(by_name) == {"songs15", "songs15 (older layout)"}
    assert by_name["songs15 (older layout)"].info.run_id == older
    assert by_name["songs15"].data.tags["layout"] == "2"
    assert by_name["songs15"].data.metrics["test_spearman"] == 0.5
    assert "loss" not in by_name["songs15"].data.metrics


def test_recording_again_adds_nothing(mlflow_store: Store, artifacts: Path) -> None:
    record(artifacts, Path("data"), mlflow_store)
    before = [run.to_dictionary() for run in runs(mlflow_store)]

    assert record(artifacts, Path("data"), mlflow_store) == []
    assert [run.to_dictionary() for run in runs(mlflow_store)] == before


def test_a_new_evaluation_refreshes_the_run_of_the_same_training(
    mlflow_store: Store, artifacts: Path
) -> None:
    record(artifacts, Path("data"), mlflow_store)
    write_metrics(artifacts, "songs15", 0.75)
    (artifacts / "figures" / "curves.png").write_bytes(b"another picture")

    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]

    (run,) = runs(mlflow_store)
    assert run.data.metrics["test_spearman"] == 0.75
    assert values(mlflow_store, run, "test_spearman") == [(0, 0.5), (0, 0.75)]
    assert values(mlflow_store, run, "test_mse") == [(0, 0.25)], "a figure that stayed was logged again"
    assert curve(mlflow_store, run, "training/loss") == {1: 0.5, 2: 0.25}
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    assert (folder / "figures" / "curves.png").read_bytes() == b"another picture"


def test_another_training_of_the_experiment_is_another_run(
    mlflow_store: Store, artifacts: Path, tmp_path: Path
) -> None:
    record(artifacts, Path("data"), mlflow_store)
    record(write_artifacts(tmp_path / "wider", fingerprint="e" * 64), Path("data"), mlflow_store)

    assert {run.data.tags["fingerprint"] for run in runs(mlflow_store)} == {FINGERPRINT, "e" * 64}
    assert {run.info.run_name for run in runs(mlflow_store)} == {"songs15"}


def test_two_experiments_with_one_fingerprint_are_two_runs(mlflow_store: Store, artifacts: Path) -> None:
    shutil.copytree(artifacts / "experiments" / "songs15", artifacts / "experiments" / "twin")
    write_metrics(artifacts, "twin", 0.5)

    record(artifacts, Path("data"), mlflow_store)

    assert sorted(run.info.run_name for run in runs(mlflow_store)) == ["songs15", "twin"]


@pytest.mark.parametrize("step", ["log_artifact", "log_batch", "set_terminated"])
def test_a_recording_killed_half_way_is_completed(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from mlflow import MlflowClient

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, step, killed)
        with pytest.raises(KeyboardInterrupt):
            record(artifacts, Path("data"), mlflow_store)

    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    (run,) = runs(mlflow_store)
    assert run.info.status == "FINISHED"
    assert curve(mlflow_store, run, "training/loss") == {1: 0.5, 2: 0.25}
    assert "model.keras" in shown(run)


def test_a_deleted_run_is_made_again(mlflow_store: Store, artifacts: Path) -> None:
    from mlflow import MlflowClient

    record(artifacts, Path("data"), mlflow_store)
    MlflowClient(mlflow_store.uri).delete_run(runs(mlflow_store)[0].info.run_id)

    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    assert len(runs(mlflow_store)) == 1


def test_a_deleted_mlflow_experiment_is_restored(mlflow_store: Store, artifacts: Path) -> None:
    from mlflow import MlflowClient

    record(artifacts, Path("data"), mlflow_store)
    client = MlflowClient(mlflow_store.uri)
    client.delete_experiment(runs(mlflow_store)[0].info.experiment_id)

    record(artifacts, Path("data"), mlflow_store)
    assert [run.info.status for run in runs(mlflow_store)] == ["FINISHED"]


def test_in_a_moved_checkout_runs_are_recorded_again_and_not_into_the_old_folder(
    mlflow_store: Store, artifacts: Path, tmp_path: Path
) -> None:
    record(artifacts, Path("data"), mlflow_store)
    new = tmp_path / "new"
    new.mkdir()
    for name in ("mlflow.db", "mlruns"):
        shutil.move(tmp_path / name, new / name)
    store_there = Store(f"sqlite:///{new}/mlflow.db", "neuralist", new)

    assert record(artifacts, Path("data"), store_there) == ["songs15"]
    assert record(artifacts, Path("data"), store_there) == []
    assert not (tmp_path / "mlruns" / "neuralist").exists()
    (run,) = runs(store_there)
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(new)
    assert "model.keras" in shown(run)
    (older,) = runs(Store(store_there.uri, f"neuralist (of {tmp_path})", new))
    assert older.info.run_name == "songs15"


def test_an_experiment_whose_renaming_was_killed_half_way_gets_its_name_back(
    mlflow_store: Store, artifacts: Path, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    record(artifacts, Path("data"), mlflow_store)
    client = MlflowClient(mlflow_store.uri)
    own = client.get_experiment_by_name("neuralist")
    assert own is not None
    # What a checkout that came back leaves when it is killed between its two calls.
    client.rename_experiment(own.experiment_id, f"neuralist (of {tmp_path})")

    assert get_experiment_id(client, mlflow_store) == own.experiment_id
    assert client.get_experiment(own.experiment_id).name == "neuralist"


def test_a_damaged_store_is_one_clear_error(mlflow_store: Store, artifacts: Path, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    # Another spelling: mlflow keeps a store that it has opened once.
    damaged = Store(f"{mlflow_store.uri}?timeout=5", mlflow_store.experiment, mlflow_store.checkout)

    with pytest.raises(ValueError, match=r"move mlflow\.db away"):
        record(artifacts, Path("data"), damaged)


def test_a_database_of_another_program_is_one_clear_error(artifacts: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('v3.2.0.a')")
    another = Store(f"sqlite:///{tmp_path}/optuna.db", "neuralist", None)

    with pytest.raises(ValueError, match=r"v3\.2\.0\.a.*unset MLFLOW_TRACKING_URI"):
        record(artifacts, Path("data"), another)


def test_a_server_out_of_reach_is_named_without_its_password(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = Store("http://team:s3cret@127.0.0.1:1", "neuralist", None)

    with pytest.raises(ValueError, match=r"http://team:\*\*\*@127\.0\.0\.1:1") as told:
        record(artifacts, Path("data"), away)
    assert "s3cret" not in str(told.value)


def test_missing_results_are_one_clear_error(mlflow_store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"metrics: no metrics there; run `dvc repro`"):
        record(tmp_path / "nothing", Path("data"), mlflow_store)


# --- the live view ---------------------------------------------------------------------------------


def epoch(number: int) -> dict[str, float]:
    return {"loss": 1 / number, "val_loss": 2 / number}


def test_a_short_training_leaves_mlflow_alone(mlflow_store: Store) -> None:
    live = LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)
    live(1, epoch(1))

    assert runs(mlflow_store) == []


def test_a_training_that_grows_long_is_shown_with_its_earlier_epochs(
    mlflow_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)
    live(1, epoch(1))
    monkeypatch.setattr(training_runs, "LONG", 0.0)
    live(2, epoch(2))
    live(3, epoch(3))

    (run,) = runs(mlflow_store)
    assert run.info.status == "RUNNING"
    assert run.data.params["units"] == "4"
    assert curve(mlflow_store, run, "training/loss") == {1: 1, 2: 1 / 2, 3: 1 / 3}


def test_a_killed_training_goes_on_in_its_run(mlflow_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_runs, "LONG", 0.0)
    LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)(1, epoch(1))
    resumed = LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)
    resumed(1, epoch(1))
    resumed(2, epoch(2))

    (run,) = runs(mlflow_store)
    assert curve(mlflow_store, run, "training/val_loss") == {1: 2, 2: 1}


def test_the_track_stage_finishes_a_live_run(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_runs, "LONG", 0.0)
    LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)(1, {"loss": 0.5})

    record(artifacts, Path("data"), mlflow_store)

    (run,) = runs(mlflow_store)
    assert run.info.status == "FINISHED"
    assert curve(mlflow_store, run, "training/loss") == {1: 0.5, 2: 0.25}


def test_training_a_finished_run_again_leaves_it_as_it_is(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(artifacts, Path("data"), mlflow_store)
    monkeypatch.setattr(training_runs, "LONG", 0.0)
    live = LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)
    live(1, epoch(1))
    live(3, epoch(3))

    (run,) = runs(mlflow_store)
    assert run.info.status == "FINISHED"
    assert curve(mlflow_store, run, "training/loss") == {1: 0.5, 2: 0.25}


def test_a_store_out_of_reach_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_runs, "LONG", 0.0)
    (tmp_path / "mlflow.db").mkdir()
    live = LiveRun("songs15", FINGERPRINT, PARAMS, Store("unknown://nowhere", "neuralist", tmp_path))
    live(1, epoch(1))
    live(2, epoch(2))

    assert len(capsys.readouterr().out.splitlines()) == 1


# --- where the store is ----------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Store]:
    """Gives the store seen from a folder inside a checkout, itself looking like one."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def seen_from(inside: str) -> Store:
        for folder in (tmp_path, tmp_path / inside):
            (folder / "pipelines").mkdir(parents=True, exist_ok=True)
            (folder / "dvc.yaml").touch()
        monkeypatch.chdir(tmp_path / inside)
        return store()

    return seen_from


@pytest.mark.parametrize(
    ("inside", "uri", "experiment"),
    [
        (".", "sqlite:///mlflow.db", "neuralist"),
        ("work/real", "sqlite:///../../mlflow.db", "neuralist-real"),
        (".dvc/tmp/exps/tmp1a", "sqlite:///../../../../mlflow.db", "neuralist"),
    ],
)
def test_the_store_is_the_main_checkouts(
    checkout: Callable[[str], Store], tmp_path: Path, inside: str, uri: str, experiment: str
) -> None:
    assert checkout(inside) == Store(uri, experiment, tmp_path)


def test_mlflow_tracking_uri_wins(checkout: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    checkout("work/real")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/mlflow.db")

    assert store() == Store("sqlite:////elsewhere/mlflow.db", "neuralist-real", None)


def run_stage(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, *options, str(ROOT / "pipelines" / "track.py"), "data", "artifacts"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_stage_works_under_any_path_and_skips_mlflow_when_nothing_is_missing(
    tmp_path: Path, empty_database: Path
) -> None:
    folder = tmp_path / "a b%20c#d?é&'1"
    (folder / "pipelines").mkdir(parents=True)
    (folder / "dvc.yaml").touch()
    write_artifacts(folder / "artifacts")
    write_study(folder / "artifacts" / "study")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copy(empty_database, folder / "mlflow.db")

    first = run_stage(folder)
    page = "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
    address = f"the runs, in `mlflow ui`: {page}\n"
    recorded = "songs15: recorded in MLflow\nstudy songs300-0123456789abcdef: recorded in MLflow\n" + address
    assert first.stdout == recorded, first.stderr
    second = run_stage(folder, "-X", "importtime")
    assert (second.returncode, second.stdout) == (0, address)
    imported = {line.rsplit("|", 1)[-1].strip() for line in second.stderr.splitlines()}
    assert not imported & {"mlflow", "pandas", "pydantic", "yaml"}
    assert list((folder / "mlruns" / "neuralist").rglob("curves.png"))

    (folder / "mlflow.db").unlink()
    assert run_stage(folder).stdout == recorded, "a store that is gone is made again"
