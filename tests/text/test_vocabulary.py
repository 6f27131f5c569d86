"""Texts become words, and words become ids, in ways worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text.tokenizer import TokenWindowing, characters, word_lines, words
from neuralist.text.vocabulary import PADDING, UNKNOWN, Vocabulary

MOSS, STONE = 2, 3  # after padding and <unk>
VOCABULARY = Vocabulary(["moss", "stone"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Green Moss, green stone!", ["green", "moss", "green", "stone"]),
        ("don’t DON'T don`t", ["don't"] * 3),
        ("'quoted' rock'n'roll", ["quoted", "rock'n'roll"]),
        ("a''b 'tis rock'n' '' _x_ d'''e'f", ["a", "b", "tis", "rock'n", "x", "d", "e'f"]),
        ("24/7 at 8pm", ["24", "7", "at", "8pm"]),
        ("ﬁre ＦＵＬＬ Straße", ["fire", "full", "strasse"]),
        ("हिन्दी मौसम", ["हिन्दी", "मौसम"]),
        ("caf\u0065\u0301 café", ["café", "café"]),
        ("<b>moss</b>\x00\x1b 😀 --- ", ["b", "moss", "b"]),
        ("", []),
    ],
)
def test_a_text_splits_into_lower_case_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_of_words_are_the_same_words(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found


@given(st.text(st.sampled_from("aB1'_ -\t\n\x1f,")))
def test_ascii_splits_alike_with_other_characters_beside_it(text: str) -> None:
    assert words(f"{text} é") == [*words(text), "é"]


def test_words_of_each_line_and_lines_without_words_are_left_out() -> None:
    assert word_lines("Don't wait,\r\n(oh) 'wait'!\n\n...\u2028né") == [
        ["don't", "wait"],
        ["oh", "wait"],
        ["né"],
    ]
    assert word_lines("one\x0btwo\x1fthree") == [["one"], ["two", "three"]]  # 1F separates words, not lines
    assert word_lines("") == []


@given(st.text() | st.text(st.sampled_from("aB'’ ,\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029é\u0301")))
def test_lines_of_words_are_the_words_of_lines(text: str) -> None:
    assert word_lines(text) == [found for line in text.splitlines() if (found := words(line))]
    assert [word for line in word_lines(text) for word in line] == words(text)


def test_ids_are_those_of_words_in_order_and_start_at_two() -> None:
    windows = VOCABULARY.windows(["stone moss fern"], TokenWindowing("word", 3, "head"))
    assert windows.ids.tolist() == [[STONE, MOSS, UNKNOWN]]
    assert windows.ids.dtype == np.int32


def test_padding_and_the_unknown_word_count_among_a_vocabularys_tokens() -> None:
    assert len(VOCABULARY) == 4


def test_ids_of_short_texts_are_padded_on_the_right_and_of_long_ones_cut() -> None:
    ids = VOCABULARY.windows(["moss", "stone stone moss stone"], TokenWindowing("word", 3, "head")).ids
    assert ids.tolist() == [[MOSS, PADDING, PADDING], [STONE, STONE, MOSS]]


def test_a_text_splits_into_lower_case_characters() -> None:
    assert characters(" Ａb\n\t c’É ") == ["a", "b", " ", "c", "'", "é"]


@pytest.mark.parametrize(
    ("long_text", "pieces"),
    [
        ("head", [["a", "b", "c"]]),
        ("tail", [["e", "f", "g"]]),
        ("chunks", [["a", "b"], ["c", "d"], ["e", "f", "g"]]),
    ],
)
def test_of_a_long_text_head_tail_or_even_chunks_are_read(long_text: str, pieces: list[list[str]]) -> None:
    windowing = TokenWindowing("word", 3, long_text)
    assert windowing.windows(list("abcdefg")) == pieces
    assert windowing.windows(["a", "b"]) == [["a", "b"]]
    assert windowing.windows([]) == [[]]


@given(st.integers(0, 200), st.integers(1, 30))
def test_chunks_hold_every_token_once_in_order_and_differ_by_one_at_most(n: int, most: int) -> None:
    tokens = [str(number) for number in range(n)]
    chunks = TokenWindowing("word", most, "chunks").windows(tokens)
    assert [token for chunk in chunks for token in chunk] == tokens
    lengths = [len(chunk) for chunk in chunks]
    assert max(lengths) <= most
    assert max(lengths) - min(lengths) <= 1
    assert len(chunks) == max(1, -(-n // most))


def test_windows_of_several_texts_know_their_text() -> None:
    windows = VOCABULARY.windows(["moss stone fern", "stone", ""], TokenWindowing("word", 2, "chunks"))
    assert windows.ids.tolist() == [[MOSS, PADDING], [STONE, UNKNOWN], [STONE, PADDING], [PADDING, PADDING]]
    assert windows.starts.tolist() == [0, 2, 3, 4]
    assert windows.lengths.tolist() == [3, 1, 0]
    assert windows.n_truncated == 0


def test_of_a_long_text_the_first_max_tokens_alone_are_cut_into_windows() -> None:
    windowing = TokenWindowing("word", 5, "head", window=2)
    assert windowing.windows(list("abcdefg")) == [["a"], ["b", "c"], ["d", "e"]]


def test_texts_longer_than_max_tokens_are_counted_with_their_whole_length() -> None:
    windows = VOCABULARY.windows(
        ["moss moss moss moss moss moss", "moss moss"], TokenWindowing("word", 5, "head", window=2)
    )
    assert windows.starts.tolist() == [0, 3, 4]
    assert windows.lengths.tolist() == [6, 2]
    assert windows.n_truncated == 1


def test_distinct_tokens_of_some_texts_are_those_of_all_their_windows() -> None:
    windowing = TokenWindowing("word", 9, "head", window=3)
    texts = ["stone moss stone moss stone", "fern", "", "moss new fern moss"]
    windows = Vocabulary(["moss", "stone", "fern"]).windows(texts, windowing)
    fern = STONE + 1
    assert windows.distinct(np.array([3, 0, 2]), 5).tolist() == [
        [UNKNOWN, MOSS, fern],
        [MOSS, STONE, PADDING],
        [PADDING] * 3,
        [PADDING] * 3,
        [PADDING] * 3,
    ]


@given(st.lists(st.text("abcd ", max_size=12), min_size=1, max_size=6), st.integers(1, 4))
def test_distinct_tokens_are_a_set_of_every_text(texts: list[str], window: int) -> None:
    vocabulary = Vocabulary(["a", "b", "ab"])
    windows = vocabulary.windows(texts, TokenWindowing("word", 20, "head", window))
    found = windows.distinct(np.arange(len(texts)), len(texts))
    known = {"a": 2, "b": 3, "ab": 4}
    for text, row in zip(texts, found.tolist(), strict=True):
        ids = sorted({known.get(word, UNKNOWN) for word in words(text)})
        assert row == ids + [PADDING] * (found.shape[1] - len(ids))


def test_a_vocabulary_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["moss", "don't", "हिन्दी"])
    vocabulary.save(tmp_path / "vocabulary.txt")
    assert Vocabulary.load(tmp_path / "vocabulary.txt").words == vocabulary.words


def test_a_word_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="1 words occur twice"):
        Vocabulary(["moss", "moss"])


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"vocabulary\.txt"):
        Vocabulary.load(tmp_path / "vocabulary.txt")


def test_selected_texts_keep_their_windows_and_lengths_in_the_order_asked() -> None:
    windowing = TokenWindowing("word", max_tokens=4, long_text="head", window=2)
    texts = VOCABULARY.windows(["moss", "moss stone stone moss moss", "stone stone"], windowing)
    chosen = texts.select(np.array([1, 0, 1]))
    long = [[MOSS, STONE], [STONE, MOSS]]
    assert chosen.ids.tolist() == [*long, [MOSS, PADDING], *long]
    assert chosen.starts.tolist() == [0, 2, 3, 5]
    assert chosen.lengths.tolist() == [5, 1, 5]
