"""Suites of expectations, judged by Great Expectations: on the table itself, or on what SQL counts in it.

In: suites and the tables of an engine. Out: `report.Outcome`, the same by either way.
Lyrics never reach an outcome: a song whose lyrics are at fault is shown by its song_id.
"""

# pyright: reportPrivateImportUsage=false
# (Great Expectations documents this import path, and re-exports by it, without an __all__.)

import math
from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations import ExpectColumnValuesToBeBetween
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from neuralist.engine.protocol import Engine
from neuralist.validation import derived_tables, sql_counts
from neuralist.validation.report import Outcome, Verdict

MAX_EXAMPLES = 5
MOST_ROWS = 1_000_000  # of a table that Great Expectations reads itself

# What names a row among the examples; a derived table's row is shown whole.
KEYS = {"songs": ["song_id"], **{name: ["left_id", "right_id"] for name in ("rows", "pairs", "unlisted")}}

Suites = dict[str, list[Expectation]]


def check(suites: Suites, database: Engine, *, most_rows: int = MOST_ROWS) -> list[Outcome]:
    """Run suites by Great Expectations on pandas, in memory: nothing is written, nothing is printed.

    Args:
        suites: expectations by table, each with a `description` of its own, which is the promise in words.
        database: holds the tables, by `derived_tables.name`.
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
        held = derived_tables.name(table)
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
    held = derived_tables.name(table)
    asked = [
        sql_counts.ExpectationCall(one.configuration.type, one.configuration.kwargs) for one in expectations
    ]
    found = sql_counts.count(database, held, asked)
    numbers = pd.DataFrame({f"n_{at}": [one.value] for at, one in enumerate(found)}, dtype="float64")
    suite: list[Expectation] = [
        ExpectColumnValuesToBeBetween(column=f"n_{at}", min_value=one.low, max_value=one.high,
                                      description=expectation.description, severity=expectation.severity)
        for at, (expectation, one) in enumerate(zip(expectations, found, strict=True))
    ]  # fmt: skip
    results = _judged(whole, numbers, table, suite)
    return [
        Outcome(
            table=table,
            expectation=one.kind,
            column=", ".join(_columns(one.values)),
            promise=expectation.description or "",
            verdict=_verdict(result, expectation.severity),
            unexpected=int(of_one.value or 0) if of_one.by_row else None,
            observed=None if of_one.by_row else _plain(of_one.value),
            examples=_counted_examples(database, table, one) if of_one.by_row and of_one.value else [],
        )
        for expectation, one, of_one, result in zip(expectations, asked, found, results, strict=True)
    ]


def _counted_examples(database: Engine, table: str, asked: sql_counts.ExpectationCall) -> list[str]:
    held = derived_tables.name(table)
    shown = _shown(database.columns(held), table, _columns(asked.values))
    return _examples(sql_counts.examples(database, held, asked, shown, MAX_EXAMPLES))


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
