"""What Great Expectations counts in a table, counted in SQL, for tables too large to be read whole.

Input: a table of an engine, and expectations by their names and arguments in Great Expectations. Output: for
each the number that decides and the range that it must stay in, which Great Expectations judges.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from neuralist.engine.protocol import Engine

# Python takes more characters for white space than regular expressions of SQL do.
_REGEX = {r"\S": r"[^\s\v\x1c-\x1f\x85\pZ]"}


class ExpectationCall(NamedTuple):
    """An expectation: its name in Great Expectations, and its arguments there."""

    kind: str
    values: Mapping[str, Any]


class Found(NamedTuple):
    """What decides an expectation.

    Attributes:
        value: the offending rows, or the count or mean.
        low: least value that is well; None without.
        high: largest value that is well; None without.
        by_row: whether rows are judged one by one.
    """

    value: float | None
    low: float | None
    high: float | None
    by_row: bool


def _outside(values: Mapping[str, Any]) -> str:
    bounds = ((values["min_value"], "<"), (values.get("max_value"), ">"))
    return " OR ".join(f'"{values["column"]}" {sign} {bound}' for bound, sign in bounds if bound is not None)


def _not_above(values: Mapping[str, Any]) -> str:
    sign = "<" if values.get("or_equal") else "<="
    return f'"{values["column_A"]}" {sign} "{values["column_B"]}"'


def _no_match(values: Mapping[str, Any]) -> str:
    regex = _REGEX.get(values["regex"], values["regex"])
    return f"""NOT regexp_like("{values["column"]}", '{regex}')"""


# Which rows offend. What is null offends nobody but the first, as in Great Expectations.
_ROWS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_column_values_to_not_be_null": lambda values: f'"{values["column"]}" IS NULL',
    "expect_column_values_to_be_between": _outside,
    "expect_column_values_to_be_in_set": lambda values: f'"{values["column"]}" NOT IN ({_listed(values)})',
    "expect_column_values_to_match_regex": _no_match,
    "expect_column_pair_values_a_to_be_greater_than_b": _not_above,
}
# Numbers of the whole table, with bounds among the arguments.
_WHOLE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_table_row_count_to_be_between": lambda _: "count(*)",
    "expect_column_unique_value_count_to_be_between": lambda values: f'count(DISTINCT "{values["column"]}")',
    "expect_column_mean_to_be_between": lambda values: f'avg("{values["column"]}")',
}
# Rows that stand twice: those whose hash does, looked at more closely.
_REPEATED = """
    WITH hashes AS (
        SELECT hash({columns}) AS place FROM {table} WHERE NOT ({missing}) GROUP BY place HAVING count(*) > 1)
    SELECT {columns}, count(*) AS n_rows FROM {table}
    WHERE hash({columns}) IN (SELECT place FROM hashes) AND NOT ({missing})
    GROUP BY {columns} HAVING count(*) > 1"""


def count(engine: Engine, table: str, asked: Sequence[ExpectationCall]) -> list[Found]:
    """Count what decides each expectation; all that hangs on single rows in one go.

    Raises:
        ValueError: an expectation is of a kind that is not counted.
    """
    wanted = [_number(one) for one in asked]
    query = ", ".join(f"{sql} AS n_{at}" for at, sql in enumerate(wanted) if sql is not None)
    numbers = engine.records(f"SELECT {query} FROM {table}")[0] if query else {}
    found = []
    for at, one in enumerate(asked):
        if one.kind in _WHOLE:
            low, high = one.values.get("min_value"), one.values.get("max_value")
            found.append(Found(numbers[f"n_{at}"], low, high, by_row=False))
        elif wanted[at] is not None:
            found.append(Found(numbers[f"n_{at}"], 0, 0, by_row=True))
        else:
            repeated = _repeated(table, _columns(one))
            total = engine.number(f"SELECT coalesce(sum(n_rows), 0) FROM ({repeated})")
            found.append(Found(total, 0, 0, by_row=True))
    return found


def examples(
    engine: Engine, table: str, asked: ExpectationCall, shown: Sequence[str], most: int
) -> pd.DataFrame:
    """The first `most` offending rows, columns `shown`."""
    if asked.kind in _ROWS:
        offending = _ROWS[asked.kind](asked.values)
    else:
        columns = _columns(asked)
        equal = " AND ".join(f'repeated."{name}" IS NOT DISTINCT FROM placed."{name}"' for name in columns)
        offending = f"EXISTS (SELECT 1 FROM ({_repeated(table, columns)}) repeated WHERE {equal})"
    return engine.frame(
        f"SELECT {_quoted(shown)} FROM (SELECT *, {engine.place} AS place FROM {table}) placed "
        f"WHERE {offending} ORDER BY place LIMIT {most}"
    )


def _number(asked: ExpectationCall) -> str | None:
    """The aggregate for an expectation; None where rows must be compared with each other."""
    if asked.kind in _ROWS:
        return f"count(*) FILTER (WHERE {_ROWS[asked.kind](asked.values)})"
    if asked.kind in _WHOLE:
        return _WHOLE[asked.kind](asked.values)
    if asked.kind in ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"):
        return None
    raise ValueError(f"{asked.kind} is not counted in SQL; known are {sorted([*_ROWS, *_WHOLE])}")


def _columns(asked: ExpectationCall) -> list[str]:
    return asked.values.get("column_list") or [asked.values["column"]]


def _repeated(table: str, columns: list[str]) -> str:
    missing = " AND ".join(f'"{name}" IS NULL' for name in columns)
    return _REPEATED.format(table=table, columns=_quoted(columns), missing=missing)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values["value_set"])
