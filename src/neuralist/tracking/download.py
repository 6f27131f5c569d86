"""The served folder of a registered model, copied out of the store."""

import re
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from neuralist.tracking.store import opened, store


def download(uri: str, into: Path) -> Path:
    """Copy the served folder of a registered model out of the store of the working folder.

    Args:
        uri: models:/<name>@<alias> or models:/<name>/<version>.
        into: an empty folder to copy to.

    Raises:
        ValueError: the store cannot be reached, or knows no such model, or it is none of MODELS.
    """
    named = re.fullmatch(r"models:/([^/@]+)(?:@([^/@]+)|/([0-9]+))", uri)
    if not named:
        raise ValueError(f"{uri}: give models:/<name>@<alias> or models:/<name>/<version>")
    source_store = store()
    if source_store.checkout is not None and not (source_store.checkout / "mlflow.db").exists():
        raise ValueError(f"{uri}: no model is registered here, for there is no mlflow.db; run `dvc repro`")
    name, alias, version = named.groups()
    with opened(source_store) as client:
        try:
            number = version or client.get_model_version_by_alias(name, alias).version
            source = f"{client.get_model_version_download_uri(name, str(number))}/artifacts/served"
            return Path(
                download_artifacts(artifact_uri=source, dst_path=str(into), tracking_uri=source_store.uri)
            )
        except (MlflowException, OSError) as error:
            said = str(error).splitlines()[0].rstrip(".")
            raise ValueError(f"{uri}: {said}; `mlflow ui` shows which models there are") from error
