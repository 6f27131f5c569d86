"""Tables as parquet files, read and written whole or in pieces, each held to its schema."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from neuralist.files import unfinished

ROW_GROUP = 2**20  # rows; what pyarrow takes by itself
T = TypeVar("T")
# A year may be unknown: pandas' nullable integer keeps it an integer.
_PANDAS_TYPES = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}


def write(frame: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    """Write a table as parquet, whole or not at all; categorical ids are written as what they stand for.

    Raises:
        ValueError: a column of the schema is missing, unknown, or holds another type.
    """
    unknown = sorted(set(frame.columns) ^ set(schema.names))
    if unknown:
        raise ValueError(
            f"{path.name}: columns {unknown} are missing or unknown; the schema has {schema.names}"
        )
    starts = range(0, max(len(frame), 1), ROW_GROUP)
    pieces = (frame.iloc[start : start + ROW_GROUP] for start in starts)
    write_batches((_batch(piece, schema, path.name) for piece in pieces), schema, path)


def write_batches(batches: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write a table that comes in batches of ROW_GROUP rows, the last one smaller: the bytes of `write`."""
    with unfinished(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in ahead(iter(batches)):
            writer.write_table(batch.combine_chunks(), row_group_size=ROW_GROUP)


def read(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table written by `write`, or some columns of it.

    Returns:
        Nullable integers for integer columns, lists as numpy arrays.

    Raises:
        ValueError: the file is missing, no parquet, or has other columns.
    """
    check(path, schema)
    kept = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    try:
        table = pq.read_table(path, columns=kept.names)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from error
    return table.cast(kept).to_pandas(types_mapper=_PANDAS_TYPES.get)


def pieces(path: Path, schema: pa.Schema, rows: int) -> Iterator[pd.DataFrame]:
    """Read a table as `read` does, so many rows at a time; at least one piece."""
    check(path, schema)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(rows):
                yield pa.Table.from_batches([batch]).cast(schema).to_pandas(types_mapper=_PANDAS_TYPES.get)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from error


def check(path: Path, schema: pa.Schema) -> None:
    """Refuse a file that is not the table of this schema.

    Raises:
        ValueError: the file is missing, no parquet, or has other columns.
    """
    try:
        found = pq.read_schema(path).names
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    if found != schema.names:
        raise ValueError(f"{path}: columns {found}, expected {schema.names}; run `dvc repro`")


def ahead(pieces: Iterator[T]) -> Iterator[T]:
    """The same pieces, each made by another thread while the one before it is worked on."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = thread.submit(next, pieces, None)
            yield piece


def regrouped(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of tables (at least one) of one schema in batches of ROW_GROUP and a rest."""
    waiting: list[pa.Table] = []
    found = False
    for piece in pieces:
        waiting.append(piece)
        while sum(map(len, waiting)) >= ROW_GROUP:
            whole, found = pa.concat_tables(waiting), True
            yield whole.slice(0, ROW_GROUP)
            waiting = [whole.slice(ROW_GROUP)]
    rest = pa.concat_tables(waiting)
    if len(rest) or not found:
        yield rest


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: not a readable parquet table ({error}); run `dvc repro`")


def _batch(frame: pd.DataFrame, schema: pa.Schema, name: str) -> pa.Table:
    coded = [kept for kept in schema.names if isinstance(frame[kept].dtype, pd.CategoricalDtype)]
    plain = pa.schema([field for field in schema if field.name not in coded])
    try:
        table = pa.Table.from_pandas(frame[plain.names], schema=plain, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"{name}: {error}") from error
    columns = {kept: _decoded(frame, kept) if kept in coded else table[kept] for kept in schema.names}
    return pa.table(columns, schema=schema)


def _decoded(frame: pd.DataFrame, name: str) -> pa.Array:
    """The texts of a categorical column; pyarrow itself would make a Python object of each."""
    column = frame[name]
    codes = column.cat.codes.to_numpy()
    return pa.array(column.cat.categories, type=pa.string()).take(pa.array(codes, mask=codes < 0))
