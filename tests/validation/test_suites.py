"""The promises of the tables: a good corpus passes, each corruption is refused by one expectation."""

# pyright: reportPrivateImportUsage=false

import hashlib
import html
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml

from neuralist.config import params
from neuralist.config.experiment import Protocol
from neuralist.config.params import Expected, Pairs
from neuralist.data import parquet, tables
from neuralist.engine.connect import connect
from neuralist.engine.protocol import Engine
from neuralist.validation import derived_tables
from neuralist.validation.derived_tables import CheckedTables
from neuralist.validation.report import Outcome, Report

if TYPE_CHECKING:
    from neuralist.validation.runner import Suites

pytestmark = pytest.mark.slow  # Great Expectations takes 1 s to judge a corpus, and there are 60

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = Expected(songs=(9, 10), rows=(4, 5), pairs=(3, 4), similar_share=(0.3, 0.7))
CHOICES = Pairs(test_fold=0, paper_shares=(0.72, 0.08, 0.2), unlisted_ratio=3, seed=7)
WORDS = "paper lanterns over water"


SCHEMAS = {
    "songs": tables.SONGS, "rows": tables.ROWS, "pairs": tables.PAIRS, "unlisted": tables.UNLISTED,
}  # fmt: skip


class Corpus:
    """Nine songs, two of them covers, one unobserved; four rows, two of one pair; a pair in each part.

    Four of the songs make five unlisted pairs in train, of which three are drawn; val has none.
    """

    def __init__(self) -> None:
        ids = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "u1", "u2"]
        self.songs = pd.DataFrame(
            {
                "song_id": ids,
                "track_ids": [["TR1", "TR9"], ["TR2"], ["TR3"], ["TR4"], [], [], [], [], []],
                "artist": "The Inventions",
                "title": ids,
                "year": 2015,
                "tags": [["rock"]] * 9,
                "lastfm_tags": [["rock", "80s"], *[[]] * 8],
                "lastfm_weights": [[100.0, 54.0], *[[]] * 8],
                "genre": "rock",
                "language": "en",
                "lyrics": [f"{WORDS} {song_id}" for song_id in ids],
                "raw_lyrics": [f"{WORDS} {song_id}" for song_id in ids],
                "n_words": 5,
                "has_list": [True] * 6 + [False] + [True] * 2,
                "group_id": ["s1", "s1", "s3", "s3", "s5", "s6", "s7", "u1", "u2"],
                "fold": [2, 2, 1, 1, 0, 0, 4, 3, 3],
            }
        )
        self.rows = pd.DataFrame(
            [
                ("s1", "s2", 0.9, "train"),
                ("s2", "s1", 0.7, "test"),
                ("s3", "s4", 0.1, "val"),
                ("s5", "s6", 0.5, "train"),
            ],
            columns=tables.ROWS.names,
        )
        self.pairs = pd.DataFrame(
            [
                ("s1", "s2", 0.8, 0.7, 0.9, 2, "train"),
                ("s3", "s4", 0.1, 0.1, 0.1, 1, "val"),
                ("s5", "s6", 0.5, 0.5, 0.5, 1, "test"),
            ],
            columns=tables.PAIRS.names,
        )
        self.unlisted = pd.DataFrame(
            [(left, right, "train", 5 / 3) for left, right in (("s1", "u1"), ("s2", "u1"), ("u1", "u2"))],
            columns=tables.UNLISTED.names,
        )

    def corrupt(self, table: str, row: int | slice, column: str | list[str], value: object) -> None:
        """Write a value where it does not belong."""
        frame = getattr(self, table).astype(object)
        if isinstance(value, list) and isinstance(column, str):
            frame.at[row, column] = value
        else:
            frame.loc[row, column] = value
        setattr(self, table, frame)

    def write(self, folder: Path) -> list[str]:
        """Write the tables as parquet; the paths of songs, rows, pairs and unlisted."""
        paths = [folder / f"{name}.parquet" for name in SCHEMAS]
        for (name, schema), path in zip(SCHEMAS.items(), paths, strict=True):
            parquet.write(getattr(self, name), schema, path)
        return [str(path) for path in paths]


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


@pytest.fixture
def validate(tmp_path: Path) -> Callable[..., Report]:
    """Check a corpus as the stage does: after a round through parquet."""
    from neuralist.validation.suites import MAX_ROWS, validate

    def check(
        corpus: Corpus,
        protocol: Protocol = "songs",
        expected: Expected = EXPECTED,
        max_rows: int = MAX_ROWS,
    ) -> Report:
        if protocol == "given":
            corpus.unlisted = corpus.unlisted.head(0)
        checked = CheckedTables(*map(Path, corpus.write(tmp_path)))
        return validate(checked, expected, protocol, CHOICES, max_rows=max_rows)

    return check


def refused(report: Report) -> list[tuple[str, str, str]]:
    assert not report.tally["broken"]
    return [
        (found.table, found.expectation, found.column)
        for found in report.outcomes
        if found.verdict == "failed"
    ]


def suites_module() -> Any:
    """Imported by the tests that ask for it: with Great Expectations it takes seconds."""
    from neuralist.validation import suites

    return suites


def only(report: Report, verdict: str) -> Outcome:
    [outcome] = [found for found in report.outcomes if found.verdict == verdict]
    return outcome


def test_a_good_corpus_passes_and_is_counted(corpus: Corpus, validate: Callable[..., Report]) -> None:
    report = validate(corpus)
    assert refused(report) == []
    assert report.success
    assert report.languages == {"en": 9}
    assert report.counts == {
        "songs": 9,
        "songs_with_a_list": 8,
        "groups": 7,
        "rows": 4,
        "repeats_across_splits": 1,
        "songs_across_splits": 0,
        "texts_across_splits": 0,
        "pairs": 3,
        "pairs_train": 1,
        "pairs_val": 1,
        "pairs_test": 1,
        "pairs_unused": 0,
        "unlisted_train": 3,
        "unlisted_val": 0,
        "similar_share": 0.666667,
    }


def test_a_mean_that_rounding_lifts_over_its_own_rows_is_no_fault(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    corpus.pairs.loc[1, "similarity"] = (0.1 + 0.1 + 0.1) / 3  # 0.10000000000000002
    assert validate(corpus).success


NOT_NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
ABOVE = "expect_column_pair_values_a_to_be_greater_than_b"
MEAN = "expect_column_mean_to_be_between"
TWICE = "expect_compound_columns_to_be_unique"
UNEQUAL = "expect_column_unique_value_count_to_be_between"
BOTH = ["left_id", "right_id"]
IN_PART, NUMBER, SPLIT = (
    ("unlisted.songs", IN_SET, "in_part"),
    ("unlisted.number", IN_SET, "as_asked"),
    ("unlisted", IN_SET, "split"),
)

# What is written where (table, row, column, value), and what refuses it (table, expectation, column).
CORRUPTIONS = [
    (("songs", 6, "song_id", None), ("songs", NOT_NULL, "song_id")),
    (("songs", 6, "song_id", "s6"), ("songs", UNIQUE, "song_id")),
    (("songs", 0, "lyrics", None), ("songs", NOT_NULL, "lyrics")),
    (("songs", 0, "lyrics", " \n "), ("songs", "expect_column_values_to_match_regex", "lyrics")),
    (("songs", 0, "genre", None), ("songs", NOT_NULL, "genre")),
    (("songs", 0, "language", None), ("songs", NOT_NULL, "language")),
    (("songs", 0, "has_list", None), ("songs", NOT_NULL, "has_list")),
    (("songs", 0, "n_words", 0), ("songs", BETWEEN, "n_words")),
    (("songs", 6, "fold", 5), ("songs", BETWEEN, "fold")),
    (("songs", 6, "fold", None), ("songs", NOT_NULL, "fold")),
    (("songs", 6, "group_id", None), ("songs", NOT_NULL, "group_id")),
    (("songs", 1, "fold", 3), ("songs.groups", UNIQUE, "group_id")),
    (("songs", 6, "track_ids", ["TR9"]), ("songs.tracks", UNIQUE, "track_id")),
    (("songs", 0, "lastfm_weights", [100.0, 101.0]), ("songs.lastfm_weights", BETWEEN, "weight")),
    (("songs", 0, "lastfm_weights", [-1.0, 54.0]), ("songs.lastfm_weights", BETWEEN, "weight")),
    (("songs", 0, "lastfm_tags", ["rock"]), ("songs.lastfm_tags", IN_SET, "weighted")),
    (("songs", 0, "lastfm_weights", None), ("songs.lastfm_tags", IN_SET, "weighted")),
    (("rows", 3, "right_id", "s5"), ("rows.ends", IN_SET, "itself")),
    (("rows", 3, "right_id", "s8"), ("rows.songs", IN_SET, "in_songs")),
    (("rows", 3, "right_id", None), ("rows", NOT_NULL, "right_id")),
    (("rows", 3, "similarity", 1.01), ("rows", BETWEEN, "similarity")),
    (("rows", 3, "similarity", -0.01), ("rows", BETWEEN, "similarity")),
    (("rows", 3, "similarity", None), ("rows", NOT_NULL, "similarity")),
    (("rows", slice(None), "similarity", 0.5), ("rows", UNEQUAL, "similarity")),
    (("rows", 3, "split", "tset"), ("rows", IN_SET, "split")),
    (("rows", 3, "split", "unused"), ("rows", IN_SET, "split")),
    (("rows", 3, "split", None), ("rows", NOT_NULL, "split")),
    (("pairs", 1, "right_id", "s8"), ("pairs.songs", IN_SET, "in_songs")),
    (("pairs", 1, "left_id", None), ("pairs", NOT_NULL, "left_id")),
    (("pairs", 2, BOTH, ["s6", "s5"]), ("pairs", ABOVE, "right_id, left_id")),
    (("pairs", 2, BOTH, ["s5", "s5"]), ("pairs", ABOVE, "right_id, left_id")),
    (("pairs", 1, ["similarity", "lowest"], [-0.5, -0.5]), ("pairs", BETWEEN, "similarity")),
    (("pairs", 0, "lowest", 0.85), ("pairs.similarity", ABOVE, "similarity, lowest")),
    (("pairs", 0, "highest", 0.75), ("pairs.similarity", ABOVE, "highest, similarity")),
    (("pairs", 0, "n_rows", 0), ("pairs", BETWEEN, "n_rows")),
    (("pairs", 1, "split", "tset"), ("pairs", IN_SET, "split")),
    (("pairs", 1, ["similarity", "highest"], [0.9, 0.9]), ("pairs.similarity", MEAN, "similar")),
]


@contextmanager
def derived(
    corpus: Corpus, folder: Path, suites: "Suites"
) -> Iterator[tuple[Engine, dict[str, pd.DataFrame]]]:
    """The tables that the suites check, in an engine and as frames by suite."""
    with connect() as database:
        checked = CheckedTables(*map(Path, corpus.write(folder)))
        derived_tables.derive(database, checked, CHOICES, gives_split=False, suites=suites)
        names = {suite: derived_tables.table_name(suite) for suite in suites}
        yield database, {suite: database.frame(f"SELECT * FROM {name}") for suite, name in names.items()}


@pytest.fixture(scope="module")
def good_tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    from neuralist.validation.suites import all_suites

    suites = all_suites(EXPECTED, gives_split=False)
    with derived(Corpus(), tmp_path_factory.mktemp("good"), suites) as (_, frames):
        return frames


@pytest.mark.parametrize(("corruption", "refusal"), CORRUPTIONS)
def test_a_corruption_is_refused_by_the_one_expectation_named_for_it(
    corpus: Corpus,
    good_tables: dict[str, pd.DataFrame],
    tmp_path: Path,
    corruption: tuple[str, int | slice, str | list[str], object],
    refusal: tuple[str, str, str],
) -> None:
    """Of the suites those whose tables it changes: the others pass as on a good corpus, and take 1 s."""
    from neuralist.validation.suites import all_suites, check

    corpus.corrupt(*corruption)
    suites = all_suites(EXPECTED, gives_split=False)
    with derived(corpus, tmp_path, suites) as (database, frames):
        changed = {name: suites[name] for name in suites if not frames[name].equals(good_tables[name])}
        assert refused(Report({}, check(changed, database))) == [refusal]


# Every eighth corruption at once: each route takes half a second.
@pytest.mark.parametrize("first", range(8))
def test_counted_by_sql_corruptions_are_refused_in_the_same_words(
    corpus: Corpus, validate: Callable[..., Report], first: int
) -> None:
    for corruption, _ in CORRUPTIONS[first::8]:
        corpus.corrupt(*corruption)
    read, counted = validate(corpus), validate(corpus, max_rows=0)
    assert len(refused(read)) > 1
    assert counted == read  # names, columns, numbers and examples too


@pytest.mark.parametrize("table", ["songs", "rows", "pairs"])
def test_a_number_outside_its_range_is_refused(
    corpus: Corpus, validate: Callable[..., Report], table: str
) -> None:
    expected = EXPECTED.model_copy(update={table: (1, 2)})
    report = validate(corpus, expected=expected)
    assert refused(report) == [(table, "expect_table_row_count_to_be_between", "")]
    assert only(report, "failed").observed == len(getattr(corpus, table))


def test_a_range_without_bounds_holds_any_corpus(corpus: Corpus, validate: Callable[..., Report]) -> None:
    anything = (None, None)
    assert validate(
        corpus, expected=Expected(songs=anything, rows=anything, pairs=anything, similar_share=anything)
    ).success


def test_empty_tables_are_refused_without_a_broken_expectation(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    corpus.rows, corpus.pairs = corpus.rows.head(0), corpus.pairs.head(0)
    report = validate(corpus)
    assert not report.tally["broken"]
    assert ("rows", "expect_table_row_count_to_be_between", "") in refused(report)
    assert report.counts["similar_share"] is None


def test_a_pair_that_stands_twice_is_refused(corpus: Corpus, validate: Callable[..., Report]) -> None:
    corpus.pairs.loc[3] = corpus.pairs.loc[0]
    report = validate(corpus, expected=EXPECTED.model_copy(update={"similar_share": (0, 1)}))
    assert refused(report) == [("pairs", TWICE, "left_id, right_id")]


OTHERS = ("rows.pairs", "pairs.splits")  # which have warnings of their own
LEAKS = {
    "a test song also in train": (2, ["s1", "s6"], ["pairs.members", "pairs.texts", "pairs.groups"]),
    "a train text in test under another id": (2, ["s6", "s7"], ["pairs.texts"]),
    "a cover of a train song in test": (2, ["s6", "s7"], ["pairs.groups"]),
}


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize(("protocol", "verdict"), [("songs", "failed"), ("given", "warning")])
def test_a_leak_between_parts_stops_the_run_and_is_a_warning_under_a_given_split(
    corpus: Corpus, validate: Callable[..., Report], leak: str, protocol: Protocol, verdict: str
) -> None:
    row, songs, where = LEAKS[leak]
    corpus.pairs.loc[row, BOTH] = songs
    corpus.songs.loc[6, "lyrics"] = f"{WORDS.title()}, S1!" if where == ["pairs.texts"] else "own words"
    corpus.songs.loc[6, "group_id"] = "s1" if where == ["pairs.groups"] else "s7"
    corpus.songs.loc[6, "fold"] = 2 if where == ["pairs.groups"] else 4
    report = validate(corpus, protocol)
    leaking = [found for found in report.outcomes if found.verdict == verdict and found.table not in OTHERS]
    assert [found.table for found in leaking] == where
    assert {found.expectation for found in leaking} == {UNIQUE}
    assert report.success == (protocol == "given")
    assert leaking[0].unexpected == 2
    if "pairs.texts" in where:
        assert report.counts["texts_across_splits"] == 1
        assert report.counts["songs_across_splits"] == int("pairs.members" in where)
    assert [example["split"] for example in leaking[0].examples] == ["test", "train"]


def test_repeats_are_counted_as_warnings_under_a_given_split_alone(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    """s1 and s2 are listed twice, the two rows in two parts."""
    for protocol in ("songs", "paper"):
        assert "rows.pairs" not in {found.table for found in validate(corpus, protocol).outcomes}
    report = validate(corpus, "given")
    repeats = {found.promise: found for found in report.outcomes if found.table == "rows.pairs"}
    assert {found.verdict for found in repeats.values()} == {"warning"}
    assert list(repeats) == ["a pair is listed once", "train, val and test share no pair"]
    assert [found.unexpected for found in repeats.values()] == [1, 1]
    assert repeats["a pair is listed once"].examples == [
        {"one_id": "s1", "other_id": "s2", "n_rows": "2", "n_parts": "2"}
    ]
    assert report.success


# Listed pairs' similarities by split, of each val and test; then number and examples of the two warnings.
SMALL = {
    "29 pairs of two grades": (
        {"val": [0.1, *[0.9] * 28], "test": [0.2, *[0.8] * 29]},
        (1, [{"split": "val", "n_pairs": "29", "n_grades": "2"}]),
        (0, []),
    ),
    "30 pairs of one grade": (
        {"val": [0.1, *[0.9] * 29], "test": [0.8] * 30},
        (0, []),
        (1, [{"split": "test", "n_pairs": "30", "n_grades": "1"}]),
    ),
    "grades that differ by rounding alone": (
        {"val": [0.3] * 15 + [0.1 + 0.2] * 15, "test": [0.2, *[0.8] * 29]},
        (0, []),
        (1, [{"split": "val", "n_pairs": "30", "n_grades": "1"}]),
    ),
    "none, which is said once": (
        {"val": [], "test": [0.2, *[0.8] * 29]},
        (1, [{"split": "val", "n_pairs": "0", "n_grades": None}]),
        (0, []),
    ),
}


@pytest.mark.parametrize("small", SMALL)
def test_val_or_test_of_few_pairs_or_one_grade_is_a_warning(small: str) -> None:
    from neuralist.validation.suites import MAX_ROWS, check, small_suites

    splits, *warnings = SMALL[small]
    rows = [(similarity, split) for split, values in splits.items() for similarity in values]
    pairs = pd.DataFrame([*rows, (0.5, "train"), (0.5, "unused")], columns=["similarity", "split"])
    with connect() as database:
        database.register("pairs", pairs)
        derived = derived_tables.table_name("pairs.splits")
        database.create_table(derived, derived_tables._SUITE_TABLES["pairs.splits"])
        read, counted = (check(small_suites(), database, max_rows=most) for most in (MAX_ROWS, 0))

    assert counted == read
    assert [(found.unexpected, found.examples) for found in read] == warnings
    assert [found.verdict for found in read] == ["warning" if n else "passed" for n, _ in warnings]
    assert Report({}, read).success


def test_an_unused_pair_may_join_two_parts(corpus: Corpus, validate: Callable[..., Report]) -> None:
    corpus.pairs.loc[3] = ["s1", "s5", 0.2, 0.2, 0.2, 1, "unused"]
    assert validate(corpus).success


# --- unlisted pairs --------------------------------------------------------------------------------

UNLISTED = [
    (("unlisted", 0, "left_id", None), ("unlisted", NOT_NULL, "left_id")),
    (("unlisted", 0, "weight", None), ("unlisted", NOT_NULL, "weight")),
    (("unlisted", 0, "weight", 0.5), ("unlisted", BETWEEN, "weight")),
    (("unlisted", 0, BOTH, ["u1", "s1"]), ("unlisted", ABOVE, "right_id, left_id")),
    (("unlisted", 0, BOTH, ["u1", "u1"]), ("unlisted", ABOVE, "right_id, left_id")),
    (("unlisted", 0, BOTH, ["s2", "u1"]), ("unlisted", TWICE, "left_id, right_id")),
    (("unlisted", 0, BOTH, ["s1", "s2"]), ("unlisted.songs", IN_SET, "listed")),
    (("unlisted", 0, BOTH, ["s1", "s7"]), ("unlisted.songs", IN_SET, "observed")),
    (("unlisted", 0, BOTH, ["s1", "s99"]), ("unlisted.songs", IN_SET, "observed")),
]


def refused_unlisted(corpus: Corpus) -> list[tuple[str, str, str]]:
    """What refuses unlisted pairs, alone: all suites take four times as long."""
    from neuralist.validation.suites import MAX_ROWS, check, disjoint_suites, unlisted_suites

    suites = unlisted_suites() | disjoint_suites()
    with connect() as database:
        checked = CheckedTables(*(getattr(corpus, name) for name in SCHEMAS))
        derived_tables.derive(database, checked, CHOICES, gives_split=False, suites=suites)
        read, counted = (check(suites, database, max_rows=most) for most in (MAX_ROWS, 0))
    assert counted == read
    return refused(Report({}, read))


@pytest.mark.parametrize(("corruption", "refusal"), UNLISTED)
def test_a_corrupt_unlisted_pair_is_refused_by_the_one_expectation_named_for_it(
    corpus: Corpus, corruption: tuple[str, int, str | list[str], object], refusal: tuple[str, str, str]
) -> None:
    corpus.corrupt(*corruption)
    assert refused_unlisted(corpus) == [refusal]


# An unlisted pair's songs are of its part: what is written, and all that refuses it.
MEMBERS, GROUPS = ("pairs.members", UNIQUE, "song_id"), ("pairs.groups", UNIQUE, "group_id")
TEXTS = ("pairs.texts", UNIQUE, "text_id")
STRANGERS = {
    "a test song in train": (("unlisted", 0, BOTH, ["s1", "s5"]), [IN_PART, MEMBERS, TEXTS, GROUPS]),
    "a train pair in val": (("unlisted", 0, "split", "val"), [IN_PART, NUMBER, MEMBERS, TEXTS, GROUPS]),
    "a pair of test": (("unlisted", 0, "split", "test"), [SPLIT, IN_PART, NUMBER, MEMBERS, TEXTS, GROUPS]),
    "a cover of a val song": (("songs", 8, "group_id", "s3"), [GROUPS]),
    "a song of another fold": (("songs", 8, "fold", 0), [IN_PART, NUMBER]),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_an_unlisted_pair_of_another_parts_song_is_refused(corpus: Corpus, stranger: str) -> None:
    corruption, refusals = STRANGERS[stranger]
    corpus.corrupt(*corruption)
    assert refused_unlisted(corpus) == refusals


def test_a_pair_that_no_list_could_hold_is_refused(corpus: Corpus) -> None:
    """u1 is listed elsewhere, but neither it nor s1 has a list."""
    corpus.pairs.loc[3] = ["s5", "u1", 0.2, 0.2, 0.2, 1, "unused"]
    corpus.songs.loc[[0, 7], "has_list"] = False
    assert refused_unlisted(corpus) == [("unlisted.songs", IN_SET, "has_list")]


@pytest.mark.parametrize("kept", [0, 2])
def test_fewer_unlisted_pairs_than_asked_for_are_refused(corpus: Corpus, kept: int) -> None:
    corpus.unlisted = corpus.unlisted.head(kept)
    assert refused_unlisted(corpus) == [NUMBER]


def test_all_unlisted_pairs_there_are_suffice_where_more_are_asked_for(corpus: Corpus) -> None:
    """s1, s2, u1 and u2 make six pairs, one of them listed; s1, s2 and u1 three, of which two are not."""
    corpus.songs.loc[8, "has_list"] = False
    corpus.unlisted = corpus.unlisted.head(2)
    assert refused_unlisted(corpus) == []
    corpus.unlisted = corpus.unlisted.head(1)
    assert refused_unlisted(corpus) == [NUMBER]


def test_where_no_song_has_a_list_nothing_is_unlisted(corpus: Corpus) -> None:
    corpus.songs["has_list"] = False
    corpus.unlisted = corpus.unlisted.head(0)
    assert refused_unlisted(corpus) == []


def test_a_leak_planted_in_pairs_and_in_unlisted_stops_the_run(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    """A training pair with a test song, which also makes more unlisted ones due; one of these is listed."""
    corpus.pairs.loc[3] = ["s1", "s5", 0.2, 0.2, 0.2, 1, "train"]
    corpus.unlisted.loc[0, BOTH] = ["s1", "s2"]
    report = validate(corpus, expected=EXPECTED.model_copy(update={"similar_share": (0, 1)}))
    assert not report.success
    assert refused(report) == [("unlisted.songs", IN_SET, "listed"), NUMBER, MEMBERS, TEXTS, GROUPS]


# --- the report ------------------------------------------------------------------------------------


def test_lyrics_at_fault_are_shown_by_song_id(corpus: Corpus, validate: Callable[..., Report]) -> None:
    corpus.songs.loc[0, "lyrics"] = "\t\t"
    corpus.songs.loc[1, "n_words"] = 0
    report = validate(corpus)
    assert [found.examples for found in report.outcomes if found.verdict == "failed"] == [
        [{"song_id": "s1"}],
        [{"song_id": "s2", "n_words": "0"}],
    ]
    assert WORDS not in report.to_json() + report.to_html()


@pytest.fixture(scope="module")
def failed_and_broken() -> list[Outcome]:
    """A column of equal ids that should be unique, and a mean of a column that is not there."""
    import great_expectations.expectations as gxe

    from neuralist.validation.suites import check

    suite = [
        gxe.ExpectColumnValuesToBeUnique(column="song_id", description="unique"),
        gxe.ExpectColumnMeanToBeBetween(column="nowhere", min_value=0, max_value=1, description="mean"),
    ]
    frame = pd.DataFrame({"song_id": ["s1", "s1"]})
    with connect() as database:
        database.register(derived_tables.table_name("songs"), frame)
        return check({"songs": suite}, database)


def test_a_broken_expectation_is_told_apart_from_a_failed_one(failed_and_broken: list[Outcome]) -> None:
    assert [outcome.verdict for outcome in failed_and_broken] == ["failed", "broken"]


def test_a_failed_expectation_counts_its_rows_and_a_broken_one_says_why(
    failed_and_broken: list[Outcome],
) -> None:
    failed, broken = failed_and_broken
    assert failed.unexpected == 2
    assert (broken.examples, failed.error) == ([], None)
    assert "nowhere" in (broken.error or "")
    assert "The check raised: " in Report({}, failed_and_broken).to_html()


def test_a_broken_expectation_alone_makes_a_report_fail(failed_and_broken: list[Outcome]) -> None:
    assert not Report({}, failed_and_broken[1:]).success


def test_the_report_is_the_same_bytes_each_time(corpus: Corpus, validate: Callable[..., Report]) -> None:
    corpus.pairs.loc[0, "n_rows"] = 0
    first, second = validate(corpus), validate(corpus)
    assert first.to_json() == second.to_json()
    assert first.to_html() == second.to_html()
    suites = [suites_module().all_suites(EXPECTED, gives_split=False) for _ in range(2)]
    assert suites_module().as_json(suites[0]) == suites_module().as_json(suites[1])


def cells(page: str) -> list[list[str]]:
    """The rows at fault that a page shows, as text, read by Python's own parser."""
    found: list[list[str]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag == "tr":
                found.append([])
            elif tag == "td":
                found[-1].append("")

        def handle_data(self, data: str) -> None:
            if found and found[-1] and self.get_starttag_text() in ("<bdi>", "<i>"):
                found[-1][-1] += data.strip()

    Parser().feed(page[page.index("Not as promised") : page.index("<h2>Counts")])
    return [row for row in found if row]


def test_a_page_that_fails_shows_the_first_rows_at_fault(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    """Ids and the value, at most 100 characters of it; what would turn a line around, or be HTML, is text."""
    hostile = "<b>bold</b> \u202egnp.exe שלום &amp; "
    corpus.songs["n_words"] = [-1, -2, -3, -4, -5, -6, -7, 5, 5]
    corpus.rows.loc[3, "split"] = hostile + "z" * 200
    corpus.pairs.loc[1, "n_rows"] = None
    page = validate(corpus).to_html()

    long = hostile.replace("\u202e", "�") + "z" * 200
    assert cells(page) == [
        *[[f"s{number}", f"-{number}"] for number in (1, 2, 3, 4, 5)],
        ["s5", "s6", f"{long[:97]}..."],
        ["s3", "s4", "none"],
        *[["test", "1", "1"], ["val", "1", "1"]] * 2,  # warnings: few pairs, and of one grade
    ]
    assert "7 rows at fault; the first:" in page
    assert page.count("1 row at fault:") == 2


def test_a_number_out_of_range_is_told_where_no_row_is_at_fault(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    page = validate(corpus, expected=EXPECTED.model_copy(update={"songs": (100, None)})).to_html()
    faults = page[page.index("Not as promised") : page.index("<h2>Counts")]
    assert "their number is within expected.songs: [100, null]" in faults
    assert "<p>It is 9.</p>" in faults
    assert "row at fault" not in faults


def test_a_page_says_of_each_table_what_a_row_is(corpus: Corpus, validate: Callable[..., Report]) -> None:
    page = validate(corpus, "given").to_html(hashes={"songs": "5f0c"})
    tables = {outcome.table for outcome in validate(corpus, "given").outcomes}
    assert len(tables) == 19
    for table in tables:
        sentence = html.escape(derived_tables.description(table))
        assert f"<b>{table}</b>{sentence}" in page
        assert sentence.startswith("A row is ")
        assert sentence.endswith(".")
    assert "<code>songs.parquet 5f0c</code>" in page


# --- suites as Great Expectations writes them --------------------------------------------------------


def run_plain(suite: str, frame: pd.DataFrame) -> Any:
    """A suite's JSON, run on a table by somebody who has Great Expectations and nothing of ours."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("any").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    return batch.validate(gx.ExpectationSuite(**json.loads(suite)))


@pytest.mark.parametrize("table", SCHEMAS)
def test_a_suite_runs_in_plain_great_expectations_on_a_table_as_it_is(
    corpus: Corpus, tmp_path: Path, table: str
) -> None:
    suites = suites_module().all_suites(EXPECTED, gives_split=False)
    suite = suites_module().as_json(suites)[table]
    assert json.loads(suite)["notes"] == derived_tables.description(table)
    corpus.write(tmp_path)
    good = run_plain(suite, pd.read_parquet(tmp_path / f"{table}.parquet"))
    assert good.success
    assert len(good.results) == len(suites[table]) > 5

    column = "weight" if table == "unlisted" else "split" if table in ("rows", "pairs") else "fold"
    corpus.corrupt(table, 0, column, None)
    corpus.write(tmp_path)
    bad = run_plain(suite, pd.read_parquet(tmp_path / f"{table}.parquet"))
    refused_by = [result.expectation_config for result in bad.results if not result.success]
    assert [(config.type, config.kwargs["column"]) for config in refused_by] == [(NOT_NULL, column)]
    assert refused_by[0].description == f"{column} is given"


def test_a_suite_keeps_which_failures_are_allowed() -> None:
    suites = suites_module().all_suites(EXPECTED, gives_split=True)
    texts = suites_module().as_json(suites)
    severities = {name: {each["severity"] for each in json.loads(text)["expectations"]}
                  for name, text in texts.items()}  # fmt: skip
    warned = {"pairs.members", "pairs.texts", "pairs.groups", "pairs.splits", "rows.pairs"}
    assert {name for name, found in severities.items() if found == {"warning"}} == warned
    assert {name for name, found in severities.items() if found == {"critical"}} == set(suites) - warned


def test_the_page_escapes_what_it_shows_and_names_no_other_address(
    corpus: Corpus, validate: Callable[..., Report]
) -> None:
    hostile = "<script>alert('1')</script>"
    corpus.songs.loc[6, ["song_id", "fold"]] = [hostile, 7]
    page = validate(corpus).to_html()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;1&#39;)" in page
    assert "http" not in page


def write_workspace(folder: Path) -> Path:
    """Make a working folder with a params.yaml that expects the corpus."""
    chosen = params.read_yaml(ROOT / "params.yaml") | {"expected": EXPECTED.model_dump(mode="json")}
    chosen["pairs"] |= CHOICES.model_dump(mode="json")
    (folder / "params.yaml").write_text(yaml.safe_dump(chosen), encoding="utf-8")
    (folder / "corpus.json").write_text('{"note": "All made up.", "epochs": 1}', encoding="utf-8")
    return folder


OUTS = (
    "--corpus corpus.json --report out/validation.json --page out/validation.html "
    "--suites out/suites --verdict out/validated.json"
)


def run_stage(workspace: Path, corpus: Corpus) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "pipelines/validate.py", *corpus.write(workspace), *OUTS.split()]
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(workspace / "home")}
    return subprocess.run(
        command, cwd=workspace, env=environment, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Stopped:
    """The stage after a corpus with a pair of no rows."""

    workspace: Path
    process: subprocess.CompletedProcess[str]

    def read(self, name: str) -> str:
        """The text of an out."""
        return (self.workspace / "out" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    workspace, corpus = write_workspace(tmp_path_factory.mktemp("stopped")), Corpus()
    corpus.pairs.loc[0, "n_rows"] = 0
    return Stopped(workspace, run_stage(workspace, corpus))


def test_the_stage_stops_with_one_sentence(stopped: Stopped) -> None:
    assert stopped.process.returncode == 1
    sentence = "error: 1 of 63 expectations failed, 0 are broken; see out/validation.html\n"
    assert stopped.process.stderr == sentence


def test_the_stage_that_stops_prints_a_table_of_what_failed(stopped: Stopped) -> None:
    for shown in ("failed", "pairs", BETWEEN, "n_rows", "left_id=s1, right_id=s2, n_rows=0"):
        assert shown in stopped.process.stdout


def test_the_stage_that_stops_leaves_the_report_and_the_page(stopped: Stopped) -> None:
    report = json.loads(stopped.read("validation.json"))
    assert (report["success"], report["n_failed"], report["n_broken"]) == (False, 1, 0)
    assert [result["column"] for result in report["results"] if not result["success"]] == ["n_rows"]
    assert report["songs_by_language"] == {"en": 9}
    page = stopped.read("validation.html")
    assert "stopped the pipeline" in page
    assert "Songs by language: en 9." in page
    assert "is unknown" not in page  # there is no such song


def test_the_verdict_names_the_tables_by_their_hashes(stopped: Stopped) -> None:
    verdict = json.loads(stopped.read("validated.json"))
    songs = hashlib.sha256((stopped.workspace / "songs.parquet").read_bytes()).hexdigest()
    assert verdict["success"] is False
    assert list(verdict["tables"]) == ["songs", "rows", "pairs", "unlisted"]
    assert verdict["tables"]["songs"] == songs
    assert f"<code>songs.parquet {songs}</code>" in stopped.read("validation.html")


def test_the_stage_writes_its_four_outs_and_nothing_else(stopped: Stopped) -> None:
    files = (path for path in stopped.workspace.rglob("*") if path.is_file())
    written = {path.relative_to(stopped.workspace).as_posix() for path in files}
    inputs = {"params.yaml", "corpus.json", *(f"{name}.parquet" for name in SCHEMAS)}
    reports = {"out/validation.json", "out/validation.html", "out/validated.json"}
    suites = {path for path in written if path.startswith("out/suites/")}
    assert written - inputs - suites == reports
    report = json.loads(stopped.read("validation.json"))
    assert suites == {f"out/suites/{result['table']}.json" for result in report["results"]}


def test_the_stage_shows_its_warnings_and_ends_with_one_line(
    tmp_path: Path,
    corpus: Corpus,
    run_script: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = corpus.write(write_workspace(tmp_path))
    run_script(tmp_path, f"validate.py {' '.join(paths)} {OUTS}")
    shown = capsys.readouterr()
    assert shown.out.endswith("\n63 expectations, none failed, 2 warnings\n")
    assert "val and test have 30 listed pairs or more" in shown.out, "val and test have a pair each"
    assert "listed pairs of val and of test have two grades or more" in shown.out, "a pair has one grade"
    assert shown.err == ""
