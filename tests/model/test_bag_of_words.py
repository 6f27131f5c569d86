"""A bag of words: against scikit-learn's binary TF-IDF and kernel ridge regression."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge

from neuralist.model import bag_of_words, ridge
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary

WORDS = ["grey", "harbour", "bell", "lamp", "neon", "motor", "glass"]
WINDOWING = TokenWindowing("word", 20, "head", window=5)
VOCABULARY = Vocabulary(WORDS)


def texts(n: int) -> list[str]:
    """Texts of 12 words; `glass` stands in the first two alone, `unheard` is not in the vocabulary."""
    rng = np.random.default_rng(4)
    made = [" ".join([*rng.choice(WORDS[:6], size=11), "unheard"]) for _ in range(n)]
    return [f"glass {text}" if number < 2 else text for number, text in enumerate(made)]


def answers(fitted: bag_of_words.Bag, asked: list[str]) -> np.ndarray:
    """What the module's formula says of texts."""
    sets = [{WORDS.index(word) + 2 for word in text.split() if word in WORDS} for text in asked]
    return np.array(
        [
            fitted.table[list(ids)].sum(axis=0) / np.sqrt(max(fitted.squares[list(ids)].sum(), 1))
            + fitted.bias
            for ids in sets
        ]
    )


def test_a_bag_answers_as_kernel_ridge_on_binary_tfidf() -> None:
    made = texts(40)
    truth = np.random.default_rng(5).normal(size=(40, 3))
    truth[[3, 8], 1] = np.nan
    fitted = bag_of_words.fit(VOCABULARY.windows(made, WINDOWING), len(VOCABULARY), truth)

    asked = [*texts(5), "grey grey bell", "unheard", "glass neon"]
    vectorizer = TfidfVectorizer(binary=True, min_df=bag_of_words.MIN_SONGS, vocabulary=WORDS[:6])
    features = vectorizer.fit_transform(made).toarray()
    for head in range(3):
        known = ~np.isnan(truth[:, head])
        mean = truth[known, head].mean()
        ridge = KernelRidge(alpha=bag_of_words.PENALTY).fit(features[known], truth[known, head] - mean)
        expected = ridge.predict(vectorizer.transform(asked).toarray()) + mean
        assert answers(fitted, asked)[:, head] == pytest.approx(expected, abs=1e-5)


def test_words_of_too_few_songs_and_unknown_ones_tell_nothing() -> None:
    fitted = bag_of_words.fit(VOCABULARY.windows(texts(40), WINDOWING), len(VOCABULARY), np.ones((40, 1)))
    silent = [0, 1, WORDS.index("glass") + 2]
    assert not fitted.table[silent].any()
    assert np.flatnonzero(fitted.squares == 0).tolist() == silent


def test_of_many_songs_as_many_are_drawn_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "MAX_SONGS", 10)
    truth = np.arange(40, dtype=np.float64)[:, None]
    windows = VOCABULARY.windows(texts(40), WINDOWING)
    drawn = np.sort(np.random.default_rng(0).choice(40, 10, replace=False))
    assert bag_of_words.fit(windows, len(VOCABULARY), truth).bias[0] == pytest.approx(drawn.mean())
