"""Engines that run the SQL: DuckDB on one machine, or Apache Spark on many."""
