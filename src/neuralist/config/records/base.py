"""What all records share: frozen values, written whole or not at all, and checked when they are read."""

import json
import textwrap
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError

from neuralist import files
from neuralist.config import params

M = TypeVar("M", bound=BaseModel)
Split = Literal["train", "val", "test"]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def optional() -> Any:
    """The default of an attribute that is not written where it is None."""
    return Field(default=None, exclude_if=lambda value: value is None)


def save(record: BaseModel, path: Path) -> None:
    """Write a record as JSON, or as YAML where the path ends in .yaml."""
    values = record.model_dump(mode="json")
    if path.suffix == ".yaml":
        files.write_text(path, yaml.safe_dump(values, sort_keys=False))
    else:
        files.write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")


def load(path: Path, model: type[M]) -> M:
    """Read a record that `save` wrote.

    Raises:
        ValueError: the file is missing, damaged, or holds something else.
    """
    return check(files.read_mapping(path, _yaml if path.suffix == ".yaml" else json.loads), model, path)


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def check(content: object, model: type[M], path: Path) -> M:
    """The content of a file as a record.

    Raises:
        ValueError: a value is missing, unknown or refused.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        reasons = textwrap.shorten(params.message(error), 300, placeholder=" ...")
        raise ValueError(f"{path}: {reasons}; run `dvc repro`") from None
