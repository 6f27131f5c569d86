"""The whole pipeline as a team runs it: PostgreSQL, MLflow's server and an S3 store, with no code changed.

A first clone makes the tables and pushes them; a second one joins its study and is killed; the first ends the
study and pushes all; a third one pulls and has nothing to do.
"""

import csv
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.team import services
from tests.team.conftest import ROOT, Team
from tests.waiting import free_port

from neuralist.config import params, records
from neuralist.tracking import runs as training_runs
from neuralist.tracking.runs import LiveRun
from neuralist.tracking.store import Store

pytestmark = pytest.mark.team

N_TRIALS, N_EPOCHS = 6, 6
SMALL: dict[str, Any] = {
    "vectors": {"dimensions": 20, "epochs": 2},
    "experiments": {"small": {"target": "listed_only", "max_tokens": 60, "batch_size": 64, "epochs": 2}},
    "run": ["small"],
    "study": {
        "experiment": None,
        "trials": N_TRIALS,
        "epochs": N_EPOCHS,
        "prune_after": N_EPOCHS - 1,
        "space": {
            "units": [10, 20],
            "pooling": ["last", "mean"],
            "learning_rate": {"low": 0.001, "high": 0.02},
        },
        "spaces": {},
    },
    "evaluate": {"draws": 20},
    "songmap": {"experiment": "small"},
}
# As README has it; but trials are shown in MLflow from the first second on, as they are in a long study.
AT_ONCE = (
    "import runpy, sys; from neuralist.tracking import study_runs; study_runs.LONG = 0.0; "
    "sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
TABLES = [f"artifacts/{name}.parquet" for name in ("songs", "rows", "pairs", "unlisted")]
WORKER = ["python", "-c", AT_ONCE, "pipelines/study.py", *TABLES, "artifacts/vectors", "--worker"]
WORKER += ["--settings", "artifacts/settings/study.json", "--pretraining", "artifacts/pretraining/study"]
WORKER += ["--checkpoints", "work/checkpoints"]
# What the worker reads, and what DVC needs to pull it.
STAGES = ("songs", "pairs", "validate", "settings", "pretraining", "vectors")
# A trial with the folder of the process that runs it, and how many epochs it has reported.
TRIALS = """
    SELECT number, state, value_json, (
        SELECT count(*) FROM trial_intermediate_values AS one WHERE one.trial_id = trials.trial_id
    )
    FROM trials LEFT JOIN trial_user_attributes AS worker
        ON worker.trial_id = trials.trial_id AND key = 'worker'
    ORDER BY number
"""


class Row(NamedTuple):
    """A trial as the database has it."""

    number: int
    state: str
    worker: str | None
    n_epochs: int


def rows(team: Team) -> list[Row]:
    try:
        return [Row(*row) for row in team.postgres.ask("optuna", TRIALS)]
    except Exception as error:  # noqa: BLE001 - psycopg, which is imported only where it is installed
        assert "does not exist" in str(error)  # no worker has made the tables yet
        return []


def until(what: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait for an answer that is true."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def first(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clone of the one who sets all up: params, remote and tables, committed and pushed."""
    folder = tmp_path_factory.mktemp("clones") / "first"
    team.run(ROOT, "git", "clone", "--quiet", str(ROOT), str(folder))
    settings = params.overlay(params.read_yaml(folder / "params.yaml"), SMALL)
    settings["study"]["storage"] = team.postgres.url("optuna")
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    team.run(folder, "python", "pipelines/data.py")
    team.run(folder, "dvc", "remote", "add", "--default", "storage", f"s3://{services.BUCKET}/dvc")
    team.run(folder, "dvc", "remote", "modify", "storage", "endpointurl", team.store)
    team.run(folder, "dvc", "repro", "validate", "vectors")
    commit_and_push(team, folder)
    return folder


def commit_and_push(team: Team, folder: Path) -> None:
    team.run(folder, "git", "commit", "--quiet", "--all", "--message", "Our set-up")
    team.run(folder, "dvc", "push", "--quiet")


def another(team: Team, first: Path, name: str, *stages: str) -> Path:
    """A fresh clone that has pulled these stages' tables, or all; its cache holds nothing else."""
    folder = first.with_name(name)
    team.run(first, "git", "clone", "--quiet", str(first), str(folder))
    team.run(folder, "dvc", "pull", "--quiet", *stages)
    return folder


def begin(team: Team, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(WORKER, cwd=folder, env=team.environment, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def killed(team: Team, first: Path) -> Row:
    """The trial during which the second clone's worker was killed; that of the first has ended all trials."""
    second = another(team, first, "second", "data.dvc", *STAGES)
    workers = [begin(team, second), begin(team, first)]
    try:
        seen = until(lambda: caught(rows(team), first, second))
        workers[0].kill()
        assert workers[0].wait() == -signal.SIGKILL
        left = rows(team)[seen.number]
        assert left.state == "RUNNING"
        assert workers[1].wait(180) == 0, (first / "worker.log").read_text()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return left


def caught(trials: list[Row], first: Path, second: Path) -> Row | None:
    """The second clone's trial, in the middle of it and not its first, once the first clone works too."""
    own = {folder: [row for row in trials if str(folder) in (row.worker or "")] for folder in (first, second)}
    middle = [row for row in own[second] if row.state == "RUNNING" and 1 <= row.n_epochs <= N_EPOCHS - 3]
    return middle[0] if own[first] and len(own[second]) > 1 and middle else None


def test_the_other_worker_goes_on_and_no_trial_is_lost_or_counted_twice(
    team: Team, first: Path, killed: Row
) -> None:
    trials = rows(team)

    assert [row.number for row in trials] == list(range(N_TRIALS))
    assert {row.state for row in trials} <= {"COMPLETE", "PRUNED"}
    assert {row.n_epochs for row in trials if row.state == "COMPLETE"} == {N_EPOCHS}
    assert str(first) in (trials[killed.number].worker or ""), "the trial of the killed one was taken up"


@pytest.fixture(scope="module")
def finished(team: Team, first: Path, killed: Row) -> Path:
    """The first clone, all stages run, committed and pushed."""
    output = team.run(first, "dvc", "repro")
    assert "is now champion, version 1" in output
    commit_and_push(team, first)
    return first


def test_the_stage_writes_what_a_single_reader_of_the_study_sees(team: Team, finished: Path) -> None:
    written = list(csv.DictReader((finished / "artifacts/study/trials.csv").open()))
    best = records.load(finished / "artifacts/study/best.yaml", records.BestTrial)
    told = {
        number: (state.lower(), value, epochs)
        for number, state, value, epochs in team.postgres.ask(
            "optuna",
            "SELECT number, state, value, (SELECT count(*) FROM trial_intermediate_values AS one"
            " WHERE one.trial_id = trials.trial_id) FROM trials JOIN trial_values USING (trial_id)",
        )
    }
    found = {
        int(row["trial"]): (row["state"], pytest.approx(float(row["value"])), int(row["epochs"]))
        for row in written
    }

    assert found == told
    values = {number: value for number, (state, value, _) in told.items() if state == "complete"}
    assert best.value == pytest.approx(max(values.values()), rel=1e-5)
    assert values[best.trial] == max(values.values())


def test_the_server_has_runs_metrics_trials_and_versions_and_the_clone_has_no_store(
    team: Team, finished: Path
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(team.mlflow, team.mlflow)
    place = client.get_experiment_by_name("neuralist")
    assert place is not None
    runs = client.search_runs([place.experiment_id])
    metrics = records.load_estimates(finished / "artifacts/estimates")
    for name in ("small", "tuned"):
        [run] = [run for run in runs if run.info.run_name == name]
        value = metrics[name].splits["test"].metrics["spearman"].value
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test_spearman"] == pytest.approx(value)
        assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {
            "encoder.onnx",
            "results.md",
        }
    [study] = [run for run in runs if run.data.tags.get("trial") == "all"]
    assert study.info.status == "FINISHED"
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == study.info.run_id]
    states = Counter(run.info.status for run in trials)
    asked = Counter(row.state for row in rows(team))
    assert states == Counter({"FINISHED": asked["COMPLETE"]}) + Counter({"KILLED": asked["PRUNED"]})
    for model in ("neuralist", "neuralist-recommender"):
        assert client.get_model_version_by_alias(model, "champion").version == "1"

    # The same, past MLflow.
    here = f"SELECT count(*) FROM runs WHERE experiment_id = {place.experiment_id}"
    assert team.postgres.ask("mlflow", here) == [(len(runs),)]
    assert team.postgres.ask(
        "mlflow", "SELECT name, alias, version FROM registered_model_aliases ORDER BY 1"
    ) == [
        ("neuralist", "champion", 1),
        ("neuralist-recommender", "champion", 1),
    ]
    assert not (finished / "mlflow.db").exists()
    assert [path.name for path in (finished / "mlruns").iterdir()] == [".gitignore"]


def test_a_long_training_is_shown_on_the_server_while_it_runs(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setattr(training_runs, "LONG", 0.0)
    live = LiveRun("live", "f" * 64, {"units": 4}, Store(team.mlflow, "live", None))
    live(1, {"loss": 0.5})
    live(2, {"loss": 0.25})
    client = MlflowClient(team.mlflow)
    [run] = client.search_runs([client.get_experiment_by_name("live").experiment_id])

    assert run.info.status == "RUNNING"
    history = client.get_metric_history(run.info.run_id, "training/loss")
    assert {point.step: point.value for point in history} == {1: 0.5, 2: 0.25}


def test_a_second_repro_finds_nothing_to_do(team: Team, finished: Path) -> None:
    before = team.postgres.ask("mlflow", "SELECT count(*), max(end_time) FROM runs")
    nothing_to_do(team.run(finished, "dvc", "repro"))

    assert team.postgres.ask("mlflow", "SELECT count(*), max(end_time) FROM runs") == before
    assert team.run(finished, "git", "status", "--short", "--untracked-files=no") == ""


def nothing_to_do(output: str) -> None:
    started = [line for line in output.splitlines() if line.startswith("Running stage")]
    assert started == ["Running stage 'track':", "Running stage 'register':"]
    assert "recorded in MLflow" not in output
    assert "is the champion already" in output


def test_a_clone_with_an_empty_cache_pulls_all_and_has_nothing_to_do(team: Team, finished: Path) -> None:
    third = another(team, finished, "third")

    nothing_to_do(team.run(third, "dvc", "repro"))
    headline = "artifacts/headline.json"
    assert (third / headline).read_bytes() == (finished / headline).read_bytes()


def test_the_champion_is_served_from_the_server(team: Team, finished: Path) -> None:
    code = (
        "import mlflow, pandas; model = mlflow.pyfunc.load_model('models:/neuralist@champion'); "
        "pairs = pandas.DataFrame({'lyrics_a': ['moss and fern'], 'lyrics_b': ['moss and fern']}); "
        "print('similarity', float(model.predict(pairs)['similarity'][0]))"
    )
    # In a folder without the pipeline's code, as on a server.
    output = team.run(finished.parent, "python", "-c", code, PYTHONPATH="")

    assert "similarity 1.0" in output


def test_a_challenger_is_measured_against_the_champion_on_the_server(team: Team, finished: Path) -> None:
    changes = [f"--set-param={change}" for change in ("train.seed=1", "study.trials=1", "study.epochs=1")]
    output = team.run(finished, "dvc", "exp", "run", "--name", "challenger", *changes)

    assert "version 2 of neuralist and neuralist-recommender" in output
    assert "lead is shown over version 1" in output


def test_a_server_that_is_down_is_one_line_without_the_password(team: Team, finished: Path) -> None:
    away = f"http://{services.USER}:{services.PASSWORD}@127.0.0.1:{free_port()}"
    output = team.run(finished, "dvc", "repro", "track", ok=False, MLFLOW_TRACKING_URI=away)

    assert f"error: MLflow store http://{services.USER}:***@127.0.0.1" in output
    assert "Traceback" not in output


def test_no_file_and_no_tag_holds_a_password(team: Team, finished: Path) -> None:
    secret = services.PASSWORD.encode()
    places = [finished, finished.with_name("second"), finished.with_name("third")]
    files = [
        path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()
    ]

    assert [path for path in files if secret in path.read_bytes()] == []
    for table in ("tags", "params", "experiment_tags", "model_version_tags", "model_versions", "runs"):
        held = team.postgres.ask("mlflow", f"SELECT * FROM {table}")
        assert services.PASSWORD not in str(held), table
