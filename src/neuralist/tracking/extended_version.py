"""Register an extended model: a version of both models of a corpus, with the version that it came from.

Input: a served folder that `serving.package.extend` wrote, and what the folder before said of itself. Output:
a version of each model, with the alias challenger, the tag `parent` and the metrics of the parent. It is the
champion's training with more words, so nothing decides between the two but a person, who moves the alias.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from neuralist import files
from neuralist.config import records
from neuralist.config.records import ServedModel
from neuralist.serving import registered
from neuralist.tracking import registry, stamp, version_tags
from neuralist.tracking.catalogue_version import derived_tags
from neuralist.tracking.stamp import Registered
from neuralist.tracking.store import Store, opened, store


def register(
    folder: Path, before: ServedModel, corpus: str, names: Sequence[str], mlflow_store: Store | None = None
) -> str:
    """Register an extended model as challenger; safe to repeat after a kill.

    Args:
        folder: the extended served folder.
        before: served.json of the model that was extended.
        corpus: register.name of the registered models.
        names: of the vector files that were added.
        mlflow_store: the store; the working folder's by default.

    Returns:
        A line for the user: the versions, or why there are none.

    Raises:
        ValueError: the store cannot be reached.
    """
    mlflow_store = mlflow_store or store()
    if mlflow_store.checkout is not None and not (mlflow_store.checkout / "mlflow.db").exists():
        return "not registered: no model is registered here, for there is no mlflow.db"
    served, models = records.load_served(folder), registered.names(corpus)
    with opened(mlflow_store) as client, files.temporary_folder() as scratch:
        named = Path(shutil.copytree(folder, scratch / "served"))  # as a version calls it
        present = stamp.models(client, mlflow_store, models)
        parents = {name: _version_of(before, model) for name, model in present.items()}
        if missing := [name for name, number in parents.items() if number is None]:
            return f"not registered: no version of {' and '.join(missing)} holds the model that was extended"
        numbers = {}
        for name, kind in models.items():
            parent = str(parents[name])
            tags = present[name].versions[parent]
            digest = registry.content_digest(served, tags["data"])
            verdict = f"version {parent} with the words of {', '.join(names)}"
            own = {"parent": parent, "fingerprint": _fingerprint(tags["fingerprint"], served)}
            run = registry.run_of_version(client, mlflow_store, name, parent)
            numbers[name] = present[name].version_of(digest) or registry.create_version(
                client,
                run,
                name,
                kind,
                named,
                derived_tags(tags, digest, verdict) | own,
            )
        for name, number in numbers.items():
            client.set_registered_model_alias(name, "challenger", number)
        for name, number in numbers.items():
            version_tags.change(client, name, number, "complete", "true")
        stamp.renew(client, mlflow_store)
    return f"now challenger, {registry.version_list(numbers)}: extends {registry.version_list(parents)}"


def _version_of(served: ServedModel, model: Registered) -> str | None:
    """Return the latest version that holds a packed model; None where none does."""
    numbers = (
        number
        for number, tags in model.versions.items()
        if tags.get("served") == registry.content_digest(served, tags.get("data", ""))
    )
    return max(numbers, key=int, default=None)


def _fingerprint(parent: str, served: ServedModel) -> str:
    """Return another fingerprint than the parent's: the two are not the same model with other songs."""
    return hashlib.sha256(f"{parent} {served.content}".encode()).hexdigest()
