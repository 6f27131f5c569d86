"""DuckDB as an engine: one machine; what exceeds its memory spills to a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from typing_extensions import override

from neuralist import files
from neuralist.data import parquet
from neuralist.engine.protocol import Engine

MEMORY = "4GB"  # of DuckDB alone, without numpy's and pyarrow's
# So that the SQL can use Spark's names of these functions.
_MACROS = """
    create temp macro explode(list) as unnest(list);
    create temp macro get(list, position) as list[position + 1];
    create temp macro regexp_like(text, pattern) as regexp_matches(text, pattern);
    create temp macro size(list) as len(list);
    create temp macro sequence(first, last) as generate_series(first, last);
"""


class DuckDB(Engine):
    """A DuckDB connection."""

    row_order = "row_number() over ()"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(_MACROS)

    @override
    def read_parquet(self, name: str, path: Path, schema: pa.Schema) -> None:
        parquet.check(path, schema)
        self._connection.read_parquet(str(path)).create_view(name)

    @override
    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        self._connection.register(name, frame)

    @override
    def create_view(self, name: str, query: str) -> None:
        self._connection.execute(f"create or replace temp view {name} as {query}")

    @override
    def create_table(self, name: str, *queries: str) -> None:
        self._connection.execute(f"create or replace table {name} as {queries[0]}")
        for query in queries[1:]:
            self._connection.execute(f"insert into {name} {query}")

    @override
    def drop_table(self, name: str) -> None:
        self._connection.execute(f"drop table {name}")

    @override
    def frame(self, query: str) -> pd.DataFrame:
        return self._connection.sql(query).df()

    @override
    def records(self, query: str) -> list[dict[str, Any]]:
        result = self._connection.sql(query)
        return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    @override
    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        return parquet.regrouped(batch for query in queries for batch in self._read_batches(query))

    def _read_batches(self, query: str) -> Iterator[pa.Table]:
        reader = self._connection.sql(query).to_arrow_reader(parquet.ROW_GROUP)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])


@contextmanager
def connect() -> Iterator[Engine]:
    """Open an in-memory DuckDB without tables."""
    with files.temporary_folder() as folder, duckdb.connect() as connection:
        connection.execute(f"set temp_directory = '{folder}'; set memory_limit = '{MEMORY}'")
        yield DuckDB(connection)
