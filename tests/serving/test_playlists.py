"""Paths between two songs, and songs like some and unlike others, with answers told by hand.

The similarity is exp(-Manhattan distance), so that a step's length is the Manhattan distance.
"""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralist.model.similarity import Similarity
from neuralist.serving import playlists
from neuralist.serving.catalogue import Catalogue

# A, B, and between them on a line C, D, E; F stands aside.
PLACES = [(0, 0), (4, 0), (2, 0), (1, 0), (3.5, 0), (2, 3)]
A, B, C, D, E, F = range(6)


def catalogue(
    places: list[tuple[float, float]] = PLACES, artists: str = "uvwxyz", groups: str = "abcdef"
) -> Catalogue:
    songs = pd.DataFrame({"artist": list(artists), "group_id": list(groups), "year": pd.NA})
    songs = songs.assign(
        song_id=[f"s{number}" for number in range(len(songs))],
        title="Title",
        language=["en", "en", "en", "fr", "en", "?"],
        first_words=None,
        tags=None,
        tag_weights=None,
    )
    return Catalogue(songs, np.array(places, dtype=np.float32), Similarity("manhattan"))


@pytest.mark.parametrize(
    ("n", "path"),
    [
        (2, [A, B]),
        (3, [A, C, B]),  # 4 + 4, beside 1 + 9 over D and 12.25 + 0.25 over E
        (4, [A, D, C, B]),  # 1 + 1 + 4, beside 1 + 6.25 + 0.25 over D and E, 4 + 2.25 + 0.25 over C and E
        (5, [A, D, C, E, B]),
        (6, [A, D, C, F, E, B]),  # C and F are both half-way; C comes first in the catalogue
    ],
)
def test_a_path_takes_the_steps_whose_squares_have_the_least_sum(n: int, path: list[int]) -> None:
    assert catalogue().path(A, B, n) == path


def test_a_path_goes_back_the_same_way() -> None:
    assert catalogue().path(B, A, 5) == [B, E, C, D, A]


def test_on_a_path_no_two_songs_in_a_row_are_by_one_artist() -> None:
    # C is by the first song's artist: over D it is 1 + 9, over E 12.25 + 0.25.
    assert catalogue(artists="uvuxyz").path(A, B, 3) == [A, D, B]
    assert catalogue(artists="uvuxyz").path(A, B, 4) == [A, D, C, B]


def test_of_the_versions_of_a_song_a_path_takes_the_one_least_out_of_the_way() -> None:
    # F is a version of C: over C the way is 4 long, over F 10.
    covers = catalogue(groups="abcdec")
    assert covers.path(A, B, 5) == [A, D, C, E, B]
    with pytest.raises(ValueError, match="n: 3 songs lie between, and make no path of 6"):
        covers.path(A, B, 6)
    assert covers.path(A, B, 6, versions=True) == [A, D, C, F, E, B]


def test_the_songs_between_are_of_the_language_asked_for() -> None:
    assert catalogue().path(A, B, 3, language="fr") == [A, D, B]
    assert catalogue().path(A, B, 4, language="same") == [A, C, E, B]
    with pytest.raises(ValueError, match=r"1 songs lie between.*the catalogue has en \(4\) and fr \(1\)"):
        catalogue().path(A, B, 4, language="fr")


@pytest.mark.parametrize(
    ("start", "end", "n", "said"),
    [
        (A, A, 3, "end: received the song at which the path begins, or a version of it; name another one"),
        (A, B, 1, "n: received 1; give 2 or more"),
        (A, 6, 3, "end: received song 6; give 0 to 5"),
        (-1, B, 3, "start: received song -1; give 0 to 5"),
        (A, B, 7, "n: 4 songs lie between, and make no path of 7"),
    ],
)
def test_a_path_that_cannot_be_is_refused(start: int, end: int, n: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        catalogue().path(start, end, n)


def test_songs_of_equal_embeddings_still_make_a_path() -> None:
    same = catalogue([(1.0, 1.0)] * 6)
    assert sorted(same.path(B, E, 6)) == [A, B, C, D, E, F]


@given(seed=st.integers(0, 10_000), m=st.integers(2, 7))
@settings(max_examples=60, deadline=None)
def test_the_even_path_is_the_best_of_all_when_each_is_tried(seed: int, m: int) -> None:
    draw = np.random.default_rng(seed)
    distances, artists = draw.random((m, m)), draw.integers(3, size=m)
    for n in range(2, m + 1):
        paths = [(0, *inner, m - 1) for inner in itertools.combinations(range(1, m - 1), n - 2)]
        costs = {
            path: sum(distances[one, other] ** 2 for one, other in itertools.pairwise(path))
            for path in paths
            if all(artists[one] != artists[other] for one, other in itertools.pairwise(path))
        }
        best = list(min(costs, key=costs.__getitem__)) if costs else None
        assert playlists.even_path(distances, artists, n) == best


def test_a_similarity_of_nothing_is_a_long_way_and_not_an_endless_one() -> None:
    one, half, none = playlists.distance(np.array([1.0, 0.5, 0.0]))
    assert (one, half) == (0, pytest.approx(math.log(2)))
    assert 700 < none < math.inf


def test_liked_songs_rank_by_their_product_and_the_others_by_their_mean() -> None:
    # Distances to A, B and F: C 2, 2, 3; D 1, 3, 4; E 3.5, 0.5, 4.5.
    score = {
        C: math.exp(-2) - math.exp(-3),
        D: math.sqrt(math.exp(-1) * math.exp(-3)) - math.exp(-4),
        E: math.sqrt(math.exp(-3.5) * math.exp(-0.5)) - math.exp(-4.5),
    }
    songs, scores = catalogue().like([A, B], [F], 3)
    assert songs == [E, D, C]
    assert scores.tolist() == pytest.approx([score[song] for song in songs], abs=1e-6)


def test_of_several_likes_a_song_near_all_comes_before_one_that_is_nearest_to_one() -> None:
    # Likes at 0 and 4. C is 2 from both; D is 0.6 and 3.6 away, and would be first by the mean; E is 5 and 1.
    places = [(0, 0), (4, 0), (2, 0), (0.5, 0.1), (5, 0), (9, 0)]
    songs, scores = catalogue(places).like([A, B], [], 3)
    assert songs == [C, D, E]
    assert scores.tolist() == pytest.approx([math.exp(-2), math.exp(-2.1), math.exp(-3)], abs=1e-6)


def test_two_songs_to_be_unlike_count_by_their_mean() -> None:
    songs, scores = catalogue().like([A], [B, F], 3)
    assert songs == [D, C, E]
    of_c = math.exp(-2) - (math.exp(-2) + math.exp(-3)) / 2
    assert scores[1] == pytest.approx(of_c, abs=1e-6)


def test_no_liked_song_nor_its_version_is_in_the_list_and_no_artist_twice_in_a_row() -> None:
    # Like A: D at 1, C at 2, E at 3.5, B at 4, F at 5. C is by D's artist, E a version of A.
    songs, _ = catalogue(artists="uvxxyz", groups="abcdaf").like([A], [], 4)
    assert songs == [D, B, C, F]


@pytest.mark.parametrize(
    ("likes", "nots", "n", "said"),
    [
        ([], [A], 1, "likes: received no song; name one or more"),
        ([A], [], 0, "n: received 0; give 1 or more"),
        ([9], [A], 1, "likes: received song 9; give 0 to 5"),
        ([A], [9], 1, "nots: received song 9; give 0 to 5"),
        ([A, B], [B], 1, "nots: received v - Title, or a version of it, which is liked too; name it once"),
        ([A], [], 6, "n: no song is left after 5 of 6 songs; ask for fewer"),
    ],
)
def test_what_cannot_be_liked_is_refused(likes: list[int], nots: list[int], n: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        catalogue().like(likes, nots, n)


def test_where_only_one_artist_is_left_that_is_said() -> None:
    with pytest.raises(ValueError, match="every song left is by one artist after 1 of 2"):
        catalogue(artists="uvwwww").like([A, B], [], 2)
