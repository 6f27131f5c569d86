"""What people say of a song beside its lyrics: every way to say it, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuralist.serving import facts
from neuralist.serving.facts import Facts


@pytest.mark.parametrize(
    ("year", "expected"),
    [(1990, 1990), (1990.0, 1990), ("1990", 1990), (np.int64(1000), 1000), (np.float64(4e2 * 5), 2000)],
)
def test_a_year_is_a_whole_number_in_any_type(year: Any, expected: int) -> None:
    assert facts.checked(year=year) == Facts(year=expected)


@pytest.mark.parametrize(
    "tags", ["Soul, 70s", "soul; 70S ", "soul | 70s|", ["soul", " 70s"], ("SOUL", "70s")]
)
def test_tags_are_a_text_or_a_list(tags: Any) -> None:
    assert facts.checked(tags=tags).tags == {"soul": 1.0, "70s": 1.0}


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, "", "  ", np.nan])
def test_null_nan_and_empty_texts_are_unknown(nothing: Any) -> None:
    assert facts.checked(nothing, nothing, nothing) == Facts()
    assert Facts().known == ()


def test_what_is_known_comes_in_order() -> None:
    assert facts.checked("Anna", 1990, "soul").known == ("artist", "year", "tags")
    assert facts.checked(tags="soul", year=1990).known == ("year", "tags")
    assert facts.checked(tags=" ,;").known == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"artist": 5}, "artist: received a number; give a name, or null"),
        ({"year": "1990s"}, "year: received '1990s'; give a whole number, or null"),
        ({"year": 1990.5}, "year: received 1990.5; give a whole number, or null"),
        ({"year": True}, "year: received a truth value; give a whole number, or null"),
        ({"year": float("inf")}, "year: received inf; give a whole number, or null"),
        ({"tags": 5}, "tags: received a number; give 'soul, 70s', a list of tags, or null"),
        ({"tags": {"soul": 1}}, "tags: received an object; give 'soul, 70s', a list of tags, or null"),
        ({"tags": ["soul", 5]}, "tags: received a number as a tag; give texts"),
        ({"tags": ["soul", None]}, "tags: received null as a tag; give texts"),
    ],
)
def test_other_types_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        facts.checked(**given)
    assert str(refused.value) == said


@pytest.mark.parametrize("year", [79, "79", -5, 0, 999, datetime.now(UTC).year + 2, 10**60])
def test_a_year_long_ago_or_to_come_is_refused(year: Any) -> None:
    with pytest.raises(
        ValueError, match=rf"year: received {str(year)[:100]}; give one from 1000 to [0-9]{{4}}"
    ):
        facts.checked(year=year)
    next_year = datetime.now(UTC).year + 1
    assert facts.checked(year=next_year).year == next_year


def test_many_texts_have_a_value_each() -> None:
    rows = facts.columns(2, None, pd.Series([1990, None]), ["soul", ["70s"]], single=False)
    assert rows == [Facts(year=1990, tags={"soul": 1.0}), Facts(tags={"70s": 1.0})]


@pytest.mark.parametrize(
    ("year", "said"),
    [
        (1990, "year: received a number for many texts; give a list, one value a text"),
        ([1990], "year: received 1 values for 2 texts; give one a text, or null"),
        ([1990, "x"], "row 2 of 2, column year: received 'x'; give a whole number, or null"),
    ],
)
def test_a_column_must_fit_the_texts(year: Any, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        facts.columns(2, None, year, None, single=False)
    assert str(refused.value) == said


def test_songs_of_unknown_artists_are_not_by_the_same_one() -> None:
    numbers, by_key = facts.artist_numbers(["The Dots", None, "dots feat. Anna", float("nan"), "Anna"])
    assert numbers[0] == numbers[2] == by_key["dots"]
    assert numbers[4] == by_key["anna"]
    assert len(set(numbers.tolist())) == 4
    assert (numbers < 0).tolist() == [False, True, False, True, False]
