"""`compare --explain`: what a similarity rests on, on a model known by hand (tests.tenths)."""

import math
from pathlib import Path

import pytest
from tests import tenths
from tests.commands import answer, refusal, run

A, B = "a song of\nfour\nseven seven", "a tale\nof six"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tenths.write(tmp_path_factory.mktemp("explained") / "served"))


def test_json_holds_every_line_and_word_of_both_texts(model: str) -> None:
    """A text is where its last word is: A at 0.7, without its last line at 0.4; B at 0.6."""
    explanation = answer("compare", A, B, "--explain", "--model", model)["explanation"]

    similarity = math.exp(-0.1)
    falls = round(similarity - math.exp(-0.2), 6)
    parts = [tuple(part.values()) for part in explanation["parts"] if part["unit"] == "line"]
    assert explanation["similarity"] == pytest.approx(similarity, abs=1e-6)
    assert parts == [
        ("a", "line", 3, "seven seven", 1, True, pytest.approx(falls, abs=2e-6)),
        ("a", "line", 1, "a song of", 1, True, 0.0),
        ("a", "line", 2, "four", 1, True, 0.0),
        ("b", "line", 1, "a tale", 1, True, 0.0),
        ("b", "line", 2, "of six", 1, True, None),  # no word that the model knows would be left
    ]
    of_words = {
        (part["text"], part["part"]): part["times"] for part in explanation["parts"] if part["unit"] == "word"
    }
    assert of_words == dict.fromkeys([("a", word) for word in ("a", "song", "of", "four")], 1) | {
        ("a", "seven"): 2
    } | dict.fromkeys([("b", word) for word in ("a", "tale", "of", "six")], 1)
    assert explanation["notes"] == []


def test_without_explain_nothing_is_explained(model: str) -> None:
    assert "explanation" not in answer("compare", A, B, "--model", model)
    assert "contribution" not in run("compare", A, B, "--model", model).stdout


def test_what_contributes_is_shown_with_its_sign_and_the_caveat_once(model: str) -> None:
    printed = run("compare", "six seven\none\nfour\n", "three", "--explain", "--model", model).stdout

    rows = [line.split() for line in printed.splitlines()]
    # A is at 0.4, 0.1 from B; without "four" it is at 0.1, 0.2 from B.
    falls = f"{math.exp(-0.1) - math.exp(-0.2):+.4f}"
    assert rows.count(["A", falls, "four"]) == 2  # as a line and as a word
    assert printed.count("One part is left out at a time") == 1
    assert "B: it has one word that the model knows, and without it cannot be compared." in printed
    assert "line of A" not in printed  # the nearest lines are not shown beside it


def test_parts_against_the_similarity_come_last(model: str) -> None:
    printed = run("compare", "three\nfour\n", "three", "--explain", "--model", model).stdout

    rises = f"{math.exp(-0.1) - 1:+.4f}"
    assert [line.split() for line in printed.splitlines()].count(["A", rises, "four"]) == 2


def test_a_text_whose_parts_change_nothing_is_named(model: str) -> None:
    """Zero is where unknown words are: without moor A stays at 0, without zero it cannot be compared."""
    printed = run("compare", "zero\nmoor", "one", "--explain", "--model", model).stdout

    assert "A: no line or word by itself changes the similarity by 0.0001." in printed
    assert "B: it has one word that the model knows, and without it cannot be compared." in printed
    assert "+0" not in printed
    assert "-0" not in printed


def test_characters_that_act_on_a_terminal_are_marked_in_lines_and_words(model: str) -> None:
    text = "\x1b[31mone \u202eone\u202c\n[bold]two[/] :smile:\nseven"
    printed = run("compare", "--text", text, "one", "--explain", "--model", model).stdout

    assert not {"\x1b", "\u202e", "\u202c"} & set(printed)
    shown = answer("compare", "--text", text, "one", "--explain", "--model", model)["explanation"]["parts"]
    assert {"[bold]two[/] :smile:", "seven"} <= {part["part"] for part in shown}


def test_a_long_word_is_cut_on_the_terminal_alone(model: str) -> None:
    word = "seven" * 50
    texts = f"{word}\nseven", "six"
    printed = run("compare", *texts, "--explain", "--model", model, env={"COLUMNS": "300"}).stdout
    parts = answer("compare", *texts, "--explain", "--model", model)["explanation"]["parts"]

    assert word not in printed
    assert word in {part["part"] for part in parts}


def test_files_and_stdin_are_explained(model: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    parts = answer("compare", str(tmp_path / "one.txt"), "-", "--explain", "--model", model, input="two\n")[
        "explanation"
    ]["parts"]
    assert [part["part"] for part in parts if part["text"] == "a" and part["unit"] == "line"] == [
        "two",
        "one",
    ]


def test_what_cannot_be_compared_is_not_explained(model: str) -> None:
    assert refusal("compare", "one", "...", "--explain", "--model", model).startswith("B: received a text")
    assert refusal("compare", "moor", "one", "--explain", "--model", model).startswith("A: received a text")
