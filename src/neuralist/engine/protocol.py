"""The interface of an engine, which runs the SQL of ingest and validation.

The SQL itself is portable; what differs by engine is in `engine.duckdb` and `engine.spark`. Results leave in
batches; tables in an engine and its temporary files last as long as its connection.

In SQL songs are numbers, by the order of their ids, which take a tenth of the memory of the ids;
`with_song_ids` replaces them by ids.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

_ID_COLUMNS = {"left_number": "left_id", "right_number": "right_id"}


class Engine(Protocol):
    """A connection to a database without tables of its own.

    Attributes:
        row_order: SQL expression that increases from row to row in a table's order.
    """

    row_order: str

    def read_parquet(self, name: str, path: Path, schema: pa.Schema) -> None:
        """Create a view of a parquet file.

        Raises:
            ValueError: the file is missing, is no parquet file, or has other columns than `schema`.
        """
        ...

    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        """Create a view of a frame."""
        ...

    def create_view(self, name: str, query: str) -> None:
        """Create or replace a view of a query."""
        ...

    def create_table(self, name: str, *queries: str) -> None:
        """Create or replace a table with the results of the queries, in their order."""
        ...

    def drop_table(self, name: str) -> None:
        """Remove a table."""
        ...

    def frame(self, query: str) -> pd.DataFrame:
        """Return a query's result as a frame."""
        ...

    def records(self, query: str) -> list[dict[str, Any]]:
        """Return a query's result as a dict by column for each row."""
        ...

    def scalar(self, query: str) -> int:
        """Return the result of a query for a single whole number."""
        [[number]] = (row.values() for row in self.records(query))
        return int(number)

    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        """Yield the concatenated results of queries in batches of parquet.ROW_GROUP rows and a rest."""
        ...


def with_song_ids(batch: pa.Table, ids: pa.Array, schema: pa.Schema) -> pa.Table:
    """Return a batch with song ids in place of left_number and right_number, cast to `schema`."""
    columns = {
        _ID_COLUMNS.get(name, name): ids.take(column.combine_chunks()) if name in _ID_COLUMNS else column
        for name, column in zip(batch.column_names, batch.columns, strict=True)
    }
    return pa.table(columns).select(schema.names).cast(schema)
