"""The engine under the tables: batches of one size, a folder of its own that goes, and what SQL counts."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from neuralist.data import parquet, tables
from neuralist.engine.connect import connect
from neuralist.validation import sql_counts


def test_batches_of_several_queries_have_one_size_and_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 3)
    with connect() as on:
        batches = list(on.batches([f"select * from range({count}) numbers(n)" for count in (2, 0, 5)]))
        none = list(on.batches(["select 1 as n where false"]))
    assert [batch["n"].to_pylist() for batch in batches] == [[0, 1, 0], [1, 2, 3], [4]]
    assert [(len(batch), batch.column_names) for batch in none] == [(0, ["n"])]


def test_what_the_engine_puts_aside_is_gone_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), connect():
        assert list(tmp_path.iterdir())
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_the_table_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"left_id": ["a"], "right_id": ["b"], "split": ["val"], "weight": [1.0]})
    parquet.write(frame, tables.UNLISTED, tmp_path / "unlisted.parquet")
    with connect() as on:
        with pytest.raises(ValueError, match=r"unlisted\.parquet: columns .* expected"):
            on.read_parquet("rows", tmp_path / "unlisted.parquet", tables.ROWS)
        with pytest.raises(ValueError, match=r"rows\.parquet: not a readable parquet table"):
            on.read_parquet("rows", tmp_path / "rows.parquet", tables.ROWS)


def test_an_expectation_that_sql_does_not_count_is_an_error_that_names_it() -> None:
    with connect() as on, pytest.raises(ValueError, match="expect_the_unexpected is not counted"):
        sql_counts.count(on, "nowhere", [ExpectationConfiguration("expect_the_unexpected", {})])
