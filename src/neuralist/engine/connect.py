"""Open the engine that params.yaml names."""

from contextlib import AbstractContextManager

from neuralist.config.params import EngineName
from neuralist.engine.protocol import Engine


def connect(name: EngineName = "duckdb") -> AbstractContextManager[Engine]:
    """Open an engine without tables.

    Raises:
        ValueError: the name is spark, and PySpark or Java is missing.
    """
    # Spark is an optional extra, and either is slow to import.
    if name == "spark":
        from neuralist.engine import spark

        return spark.connect()
    from neuralist.engine import duckdb

    return duckdb.connect()
