"""What runs the SQL of ingest and validation: where tables come from and go to.

The SQL itself is plain; what is an engine's own stands in `engine.duckdb` and `engine.spark`. Results leave
in batches, and what is put aside on the way is gone at the end.

In SQL songs are numbers, by the order of their ids, which take a tenth of the memory of these; `named` gives
the ids back.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

_ENDS = {"left_number": "left_id", "right_number": "right_id"}


class Engine(Protocol):
    """The few things that are asked of an engine.

    Attributes:
        place: SQL that grows from row to row in a table's order.
    """

    place: str

    def read(self, name: str, path: Path, schema: pa.Schema) -> None:
        """Make a parquet file a view.

        Raises:
            ValueError: the file is missing, no parquet, or has other columns.
        """
        ...

    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        """Make a frame a view."""
        ...

    def view(self, name: str, query: str) -> None:
        """Name a query."""
        ...

    def make(self, name: str, *queries: str) -> None:
        """Make a table of what one or several queries find, in their order."""
        ...

    def drop(self, name: str) -> None:
        """Forget a table."""
        ...

    def frame(self, query: str) -> pd.DataFrame:
        """What a query finds."""
        ...

    def records(self, query: str) -> list[dict[str, Any]]:
        """What a query finds, row by row."""
        ...

    def columns(self, name: str) -> list[str]:
        """The columns of a table or view."""
        ...

    def number(self, query: str) -> int:
        """The one whole number that a query finds."""
        ...

    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        """What queries find one after the other, in batches of parquet.ROW_GROUP rows and a rest."""
        ...


def named(batch: pa.Table, ids: pa.Array, schema: pa.Schema) -> pa.Table:
    """A batch whose songs are numbers (left_number, right_number) as a table of a schema with their ids."""
    columns = {
        _ENDS.get(name, name): ids.take(column.combine_chunks()) if name in _ENDS else column
        for name, column in zip(batch.column_names, batch.columns, strict=True)
    }
    return pa.table(columns).select(schema.names).cast(schema)
