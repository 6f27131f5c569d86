"""Count in SQL what Great Expectations would count in a table, for tables too large to be read as a whole.

Input: a table of an engine, and expectations. Output: for each the deciding number and its allowed range,
which Great Expectations then checks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from neuralist.engine.protocol import Engine

# To Python more characters are white space than to regular expressions of SQL.
_REGEX = {r"\S": r"[^\s\v\x1c-\x1f\x85\pZ]"}


class ExpectationCount(NamedTuple):
    """The number that decides an expectation, and its allowed range.

    Attributes:
        value: the number of offending rows, or the count or mean of the table; None for a mean of no rows.
        low: minimum; None for no bound.
        high: maximum; None for no bound.
        by_row: whether the value counts offending rows.
    """

    value: float | None
    low: float | None
    high: float | None
    by_row: bool


def _outside(kwargs: Mapping[str, Any]) -> str:
    bounds = ((kwargs["min_value"], "<"), (kwargs.get("max_value"), ">"))
    return " OR ".join(f'"{kwargs["column"]}" {sign} {bound}' for bound, sign in bounds if bound is not None)


def _not_above(kwargs: Mapping[str, Any]) -> str:
    sign = "<" if kwargs.get("or_equal") else "<="
    return f'"{kwargs["column_A"]}" {sign} "{kwargs["column_B"]}"'


def _no_match(kwargs: Mapping[str, Any]) -> str:
    regex = _REGEX.get(kwargs["regex"], kwargs["regex"])
    return f"""NOT regexp_like("{kwargs["column"]}", '{regex}')"""


def _not_in_set(kwargs: Mapping[str, Any]) -> str:
    literals = ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in kwargs["value_set"])
    return f'"{kwargs["column"]}" NOT IN ({literals})'


# Conditions that offending rows meet. Null values offend only the first, as in Great Expectations.
_CONDITIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_column_values_to_not_be_null": lambda kwargs: f'"{kwargs["column"]}" IS NULL',
    "expect_column_values_to_be_between": _outside,
    "expect_column_values_to_be_in_set": _not_in_set,
    "expect_column_values_to_match_regex": _no_match,
    "expect_column_pair_values_a_to_be_greater_than_b": _not_above,
}
# Aggregates of the whole table, whose bounds are among the arguments.
_AGGREGATES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_table_row_count_to_be_between": lambda _: "count(*)",
    "expect_column_unique_value_count_to_be_between": lambda kwargs: f'count(DISTINCT "{kwargs["column"]}")',
    "expect_column_mean_to_be_between": lambda kwargs: f'avg("{kwargs["column"]}")',
}
# Repeated rows, grouped only where their hash repeats.
_REPEATED = """
    WITH hashes AS (
        SELECT hash({columns}) AS row_hash FROM {table} WHERE NOT ({missing}) GROUP BY 1 HAVING count(*) > 1)
    SELECT {columns}, count(*) AS n_rows FROM {table}
    WHERE hash({columns}) IN (SELECT row_hash FROM hashes) AND NOT ({missing})
    GROUP BY {columns} HAVING count(*) > 1"""


def count(engine: Engine, table: str, calls: Sequence[ExpectationConfiguration]) -> list[ExpectationCount]:
    """Return the deciding number of each expectation; one query for all but those that compare rows.

    Raises:
        ValueError: an expectation is of a kind that cannot be counted here.
    """
    aggregates = [_aggregate(call) for call in calls]
    query = ", ".join(f"{sql} AS n_{at}" for at, sql in enumerate(aggregates) if sql is not None)
    numbers = engine.records(f"SELECT {query} FROM {table}")[0] if query else {}
    counts = []
    for at, call in enumerate(calls):
        if aggregates[at] is not None:
            value = numbers[f"n_{at}"]
        else:
            repeated = _repeated(table, _columns(call))
            value = engine.scalar(f"SELECT coalesce(sum(n_rows), 0) FROM ({repeated})")
        by_row = call.type not in _AGGREGATES
        low, high = (0, 0) if by_row else (call.kwargs.get("min_value"), call.kwargs.get("max_value"))
        counts.append(ExpectationCount(value, low, high, by_row))
    return counts


def examples(engine: Engine, table: str, call: ExpectationConfiguration, limit: int) -> pd.DataFrame:
    """Return the first `limit` offending rows."""
    if call.type in _CONDITIONS:
        offending = _CONDITIONS[call.type](call.kwargs)
    else:
        columns = _columns(call)
        equal = " AND ".join(f'repeated."{name}" IS NOT DISTINCT FROM ordered."{name}"' for name in columns)
        offending = f"EXISTS (SELECT 1 FROM ({_repeated(table, columns)}) repeated WHERE {equal})"
    return engine.frame(
        f"SELECT * FROM (SELECT *, {engine.row_order} AS row_order FROM {table}) ordered "
        f"WHERE {offending} ORDER BY row_order LIMIT {limit}"
    ).drop(columns="row_order")


def _aggregate(call: ExpectationConfiguration) -> str | None:
    """Return the SQL aggregate for an expectation; None where rows must be compared with each other."""
    if call.type in _CONDITIONS:
        return f"count(*) FILTER (WHERE {_CONDITIONS[call.type](call.kwargs)})"
    if call.type in _AGGREGATES:
        return _AGGREGATES[call.type](call.kwargs)
    if call.type in ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"):
        return None
    raise ValueError(f"{call.type} is not counted in SQL; known are {sorted([*_CONDITIONS, *_AGGREGATES])}")


def _columns(call: ExpectationConfiguration) -> list[str]:
    return call.kwargs.get("column_list") or [call.kwargs["column"]]


def _repeated(table: str, columns: list[str]) -> str:
    missing = " AND ".join(f'"{name}" IS NULL' for name in columns)
    return _REPEATED.format(table=table, columns=_quoted(columns), missing=missing)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
