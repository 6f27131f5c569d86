"""The tags of a registered version: five at most, of which a person reads four.

| tag | means |
|---|---|
| experiment | whose training the version is |
| verdict | why it is champion or challenger |
| data | DVC's md5 of the raw folder |
| parent | the number of the version that it came from: the same training, other songs, words or figures |
| neuralist | JSON of what the pipeline keeps for itself: served, fingerprint, catalogue, complete |

served is the digest of the version's content, fingerprint that of its training, catalogue that of the songs
that a champion was given; complete is set last. Metrics and params are those of the version's run, and its
description is the card. An earlier release wrote each of these as a tag of its own; such versions are read,
and what is set of them stays in that form.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mlflow import MlflowClient

Key = Literal["experiment", "verdict", "data", "parent", "served", "fingerprint", "catalogue", "complete"]
SHOWN: tuple[Key, ...] = ("experiment", "verdict", "data", "parent")
KEPT: tuple[Key, ...] = ("served", "fingerprint", "catalogue", "complete")
OWN = "neuralist"


def packed(values: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that hold these values; what is none of SHOWN and KEPT is left out."""
    shown = {key: values[key] for key in SHOWN if values.get(key)}
    return shown | {OWN: json.dumps({key: values[key] for key in KEPT if values.get(key)})}


def unpacked(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the values that a version's tags hold, each by its own name."""
    try:
        kept = json.loads(tags.get(OWN, "{}"))
    except ValueError:
        kept = {}  # a person has changed it: the version is then as one that is not Neuralist's
    values = {key: value for key, value in tags.items() if key != OWN}
    return values | ({key: str(value) for key, value in kept.items()} if isinstance(kept, dict) else {})


def change(client: "MlflowClient", name: str, number: str, key: Key, value: str) -> None:
    """Set one of the values of a version.

    Args:
        client: of the store.
        name: of the registered model.
        number: of the version.
        key: of the value, one of SHOWN or KEPT.
        value: the new value.
    """
    tags, tag = client.get_model_version(name, number).tags, str(key)
    if OWN in tags and key in KEPT:
        tag, value = OWN, packed(unpacked(tags) | {key: value})[OWN]
    client.set_model_version_tag(name, number, tag, value)
