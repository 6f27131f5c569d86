"""A run in MLflow for each trained experiment, found by its tag `fingerprint`.

Input: what the stages wrote under artifacts/ (experiments/<name>/, metrics/, figures/, pages), or the
figures of a training while it goes on. Output: runs in the store of `neuralist.tracking.store`; where its
stamp says that it holds every run, mlflow is not imported. A run counts as recorded when it is FINISHED and
its tag `evaluation` is the digest of what it shows; both are set last, so a recording that was killed
half-way is completed by the next one.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.tracking import run_content, stamp
from neuralist.tracking.store import (
    LONG,
    Store,
    alone,
    client_of,
    find_run,
    first_line,
    has_run,
    opened,
    place_of,
    store,
    store_errors,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def record(artifacts: Path, raw: Path, into: Store | None = None) -> list[str]:
    """Make or complete the run of every experiment that the store lacks; returns their names.

    Args:
        artifacts: holds metrics/, which names the experiments, and experiments/<name>/.
        raw: the raw folder; its corpus.yaml, when there is one, is recorded too.
        into: the store; that of the working folder when left out.

    Raises:
        ValueError: a file is missing, or the store cannot be reached.
    """
    into = into or store()
    digests = {name: run_content.digest(artifacts, raw, name) for name in run_content.names(artifacts)}
    absent = [name for name in digests if not stamp.recorded(into, digests[name])]
    if not absent:
        return []
    with opened(into) as client:
        place = place_of(client, into)
        absent = [name for name in absent if not has_run(client, place, "evaluation", digests[name])]
        for name in absent:
            _write_run(client, place, run_content.read(artifacts, raw, name), digests[name])
        stamp.renew(client, into)
    return absent


class LiveRun:
    """Shows a long training in MLflow while it runs; call it once an epoch.

    Nothing happens in the first LONG seconds, so that a short training does not pay for importing mlflow;
    then the epochs so far are logged at once. A store that cannot be reached costs one line of output, never
    the training.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        params: Mapping[str, Any],
        into: Store | None = None,
    ) -> None:
        self._name = name
        self._tags = {"fingerprint": fingerprint}
        self._params = params
        self._start = time.monotonic()
        self._into = into
        self._epochs: dict[int, dict[str, float]] = {}
        self._run: tuple[MlflowClient, str] | None = None
        self._off = False

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take the figures of an epoch (counted from 1), and log them once the training counts as long."""
        self._epochs[epoch] = dict(metrics)
        if self._off or time.monotonic() - self._start < LONG:
            return
        try:
            self._log()
        except store_errors() as error:
            self._off = True
            print(f"{self._name}: not shown in MLflow while it trains ({first_line(error)})")

    def _log(self) -> None:
        if self._run is None:
            into = self._into or store()
            with alone(into):
                client = client_of(into)
                run = find_run(client, place_of(client, into), self._tags, self._name)
            self._run = client, run.info.run_id
            if run.info.status == "FINISHED":
                self._off = True
                return
            _log_params(client, run, self._params)
        _log_epochs(*self._run, self._epochs)
        self._epochs = {}


def _write_run(client: "MlflowClient", place: str, content: run_content.RunContent, digest: str) -> None:
    from mlflow.entities import Metric, RunTag

    run = find_run(client, place, content.tags, content.name)
    run_id = run.info.run_id
    client.update_run(run_id, status="RUNNING")
    _log_params(client, run, content.params)
    _log_epochs(client, run_id, content.epochs)
    now = int(time.time() * 1000)
    changed = {key: value for key, value in content.scores.items() if run.data.metrics.get(key) != value}
    client.log_batch(run_id, [Metric(key, value, now, 0) for key, value in changed.items()])
    for artifact, path in content.files.items():
        client.log_artifact(run_id, str(path), Path(artifact).parent.as_posix().removeprefix("."))
    tags = {**content.tags, "evaluation": digest}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_terminated(run_id)


def _log_params(client: "MlflowClient", run: "Run", params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    # MLflow refuses to change a param; those of a training cannot differ, since its fingerprint holds them.
    new = [Param(key, str(value)) for key, value in params.items() if key not in run.data.params]
    client.log_batch(run.info.run_id, params=new)


def _log_epochs(client: "MlflowClient", run_id: str, epochs: Mapping[int, Mapping[str, float]]) -> None:
    """Log the epochs that the run lacks, each by one call, so that it is there whole or not at all."""
    from mlflow.entities import Metric

    first = next(iter(next(iter(epochs.values()), {})), None)
    if first is None:
        return
    present = {metric.step for metric in client.get_metric_history(run_id, first)}
    now = int(time.time() * 1000)
    for epoch, metrics in epochs.items():
        if epoch not in present:
            client.log_batch(run_id, [Metric(key, value, now, epoch) for key, value in metrics.items()])
