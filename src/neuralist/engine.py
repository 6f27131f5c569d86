"""DuckDB under the SQL of `neuralist.pairs` and `neuralist.checked`: where tables come from and go to.

The SQL itself is plain; what is DuckDB's own stands here. Results leave in batches, and what does not fit its
memory DuckDB writes to a folder of its own that is gone at the end.

In SQL songs are numbers, by the order of their ids, which take a tenth of the memory of these; `named` gives
the ids back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from neuralist import tables

MEMORY = "4GB"  # of DuckDB; numpy's and pyarrow's come on top
_ENDS = {"left_number": "left_id", "right_number": "right_id"}


class Engine:
    """A DuckDB connection, by the few things that are asked of an engine."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def read(self, name: str, path: Path, schema: pa.Schema) -> None:
        """Make a parquet file a view.

        Raises:
            ValueError: the file is missing, no parquet, or has other columns.
        """
        tables.check(path, schema)
        self._connection.read_parquet(str(path)).create_view(name)

    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        """Make a frame a view."""
        self._connection.register(name, frame)

    def view(self, name: str, query: str) -> None:
        """Name a query."""
        self._connection.execute(f"create or replace temp view {name} as {query}")

    def make(self, name: str, *queries: str) -> None:
        """Make a table of what one or several queries find, in their order."""
        self._connection.execute(f"create or replace table {name} as {queries[0]}")
        for query in queries[1:]:
            self._connection.execute(f"insert into {name} {query}")

    def drop(self, name: str) -> None:
        """Forget a table."""
        self._connection.execute(f"drop table {name}")

    def frame(self, query: str) -> pd.DataFrame:
        """What a query finds."""
        return self._connection.sql(query).df()

    def records(self, query: str) -> list[dict[str, Any]]:
        """What a query finds, row by row."""
        found = self._connection.sql(query)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def columns(self, name: str) -> list[str]:
        """The columns of a table or view."""
        return self._connection.table(name).columns

    def number(self, query: str) -> int:
        """The one whole number that a query finds."""
        return int(self._connection.sql(query).fetchall()[0][0])

    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        """What queries find one after the other, in batches of tables.ROW_GROUP rows and a rest."""
        waiting: list[pa.Table] = []
        found = False
        for query in queries:
            reader = self._connection.sql(query).to_arrow_reader(tables.ROW_GROUP)
            waiting = waiting or [reader.schema.empty_table()]
            for batch in reader:
                waiting.append(pa.Table.from_batches([batch]))
                if sum(map(len, waiting)) >= tables.ROW_GROUP:
                    whole, found = pa.concat_tables(waiting), True
                    yield whole.slice(0, tables.ROW_GROUP)
                    waiting = [whole.slice(tables.ROW_GROUP)]
        rest = pa.concat_tables(waiting)
        if len(rest) or not found:
            yield rest


@contextmanager
def connect() -> Iterator[Engine]:
    """An empty engine."""
    with TemporaryDirectory(prefix="neuralist-") as folder, duckdb.connect() as connection:
        connection.execute(f"set temp_directory = '{folder}'; set memory_limit = '{MEMORY}'")
        yield Engine(connection)


def named(batch: pa.Table, ids: pa.Array, schema: pa.Schema) -> pa.Table:
    """A batch whose songs are numbers (left_number, right_number) as a table of a schema with their ids."""
    columns = {
        _ENDS.get(name, name): ids.take(column.combine_chunks()) if name in _ENDS else column
        for name, column in zip(batch.column_names, batch.columns, strict=True)
    }
    return pa.table(columns).select(schema.names).cast(schema)
