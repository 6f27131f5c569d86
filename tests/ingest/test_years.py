"""A year is read from numbers, dates and words that name one, and from nothing else."""

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.ingest.sources import years

NEXT_YEAR = datetime.now(UTC).year + 1


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (2011, 2011), (2011.0, 2011), ("2011.0", 2011), (" 1999 ", 1999), ("2.011e3", 2011),
        ("２０１１", 2011),
        ("2011-05-03", 2011), ("05/03/2011", 2011), ("03.05.2011", 2011), ("3 May 2011", 2011),
        ("Tue, 03 May 2011 10:00:00 GMT", 2011), ("2011-05-03T10:20:30.123456+0000", 2011),
        ("2011年5月3日", 2011), ("20110503", 2011), ("c. 1999", 1999), ("ca.1999", 1999),
        ("circa 1999", 1999),
        ("1999?", 1999), ("(1999)", 1999), ("1000", 1000), (NEXT_YEAR, NEXT_YEAR),
    ],
)  # fmt: skip
def test_a_number_date_or_words_with_one_year_have_it(value: object, year: int) -> None:
    assert years.read(value) == year


@pytest.mark.parametrize(
    "value",
    [
        "999", NEXT_YEAR + 1, -1999, "12/6/13", "1990s", "1999-2001", "2011.5", "1_999", "555-1234",
        "rubbish",
        "1304380800", "inf",
        "1e400", "20111399", True, [1999, 2000], 10**30, "c. 0900",
    ],
)  # fmt: skip
def test_rubbish_and_years_out_of_range_are_no_year_yet_given(value: object) -> None:
    assert years.read(value) is None
    assert not years.is_absent(value)


@pytest.mark.parametrize("value", [None, "", " ", 0, "0", 0.0, "nan", float("nan"), "NULL", "N/A"])
def test_an_absent_year_is_none_and_not_counted(value: object) -> None:
    assert years.read(value) is None
    assert years.is_absent(value)


DATES = st.dates(date(1000, 1, 1), date(NEXT_YEAR, 12, 31))
FORMS = st.sampled_from(
    ["%Y-%m-%d", "%d/%m/%Y", "%m/%Y", "%d.%m.%Y", "%d %B %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S", "c. %Y?"]
)


@given(DATES, FORMS, st.sampled_from(["{}", " {} ", "({})"]))
def test_every_form_of_a_date_gives_its_year(day: date, form: str, around: str) -> None:
    written = day.strftime(form.replace("%Y", f"{day.year:04}"))
    around = "{}" if form == "%Y%m%d" else around
    assert years.read(around.format(written)) == day.year


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_any_value_is_a_year_in_range_or_none(value: object) -> None:
    year = years.read(value)
    assert year is None or 1000 <= year <= NEXT_YEAR


@pytest.mark.parametrize("filler", ["a", "9", " 1", "12:", ":"])
def test_megabytes_in_place_of_a_year_are_none_and_take_no_time(filler: str) -> None:
    began = time.process_time()
    assert years.read("1999 " + filler * 10_000_000) is None
    assert time.process_time() - began < 1
    assert years.read(" " * 10_000 + "1999") == 1999
