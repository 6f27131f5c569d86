"""What people may say of a song beside its lyrics: artist, year and tags, checked.

Input: values as they come from a command line, a request or Python. Output: `Facts`. A value that is null,
NaN or an empty text is unknown.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from neuralist.config.records import Fact
from neuralist.data import years
from neuralist.excerpts import excerpt
from neuralist.serving.lyrics import kind_of
from neuralist.text import names

# Ten times what Last.fm has. In memory a tag takes a hundred bytes more than its letters, and in a parquet
# file 10,000 queries may share a text.
MAX_NAME, MAX_TAGS_CHARACTERS, MAX_TAGS = 1_000, 10_000, 100
_SEPARATORS = re.compile(r"[,;|]")


@dataclass(frozen=True)
class Facts:
    """What is known of a query beside its lyrics.

    Attributes:
        artist: as it is spelled; None where unknown.
        year: None where unknown.
        tags: tag, case-folded, to its weight, above 0; empty where unknown.
        genre: of a song of the catalogue; None where only its tags tell it.
    """

    artist: str | None = None
    year: int | None = None
    tags: Mapping[str, float] = field(default_factory=dict)
    genre: str | None = None

    @property
    def known(self) -> tuple[Fact, ...]:
        """The facts that are known."""
        values: dict[Fact, bool] = {
            "artist": self.artist is not None,
            "year": self.year is not None,
            "tags": bool(self.tags),
        }
        return tuple(fact for fact, is_known in values.items() if is_known)


def checked(artist: Any = None, year: Any = None, tags: Any = None) -> Facts:
    """Return the facts of a query.

    Args:
        artist: a name.
        year: a whole number, or a text of digits, as tables of texts hold it.
        tags: a text of tags between commas, semicolons or bars; or a list of tags.

    Raises:
        ValueError: a value is of another type, or the year before 1000 or after next year.
    """
    artist, year, tags = (None if _is_unknown(value) else value for value in (artist, year, tags))
    if artist is not None and not isinstance(artist, str):
        raise ValueError(f"artist: received {kind_of(artist)}; give a name, or null")
    _check_length("artist", artist or "", MAX_NAME)
    return Facts(artist, None if year is None else _year(year), dict.fromkeys(_tags(tags), 1.0))


def columns(n: int, artist: Any, year: Any, tags: Any, *, single: bool) -> list[Facts]:
    """Return the facts of each query.

    Args:
        n: queries.
        artist: a value for a single query; else a column of n values, or None.
        year: likewise.
        tags: likewise.
        single: whether there is one query, and the values are its own.

    Raises:
        ValueError: a column is none or of another length, or a value is invalid; the message names its row.
    """
    if single:
        return [checked(artist, year, tags)]
    given = {"artist": artist, "year": year, "tags": tags}
    by_name = {name: _column(name, values, n) for name, values in given.items()}
    rows = []
    for number, row in enumerate(zip(*by_name.values(), strict=True), start=1):
        try:
            rows.append(checked(*row))
        except ValueError as error:
            raise ValueError(f"row {number:,} of {n:,}, column {error}") from None
    return rows


def _column(name: str, values: Any, n: int) -> list[Any]:
    if values is None:
        return [None] * n
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ValueError(f"{name}: received {kind_of(values)} for many texts; give a list, one value a text")
    column = list(values)
    if len(column) != n:
        raise ValueError(f"{name}: received {len(column):,} values for {n:,} texts; give one a text, or null")
    return column


def _is_unknown(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NA or value is pd.NaT or (np.isscalar(value) and bool(pd.isna(value)))


def _check_length(name: str, value: str, most: int) -> None:
    if len(value) > most:
        raise ValueError(f"{name}: received {len(value):,} characters; give at most {most:,}")


def _year(value: Any) -> int:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    is_whole = isinstance(value, int | np.integer) or (is_number and float(value).is_integer())
    if not (is_number and is_whole) and not (isinstance(value, str) and value.strip().isdecimal()):
        what = excerpt(repr(value)) if is_number or isinstance(value, str) else kind_of(value)
        raise ValueError(f"year: received {what}; give a whole number, or null")
    if isinstance(value, str):
        _check_length("year", value, MAX_NAME)  # Python makes no number of over 4,300 digits
    year = int(value)
    # By any other year every song would be far.
    first, latest = years.FIRST, years.latest()
    if not first <= year <= latest:
        raise ValueError(f"year: received {excerpt(str(year))}; give one from {first} to {latest}, or none")
    return year


def _tags(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        _check_length("tags", value, MAX_TAGS_CHARACTERS)
        value = _SEPARATORS.split(value)
    if isinstance(value, Mapping | bytes) or not isinstance(value, Iterable):
        raise ValueError(f"tags: received {kind_of(value)}; give 'soul, 70s', a list of tags, or null")
    tags = list(value)
    wrong = next((tag for tag in tags if not isinstance(tag, str)), None)
    if wrong is not None or None in tags:
        raise ValueError(f"tags: received {kind_of(wrong)} as a tag; give texts")
    if len(tags) > MAX_TAGS or sum(map(len, tags)) > MAX_TAGS_CHARACTERS:
        raise ValueError(
            f"tags: received over {MAX_TAGS:,}, or {MAX_TAGS_CHARACTERS:,} characters; give fewer"
        )
    return [" ".join(tag.split()).casefold() for tag in tags if tag.strip()]


def artist_numbers(artists: Sequence[Any]) -> tuple[np.ndarray, dict[str, int]]:
    """Return a number of each song's artist without guests, and the numbers by `names.without_guests`.

    Two songs of unknown artist are not by the same one: their numbers are below 0, and differ.
    """
    named = dict.fromkeys(artist for artist in artists if isinstance(artist, str))
    folded = {artist: names.without_guests(artist) for artist in named}
    by_key = {key: number for number, key in enumerate(dict.fromkeys(folded.values()))}
    numbers = [by_key[folded[artist]] if artist in folded else -1 - at for at, artist in enumerate(artists)]
    return np.array(numbers, dtype=np.int64), by_key
