"""Ranking metrics: hand values, and an own slow version on songs that stand as often as they were drawn."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from neuralist.evaluation import ranking, resampling
from neuralist.evaluation.ranking import NAMES, RankingQueries


class Part:
    """A part of songs 0, 1, ..., those named with a list; listed pairs with their similarity."""

    def __init__(
        self, n_songs: int, with_list: set[int], listed: dict[tuple[int, int], float], new: set[int]
    ) -> None:
        self.n_songs, self.with_list, self.new = n_songs, with_list, new
        self.listed = {frozenset(pair): grade for pair, grade in listed.items()}
        self.pairs = [
            pair
            for pair in itertools.combinations(range(n_songs), 2)
            if with_list & {*pair} or frozenset(pair) in self.listed
        ]

    def queries(self) -> RankingQueries:
        """As the module takes it."""

        def column(values: Any, kind: type) -> np.ndarray:
            return np.array(list(values), dtype=kind)

        left, right = column((pair[0] for pair in self.pairs), int), column((p[1] for p in self.pairs), int)
        return RankingQueries.of(
            (left, right),
            column((frozenset(pair) in self.listed for pair in self.pairs), bool),
            column((self.listed.get(frozenset(pair), 0.0) for pair in self.pairs), float),
            column((song in self.with_list for song in range(self.n_songs)), bool),
            column((song in self.new for song in range(self.n_songs)), bool),
        )

    def sample(self, scores: dict[frozenset, float]) -> dict[str, float]:
        """The metrics of the part itself."""
        score = np.array([scores[frozenset(pair)] for pair in self.pairs])
        return dict(zip(NAMES, ranking.measure(self.queries(), {"one": score}, 0, 0)["one"][0], strict=True))

    def slowly(self, scores: dict[frozenset, float], songs: list[int]) -> dict[str, float]:
        """The metrics by scikit-learn, song by song, where `songs` may name a song more than once."""
        metrics: dict[str, list[float]] = {name: [] for name in NAMES}
        for query in (song for song in songs if song in self.with_list):
            pairs = [frozenset((query, other)) for other in songs if other != query]
            listed = np.array([pair in self.listed for pair in pairs])
            if len(pairs) < 2 or listed.all() or not listed.any():
                continue
            score = np.array([scores[pair] for pair in pairs])
            gain = np.array([self.listed.get(pair, 0.0) for pair in pairs])
            metrics["listed_auc"].append(float(roc_auc_score(listed, score)))
            if query in self.new:
                metrics["listed_auc_new_artist"].append(metrics["listed_auc"][-1])
            if gain.any():
                metrics["ndcg_at_10"].append(float(ndcg_score([gain], [score], k=10)))
            metrics["recall_at_10"].append(recall(listed, score))
        metrics["pooled_listed_auc"] = self._pooled(scores, songs)
        return {
            name: float(np.mean(of_metric)) if of_metric else np.nan for name, of_metric in metrics.items()
        }

    def _pooled(self, scores: dict[frozenset, float], songs: list[int]) -> list[float]:
        pairs = [frozenset(pair) for pair in itertools.combinations(songs, 2) if pair[0] != pair[1]]
        pairs = [pair for pair in pairs if pair in self.listed or self.with_list & pair]
        listed = [pair in self.listed for pair in pairs]
        if all(listed) or not any(listed):
            return []
        return [float(roc_auc_score(listed, [scores[pair] for pair in pairs]))]


def recall(listed: np.ndarray, score: np.ndarray) -> float:
    """Listed among the first ten over min(10, listed); equal scores share the places they take together."""
    hits, place = 0.0, 0
    for value in sorted(set(score), reverse=True):
        tied = score == value
        hits += listed[tied].mean() * max(0, min(10, place + tied.sum()) - min(10, place))
        place += tied.sum()
    return hits / min(10, listed.sum())


def scored(*values: tuple[str, float]) -> dict[frozenset, float]:
    """Scores by pairs like "01"."""
    return {frozenset(map(int, pair)): score for pair, score in values}


# --- by hand ---------------------------------------------------------------------------------------


def test_a_query_has_a_list_and_its_candidates_are_all_other_observed_songs() -> None:
    """Song 0 lists 1; 2 and 3 are its unlisted candidates. Song 3 has no list, and 1 is not asked either."""
    part = Part(4, {0}, {(0, 1): 0.8}, set())
    queries = part.queries()
    assert queries.counts == {"n_queries": 1, "n_left_out": 0, "n_pairs": 3, "n_listed": 1}
    metrics = part.sample(scored(("01", 0.5), ("02", 0.9), ("03", 0.1)))
    assert metrics["listed_auc"] == 0.5  # 1 beats 3, and loses to 2
    assert metrics["ndcg_at_10"] == pytest.approx(
        1 / np.log2(3)
    )  # in the second place, where the first was due
    assert metrics["recall_at_10"] == 1
    assert metrics["pooled_listed_auc"] == 0.5
    assert np.isnan(metrics["listed_auc_new_artist"])


def test_a_song_with_a_list_but_no_listed_neighbour_is_left_out_and_counted() -> None:
    part = Part(4, {0, 2}, {(0, 1): 0.8}, set())
    assert part.queries().counts == {"n_queries": 1, "n_left_out": 1, "n_pairs": 5, "n_listed": 1}
    scores = scored(("01", 0.5), ("02", 0.9), ("03", 0.1), ("12", 0.7), ("23", 0.6))
    assert part.sample(scores)["listed_auc"] == 0.5
    assert part.sample(scores)["pooled_listed_auc"] == 0.25  # 01 beats 03 of four


def test_the_mean_is_over_queries_and_a_pair_of_two_queries_serves_both() -> None:
    """0 ranks 1 above 2 (AUC 1); 1 ranks 0 below 2 (AUC 0)."""
    part = Part(3, {0, 1}, {(0, 1): 0.4}, {1})
    metrics = part.sample(scored(("01", 0.5), ("02", 0.2), ("12", 0.8)))
    assert metrics["listed_auc"] == 0.5
    assert metrics["listed_auc_new_artist"] == 0
    assert metrics["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_the_gain_is_the_similarity() -> None:
    part = Part(4, {0}, {(0, 1): 0.2, (0, 2): 1.0}, set())
    metrics = part.sample(scored(("01", 0.9), ("02", 0.8), ("03", 0.1)))
    ideal = 1.0 + 0.2 / np.log2(3)
    assert metrics["ndcg_at_10"] == pytest.approx((0.2 + 1.0 / np.log2(3)) / ideal)


def test_equal_scores_count_as_every_order_of_theirs_alike() -> None:
    """A constant over 12 candidates, one of them listed, finds it among the first ten in 10 of 12 orders."""
    part = Part(13, {0}, {(0, 1): 0.7}, set())
    metrics = part.sample({frozenset(pair): 0.3 for pair in part.pairs})
    assert metrics["listed_auc"] == metrics["pooled_listed_auc"] == 0.5
    assert metrics["recall_at_10"] == pytest.approx(10 / 12)
    assert metrics["ndcg_at_10"] == pytest.approx(sum(1 / np.log2(1 + place) for place in range(1, 11)) / 12)


def test_recall_is_of_ten_where_more_are_listed() -> None:
    """Of 12 listed songs the first ten places can hold ten, and hold nine: an unlisted one is first."""
    part = Part(14, {0}, {(0, song): 0.5 for song in range(1, 13)}, set())
    scores = {frozenset((0, song)): song / 100 for song in range(1, 14)}
    assert part.sample(scores)["recall_at_10"] == pytest.approx(9 / 10)


def test_listed_pairs_of_songs_without_a_list_are_pooled_and_ask_nothing() -> None:
    part = Part(4, {0}, {(0, 1): 0.8, (2, 3): 0.9}, set())
    metrics = part.sample(scored(("01", 0.5), ("02", 0.9), ("03", 0.1), ("23", 0.0)))
    assert part.queries().counts == {"n_queries": 1, "n_left_out": 0, "n_pairs": 4, "n_listed": 2}
    assert metrics["listed_auc"] == 0.5
    assert metrics["pooled_listed_auc"] == 0.25


@pytest.mark.parametrize(
    "part",
    [
        Part(3, set(), {(0, 1): 0.5}, set()),
        Part(3, {0}, {(1, 2): 0.5}, set()),
        Part(2, {0}, {(0, 1): 0.5}, set()),
    ],
    ids=["no list", "no listed neighbour", "no unlisted song"],
)
def test_without_queries_the_means_are_undefined(part: Part) -> None:
    metrics = part.sample({frozenset(pair): 0.5 for pair in part.pairs})
    assert all(np.isnan(metrics[name]) for name in NAMES[:4])
    assert part.queries().counts["n_queries"] == 0


def test_no_pair_at_all_is_no_error() -> None:
    assert np.isnan(
        ranking.measure(Part(2, set(), {}, set()).queries(), {"one": np.zeros(0)}, 3, 0)["one"]
    ).all()


# --- by other means --------------------------------------------------------------------------------


@st.composite
def parts(draw: st.DrawFn) -> tuple[Part, dict[frozenset, float]]:
    """A part of up to 14 songs, and scores with many equal ones."""
    n_songs = draw(st.integers(2, 14))
    songs = st.sets(st.integers(0, n_songs - 1))
    pairs = list(itertools.combinations(range(n_songs), 2))
    grade = st.sampled_from([0.0, 0.1, 0.4, 0.9, 1.0])
    listed = draw(st.dictionaries(st.sampled_from(pairs), grade, max_size=25))
    part = Part(n_songs, draw(songs), listed, draw(songs))
    return part, {frozenset(pair): draw(st.sampled_from([0.0, 0.2, 0.3, 0.8])) for pair in part.pairs}


@given(parts())
@settings(max_examples=80, deadline=None)
def test_the_sample_is_what_scikit_learn_says(given_: tuple[Part, dict[frozenset, float]]) -> None:
    part, scores = given_
    expected = part.slowly(scores, list(range(part.n_songs)))
    for name, value in part.sample(scores).items():
        assert value == pytest.approx(expected[name], nan_ok=True), name


@pytest.mark.slow
@given(parts(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_a_resample_is_the_plain_metric_of_songs_repeated_as_often_as_drawn(
    given_: tuple[Part, dict[frozenset, float]], seed: int
) -> None:
    part, scores = given_
    score = np.array([scores[frozenset(pair)] for pair in part.pairs])
    values = ranking.measure(part.queries(), {"one": score}, 4, seed)["one"]
    songs = sorted({song for pair in part.pairs for song in pair})  # those that are in an observable pair
    for counts, row in zip(
        np.concatenate(list(resampling.song_counts(len(songs), 1, 4, seed))), values, strict=True
    ):
        drawn = [song for song, count in zip(songs, counts, strict=True) for _ in range(count)]
        expected = part.slowly(scores, drawn)
        for name, value in zip(NAMES, row, strict=True):
            assert value == pytest.approx(expected[name], nan_ok=True), name


def test_all_predictors_meet_the_same_draws_however_they_are_cut_into_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = Part(6, {0, 1, 2}, {(0, 1): 0.5, (0, 3): 0.2, (2, 4): 0.9}, {2})
    score = np.linspace(0, 1, len(part.pairs)) ** 2
    queries = part.queries()
    both = ranking.measure(queries, {"one": score, "same": score + 1}, 30, 7)
    assert np.array_equal(both["one"], both["same"], equal_nan=True)
    monkeypatch.setattr(resampling, "_WEIGHTS_PER_CHUNK", 50)
    again = ranking.measure(queries, {"one": score}, 30, 7)["one"]
    assert np.array_equal(both["one"], again, equal_nan=True)
    assert len(np.unique(both["one"][:, 0])) > 3
