"""Read and write tables as parquet files, whole or in pieces, checked against their schema."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from neuralist.files import unfinished

ROW_GROUP = 2**20  # rows; pyarrow's default
T = TypeVar("T")
# A year may be unknown: pandas' nullable integer keeps it an integer.
_PANDAS_TYPES = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}


def write(frame: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    """Write a table as parquet, completely or not at all; categorical columns are written as strings.

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
    """Write batches of ROW_GROUP rows, the last may be smaller, as a table; same bytes as `write`."""
    with unfinished(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in ahead(iter(batches)):
            writer.write_table(batch.combine_chunks(), row_group_size=ROW_GROUP)


def read(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table written by `write`, or some of its columns.

    Returns:
        Nullable integers for integer columns, lists as numpy arrays.

    Raises:
        ValueError: the file is missing, not parquet, or has other columns.
    """
    check(path, schema)
    selected = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    try:
        table = pq.read_table(path, columns=selected.names)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from error
    return table.cast(selected).to_pandas(types_mapper=_PANDAS_TYPES.get)


def pieces(path: Path, schema: pa.Schema, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a table in pieces of `rows` rows, each as from `read`; at least one piece."""
    check(path, schema)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(rows):
                yield pa.Table.from_batches([batch]).cast(schema).to_pandas(types_mapper=_PANDAS_TYPES.get)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from error


def check(path: Path, schema: pa.Schema) -> None:
    """Check that a file is a table of this schema.

    Raises:
        ValueError: the file is missing, not parquet, or has other columns.
    """
    try:
        names = pq.read_schema(path).names
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    if names != schema.names:
        raise ValueError(f"{path}: columns {names}, expected {schema.names}; run `dvc repro`")


def ahead(pieces: Iterator[T]) -> Iterator[T]:
    """Yield the same pieces, computing each in a thread while the caller works on the previous."""
    with ThreadPoolExecutor(1) as thread:
        next_piece = thread.submit(next, pieces, None)
        while (piece := next_piece.result()) is not None:
            next_piece = thread.submit(next, pieces, None)
            yield piece


def regrouped(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of tables of one schema (at least one table) in batches of ROW_GROUP and a rest."""
    buffer: list[pa.Table] = []
    has_batch = False
    for piece in pieces:
        buffer.append(piece)
        while sum(map(len, buffer)) >= ROW_GROUP:
            whole, has_batch = pa.concat_tables(buffer), True
            yield whole.slice(0, ROW_GROUP)
            buffer = [whole.slice(ROW_GROUP)]
    rest = pa.concat_tables(buffer)
    if len(rest) or not has_batch:
        yield rest


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path}: not a readable parquet table ({error}); run `dvc repro`")


def _batch(frame: pd.DataFrame, schema: pa.Schema, file_name: str) -> pa.Table:
    coded = [name for name in schema.names if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    plain = pa.schema([field for field in schema if field.name not in coded])
    try:
        table = pa.Table.from_pandas(frame[plain.names], schema=plain, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"{file_name}: {error}") from error
    columns = {name: _decoded(frame, name) if name in coded else table[name] for name in schema.names}
    return pa.table(columns, schema=schema)


def _decoded(frame: pd.DataFrame, name: str) -> pa.Array:
    """Return the strings of a categorical column; pyarrow would create a Python object of each."""
    column = frame[name]
    codes = column.cat.codes.to_numpy()
    return pa.array(column.cat.categories, type=pa.string()).take(pa.array(codes, mask=codes < 0))
