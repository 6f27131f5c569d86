"""Register artifacts/served in MLflow as a version of two registered models, and decide which is champion.

Input: the stages' files under artifacts/ (served/, estimates/, experiments/, songs, pairs), and register.name
of params.yaml. Output: in the store of `store.store()`, versions of the two models of that name (see
`serving.registered`), which move together, with the aliases champion and challenger. A version's files are
those of a model that its experiment's MLflow run lists among its outputs.

The name is that of a corpus: other data under the same name are newer ones, and their model challenges the
champion as any other does.

A version's tags say what it is, see `version_tags`. `complete` is set last: a registration that was killed
half-way is completed by the next one. A champion whose files are gone is registered again, from
where they are now or from artifacts/served; its version stays. As for runs, mlflow is not imported where the
store's stamp shows that nothing is to be done.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist import files
from neuralist.config import params, records
from neuralist.config.records import ServedModel
from neuralist.serving import registered
from neuralist.tracking import metric_names, relocation, run_content, stamp, trainings, version_tags
from neuralist.tracking.runs import record, run_of
from neuralist.tracking.stamp import Registered
from neuralist.tracking.store import (
    Store,
    download_served,
    find_run,
    get_experiment_id,
    opened,
    store,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

    from neuralist.tracking.champion import RivalScores, TooFew, Verdict

MAX_DESCRIPTION = 5000  # characters that MLflow's tables hold


@dataclass(frozen=True)
class Served:
    """The model in artifacts/served, its corpus, and the data that it was trained on."""

    artifacts: Path
    raw: Path
    corpus: str  # register.name
    model: ServedModel
    data: str  # DVC's md5 of the raw folder
    digest: str  # of data and served.json, which holds the digest of the other files

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.model.experiment

    @property
    def models(self) -> dict[str, str]:
        """The registered models of the corpus, name to kind; see `registered.names`."""
        return registered.names(self.corpus)

    @property
    def folder(self) -> Path:
        """The folder of the packed model."""
        return self.artifacts / "served"


def register(artifacts: Path, raw: Path, mlflow_store: Store | None = None, *, replace: bool = False) -> str:
    """Register artifacts/served where the registry lacks it, and compare it with the champion.

    Args:
        artifacts: holds served/, estimates/, experiments/, songs.parquet and pairs.parquet.
        raw: the raw folder, as dvc.lock names it.
        mlflow_store: the store; the working folder's by default.
        replace: make it champion without comparing.

    Returns:
        A line for the user: what was done, or why nothing was; before it, one for each version that moved.

    Raises:
        ValueError: a file is missing, params.yaml is refused, dvc.lock has no md5 of `raw`, or the store
            cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    card = artifacts / "served" / "card.md"
    if card.exists() and not card.with_name("served.json").exists():
        return card.read_text(encoding="utf-8").strip()
    served = read(artifacts, raw)
    content = stamp.read(mlflow_store)
    # Lost files, which may have moved with the checkout, are a reason to look.
    message = _reason_to_skip(content.models_of(served.models), served, replace=replace) if content else None
    if message:
        return message
    record(artifacts, raw, mlflow_store)  # a version belongs to a run
    with opened(mlflow_store) as client:
        present = stamp.models(client, mlflow_store, served.models)
        moved = relocation.register_moved(client, mlflow_store.checkout, present)
        present = stamp.models(client, mlflow_store, served.models)
        registration = _Registration(client, mlflow_store, served, present)
        message = _reason_to_skip(registration.models, served, replace=replace)
        if not message:
            message = registration.write(registration.verdict(replace=replace))
        stamp.renew(client, mlflow_store)
    return "\n".join([*moved, message])


def read(artifacts: Path, raw: Path) -> Served:
    """Read the packed model; see `register`."""
    model = records.load_served(artifacts / "served")
    data = run_content.data_hash(raw)
    if not data:
        raise ValueError(f"dvc.lock: names no md5 of {raw}, so the corpus is unknown; run `dvc repro` first")
    corpus = params.model_name(Path("params.yaml"))
    return Served(artifacts, raw, corpus, model, data, content_digest(model, data))


def content_digest(model: ServedModel, data: str) -> str:
    """Return the digest of a packed model's content, which is a version's tag `served`.

    Args:
        model: what its served.json says.
        data: DVC's md5 of the raw folder.
    """
    return hashlib.sha256(json.dumps([model.model_dump(), data], sort_keys=True).encode()).hexdigest()


def _reason_to_skip(models: Mapping[str, Registered], served: Served, *, replace: bool) -> str | None:
    """Return why nothing is to be done, as a message; None where there is something."""
    champion = models[served.corpus].champion
    if any(model.has_lost_champion for model in models.values()):
        return None
    numbers = {name: model.version_of(served.digest) for name, model in models.items()}
    tags = {name: model.versions.get(numbers[name] or "", {}) for name, model in models.items()}
    champions = {(model.champion or {}).get("served") for model in models.values()}
    if champion is None or not all("complete" in of_version for of_version in tags.values()):
        return None
    if champions == {served.digest}:
        return f"{served.name} is the champion already: {version_list(numbers)}"
    if replace or champion.get("served") == served.digest:  # the latter: killed between the two models
        return None
    return f"{served.name} is {version_list(numbers)} already: {tags[served.corpus].get('verdict', '')}"


def _description(model: Registered, data: str) -> str:
    """Return version and experiment of the champion, and whether its data are others than these."""
    tags = model.champion or {}
    other = ", other data" if tags.get("data", data) != data else ""
    return f"version {model.aliases['champion']} ({tags.get('experiment', 'unknown')}{other})"


def version_list(numbers: Mapping[str, str | None]) -> str:
    """Return versions in words: version 2 of neuralist and neuralist-recommender."""
    if len(set(numbers.values())) == 1:
        return f"version {next(iter(numbers.values()))} of {' and '.join(numbers)}"
    return ", ".join(f"version {number} of {name}" for name, number in numbers.items())


@dataclass(frozen=True)
class _Registration:
    """Writes a version of both models of a corpus; the caller holds the lock of the store."""

    client: "MlflowClient"
    mlflow_store: Store
    served: Served
    models: Mapping[str, Registered]  # before the registration

    def verdict(self, *, replace: bool) -> "Verdict":
        """Decide on the alias; compares with the champion unless the tags alone settle it."""
        from neuralist.tracking import champion

        model = self.models[self.served.corpus]
        description = "" if model.champion is None else _description(model, self.served.data)
        if model.champion is not None and any(model.has_lost_champion for model in self.models.values()):
            return champion.Verdict("champion", f"the files of {description} are gone")
        verdict = champion.verdict_from_tags(
            model.champion, description, self.served.model.fingerprint, self.served.digest, replace=replace
        )
        return verdict or champion.verdict_from_scores(self._scores(), description)

    def _scores(self) -> "RivalScores | TooFew":
        """Evaluate the packed model and the champion by the metric that chose the packed model."""
        from neuralist.data import parquet, tables
        from neuralist.tracking import champion

        songs = parquet.read(self.served.artifacts / "songs.parquet", tables.SONGS)
        pairs = parquet.read(self.served.artifacts / "pairs.parquet", tables.PAIRS)
        with files.temporary_folder() as scratch:
            number = self.models[self.served.corpus].aliases["champion"]
            source = self.client.get_model_version_download_uri(self.served.corpus, number)
            folder = download_served(self.mlflow_store, source, scratch)
            rivals = champion.Rivals(self.served.folder, folder)
            return champion.compare(songs, pairs, rivals, self.served.model.metric, params.load().evaluate)

    def write(self, verdict: "Verdict") -> str:
        """Create missing versions, then move the aliases; safe to repeat after a kill. Returns a message."""
        numbers = self._versions()
        for name, number in numbers.items():
            version_tags.change(self.client, name, number, "verdict", verdict.reason)
        for name, number in numbers.items():
            self.client.set_registered_model_alias(name, verdict.alias, number)
            challenger = self.models[name].versions.get(self.models[name].aliases.get("challenger", ""), {})
            if verdict.alias == "champion" and challenger.get("served") == self.served.digest:
                self.client.delete_registered_model_alias(name, "challenger")
        for name, number in numbers.items():
            version_tags.change(self.client, name, number, "complete", "true")
        return f"{self.served.name} is now {verdict.alias}, {version_list(numbers)}: {verdict.reason}"

    def _versions(self) -> dict[str, str]:
        """Return model name to the number of the version with this content; creates missing versions."""
        numbers = {name: model.version_of(self.served.digest) for name, model in self.models.items()}
        present = {name: number for name, number in numbers.items() if number}
        if present.keys() == numbers.keys():
            return present
        served = self.served
        content = run_content.read(served.artifacts, served.raw, served.name)
        experiment_id = get_experiment_id(self.client, self.mlflow_store)
        run = run_of(self.client, experiment_id, content)
        values = {
            "experiment": served.name,
            "data": served.data,
            "served": served.digest,
            "fingerprint": served.model.fingerprint,
        }
        # MLflow shows the newest of a run's models first: that of the corpus is made last.
        created = {
            name: create_version(self.client, run, name, kind, served.folder, values)
            for name, kind in reversed(served.models.items())
            if name not in present
        }
        return {name: (present | created)[name] for name in served.models}


def create_version(
    client: "MlflowClient", run: "Run", name: str, kind: str, folder: Path, values: Mapping[str, str]
) -> str:
    """Create a version of a registered model from a served folder, with its card; returns the number.

    Its files are those of a model that MLflow lists with the run, with the run's params and its figures on
    test. One that a call which was killed has begun is completed.

    Args:
        client: of the store, whose lock the caller holds.
        run: of MLflow, which trained the model.
        name: of the registered model, which is created where it is missing.
        kind: one of registered.MODELS.
        folder: the served folder.
        values: what its tags hold, `served` among them; see `version_tags`.
    """
    from neuralist.serving import mlflow_model

    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=registered.MODELS[kind])
    model = _logged_model(client, run.info.run_id, kind, values["served"])
    with files.temporary_folder() as scratch:
        path = Path(scratch, kind)
        mlflow_model.save(kind, folder, path, mlflow_model.Origin(run.info.run_id, model.model_id))
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    version = client.create_model_version(
        name,
        source=model.artifact_location,
        run_id=run.info.run_id,
        model_id=model.model_id,
        tags=version_tags.packed(values),
        description=_shortened((folder / "card.md").read_text(encoding="utf-8")),
    )
    return str(version.version)


def run_of_version(client: "MlflowClient", mlflow_store: Store, name: str, number: str) -> "Run":
    """Return the run of a version, for further versions of its training; of one that is gone a new one.

    A person may delete a run, and `mlflow gc` then removes it for good. The version's files are not the
    run's, so the version stays.

    Args:
        client: of the store, whose lock the caller holds.
        mlflow_store: the store.
        name: of the registered model.
        number: of the version.
    """
    from mlflow.exceptions import MlflowException

    version = client.get_model_version(name, number)
    try:
        run = client.get_run(str(version.run_id))
        if run.info.lifecycle_stage == "active":
            return run
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    values = version_tags.unpacked(version.tags)
    identity = {key: values[key] for key in ("fingerprint", "experiment")}
    experiment_id = get_experiment_id(client, mlflow_store)
    run = find_run(client, experiment_id, values["experiment"], identity, {"restored": "true"})
    if run.info.end_time is None:
        client.set_terminated(run.info.run_id, end_time=run.info.start_time)
    return run


def _logged_model(client: "MlflowClient", run_id: str, kind: str, digest: str) -> "LoggedModel":
    """Return the model of a run with this content, among the run's outputs; creates what is missing."""
    from mlflow.entities import LoggedModelOutput, Metric

    run = client.get_run(run_id)
    experiment_id = run.info.experiment_id
    condition = f"source_run_id = '{run_id}' AND name = '{kind}' AND tags.served = '{digest}'"
    begun = client.search_logged_models([experiment_id], condition, max_results=1)
    model = (
        begun[0]
        if begun
        else client.create_logged_model(
            experiment_id, kind, run_id, tags={"served": digest}, params=run.data.params, model_type=kind
        )
    )
    outputs = run.outputs.model_outputs if run.outputs else []
    if model.model_id not in {output.model_id for output in outputs}:
        now, own = trainings.now(), {"model_id": model.model_id, "run_id": run_id}
        front = {key: value for key, value in run.data.metrics.items() if metric_names.is_front(key)}
        client.log_batch(run_id, [Metric(key, value, now, 0, **own) for key, value in front.items()])
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model


def _shortened(card: str) -> str:
    if len(card) <= MAX_DESCRIPTION:
        return card
    rest = "\n\nThe rest is in artifacts/served/card.md of this version."
    return card[: MAX_DESCRIPTION - len(rest)].rpartition("\n")[0] + rest
