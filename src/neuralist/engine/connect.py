"""The engine that params.yaml names."""

from contextlib import AbstractContextManager

from neuralist.config.params import EngineName
from neuralist.engine.protocol import Engine


def connect(name: EngineName = "duckdb") -> AbstractContextManager[Engine]:
    """An empty engine.

    Raises:
        ValueError: spark is asked for, and PySpark or Java is not there.
    """
    # Spark is an extra, and either takes its time to import.
    if name == "spark":
        from neuralist.engine import spark

        return spark.connect()
    from neuralist.engine import duckdb

    return duckdb.connect()
