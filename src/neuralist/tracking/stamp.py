"""What MLflow last said of a default store: it spares the 3 s of asking again while nobody has written to it.

Output: mlruns/.recorded.json beside mlflow.db, not in a workspace, since all workspaces share that store. It
holds what finished runs and registered models are of, and the look of the file mlflow.db at that time.

Whoever writes to the store, be it a run, a person in MLflow's pages or `mlflow gc`, writes to that file, and
so changes its times; whoever puts another in its place changes its inode. ctime is in it since a copy may
bring mtime along. The stamp then says nothing, and MLflow itself is asked. A server's store has no stamp.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuralist import files
from neuralist.serving.registered import MODELS
from neuralist.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

TAGS = ("evaluation", "recorded")  # of the run of an experiment, and of a study
TICK_S = 0.05  # far above the 10 ms for which the clock of file times may stand still


class Registered(NamedTuple):
    """What the registry holds of one model: alias to version, and version to its tags."""

    aliases: dict[str, str]
    versions: dict[str, dict[str, str]]

    def version_of(self, digest: str) -> str | None:
        """The version that serves this content."""
        return next((number for number, tags in self.versions.items() if tags.get("served") == digest), None)

    @property
    def champion(self) -> dict[str, str] | None:
        """The champion's tags."""
        return self.versions.get(self.aliases.get("champion", ""))


class Held(NamedTuple):
    """What a store holds: MLflow experiment to the digests of its finished runs, and name to model."""

    runs: Mapping[str, list[str]]
    models: Mapping[str, Registered]


def read(into: Store) -> Held | None:
    """What a default store holds, without mlflow; None where it must be asked itself."""
    database = _database(into)
    if into.checkout is None or database is None:
        return None
    try:
        found = json.loads(_path(into.checkout).read_text(encoding="utf-8"))
        if found["database"] != database:
            return None
        models = {name: Registered(**found["models"][name]) for name in MODELS}
        return Held({name: list(digests) for name, digests in found["runs"].items()}, models)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # none is there, or none of this version


def recorded(into: Store, digest: str) -> bool:
    """Whether a stamp says that a finished run of the store's experiment has this digest."""
    held = read(into)
    return held is not None and digest in held.runs.get(into.experiment, [])


def renew(client: "MlflowClient", into: Store) -> None:
    """Write down what a default store holds, asked after the last of one's own writes."""
    if into.checkout is None:
        return
    database = _at_rest(into)
    held = {
        "database": database,
        "runs": _runs(client),
        "models": {name: model._asdict() for name, model in models(client).items()},
    }
    # Else somebody, whom our lock does not bind, has written what the answers may lack.
    if database is not None and database == _database(into):
        files.write_text(_path(into.checkout), json.dumps(held))


def models(client: "MlflowClient") -> dict[str, Registered]:
    """What the registry holds of MODELS, by MLflow itself."""
    known = {}
    for name in MODELS:
        found = client.search_registered_models(f"name = '{name}'")
        aliases = {alias: str(version) for one in found for alias, version in one.aliases.items()}
        versions = client.search_model_versions(f"name = '{name}'")
        known[name] = Registered(aliases, {str(one.version): dict(one.tags) for one in versions})
    return known


def _runs(client: "MlflowClient") -> dict[str, list[str]]:
    """MLflow experiment to digests; one that is missing here costs a look, no more."""
    names = {one.experiment_id: one.name for one in client.search_experiments()}
    digests: dict[str, list[str]] = {name: [] for name in names.values()}
    for tag in TAGS:
        wanted = f"tags.{tag} != '' AND attributes.status = 'FINISHED'"
        for run in client.search_runs([*names], wanted, max_results=50_000):
            digests[names[run.info.experiment_id]].append(run.data.tags[tag])
    return digests


def _path(checkout: Path) -> Path:
    return checkout / "mlruns" / ".recorded.json"


def _at_rest(into: Store) -> list[int] | None:
    """The look of mlflow.db once nobody writes: two writes in one tick of a clock would look the same."""
    found: Any = None
    for _ in range(20):
        before, found = found, _database(into)
        if found is None or found == before:
            return found
        time.sleep(TICK_S)
    return None


def _database(into: Store) -> list[int] | None:
    """What changes whenever mlflow.db is written to or replaced; None where that cannot be told.

    It is not opened: where a process closes a file that SQLite has open too, SQLite's locks on it are lost.
    """
    # A person may have chosen SQLite's other way of writing, by which a change stays in this file for long.
    if into.checkout is None or (into.checkout / "mlflow.db-wal").exists():
        return None
    try:
        found = (into.checkout / "mlflow.db").stat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
