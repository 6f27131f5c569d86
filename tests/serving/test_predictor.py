"""Pairs of texts in, similarities out; what is no text is refused by row and column."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import served

from neuralist.serving import predictor
from neuralist.serving.predictor import Predictor
from neuralist.text import tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(served.write(tmp_path_factory.mktemp("predictor") / "served"))


def test_pairs_get_the_answers_worked_out_by_hand(model: Predictor) -> None:
    answer = model.predict(["moss", "moss", "stone", "fern"], ["stone", "fern", "fern", "Fern!"])
    assert answer.to_dict("list") == {
        "similarity": [served.MOSS_STONE, served.MOSS_FERN, served.STONE_FERN, 1.0],  # 0.607, 0.472, 0.779
        "similar": [False, False, True, True],  # the threshold is 0.7
        "decile": [6, 4, 7, 9],
        "tokens_used_a": [1, 1, 1, 1],
        "tokens_used_b": [1, 1, 1, 1],
    }
    assert answer.dtypes.map(str).tolist() == ["float64", "bool", "int64", "int64", "int64"]


def test_tokens_used_counts_what_was_read(model: Predictor) -> None:
    # The third word decides: the fourth is cut off.
    answer = model.predict(["moss moss stone fern"], ["stone, moss"])
    assert (answer.tokens_used_a[0], answer.tokens_used_b[0]) == (3, 2)
    assert answer.similarity[0] == served.MOSS_STONE


def test_the_order_of_a_pair_does_not_matter_and_unknown_words_are_one(model: Predictor) -> None:
    answer = model.predict(["stone", "moss", "granite"], ["moss", "stone", "basalt"])
    assert answer.similarity.tolist() == [served.MOSS_STONE, served.MOSS_STONE, 1.0]


def test_a_similarity_at_the_threshold_is_similar(model: Predictor) -> None:
    at = Predictor(model.encoder, served.MOSS_STONE)
    above = Predictor(model.encoder, served.MOSS_STONE + 1e-6)
    assert [one.predict(["moss"], ["stone"]).similar[0] for one in (at, above)] == [True, False]


def test_more_pairs_than_a_chunk_keep_their_order(model: Predictor) -> None:
    n = predictor.CHUNK + 3
    left = ["moss", "stone", "fern"] * n
    answer = model.predict(left, ["moss"] * len(left))
    np.testing.assert_array_equal(answer.similarity, [1.0, served.MOSS_STONE, served.MOSS_FERN] * n)


def test_each_distinct_text_of_a_chunk_is_encoded_once(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    encode = model.encoder.encode_windows
    counted = lambda windows: sizes.append(len(windows.starts) - 1) or encode(windows)  # noqa: E731
    monkeypatch.setattr(model.encoder, "encode_windows", counted)
    model.predict(["moss", "moss", "stone"], ["stone", "moss", "fern"])
    assert sizes == [3]  # moss, stone, fern


def test_an_encoder_embeds_equal_texts_alike_and_counts_from_the_texts_given(model: Predictor) -> None:
    reading = model.encoder.read(["moss", "stone fern", "moss", "stone fern"])
    np.testing.assert_array_equal(reading.embeddings[:2], reading.embeddings[2:])
    assert reading.n_tokens.tolist() == [1, 2, 1, 2]
    with pytest.raises(ValueError, match="text 4 of 4 holds no word"):
        model.encoder.read(["moss", "moss", "moss", " "])


def test_memory_does_not_grow_with_the_number_of_pairs(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    read = model.encoder.read
    monkeypatch.setattr(model.encoder, "read", lambda texts: sizes.append(len(texts)) or read(texts))
    model.predict([f"moss {n}" for n in range(2_000)], [f"stone {n}" for n in range(2_000)])
    assert sum(sizes) == 4_000
    assert max(sizes) <= predictor.CHUNK


def test_no_pairs_give_no_rows(model: Predictor) -> None:
    assert model.predict([], []).shape == (0, 5)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "null; give a text"),
        (float("nan"), "null; give a text"),
        (5, "a number; give a text"),
        (np.float64(0.5), "a number; give a text"),
        (True, "a truth value; give a text"),
        (["moss"], "a list; give a text"),
        ({"text": "moss"}, "an object; give a text"),
        (b"moss", "a bytes; give a text"),
        ("", "an empty text; give the words of a song"),
        (" \n\t", "a text without any word; give the words of a song"),
        ("?! 😀 ´ ʼ", "a text without any word; give the words of a song"),
        ("x" * 100_001, "100,001 characters; a text may have 100,000"),
    ],
)
def test_what_is_no_text_with_words_is_refused(model: Predictor, value: object, what: str) -> None:
    with pytest.raises(ValueError) as refused:
        model.predict(["moss", "moss", "moss"], ["moss", value, "moss"])
    assert str(refused.value) == f"row 2 of 3, column lyrics_b: received {what}"


def test_a_text_of_exactly_the_limit_whose_only_word_comes_last_is_read(model: Predictor) -> None:
    answer = model.predict(["." * 99_996 + "fern"], ["fern"])
    assert (answer.similarity[0], answer.tokens_used_a[0]) == (1.0, 1)


def test_columns_of_different_lengths_are_refused(model: Predictor) -> None:
    with pytest.raises(ValueError, match="received 2 texts as lyrics_a and 1 as lyrics_b"):
        model.predict(["moss", "fern"], ["moss"])


@pytest.mark.parametrize(
    "text",
    [
        "<b>moss</b> & <script>alert(1)</script>",
        "moss\x00\x01\x1b[31m",
        "苔 и мох 🌿",
        "\ud800 moss",
        "ﷺ",
        "½",
    ],
)
def test_markup_control_characters_and_any_language_are_only_text(model: Predictor, text: str) -> None:
    assert model.predict([text], [text]).similarity[0] == 1.0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_a_text_is_refused_exactly_when_it_has_no_word(text: str) -> None:
    assert (predictor.fault(text) is None) == bool(tokenizer.words(text))


def test_a_folder_without_served_json_is_refused(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    (folder / "served.json").unlink()
    with pytest.raises(ValueError, match=r"served\.json: missing; run `dvc repro`"):
        Predictor.load(folder)
