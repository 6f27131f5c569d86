"""A study in MLflow: a run for the study, and nested in it one for each trial that is over.

Input: artifacts/study/ as the stage study leaves it, or the trials so far while it runs. Output: runs in the
store of `tracking.store`, found by their tags `study` (its name) and `trial`. A trial that was pruned is
KILLED, one without a value FAILED. Called again, it adds what is missing; a study counts as recorded when its
run is FINISHED and its tag `recorded` is the digest of the files.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuralist import files
from neuralist.tracking import stamp
from neuralist.tracking.store import LONG, Store, has_run, opened, place_of, store, user

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "fail": "FAILED"}
NOT_SETTINGS = ("trial", "state", "value", "epochs")


class Trials(NamedTuple):
    """What a study came to so far."""

    study: str  # its name
    metric: str
    trials: Sequence[dict[str, Any]]  # rows of trials.csv
    epochs: Sequence[dict[str, Any]]  # rows of epochs.csv


def record(folder: Path, into: Store | None = None) -> str | None:
    """Make or complete the runs of a finished study; returns its name, or None where nothing was missing.

    A study that was skipped has no run.

    Args:
        folder: artifacts/study.
        into: the store; that of the working folder when left out.

    Raises:
        ValueError: a file is missing or damaged, or the store cannot be reached.
    """
    if (folder / "skipped.txt").exists():
        return None
    into = into or store()
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    digest = files.digest_all({path.name: path for path in paths})
    if stamp.recorded(into, digest):
        return None
    found = _read(folder)
    with opened(into) as client:
        place = place_of(client, into)
        known = has_run(client, place, "recorded", digest)
        if not known:
            parent = _add(client, place, found)
            for path in paths:
                client.log_artifact(parent, str(path))
            client.set_tag(parent, "recorded", digest)
            client.set_terminated(parent)
        stamp.renew(client, into)
    return None if known else found.study


def _read(folder: Path) -> Trials:
    import pandas as pd  # 0.5 s in all, which a store that lacks nothing need not pay

    from neuralist.config import records

    best = records.load(folder / "best.yaml", records.BestTrial)
    try:
        trials, epochs = (pd.read_csv(folder / name) for name in ("trials.csv", "epochs.csv"))
        return Trials(best.study, best.metric, trials.to_dict("records"), epochs.to_dict("records"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: no study ({error}); run `dvc repro study`") from error


class LiveStudy:
    """Shows a long study in MLflow while it runs; call it when a trial is over.

    As with `runs.LiveRun` nothing happens in the first LONG seconds, and a store that cannot be reached
    costs one line of output, never the study.
    """

    def __init__(self, into: Store | None = None) -> None:
        self._start, self._into, self._off = time.monotonic(), into, False

    def __call__(self, found: Trials) -> None:
        """Add the trials that are over and not yet there."""
        if self._off or time.monotonic() - self._start < LONG:
            return
        into = self._into or store()
        try:
            with opened(into) as client:
                _add(client, place_of(client, into), found)
        except ValueError as error:
            self._off = True
            print(f"{found.study}: not shown in MLflow while it runs ({error})")


def _add(client: "MlflowClient", place: str, found: Trials) -> str:
    """Add the trials that the store lacks; returns the id of the study's run."""
    parent = _parent(client, place, found)
    nested = client.search_runs([place], f"tags.`mlflow.parentRunId` = '{parent}'", max_results=50_000)
    present = {run.data.tags["trial"] for run in nested if run.info.status in STATUS.values()}
    for run in nested:
        if run.info.status not in STATUS.values():
            client.delete_run(run.info.run_id)  # its recording was killed half-way
    for trial in found.trials:
        if trial["state"] in STATUS and str(trial["trial"]) not in present:
            _add_trial(client, place, parent, found, trial)
    n_complete = sum(trial["state"] == "complete" for trial in found.trials)
    client.set_tag(parent, "trials", f"{n_complete} complete of {len(found.trials)}")
    return parent


def _parent(client: "MlflowClient", place: str, found: Trials) -> str:
    whole = f"tags.study = '{found.study}' AND tags.trial = 'all'"
    runs = client.search_runs([place], whole, max_results=1)
    if runs:
        return runs[0].info.run_id
    tags = {"study": found.study, "trial": "all", "metric": found.metric, "mlflow.user": user()}
    return client.create_run(place, run_name=f"study {found.study}", tags=tags).info.run_id


def _add_trial(client: "MlflowClient", place: str, parent: str, found: Trials, trial: dict[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    number = trial["trial"]
    tags = {
        "study": found.study,
        "trial": str(number),
        "mlflow.parentRunId": parent,
        "mlflow.user": user(),
    }
    run = client.create_run(place, run_name=f"trial {number}", tags=tags)
    now = int(time.time() * 1000)
    figures = [
        Metric(found.metric, row["value"], now, int(row["epoch"]))
        for row in found.epochs
        if row["trial"] == number
    ]
    if trial["state"] == "complete":
        figures.append(Metric("value", trial["value"], now, 0))
    settings = [Param(key, str(value)) for key, value in trial.items() if key not in NOT_SETTINGS]
    client.log_batch(run.info.run_id, figures, settings)
    client.set_terminated(run.info.run_id, STATUS[trial["state"]])
