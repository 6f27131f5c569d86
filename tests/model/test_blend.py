"""The score from lyrics and facts, by hand and by scikit-learn; and what is missing."""

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from neuralist.model import blend
from neuralist.model.blend import Songs, Tags, Weighing
from neuralist.model.similarity import sigmoid

TAGS = [{"soul": 1.0, "70s": 1.0}, {"soul": 0.5}, {}, {"rock": 1.0, "70s": 0.25}]


def test_cosines_are_those_of_scikit_learns_tfidf() -> None:
    query = {"70s": 1.0, "rock": 0.5}
    counts = DictVectorizer(sparse=False).fit([tags for tags in TAGS if tags])
    tfidf = TfidfTransformer().fit(counts.transform([dict.fromkeys(tags, 1) for tags in TAGS if tags]))
    songs, asked = (tfidf.transform(counts.transform(tags)).toarray() for tags in (TAGS, [query]))

    found = Tags.of(TAGS).cosines(query)
    assert np.isnan(found).tolist() == [False, False, True, False]
    assert found[[0, 1, 3]] == pytest.approx((songs @ asked[0])[[0, 1, 3]])


def test_a_tag_that_no_song_has_changes_no_cosine() -> None:
    tags = Tags.of(TAGS)
    np.testing.assert_array_equal(tags.cosines({"soul": 1.0, "polka": 9.0}), tags.cosines({"soul": 1.0}))
    assert np.isnan(tags.cosines({"polka": 1.0})).all()


def test_some_songs_are_compared_by_the_rarity_among_all() -> None:
    whole = Tags.of(TAGS)
    some = Tags.of(TAGS[:2], whole.rarity)
    assert some.cosines(TAGS[3]) == pytest.approx(whole.cosines(TAGS[3])[:2])


def test_nearness_by_hand() -> None:
    songs = Songs(
        np.array([0, 1, -1]), np.array([1990.0, np.nan, 2000.0]), Tags.of([{"a": 1.0}, {}, {"b": 1.0}])
    )
    near = songs.nearness(1, 1995, {"a": 1.0})
    np.testing.assert_array_equal(near["artist"], [0, 1, np.nan])
    np.testing.assert_array_equal(near["year"], [-5, np.nan, -5])
    np.testing.assert_array_equal(near["tags"], [1, np.nan, 0])


@pytest.mark.parametrize("unknown", [None, -1])
def test_what_the_query_lacks_is_unknown_of_every_song(unknown: int | None) -> None:
    songs = Songs(np.array([0, -1]), np.array([1990.0, 2000.0]), Tags.of([{"a": 1.0}, {}]))
    near = songs.nearness(unknown, None, {})
    assert all(np.isnan(values).all() for values in near.values())


def test_a_score_by_hand() -> None:
    weighing = Weighing(("year",), -1.0, 2.0, (0.25,), (-8.0,))
    # The log-odds of 0.5 are 0, of 0.75 ln 3.
    found = weighing.log_odds(np.array([0.5, 0.75]), {"year": np.array([-4.0, 0.0])})
    assert found == pytest.approx([-2, -1 + 2 * np.log(3)])
    assert sigmoid(found) == pytest.approx([1 / (1 + np.exp(2)), 1 / (1 + np.e / 9)])


def test_a_fact_that_a_candidate_lacks_counts_as_the_average() -> None:
    weighing = Weighing(("year", "tags"), 0.0, 1.0, (0.25, 4.0), (-8.0, 0.125))
    half = np.full(2, 0.5)
    found = weighing.log_odds(half, {"year": np.array([np.nan, -8.0]), "tags": np.array([np.nan, 0.125])})
    assert found[0] == found[1]


def test_a_score_is_one_or_zero_for_no_similarity_and_rises_with_each_input() -> None:
    weighing = Weighing(("tags",), 0.0, 1.0, (4.0,), (0.25,))
    similarity, tags = np.array([0, 0.1, 0.1, 0.9, 1.0]), np.array([0, 0, 0.5, 0.5, 1.0])
    scores = sigmoid(weighing.log_odds(similarity, {"tags": tags}))
    assert (np.diff(scores) > 0).all()
    assert 0 < scores[0] < scores[-1] < 1


# --- fitting ---------------------------------------------------------------------------------------


def _drawn(n: int = 4000) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng, sigmoid(rng.normal(-2, 1, n)), -rng.integers(0, 40, n).astype(float)


def _log_odds(similarity: np.ndarray) -> np.ndarray:
    return np.log(similarity / (1 - similarity))


def test_weights_are_those_of_scikit_learns_logistic_regression() -> None:
    rng, similarity, year = _drawn()
    truth = rng.random(4000) < sigmoid(0.5 * _log_odds(similarity) + 0.1 * year)
    weight = rng.integers(1, 4, 4000).astype(float)
    features = np.column_stack([_log_odds(similarity), year])
    expected = LogisticRegression(C=1e6, tol=1e-8).fit(features, truth, sample_weight=weight)

    found = blend.fit(("year",), similarity, {"year": year}, truth.astype(float), weight)
    assert [found.lyrics, *found.weights] == pytest.approx(expected.coef_[0], rel=0.01)
    assert found.intercept == pytest.approx(expected.intercept_[0], abs=0.02)
    assert found.average == pytest.approx([np.average(year, weights=weight)])


def test_a_grade_is_learned_as_that_share_of_listed_pairs() -> None:
    rng, similarity, year = _drawn()
    grade = rng.random(4000)
    both = np.concatenate([grade, 1 - grade])
    features = np.tile(np.column_stack([_log_odds(similarity), year]), (2, 1))
    expected = LogisticRegression(C=1e6, tol=1e-8).fit(features, np.repeat([1, 0], 4000), sample_weight=both)

    found = blend.fit(("year",), similarity, {"year": year}, grade, np.ones(4000))
    assert [found.lyrics, *found.weights] == pytest.approx(np.maximum(expected.coef_[0], 0), abs=0.02)


def test_a_fact_that_points_the_other_way_gets_no_weight() -> None:
    rng, similarity, year = _drawn()
    truth = (rng.random(4000) < sigmoid(_log_odds(similarity) - 0.1 * year - 3)).astype(float)
    found = blend.fit(("year",), similarity, {"year": year}, truth, np.ones(4000))
    assert found.weights == (0.0,)
    assert found.used == ()


def test_to_have_tags_lifts_no_song_though_such_songs_are_listed_more_often() -> None:
    rng, similarity, _ = _drawn()
    tagged = rng.random(4000) < 0.5
    tags = np.where(tagged, rng.random(4000), np.nan)  # which say nothing
    truth = (rng.random(4000) < np.where(tagged, 0.4, 0.02)).astype(float)
    found = blend.fit(("tags",), similarity, {"tags": tags}, truth, np.ones(4000))

    with_tags, without = found.log_odds(np.full(2, 0.5), {"tags": np.array([found.average[0], np.nan])})
    assert with_tags == without
    assert found.weights[0] < 0.5  # of an even spread over [0, 1]: less than a factor 1.3 from end to middle


def test_where_all_lack_a_fact_it_gets_no_weight() -> None:
    rng, similarity, _ = _drawn(200)
    truth = (rng.random(200) < similarity).astype(float)
    found = blend.fit(("tags",), similarity, {"tags": np.full(200, np.nan)}, truth, np.ones(200))
    assert found.weights == (0.0,)
