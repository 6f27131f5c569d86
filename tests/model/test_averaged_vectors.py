"""Averaged word vectors: against sums over words by hand, and scikit-learn's singular value decomposition."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from neuralist.model import averaged_vectors
from neuralist.model.averaged_vectors import AveragedVectors
from neuralist.model.similarity import PairRegression
from neuralist.text import word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary, Windows

WORDS = ["the", "grey", "harbour", "bell", "lamp", "neon"]  # the most frequent first
BY_WORD = dict(zip(WORDS, np.random.default_rng(3).normal(size=(6, 5)), strict=True))
VECTORS = word_vectors.assemble(BY_WORD, 2.0, "by hand", {})
SONGS = ["the grey harbour", "the bell the bell", "lamp neon unheard", "grey lamp the", "neon neon bell the"]


def windows(texts: list[str], window: int | None = None) -> Windows:
    return Vocabulary(WORDS).windows(texts, TokenWindowing("word", 20, "head", window=window))


def average(text: str) -> np.ndarray:
    """Mean of the words' unit vectors, each weighed by a / (a + p), a = 1e-3, p = 1 / (76 + 7.6 rank)."""
    words = [word for word in text.split() if word in BY_WORD]
    weights = [1e-3 / (1e-3 + 1 / (76 + 7.6 * WORDS.index(word))) for word in words]
    vectors = [BY_WORD[word] / np.linalg.norm(BY_WORD[word]) for word in words]
    return np.average(vectors, axis=0, weights=weights)


def test_a_product_is_the_cosine_of_averages_along_the_leading_directions() -> None:
    asked = ["harbour bell", "the grey the", "neon"]
    songs = np.stack([average(song) for song in SONGS])
    mean = songs.mean(axis=0)
    svd = TruncatedSVD(2, algorithm="arpack", random_state=0).fit(normalize(songs - mean))
    expected = normalize(svd.transform(np.stack([average(text) for text in asked]) - mean))

    found = averaged_vectors.fit(windows(SONGS), VECTORS, 2)(windows(asked))

    assert found.shape == (3, 2)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=2e-3)


def test_neither_unknown_words_nor_windows_change_the_coordinates() -> None:
    fitted = averaged_vectors.fit(windows(SONGS), VECTORS, 3)
    text = "grey unheard harbour the bell lamp neon neon"
    [plain, other] = fitted(windows([text.replace("unheard ", ""), "bell"]))
    [cut] = fitted(windows([text], window=3))
    np.testing.assert_allclose(cut, plain, atol=1e-6)
    assert not np.allclose(other, plain, atol=0.1)


def test_a_text_without_a_known_word_has_zeros_and_no_text_has_no_row() -> None:
    fitted = averaged_vectors.fit(windows(SONGS), VECTORS, 3)
    assert fitted(windows(["unheard"])).tolist() == [[0, 0, 0]]
    assert fitted(windows([])).shape == (0, 3)


def test_there_are_no_more_directions_than_dimensions() -> None:
    assert averaged_vectors.fit(windows(SONGS), VECTORS, 32).width == 5


def test_a_saved_function_answers_the_same_and_another_vocabulary_is_refused(tmp_path: Path) -> None:
    fitted = averaged_vectors.fit(windows(SONGS), VECTORS, 2)
    fitted.save(tmp_path)
    loaded = AveragedVectors.load(tmp_path, len(WORDS) + 2)
    np.testing.assert_array_equal(loaded(windows(SONGS)), fitted(windows(SONGS)))
    with pytest.raises(ValueError, match=r"averaged_vectors\.npz: its arrays do not fit 9 words; run `dvc"):
        AveragedVectors.load(tmp_path, len(WORDS) + 3)


def test_in_an_ensemble_the_coordinates_stand_behind_those_of_each_encoder() -> None:
    fitted = averaged_vectors.fit(windows(SONGS), VECTORS, 1)
    [[own]] = fitted(windows(["bell"]))
    joined = fitted.beside(np.array([[1, 2, 3, 4]], dtype=np.float32), windows(["bell"]), 2)
    assert joined.tolist() == [[1, 2, own, 3, 4, own]]


def test_the_cosine_joins_a_pair_regression_by_its_weight_and_leaves_near_texts_near() -> None:
    regression = PairRegression(np.array([-1.0]), np.array([0.5]), np.array(0.25), np.array(0.5))
    joined = regression.with_cosine(2, 0.1)
    left, right = np.array([[2.0, 0.6, 0.8]]), np.array([[3.0, 1.0, 0.0]])
    log_odds = 0.25 - 1 * 1 + 0.5 * 6 + 0.1 * 0.6
    listed = 1 / (1 + np.exp(-log_odds))
    near = np.exp(-(1 / 0.5 - 0.001))  # of the first coordinate alone
    assert joined.similarity(left, right)[0] == pytest.approx(listed + (1 - listed) * near)
    assert joined.similarity(left, left)[0] == pytest.approx(1)
