"""Spark's lists, tables and verdicts are DuckDB's, row for row; needs Java."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tests import faulty_lists, raw
from tests.small_spark import SETTINGS
from tests.validation.test_suites import CHOICES, EXPECTED, Corpus

from neuralist.config.params import EngineName
from neuralist.data import tables
from neuralist.engine.connect import connect
from neuralist.ingest import pairs
from neuralist.ingest.sources import formats, lastfm, similarity_lists
from neuralist.validation.derived_tables import CheckedTables
from neuralist.validation.report import Report
from neuralist.validation.suites import validate

pytestmark = pytest.mark.slow  # a Spark session starts in 5 s, and its jobs take as long


@pytest.fixture(scope="module", autouse=True)
def working_folder(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the session of all tests was started, by `connect` from nothing."""
    folder = tmp_path_factory.mktemp("working")
    settings = " ".join(f"--conf {key}={value}" for key, value in SETTINGS.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--master local[2] {settings} pyspark-shell")
        patch.setenv("SPARK_DRIVER_MEMORY", "1g")
        with patch.context() as started_here:
            started_here.chdir(folder)
            connection = connect("spark")
            connection.__enter__()
        yield folder
        connection.__exit__(None, None, None)


@pytest.mark.parametrize("form", faulty_lists.FORMS)
def test_lists_are_taken_apart_as_by_duckdb(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_lists.write(tmp_path, form)
    monkeypatch.setattr(lastfm, "_CHUNK", 4)
    monkeypatch.setitem(similarity_lists._AT_ONCE, "spark", 6)
    ours, theirs = (
        lastfm.read(tmp_path, lastfm.find(tmp_path), (0, 0.999), faulty_lists.KNOWN, name)
        for name in ("spark", "duckdb")
    )
    assert len(theirs.listed) > 20
    faulty_lists.assert_equal(ours, theirs)


# Byte order is not the order of letters; md5 reads the ids as UTF-8.
IDS = ["a", "B", "it's", 'say "x"', "é", "e\u0301", "\U0001f3b5", "a b", "10", "9", "%_\\n", "日本"]
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
    """Repeats, some in two parts, both directions, two tracks of one song, similarities of 16 digits."""
    tracks = [f"{name}{star}" for name in IDS for star in ("", "*")]
    n = len(splits)
    rows = [
        (
            tracks[one % 24],
            tracks[(one + (-1) ** one * (one // 24 + at)) % 24],
            (one * 0.1234567890123457) % 1,
            splits[(one + nth) % n],
        )
        for one in range(150)
        for nth, at in enumerate((0, 0, 3))
    ]
    return pd.DataFrame(rows, columns=tables.LISTED.names).astype({"split": "str"})


def made(name: EngineName, frame: pd.DataFrame) -> list[pd.DataFrame]:
    with connect(name) as on:
        on.register("listed", frame)
        found = pairs.Listed(on, songs(), CHOICES)
        return [pd.concat(batch.to_pandas() for batch in kind()) for kind in (found.rows, found.pairs)]


@pytest.mark.parametrize(
    ("splits", "block"),
    [([None], 1000), (SPLITS, 200), ([None, "train", "test"], 1000)],
    ids=["no split", "some rows have one, two blocks", "some rows have one, none is val"],
)
def test_rows_and_pairs_are_those_of_duckdb(
    splits: list[str | None], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_BLOCK", block)
    for ours, theirs in zip(made("spark", listed(splits)), made("duckdb", listed(splits)), strict=True):
        assert len(theirs) > 40
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def report(name: EngineName, corpus: Corpus, folder: Path, max_rows: int) -> Report:
    checked = CheckedTables(*map(Path, corpus.write(folder)))
    return validate(checked, EXPECTED, "songs", CHOICES, engine_name=name, max_rows=max_rows)


ROUTES = pytest.mark.parametrize("max_rows", [1_000_000, 0], ids=["read", "counted"])


@ROUTES
def test_a_good_corpus_is_counted_and_passes_as_by_duckdb(tmp_path: Path, max_rows: int) -> None:
    ours, theirs = (report(name, Corpus(), tmp_path, max_rows) for name in ("spark", "duckdb"))
    assert theirs.success
    assert ours.to_json() == theirs.to_json()


@ROUTES
def test_faults_are_found_and_told_as_by_duckdb(tmp_path: Path, max_rows: int) -> None:
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
    ours, theirs = (report(name, corpus, tmp_path, max_rows) for name in ("spark", "duckdb"))
    assert theirs.tally["failed"] > 8
    assert not theirs.tally["broken"]
    assert ours.to_json() == theirs.to_json()


def test_a_session_of_the_caller_is_used_and_keeps_its_own_tables() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.active()
    session.sql("select 6 as number").createOrReplaceTempView("folds")
    with connect("spark") as on:
        on.register("folds", pd.DataFrame({"number": [7]}))
        assert on.scalar("select number from folds") == 7
    assert SparkSession.active().sql("select number from folds").collect()[0]["number"] == 6


def test_without_java_the_fix_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="Java 17 or later; install it, or set engine to duckdb"):
        connect("spark").__enter__()
    raw.database(raw.two_songs(tmp_path), [("TRAAA1", "TRBBB1,0.5")])
    with pytest.raises(ValueError, match="needs Java"):
        formats.read(tmp_path, (0, 1), "spark").similarities([])


def test_nothing_is_left_in_the_working_folder(working_folder: Path) -> None:
    assert not list(working_folder.iterdir())
