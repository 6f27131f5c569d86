"""Bring the catalogue of now to the champion, and say which version a version came from.

Input: artifacts/catalogue_songs.parquet, and the registered models. Where the champion is the training that
artifacts/served holds, `registry` registers that folder anew, with its catalogue. Where it is another one, be
it that artifacts/served is a challenger or that a person went back to an earlier version, its own folder is
taken, and its own encoder encodes the songs: what was removed must not be served any more.

What a version holds of this: parent, and catalogue, which is set on champions; see `version_tags`.

A new version of both models is written first, then the aliases move, then `complete` is set: killed
in between, the champion is the old version or the new one, and the next call goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist import files
from neuralist.tracking import registry, stamp, version_tags
from neuralist.tracking.registry import Served
from neuralist.tracking.stamp import Registered
from neuralist.tracking.store import Store, download_served, opened, store

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from neuralist.config.records import ServedModel

# What a version does not have from the one that it came from.
_OWN = {"parent", "catalogue", "complete", "served", "verdict"}


def derived_tags(parent: Mapping[str, str], served: str, verdict: str) -> dict[str, str]:
    """Return the tags of a version that came from another one, without the number of that one.

    Args:
        parent: the tags of the other one.
        served: the digest of the version's content.
        verdict: what it is, in words.
    """
    kept = {key: value for key, value in parent.items() if key not in _OWN}
    return kept | {"served": served, "verdict": verdict}


def renew(artifacts: Path, raw: Path, mlflow_store: Store | None = None) -> str:
    """Give the champion the songs of the catalogue where it has others; call it after `registry.register`.

    Args:
        artifacts: holds served/ and catalogue_songs.parquet.
        raw: the raw folder, as dvc.lock names it.
        mlflow_store: the store; the working folder's by default.

    Returns:
        A line for the user where the champion moved, else nothing.

    Raises:
        ValueError: a file is missing, or the store cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    if not (artifacts / "served" / "served.json").exists():
        return ""
    current = _Current(registry.read(artifacts, raw), files.digest(artifacts / "catalogue_songs.parquet"))
    content = stamp.read(mlflow_store)
    if content and current.has_nothing_to_do(content.models_of(current.packed.models)):
        return ""
    with opened(mlflow_store) as client:
        models = stamp.models(client, mlflow_store, current.packed.models)
        message = ""
        if not current.has_nothing_to_do(models):
            message = _Renewal(client, mlflow_store, current, models).write()
        stamp.renew(client, mlflow_store)
    return message


@dataclass(frozen=True)
class _Current:
    """The packed model, and the digest of the songs to recommend."""

    packed: Served
    songs: str

    def has_nothing_to_do(self, models: Mapping[str, Registered]) -> bool:
        """Return whether the champion has these songs and no tag is missing, or is not ours to change."""
        champion = models[self.packed.corpus].champion
        if champion is None or "served" not in champion:
            return True  # none, or one that is not Neuralist's
        if any(model.has_lost_champion for model in models.values()):
            return True  # `registry` sees to that
        champions = [model.champion or {} for model in models.values()]
        have_songs = all(tags.get("catalogue") == self.songs and "complete" in tags for tags in champions)
        is_one = len({tags.get("served") for tags in champions}) == 1
        return have_songs and is_one and not any(map(self.missing_parent, models.values()))

    def missing_parent(self, model: Registered) -> tuple[str, str] | None:
        """Return the packed model's version and its parent, where the version lacks that tag; else None."""
        number = model.version_of(self.packed.digest)
        if number is None or "parent" in model.versions[number]:
            return None
        earlier = [
            int(other)
            for other, tags in model.versions.items()
            if int(other) < int(number)
            and tags.get("fingerprint") == self.packed.model.fingerprint
            and tags.get("served") != self.packed.digest
        ]
        return (number, str(max(earlier))) if earlier else None


@dataclass(frozen=True)
class _Renewal:
    """Writes to the registry; the caller holds the lock of the store."""

    client: "MlflowClient"
    mlflow_store: Store
    current: _Current
    models: Mapping[str, Registered]

    def write(self) -> str:
        """Set tags that are missing, and give the champion the songs of now; safe to repeat after a kill."""
        for name, model in self.models.items():
            if missing := self.current.missing_parent(model):
                number, parent = missing
                version_tags.change(self.client, name, number, "parent", parent)
        packed = self.current.packed
        champion = self.models[packed.corpus].champion or {}
        if champion["served"] == packed.digest:
            # Packed with these songs. `registry` has moved the other model too, be it after a kill.
            for name, model in self.models.items():
                number = model.aliases.get("champion", "")
                if model.versions.get(number, {}).get("served") == packed.digest:
                    version_tags.change(self.client, name, number, "catalogue", self.current.songs)
            return ""
        with files.temporary_folder() as scratch:
            folder, served = self._renewed(scratch)
            data = champion.get("data", packed.data)
            return self._register(folder, registry.content_digest(served, data))

    def _renewed(self, scratch: Path) -> "tuple[Path, ServedModel]":
        """Return the champion's folder with the songs of now, and what its served.json says."""
        from neuralist.data import parquet, tables
        from neuralist.serving import package

        packed = self.current.packed
        songs = parquet.read(packed.artifacts / "catalogue_songs.parquet", tables.SONGS)
        number = self.models[packed.corpus].aliases["champion"]
        source = self.client.get_model_version_download_uri(packed.corpus, number)
        (scratch / "before").mkdir()
        folder = download_served(self.mlflow_store, source, scratch / "before")
        out = scratch / "served"  # as a version calls it
        return out, package.renew(folder, songs, out)

    def _register(self, folder: Path, digest: str) -> str:
        """Register the folder as the champion's new version; returns a line where the champion moved."""
        packed = self.current.packed
        before = {name: model.aliases.get("champion") for name, model in self.models.items()}
        numbers = {name: self._version(name, kind, folder, digest) for name, kind in packed.models.items()}
        for name, number in numbers.items():
            if before[name] != number:
                self.client.set_registered_model_alias(name, "champion", number)
        for name, number in numbers.items():
            version_tags.change(self.client, name, number, "complete", "true")
            version_tags.change(self.client, name, number, "catalogue", self.current.songs)
        if before == numbers:
            return ""  # it had these songs, and lacked the tag
        experiment = (self.models[packed.corpus].champion or {}).get("experiment", "")
        versions = registry.version_list(numbers)
        return f"{experiment} is now champion, {versions}: it has the songs of the catalogue"

    def _version(self, name: str, kind: str, folder: Path, digest: str) -> str:
        """Return the version of a model with this content; creates it where it is missing."""
        model = self.models[name]
        if number := model.version_of(digest):
            return number
        before = model.aliases.get("champion")
        if before is None:  # a person has deleted this model's alias: it follows the other one
            name_of_source = self.current.packed.corpus
            before, parent = self.models[name_of_source].aliases["champion"], {}
        else:
            name_of_source, parent = name, {"parent": before}
        version = self.client.get_model_version(name_of_source, before)
        tags = (
            derived_tags(version_tags.unpacked(version.tags), digest, f"version {before} with other songs")
            | parent
        )
        run = registry.run_of_version(self.client, self.mlflow_store, name_of_source, before)
        return registry.create_version(self.client, run, name, kind, folder, tags)
