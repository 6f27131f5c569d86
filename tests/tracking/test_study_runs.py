"""A study in MLflow: one run, and nested in it each trial that is over, once."""

from pathlib import Path
from typing import Any

import pytest
from tests.older_run import older_run
from tests.study_files import TRIALS, write_study

from neuralist.tracking import study_runs
from neuralist.tracking.store import Store, opened
from neuralist.tracking.study_runs import Trials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_study(tmp_path / "artifacts" / "study")


def runs(into: Store) -> dict[str, Any]:
    """Runs by their tag `trial`; that of the study is `all`."""
    from mlflow import MlflowClient

    client = MlflowClient(into.uri)
    found = client.get_experiment_by_name(into.experiment)
    listed = client.search_runs([found.experiment_id]) if found else []
    by_trial = {run.data.tags["trial"]: run for run in listed}
    assert len(by_trial) == len(listed), "a trial was recorded twice"
    return by_trial


def test_trials_that_are_over_are_nested_in_the_study(into: Store, folder: Path) -> None:
    assert study_runs.record(folder, into) == "songs300-0123456789abcdef"

    found = runs(into)
    parent = found.pop("all")
    assert parent.info.status == "FINISHED"
    shown = Path(parent.info.artifact_uri.removeprefix("file://"))
    assert {path.name for path in shown.iterdir()} == {"best.yaml", "epochs.csv", "study.html", "trials.csv"}
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parent.info.run_id}
    assert {trial: run.info.status for trial, run in found.items()} == {
        "0": "FINISHED",
        "1": "KILLED",
        "2": "FAILED",
    }
    assert found["0"].data.params == {"units": "25", "pooling": "mean"}
    assert found["0"].data.metrics == {"epoch/val_spearman": 0.5, "val_spearman": 0.5}
    assert found["1"].data.metrics == {"epoch/val_spearman": 0.125}


def values(into: Store, trial: str, metric: str) -> dict[int, float]:
    from mlflow import MlflowClient

    history = MlflowClient(into.uri).get_metric_history(runs(into)[trial].info.run_id, metric)
    assert len({point.step for point in history}) == len(history), "an epoch was logged twice"
    return {point.step: point.value for point in history}


def test_the_curve_of_a_trial_has_its_epochs_and_no_more(into: Store, folder: Path) -> None:
    study_runs.record(folder, into)
    assert values(into, "0", "epoch/val_spearman") == {1: 0.25, 2: 0.5}
    assert values(into, "0", "val_spearman") == {0: 0.5}


def test_the_figure_of_a_trial_is_that_of_its_kept_model(into: Store, folder: Path) -> None:
    # It kept the first epoch; training's listed_auc is the pooled one of artifacts/metrics.
    (folder / "trials.csv").write_text(TRIALS.replace("0,complete,0.5", "0,complete,0.25"))
    best = (folder / "best.yaml").read_text()
    (folder / "best.yaml").write_text(best.replace("metric: val_spearman", "metric: val_listed_auc"))
    study_runs.record(folder, into)

    assert runs(into)["0"].data.metrics == {
        "epoch/val_pooled_listed_auc": 0.5,
        "val_pooled_listed_auc": 0.25,
    }


def test_a_study_of_the_older_layout_is_made_again(into: Store, folder: Path) -> None:
    name = "songs300-0123456789abcdef"
    older = older_run(into, {"study": name, "trial": "all"}, f"study {name}")

    assert study_runs.record(folder, into) == name
    with opened(into) as client:
        assert client.get_run(older).info.run_name == f"study {name} (older layout)"
        client.delete_run(older)
    assert set(runs(into)) == {"all", "0", "1", "2"}
    assert study_runs.record(folder, into) is None


def test_recording_again_adds_nothing_and_needs_no_mlflow(
    into: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_runs.record(folder, into)
    before = {trial: run.to_dictionary() for trial, run in runs(into).items()}
    monkeypatch.setattr(study_runs, "opened", None)

    assert study_runs.record(folder, into) is None
    assert {trial: run.to_dictionary() for trial, run in runs(into).items()} == before


def test_a_study_in_a_deleted_experiment_is_brought_back(into: Store, folder: Path) -> None:
    from mlflow import MlflowClient

    study_runs.record(folder, into)
    client = MlflowClient(into.uri)
    client.delete_experiment(client.get_experiment_by_name(into.experiment).experiment_id)
    study_runs.record(folder, into)

    assert client.get_experiment_by_name(into.experiment).lifecycle_stage == "active"
    assert set(runs(into)) == {"all", "0", "1", "2"}


def test_more_trials_join_the_same_study(into: Store, folder: Path) -> None:
    study_runs.record(folder, into)
    parent = runs(into)["all"].info.run_id
    (folder / "trials.csv").write_text(TRIALS.replace("3,running,,1", "3,complete,0.0625,1"))

    assert study_runs.record(folder, into) is not None
    found = runs(into)
    assert found["all"].info.run_id == parent
    assert found["3"].info.status == "FINISHED"


def test_a_recording_killed_half_way_is_completed(
    into: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
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
        study_runs.record(folder, into)
    monkeypatch.setattr(study_runs, "_add_trial", add)
    study_runs.record(folder, into)

    found = runs(into)
    assert found["all"].info.status == "FINISHED"
    assert found["1"].info.status == "KILLED"
    assert found["1"].data.metrics == {"epoch/val_spearman": 0.125}


def test_a_long_study_is_shown_while_it_runs_and_a_short_one_is_not(
    into: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"trial": 0, "state": "complete", "value": 0.5, "epochs": 1, "units": 25}
    found = Trials("s", "val_spearman", [row], [{"trial": 0, "epoch": 1, "value": 0.5}])
    live = study_runs.LiveStudy(into)
    live(found)
    assert runs(into) == {}
    monkeypatch.setattr(study_runs, "LONG", 0.0)
    live(found)
    assert {trial: run.info.status for trial, run in runs(into).items()} == {
        "all": "RUNNING",
        "0": "FINISHED",
    }


def test_a_store_that_cannot_be_reached_costs_a_long_study_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(study_runs, "LONG", 0.0)
    (tmp_path / "mlflow.db").write_bytes(b"no database at all")
    live = study_runs.LiveStudy(Store(f"sqlite:///{tmp_path}/mlflow.db", "neuralist", tmp_path))
    for _ in range(2):
        live(Trials("s", "val_spearman", [], []))
    assert capsys.readouterr().out.count("s: not shown in MLflow while it runs") == 1


@pytest.mark.parametrize("name", ["best.yaml", "trials.csv", "epochs.csv"])
def test_a_missing_or_damaged_file_is_refused(into: Store, folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}.*run `dvc repro"):
        study_runs.record(folder, into)
