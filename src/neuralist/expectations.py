"""What the tables songs, rows, pairs and unlisted promise, as Great Expectations suites, and their check.

In: the tables of these names of `neuralist.tables`. Out: a `validation.Report`.
Lyrics never reach the report: a song whose lyrics are at fault is shown by its song_id.
"""

# pyright: reportPrivateImportUsage=false
# (Great Expectations documents this import path, and re-exports by it, without an __all__.)

import json
import math
from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
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
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from neuralist import checked as derivation
from neuralist import counted, engine
from neuralist.checked import Checked
from neuralist.engine import Engine
from neuralist.params import Expected, Pairs, Range
from neuralist.settings import Protocol
from neuralist.validation import Outcome, Report, Verdict, count

MAX_EXAMPLES = 5
MOST_ROWS = 1_000_000  # of a table that Great Expectations reads itself
PARTS = ["train", "val", "test"]

# What names a row among the examples; a derived table's row is shown whole.
KEYS = {"songs": ["song_id"], **{name: ["left_id", "right_id"] for name in ("rows", "pairs", "unlisted")}}

Suites = dict[str, list[Expectation]]


def validate(
    checked: Checked,
    expected: Expected,
    protocol: Protocol,
    choices: Pairs,
    *,
    most_rows: int = MOST_ROWS,
) -> Report:
    """Check what the tables promise.

    Args:
        checked: the tables.
        expected: the ranges that this corpus's counts must stay in.
        protocol: under `given` the user's split may repeat pairs, and share songs: warnings, no failures.
        choices: how the pairs were made.
        most_rows: see `check`.
    """
    shared = FailureSeverity.WARNING if protocol == "given" else FailureSeverity.CRITICAL
    suites = {
        **songs_suites(expected),
        **rows_suites(expected),
        **pairs_suites(expected),
        **unlisted_suites(),
        **disjoint_suites(shared),
        **(repeat_suites() if protocol == "given" else {}),
    }
    with engine.connect() as database:
        derivation.derive(database, checked, choices, given=protocol == "given", wanted=suites)
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


def check(suites: Suites, database: Engine, *, most_rows: int = MOST_ROWS) -> list[Outcome]:
    """Run suites by Great Expectations on pandas, in memory: nothing is written, nothing is printed.

    Args:
        suites: expectations by table, each with a `description` of its own, which is the promise in words.
        database: holds the tables, by `checked.name`.
        most_rows: a larger table is counted in SQL, and Great Expectations judges the counts.

    Returns:
        One outcome an expectation, in the order of `suites`.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("neuralist").add_dataframe_asset("table")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    outcomes: list[Outcome] = []
    for table, expectations in suites.items():
        held = derivation.name(table)
        if database.number(f"SELECT count(*) FROM {held}") > most_rows:
            outcomes += _counted(database, table, expectations, whole)
        else:
            frame = database.frame(f"SELECT * FROM {held}")
            found = _judged(whole, frame, table, expectations)
            outcomes += [_outcome(table, frame, result) for result in found]
    return outcomes


def _judged(
    whole: BatchDefinition, frame: pd.DataFrame, table: str, expectations: list[Expectation]
) -> list[ExpectationValidationResult]:
    """Great Expectations' results, in the order of the suite: it returns broken ones first."""
    validated = whole.get_batch({"dataframe": frame}).validate(
        gx.ExpectationSuite(name=table, expectations=expectations),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": MAX_EXAMPLES},
    )
    order = [expectation.description for expectation in expectations]
    return sorted(validated.results, key=lambda result: order.index(_config(table, result).description))


def _counted(
    database: Engine, table: str, expectations: list[Expectation], whole: BatchDefinition
) -> list[Outcome]:
    """Judge a table by counts: a column for each expectation, of one row, which must stay in a range."""
    held = derivation.name(table)
    asked = [counted.Asked(one.configuration.type, one.configuration.kwargs) for one in expectations]
    found = counted.count(database, held, asked)
    numbers = pd.DataFrame({f"n_{at}": [one.value] for at, one in enumerate(found)}, dtype="float64")
    suite = [
        ExpectColumnValuesToBeBetween(column=f"n_{at}", min_value=one.low, max_value=one.high,
                                      description=expectation.description, severity=expectation.severity)
        for at, (expectation, one) in enumerate(zip(expectations, found, strict=True))
    ]  # fmt: skip
    results = _judged(whole, numbers, table, suite)
    outcomes = []
    for expectation, one, of_one, result in zip(expectations, asked, found, results, strict=True):
        columns = _columns(one.values)
        shown = _shown(database.columns(held), table, columns)
        examples = []
        if of_one.by_row and of_one.value:
            frame = counted.examples(database, held, one, shown, MAX_EXAMPLES)
            examples = _examples(frame)
        outcomes.append(
            Outcome(
                table=table,
                expectation=one.kind,
                column=", ".join(columns),
                promise=expectation.description or "",
                verdict=_verdict(result, _config(table, result).severity),
                unexpected=int(of_one.value or 0) if of_one.by_row else None,
                observed=None if of_one.by_row else _plain(of_one.value),
                examples=examples,
            )
        )
    return outcomes


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


def _config(table: str, result: ExpectationValidationResult) -> ExpectationConfiguration:
    if result.expectation_config is None:
        raise ValueError(f"{table}: Great Expectations returned a result without its expectation: {result}")
    return result.expectation_config


def _columns(values: Mapping[str, Any]) -> list[str]:
    return values.get("column_list") or [
        values[key] for key in ("column", "column_A", "column_B") if key in values
    ]


def _verdict(result: ExpectationValidationResult, severity: object) -> Verdict:
    allowed: Verdict = "warning" if severity == FailureSeverity.WARNING else "failed"
    return "passed" if result.success else allowed


def _outcome(table: str, frame: pd.DataFrame, result: ExpectationValidationResult) -> Outcome:
    config = _config(table, result)
    columns = _columns(config.kwargs)
    error = _error(result.exception_info)
    if error is not None:
        # The error may quote a value, and lyrics are not to be quoted.
        verdict: Verdict = "broken"
        examples = ["error withheld" if "lyrics" in columns else error]
    else:
        verdict = _verdict(result, config.severity)
        positions = result.result.get("partial_unexpected_index_list") or []
        examples = _examples(frame.loc[positions, _shown(list(frame.columns), table, columns)])
    return Outcome(
        table=table,
        expectation=config.type,
        column=", ".join(columns),
        promise=config.description or "",
        verdict=verdict,
        unexpected=result.result.get("unexpected_count"),
        observed=_plain(result.result.get("observed_value")),
        examples=examples,
    )


def _plain(observed: float | None) -> int | float | None:
    if observed is None or math.isnan(observed):
        return None
    return int(observed) if float(observed).is_integer() else round(float(observed), 6)


def _error(exception_info: Mapping[str, Any]) -> str | None:
    # One record for an expectation, or one for each of its metrics that raised.
    records = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = [str(record["exception_message"]) for record in records if record["raised_exception"]]
    return " ".join(messages[0].split())[:200] if messages else None


def _shown(held: list[str], table: str, columns: list[str]) -> list[str]:
    """What is shown of an offending row: its keys, or all of a derived table, and what is at fault in it."""
    return [name for name in dict.fromkeys([*KEYS.get(table, held), *columns]) if name != "lyrics"]


def _examples(offending: pd.DataFrame) -> list[str]:
    """Offending rows as "column=value".

    Great Expectations would name them itself, but by a loop that takes 200 s where a million rows fail.
    """
    rows = offending.to_dict("records")
    named = [
        ", ".join(f"{column}={float('nan') if pd.isna(value) else value}" for column, value in row.items())
        for row in rows
    ]
    return list(dict.fromkeys(named))
