"""Columns are found by any spelling of their names, and other names are only suggested."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.ingest import columns

NAMES = ("id", "text", "left_id", "right_id", "similarity", "lyrics_a", "lyrics_b", "has_list")


@given(st.sampled_from(NAMES), st.data())
def test_any_case_and_separators_are_the_same_column(name: str, data: st.DataObject) -> None:
    separator = st.sampled_from(["", " ", "_", "-", ". "])
    letters = [data.draw(st.sampled_from([sign.lower(), sign.upper()])) for sign in name if sign != "_"]
    spelled = data.draw(separator).join(letters)
    spelled = data.draw(separator) + spelled + data.draw(separator)
    assert columns.canonical(spelled) == name
    assert columns.locate(["other", spelled], [name]) == {name: spelled}


@given(st.text())
def test_a_column_that_no_table_knows_keeps_its_name_in_lower_case(name: str) -> None:
    assert columns.canonical(name) in {name.strip().lower(), *NAMES, "lyrics"} | {
        *("artist", "title", "year", "tags", "language", "split")
    }


def test_in_a_header_another_spelling_gives_way_to_the_name_itself() -> None:
    assert columns.header(["_id", "ID", "Has List", "Mood"]) == ["_id", "id", "has_list", "mood"]


def test_of_two_spellings_the_exact_one_is_taken_and_else_neither() -> None:
    assert columns.locate(["Text", "text", "id"], ["id", "text"]) == {"id": "id", "text": "text"}
    with pytest.raises(ValueError, match=r"columns \['Text', 'TEXT'\] are one name in two spellings; rename"):
        columns.locate(["Text", "TEXT", "id"], ["id", "text"])


@pytest.mark.parametrize(
    ("names", "required", "guesses"),
    [
        (
            ["sentence1", "Sentence_2"],
            ["lyrics_a", "lyrics_b"],
            "'sentence1' to 'lyrics_a', 'Sentence_2' to 'lyrics_b'",
        ),
        (
            ["qid1", "right_id", "is_duplicate"],
            ["left_id", "similarity"],
            "'qid1' to 'left_id', 'is_duplicate' to 'similarity'",
        ),
        (["Song-ID", "LYRICS"], ["id", "text"], "'Song-ID' to 'id', 'LYRICS' to 'text'"),
    ],
)
def test_common_other_names_are_suggested(names: list[str], required: list[str], guesses: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"if they hold the same, rename {guesses}")):
        columns.locate(names, required)


def test_a_column_of_a_name_of_ones_own_is_found_in_any_case() -> None:
    assert columns.locate(["My Words", "n"], ["my words", "N"]) == {"my words": "My Words", "N": "n"}
    with pytest.raises(ValueError, match=re.escape("columns ['my words'] are missing; found ['n']") + "$"):
        columns.locate(["n"], ["my words"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[
            ("Genre", "tags"),
            ("tag", "tags"),
            ("yaer", "year"),
            ("Song Title", "title"),
            ("lang", "language"),
        ],
        *[("mood", None), ("", None), ("id", None), ("artist", None)],
    ],
)
def test_a_common_other_name_and_a_slip_of_typing_are_near_a_column(name: str, meant: str | None) -> None:
    assert columns.near(name, ["title", "year", "tags", "language", "has_list"]) == meant


@given(st.text())
def test_a_known_column_is_never_a_slip_of_typing_for_its_neighbour(name: str) -> None:
    assert columns.near("lyrics_b", ["lyrics_a"]) is None
    assert columns.near(name, []) is None


def test_of_many_or_long_names_a_message_lists_the_beginning() -> None:
    many = columns.missing([f"n{number}" for number in range(1_022)], ["text"])
    assert many == f"columns ['text'] are missing; found {[f'n{n}' for n in range(20)]} and 1,002 more"
    assert columns.missing(["a" * 61, "b" * 60], ["id"]) == (
        f"columns ['id'] are missing; found ['{'a' * 60}...', '{'b' * 60}']"
    )
