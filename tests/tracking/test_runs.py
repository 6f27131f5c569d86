"""MLflow runs: made once from the files, completed after a kill, refreshed when the evaluation changes."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests import made_records, trained
from tests.older_run import older_run
from tests.study_files import write_study

from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.tracking import run_content, trainings
from neuralist.tracking import runs as training_runs
from neuralist.tracking.runs import LiveRun, record
from neuralist.tracking.store import Store, get_experiment_id, opened, store

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
    records.save(metrics, artifacts / "estimates" / f"{name}.json")


def write_val(artifacts: Path, **figures: float) -> None:
    """An experiment's metrics, with these on val."""
    entry = trained.entry()
    entry["splits"]["val"]["metrics"] |= {name: trained.figure(value) for name, value in figures.items()}
    [metrics] = trained.metrics(one=entry).values()
    records.save(metrics, artifacts / "estimates" / "songs15.json")


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


def test_by_name_the_headline_figures_on_test_come_first_then_curves_then_val(
    mlflow_store: Store, artifacts: Path
) -> None:
    # Of the eight headline metrics the two of ranking are missing here, and one is undefined on test.
    headline = {"average_precision", "decile_accuracy", "mse", "roc_auc", "spearman", "within_one_decile"}
    curves = {"loss", "binary_accuracy", "val_loss", "val_binary_accuracy"}
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    on_test = sorted(f"test_{name}" for name in headline - {"roc_auc"})
    by_epoch = sorted(f"training/{name}" for name in curves)
    on_val = sorted(f"val_{name}" for name in headline)
    assert sorted(run.data.metrics) == [*on_test, *by_epoch, *on_val]
    assert run.data.metrics["test_spearman"] == 0.5
    assert next(iter(run.data.metrics)).startswith("test_"), "a run's page has them as they were logged"


def test_all_metrics_and_their_intervals_are_a_table_of_the_run(mlflow_store: Store, artifacts: Path) -> None:
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    table = pd.read_csv(f"{run.info.artifact_uri}/intervals.csv").set_index(["split", "metric"])
    assert table.loc[("test", "spearman")].tolist() == [0.5, 0.375, 0.625, 7, 5]
    assert table.loc[("val", "pearson")].tolist() == [0.25, 0.125, 0.5, 2, 3]
    assert table.loc[("test", "roc_auc"), ["value", "low", "high"]].isna().all()


def test_a_run_has_the_files_of_its_experiment_and_the_corpus_yaml(
    mlflow_store: Store, artifacts: Path
) -> None:
    (artifacts.parent / "data").mkdir()
    (artifacts.parent / "data" / "corpus.yaml").write_text("similarity_range: [0, 1]\n")
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    expected = {"experiment.json", "history.csv", "model.keras", "figures/curves.png", "results.md"}
    assert shown(run) == expected | {"estimates/songs15.json", "corpus.yaml", "intervals.csv"}


def test_figures_of_the_kept_model_stand_apart_from_curves(mlflow_store: Store, artifacts: Path) -> None:
    # The kept model is of the first epoch; the last one is worse.
    history = "epoch,loss,val_spearman,val_listed_auc\n1,0.5,0.5,0.75\n2,0.25,0.375,0.625\n"
    (artifacts / "experiments" / "songs15" / "history.csv").write_text(history)
    write_val(artifacts, spearman=0.5, mse=0.875)

    record(artifacts, Path("data"), mlflow_store)

    (run,) = runs(mlflow_store)
    expected = {
        "training/loss": {1: 0.5, 2: 0.25},
        "training/val_spearman": {1: 0.5, 2: 0.375},
        "training/val_pooled_listed_auc": {1: 0.75, 2: 0.625},
        "val_spearman": {0: 0.5},
        "val_mse": {0: 0.875},
    }
    assert {name: curve(mlflow_store, run, name) for name in expected} == expected
    assert {name for name in run.data.metrics if name.startswith("training/")} == {
        name for name in expected if name.startswith("training/")
    }
    assert (run.data.metrics["val_spearman"], run.data.metrics["val_mse"]) == (0.5, 0.875)


def test_a_run_of_the_older_layout_is_made_again(mlflow_store: Store, artifacts: Path) -> None:
    # Curve and final figure of one name, as the first release logged them.
    older = older_run(mlflow_store, {"fingerprint": FINGERPRINT, "experiment": "songs15"}, "songs15")

    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    assert record(artifacts, Path("data"), mlflow_store) == []
    by_name = {run.info.run_name: run for run in runs(mlflow_store)}
    assert set(by_name) == {"songs15", "songs15 (older layout)"}
    assert by_name["songs15 (older layout)"].info.run_id == older
    assert by_name["songs15"].data.tags["layout"] == "3"
    assert by_name["songs15"].data.metrics["test_spearman"] == 0.5
    assert "loss" not in by_name["songs15"].data.metrics


def finish_in_layout_2(artifacts: Path, mlflow_store: Store, digest: str) -> None:
    """A finished run as the release before left it, with the digest of these files."""
    with opened(mlflow_store) as client:
        place = get_experiment_id(client, mlflow_store)
        tags = {
            "fingerprint": FINGERPRINT,
            "experiment": "songs15",
            "layout": "2",
            "evaluation": f"2-{digest}",
        }
        run = client.create_run(place, run_name="songs15", tags=tags)
        client.log_metric(run.info.run_id, "test_spearman_low", 0.375)
        client.log_param(run.info.run_id, "window", "None")
        client.set_terminated(run.info.run_id)


def test_a_run_of_the_layout_before_that_says_what_the_files_say_is_not_doubled(
    mlflow_store: Store, artifacts: Path
) -> None:
    finish_in_layout_2(artifacts, mlflow_store, run_content.digest(artifacts, Path("data"), "songs15"))
    assert record(artifacts, Path("data"), mlflow_store) == []
    assert [run.info.run_name for run in runs(mlflow_store)] == ["songs15"]

    write_metrics(artifacts, "songs15", 0.75)
    assert record(artifacts, Path("data"), mlflow_store) == ["songs15"]
    assert sorted(run.info.run_name for run in runs(mlflow_store)) == ["songs15", "songs15 (older layout)"]


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
    assert {run.info.run_name for run in runs(mlflow_store)} == {"songs15"}, "the settings are the same"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"units": 20}, "songs15 units=20"),
        ({"seed": 1}, "songs15 seed=1"),
        ({"clip_norm": 1.25}, "songs15 clip_norm=1.25"),  # which the first run has not set
        (
            {"units": 20, "pooling": "mean", "fusion": ("word", "char")},
            "songs15 units=20 pooling=mean fusion=word,char",
        ),
    ],
)
def test_a_run_is_named_after_what_differs_from_the_first_of_its_experiment(
    mlflow_store: Store, artifacts: Path, tmp_path: Path, settings: dict[str, Any], name: str
) -> None:
    record(artifacts, Path("data"), mlflow_store)
    other = write_artifacts(tmp_path / "other", fingerprint="e" * 64)
    changed = made_records.trained("songs15", PARAMS | settings, fingerprint="e" * 64)
    records.save(changed, other / "experiments" / "songs15" / "experiment.json")
    record(other, Path("data"), mlflow_store)
    assert {run.info.run_name for run in runs(mlflow_store)} == {"songs15", name}

    write_metrics(other, "songs15", 0.75)
    with opened(mlflow_store) as client:
        [run] = [run for run in runs(mlflow_store) if run.info.run_name == name]
        client.update_run(run.info.run_id, name="the wide one")
    record(other, Path("data"), mlflow_store)
    assert {run.info.run_name for run in runs(mlflow_store)} == {"songs15", "the wide one"}, "a person's name"


def test_a_run_of_a_person_in_the_same_experiment_is_none_to_name_others_after(
    mlflow_store: Store, artifacts: Path
) -> None:
    with opened(mlflow_store) as client:
        experiment_id = get_experiment_id(client, mlflow_store)
        client.create_run(experiment_id, run_name="a try", tags={"experiment": "songs15"})
    record(artifacts, Path("data"), mlflow_store)
    assert {run.info.run_name for run in runs(mlflow_store)} == {"a try", "songs15"}


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
    with pytest.raises(ValueError, match=r"estimates: no estimates there; run `dvc repro`"):
        record(tmp_path / "nothing", Path("data"), mlflow_store)


# --- when it was trained, by what, and on what ------------------------------------------------------


def stopped(*times: int) -> Callable[[], int]:
    clock = iter(times)
    return lambda: next(clock)


def train(name: str = "songs15", fingerprint: str = FINGERPRINT, *, resumes: bool = False) -> None:
    with trainings.timed(name, fingerprint, resumes=resumes):
        pass


def times(run: Any) -> tuple[int, int]:
    return run.info.start_time, run.info.end_time


def test_a_run_has_the_times_of_the_training_that_this_machine_did(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(trainings, "now", stopped(1_000, 61_000))
        train()
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert times(run) == (1_000, 61_000)
    assert "restored" not in run.data.tags

    write_metrics(artifacts, "songs15", 0.75)
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert times(run) == (1_000, 61_000), "a new evaluation is no training"


def test_what_dvc_brought_back_is_restored_and_takes_no_time(mlflow_store: Store, artifacts: Path) -> None:
    train(fingerprint="e" * 64)  # another one, such as the tag is to tell it from
    before = trainings.now()
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    start, end = times(run)
    assert before <= start == end <= trainings.now()
    assert run.data.tags["restored"] == "true"


def test_a_training_that_was_killed_and_resumed_has_its_first_start_and_its_last_end(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(trainings, "now", stopped(1_000, 500_000))
        with pytest.raises(KeyboardInterrupt), trainings.timed("songs15", FINGERPRINT, resumes=False):
            raise KeyboardInterrupt
        train(resumes=True)
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert (times(run), run.data.tags["resumed"]) == ((1_000, 500_000), "once")


def test_a_training_that_begins_anew_has_its_own_start(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(trainings, "now", stopped(1_000, 2_000, 5_000, 9_000))
        train()
        train()
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert times(run) == (5_000, 9_000)
    assert "resumed" not in run.data.tags


def test_a_run_that_was_shown_while_it_trained_has_the_same_times(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(training_runs, "LONG", 0.0)
        patch.setattr(trainings, "now", stopped(1_000, 30_000, 61_000))
        with trainings.timed("songs15", FINGERPRINT, resumes=False):
            LiveRun("songs15", FINGERPRINT, PARAMS, mlflow_store)(1, {"loss": 0.5})
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert (times(run), run.info.status) == ((1_000, 61_000), "FINISHED")
    assert "restored" not in run.data.tags


def test_a_damaged_note_of_a_training_is_none(mlflow_store: Store, artifacts: Path, tmp_path: Path) -> None:
    train()
    [note] = (tmp_path / "work" / ".trainings" / "neuralist").glob("*.json")
    note.write_text("{")
    record(artifacts, Path("data"), mlflow_store)
    (run,) = runs(mlflow_store)
    assert run.data.tags["restored"] == "true"


@pytest.mark.parametrize(
    ("inside", "noted"),
    [(".", "neuralist"), (".dvc/tmp/exps/tmp1a", "neuralist"), ("work/real", "neuralist-real")],
)
def test_trainings_are_noted_in_the_main_checkout(
    checkout: Callable[[str], Store], tmp_path: Path, inside: str, noted: str
) -> None:
    checkout(inside)
    train()
    [note] = tmp_path.rglob("*.json")
    assert note.parent == tmp_path / "work" / ".trainings" / noted


def test_a_dvc_experiment_marks_the_runs_that_it_trained_and_no_others(
    mlflow_store: Store, artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "twin"):
        shutil.copytree(artifacts / "experiments" / "songs15", artifacts / "experiments" / name)
        write_metrics(artifacts, name, 0.5)
    train("here")
    monkeypatch.setenv("DVC_EXP_NAME", "sooty-gybe")
    train("twin")
    record(artifacts, Path("data"), mlflow_store)
    marked = {run.info.run_name: run.data.tags.get("dvc_experiment") for run in runs(mlflow_store)}
    assert marked == {"songs15": None, "here": None, "twin": "sooty-gybe"}


def test_a_run_names_the_tables_that_it_read_with_their_md5_of_dvc(
    mlflow_store: Store, artifacts: Path, tmp_path: Path
) -> None:
    folder = artifacts.relative_to(tmp_path)
    deps = {f"{folder}/pairs.parquet": "1" * 32, f"{folder}/vectors": "2" * 32 + ".dir", "data": "3" * 32}
    deps |= {f"{folder}/songs.parquet": "4" * 32, "src/neuralist/model": "5" * 32 + ".dir"}
    stage = {
        "deps": [{"path": path, "md5": md5} for path, md5 in deps.items()],
        "outs": [{"path": f"{folder}/experiments/songs15"}],
    }
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"train@other": {}, "train@songs15": stage}}))
    listed = trained.pairs([("a", "b", 0.5, "train"), ("a", "c", 0.25, "val")])
    parquet.write(listed, tables.PAIRS, artifacts / "pairs.parquet")

    for value in (0.5, 0.75):  # once, whatever is recorded anew
        write_metrics(artifacts, "songs15", value)
        record(folder, Path("data"), mlflow_store)

    (run,) = runs(mlflow_store)
    read = {given.dataset.name: given.dataset for given in run.inputs.dataset_inputs}
    assert {name: table.digest for name, table in read.items()} == {
        "songs": "4" * 32,
        "pairs": "1" * 32,
        "vectors": "2" * 32 + ".dir",
    }
    assert json.loads(read["pairs"].source) == {"uri": f"{folder}/pairs.parquet"}
    assert json.loads(read["pairs"].profile) == {"num_rows": 2}
    columns = {
        column["name"]: column["type"] for column in json.loads(read["pairs"].schema)["mlflow_colspec"]
    }
    assert (columns["left_id"], columns["similarity"], columns["n_rows"]) == ("string", "double", "long")


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
