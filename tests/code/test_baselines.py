"""Baselines: by hand on a handful of pairs, and against what is known of the predecessor's rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from neuralist import baselines, metrics
from neuralist.baselines import Pairs
from neuralist.tokens import Vocabulary
from neuralist.vectors import WordVectors


def pairs(*listed: tuple[int, int]) -> Pairs:
    """Pairs of song positions."""
    left, right = np.array(listed, dtype=np.int64).reshape(-1, 2).T
    return Pairs(left, right)


def songs(**columns: list) -> pd.DataFrame:
    """A songs table; a column not given is empty."""
    size = len(next(iter(columns.values())))
    empty = {name: [None] * size for name in ("artist", "year", "tags")}
    frame = pd.DataFrame(empty | columns)
    return frame.astype({"artist": "str", "year": "Int64"})


TRAIN = pairs((0, 1), (1, 0), (1, 2), (2, 3), (0, 3))
SIMILARITY = np.array([0.2, 0.4, 0.05, 0.05, 0.9])


# --- those that read nothing but similarities ------------------------------------------------------


def test_the_constant_is_the_mean_of_training() -> None:
    answers = baselines.without_lyrics(songs(artist=[None] * 4), TRAIN, SIMILARITY, pairs((0, 1), (2, 2)))
    assert answers["constant"].similarity == pytest.approx([0.32, 0.32])


def test_no_constant_has_a_lower_mse_on_training_than_the_mean() -> None:
    mean = SIMILARITY.mean()
    for other in (mean - 0.01, mean + 0.01, 0.05):
        assert np.mean((SIMILARITY - mean) ** 2) < np.mean((SIMILARITY - other) ** 2)


def test_the_commonest_class_of_each_kind() -> None:
    answer = baselines.commonest_class(np.array([0.06, 0.08, 0.12, 0.14, 0.16, 0.95]), 2)
    assert answer.decile.tolist() == [1, 1]  # 0.12, 0.14, 0.16
    assert answer.tenth.tolist() == [1, 1]  # 0.06, 0.08, 0.12, 0.14 round to 0.1
    assert answer.similar.tolist() == [False, False]
    assert answer.similarity.tolist() == [0.15, 0.15]


def test_in_two_classes_the_commonest_may_differ_from_that_of_the_commonest_decile() -> None:
    answer = baselines.commonest_class(np.array([0.01, 0.02, 0.55, 0.65, 0.75]), 1)
    assert answer.decile.tolist() == [0]
    assert answer.similar.tolist() == [True]


def test_the_commonest_decile_scores_its_share() -> None:
    truth = metrics.Answers.of(np.array([0.01, 0.02, 0.03, 0.2, 0.7]))
    answer = baselines.commonest_class(truth.similarity, 5)
    assert np.mean(answer.decile == truth.decile) == 3 / 5


def test_lookup_repeats_what_training_says_of_the_pair_in_either_direction() -> None:
    found = baselines.lookup(TRAIN, SIMILARITY, pairs((1, 0), (0, 1), (3, 2)), n_songs=6)
    assert found == pytest.approx([0.3, 0.3, 0.05])


def test_lookup_falls_back_to_shrunken_song_biases_and_to_the_mean() -> None:
    train, similarity = pairs((0, 1)), np.array([0.8])
    # One row deviates by 0 from the mean of one row: no bias.
    assert baselines.lookup(train, similarity, pairs((0, 2), (2, 3)), 4) == pytest.approx([0.8, 0.8])

    # Rows of disjoint songs deviate by +-0.3. Minimise (0.3 - 2 b)^2 + 2 b^2: b = 0.6 / 6 = 0.1.
    train, similarity = pairs((0, 1), (2, 3)), np.array([0.8, 0.2])
    found = baselines.lookup(train, similarity, pairs((0, 4), (2, 4), (0, 2), (4, 5)), 6)
    assert found == pytest.approx([0.6, 0.4, 0.5, 0.5])


def test_lookup_stays_within_0_and_1() -> None:
    train = pairs(
        *[(0, i) for i in range(2, 8)], *[(1, i) for i in range(8, 14)], *[(i, i + 1) for i in range(14, 30)]
    )
    similarity = np.array([1.0] * 12 + [0.0] * 16)
    assert baselines.lookup(train, similarity, pairs((0, 1)), 31).tolist() == [1.0]


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
    asked = pairs((0, 8), (4, 8), (0, 1))  # never pairs of training
    expected = np.clip(mean + bias[asked.left] + bias[asked.right], 0, 1)
    assert baselines.lookup(train, similarity, asked, 9) == pytest.approx(expected, abs=1e-8)


# --- the mapping -----------------------------------------------------------------------------------


def test_the_mapping_averages_what_violates_the_order() -> None:
    found = baselines.mapped(
        np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.2, 0.6, 0.4, 0.8]), np.array([0.1, 0.2, 0.3, 0.4])
    )
    assert found == pytest.approx([0.2, 0.5, 0.5, 0.8], abs=0.001)
    assert found[1] < found[2]  # within a step the score still decides


def test_the_mapping_ends_at_the_outermost_training_scores() -> None:
    found = baselines.mapped(np.array([0.4, 0.6]), np.array([0.3, 0.7]), np.array([0.0, 1.0]))
    assert found == pytest.approx([0.3, 0.7], abs=0.001)


def test_an_unknown_score_gets_the_mean_of_training_pairs_with_unknown_score() -> None:
    of_train = np.array([0.1, 0.9, np.nan, np.nan])
    similarity = np.array([0.1, 0.9, 0.3, 0.4])
    assert baselines.mapped(of_train, similarity, np.array([np.nan])) == pytest.approx([0.35])
    assert baselines.mapped(of_train[:2], similarity[:2], np.array([np.nan])) == pytest.approx([0.5])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_the_mapping_stays_in_range_and_never_turns_the_order(training: list[tuple[float, float]]) -> None:
    score, similarity = np.array(training).T
    found = baselines.mapped(score, similarity, np.linspace(0, 1, 21))
    assert found.min() >= 0
    assert found.max() <= 1
    assert (np.diff(found) > 0).all()


# --- those that read lyrics ------------------------------------------------------------------------


def test_lyrics_are_cut_to_the_first_words() -> None:
    assert baselines.cut(["Grey, grey harbour! Don't wait"], 3) == ["grey grey harbour"]


def test_tfidf_is_fitted_on_training_songs_alone() -> None:
    lyrics = ["grey harbour light", "grey harbour bell", "unheard words here"]
    found = baselines.tfidf(lyrics, pairs((0, 1)))
    expected = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(lyrics[:2])
    assert found.shape == (3, len(expected.vocabulary_))
    assert found.toarray() == pytest.approx(expected.transform(lyrics).toarray())
    assert not found.toarray()[2].any()


def test_averaged_vectors_of_known_words_by_hand() -> None:
    vectors = WordVectors(
        Vocabulary(["grey", "harbour"]),
        np.array([[0, 0], [9, 9], [3, 0], [0, 1]], dtype=np.float32),
        {},
    )
    found = baselines.averaged_vectors(["grey grey harbour", "grey nothing", "nothing known"], vectors)
    # (3 + 3 + 0, 0 + 0 + 1) / 3, scaled to length 1; <unk> does not count.
    assert found == pytest.approx(np.array([[6, 1] / np.sqrt(37), [1, 0], [0, 0]]))


def test_baselines_from_lyrics_find_the_pairs_that_share_words() -> None:
    lyrics = ["grey harbour", "grey harbour", "red desert", "red desert", "grey harbour", "red desert"]
    vectors = WordVectors(
        Vocabulary(["grey", "harbour", "red", "desert"]),
        np.vstack([np.zeros((2, 2)), [[1, 0], [1, 0], [0, 1], [0, 1]]]).astype(np.float32),
        {},
    )
    train, similarity = pairs((0, 1), (2, 3), (0, 2), (1, 3)), np.array([0.9, 0.7, 0.1, 0.3])
    found = baselines.from_lyrics(lyrics, train, similarity, pairs((0, 4), (4, 5)), vectors)
    for name in ("tfidf", "averaged_vectors"):
        assert found[name].similarity == pytest.approx([0.8, 0.2], abs=0.001), name


# --- those that read metadata ----------------------------------------------------------------------


def test_the_same_artist_whatever_the_case() -> None:
    frame = songs(artist=["The Lamps", "the lamps ", "Rain Choir", None])
    found = baselines.same_artist(frame, pairs((0, 1), (0, 2), (0, 3)))
    assert found.tolist()[:2] == [1, 0]
    assert np.isnan(found[2])


def test_closeness_of_years() -> None:
    frame = songs(year=[1990, 1993, 1990, None])
    found = baselines.year_closeness(frame, pairs((0, 1), (0, 2), (0, 3)))
    assert found[:2].tolist() == [0.25, 1]
    assert np.isnan(found[2])


def test_overlap_of_tags_is_the_jaccard_index() -> None:
    tags = [["rock", "sad"], ["sad", "rock", "slow", "sad"], ["pop"], [], None]
    found = baselines.tag_overlap(songs(tags=tags), pairs((0, 1), (0, 2), (0, 3), (0, 4), (1, 1)))
    assert found[[0, 1, 4]] == pytest.approx([2 / 3, 0, 1])
    assert np.isnan(found[2:4]).all()


def test_metadata_that_no_song_has_is_left_out() -> None:
    train, asked = pairs((0, 1), (1, 2), (0, 2)), pairs((0, 1))
    only_numbers = {"constant", "commonest_class", "lookup"}
    nothing = baselines.without_lyrics(songs(artist=[None] * 3), train, np.array([0.1, 0.2, 0.6]), asked)
    assert set(nothing) == only_numbers
    years = baselines.without_lyrics(songs(year=[1990, 1991, 1999]), train, np.array([0.1, 0.2, 0.6]), asked)
    assert set(years) == only_numbers | {"year_gap"}


def test_all_of_the_metadata_predicts_what_none_of_it_does_alone() -> None:
    generator = np.random.default_rng(0)
    artists, years = generator.integers(4, size=60), generator.integers(1990, 1994, size=60)
    frame = songs(artist=[f"artist {one}" for one in artists], year=years.tolist())
    left, right = generator.integers(60, size=(2, 3000))
    both = (artists[left] == artists[right]) & (years[left] == years[right])
    train, asked = Pairs(left[:2000], right[:2000]), Pairs(left[2000:], right[2000:])
    similarity = np.where(both, 0.9, 0.1)
    found = baselines.without_lyrics(frame, train, similarity[:2000], asked)
    errors = {name: np.mean((one.similarity - similarity[2000:]) ** 2) for name, one in found.items()}
    assert errors["artist_year_tags"] < 1e-6
    assert min(errors["same_artist"], errors["year_gap"]) > 0.01


# --- as a whole ------------------------------------------------------------------------------------


def test_each_baseline_says_whether_it_is_from_lyrics() -> None:
    assert [name for name, reads in baselines.FROM_LYRICS.items() if reads] == ["tfidf", "averaged_vectors"]
    assert list(baselines.FROM_LYRICS)[:2] == ["constant", "commonest_class"]


def test_without_training_pairs_there_is_no_baseline() -> None:
    with pytest.raises(ValueError, match="no pair is in the training part"):
        baselines.without_lyrics(songs(artist=["a", "b"]), pairs(), np.array([]), pairs((0, 1)))


def test_nothing_asked_is_nothing_answered() -> None:
    frame = songs(artist=["a", "a", "b", None], year=[1990, 1991, 1992, 1999], tags=[["rock"]] * 4)
    vectors = WordVectors(Vocabulary(["grey"]), np.eye(3, dtype=np.float32), {})
    found = baselines.without_lyrics(frame, TRAIN, SIMILARITY, pairs())
    found |= baselines.from_lyrics(["grey"] * 4, TRAIN, SIMILARITY, pairs(), vectors)
    assert list(found) != []
    assert all(len(answer.similarity) == 0 for answer in found.values())


def test_known_facts_of_the_predecessors_rows(paper: Path) -> None:
    rows = pd.read_csv(paper / "pairs.csv")
    index = pd.Index(pd.read_csv(paper / "texts.csv")["id"])
    listed = Pairs(*(index.get_indexer(pd.Index(rows[side])) for side in ("left_id", "right_id")))
    similarity = rows["similarity"].to_numpy()
    truth = metrics.Answers.of(similarity)
    assert np.mean(~truth.similar) == pytest.approx(0.96, abs=0.003)

    order = np.random.default_rng(2017).permutation(len(rows))
    train, test = order[: int(0.72 * len(rows))], order[int(0.8 * len(rows)) :]
    asked = Pairs(listed.left[test], listed.right[test])
    known = Pairs(listed.left[train], listed.right[train])
    commonest = baselines.commonest_class(similarity[train], len(test))
    assert np.mean(commonest.decile == truth.decile[test]) == pytest.approx(0.424, abs=0.02)
    assert np.mean(commonest.similar == truth.similar[test]) == pytest.approx(0.96, abs=0.01)
    lookup = baselines.lookup(known, similarity[train], asked, len(index))
    accuracy = np.mean(metrics.decile(lookup) == truth.decile[test])
    assert accuracy == pytest.approx(0.475, abs=0.02)
    repeats = np.isin(baselines.unordered(asked, len(index)), baselines.unordered(known, len(index)))
    assert repeats.mean() == pytest.approx(0.30, abs=0.02)
