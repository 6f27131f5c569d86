"""Spark's tables and verdicts are DuckDB's, row for row; needs Java."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.data.test_expectations import CHOICES, EXPECTED, Corpus

from neuralist import engine, pairs, tables
from neuralist.checked import Checked
from neuralist.params import EngineName
from neuralist.validation import Report

if shutil.which("java") is None:
    pytest.skip("needs Java, which is not on this machine", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.Builder().master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.memory", "2g")
    spark = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield spark
    spark.stop()


# Byte order is not the order of letters; md5 reads the ids as UTF-8.
IDS = ["a", "B", "it's", 'say "x"', "é", "é", "\U0001f3b5", "a b", "10", "9", "%_\\n", "日本"]
SPLITS = [None, "train", "test", "val"]


def songs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "song_id": IDS,
            "track_ids": [[name, f"{name}*"] for name in IDS],
            "fold": [at % 5 for at in range(len(IDS))],
            "has_list": True,
        }
    )


def listed(splits: list[str | None]) -> pd.DataFrame:
    """Repeats, both directions, two tracks of one song, and similarities of 16 digits."""
    tracks = [f"{name}{star}" for name in IDS for star in ("", "*")]
    n = len(splits)
    rows = [
        (
            tracks[one % 24],
            tracks[(one * 7 + at) % 24],
            (one * 0.1234567890123457) % 1,
            splits[one % n],
        )
        for one in range(150)
        for at in (0, 0, 3)
    ]
    return pd.DataFrame(rows, columns=tables.LISTED.names).astype({"split": "str"})


def made(name: EngineName, frame: pd.DataFrame) -> list[pd.DataFrame]:
    with engine.connect(name) as on:
        on.register("listed", frame)
        found = pairs.Listed(on, songs(), CHOICES)
        return [pd.concat(batch.to_pandas() for batch in kind()) for kind in (found.rows, found.pairs)]


@pytest.mark.parametrize("splits", [[None], SPLITS, ["train", "test"]], ids=["none", "some", "no val"])
def test_rows_and_pairs_are_those_of_duckdb(
    splits: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_BLOCK", 200)
    for ours, theirs in zip(made("spark", listed(splits)), made("duckdb", listed(splits)), strict=True):
        assert len(theirs) > 50
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def report(name: EngineName, corpus: Corpus, folder: Path, most_rows: int) -> Report:
    from neuralist import expectations

    checked = Checked(*map(Path, corpus.write(folder)))
    return expectations.validate(checked, EXPECTED, "songs", CHOICES, on=name, most_rows=most_rows)


@pytest.mark.parametrize("most_rows", [1_000_000, 0], ids=["read", "counted"])
def test_faults_are_found_and_told_as_by_duckdb(tmp_path: Path, most_rows: int) -> None:
    corpus = Corpus()
    corpus.corrupt("songs", 0, "lyrics", " \t")
    corpus.corrupt("songs", 1, "fold", 7)
    corpus.corrupt("songs", 3, "track_ids", ["TR1"])
    corpus.corrupt("rows", 0, "similarity", 1.5)
    corpus.corrupt("rows", 1, "left_id", "stranger")
    corpus.corrupt("pairs", 0, "split", "later")
    corpus.corrupt("pairs", 2, ["left_id", "right_id"], ["s3", "s4"])
    corpus.corrupt("unlisted", 0, "weight", None)
    corpus.corrupt("unlisted", 1, ["left_id", "right_id"], ["s1", "s2"])
    ours, theirs = (report(name, corpus, tmp_path, most_rows) for name in ("spark", "duckdb"))
    assert theirs.tally["failed"] > 8
    assert not theirs.tally["broken"]
    assert ours == theirs


def test_nothing_is_left_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made("spark", listed([None]))
    assert not list(tmp_path.iterdir())
