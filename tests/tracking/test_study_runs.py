"""A study in MLflow: one run, and nested in it each trial that is over, once."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.older_run import older_run
from tests.study_files import TRIALS, write_study

from neuralist.tracking import study_runs, trainings
from neuralist.tracking.store import Store, opened
from neuralist.tracking.study_runs import Trials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "artifacts" / "study")


def runs(mlflow_store: Store) -> dict[str, Any]:
    """Runs by their tag `trial`; that of the study is `all`."""
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_store.uri)
    found = client.get_experiment_by_name(mlflow_store.experiment)
    listed = client.search_runs([found.experiment_id]) if found else []
    by_trial = {run.data.tags["trial"]: run for run in listed}
    assert len(by_trial) == len(listed), "a trial was recorded twice"
    return by_trial


def test_a_recorded_study_is_a_finished_run_with_its_files(mlflow_store: Store, folder: Path) -> None:
    assert study_runs.record(folder, mlflow_store) == "songs300-0123456789abcdef"

    study = runs(mlflow_store)["all"]
    assert study.info.status == "FINISHED"
    shown = Path(study.info.artifact_uri.removeprefix("file://"))
    assert {path.name for path in shown.iterdir()} == {"best.yaml", "epochs.csv", "study.html", "trials.csv"}


def test_trials_that_are_over_are_nested_in_the_study(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)

    trials = runs(mlflow_store)
    study = trials.pop("all")
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {study.info.run_id}
    assert {trial: run.info.status for trial, run in trials.items()} == {
        "0": "FINISHED",
        "1": "KILLED",
        "2": "FAILED",
    }


def test_a_trial_has_its_settings_and_a_pruned_one_no_final_figure(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)

    trials = runs(mlflow_store)
    assert trials["0"].data.params == {"units": "25", "pooling": "mean"}
    assert trials["0"].data.metrics == {"training/val_spearman": 0.5, "val_spearman": 0.5}
    assert trials["1"].data.metrics == {"training/val_spearman": 0.125}


@pytest.mark.parametrize("live", [False, True])
def test_a_column_of_trials_has_one_type_whatever_some_did_not_draw(
    mlflow_store: Store, folder: Path, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Trial 2 failed before it drew; window may be unset. A table has floats in both columns then.
    names = ["trial", "state", "value", "epochs", "units", "dropout", "window", "pooling"]
    drawn: list[list[Any]] = [
        [0, "complete", 0.5, 2, 25, 0.5, 60, "mean"],
        [1, "pruned", 0.125, 1, 50, 0.0, None, "last"],
        [2, "fail", math.nan, 0, None, None, None, None],
        [3, "complete", 0.25, 1, 100, 0.25, None, "mean"],
    ]
    if live:
        monkeypatch.setattr(study_runs, "LONG", 0.0)
        rows = [dict(zip(names, row, strict=True)) for row in drawn]
        study_runs.LiveStudy(mlflow_store)(Trials("s", "val_spearman", rows, [], {}))
    else:
        pd.DataFrame(drawn, columns=names).to_csv(folder / "trials.csv", index=False)
        assert "25.0" in (folder / "trials.csv").read_text()
        study_runs.record(folder, mlflow_store)

    params = {trial: run.data.params for trial, run in runs(mlflow_store).items() if trial != "all"}
    assert params == {
        "0": {"units": "25", "dropout": "0.5", "window": "60", "pooling": "mean"},
        "1": {"units": "50", "dropout": "0.0", "pooling": "last"},
        "2": {},
        "3": {"units": "100", "dropout": "0.25", "pooling": "mean"},
    }


def times(run: Any) -> tuple[int, int]:
    return run.info.start_time, run.info.end_time


@pytest.mark.parametrize("live", [False, True])
def test_a_trial_has_the_times_at_which_this_machine_ran_it(
    mlflow_store: Store, folder: Path, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Trial 2 was another machine's.
    kept = {0: (2_000, 9_000), 1: (1_000, 4_000)}
    trainings.keep_trials("songs300-0123456789abcdef", kept)
    if live:
        monkeypatch.setattr(study_runs, "LONG", 0.0)
        study_runs.LiveStudy(mlflow_store)(study_runs._read(folder))
    before = trainings.now()
    study_runs.record(folder, mlflow_store)

    found = runs(mlflow_store)
    assert [times(found[trial]) for trial in ("0", "1")] == [kept[0], kept[1]]
    assert times(found["all"]) == (1_000, 9_000), "from the first start to the last end"
    start, end = times(found["2"])
    assert start == end <= trainings.now()
    assert live or start >= before
    assert [trial for trial, run in found.items() if "restored" in run.data.tags] == ["2"]


@pytest.mark.parametrize("note", [None, "{", "[1]", '{"0": 1}'])
def test_a_study_that_dvc_brought_back_is_restored_and_takes_no_time(
    mlflow_store: Store, folder: Path, note: str | None
) -> None:
    trainings.keep_trials("songs300-0123456789abcdef", {})
    [path] = Path("work/.trainings/neuralist/trials").iterdir()
    path.unlink()
    if note is not None:
        path.write_text(note)
    study_runs.record(folder, mlflow_store)

    for run in runs(mlflow_store).values():
        start, end = times(run)
        assert (start, run.data.tags["restored"]) == (end, "true")


def test_a_study_of_the_layout_before_is_not_doubled(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)
    with opened(mlflow_store) as client:
        study = runs(mlflow_store)["all"]
        before = f"2-{study.data.tags['recorded'].partition('-')[2]}"
        client.set_tag(study.info.run_id, "recorded", before)
    assert study_runs.record(folder, mlflow_store) is None


def values(mlflow_store: Store, trial: str, metric: str) -> dict[int, float]:
    from mlflow import MlflowClient

    history = MlflowClient(mlflow_store.uri).get_metric_history(runs(mlflow_store)[trial].info.run_id, metric)
    assert len({point.step for point in history}) == len(history), "an epoch was logged twice"
    return {point.step: point.value for point in history}


def test_the_curve_of_a_trial_has_its_epochs_and_no_more(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)
    assert values(mlflow_store, "0", "training/val_spearman") == {1: 0.25, 2: 0.5}
    assert values(mlflow_store, "0", "val_spearman") == {0: 0.5}


def test_the_figure_of_a_trial_is_that_of_its_kept_model(mlflow_store: Store, folder: Path) -> None:
    # It kept the first epoch; training's listed_auc is the pooled one of artifacts/metrics.
    (folder / "trials.csv").write_text(TRIALS.replace("0,complete,0.5", "0,complete,0.25"))
    best = (folder / "best.yaml").read_text()
    (folder / "best.yaml").write_text(best.replace("metric: val_spearman", "metric: val_listed_auc"))
    study_runs.record(folder, mlflow_store)

    assert runs(mlflow_store)["0"].data.metrics == {
        "training/val_pooled_listed_auc": 0.5,
        "val_pooled_listed_auc": 0.25,
    }


def test_a_study_of_the_older_layout_is_made_again(mlflow_store: Store, folder: Path) -> None:
    name = "songs300-0123456789abcdef"
    older = older_run(mlflow_store, {"study": name, "trial": "all"}, f"study {name}")

    assert study_runs.record(folder, mlflow_store) == name
    with opened(mlflow_store) as client:
        assert client.get_run(older).info.run_name == f"study {name} (older layout)"
        client.delete_run(older)
    assert set(runs(mlflow_store)) == {"all", "0", "1", "2"}
    assert study_runs.record(folder, mlflow_store) is None


def test_recording_again_adds_nothing_and_needs_no_mlflow(
    mlflow_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_runs.record(folder, mlflow_store)
    before = {trial: run.to_dictionary() for trial, run in runs(mlflow_store).items()}
    monkeypatch.setattr(study_runs, "opened", None)

    assert study_runs.record(folder, mlflow_store) is None
    assert {trial: run.to_dictionary() for trial, run in runs(mlflow_store).items()} == before


def test_a_study_in_a_deleted_experiment_is_brought_back(mlflow_store: Store, folder: Path) -> None:
    from mlflow import MlflowClient

    study_runs.record(folder, mlflow_store)
    client = MlflowClient(mlflow_store.uri)
    client.delete_experiment(client.get_experiment_by_name(mlflow_store.experiment).experiment_id)
    study_runs.record(folder, mlflow_store)

    assert client.get_experiment_by_name(mlflow_store.experiment).lifecycle_stage == "active"
    assert set(runs(mlflow_store)) == {"all", "0", "1", "2"}


def test_a_run_that_a_person_nested_in_the_study_stays(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)
    study = runs(mlflow_store)["all"].info
    with opened(mlflow_store) as client:
        tags = {"mlflow.parentRunId": study.run_id}
        own = client.create_run(study.experiment_id, run_name="a try", tags=tags).info.run_id
    (folder / "trials.csv").write_text(TRIALS.replace("0.125", "0.25"))

    study_runs.record(folder, mlflow_store)
    with opened(mlflow_store) as client:
        assert client.get_run(own).info.lifecycle_stage == "active"


def test_more_trials_join_the_same_study(mlflow_store: Store, folder: Path) -> None:
    study_runs.record(folder, mlflow_store)
    parent = runs(mlflow_store)["all"].info.run_id
    (folder / "trials.csv").write_text(TRIALS.replace("3,running,,1", "3,complete,0.0625,1"))

    assert study_runs.record(folder, mlflow_store) is not None
    found = runs(mlflow_store)
    assert found["all"].info.run_id == parent
    assert found["3"].info.status == "FINISHED"


def test_a_recording_killed_half_way_is_completed(
    mlflow_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = study_runs._add_trial

    def killed(*arguments: Any) -> None:
        client, experiment_id, study, trial, parent = arguments
        if trial["trial"] == 1:
            tags = {"trial": "1", "study": study.name, "mlflow.parentRunId": parent}
            client.create_run(experiment_id, tags=tags)
            raise KeyboardInterrupt
        add(*arguments)

    monkeypatch.setattr(study_runs, "_add_trial", killed)
    with pytest.raises(KeyboardInterrupt):
        study_runs.record(folder, mlflow_store)
    monkeypatch.setattr(study_runs, "_add_trial", add)
    study_runs.record(folder, mlflow_store)

    found = runs(mlflow_store)
    assert found["all"].info.status == "FINISHED"
    assert found["1"].info.status == "KILLED"
    assert found["1"].data.metrics == {"training/val_spearman": 0.125}


def test_a_long_study_is_shown_while_it_runs_and_a_short_one_is_not(
    mlflow_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"trial": 0, "state": "complete", "value": 0.5, "epochs": 1, "units": 25}
    found = Trials("s", "val_spearman", [row], [{"trial": 0, "epoch": 1, "value": 0.5}], {})
    live = study_runs.LiveStudy(mlflow_store)
    live(found)
    assert runs(mlflow_store) == {}
    monkeypatch.setattr(study_runs, "LONG", 0.0)
    live(found)
    assert {trial: run.info.status for trial, run in runs(mlflow_store).items()} == {
        "all": "RUNNING",
        "0": "FINISHED",
    }


def test_the_run_of_a_study_without_a_value_ends_as_failed(
    mlflow_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = study_runs.LiveStudy(mlflow_store)
    live.fail("s")
    assert runs(mlflow_store) == {}, "nothing was logged"
    monkeypatch.setattr(study_runs, "LONG", 0.0)
    live(Trials("s", "val_spearman", [{"trial": 0, "state": "fail", "value": None, "epochs": 1}], [], {}))
    study_runs.LiveStudy(mlflow_store).fail("another")
    assert runs(mlflow_store)["all"].info.status == "RUNNING"
    study_runs.LiveStudy(mlflow_store).fail("s")  # of a process that resumed the study
    assert {trial: run.info.status for trial, run in runs(mlflow_store).items()} == {
        "all": "FAILED",
        "0": "FAILED",
    }


def test_a_store_that_cannot_be_reached_costs_a_long_study_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(study_runs, "LONG", 0.0)
    (tmp_path / "mlflow.db").write_bytes(b"no database at all")
    live = study_runs.LiveStudy(Store(f"sqlite:///{tmp_path}/mlflow.db", "neuralist", tmp_path))
    for _ in range(2):
        live(Trials("s", "val_spearman", [], [], {}))
    assert capsys.readouterr().out.count("s: not shown in MLflow while it runs") == 1


@pytest.mark.parametrize("name", ["best.yaml", "trials.csv", "epochs.csv"])
def test_a_missing_or_damaged_file_is_refused(mlflow_store: Store, folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}.*run `dvc repro"):
        study_runs.record(folder, mlflow_store)
