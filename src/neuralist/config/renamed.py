"""Keys that params.yaml and corpus.yaml had in earlier versions, and how they are refused.

SETTINGS also serves to read settings of an experiment that an earlier version wrote.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Settings of an experiment, old name: new name. They stand in `train`, in each entry of `experiments` and
# `variants`, and in `study.space`.
SETTINGS: dict[str, str] = {
    "max_words": "max_tokens",
    "excerpts": "window_sample_rate",
    "length": "length_features",
    "distil": "distillation_weight",
    "bag": "bag_of_words",
    "batch_of": "batch_unit",
}
# Keys that are gone, with the reason.
REMOVED = {"study.direction": "it follows from study.metric now"}


def refuse(values: Mapping[str, Any], file: Path | str) -> None:
    """Refuse old keys, each with what to write in its place.

    Args:
        values: of params.yaml, or of a corpus.yaml that lies over it.
        file: which of them it is.

    Raises:
        ValueError: an old key is there.
    """
    old = [
        f"{place}.{name} is called {place}.{SETTINGS[name]} now; rename the key"
        for place in _places(values)
        for name in _at(values, place)
        if name in SETTINGS
    ]
    for key, reason in REMOVED.items():
        place, name = key.rsplit(".", 1)
        if name in _at(values, place):
            old.append(f"{key}: {reason}; remove the key")
    if old:
        raise ValueError(f"{file}: {'; '.join(old)}")


def _places(values: Mapping[str, Any]) -> Iterator[str]:
    """Dotted keys of the mappings that hold an experiment's settings."""
    yield from ("train", "study.space")
    for section in ("experiments", "variants"):
        yield from (f"{section}.{name}" for name in _at(values, section))


def _at(values: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """The mapping under a dotted key, empty where there is none."""
    for key in place.split("."):
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def current(settings: Any) -> Any:
    """Settings of an experiment that an earlier version wrote, under the names they have now."""
    if not isinstance(settings, dict):
        return settings  # refused as any other value
    return {SETTINGS.get(name, name): value for name, value in settings.items()}
