"""What a training read, as inputs of its run in MLflow: each table with DVC's md5, from dvc.lock.

The tables themselves are not logged: their md5 finds them in DVC's cache, here or on a remote.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neuralist.files import parse_yaml

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

MOST_DIGITS = 36  # of an MLflow dataset's digest, which an md5 of a folder fills: 32 digits and ".dir"


class Table(NamedTuple):
    """A file or folder that a training read.

    Attributes:
        name: songs, rows, pairs, unlisted or vectors.
        path: as dvc.yaml names it.
        md5: DVC's.
    """

    name: str
    path: Path
    md5: str


def stages() -> dict[str, Any]:
    """Return the stages of dvc.lock; {} where the pipeline runs without DVC.

    Raises:
        ValueError: dvc.lock is not YAML.
    """
    import yaml

    try:
        return parse_yaml(Path("dvc.lock").read_text(encoding="utf-8")).get("stages", {})
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise ValueError(f"dvc.lock: not readable as YAML: {error}") from error


def of_training(locked: Mapping[str, Any], out: Path) -> list[Table]:
    """Return the tables and the vectors that the stage which wrote `out` read; none where dvc.lock has none.

    Args:
        locked: the stages of dvc.lock.
        out: the folder of the experiment, as dvc.yaml names it.
    """
    for stage in locked.values():
        if any(written["path"] == str(out) for written in stage.get("outs", [])):
            read = {Path(dep["path"]): dep.get("md5", "") for dep in stage.get("deps", [])}
            return [
                Table(path.stem, path, md5)
                for path, md5 in sorted(read.items(), key=lambda item: item[0].stem != "songs")
                if md5 and (path.suffix == ".parquet" or path.name == "vectors")
            ]
    return []


def entities(tables: list[Table]) -> "list[DatasetInput]":
    """Return tables as MLflow takes them, with their columns and numbers of rows where the files are here."""
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=table.name,
                digest=table.md5[:MOST_DIGITS],
                source_type="local",
                source=json.dumps({"uri": table.path.as_posix()}),
                **_described(table.path),
            ),
            [InputTag("mlflow.data.context", "training")],
        )
        for table in tables
    ]


def _described(path: Path) -> dict[str, str]:
    """Return the schema and the profile of a parquet file; {} of what is none, or is not here."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq
    from mlflow.types import Schema
    from mlflow.types.schema import Array, ColSpec, DataType

    names = {pa.string(): DataType.string, pa.int64(): DataType.long, pa.float64(): DataType.double}
    names |= {pa.bool_(): DataType.boolean}

    def column_type(kind: pa.DataType) -> Any:
        return Array(names[kind.value_type]) if isinstance(kind, pa.ListType) else names[kind]

    try:
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        columns = Schema([ColSpec(column_type(field.type), field.name) for field in schema])
    except (OSError, pa.ArrowInvalid, KeyError):
        return {}
    return {
        "schema": json.dumps({"mlflow_colspec": columns.to_dict()}),
        "profile": json.dumps({"num_rows": metadata.num_rows}),
    }
