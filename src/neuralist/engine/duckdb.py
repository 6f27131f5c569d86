"""DuckDB as an engine: one machine, and what does not fit its memory in a folder that is gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from typing_extensions import override

from neuralist.data import parquet
from neuralist.engine.protocol import Engine

MEMORY = "4GB"  # of DuckDB; numpy's and pyarrow's come on top
# Functions that Spark has by these names.
_MACROS = """
    create temp macro explode(list) as unnest(list);
    create temp macro get(list, position) as list[position + 1];
    create temp macro regexp_like(text, pattern) as regexp_matches(text, pattern);
    create temp macro sequence(first, last) as generate_series(first, last);
"""


class DuckDB(Engine):
    """A DuckDB connection."""

    place = "row_number() over ()"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(_MACROS)

    @override
    def read(self, name: str, path: Path, schema: pa.Schema) -> None:
        parquet.check(path, schema)
        self._connection.read_parquet(str(path)).create_view(name)

    @override
    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        self._connection.register(name, frame)

    @override
    def view(self, name: str, query: str) -> None:
        self._connection.execute(f"create or replace temp view {name} as {query}")

    @override
    def make(self, name: str, *queries: str) -> None:
        self._connection.execute(f"create or replace table {name} as {queries[0]}")
        for query in queries[1:]:
            self._connection.execute(f"insert into {name} {query}")

    @override
    def drop(self, name: str) -> None:
        self._connection.execute(f"drop table {name}")

    @override
    def frame(self, query: str) -> pd.DataFrame:
        return self._connection.sql(query).df()

    @override
    def records(self, query: str) -> list[dict[str, Any]]:
        found = self._connection.sql(query)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    @override
    def columns(self, name: str) -> list[str]:
        return self._connection.table(name).columns

    @override
    def number(self, query: str) -> int:
        return int(self._connection.sql(query).fetchall()[0][0])

    @override
    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        return parquet.regrouped(piece for query in queries for piece in self._pieces(query))

    def _pieces(self, query: str) -> Iterator[pa.Table]:
        reader = self._connection.sql(query).to_arrow_reader(parquet.ROW_GROUP)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])


@contextmanager
def connect() -> Iterator[Engine]:
    """An empty DuckDB."""
    with TemporaryDirectory(prefix="neuralist-") as folder, duckdb.connect() as connection:
        connection.execute(f"set temp_directory = '{folder}'; set memory_limit = '{MEMORY}'")
        yield DuckDB(connection)
