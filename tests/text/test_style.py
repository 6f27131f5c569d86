"""Style features: by hand on a few lines, and for any text at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralist.text import style

SONG = """I don't see you,
You see me!

(Oh) I don't see you,
We wait?"""


def feature(text: str, name: str) -> float:
    """One feature of one text."""
    return float(style.features([text])[0, style.NAMES.index(name)])


def test_features_by_hand() -> None:
    # 14 words: i 2, don't 2, see 3, you 3, me, oh, we, wait; four lines that hold a word.
    expected = {
        "words, log": np.log(15),
        "type-token ratio": 8 / 14,
        "types per root of words": 8 / 14**0.5,
        "distinct lines": 1.0,
        "words a line, log": np.log(14 / 4 + 1),
        "letters a word": (1 + 5 + 3 + 3 + 3 + 3 + 2 + 2 + 1 + 5 + 3 + 3 + 2 + 4) / 14,
        "lines, log": np.log(5),
        "first person": 3 / 14,  # i, me, i
        "second person": 3 / 14,
        "third person": 0.0,
        "first person plural": 1 / 14,
        "rhyme": 0.0,  # you, me, you, wait
        "contractions": 2 / 14,
        "! a word": 1 / 14,
        "? a word": 1 / 14,
        "( a word": 1 / 14,
        ", a word": 2 / 14,
    }
    assert tuple(expected) == style.NAMES
    assert style.features([SONG])[0] == pytest.approx(list(expected.values()))


def test_a_repeated_line_counts_once_whatever_its_case_and_marks() -> None:
    assert feature("Hold on!\nhold on\nLet go", "distinct lines") == pytest.approx(2 / 3)


def test_neighbouring_lines_rhyme_by_their_last_two_characters() -> None:
    # light-night and night-bright rhyme, bright-stone does not.
    assert feature("A light\nno night\nso bright\na stone", "rhyme") == pytest.approx(2 / 3)
    assert feature("свет\n\nответ", "rhyme") == 1


@pytest.mark.parametrize("text", ["", " \n ", "?! ( ,"])
def test_a_text_without_words_has_zeros(text: str) -> None:
    assert not style.features([text]).any()


def test_one_word_and_no_text() -> None:
    assert feature("grey", "type-token ratio") == feature("grey", "distinct lines") == 1
    assert style.features([]).shape == (0, len(style.NAMES))


@given(st.lists(st.text(max_size=40), max_size=5).map("\n".join))
@settings(max_examples=100, deadline=None)
def test_any_text_has_finite_features_and_shares_in_range(text: str) -> None:
    found = style.features([text])[0]
    assert np.isfinite(found).all()
    assert found.min() >= 0
    for name in ("type-token ratio", "distinct lines", "rhyme", "contractions", *style.PRONOUNS):
        assert found[style.NAMES.index(name)] <= 1, name


def test_standardised_by_the_training_texts_and_clipped() -> None:
    texts = ["grey sea", "grey sea wall", "grey", "grey sea " * 5000]
    found = style.standardised(style.features(texts), np.array([0, 1, 2]))
    sizes = np.log([3, 4, 2, 10001])
    expected = (sizes - sizes[:3].mean()) / sizes[:3].std()
    column = style.NAMES.index("words, log")
    assert found[:, column] == pytest.approx([*expected[:3], 4])
    assert expected[3] > 4
    assert found[:3].mean(axis=0) == pytest.approx(np.zeros(len(style.NAMES)), abs=1e-12)
    assert not found[:, style.NAMES.index("rhyme")].any()  # constant in training


def test_what_languages_differ_by_is_named() -> None:
    told = {name for name, differs in zip(style.NAMES, style.BY_LANGUAGE, strict=True) if differs}
    # What a song has of its form (length, repetition, marks) is comparable.
    assert told == {
        *("first person", "second person", "third person", "first person plural"),
        *("contractions", "letters a word", "words a line, log", "rhyme"),
    }
