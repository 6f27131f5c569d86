"""Apache Spark as an engine: the same SQL on many machines, with DuckDB's results row for row.

A running session is used; otherwise one is started as the environment configures it (SPARK_HOME/conf,
PYSPARK_SUBMIT_ARGS), by default local[*]. Tables stay with the executors, on disk where memory is full; only
query results come to this process, one block of songs or of lists at a time. So no shared folder is needed,
except for the parquet files that are read.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from typing_extensions import override

from neuralist import files
from neuralist.data import parquet
from neuralist.engine.protocol import Engine

try:
    from pyspark.sql import DataFrame, SparkSession
except ImportError as error:
    raise ValueError(
        f"engine: spark needs PySpark ({error}); pip install 'neuralist[spark]', or set it to duckdb"
    ) from error

# Settings under which Spark parses and casts as DuckDB does.
_DIALECT = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_QUIET = {
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
MEMORY = "4g"  # of the driver


class Spark(Engine):
    """A Spark session of its own, whose tables no other session sees."""

    row_order = "monotonically_increasing_id()"

    def __init__(self, session: SparkSession) -> None:
        self._session = session.newSession()
        for key, value in _DIALECT.items():
            self._session.conf.set(key, value)

    @override
    def read_parquet(self, name: str, path: Path, schema: pa.Schema) -> None:
        parquet.check(path, schema)
        self._session.read.parquet(f"file://{path.resolve()}").createOrReplaceTempView(name)

    @override
    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        # Spark has no dictionary-encoded columns.
        plain = pa.schema(
            (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
            for field in table.schema
        )
        self._session.createDataFrame(table.cast(plain)).createOrReplaceTempView(name)

    @override
    def create_view(self, name: str, query: str) -> None:
        self._session.sql(query).createOrReplaceTempView(name)

    @override
    def create_table(self, name: str, *queries: str) -> None:
        table = reduce(DataFrame.unionAll, map(self._session.sql, queries))
        # The checkpoint cuts the lineage: query plans would grow with each table made from another.
        table.localCheckpoint().createOrReplaceTempView(name)

    @override
    def drop_table(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    @override
    def frame(self, query: str) -> pd.DataFrame:
        return self._session.sql(query).toArrow().to_pandas()

    @override
    def records(self, query: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in self._session.sql(query).collect()]

    @override
    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        return parquet.regrouped(self._session.sql(query).toArrow() for query in queries)


@contextmanager
def connect() -> Iterator[Engine]:
    """Open Spark without tables: beside a running session, or in one started and stopped here.

    Raises:
        ValueError: Java is missing.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        try:
            yield Spark(running)
        finally:
            # createDataFrame makes its session the active one: restore the caller's.
            running.createDataFrame([], "nothing int")
        return
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise ValueError("engine: spark needs Java 17 or later; install it, or set engine to duckdb")
    with files.temporary_folder() as folder:
        session = _start_session(str(folder))
        try:
            yield Spark(session)
        finally:
            session.stop()


def _start_session(folder: str) -> SparkSession:
    # Spark's default of 1 GB is too little for local[*], where the driver does all; a user's setting wins.
    os.environ.setdefault("SPARK_DRIVER_MEMORY", MEMORY)
    settings: dict[str, Any] = {**_QUIET, "spark.sql.warehouse.dir": f"file://{folder}"}
    return SparkSession.Builder().appName("neuralist").config(map=settings).getOrCreate()
