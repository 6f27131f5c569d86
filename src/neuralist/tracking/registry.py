"""MLflow's registry: artifacts/served as a version of two registered models, and which version is champion.

Input: what the stages wrote under artifacts/ (served/, metrics/, experiments/, songs, pairs). Output: in
the store of `store.store()`, versions of MODELS, which move together, with the aliases champion and
challenger. A version's files lie in the MLflow run of its experiment, in served-<digest>/.

A version's tag `served` names its content, and its tag `complete`, set last, says that nothing is left to do:
a registration that was killed half-way is completed by the next one. As for runs, mlflow is not imported
where the store's stamp says that nothing is to be done.
"""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from neuralist.config import records
from neuralist.config.records import ServedModel
from neuralist.tracking import run_content, stamp
from neuralist.tracking.runs import record
from neuralist.tracking.stamp import MODELS, Registered
from neuralist.tracking.store import Store, find_run, main_checkout, opened, place_of, store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from neuralist.tracking.champion import Measured, Verdict

FIRST = "neuralist"  # what it calls champion is champion
LONGEST = 5000  # characters that MLflow's tables keep of a description


@dataclass(frozen=True)
class Served:
    """artifacts/served, and the corpus that it is from."""

    artifacts: Path
    raw: Path
    model: ServedModel
    data: str  # DVC's md5 of the raw folder
    digest: str  # of data and served.json, which holds one of the other files

    @property
    def name(self) -> str:
        """The experiment."""
        return self.model.experiment

    @property
    def folder(self) -> Path:
        """The files."""
        return self.artifacts / "served"


def register(artifacts: Path, raw: Path, into: Store | None = None, *, replace: bool = False) -> str:
    """Register artifacts/served where the registry lacks it, and let it challenge the champion.

    Args:
        artifacts: holds served/, metrics/, experiments/, songs.parquet and pairs.parquet.
        raw: the raw folder, as dvc.lock names it.
        into: the store; that of the working folder when left out.
        replace: make it champion unmeasured, also in place of another corpus' champion.

    Returns:
        One line that says what was done, or why nothing was.

    Raises:
        ValueError: a file is missing, the corpus is unknown to dvc.lock, or the store cannot be reached.
    """
    into = into or store()
    card = artifacts / "served" / "card.md"
    if card.exists() and not card.with_name("served.json").exists():
        return card.read_text(encoding="utf-8").strip()
    served = _read(artifacts, raw)
    held = stamp.read(into)
    line = _settled(held.models, served, replace=replace) if held else None
    if line:
        return line
    record(artifacts, raw, into)  # the run that a version is of
    with opened(into) as client:
        entry = _Entry(client, into, served, stamp.models(client))
        line = _settled(entry.known, served, replace=replace) or entry.enter(entry.verdict(replace=replace))
        stamp.renew(client, into)
    return line


def _read(artifacts: Path, raw: Path) -> Served:
    model = records.load_served(artifacts / "served")
    data = run_content.data_hash(raw)
    if not data:
        raise ValueError(f"dvc.lock: names no md5 of {raw}, so the corpus is unknown; run `dvc repro` first")
    digest = hashlib.sha256(json.dumps([model.model_dump(), data], sort_keys=True).encode()).hexdigest()
    return Served(artifacts, raw, model, data, digest)


def _settled(known: Mapping[str, Registered], served: Served, *, replace: bool) -> str | None:
    """Why there is nothing to do; None when there is."""
    champion = known[FIRST].champion
    if champion is not None and champion.get("data") != served.data and not replace:
        return (
            f"{served.name} is not registered: the champion, {_described(known[FIRST])}, is of another "
            f"corpus; to put {served.name} in its place: {_command()}"
        )
    numbers = {name: model.version_of(served.digest) for name, model in known.items()}
    tags = {name: model.versions.get(numbers[name] or "", {}) for name, model in known.items()}
    crowned = {(model.champion or {}).get("served") for model in known.values()}
    if champion is None or not all("complete" in one for one in tags.values()):
        return None
    if crowned == {served.digest}:
        return f"{served.name} is the champion already: {_listed(numbers)}"
    if replace or champion.get("served") == served.digest:  # the latter: killed between the two models
        return None
    return f"{served.name} is {_listed(numbers)} already: {tags[FIRST].get('verdict', '')}"


def _command() -> str:
    here = Path.cwd()
    inside = here.relative_to(main_checkout(here))
    change = "" if inside == Path() else f"cd {shlex.quote(str(inside))} && "
    return f"{change}PYTHONPATH=src python pipelines/register.py data artifacts --replace"


def _described(model: Registered) -> str:
    return f"version {model.aliases['champion']} ({(model.champion or {}).get('experiment', 'unknown')})"


def _listed(numbers: Mapping[str, str | None]) -> str:
    if len(set(numbers.values())) == 1:
        return f"version {numbers[FIRST]} of {' and '.join(numbers)}"
    return ", ".join(f"version {number} of {name}" for name, number in numbers.items())


@dataclass(frozen=True)
class _Entry:
    """A registration on its way, alone with the store."""

    client: "MlflowClient"
    into: Store
    served: Served
    known: Mapping[str, Registered]

    def verdict(self, *, replace: bool) -> "Verdict":
        """The alias that is due, measured where there is something to measure."""
        from neuralist.tracking import champion

        model = self.known[FIRST]
        described = _described(model) if model.champion else ""
        due = champion.unmeasured(
            model.champion, described, self.served.model.fingerprint, self.served.digest, replace=replace
        )
        return due or champion.verdict(self._measured(), described)

    def _measured(self) -> "Measured":
        """The packed model beside the champion, on the served metric."""
        from mlflow.artifacts import download_artifacts

        from neuralist.config import params
        from neuralist.data import parquet, tables
        from neuralist.tracking import champion

        songs = parquet.read(self.served.artifacts / "songs.parquet", tables.SONGS)
        pairs = parquet.read(self.served.artifacts / "pairs.parquet", tables.PAIRS)
        with TemporaryDirectory() as scratch:
            number = self.known[FIRST].aliases["champion"]
            source = self.client.get_model_version_download_uri(FIRST, number)
            folder = download_artifacts(
                artifact_uri=f"{source}/artifacts/served", dst_path=scratch, tracking_uri=self.into.uri
            )
            rivals = champion.Rivals(self.served.folder, Path(folder))
            return champion.measured(songs, pairs, rivals, self.served.model.metric, params.load().evaluate)

    def enter(self, verdict: "Verdict") -> str:
        """Make the versions that lack, then move the aliases; each step may be made again after a kill."""
        numbers = self._versions()
        for name, number in numbers.items():
            self.client.set_model_version_tag(name, number, "verdict", verdict.reason)
        for name, number in numbers.items():
            self.client.set_registered_model_alias(name, verdict.alias, number)
            if verdict.alias == "champion" and self.known[name].aliases.get("challenger") == number:
                self.client.delete_registered_model_alias(name, "challenger")
        for name, number in numbers.items():
            self.client.set_model_version_tag(name, number, "complete", "true")
        return f"{self.served.name} is now {verdict.alias}, {_listed(numbers)}: {verdict.reason}"

    def _versions(self) -> dict[str, str]:
        """The version of each model that serves this content, made where it lacks."""
        numbers = {name: model.version_of(self.served.digest) for name, model in self.known.items()}
        found = {name: number for name, number in numbers.items() if number}
        if found.keys() == numbers.keys():
            return found
        served = self.served
        content = run_content.read(served.artifacts, served.raw, served.name)
        place = place_of(self.client, self.into)
        run = find_run(self.client, place, content.tags, served.name)
        return {name: found.get(name) or self._version(name, content, run) for name in numbers}

    def _version(self, name: str, content: run_content.RunContent, run: "Run") -> str:
        from mlflow.pyfunc import save_model

        from neuralist.serving import mlflow_model

        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name, description=MODELS[name])
        place = f"served-{self.served.digest[:12]}/{name}"
        with TemporaryDirectory() as scratch:
            save_model(path=f"{scratch}/{name}", **mlflow_model.model_arguments(name, self.served.folder))
            self.client.log_artifacts(run.info.run_id, f"{scratch}/{name}", place)
        made = self.client.create_model_version(
            name,
            source=f"{run.info.artifact_uri}/{place}",
            run_id=run.info.run_id,
            tags=_tags(self.served, content),
            description=_shortened((self.served.folder / "card.md").read_text(encoding="utf-8")),
        )
        return str(made.version)


def _shortened(card: str) -> str:
    if len(card) <= LONGEST:
        return card
    rest = "\n\nThe rest is in artifacts/served/card.md of this version."
    return card[: LONGEST - len(rest)].rpartition("\n")[0] + rest


def _tags(served: Served, content: run_content.RunContent) -> dict[str, str]:
    """What a version says of itself: where it is from, how good it is and how it was made."""
    tags = {
        "served": served.digest,
        "data": served.data,
        "git_commit": content.tags.get("mlflow.source.git.commit", ""),
        "dvc_experiment": content.tags.get("dvc_experiment", ""),
        "fingerprint": served.model.fingerprint,
        "experiment": served.name,
        "beats_baselines": str(served.model.beats_baselines).lower(),
    }
    for split, part in content.metrics.splits.items():
        for metric, estimate in part.metrics.items():
            if estimate.value is not None:
                bounds = "" if estimate.low is None else f" [{estimate.low:g}, {estimate.high:g}]"
                tags[f"{split}_{metric}"] = f"{estimate.value:g}{bounds}"
    tags |= {f"params.{key}": str(value) for key, value in content.params.items()}
    return {key: value for key, value in tags.items() if value}
