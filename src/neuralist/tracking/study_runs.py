"""Record a study in MLflow: a run for the study, and nested in it a run for each finished trial.

Input: artifacts/study/ as the stage study leaves it, or the trials so far while it runs. Output: runs in the
store of `tracking.store`, found by their tags `study` (its name) and `trial`. A trial that was pruned is
KILLED, one without a value FAILED. A second call adds what is missing; a study counts as recorded when its
run is FINISHED and its tag `recorded` is the digest of the files. A complete trial has its value, the
kept model's, under the name that the metric has in the runs of experiments. Start and end are those of the
trial; what this machine did not run has the tag `restored`, as with `tracking.runs`.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuralist import files
from neuralist.tracking import metric_names, run_names, stamp, trainings
from neuralist.tracking.store import (
    LAYOUT,
    LONG,
    Store,
    find_recorded,
    find_run,
    get_experiment_id,
    in_layouts,
    opened,
    store,
    user,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "fail": "FAILED"}
NOT_SETTINGS = ("trial", "state", "value", "epochs")


class Trials(NamedTuple):
    """The trials of a study so far."""

    name: str  # of the study
    metric: str
    trials: Sequence[dict[str, Any]]  # rows of trials.csv; a setting that a trial did not draw is None
    epochs: Sequence[dict[str, Any]]  # rows of epochs.csv
    times: trainings.Times  # of the trials that this machine ran


def record(folder: Path, mlflow_store: Store | None = None) -> str | None:
    """Record a finished study where the store lacks it; returns its name, or None where nothing was missing.

    A study that was skipped has no run.

    Args:
        folder: artifacts/study.
        mlflow_store: the store; the working folder's by default.

    Raises:
        ValueError: a file is missing or damaged, or the store cannot be reached.
    """
    if (folder / "skipped.txt").exists():
        return None
    mlflow_store = mlflow_store or store()
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    digests = in_layouts(files.digest_all({path.name: path for path in paths}))
    if stamp.run_id(mlflow_store, digests):
        return None
    study = _read(folder)
    with opened(mlflow_store) as client:
        experiment_id = get_experiment_id(client, mlflow_store)
        complete = find_recorded(client, experiment_id, "recorded", digests) is not None
        if not complete:
            parent = _add(client, experiment_id, study)
            run_id = parent.info.run_id
            for path in paths:
                client.log_artifact(run_id, str(path))
            client.set_tag(run_id, "recorded", digests[0])
            client.set_terminated(run_id, end_time=_end(parent, study.times))
        stamp.renew(client, mlflow_store)
    return None if complete else study.name


def _read(folder: Path) -> Trials:
    import pandas as pd  # 0.5 s, which a complete store need not pay

    from neuralist.config import records

    best = records.load(folder / "best.yaml", records.BestTrial)
    try:
        trials, epochs = (pd.read_csv(folder / name) for name in ("trials.csv", "epochs.csv"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: no study ({error}); run `dvc repro study`") from error
    # A column with a trial that did not draw the setting was read as floats: 25.0 for 25.
    trials = trials.convert_dtypes()
    rows = trials.astype(object).where(trials.notna(), None).to_dict("records")
    times = trainings.read_trials(best.study)
    return Trials(best.study, best.metric, rows, epochs.to_dict("records"), times)


class LiveStudy:
    """Logs a long study to MLflow while it runs; call it when a trial is over.

    As with `runs.LiveRun` nothing is logged in the first LONG seconds; where the store cannot be reached, it
    prints a line and the study goes on.
    """

    def __init__(self, mlflow_store: Store | None = None) -> None:
        self._start, self._store, self._off = time.monotonic(), mlflow_store, False

    def __call__(self, study: Trials) -> None:
        """Add the finished trials that the store lacks."""
        if self._off or time.monotonic() - self._start < LONG:
            return
        mlflow_store = self._store or store()
        try:
            with opened(mlflow_store) as client:
                _add(client, get_experiment_id(client, mlflow_store), study)
        except ValueError as error:
            self._off = True
            print(f"{study.name}: not shown in MLflow while it runs ({error})")

    def fail(self, name: str) -> None:
        """End the run of a study without a value, which stage `track` leaves alone, if one was logged.

        It may be by a process that was killed: this one, which resumed the study, may take less than LONG.
        """
        mlflow_store = self._store or store()
        condition = f"tags.study = '{name}' AND tags.trial = 'all' AND attributes.status = 'RUNNING'"
        with suppress(ValueError), opened(mlflow_store) as client:
            for run in client.search_runs([get_experiment_id(client, mlflow_store)], condition):
                client.set_terminated(run.info.run_id, "FAILED")


def _add(client: "MlflowClient", experiment_id: str, study: Trials) -> "Run":
    """Add the trials that the store lacks; returns the study's run."""
    study_run = _study_run(client, experiment_id, study)
    parent = study_run.info.run_id
    # Of trials alone: a person may have nested a run of their own there.
    condition = f"tags.`mlflow.parentRunId` = '{parent}' AND tags.trial != ''"
    nested = client.search_runs([experiment_id], condition, max_results=50_000)
    recorded = {run.data.tags["trial"] for run in nested if run.info.status in STATUS.values()}
    for run in nested:
        if run.info.status not in STATUS.values():
            client.delete_run(run.info.run_id)  # its recording was killed half-way
    for trial in study.trials:
        if trial["state"] in STATUS and str(trial["trial"]) not in recorded:
            _add_trial(client, experiment_id, study, trial, parent)
    n_complete = sum(trial["state"] == "complete" for trial in study.trials)
    client.set_tag(parent, "trials", f"{n_complete} complete of {len(study.trials)}")
    return study_run


def _study_run(client: "MlflowClient", experiment_id: str, study: Trials) -> "Run":
    """Return the study's run; creates it where it is missing, with the start of the first trial."""
    identity = {"study": study.name, "trial": "all"}
    start_time = min((start for start, _ in study.times.values()), default=None)
    tags = {"metric": study.metric} | _restored(start_time)
    return find_run(client, experiment_id, f"study {study.name}", identity, tags, start_time=start_time)


def _restored(start_time: int | None) -> dict[str, str]:
    """Return the tag of what this machine did not run."""
    return {} if start_time is not None else {"restored": "true"}


def _end(run: "Run", times: trainings.Times) -> int:
    """Return the end of the study's run: that of its last trial; where none ran here, the run's start."""
    last = max((end for _, end in times.values()), default=0)
    return last if last >= run.info.start_time else run.info.end_time or run.info.start_time


def _add_trial(
    client: "MlflowClient", experiment_id: str, study: Trials, trial: dict[str, Any], parent: str
) -> None:
    from mlflow.entities import Metric, Param

    number = trial["trial"]
    tags = {
        "study": study.name,
        "trial": str(number),
        "layout": LAYOUT,
        "mlflow.parentRunId": parent,
        "mlflow.user": user(),
    }
    start_time, end_time = study.times.get(number, (None, None))
    tags |= _restored(start_time)
    run = client.create_run(experiment_id, start_time, run_name=f"trial {number}", tags=tags)
    now = trainings.now()
    figures = [
        Metric(metric_names.curve(study.metric), row["value"], now, int(row["epoch"]))
        for row in study.epochs
        if row["trial"] == number
    ]
    if trial["state"] == "complete":
        figures.append(Metric(metric_names.final(study.metric), trial["value"], now, 0))
    drawn = run_names.shown({key: value for key, value in trial.items() if key not in NOT_SETTINGS})
    settings = [Param(key, value) for key, value in drawn.items()]
    client.log_batch(run.info.run_id, figures, settings)
    client.set_terminated(run.info.run_id, STATUS[trial["state"]], end_time or run.info.start_time)
