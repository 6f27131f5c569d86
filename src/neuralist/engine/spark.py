"""Apache Spark as an engine: the same SQL on many machines, with DuckDB's results row for row.

A session that runs is used; else one is started as the environment says (SPARK_HOME/conf,
PYSPARK_SUBMIT_ARGS), which without any of that is local[*]. Tables stay with the executors, on disk where
memory is full; only what is asked for comes to this process, and of that one block of songs, or of lists, at
a time, so no common folder is needed but for the parquet files that are read.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
from typing_extensions import override

from neuralist.data import parquet
from neuralist.engine.protocol import Engine

try:
    from pyspark.sql import DataFrame, SparkSession
except ImportError as error:
    raise ValueError(
        f"engine: spark needs PySpark ({error}); pip install 'neuralist[spark]', or set it to duckdb"
    ) from error

# What makes Spark read the text as DuckDB does.
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
    """A Spark session, of which no other sees the tables."""

    place = "monotonically_increasing_id()"

    def __init__(self, session: SparkSession) -> None:
        self._session = session.newSession()
        for key, value in _DIALECT.items():
            self._session.conf.set(key, value)

    @override
    def read(self, name: str, path: Path, schema: pa.Schema) -> None:
        parquet.check(path, schema)
        self._session.read.parquet(f"file://{path.resolve()}").createOrReplaceTempView(name)

    @override
    def register(self, name: str, frame: pd.DataFrame | pa.Table) -> None:
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        plain = pa.schema(
            (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
            for field in table.schema
        )
        self._session.createDataFrame(table.cast(plain)).createOrReplaceTempView(name)

    @override
    def view(self, name: str, query: str) -> None:
        self._session.sql(query).createOrReplaceTempView(name)

    @override
    def make(self, name: str, *queries: str) -> None:
        made = reduce(DataFrame.unionAll, map(self._session.sql, queries))
        # Without what it was made from: plans of plans would grow by each table.
        made.localCheckpoint().createOrReplaceTempView(name)

    @override
    def drop(self, name: str) -> None:
        self._session.catalog.dropTempView(name)

    @override
    def frame(self, query: str) -> pd.DataFrame:
        return self._session.sql(query).toArrow().to_pandas()

    @override
    def records(self, query: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in self._session.sql(query).collect()]

    @override
    def columns(self, name: str) -> list[str]:
        return self._session.table(name).columns

    @override
    def number(self, query: str) -> int:
        return int(self._session.sql(query).collect()[0][0])

    @override
    def batches(self, queries: list[str]) -> Iterator[pa.Table]:
        return parquet.regrouped(self._session.sql(query).toArrow() for query in queries)


@contextmanager
def connect() -> Iterator[Engine]:
    """An empty Spark, in the session that runs, or in one that is started and stopped.

    Raises:
        ValueError: there is no Java.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        try:
            yield Spark(running)
        finally:
            # What makes a table of given rows makes its session the active one.
            running.createDataFrame([], "nothing int")
        return
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise ValueError("engine: spark needs Java 17 or later; install it, or set engine to duckdb")
    with TemporaryDirectory(prefix="neuralist-") as folder:
        session = _started(folder)
        try:
            yield Spark(session)
        finally:
            session.stop()


def _started(folder: str) -> SparkSession:
    # Spark's own 1 GB is little for a driver that is all of local[*]; any other way to set it goes before.
    os.environ.setdefault("SPARK_DRIVER_MEMORY", MEMORY)
    builder = SparkSession.Builder().appName("neuralist")
    for key, value in {**_QUIET, "spark.sql.warehouse.dir": f"file://{folder}"}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
