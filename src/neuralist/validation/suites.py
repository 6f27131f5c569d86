"""What the tables songs, rows, pairs and unlisted promise, as Great Expectations suites, and their check.

In: the tables of these names of `neuralist.data.tables`. Out: a `report.Report`.
"""

# pyright: reportPrivateImportUsage=false
# (Great Expectations documents this import path, and re-exports by it, without an __all__.)

import json
from typing import Any

from great_expectations.expectations import (
    ExpectColumnMeanToBeBetween,
    ExpectColumnPairValuesAToBeGreaterThanB,
    ExpectColumnUniqueValueCountToBeBetween,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToMatchRegex,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from neuralist.config.experiment import Protocol
from neuralist.config.params import EngineName, Expected, Pairs, Range
from neuralist.engine.connect import connect
from neuralist.validation import derived_tables
from neuralist.validation.derived_tables import Checked
from neuralist.validation.report import Report, count
from neuralist.validation.runner import MOST_ROWS, Suites, check

PARTS = ["train", "val", "test"]


def validate(
    checked: Checked,
    expected: Expected,
    protocol: Protocol,
    choices: Pairs,
    *,
    on: EngineName = "duckdb",
    most_rows: int = MOST_ROWS,
) -> Report:
    """Check what the tables promise.

    Args:
        checked: the tables.
        expected: the ranges that this corpus's counts must stay in.
        protocol: under `given` the user's split may repeat pairs, and share songs: warnings, no failures.
        choices: how the pairs were made.
        on: the engine.
        most_rows: see `runner.check`.
    """
    given = protocol == "given"
    shared = FailureSeverity.WARNING if given else FailureSeverity.CRITICAL
    suites = {
        **songs_suites(expected),
        **rows_suites(expected),
        **pairs_suites(expected),
        **unlisted_suites(),
        **disjoint_suites(shared),
        **(repeat_suites() if given else {}),
    }
    with connect(on) as database:
        derived_tables.derive(database, checked, choices, given=given, wanted=suites)
        return Report(count(database), check(suites, database, most_rows=most_rows))


def songs_suites(expected: Expected) -> Suites:
    """Each song has an id, lyrics of a word or more and a fold; a track has one song, a group one fold."""
    return {
        "songs": [
            *_given("song_id", "genre", "lyrics", "n_words", "has_list", "group_id", "fold"),
            _number_within(expected.songs, "expected.songs"),
            _unique("song_id", "a song_id names one song"),
            ExpectColumnValuesToMatchRegex(column="lyrics", regex=r"\S", description="lyrics are not blank"),
            _within("n_words", 1, None, "lyrics have a word"),
            _within("fold", 0, 4, "fold is 0 to 4"),
        ],
        "songs.tracks": [_unique("track_id", "a track id belongs to one song")],
        "songs.groups": [_unique("group_id", "a song and its covers share a fold")],
    }


def rows_suites(expected: Expected) -> Suites:
    """Each row joins two different known songs, has a similarity in [0, 1] and falls in a part.

    A pair listed twice may stand in two parts: protocol `paper` cuts rows at random, as the predecessor did.
    """
    return {
        "rows": [
            *_given("left_id", "right_id", "similarity", "split"),
            _number_within(expected.rows, "expected.rows"),
            _in_set("itself", [False], "no song is similar to itself"),
            _within("similarity", 0, 1, "similarity is within [0, 1]"),
            ExpectColumnUniqueValueCountToBeBetween(
                column="similarity", min_value=2, description="similarity is not constant"
            ),
            _in_set("split", PARTS, "split is a part"),
        ],
        "rows.songs": [_in_set("in_songs", [True], "rows name known songs")],
    }


def pairs_suites(expected: Expected) -> Suites:
    """Each unordered pair of known songs stands once, with the mean, extremes and number of its rows."""
    low, high = expected.similar_share
    return {
        "pairs": [
            *_given("left_id", "right_id", "similarity", "lowest", "highest", "n_rows", "split"),
            _number_within(expected.pairs, "expected.pairs"),
            _above("right_id", "left_id", "left_id comes before right_id"),
            ExpectCompoundColumnsToBeUnique(
                column_list=["left_id", "right_id"], description="a pair stands once"
            ),
            _within("similarity", 0, 1, "similarity is within [0, 1]"),
            _above("similarity", "lowest", "similarity is no less than its lowest row", or_equal=True),
            _above("highest", "similarity", "similarity is no more than its highest row", or_equal=True),
            _within("n_rows", 1, None, "a pair has a row"),
            _in_set("split", [*PARTS, "unused"], "split is a part or unused"),
            ExpectColumnMeanToBeBetween(
                column="similar",
                min_value=low,
                max_value=high,
                description=f"class balance is within expected.similar_share: {json.dumps([low, high])}",
            ),
        ],
        "pairs.songs": [_in_set("in_songs", [True], "pairs name known songs")],
    }


def unlisted_suites() -> Suites:
    """Each unlisted pair could be listed and is not, by songs of its part; they are as many as asked."""
    return {
        "unlisted": [
            *_given("left_id", "right_id", "split", "weight"),
            _above("right_id", "left_id", "left_id comes before right_id"),
            ExpectCompoundColumnsToBeUnique(
                column_list=["left_id", "right_id"], description="an unlisted pair stands once"
            ),
            _in_set("split", ["train", "val"], "unlisted pairs are of train and val"),
            _in_set("listed", [False], "no row lists an unlisted pair"),
            _in_set("observed", [True], "both songs have a list or stand in a listed pair"),
            _in_set("has_list", [True], "one song has a list"),
            _in_set("in_part", [True], "both songs are of folds of the part"),
            _within("weight", 1, None, "an unlisted pair stands for itself, if not for more"),
        ],
        "unlisted.number": [
            _in_set("as_asked", [True], "pairs.unlisted_ratio for each listed one, or all that there are")
        ],
    }


def disjoint_suites(severity: FailureSeverity) -> Suites:
    """No song, and no group of covers, stands in pairs, unlisted ones among them, of two parts."""
    return {
        "pairs.members": [_unique("song_id", "train, val and test share no song", severity)],
        "pairs.groups": [_unique("group_id", "train, val and test share no group of covers", severity)],
    }


def repeat_suites() -> Suites:
    """No unordered pair is listed twice, and none in two parts; warnings, since each is used once at most."""
    promises = {"n_rows": "a pair is listed once", "n_parts": "train, val and test share no pair"}
    warning = FailureSeverity.WARNING
    return {"rows.pairs": [_in_set(name, [1], promise, warning) for name, promise in promises.items()]}


def _given(*columns: str) -> list[Expectation]:
    return [ExpectColumnValuesToNotBeNull(column=name, description=f"{name} is given") for name in columns]


def _number_within(bounds: Range, name: str) -> Expectation:
    low, high = (None if bound is None else int(bound) for bound in bounds)
    promise = f"their number is within {name}: {json.dumps([low, high])}"
    return ExpectTableRowCountToBeBetween(min_value=low, max_value=high, description=promise)


def _within(column: str, low: float, high: float | None, promise: str) -> Expectation:
    return ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, description=promise)


def _in_set(
    column: str, values: list[Any], promise: str, severity: FailureSeverity = FailureSeverity.CRITICAL
) -> Expectation:
    return ExpectColumnValuesToBeInSet(
        column=column, value_set=values, description=promise, severity=severity
    )


def _unique(column: str, promise: str, severity: FailureSeverity = FailureSeverity.CRITICAL) -> Expectation:
    return ExpectColumnValuesToBeUnique(column=column, description=promise, severity=severity)


def _above(greater: str, lesser: str, promise: str, or_equal: bool = False) -> Expectation:
    return ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=greater,
        column_B=lesser,
        or_equal=or_equal,
        ignore_row_if="either_value_is_missing",
        description=promise,
    )
