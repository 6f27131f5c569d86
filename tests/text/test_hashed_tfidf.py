"""TF-IDF by buckets: by hand, against scikit-learn where no bucket holds two terms, and what always holds."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from neuralist.text import hashed_tfidf
from neuralist.text.hashed_tfidf import BUCKETS, HashedTfidf
from neuralist.text.tokenizer import TokenWindowing

WORDS, CHARACTERS = TokenWindowing("word", 100, "head"), TokenWindowing("char", 300, "head")
KINDS = pytest.mark.parametrize("kind", ["word", "char"])
TEXTS = st.lists(st.text(st.sampled_from("ab é'.\n"), max_size=12), min_size=2, max_size=5)


def cosine(tfidf: HashedTfidf, left: str, right: str) -> float:
    [value] = tfidf.rows([left, right]).cosines(np.array([0]), np.array([1]))
    return value


def test_a_cosine_by_hand() -> None:
    tfidf = HashedTfidf.fit("word", WORDS, ["moss stone", "moss"])
    # Both texts hold moss: idf 1. One of two holds stone, and moss before stone: idf 1 + ln(3/2) each.
    rare = 1 + np.log(1.5)
    assert cosine(tfidf, "moss", "Moss, stone!") == pytest.approx(1 / np.sqrt(1 + 2 * rare**2))
    # Twice the same word: 1 + ln 2, and "moss moss", which no training text holds: idf 1 + ln 3.
    twice, unseen = 1 + np.log(2), 1 + np.log(3)
    assert cosine(tfidf, "moss", "moss moss") == pytest.approx(twice / np.sqrt(twice**2 + unseen**2))


def test_a_word_counts_in_the_bucket_of_its_crc_32() -> None:
    [bucket] = np.flatnonzero(HashedTfidf.fit("word", WORDS, ["Môss"]).counts)
    assert bucket == zlib.crc32("môss".encode()) % BUCKETS


def test_words_of_no_training_text_count() -> None:
    tfidf = HashedTfidf.fit("word", WORDS, ["moss", "moss stone", "moss fern"])
    assert cosine(tfidf, "heron moss", "heron stone") > cosine(tfidf, "moss heron", "moss stone") > 0


def test_only_what_is_read_counts() -> None:
    tfidf = HashedTfidf.fit("word", TokenWindowing("word", 2, "tail"), ["moss"])
    assert cosine(tfidf, "moss stone fern", "heron stone fern") == 1


def test_a_model_of_characters_may_compare_words() -> None:
    tfidf = HashedTfidf.fit("word", CHARACTERS, ["moss"])
    assert cosine(tfidf, "moss, stone", "Moss stone!") == 1
    assert cosine(HashedTfidf.fit("char", CHARACTERS, ["moss"]), "moss, stone", "Moss stone!") < 1


@KINDS
def test_cosines_are_those_of_scikit_learn(kind: str) -> None:
    rng = np.random.default_rng(1)
    vocabulary = ["moss", "stone", "fern", "heron", "reed", "a", "of"]
    texts = [" ".join(rng.choice(vocabulary, rng.integers(1, 9))) for _ in range(30)]
    by_words = {"token_pattern": r"\S+", "ngram_range": (1, 2)}
    options = {"analyzer": "char_wb", "ngram_range": (2, 4)} if kind == "char" else by_words
    theirs = TfidfVectorizer(sublinear_tf=True, **options)
    weights = theirs.fit_transform(texts)
    tfidf = HashedTfidf.fit(kind, WORDS, texts)  # pyright: ignore[reportArgumentType]
    assert np.count_nonzero(tfidf.counts) == len(theirs.vocabulary_), "no two terms share a bucket"

    ours = tfidf.rows(texts)
    left, right = np.indices((30, 30)).reshape(2, -1)
    np.testing.assert_allclose(ours.cosines(left, right), (weights @ weights.T).toarray().ravel(), atol=1e-12)


@KINDS
@given(texts=TEXTS)
def test_cosines_are_symmetric_in_range_and_1_for_equal_texts(kind: str, texts: list[str]) -> None:
    for windowing in (WORDS, CHARACTERS):
        rows = HashedTfidf.fit(kind, windowing, texts[:1]).rows(texts)  # pyright: ignore[reportArgumentType]
        left, right = np.indices((len(texts), len(texts))).reshape(2, -1)
        cosines = rows.cosines(left, right)
        assert ((cosines >= 0) & (cosines <= 1)).all()
        assert (cosines == rows.cosines(right, left)).all()
        assert (cosines[left == right] == 1).all()


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_a_cosine_is_the_same_alone_and_among_others(texts: list[str], seed: int) -> None:
    rows = HashedTfidf.fit("char", WORDS, texts).rows(texts)
    left, right = np.random.default_rng(seed).integers(len(texts), size=(2, 9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashed_tfidf, "_PARTNERS", 2)
        together = rows.cosines(left, right)
    alone = [rows.cosines(left[[pair]], right[[pair]])[0] for pair in range(9)]
    assert together.tolist() == alone


def test_half_a_surrogate_pair_is_a_character_like_others() -> None:
    tfidf = HashedTfidf.fit("char", CHARACTERS, [])
    assert cosine(tfidf, "moss \ud83d", "moss \ud83d") == 1


def test_no_texts_and_no_pairs_give_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert HashedTfidf.fit("word", WORDS, []).rows([]).cosines(nothing, nothing).shape == (0,)
