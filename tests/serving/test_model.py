"""Texts in, similarities, embeddings and nearest songs out; what is no text is refused by row and column."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import made_records, served

from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.serving import lyrics
from neuralist.serving import model as module
from neuralist.serving.model import Model
from neuralist.text import cleaning, tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model.load(served.write(tmp_path_factory.mktemp("model") / "served"))


def test_pairs_get_the_answers_worked_out_by_hand(model: Model) -> None:
    answer = model.predict(["moss", "moss", "stone", "fern"], ["stone", "fern", "fern", "Fern!"])
    assert answer.to_dict("list") == {
        "similarity": [served.MOSS_STONE, served.MOSS_FERN, served.STONE_FERN, 1.0],  # 0.607, 0.472, 0.779
        "similar": [False, False, True, True],  # the threshold is 0.7
        "decile": [6, 4, 7, 9],
        "tokens_used_a": [1, 1, 1, 1],
        "tokens_used_b": [1, 1, 1, 1],
        "known_a": [1.0, 1.0, 1.0, 1.0],
        "known_b": [1.0, 1.0, 1.0, 1.0],
        "error": [None, None, None, None],
    }
    types = ["float64", "boolean", "Int64", "int64", "int64", "float64", "float64", "object"]
    assert answer.dtypes.map(str).tolist() == types


def test_tokens_used_counts_what_was_read(model: Model) -> None:
    # The third word decides: the fourth is cut off.
    answer = model.predict(["moss moss stone fern"], ["stone, moss"])
    assert (answer.tokens_used_a[0], answer.tokens_used_b[0]) == (3, 2)
    assert answer.similarity[0] == served.MOSS_STONE


def test_the_order_of_a_pair_does_not_matter(model: Model) -> None:
    answer = model.predict(["stone", "moss"], ["moss", "stone"])
    assert answer.similarity.tolist() == [served.MOSS_STONE, served.MOSS_STONE]


def test_the_share_of_known_words_is_of_the_tokens_read(model: Model) -> None:
    # Three tokens are read; the fourth is cut off.
    answer = model.predict(["granite moss basalt fern"], ["moss basalt"])
    assert (answer.known_a[0], answer.known_b[0]) == (0.333333, 0.5)


def test_a_pair_with_a_text_of_no_known_word_gets_nulls_and_the_reason(model: Model) -> None:
    left = pd.Series(["granite", "moss", "granite", "fern"], index=[7, 8, 9, 7])
    answer = model.predict(left, ["basalt", "granite", "moss", "fern"])
    assert answer.index.tolist() == [7, 8, 9, 7]
    assert answer.similarity.isna().tolist() == [True, True, True, False]
    assert answer.similar.isna().tolist() == answer.decile.isna().tolist() == [True, True, True, False]
    assert answer.known_a.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert answer.error.tolist() == [
        _no_known("lyrics_a"),
        _no_known("lyrics_b"),
        _no_known("lyrics_a"),
        None,
    ]


def _no_known(name: str) -> str:
    fault = "a text of which the model knows no word; give lyrics in a language whose words it knows"
    return f"column {name}: received {fault}"


@pytest.mark.parametrize(
    "use",
    [
        lambda model, texts: model.encode(texts),
        lambda model, texts: model.recommend(texts),
        lambda model, texts: model.similarity_matrix(texts),
        lambda model, texts: model.similarity(["moss"] * 3, texts),
        lambda model, texts: model.compare(["moss"] * 3, texts),
    ],
    ids=["encode", "recommend", "similarity_matrix", "similarity", "compare"],
)
def test_a_text_of_no_known_word_is_refused_by_its_row(model: Model, use: Any) -> None:
    with pytest.raises(ValueError, match=r"row 3 of 3, column (a|lyrics).*knows no word"):
        use(model, ["moss", "moss granite", "granite"])


@given(st.lists(st.sampled_from(["moss", "fern", "granite", "basalt"]), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_a_similarity_needs_a_known_word_on_both_sides(model: Model, words: list[str]) -> None:
    answer = model.predict([" ".join(words)], ["stone"])
    n_known = sum(word in {"moss", "fern"} for word in words)
    assert answer.known_a[0] == round(n_known / len(words), 6)
    assert answer.similarity.notna()[0] == (n_known > 0) == (answer.error[0] is None)


@pytest.mark.parametrize(
    ("threshold", "similar"), [(served.MOSS_STONE, True), (served.MOSS_STONE + 1e-6, False)]
)
def test_a_similarity_at_the_threshold_is_similar(tmp_path: Path, threshold: float, similar: bool) -> None:
    folder = served.write(tmp_path)
    records.save(made_records.served(threshold=threshold), folder / "served.json")
    assert Model.load(folder).predict(["moss"], ["stone"]).similar[0] == similar


def test_more_pairs_than_a_chunk_keep_their_order(model: Model) -> None:
    n = module.CHUNK + 3
    left = ["moss", "stone", "fern"] * n
    answer = model.predict(left, ["moss"] * len(left))
    np.testing.assert_array_equal(answer.similarity, [1.0, served.MOSS_STONE, served.MOSS_FERN] * n)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([9, 9, 9], [3]),
        ([1, 1, 1, 1, 1], [4, 1]),  # four rows at most
        ([6, 4, 1, 10, 11, 2], [2, 1, 1, 1, 1]),  # of ten characters, but for the row of 11
    ],
)
def test_chunks_have_so_many_rows_and_characters_at_most(
    lengths: list[int], expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_CHARACTERS", 10 if 11 in lengths else 27)
    chunks = module._chunks(lengths, 4)
    assert [len(lengths[rows]) for rows in chunks] == expected
    assert [length for rows in chunks for length in lengths[rows]] == lengths


def test_each_distinct_text_of_all_pairs_is_encoded_once(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)  # a pair, or two texts
    sizes: list[int] = []
    encode = model.encoder.encode_windows
    counted = lambda windows: sizes.append(len(windows.starts) - 1) or encode(windows)  # noqa: E731
    monkeypatch.setattr(model.encoder, "encode_windows", counted)
    model.predict(["moss", "moss", "stone"], ["stone", "moss", "fern"])
    assert sorted(sizes) == [1, 2]  # moss and stone, fern


def test_an_encoder_embeds_equal_texts_alike_and_counts_from_the_texts_given(model: Model) -> None:
    reading = model.encoder.read(["moss", "stone fern", "moss", "stone fern"])
    np.testing.assert_array_equal(reading.embeddings[:2], reading.embeddings[2:])
    assert reading.n_tokens.tolist() == [1, 2, 1, 2]
    with pytest.raises(ValueError, match="text 4 of 4 holds no word"):
        model.encoder.read(["moss", "moss", "moss", " "])


def test_memory_does_not_grow_with_the_number_of_pairs(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    read = model.encoder.read
    monkeypatch.setattr(
        model.encoder, "read", lambda texts, **own: sizes.append(len(texts)) or read(texts, **own)
    )
    model.predict([f"moss {n}" for n in range(2_000)], [f"stone {n}" for n in range(2_000)])
    assert sum(sizes) == 4_000
    assert max(sizes) <= module.CHUNK


def test_no_pairs_give_no_rows(model: Model) -> None:
    assert model.predict([], []).shape == (0, 8)


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
        (b"moss", "bytes; give a text"),
        ("", "an empty text; give the words of a song"),
        (" \n\t", "a text without any word; give the words of a song"),
        ("?! 😀 ´ ʼ", "a text without any word; give the words of a song"),
        ("x" * 100_001, "100,001 characters; a text may have 100,000"),
    ],
)
def test_what_is_no_text_with_words_is_refused(model: Model, value: object, what: str) -> None:
    with pytest.raises(ValueError) as refused:
        model.predict(["moss", "moss", "moss"], ["moss", value, "moss"])
    assert str(refused.value) == f"row 2 of 3, column lyrics_b: received {what}"


def test_a_text_of_exactly_the_limit_whose_only_word_comes_last_is_read(model: Model) -> None:
    answer = model.predict(["." * 99_996 + "fern"], ["fern"])
    assert (answer.similarity[0], answer.tokens_used_a[0]) == (1.0, 1)


def test_columns_of_different_lengths_are_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="received 2 texts as lyrics_a and 1 as lyrics_b"):
        model.predict(["moss", "fern"], ["moss"])


@pytest.mark.parametrize(
    "text",
    [
        "<b>moss</b> & <script>alert(1)</script>",
        "moss\x00\x01\x1b[31m",
        "moss 苔 и мох 🌿",
        "\ud800 moss",
        "moss ﷺ",
        "moss ½",
    ],
)
def test_markup_control_characters_and_any_language_are_only_text(model: Model, text: str) -> None:
    assert model.predict([text], [text]).similarity[0] == 1.0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_a_text_is_refused_exactly_when_it_has_no_word(text: str) -> None:
    cleaned = cleaning.clean(text).text
    if tokenizer.words(cleaned):
        assert lyrics.cleaned(text, cleaning.cleaner(cleaning.VERSION)) == cleaned
    else:
        with pytest.raises(ValueError, match="give the words of a song"):
            lyrics.cleaned(text, cleaning.cleaner(cleaning.VERSION))


def test_each_distinct_text_of_a_call_is_cleaned_once(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[str] = []
    monkeypatch.setattr(model.encoder, "clean", lambda text: cleaned.append(text) or text)
    model.compare(["moss", "stone"], ["fern", "stone"])
    assert cleaned == ["moss", "stone", "fern"]
    cleaned.clear()
    model.recommend("moss")
    model.similarity_matrix(["moss"])
    assert cleaned == ["moss", "moss"]


def test_a_model_that_does_not_clean_reads_a_text_of_headers(model: Model) -> None:
    # Those of format 1 and 2, and this one: to them a header is words.
    assert lyrics.cleaned("[Outro]", model.encoder.clean) == "[Outro]"
    assert model.predict(["[Outro]"], ["moss"])["tokens_used_a"].tolist() == [1]
    with pytest.raises(ValueError, match="received a text of nothing but headers, times or notes; give"):
        lyrics.cleaned("[Outro]", cleaning.cleaner(cleaning.VERSION))


def test_a_folder_without_served_json_is_refused(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    (folder / "served.json").unlink()
    with pytest.raises(ValueError, match=r"served\.json: missing; run `dvc repro`"):
        Model.load(folder)


# --- embeddings ------------------------------------------------------------------------------------


def test_encode_gives_a_row_of_float32_for_each_text_and_a_vector_for_one(model: Model) -> None:
    embeddings = model.encode(["fern", "moss", "fern"])
    assert (embeddings.dtype, embeddings.shape) == (np.float32, (3, 2))
    np.testing.assert_allclose(embeddings, [[0.5, 0.25], [0, 0], [0.5, 0.25]], atol=1e-6)
    np.testing.assert_allclose(model.encode("stone"), [0.5, 0], atol=1e-6)
    assert model.encode([]).shape == (0, 2)


def test_encode_keeps_the_order_of_more_texts_than_a_chunk(model: Model) -> None:
    n = module.CHUNK + 1
    np.testing.assert_allclose(model.encode(["stone", "moss"] * n), [[0.5, 0], [0, 0]] * n, atol=1e-6)


TEXTS = ["moss", "stone", "fern"]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        iter(TEXTS),
        np.array(TEXTS),
        pd.Series(TEXTS, index=[7, 8, 9]),
        pd.Series(TEXTS, dtype=object),
        pd.Index(TEXTS),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS[:1], TEXTS[1:]]),
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_texts_come_in_any_column(model: Model, texts: object) -> None:
    embeddings = model.encode(texts)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(embeddings, [[0, 0], [0.5, 0], [0.5, 0.25]], atol=1e-6)


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (pd.DataFrame({"moss": ["stone"]}), "a DataFrame; give a text, a list of texts or a Series"),
        ({"moss": "stone"}, "an object; give a text, a list of texts or a Series"),
        ({"moss", "stone"}, "a set; give a text, a list of texts or a Series"),
        (b"moss", "bytes; give a text, a list of texts or a Series"),
        (None, "null; give a text or a list of texts"),
        (5, "a number; give a text or a list of texts"),
        (np.array("moss"), "an array; give a text or a list of texts"),
        ({"moss": 1}.keys(), "a dict_keys; give a text, a list of texts or a Series"),
    ],
)
def test_what_is_no_column_of_texts_is_refused(model: Model, texts: object, what: str) -> None:
    with pytest.raises(ValueError) as refused:
        model.encode(texts)  # pyright: ignore[reportArgumentType]
    assert str(refused.value) == f"lyrics: received {what}"


# --- similarities ----------------------------------------------------------------------------------


def test_similarity_of_two_texts_is_a_float(model: Model) -> None:
    similarity = model.similarity("moss", "stone")
    assert (type(similarity), similarity) == (float, served.MOSS_STONE)


def test_similarity_of_two_lists_goes_row_by_row(model: Model) -> None:
    similarity = model.similarity(["moss", "stone", "fern"], ["stone", "fern", "fern"])
    np.testing.assert_array_equal(similarity, [served.MOSS_STONE, served.STONE_FERN, 1])
    assert np.shape(model.similarity([], [])) == (0,)


def test_similarity_and_predict_keep_the_index_of_a_series(model: Model) -> None:
    left = pd.Series(["moss", "stone"], index=["x", "y"])
    for right in (["stone", "fern"], pd.Series(["stone", "fern"], index=["x", "y"])):
        expected = pd.Series([served.MOSS_STONE, served.STONE_FERN], index=["x", "y"], name="similarity")
        pd.testing.assert_series_equal(model.similarity(left, right), expected)  # pyright: ignore
        assert model.predict(left, right).index.tolist() == ["x", "y"]


def test_two_series_of_different_indexes_are_refused(model: Model) -> None:
    left, right = pd.Series(["moss", "stone"]), pd.Series(["stone", "moss"], index=[1, 0])
    for compare in (model.similarity, model.predict):
        with pytest.raises(ValueError, match="two Series of different indexes; align them, or give lists"):
            compare(left, right)


def test_one_text_and_many_are_refused(model: Model) -> None:
    with pytest.raises(
        ValueError, match="one text and many; give as many of both, or call similarity_matrix"
    ):
        model.similarity("moss", ["stone", "fern"])  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_a_column_of_embeddings_is_taken_as_rows(model: Model) -> None:
    embeddings = model.encode(["moss", "stone"])
    column = pd.Series(list(embeddings), index=["a", "b"])
    expected = pd.DataFrame(model.similarity_matrix(embeddings), ["a", "b"], ["a", "b"])
    pd.testing.assert_frame_equal(model.similarity_matrix(column), expected)  # pyright: ignore
    uneven = pd.Series([embeddings[0], embeddings[1][:1]])
    with pytest.raises(ValueError, match=r"a: received rows of shapes .*; give embeddings of equal width"):
        model.similarity_matrix(uneven)


def test_a_pickled_model_loads_itself_again(model: Model) -> None:
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.encode(["fern"]), model.encode(["fern"]))


def test_threads_get_the_answers_of_a_single_one(model: Model) -> None:
    texts = ["moss", "stone", "fern", "moss fern"] * 5
    with ThreadPoolExecutor(8) as pool:
        matrices = list(pool.map(lambda _: model.similarity_matrix(texts), range(16)))
        nearest = list(pool.map(lambda text: model.recommend(text, k=3), texts))
    for matrix in matrices:
        np.testing.assert_array_equal(matrix, matrices[0])
    for text, table in zip(texts, nearest, strict=True):
        pd.testing.assert_frame_equal(table, model.recommend(text, k=3))


@pytest.mark.parametrize(
    "as_given", [np.asarray, np.ndarray.tolist, list, pd.DataFrame, lambda rows: rows[0]]
)
def test_similarity_of_embeddings_names_similarity_matrix(model: Model, as_given: Any) -> None:
    embeddings = as_given(model.encode(["moss", "stone"]))
    with pytest.raises(ValueError) as refused:
        model.similarity(embeddings, embeddings)
    assert str(refused.value) == "lyrics_a: received embeddings; give texts, or call similarity_matrix"


def test_the_matrix_holds_every_pair_of_texts_or_embeddings(model: Model) -> None:
    expected = [
        [1, served.MOSS_STONE, served.MOSS_FERN],
        [served.MOSS_STONE, 1, served.STONE_FERN],
        [served.MOSS_FERN, served.STONE_FERN, 1],
    ]
    np.testing.assert_array_equal(model.similarity_matrix(TEXTS), expected)
    embeddings = model.encode(TEXTS)
    np.testing.assert_array_equal(model.similarity_matrix(embeddings), expected)
    np.testing.assert_array_equal(model.similarity_matrix(embeddings[:1].tolist(), TEXTS), expected[:1])
    np.testing.assert_array_equal(model.similarity_matrix("moss", TEXTS[1:]), [expected[0][1:]])
    assert np.shape(model.similarity_matrix([], TEXTS)) == (0, 3)


def test_the_matrix_of_a_series_has_its_index(model: Model) -> None:
    left, right = pd.Series(["moss"], index=["m"]), pd.Series(["stone", "fern"], index=["s", "f"])
    expected = pd.DataFrame([[served.MOSS_STONE, served.MOSS_FERN]], index=["m"], columns=["s", "f"])
    pd.testing.assert_frame_equal(model.similarity_matrix(left, right), expected)  # pyright: ignore


def test_the_matrix_refuses_embeddings_of_another_width(model: Model) -> None:
    with pytest.raises(ValueError, match="b: received 2 x 3 numbers; give embeddings of width 2"):
        model.similarity_matrix(["moss"], np.zeros((2, 3)))


def test_the_matrix_refuses_embeddings_that_are_not_finite(model: Model) -> None:
    table = pd.DataFrame([[0.5, 0.25], [0.5, None]], dtype="Float64")
    for embeddings in (np.array([[0.5, np.nan]]), np.array([[np.inf, 0]]), table):
        with pytest.raises(ValueError, match="a: received embeddings with NaN or infinity; leave those"):
            model.similarity_matrix(embeddings)


def test_empty_columns_give_empty_answers(model: Model) -> None:
    for empty in ([], np.array([]), pd.Series([], dtype=str)):
        assert model.encode(empty).shape == (0, 2)
        assert len(model.predict(empty, empty)) == 0
        assert np.shape(model.similarity_matrix(empty, TEXTS)) == (0, 3)


# --- nearest songs ---------------------------------------------------------------------------------


def test_one_text_gets_a_table_of_the_catalogue(model: Model) -> None:
    nearest = model.recommend("fern", k=2)
    # The catalogue's Fern is as far as 0 and its Stone as 0.25.
    assert nearest.to_dict("list") == {
        "rank": [1, 2],
        "song_id": ["s2", "s1"],
        "artist": ["Björn", "Anna"],
        "title": ["Fern", "Stone"],
        "year": [2010, 2000],
        "similarity": [1.0, served.STONE_FERN],
    }


def test_many_texts_get_the_position_or_the_label_of_each(model: Model) -> None:
    texts = ["moss", "fern"]
    assert model.recommend(texts, k=2)["query"].tolist() == [0, 0, 1, 1]
    assert model.recommend(pd.Series(texts, index=["m", "f"]), k=2)["query"].tolist() == ["m", "m", "f", "f"]
    assert model.recommend([]).empty


def test_one_song_of_a_group_is_recommended_unless_versions_are_wanted(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    groups = served.SONGS.assign(group_id=["s0", "s1", "s2", "s0", "s4"])
    parquet.write(groups, tables.CATALOGUE, folder / "catalogue.parquet")
    model = Model.load(folder)
    assert model.recommend("moss", k=3)["song_id"].tolist() == ["s0", "s1", "s4"]
    assert model.recommend("moss", k=3, versions=True)["song_id"].tolist() == ["s0", "s3", "s1"]


def test_filters_of_the_catalogue_apply(model: Model) -> None:
    assert model.recommend("fern", k=1, exclude_artist="BJÖRN")["song_id"].tolist() == ["s1"]
    assert model.recommend("fern", min_year=2005)["song_id"].tolist() == ["s2"]
    with pytest.raises(ValueError, match="k: received 0; give a whole number"):
        model.recommend("fern", k=0)


# 20 words and more; three are read, of which the last is moss.
ENGLISH = "so the moss is growing on the old stone wall and nobody here will ever take it away from me again"
GERMAN = (
    "und das moss wächst hier auf der alten Mauer und niemand in der Stadt nimmt es mir jemals wieder weg"
)


def test_each_text_is_answered_in_its_own_language_or_in_others(model: Model) -> None:
    queries = pd.Series([GERMAN, ENGLISH], index=["g", "e"])
    same = model.recommend(queries, language="same")
    assert same[["query", "song_id"]].to_numpy().tolist() == [["g", "s4"], ["e", "s0"], ["e", "s1"]]
    other = model.recommend(queries, language="other")
    assert other["song_id"].tolist() == ["s0", "s1", "s2", "s4", "s2"]
    assert model.recommend("moss", language="sv")["language"].tolist() == ["sv"]
    with pytest.raises(ValueError, match="row 2 of 2, language: received 'same'"):
        model.recommend([ENGLISH, "moss"], language="same")


# --- with what is known beside lyrics --------------------------------------------------------------


def _score(similarity: float, years: float = 0, cosine: float = 0) -> float:
    """The score by tests.served's weights: log-odds, an eighth less a year, four times the cosine more."""
    log_odds = math.log(similarity / (1 - similarity)) - years / 8 + 4 * cosine
    return 1 / (1 + math.exp(-log_odds))


def test_a_year_ranks_near_years_first_and_leaves_nobody_out(model: Model) -> None:
    found = model.recommend("fern", year=1996)
    # By lyrics alone: Fern 0, Stone 0.25, Moor 0.65, Moss 0.75, Nothing 1.25 away.
    expected = {
        "s1": _score(served.STONE_FERN, 4),
        "s3": _score(math.exp(-0.65), -served.AVERAGE_YEAR),  # of unknown year: as the average pair
        "s0": _score(served.MOSS_FERN, 6),
        "s4": _score(math.exp(-1.25), 1),
    }
    by_song = dict(zip(found["song_id"], found["score"], strict=True))
    assert by_song.pop("s2") == found["score"][0]  # equal lyrics, 14 years away
    assert by_song == pytest.approx(expected, abs=1e-5)
    assert found["score"].is_monotonic_decreasing
    assert found["used"].tolist() == ["lyrics, year"] * 5
    assert dict(zip(found["song_id"], found["similarity"], strict=True))["s1"] == served.STONE_FERN


def test_tags_rank_by_their_cosine_and_a_song_without_any_as_the_average(model: Model) -> None:
    scores = model.recommend("stone", tags="rock").set_index("song_id")["score"]
    # Of 4 songs with tags one has rock, two have quiet: weights 1 + ln(5 / 2) and 1 + ln(5 / 3).
    rock, quiet = 1 + math.log(5 / 2), 1 + math.log(5 / 3)
    assert scores["s4"] == pytest.approx(_score(math.exp(-1), 0, rock / math.hypot(rock, quiet)), abs=1e-5)
    assert scores["s3"] == pytest.approx(_score(math.exp(-0.4), 0, served.AVERAGE_TAGS), abs=1e-5)
    assert scores["s2"] == pytest.approx(_score(served.STONE_FERN), abs=1e-5)


def test_without_facts_the_answer_is_that_of_lyrics_alone(model: Model) -> None:
    expected = model.recommend("moss")
    assert "score" not in expected
    nothings: list[dict[str, Any]] = [{"year": None, "tags": ""}, {"artist": None}, {"tags": []}]
    for nothing in [*nothings, {"lyrics_only": True}]:
        pd.testing.assert_frame_equal(model.recommend("moss", **nothing), expected)
    known = model.recommend("moss", year=2010, lyrics_only=True)
    pd.testing.assert_frame_equal(known[[*expected]], expected)
    assert known["used"].unique().tolist() == ["lyrics"]
    assert known["score"].isna().all()


NO_POLKA = "tags that no song of the catalogue has are left out: polka"


@pytest.mark.parametrize(
    ("facts", "used", "notes"),
    [
        ({"tags": "polka, rock"}, "lyrics, tags", [NO_POLKA]),
        ({"tags": "polka"}, "lyrics", [NO_POLKA]),
        ({"tags": "polka", "year": 1990}, "lyrics, year", [NO_POLKA]),
        ({"artist": "Dora"}, "lyrics", ["the catalogue has no song by Dora; the artist is left out"]),
        ({"artist": "anna"}, "lyrics", ["validation songs show no gain from artist; lyrics rank alone"]),
        (
            {"artist": "Anna", "year": 1990},
            "lyrics",
            ["validation songs are too few to learn from artist and year; lyrics rank alone"],
        ),
    ],
)
def test_what_cannot_be_used_is_left_out_with_a_reason(
    model: Model, facts: dict[str, Any], used: str, notes: list[str]
) -> None:
    found = model.recommend("moss", **facts)
    assert found["used"].unique().tolist() == [used]
    assert found.attrs["notes"] == notes
    if used == "lyrics":
        assert found["song_id"].tolist() == model.recommend("moss")["song_id"].tolist()


def test_a_fact_without_weight_beside_the_others_is_named(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    year_and_tags = served.BLEND.parts[3].model_copy(update={"weights": (served.YEAR_WEIGHT, 0.0)})
    parts = (*served.BLEND.parts[:3], year_and_tags)
    records.save(served.BLEND.model_copy(update={"parts": parts}), folder / records.BLEND)
    found = Model.load(folder).recommend("moss", year=1990, tags="rock")
    assert found["used"].unique().tolist() == ["lyrics, year"]
    assert found.attrs["notes"] == ["beside the rest, validation songs show no gain from tags; left out"]


def test_each_of_many_texts_has_its_own_facts(model: Model) -> None:
    texts = pd.Series(["stone", "stone", "stone"], index=["a", "b", "c"])
    found = model.recommend(texts, k=2, year=[None, 1990, 1990], tags=["rock", None, "rock"])
    assert found["query"].tolist() == ["a", "a", "b", "b", "c", "c"]
    used = ["lyrics, tags", "lyrics, year", "lyrics, year, tags"]
    assert found.groupby("query")["used"].first().tolist() == used
    alone: list[dict[str, Any]] = [{"tags": "rock"}, {"year": 1990}, {"year": 1990, "tags": "rock"}]
    for at, own in enumerate(alone):
        scores = model.recommend("stone", k=2, **own)["score"].tolist()
        assert found["score"][2 * at : 2 * at + 2].tolist() == scores
    assert model.recommend([], year=[]).empty


def test_filters_and_groups_hold_with_facts_too(model: Model, tmp_path: Path) -> None:
    assert model.recommend("moss", year=1990, min_year=2000)["song_id"].tolist() == ["s1", "s2"]
    assert model.recommend("moss", year=1990, exclude_artist="anna")["song_id"].tolist() == ["s4", "s2"]
    folder = served.write(tmp_path)
    groups = served.SONGS.assign(group_id=["s0", "s1", "s1", "s0", "s4"])
    parquet.write(groups, tables.CATALOGUE, folder / "catalogue.parquet")
    covered = Model.load(folder)
    # By a year of 2010 the cover s2 of s1 is nearer than s1 itself.
    assert covered.recommend("moss", year=2010)["song_id"].tolist() == ["s0", "s2", "s4"]
    assert covered.recommend("moss", k=2, year=2010)["rank"].tolist() == [1, 2]
    assert len(covered.recommend("moss", versions=True, year=2010)) == 5


def test_an_approximate_search_takes_no_facts(model: Model) -> None:
    with pytest.raises(ValueError, match="approximate: received with artist, year or tags"):
        model.recommend("moss", year=1990, approximate=True)


def test_contrast_leaves_songs_far_in_genre_or_year_by_lyrics(model: Model) -> None:
    def found(**known: Any) -> list[str]:
        return model.recommend("moss", contrast=True, **known)["song_id"].tolist()

    assert found(tags="folk") == ["s3", "s4", "s2"]  # pop, rock, pop
    assert found(tags="quiet, pop") == ["s1", "s4"]  # s0 is moss itself
    assert found(tags="pop, folk") == ["s4"]  # every genre of the query is its own
    assert found(year=1990) == ["s2"]  # 2010 is 20 years away; a song of unknown year is not known to be
    assert found(year=1991) == []
    assert found(year=1990, tags="pop") == ["s1", "s4", "s2"]
    assert found(year=1990, max_year=2000, tags="pop") == ["s1", "s4"]
    table = model.recommend("moss", contrast=True, tags="folk")
    assert table["used"].unique().tolist() == ["lyrics"]
    assert table["similarity"].is_monotonic_decreasing


def test_a_song_of_no_known_genre_is_not_known_to_be_of_another(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    songs = served.SONGS.assign(genre=["folk", None, "other", "pop", "rock"])
    parquet.write(songs, tables.CATALOGUE, folder / "catalogue.parquet")
    found = Model.load(folder).recommend("moss", contrast=True, tags="folk")
    assert found["song_id"].tolist() == ["s3", "s4"]


@pytest.mark.parametrize("known", [{}, {"tags": "quiet"}, {"artist": "Anna"}])
def test_contrast_needs_a_year_or_a_genre(model: Model, known: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as refused:
        model.recommend("moss", contrast=True, **known)
    assert str(refused.value) == (
        "contrast: neither year nor genre of the query is known; leave it out, or give lyrics with their "
        "year, or with tags of which one is a genre, such as rock"
    )
