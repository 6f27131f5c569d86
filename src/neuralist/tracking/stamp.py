"""Cache the contents of a default store, to spare the 3 s of importing mlflow while nobody has written to it.

Output: mlruns/.recorded.json beside mlflow.db, not in a workspace, since all workspaces share that store. It
holds the ids of MLflow experiments, finished runs by their digests, all registered models, and the state of
the file mlflow.db at that time. It holds the checkout's path too: MLflow keeps absolute paths, so in a
checkout that was moved it is queried. Whether a registered model's files are there is looked up each time.

Whoever writes to the store, be it a run, a person in MLflow's pages or `mlflow gc`, writes to that file, and
so changes its times; whoever replaces it changes its inode. ctime is compared too, since a copy may
preserve mtime. The stamp is then out of date, and MLflow is queried. A server's store has no stamp.
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuralist import files
from neuralist.tracking import version_tags
from neuralist.tracking.store import Store, is_gone

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAGS = ("evaluation", "recorded")  # tags that hold a digest: of an experiment's run, of a study's run
TICK_S = 0.05  # far above 10 ms, the resolution that file times may have


class Registered(NamedTuple):
    """A registered model: alias to version number, and version number to tags and to the URI of its files.

    The tags are as `version_tags.unpacked` gives them.
    """

    aliases: dict[str, str]
    versions: dict[str, dict[str, str]]
    sources: dict[str, str]

    def version_of(self, digest: str) -> str | None:
        """Return the number of the version with this content, unless its files are gone; else None."""
        numbers = (number for number, tags in self.versions.items() if tags.get("served") == digest)
        return next((number for number in numbers if not self.is_lost(number)), None)

    def is_lost(self, number: str) -> bool:
        """Return whether the files of a version are gone; see `store.is_gone`."""
        return is_gone(self.sources.get(number, ""))

    @property
    def has_lost_champion(self) -> bool:
        """Whether there is a champion, and its files are gone."""
        return self.champion is not None and self.is_lost(self.aliases["champion"])

    @property
    def champion(self) -> dict[str, str] | None:
        """The tags of the champion's version; None without a champion."""
        return self.versions.get(self.aliases.get("champion", ""))


NOT_REGISTERED = Registered({}, {}, {})


class StoreContent(NamedTuple):
    """MLflow experiment to its id and to its finished runs, digest to id, and name to registered model."""

    experiments: Mapping[str, str]
    runs: Mapping[str, dict[str, str]]
    models: Mapping[str, Registered]

    def models_of(self, names: Iterable[str]) -> dict[str, Registered]:
        """Return these registered models, NOT_REGISTERED for one that is not there."""
        return {name: self.models.get(name, NOT_REGISTERED) for name in names}


def read(mlflow_store: Store) -> StoreContent | None:
    """Return the content of a default store, without mlflow; None where the stamp cannot tell."""
    database = _database_state(mlflow_store)
    if mlflow_store.checkout is None or database is None:
        return None
    try:
        cached = json.loads(_path(mlflow_store.checkout).read_text(encoding="utf-8"))
        if (cached["database"], cached["checkout"]) != (database, str(mlflow_store.checkout)):
            return None
        models = {name: Registered(**model) for name, model in cached["models"].items()}
        runs = {name: dict(digests) for name, digests in cached["runs"].items()}
        experiments = {name: cached["experiments"][name] for name in runs}
        return StoreContent(experiments, runs, models)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # no stamp, or that of another release


def run_id(mlflow_store: Store, digests: Iterable[str]) -> str | None:
    """Return the id of the finished run of the store's experiment that the stamp lists with such a digest."""
    content = read(mlflow_store)
    runs = content.runs.get(mlflow_store.experiment, {}) if content is not None else {}
    return next((runs[digest] for digest in digests if digest in runs), None)


def renew(client: "MlflowClient", mlflow_store: Store) -> None:
    """Write the stamp of a default store; call it after the last of one's own writes."""
    if mlflow_store.checkout is None:
        return
    database = _settled_state(mlflow_store)
    experiments = {experiment.name: experiment.experiment_id for experiment in client.search_experiments()}
    content = {
        "database": database,
        "checkout": str(mlflow_store.checkout),
        "experiments": experiments,
        "runs": _runs(client, experiments),
        "models": {
            name: model._asdict() for name, model in models(client, mlflow_store, _names(client)).items()
        },
    }
    # Another program, which ignores our lock, may have written since MLflow was queried.
    if database is not None and database == _database_state(mlflow_store):
        files.write_text(_path(mlflow_store.checkout), json.dumps(content))


def _names(client: "MlflowClient") -> list[str]:
    """Return the names of all registered models, but for those that a filter cannot hold."""
    page = client.search_registered_models()
    names = [model.name for model in page]
    while page.token:
        page = client.search_registered_models(page_token=page.token)
        names += [model.name for model in page]
    return [name for name in names if "'" not in name]


def models(client: "MlflowClient", mlflow_store: Store, names: Iterable[str]) -> dict[str, Registered]:
    """Query MLflow for registered models; returns name to model, an empty one where there is none.

    Of a server no sources are returned: whether its files are gone cannot be seen from here.
    """
    registered = {}
    for name in names:
        matches = client.search_registered_models(f"name = '{name}'")
        aliases = {alias: str(version) for model in matches for alias, version in model.aliases.items()}
        versions = client.search_model_versions(f"name = '{name}'")
        tags = {str(version.version): version_tags.unpacked(version.tags) for version in versions}
        sources = {str(version.version): version.source or "" for version in versions}
        sources = {} if mlflow_store.checkout is None else sources
        registered[name] = Registered(aliases, tags, sources)
    return registered


def _runs(client: "MlflowClient", experiments: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return MLflow experiment to its finished runs, digest to id."""
    # A digest beyond max_results costs its caller a query of MLflow, no more.
    names = {experiment_id: name for name, experiment_id in experiments.items()}
    runs: dict[str, dict[str, str]] = {name: {} for name in experiments}
    for tag in TAGS:
        condition = f"tags.{tag} != '' AND attributes.status = 'FINISHED'"
        for run in client.search_runs([*names], condition, max_results=50_000):
            runs[names[run.info.experiment_id]][run.data.tags[tag]] = run.info.run_id
    return runs


def _path(checkout: Path) -> Path:
    return checkout / "mlruns" / ".recorded.json"


def _settled_state(mlflow_store: Store) -> list[int] | None:
    """Return the state of mlflow.db once it stops changing; None where it does not, or has no state."""
    # Two writes within one tick of the file clock leave the same times.
    state: Any = None
    for _ in range(20):
        before, state = state, _database_state(mlflow_store)
        if state is None or state == before:
            return state
        time.sleep(TICK_S)
    return None


def _database_state(mlflow_store: Store) -> list[int] | None:
    """Return size, inode and times of mlflow.db, which any write changes; None where that does not hold.

    The file is not opened: closing it would drop the locks that SQLite holds on it in this process.
    """
    # Under SQLite's write-ahead log, which a person may have chosen, changes stay in another file for long.
    if mlflow_store.checkout is None or (mlflow_store.checkout / "mlflow.db-wal").exists():
        return None
    try:
        stat = (mlflow_store.checkout / "mlflow.db").stat()
    except OSError:
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
