"""Register versions again whose files moved with the checkout.

MLflow keeps the absolute path of a version's files, and no call changes it. In a checkout that was moved or
copied they lie in its own mlruns/; a new version names them there, and takes over the aliases of the old
one, which stays in the registry.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neuralist.tracking.stamp import Registered
from neuralist.tracking.store import local_path

if TYPE_CHECKING:
    from mlflow import MlflowClient


def register_moved(
    client: "MlflowClient", checkout: Path | None, models: Mapping[str, Registered]
) -> list[str]:
    """Register each version again that has an alias, and whose files are in this checkout alone.

    Args:
        client: of the store, whose lock the caller holds.
        checkout: of a default store; None for a server, whose files do not move.
        models: from `stamp.models`.

    Returns:
        A line for the user for each version.
    """
    if checkout is None:
        return []
    messages = []
    for name, model in models.items():
        for number in sorted({number for number in model.aliases.values() if model.is_lost(number)}):
            folder = _moved_to(model.sources[number], checkout)
            if folder is None:
                continue
            new = model.version_of(model.versions[number].get("served", ""))  # of a call that was killed
            new = new or _copy_version(client, name, number, folder)
            for alias in (alias for alias, version in model.aliases.items() if version == number):
                client.set_registered_model_alias(name, alias, new)
            messages.append(f"{name} version {number} has moved with the checkout: it is version {new} now")
    return messages


def _moved_to(source: str, checkout: Path) -> Path | None:
    """Return the folder in the checkout's mlruns/ that has a version's files; None where there is none."""
    folder = local_path(source)
    if folder is None or "mlruns" not in folder.parts:
        return None
    after = len(folder.parts) - folder.parts[::-1].index("mlruns")
    moved = checkout.joinpath("mlruns", *folder.parts[after:])
    return moved if (moved / "MLmodel").is_file() else None


def _copy_version(client: "MlflowClient", name: str, number: str, folder: Path) -> str:
    """Create a version like another one, with its files in `folder`; returns its number."""
    old = client.get_model_version(name, number)
    version = client.create_model_version(
        name, source=folder.as_uri(), run_id=old.run_id, tags=dict(old.tags), description=old.description
    )
    return str(version.version)
