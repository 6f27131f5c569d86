"""A bag of words: against scikit-learn's binary TF-IDF and kernel ridge regression."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler

from neuralist.model import bag_of_words, ridge
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import style, tokenizer, word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary

WORDS = ["grey", "harbour", "bell", "lamp", "neon", "motor", "glass"]
WINDOWING = TokenWindowing("word", 20, "head", window=5)
VOCABULARY = Vocabulary(WORDS)
# Vectors at right angles: no word represents another.
VECTORS = word_vectors.assemble(dict(zip(WORDS, np.eye(len(WORDS)), strict=True)), 1.0, "by hand", {})


def texts(n: int) -> list[str]:
    """Texts of 12 words; `glass` stands in the first two alone, `unheard` is not in the vocabulary."""
    rng = np.random.default_rng(4)
    made = [" ".join([*rng.choice(WORDS[:6], size=11), "unheard"]) for _ in range(n)]
    return [f"glass {text}" if number < 2 else text for number, text in enumerate(made)]


def answers(fitted: bag_of_words.Bag, asked: list[str]) -> np.ndarray:
    """What the module's formula says of texts."""
    sets = [{WORDS.index(word) + 2 for word in tokenizer.words(text) if word in WORDS} for text in asked]
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
    fitted, _, by_style = bag_of_words.fit(VOCABULARY.windows(made, WINDOWING), VECTORS, truth)
    assert by_style is None

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
    fitted, _, _ = bag_of_words.fit(VOCABULARY.windows(texts(40), WINDOWING), VECTORS, np.ones((40, 1)))
    silent = [0, 1, WORDS.index("glass") + 2]
    assert not fitted.table[silent].any()
    assert np.flatnonzero(fitted.squares == 0).tolist() == silent


def test_a_word_of_too_few_songs_takes_the_row_of_the_nearest_of_enough() -> None:
    near = dict(zip(WORDS, np.eye(len(WORDS)), strict=True)) | {"glass": np.eye(len(WORDS))[2] + 0.1}
    vectors = word_vectors.assemble(near, 1.0, "by hand", {})
    bag, found, _ = bag_of_words.fit(VOCABULARY.windows(texts(40), WINDOWING), vectors, np.ones((40, 1)))
    assert WORDS[2] == "bell"
    assert found.token.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 4]
    assert bag.representatives.tolist() == found.token.tolist()
    assert found.is_own.all()


def test_characters_have_no_bag() -> None:
    letters = word_vectors.of_characters(["ab"], 2, 1.0, 1)
    windows = letters.vocabulary.windows(["ab"] * 3, TokenWindowing("char", 20, "head"))
    with pytest.raises(ValueError, match="received characters"):
        bag_of_words.fit(windows, letters, np.ones((3, 1)))


def test_of_many_songs_as_many_are_drawn_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "MAX_SONGS", 10)
    truth = np.arange(40, dtype=np.float64)[:, None]
    windows = VOCABULARY.windows(texts(40), WINDOWING)
    drawn = np.sort(np.random.default_rng(0).choice(40, 10, replace=False))
    fitted, _, _ = bag_of_words.fit(windows, VECTORS, truth)
    assert fitted.bias[0] == pytest.approx(drawn.mean())


def styled(n: int) -> list[str]:
    """The texts on some lines, with more or fewer marks."""
    rng = np.random.default_rng(6)
    made = []
    for text in texts(n):
        words = text.split()
        cut = int(rng.integers(2, 10))
        made.append(" ".join(words[:cut]) + "!" * int(rng.integers(4)) + "\n" + " ".join(words[cut:]))
    return made


def test_with_style_a_bag_is_the_mean_with_a_regression_on_words_and_style(tmp_path: Path) -> None:
    made = styled(40)
    truth = np.random.default_rng(5).normal(size=(40, 2))
    truth[[3, 8], 1] = np.nan
    windows, features = VOCABULARY.windows(made, WINDOWING), style.features(made)
    fitted, _, by_style = bag_of_words.fit(windows, VECTORS, truth, features)
    assert by_style is not None
    by_style.save(tmp_path)
    by_style = StyleAnswers.load(tmp_path)

    asked = [*styled(60)[40:], "grey grey\nbell", "unheard!\nlamp"]
    vectorizer = TfidfVectorizer(binary=True, min_df=bag_of_words.MIN_SONGS, vocabulary=WORDS[:6])
    vectorizer.fit(made)
    learned, other = (vectorizer.transform(some).toarray() for some in (made, asked))
    scale = StandardScaler().fit(features)
    near, far = (np.clip(scale.transform(style.features(some)), -4, 4) for some in (made, asked))
    gamma = 1 / (2 * len(style.NAMES))
    kernels = [
        (learned @ learned.T, other @ learned.T),
        (
            learned @ learned.T + 0.5 * rbf_kernel(near, gamma=gamma),
            other @ learned.T + 0.5 * rbf_kernel(far, near, gamma=gamma),
        ),
    ]
    found = answers(fitted, asked) + by_style(asked)
    for head in range(2):
        known = np.flatnonzero(~np.isnan(truth[:, head]))
        mean = truth[known, head].mean()
        expected = []
        for own, asking in kernels:
            model = KernelRidge(alpha=bag_of_words.PENALTY, kernel="precomputed")
            model.fit(own[np.ix_(known, known)], truth[known, head] - mean)
            expected.append(model.predict(asking[:, known]) + mean)
        assert found[:, head] == pytest.approx(np.mean(expected, axis=0), abs=1e-5)


def test_style_answers_are_scaled_for_each_encoder_of_an_ensemble() -> None:
    _, _, by_style = bag_of_words.fit(
        VOCABULARY.windows(styled(10), WINDOWING),
        VECTORS,
        np.eye(10)[:, :2],
        style.features(styled(10)),
    )
    assert by_style is not None
    plain = by_style(styled(3))
    both = by_style.times([np.array([2.0, 3.0]), np.array([0.0, -1.0])])(styled(3))
    np.testing.assert_allclose(both, np.hstack([plain * [2, 3], plain * [0, -1]]), rtol=1e-5, atol=1e-7)
    assert by_style([]).shape == (0, 2)


def test_a_foreign_text_counts_as_average_in_what_languages_differ_by() -> None:
    """A French text has no English pronoun, whatever it is about."""
    mean, deviation = np.arange(1, 18) / 10, np.full(17, 2.0)
    centres, coefficients = np.random.default_rng(2).normal(size=(4, 17)), np.eye(4)
    by_style = StyleAnswers(mean, deviation, centres.astype(np.float32), coefficients.astype(np.float32))
    asked = ["i see you, i don't\nwe wait", "la mer\nlongtemps"]
    plain, foreign = by_style(asked), by_style(asked, np.array([True, False]))

    features = style.features(asked)
    differ = ["first person", "second person", "third person", "first person plural", "contractions", "rhyme"]
    for name in [*differ, "letters a word", "words a line, log"]:
        column = style.NAMES.index(name)
        features[0, column] = mean[column]
    expected = rbf_kernel((features - mean) / deviation, centres, gamma=1 / 34)
    np.testing.assert_allclose(foreign, expected, atol=1e-6)
    np.testing.assert_array_equal(foreign[1], plain[1])
    assert not np.allclose(foreign[0], plain[0], atol=1e-3)
    np.testing.assert_array_equal(by_style(asked, np.zeros(2, dtype=bool)), plain)


def test_a_damaged_file_of_style_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"style\.npz: missing; run `dvc repro`"):
        StyleAnswers.load(tmp_path)
    few = StyleAnswers(np.zeros(17), np.ones(17), np.zeros((3, 17)), np.zeros((2, 4)))
    few.save(tmp_path)
    with pytest.raises(ValueError, match=r"style\.npz: its arrays do not fit each other"):
        StyleAnswers.load(tmp_path)
