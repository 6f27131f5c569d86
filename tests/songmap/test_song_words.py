"""Words that songs share, weighed by hand, and groups that anyone would see."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralist.songmap import song_words

SONGS = [
    "Moon, moon, river!",
    "moon moon river tree stone",
    "tree stone stone",
    "STONE lake",
    "nothing of it",
]
# idf = ln((1 + 5 songs) / (1 + songs of the word)) + 1; a word said n times counts 1 + ln n; then length 1
RARE, COMMONER = math.log(6 / 3) + 1, math.log(6 / 4) + 1
TWICE = 1 + math.log(2)
# Corners of a square of side 10, but one, with 5, 4 and 3 songs near them.
CORNERS = np.array([[0, 0]] * 3 + [[10, 0]] * 5 + [[10, 10]] * 4) + np.arange(12)[:, None] / 100
NAMED = song_words.weighted(["moon"] * 3 + ["rail"] * 5 + ["lamp"] * 4)


def test_only_words_of_two_songs_count() -> None:
    assert song_words.weighted(SONGS).terms == ["moon", "river", "stone", "tree"]


def test_weights_are_tfidf_with_logarithmic_counts() -> None:
    weights = song_words.weighted(SONGS).weights.toarray()
    first = np.array([TWICE * RARE, RARE, 0, 0])
    third = np.array([0, 0, TWICE * COMMONER, RARE])
    np.testing.assert_allclose(weights[0], first / np.linalg.norm(first))
    np.testing.assert_allclose(weights[2], third / np.linalg.norm(third))
    np.testing.assert_array_equal(weights[4], 0)


def test_shared_words_come_by_weight_in_both_songs() -> None:
    words = song_words.weighted(SONGS)
    left, right = np.array([0, 1, 0, 1]), np.array([1, 2, 3, 3])
    assert song_words.shared(words, left, right, 3) == [["moon", "river"], ["stone", "tree"], [], ["stone"]]
    assert song_words.shared(words, left, right, 1) == [["moon"], ["stone"], [], ["stone"]]


def test_words_of_equal_weight_go_by_the_alphabet() -> None:
    words = song_words.weighted(["zebra apple mango", "mango zebra apple", "stone"])
    assert song_words.shared(words, np.array([0]), np.array([1]), 3) == [["apple", "mango", "zebra"]]


@pytest.mark.parametrize(("n_songs", "most"), [(20, 10), (110, 11)])
def test_a_word_of_more_than_a_tenth_of_the_songs_is_left_out(n_songs: int, most: int) -> None:
    lyrics = [f"own{number}" for number in range(n_songs)]
    for number in range(most + 1):
        lyrics[number] += " often" if number == most else " often seldom"
    assert song_words.weighted(lyrics).terms == ["seldom"]


def test_songs_without_a_word_in_common_share_none() -> None:
    words = song_words.weighted(["paper", "lantern", "water"])
    assert song_words.shared(words, np.array([0, 1]), np.array([1, 2]), 3) == [[], []]
    assert song_words.distinctive(words, np.array([0, 0, 1]), 3) == [[], []]


def test_the_words_of_some_songs_keep_the_weights_of_all() -> None:
    words = song_words.weighted(SONGS)
    some = words.rows(np.array([True, False, True, False, False]))
    np.testing.assert_array_equal(some.weights.toarray(), words.weights.toarray()[[0, 2]])


def test_a_group_is_named_by_the_words_that_other_songs_lack() -> None:
    lyrics = ["moon star", "moon star both", "train rail", "train both", "rail train"]
    words = song_words.weighted(lyrics)
    # Moon and star weigh the same and go by the alphabet; rail and train do not, for one train is with both.
    found = song_words.distinctive(words, np.array([0, 0, 1, 1, 1]), 2)
    assert found == [["moon", "star"], ["train", "rail"]]


def test_obvious_groups_are_found_the_largest_first() -> None:
    found = song_words.regions(CORNERS, NAMED)
    assert found is not None
    assert found.labels.tolist() == [2] * 3 + [0] * 5 + [1] * 4
    assert found.names == ["rail", "lamp", "moon"]
    distance = np.linalg.norm(CORNERS[:, None] - CORNERS, axis=2)
    groups = [found.labels == group for group in range(3)]
    own = np.array(
        [
            distance[song][groups[group]].sum() / (groups[group].sum() - 1)
            for song, group in enumerate(found.labels)
        ]
    )
    other = np.array(
        [
            min(distance[song][mask].mean() for mask in groups if not mask[song])
            for song in range(len(CORNERS))
        ]
    )
    assert found.silhouette == round(float(((other - own) / np.maximum(own, other)).mean()), 3)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_groups_do_not_depend_on_the_order_of_the_songs(seed: int) -> None:
    order = random.Random(seed).sample(range(12), 12)
    found = song_words.regions(CORNERS[order], NAMED)
    assert found is not None
    assert found.labels.tolist() == [([2] * 3 + [0] * 5 + [1] * 4)[place] for place in order]


@pytest.mark.parametrize("embeddings", [CORNERS[:8], np.ones((30, 4)), np.repeat(CORNERS[[0, 4]], 9, axis=0)])
def test_too_few_songs_or_too_equal_ones_have_no_groups(embeddings: np.ndarray) -> None:
    assert song_words.regions(embeddings, NAMED) is None
