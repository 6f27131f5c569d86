"""Great Expectations suites for the tables songs, rows, pairs and unlisted, and `validate`, which runs them.

Input: the tables of these names of `neuralist.data.tables`. Output: a `report.Report`.
"""

# pyright: reportPrivateImportUsage=false
# (Great Expectations documents this import path, and re-exports by it, without an __all__.)

import itertools
import json
from typing import Any

from great_expectations import ExpectationSuite
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
from neuralist.data.splits import MIN_PAIRS
from neuralist.engine.connect import connect
from neuralist.validation import derived_tables
from neuralist.validation.derived_tables import CheckedTables, description
from neuralist.validation.report import Report, count, count_languages
from neuralist.validation.runner import MAX_ROWS, Suites, check

SPLITS = ["train", "val", "test"]


def validate(
    checked: CheckedTables,
    expected: Expected,
    protocol: Protocol,
    choices: Pairs,
    *,
    engine_name: EngineName = "duckdb",
    max_rows: int = MAX_ROWS,
) -> Report:
    """Validate the tables.

    Args:
        checked: the tables.
        expected: the ranges in which the corpus's counts must lie.
        protocol: under `given` repeated pairs, and songs in several splits, are warnings and not failures.
        choices: the settings by which pairs and unlisted were made.
        engine_name: the engine that runs the SQL.
        max_rows: see `runner.check`.
    """
    gives_split = protocol == "given"
    suites = all_suites(expected, gives_split=gives_split)
    with connect(engine_name) as engine:
        derived_tables.derive(engine, checked, choices, gives_split=gives_split, suites=suites)
        outcomes = check(suites, engine, max_rows=max_rows)
        return Report(count(engine), outcomes, count_languages(engine))


def all_suites(expected: Expected, *, gives_split: bool) -> Suites:
    """Return every suite by the name of its table; where the source gives the split, some are warnings."""
    return {
        **songs_suites(expected),
        **rows_suites(expected),
        **pairs_suites(expected),
        **unlisted_suites(),
        **(_warnings(disjoint_suites()) if gives_split else disjoint_suites()),
        **small_suites(),
        **(repeat_suites() if gives_split else {}),
    }


def as_json(suites: Suites) -> dict[str, str]:
    """Return each suite in Great Expectations' own format, by its name; its notes say what a row is.

    Read by `ExpectationSuite(**json.loads(text))`. Those without a dot in their name are for the pipeline's
    tables as they are, the others for what `derived_tables` makes of these.
    """
    written = {}
    for name, expectations in suites.items():
        suite = ExpectationSuite(name=name, expectations=expectations, notes=description(name))
        written[name] = json.dumps(suite.to_json_dict(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    return written


def songs_suites(expected: Expected) -> Suites:
    """Expect each song to have an id, lyrics and a fold, each track one song and each group one fold."""
    return {
        "songs": [
            *_not_null("song_id", "genre", "language", "lyrics", "raw_lyrics", "n_words"),
            *_not_null("has_list", "group_id", "fold"),
            _row_count_within(expected.songs, "expected.songs"),
            _unique("song_id", "a song_id names one song"),
            ExpectColumnValuesToMatchRegex(column="lyrics", regex=r"\S", description="lyrics are not blank"),
            _within("n_words", 1, None, "lyrics have a word"),
            _within("fold", 0, 4, "fold is 0 to 4"),
        ],
        "songs.lastfm_tags": [_in_set("weighted", [True], "each tag of Last.fm has a weight")],
        "songs.tracks": [_unique("track_id", "a track id belongs to one song")],
        "songs.lastfm_weights": [_within("weight", 0, 100, "weights of tags are within [0, 100]")],
        "songs.groups": [_unique("group_id", "a song and its covers share a fold")],
    }


def rows_suites(expected: Expected) -> Suites:
    """Expect each row to join two different songs of songs.parquet, with similarity in [0, 1] and a split.

    A pair listed twice may be in two splits: protocol `paper` splits rows at random, as the predecessor did.
    """
    return {
        "rows": [
            *_not_null("left_id", "right_id", "similarity", "split"),
            _row_count_within(expected.rows, "expected.rows"),
            _within("similarity", 0, 1, "similarity is within [0, 1]"),
            ExpectColumnUniqueValueCountToBeBetween(
                column="similarity", min_value=2, description="similarity is not constant"
            ),
            _in_set("split", SPLITS, "split is train, val or test"),
        ],
        "rows.ends": [_in_set("itself", [False], "no row joins a song with itself")],
        "rows.songs": [_in_set("in_songs", [True], "rows name songs of the table songs")],
    }


def pairs_suites(expected: Expected) -> Suites:
    """Expect each unordered pair of songs once, with the mean, extremes and number of its rows."""
    low, high = expected.similar_share
    return {
        "pairs": [
            *_not_null("left_id", "right_id", "similarity", "lowest", "highest", "n_rows", "split"),
            _row_count_within(expected.pairs, "expected.pairs"),
            _above("right_id", "left_id", "left_id comes before right_id"),
            ExpectCompoundColumnsToBeUnique(
                column_list=["left_id", "right_id"], description="a pair stands once"
            ),
            _within("similarity", 0, 1, "similarity is within [0, 1]"),
            _within("n_rows", 1, None, "a pair has a row"),
            _in_set("split", [*SPLITS, "unused"], "split is train, val, test or unused"),
        ],
        "pairs.similarity": [
            _above("similarity", "lowest", "similarity is no less than its lowest row", or_equal=True),
            _above("highest", "similarity", "similarity is no more than its highest row", or_equal=True),
            ExpectColumnMeanToBeBetween(
                column="similar",
                min_value=low,
                max_value=high,
                description=f"class balance is within expected.similar_share: {json.dumps([low, high])}",
            ),
        ],
        "pairs.songs": [_in_set("in_songs", [True], "pairs name songs of the table songs")],
    }


def unlisted_suites() -> Suites:
    """Expect observable, unlisted pairs of songs of their split, as many as pairs.unlisted_ratio says."""
    return {
        "unlisted": [
            *_not_null("left_id", "right_id", "split", "weight"),
            _above("right_id", "left_id", "left_id comes before right_id"),
            ExpectCompoundColumnsToBeUnique(
                column_list=["left_id", "right_id"], description="an unlisted pair stands once"
            ),
            _in_set("split", ["train", "val"], "unlisted pairs are of train and val"),
            _within("weight", 1, None, "an unlisted pair stands for itself, if not for more"),
        ],
        "unlisted.songs": [
            _in_set("listed", [False], "no row lists an unlisted pair"),
            _in_set("observed", [True], "both songs have a list or stand in a listed pair"),
            _in_set("has_list", [True], "one song has a list"),
            _in_set("in_part", [True], "both songs are of folds of the split"),
        ],
        "unlisted.number": [
            _in_set("as_asked", [True], "pairs.unlisted_ratio of them for each listed pair, or all there are")
        ],
    }


def disjoint_suites() -> Suites:
    """Expect no song, no text and no group of covers in pairs, listed or unlisted, of two splits."""
    return {
        "pairs.members": [_unique("song_id", "train, val and test share no song")],
        "pairs.texts": [_unique("text_id", "train, val and test share no text")],
        "pairs.groups": [_unique("group_id", "train, val and test share no group of covers")],
    }


def small_suites() -> Suites:
    """Expect val and test to tell models apart; warnings, since figures on few pairs are no fault."""
    expectations = [
        _within("n_pairs", MIN_PAIRS, None, f"val and test have {MIN_PAIRS} listed pairs or more"),
        _within("n_grades", 2, None, "listed pairs of val and of test have two grades or more"),
    ]
    return _warnings({"pairs.splits": expectations})


def repeat_suites() -> Suites:
    """Expect no unordered pair twice or in two splits; warnings, since each pair is used once at most."""
    promises = {"n_rows": "a pair is listed once", "n_parts": "train, val and test share no pair"}
    return _warnings({"rows.pairs": [_in_set(name, [1], promise) for name, promise in promises.items()]})


def _warnings(suites: Suites) -> Suites:
    """Return the suites, of which a failure does not stop the pipeline."""
    for expectation in itertools.chain(*suites.values()):
        expectation.severity = FailureSeverity.WARNING
    return suites


def _not_null(*columns: str) -> list[Expectation]:
    return [ExpectColumnValuesToNotBeNull(column=name, description=f"{name} is given") for name in columns]


def _row_count_within(bounds: Range, name: str) -> Expectation:
    low, high = (None if bound is None else int(bound) for bound in bounds)
    promise = f"their number is within {name}: {json.dumps([low, high])}"
    return ExpectTableRowCountToBeBetween(min_value=low, max_value=high, description=promise)


def _within(column: str, low: float, high: float | None, promise: str) -> Expectation:
    return ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, description=promise)


def _in_set(column: str, values: list[Any], promise: str) -> Expectation:
    return ExpectColumnValuesToBeInSet(column=column, value_set=values, description=promise)


def _unique(column: str, promise: str) -> Expectation:
    return ExpectColumnValuesToBeUnique(column=column, description=promise)


def _above(greater: str, lesser: str, promise: str, or_equal: bool = False) -> Expectation:
    return ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=greater,
        column_B=lesser,
        or_equal=or_equal,
        ignore_row_if="either_value_is_missing",
        description=promise,
    )
