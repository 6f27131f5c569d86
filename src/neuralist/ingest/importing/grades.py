"""Grades as people write them -> numbers, and the range that they run in."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from neuralist.excerpts import excerpt

MISSING = {"", "nan", "none", "null", "na", "n/a", "<na>", "nat", "-"}
TRUTH = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "y": 1.0, "n": 0.0, "t": 1.0, "f": 0.0}
NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"


class Grades(NamedTuple):
    """The grades of a column.

    Attributes:
        values: float64, NaN where none can be read.
        is_missing: where the field says that there is none.
        form: how they are written, in words, where they are no plain numbers.
    """

    values: pd.Series
    is_missing: pd.Series
    form: str


class Range(NamedTuple):
    """The lowest and the highest grade possible, and how that is known."""

    low: float
    high: float
    source: str


def read(fields: pd.Series) -> Grades:
    """Return the grades of fields: numbers with a decimal point or comma, or yes and no."""
    plain = fields.str.replace("\u00a0", " ").str.strip()
    lower = plain.str.casefold()
    is_missing = lower.isin(MISSING)
    words = lower[~is_missing]
    if len(words) and words.isin(TRUTH).all():
        return Grades(
            lower.map(TRUTH).astype("float64"), is_missing, "yes or true is read as 1, no or false as 0"
        )
    is_number = plain.str.fullmatch(NUMBER)
    has_comma = bool(plain[is_number].str.contains(",", regex=False).any())
    numbers = plain.where(is_number, "nan").str.replace(",", ".", regex=False).astype("float64")
    return Grades(
        numbers.where(numbers.abs() < math.inf),
        is_missing,
        "decimal commas are read as points" if has_comma else "",
    )


def parse_range(given: str) -> Range:
    """Return the range of a user's "0,5".

    Raises:
        ValueError: these are no two numbers, the lower first.
    """
    try:
        low, high = (float(end) for end in given.split(","))
    except ValueError:
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(
            f"--range: received {excerpt(repr(given))}; give the lowest and the highest grade, such as 0,5"
        )
    return Range(low, high, "by --range")


def observed_range(values: Iterable[float], name: str) -> Range:
    """Return the range of grades of an unknown scale: 0 to 1, or a usual scale whose ends were both seen.

    A usual scale begins at -1, 0 or 1 and ends at a whole number up to 10, or at 100. Grades from 0.4 to 4.8,
    or from 3 to 97, show that the ends of theirs are not among them. What these are would be a guess, and
    next month's file another one.

    Args:
        values: of the grades; at least one.
        name: of the file and the column, for the message.

    Raises:
        ValueError: the ends are those of no such scale, or equal.
    """
    seen = list(values)
    low, high = min(seen), max(seen)
    if low >= 0 and high <= 1:
        return Range(0, 1, "none lies outside")
    if low in (-1, 0, 1) and high in (*range(1, 11), 100) and low < high:
        return Range(low, high, "as seen in the file; if the scale goes on, give --range")
    shown = f"runs from {low:g} to {high:g}" if low < high else f"is {low:g} in every row"
    raise ValueError(
        f"{name} {shown}, which does not tell its scale; give the lowest and the highest grade possible, "
        "such as --range 0,5"
    )


def written(value: float) -> str:
    """Return a grade as it stands in pairs.csv."""
    return str(int(value)) if value.is_integer() else repr(value)
