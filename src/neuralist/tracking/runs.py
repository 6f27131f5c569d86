"""Record each trained experiment as a run in MLflow, identified by its tag `fingerprint`.

Input: what the stages wrote under artifacts/ (experiments/<name>/, estimates/, figures/, pages), or the
epoch metrics of a training in progress. Output: runs in the store of `neuralist.tracking.store`; where its
stamp lists every run, mlflow is not imported. A run counts as recorded when it is FINISHED and its tag
`evaluation` is the digest of its files; both are set last, so a recording that was killed
half-way is completed by the next one. `neuralist.tracking.metric_names` says how its metrics are called.

| tag of a run | means |
|---|---|
| restored | this machine did not train it, DVC brought it: its times are those of the recording |
| resumed | how many times its training was resumed; it starts with the first part, and ends with the last |
| dvc_experiment | the DVC experiment that trained it |
"""

import csv
import io
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.tracking import inputs, metric_names, run_content, run_names, stamp, trainings
from neuralist.tracking.store import (
    LONG,
    Store,
    alone,
    client_of,
    find_recorded,
    find_run,
    get_experiment_id,
    in_layouts,
    opened,
    reason,
    store,
    store_errors,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def record(artifacts: Path, raw: Path, mlflow_store: Store | None = None) -> list[str]:
    """Record the experiments that the store lacks or has in part; returns their names.

    Args:
        artifacts: holds estimates/, which names the experiments, and experiments/<name>/.
        raw: the raw folder; its corpus.yaml, when there is one, is recorded too.
        mlflow_store: the store; the working folder's by default.

    Raises:
        ValueError: a file is missing, or the store cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    digests = {
        name: in_layouts(run_content.digest(artifacts, raw, name)) for name in run_content.names(artifacts)
    }
    missing = [name for name in digests if not stamp.run_id(mlflow_store, digests[name])]
    if not missing:
        return []
    with opened(mlflow_store) as client:
        experiment_id = get_experiment_id(client, mlflow_store)
        missing = [
            name
            for name in missing
            if find_recorded(client, experiment_id, "evaluation", digests[name]) is None
        ]
        for name in missing:
            _write_run(client, experiment_id, run_content.read(artifacts, raw, name), digests[name][0])
        stamp.renew(client, mlflow_store)
    return missing


class LiveRun:
    """Logs a long training to MLflow while it runs; call it after each epoch.

    Nothing is logged in the first LONG seconds, so that a short training does not pay for importing mlflow;
    then all epochs so far are logged at once. Where the store cannot be reached, it prints a line and the
    training goes on.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        params: Mapping[str, Any],
        mlflow_store: Store | None = None,
    ) -> None:
        self._name = name
        self._fingerprint = fingerprint
        self._params = params
        self._start = time.monotonic()
        self._store = mlflow_store
        self._epochs: dict[int, dict[str, float]] = {}
        self._run: tuple[MlflowClient, str] | None = None
        self._off = False

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log the metrics of an epoch (counted from 1), once the training has taken LONG seconds."""
        self._epochs[epoch] = dict(metrics)
        if self._off or time.monotonic() - self._start < LONG:
            return
        try:
            self._log()
        except store_errors() as error:
            self._off = True
            print(f"{self._name}: not shown in MLflow while it trains ({reason(error)})")

    def _log(self) -> None:
        if self._run is None:
            mlflow_store = self._store or store()
            with alone(mlflow_store):
                client = client_of(mlflow_store)
                training = trainings.read(self._name, self._fingerprint)
                run = find_run(
                    client,
                    get_experiment_id(client, mlflow_store),
                    self._name,  # until `record` knows what it differs in
                    _identity(self._name, self._fingerprint),
                    {},
                    start_time=training.start if training else None,
                )
            self._run = client, run.info.run_id
            if run.info.status == "FINISHED":
                self._off = True
                return
            _log_params(client, run, self._params)
        _log_epochs(*self._run, self._epochs)
        self._epochs = {}


def run_of(client: "MlflowClient", experiment_id: str, content: run_content.RunContent) -> "Run":
    """Return the run of an experiment's training; creates it where it is missing."""
    identity = _identity(content.name, content.tags["fingerprint"])
    training = content.training
    tags = content.tags if training else content.tags | {"restored": "true"}
    start_time = training.start if training else None
    return find_run(client, experiment_id, content.name, identity, tags, start_time=start_time)


def _identity(name: str, fingerprint: str) -> dict[str, str]:
    return {"fingerprint": fingerprint, "experiment": name}


def _write_run(
    client: "MlflowClient", experiment_id: str, content: run_content.RunContent, digest: str
) -> None:
    from mlflow.entities import Metric, RunTag

    run = run_of(client, experiment_id, content)
    run_id, now = run.info.run_id, trainings.now()
    # A run that was finished before keeps its name, which a person may have changed.
    name = None if "evaluation" in run.data.tags else _run_name(client, experiment_id, content)
    client.update_run(run_id, status="RUNNING", name=name)
    _log_params(client, run, content.params)
    changed = {key: value for key, value in content.scores.items() if run.data.metrics.get(key) != value}
    # The page of a run has its metrics in the order in which they were logged.
    client.log_batch(run_id, [Metric(key, value, now, 0) for key, value in changed.items()])
    _log_epochs(client, run_id, content.epochs)
    client.log_inputs(run_id, inputs.entities(content.tables))
    for artifact, path in content.files.items():
        client.log_artifact(run_id, str(path), Path(artifact).parent.as_posix().removeprefix("."))
    client.log_text(run_id, _table(metric_names.intervals(content.metrics)), metric_names.INTERVALS)
    tags = {**content.tags, "evaluation": digest}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_terminated(run_id, end_time=_end(run, content))


def _run_name(client: "MlflowClient", experiment_id: str, content: run_content.RunContent) -> str:
    """Return the name of a run, by what it differs in from the first run of its experiment."""
    # A person's own run may have a tag `experiment`, and has no fingerprint.
    condition = f"tags.experiment = '{content.name}' AND tags.fingerprint != ''"
    order = ["attributes.start_time ASC"]
    earlier = client.search_runs([experiment_id], condition, max_results=1, order_by=order)
    # Of the same training there may be a run in an older layout.
    first = next(
        (run for run in earlier if run.data.tags["fingerprint"] != content.tags["fingerprint"]), None
    )
    data = content.tags.get("data", ""), first.data.tags.get("data", "") if first else ""
    return run_names.name(content.name, content.params, first.data.params if first else None, data)


def _end(run: "Run", content: run_content.RunContent) -> int:
    """Return the end of a run: that of its training; where this machine did not do it, the run's start."""
    training = content.training
    if training is not None and training.end is not None and training.start == run.info.start_time:
        return training.end
    return run.info.end_time or run.info.start_time


def _table(rows: Iterable[list[str]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _log_params(client: "MlflowClient", run: "Run", params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    # MLflow refuses to change a param; those of a training cannot differ, since its fingerprint holds them.
    shown = run_names.shown(params).items()
    new = [Param(key, value) for key, value in shown if key not in run.data.params]
    client.log_batch(run.info.run_id, params=new)


def _log_epochs(client: "MlflowClient", run_id: str, epochs: Mapping[int, Mapping[str, float]]) -> None:
    """Log the epochs that the run lacks, each by one call, so that none is logged in part."""
    from mlflow.entities import Metric

    any_column = next(iter(next(iter(epochs.values()), {})), None)
    if any_column is None:
        return
    history = client.get_metric_history(run_id, metric_names.curve(any_column))
    logged = {metric.step for metric in history}
    now = trainings.now()
    for epoch, row in epochs.items():
        if epoch not in logged:
            curves = [Metric(metric_names.curve(key), value, now, epoch) for key, value in row.items()]
            client.log_batch(run_id, curves)
