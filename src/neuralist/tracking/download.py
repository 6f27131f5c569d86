"""Download the served folder of a registered model."""

import re
from pathlib import Path

from mlflow.exceptions import MlflowException

from neuralist.tracking.store import download_served, is_gone, opened, reason, store


def download(uri: str, folder: Path) -> Path:
    """Copy the served folder of a registered model from the working folder's store; returns its path.

    Args:
        uri: models:/<name>@<alias> or models:/<name>/<version>.
        folder: an empty folder to copy to.

    Raises:
        ValueError: the URI is malformed, the store cannot be reached, or it has no such served folder.
    """
    match = re.fullmatch(r"models:/([^/@]+)(?:@([^/@]+)|/([0-9]+))", uri)
    if not match:
        raise ValueError(f"{uri}: give models:/<name>@<alias> or models:/<name>/<version>")
    source_store = store()
    if source_store.checkout is not None and not (source_store.checkout / "mlflow.db").exists():
        raise ValueError(f"{uri}: no model is registered here, for there is no mlflow.db; run `dvc repro`")
    name, alias, version = match.groups()
    with opened(source_store) as client:
        try:
            number = version or str(client.get_model_version_by_alias(name, alias).version)
            source = client.get_model_version_download_uri(name, number)
            if is_gone(source):
                raise ValueError(
                    f"{uri}: the files of version {number} are gone from {source}; "
                    "`dvc repro` registers a lost champion again"
                )
            return download_served(source_store, source, folder)
        except (MlflowException, OSError) as error:
            why = reason(error).rstrip(".")
            raise ValueError(f"{uri}: {why}; `mlflow ui` shows which models there are") from error
