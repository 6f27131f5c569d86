"""The year in what raw files give as one: a number, a date, or words."""

import math
import re
import unicodedata

from neuralist.data import years as possible

_ABSENT = {"", "0", "0.0", "0000", "nan", "none", "null", "n/a", "na", "<na>", "nat"}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?")
_LONGEST = 1_000  # characters; the patterns would take seconds for megabytes
_DAY = re.compile(r"([0-9]{4})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")  # 20110503
_TIME = re.compile(r"(?:\b|t)[0-9]{1,2}:[0-9]{2}\b.*$")
# Not within a word (1990s), but after an abbreviation of circa.
_FOUR_DIGITS = re.compile(r"(?:(?<![^\W_])|(?<=\bc)|(?<=\bca))[0-9]{4}(?![^\W_年년])")


def read(value: object) -> int | None:
    """Return the year of a number, date or words that name one year, from 1000 to next year; None where none.

    So 2011.0, 2011-05-03, 05/03/2011, 3 May 2011, 20110503, c. 1999 and 1999? have one; 1990s, 12/6/13 and
    1999-2001 do not.
    """
    text = str(value).strip()
    if len(text) > _LONGEST:
        return None
    text = unicodedata.normalize("NFKC", text).strip().lower()
    if _NUMBER.fullmatch(text) and not _DAY.fullmatch(text):
        number = float(text)
        years = {int(number)} if math.isfinite(number) and number.is_integer() else set()
    else:
        day = _DAY.fullmatch(text)
        words = day[1] if day else _TIME.sub("", text)
        years = {int(year) for year in _FOUR_DIGITS.findall(words)}
        if re.search("[0-9]{3}", _FOUR_DIGITS.sub("", words)):
            years = set()  # 555-1234
    is_one = len(years) == 1 and possible.FIRST <= min(years) <= possible.latest()
    return next(iter(years)) if is_one else None


def is_absent(value: object) -> bool:
    """Return whether a value says that no year is given, such as an empty field, 0 or nan."""
    return value is None or str(value).strip().lower() in _ABSENT
