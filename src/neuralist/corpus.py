"""corpus.yaml: what a raw folder says of itself.

`note`, one sentence that stands above every table made from the corpus; `epochs`, for experiments whose
epochs are `auto`; all other keys are those of params.yaml and lie over it (similarity_range, expected,
vectors, experiments, ...).
"""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from neuralist import params

FILE = "corpus.yaml"


def _one_line(note: Any) -> Any:
    return " ".join(note.split()) if isinstance(note, str) else note


class Corpus(BaseModel):
    """A raw folder's own words; the defaults stand where it has no corpus.yaml.

    Attributes:
        note: one sentence for readers.
        epochs: of a training whose epochs are auto.
        values: to lay over params.yaml.
    """

    model_config = ConfigDict(frozen=True)

    note: Annotated[str, BeforeValidator(_one_line)] = ""
    epochs: Annotated[int, Field(ge=1)] = params.AUTO_EPOCHS
    values: dict[str, Any] = {}

    def to_json(self) -> str:
        """What later stages need, as `load` reads it."""
        return self.model_dump_json(include={"note", "epochs"}, indent=2) + "\n"


def read(raw: Path) -> Corpus:
    """Read the raw folder's corpus.yaml, if there is one.

    Raises:
        ValueError: it is no YAML mapping, or its note or epochs are refused.
    """
    path = raw / FILE
    if not path.exists():
        return Corpus()
    values = params.read_yaml(path)
    own = {key: values.pop(key) for key in ("note", "epochs") if key in values}
    try:
        return Corpus(**own, values=values)
    except ValidationError as error:
        raise ValueError(f"{path}: {params.told(error)}") from None


def load(path: Path) -> Corpus:
    """Read what the songs stage wrote with `to_json`.

    Raises:
        ValueError: the file is missing or damaged.
    """
    try:
        return Corpus(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError) as error:
        raise ValueError(f"{path}: not readable ({error}); run `dvc repro`") from error


def check(corpus: Corpus, raw: Path, path: Path) -> None:
    """Refuse a params.yaml that says something else than the raw folder's corpus.yaml.

    Raises:
        ValueError: the first key that differs, with both values.
    """
    found = params.read_yaml(path)
    difference = _first_difference(found, params.overlay(found, corpus.values))
    if difference:
        key, have, want = difference
        raise ValueError(
            f"{raw / FILE}: {key} is {want!r} there and {have!r} in {path.name}; copy the values of "
            f"{FILE} into {path.name}, or run `make repro RAW={raw}`, which lays them over it"
        )


def _first_difference(
    left: dict[str, Any], right: dict[str, Any], prefix: str = ""
) -> tuple[str, Any, Any] | None:
    for key in [*left, *(key for key in right if key not in left)]:
        have, want = left.get(key), right.get(key)
        if have == want:
            continue
        if isinstance(have, dict) and isinstance(want, dict):
            return _first_difference(have, want, f"{prefix}{key}.")
        return f"{prefix}{key}", have, want
    return None
