"""Run suites with Great Expectations: on a table itself, or, where it is large, on counts made in SQL.

Input: suites and the tables of an engine. Output: `report.Outcome`, the same either way.
A song with faulty lyrics is shown by its song_id.
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
from neuralist.excerpts import excerpt
from neuralist.validation import derived_tables, sql_counts
from neuralist.validation.report import Example, Outcome, Verdict

MAX_EXAMPLES = 5
MAX_ROWS = 1_000_000  # of a table that Great Expectations reads itself

# Columns that identify a row in the examples; of other tables, which are narrow, all columns are shown.
KEYS = {
    "songs": ["song_id"],
    "rows": ["left_id", "right_id"],
    "pairs": ["left_id", "right_id"],
    "pairs.similarity": ["left_id", "right_id"],
    "unlisted": ["left_id", "right_id"],
    "unlisted.songs": ["left_id", "right_id"],
}
LYRICS = ("lyrics", "raw_lyrics")  # they belong to others, and never appear in an outcome

Suites = dict[str, list[Expectation]]


def check(suites: Suites, engine: Engine, *, max_rows: int = MAX_ROWS) -> list[Outcome]:
    """Run suites with Great Expectations in memory: nothing is written or printed.

    Args:
        suites: expectations by table; the `description` of each, unique in its suite, is the promise.
        engine: holds the tables, under `derived_tables.table_name`.
        max_rows: a larger table is counted in SQL, and Great Expectations checks the counts.

    Returns:
        An outcome for each expectation, in the order of `suites`.
    """
    whole = _batch_definition()
    outcomes: list[Outcome] = []
    for table, expectations in suites.items():
        table_name = derived_tables.table_name(table)
        if engine.scalar(f"SELECT count(*) FROM {table_name}") > max_rows:
            outcomes += _check_counts(engine, table, expectations, whole)
        else:
            frame = engine.frame(f"SELECT * FROM {table_name}")
            outcomes += _outcomes(whole, frame, table, expectations)
    return outcomes


def check_frame(frame: pd.DataFrame, table: str, expectations: list[Expectation]) -> list[Outcome]:
    """Run one suite on a table that is in memory; see `check`."""
    return _outcomes(_batch_definition(), frame, table, expectations)


def _batch_definition() -> BatchDefinition:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("neuralist").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


def _outcomes(
    whole: BatchDefinition, frame: pd.DataFrame, table: str, expectations: list[Expectation]
) -> list[Outcome]:
    return [_outcome(table, frame, result) for result in _run(whole, frame, table, expectations)]


def _run(
    whole: BatchDefinition, frame: pd.DataFrame, table: str, expectations: list[Expectation]
) -> list[ExpectationValidationResult]:
    """Run a suite; return results in its order, since Great Expectations returns broken ones first."""
    validated = whole.get_batch({"dataframe": frame}).validate(
        gx.ExpectationSuite(name=table, expectations=expectations),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": MAX_EXAMPLES},
    )
    order = [expectation.description for expectation in expectations]
    return sorted(validated.results, key=lambda result: order.index(_config(table, result).description))


def _check_counts(
    engine: Engine, table: str, expectations: list[Expectation], whole: BatchDefinition
) -> list[Outcome]:
    """Check a table by its counts: a frame of one row, with a column for each expectation and its range."""
    table_name = derived_tables.table_name(table)
    calls = [expectation.configuration for expectation in expectations]
    counts = sql_counts.count(engine, table_name, calls)
    values = {f"n_{at}": [count.value] for at, count in enumerate(counts)}
    suite: list[Expectation] = [
        ExpectColumnValuesToBeBetween(column=f"n_{at}", min_value=count.low, max_value=count.high,
                                      description=expectation.description, severity=expectation.severity)
        for at, (expectation, count) in enumerate(zip(expectations, counts, strict=True))
    ]  # fmt: skip
    results = _run(whole, pd.DataFrame(values, dtype="float64"), table, suite)
    return [
        Outcome(
            table=table,
            expectation=call.type,
            column=", ".join(_columns(call.kwargs)),
            promise=expectation.description or "",
            verdict=_verdict(result, expectation.severity),
            unexpected=int(count.value or 0) if count.by_row else None,
            observed=None if count.by_row else _rounded(count.value),
            examples=_examples(
                sql_counts.examples(engine, table_name, call, MAX_EXAMPLES), table, _columns(call.kwargs)
            )
            if count.by_row and count.value
            else [],
        )
        for expectation, call, count, result in zip(expectations, calls, counts, results, strict=True)
    ]


def _config(table: str, result: ExpectationValidationResult) -> ExpectationConfiguration:
    if result.expectation_config is None:
        raise ValueError(f"{table}: Great Expectations returned a result without its expectation: {result}")
    return result.expectation_config


def _columns(arguments: Mapping[str, Any]) -> list[str]:
    names = ("column", "column_A", "column_B")
    return arguments.get("column_list") or [arguments[name] for name in names if name in arguments]


def _verdict(result: ExpectationValidationResult, severity: object) -> Verdict:
    failure: Verdict = "warning" if severity == FailureSeverity.WARNING else "failed"
    return "passed" if result.success else failure


def _outcome(table: str, frame: pd.DataFrame, result: ExpectationValidationResult) -> Outcome:
    config = _config(table, result)
    columns = _columns(config.kwargs)
    error = _error(result.exception_info)
    if error is not None and not set(columns).isdisjoint(LYRICS):
        error = "error withheld"  # it may quote a value
    positions = result.result.get("partial_unexpected_index_list") or []
    return Outcome(
        table=table,
        expectation=config.type,
        column=", ".join(columns),
        promise=config.description or "",
        verdict=_verdict(result, config.severity) if error is None else "broken",
        unexpected=result.result.get("unexpected_count"),
        observed=_rounded(result.result.get("observed_value")),
        examples=_examples(frame.loc[positions], table, columns) if error is None else [],
        error=error,
    )


def _rounded(observed: float | None) -> int | float | None:
    if observed is None or math.isnan(observed):
        return None
    return int(observed) if float(observed).is_integer() else round(float(observed), 6)


def _error(exception_info: Mapping[str, Any]) -> str | None:
    # Either the record of the expectation, or a dict of a record for each of its metrics.
    records = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = [str(record["exception_message"]) for record in records if record["raised_exception"]]
    return " ".join(messages[0].split())[:200] if messages else None


def _examples(offending: pd.DataFrame, table: str, columns: list[str]) -> list[Example]:
    """Return offending rows, each once: the checked columns, and keys or all columns of a derived table.

    Great Expectations can do so itself, but in a loop that takes 200 s where a million rows fail.
    """
    shown = [name for name in dict.fromkeys([*KEYS.get(table, offending), *columns]) if name not in LYRICS]
    rows = [
        tuple((str(column), _text(value)) for column, value in row.items())
        for row in offending.filter(shown).to_dict("records")
    ]
    return [dict(row) for row in dict.fromkeys(rows)]


def _text(value: Any) -> str | None:
    """Return a value as text, cut; None for a missing one."""
    if pd.isna(value):
        return None
    # Where a value is missing, pandas holds a column of whole numbers as floats.
    is_whole = isinstance(value, float) and value.is_integer()
    return excerpt(str(int(value) if is_whole else value))
