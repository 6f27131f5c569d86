"""Detect keys that params.yaml and corpus.yaml had in earlier versions.

SETTINGS is also used to read settings of an experiment that an earlier version wrote.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Settings of an experiment, old name: new name. They occur in `train`, in each entry of `experiments` and
# `variants`, in `study.space` and in each entry of `study.spaces`.
SETTINGS: dict[str, str] = {
    "max_words": "max_tokens",
    "excerpts": "window_sample_rate",
    "length": "length_features",
    "distil": "distillation_weight",
    "bag": "bag_of_words",
    "batch_of": "batch_unit",
}
# Removed keys, with the reason.
REMOVED = {"study.direction": "it follows from study.metric now"}


def refuse(values: Mapping[str, Any], file: Path | str) -> None:
    """Check that there are no old keys.

    Args:
        values: content of params.yaml or corpus.yaml.
        file: its path, for the message.

    Raises:
        ValueError: an old key is present; the message names its replacement.
    """
    old = [
        f"{section}.{name} is called {section}.{SETTINGS[name]} now; rename the key"
        for section in _sections(values)
        for name in _at(values, section)
        if name in SETTINGS
    ]
    for key, reason in REMOVED.items():
        section, name = key.rsplit(".", 1)
        if name in _at(values, section):
            old.append(f"{key}: {reason}; remove the key")
    if old:
        raise ValueError(f"{file}: {'; '.join(old)}")


def _sections(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the dotted keys of the mappings that hold an experiment's settings."""
    yield from ("train", "study.space")
    for section in ("experiments", "variants", "study.spaces"):
        yield from (f"{section}.{name}" for name in _at(values, section))


def _at(values: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """Return the mapping under a dotted key; empty where it is missing."""
    for key in section.split("."):
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def current(settings: Any) -> Any:
    """Return settings written by an earlier version under their current names."""
    if not isinstance(settings, dict):
        return settings  # the caller refuses it
    return {SETTINGS.get(name, name): value for name, value in settings.items()}
