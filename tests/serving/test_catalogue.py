"""The nearest songs, a song by its name, and a walk from song to song, on a catalogue of five."""

import itertools
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance
from tests import served

from neuralist.model import neighbours
from neuralist.model.similarity import Similarity
from neuralist.serving.catalogue import Catalogue
from neuralist.serving.facts import Facts

ORIGIN = np.zeros((1, 2), dtype=np.float32)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(served.SONGS, served.EMBEDDINGS, Similarity("manhattan"))


def _ids(found: pd.DataFrame) -> list[str]:
    return found.song_id.tolist()


def test_the_nearest_songs_come_first_with_their_similarity(catalogue: Catalogue) -> None:
    found = catalogue.nearest(ORIGIN, 3)
    assert found.columns.tolist() == ["query", "rank", "song_id", "artist", "title", "year", "similarity"]
    # Distances 0, 0.1 and 0.5; s1 and s4 are equally far, and s1 stands first in the catalogue.
    assert found["query"].tolist() == [0, 0, 0]
    assert found["rank"].tolist() == [1, 2, 3]
    assert _ids(found) == ["s0", "s3", "s1"]
    assert found.title.tolist() == ["Moss", "Moor", "Stone"]
    assert found.similarity.tolist() == [1.0, round(math.exp(-0.1), 6), served.MOSS_STONE]
    assert found.year.tolist() == [1990, pd.NA, 2000]


def test_each_query_is_answered_on_its_own(catalogue: Catalogue) -> None:
    found = catalogue.nearest(served.EMBEDDINGS[[2, 4]], 1)
    assert found[["query", "rank", "song_id"]].to_numpy().tolist() == [[0, 1, "s2"], [1, 1, "s4"]]


def test_more_than_there_are_gives_all(catalogue: Catalogue) -> None:
    assert _ids(catalogue.nearest(ORIGIN, 100)) == ["s0", "s3", "s1", "s4", "s2"]


def test_no_query_gives_no_rows(catalogue: Catalogue) -> None:
    assert catalogue.nearest(ORIGIN[:0], 3).empty


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"exclude_artist": "ANNA"}, ["s4", "s2"]),  # and what she sings with a guest
        ({"exclude_artist": "bjorn"}, ["s0", "s3", "s1", "s4"]),
        ({"exclude_artist": "dots"}, ["s0", "s3", "s1", "s2"]),
        ({"min_year": 2000}, ["s1", "s2"]),  # s3's year is unknown
        ({"max_year": 1995}, ["s0", "s4"]),
        ({"min_year": 1991, "max_year": 2000}, ["s1", "s4"]),
        ({"min_year": 2011}, []),
    ],
)
def test_options_leave_songs_out(catalogue: Catalogue, options: dict[str, object], ids: list[str]) -> None:
    assert _ids(catalogue.nearest(ORIGIN, 5, **options)) == ids


@pytest.mark.parametrize(
    ("language", "of_query", "ids"),
    [
        ("same", "en", ["s0", "s1"]),
        ("other", "en", ["s4", "s2"]),  # s3's language is unknown
        ("other", "fr", ["s0", "s1", "s4", "s2"]),
        ("same", "fr", []),
        ("sv", "en", ["s2"]),
        ("DE", "?", ["s4"]),
        ("ger", "?", ["s4"]),
        ("fr", "?", []),
    ],
)
def test_songs_are_chosen_by_their_language(
    catalogue: Catalogue, language: str, of_query: str, ids: list[str]
) -> None:
    found = catalogue.nearest(ORIGIN, 5, language=language, query_languages=[of_query])
    assert _ids(found) == ids
    spoken = served.SONGS.set_index("song_id")["language"]
    assert found["language"].tolist() == spoken.loc[ids].tolist()


def test_each_query_has_a_language_of_its_own(catalogue: Catalogue) -> None:
    found = catalogue.nearest(
        np.repeat(ORIGIN, 3, axis=0), 1, language="same", query_languages=["de", "en", "de"]
    )
    assert found[["query", "song_id"]].to_numpy().tolist() == [[0, "s4"], [1, "s0"], [2, "s4"]]


def test_other_options_and_facts_hold_beside_a_language() -> None:
    catalogue = Catalogue(served.SONGS, served.EMBEDDINGS, Similarity("manhattan"), served.BLEND)
    options = {"language": "other", "query_languages": ["en"]}
    assert _ids(catalogue.nearest(ORIGIN, 5, min_year=2000, **options)) == ["s2"]
    # By year s2, 30 years from 1980, has log-odds 3.75 less; s4 half of that.
    assert _ids(catalogue.nearest(ORIGIN, 5, facts=[Facts(year=1980)], **options)) == ["s4", "s2"]
    found = catalogue.nearest(ORIGIN, 5, facts=[Facts(year=2015)], contrast=True, **options)
    assert _ids(found) == ["s4"]


@given(st.data())
def test_a_language_chooses_as_taking_the_other_songs_away_would(data: st.DataObject) -> None:
    n = 12
    spoken = data.draw(st.lists(st.sampled_from(["en", "fr", "de", "?"]), min_size=n, max_size=n))
    own = data.draw(st.sampled_from(["en", "fr", "de"]))
    language = data.draw(st.sampled_from(["same", "other", "fr"]))
    songs = pd.concat([served.SONGS] * 3, ignore_index=True).iloc[:n]
    songs = songs.assign(song_id=[f"s{number}" for number in range(n)], language=spoken)
    songs["group_id"] = songs["song_id"]
    embeddings = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    wanted = {"same": {own}, "other": {"en", "fr", "de"} - {own}, "fr": {"fr"}}[language]
    expected = [f"s{row}" for row in np.abs(embeddings).sum(axis=1).argsort() if spoken[row] in wanted]

    found = Catalogue(songs, embeddings, Similarity("manhattan")).nearest(
        ORIGIN, n, language=language, query_languages=[own]
    )
    assert _ids(found) == expected


@pytest.mark.parametrize("language", ["same", "other"])
def test_a_query_of_unknown_language_is_refused(catalogue: Catalogue, language: str) -> None:
    reason = (
        f"language: received '{language}', but that of the query is unknown (under 20 words, or no "
        "language for sure); give a code such as en"
    )
    for of_queries, where in ((["?"], ""), (None, ""), (["en", "?"], "row 2 of 2, ")):
        queries = np.repeat(ORIGIN, len(of_queries or "1"), axis=0)
        with pytest.raises(ValueError) as refused:
            catalogue.nearest(queries, 5, language=language, query_languages=of_queries)
        assert str(refused.value) == where + reason


def test_a_playlist_stays_in_the_first_songs_language_or_leaves_it(catalogue: Catalogue) -> None:
    # From s2, which alone is Swedish, all but s3, whose language is unknown, are in another.
    assert catalogue.playlist(2, 3, language="other") == [2, 1, 4]
    assert catalogue.playlist(4, 2, language="en") == [4, 0]
    with pytest.raises(ValueError, match="no song is left after 1 of 2 songs"):
        catalogue.playlist(2, 2, language="same")
    with pytest.raises(ValueError, match="that of the query is unknown"):
        catalogue.playlist(3, 2, language="same")


@pytest.mark.parametrize(
    ("k", "options", "words"),
    [
        (0, {}, "k: received 0; give a whole number, 1 or more"),
        ("3", {}, "k: received '3'"),
        (2.0, {}, "k: received 2.0"),
        (True, {}, "k: received True"),
        (1, {"min_year": 2000, "max_year": 1999}, "min_year: received 2000"),
        (1, {"min_year": "1990"}, "min_year: received '1990'; give a year as a whole number, or None"),
        (1, {"max_year": True}, "max_year: received True"),
        (1, {"exclude_artist": 5}, "exclude_artist: received 5; give a name, or None"),
        (1, {"language": "jp"}, "'jp', which is no code of a language (is ja meant?); give same, other or"),
        (1, {"language": "xx"}, "a language; give same, other or a code; the catalogue has en (2), de (1)"),
        (1, {"language": 5}, "language: received 5"),
    ],
)
def test_options_out_of_range_are_refused(
    catalogue: Catalogue, k: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        catalogue.nearest(ORIGIN, k, **options)


def test_a_number_of_numpy_is_a_whole_number_too(catalogue: Catalogue) -> None:
    assert _ids(catalogue.nearest(ORIGIN, np.int64(1), max_year=np.int64(1995))) == ["s0"]


def test_a_song_without_artist_and_title_goes_by_its_id_and_first_words() -> None:
    songs = served.SONGS.astype({"first_words": object})
    songs.loc[1, ["artist", "title", "first_words"]] = None, None, "stone on stone…"
    catalogue = Catalogue(songs, served.EMBEDDINGS, Similarity("manhattan"))
    assert catalogue.nearest(ORIGIN, 3)["title"].tolist() == ["Moss", "Moor", "stone on stone…"]
    assert catalogue.label("s1", None, "stone on stone…") == "s1: stone on stone…"
    assert catalogue.label("s0", "Anna", "Moss") == "Anna - Moss"
    queries = "s1", "s1: stone on stone", "s0", "Anna - Moss"
    assert [catalogue.find(text).position for text in queries] == [1, 1, 0, 0]
    assert catalogue.find("stone on stone").suggestions[0] == "s1: stone on stone…"


def test_an_id_goes_before_a_name_that_reads_like_it() -> None:
    songs = served.SONGS.assign(artist=None, title=["s1", None, None, None, None])
    catalogue = Catalogue(songs, served.EMBEDDINGS, Similarity("manhattan"))
    assert catalogue.find("s1").position == 1


def test_texts_without_artist_and_title_go_by_their_ids() -> None:
    unnamed = served.SONGS.assign(artist=None, title=[None, None, "Fern", None, None])
    unnamed.loc[3, "artist"] = "Anna"
    catalogue = Catalogue(unnamed, served.EMBEDDINGS, Similarity("manhattan"))
    assert [catalogue.find(name).position for name in ("s0", "s1", "Fern", "Anna", "s4")] == [0, 1, 2, 3, 4]
    assert catalogue.find("s9").suggestions[0] in {"s0", "s1", "s4"}
    # No two of them are by the same artist: from 0 the nearest are s3 (0.1), s1 (0.4), s2 (0.25), s4 (1.25).
    assert catalogue.playlist(0, 5) == [0, 3, 1, 2, 4]
    assert _ids(catalogue.nearest(ORIGIN, 5, exclude_artist="anna")) == ["s0", "s1", "s4", "s2"]


# --- versions and covers of a song -----------------------------------------------------------------


@pytest.fixture
def covered() -> Catalogue:
    """s3 at 0.1 and s4 at 0.5 are versions of s0 at 0; s2 at 0.75 is one of s1 at 0.5."""
    songs = served.SONGS.assign(group_id=["s0", "s1", "s1", "s0", "s0"])
    return Catalogue(songs, served.EMBEDDINGS, Similarity("manhattan"))


def test_of_each_group_the_nearest_song_is_shown(covered: Catalogue) -> None:
    assert _ids(covered.nearest(ORIGIN, 5)) == ["s0", "s1"]
    assert covered.nearest(ORIGIN, 5)["rank"].tolist() == [1, 2]
    # From s2 the nearest of its group is s2 itself, and s0 and s3 of the other are 0.75 and 0.65 away.
    assert _ids(covered.nearest(served.EMBEDDINGS[[2]], 5)) == ["s2", "s3"]
    assert _ids(covered.nearest(ORIGIN, 5, versions=True)) == ["s0", "s3", "s1", "s4", "s2"]


def test_of_a_group_the_nearest_song_that_passes_the_filters_is_shown(covered: Catalogue) -> None:
    assert _ids(covered.nearest(ORIGIN, 5, exclude_artist="Anna")) == ["s4", "s2"]
    assert _ids(covered.nearest(ORIGIN, 5, min_year=2005)) == ["s2"]


@pytest.mark.parametrize(("versions", "ids"), [(False, ["s1"]), (True, ["s3", "s1", "s4", "s2"])])
def test_no_song_of_the_excluded_songs_group_is_its_neighbour(
    covered: Catalogue, versions: bool, ids: list[str]
) -> None:
    assert _ids(covered.nearest(ORIGIN, 5, exclude_song=0, versions=versions)) == ids
    found = covered.nearest(ORIGIN, 5, exclude_song=0, versions=versions, min_year=2005)
    assert _ids(found) == (["s2"])


def test_a_playlist_plays_one_song_of_a_group(covered: Catalogue) -> None:
    # The groups are {s0, s3, s4} and {s1, s2}; s1 is nearer to s0, but by Anna too.
    assert covered.playlist(0, 2) == [0, 2]
    with pytest.raises(ValueError, match="no song is left after 2 of 3 songs"):
        covered.playlist(0, 3)
    assert covered.playlist(0, 5, versions=True) == [0, 4, 3, 2, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 8), st.booleans())
def test_k_groups_are_shown_where_there_are_as_many(groups: list[int], k: int, excludes: bool) -> None:
    n = len(groups)
    songs = pd.DataFrame(
        {"song_id": [f"s{row}" for row in range(n)], "artist": None, "title": None, "year": pd.NA}
    ).assign(group_id=[f"g{group}" for group in groups], first_words=None, tags=None, tag_weights=None)
    catalogue = Catalogue(songs, np.random.default_rng(n).normal(size=(n, 2)), Similarity("manhattan"))
    found = catalogue.nearest(catalogue.embeddings[:1], k, exclude_song=0 if excludes else None)
    shown = [groups[int(song_id[1:])] for song_id in found.song_id]
    others = set(groups) - {groups[0]} if excludes else set(groups)
    assert len(shown) == len(set(shown)) == min(k, len(others))
    assert set(shown) <= others
    by_hand = distance.cdist(catalogue.embeddings[:1], catalogue.embeddings, "cityblock")[0]
    nearest = sorted(others, key=lambda group: min(by_hand[np.array(groups) == group]))
    assert shown == nearest[:k]


@pytest.mark.parametrize(("kind", "metric"), [("manhattan", "cityblock"), ("cosine", "cosine")])
def test_the_search_finds_what_scipy_finds(kind: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 7)  # several blocks, the last one short
    rng = np.random.default_rng(3)
    embeddings, queries = rng.normal(size=(40, 5)), rng.normal(size=(6, 5))
    songs = pd.concat([served.SONGS] * 8, ignore_index=True)
    songs["song_id"] = songs["group_id"] = [str(row) for row in range(40)]
    found = Catalogue(songs, embeddings, Similarity(kind)).nearest(queries, 4)
    nearest = np.argsort(distance.cdist(queries, embeddings, metric), axis=1)[:, :4]
    assert _ids(found) == [str(row) for row in nearest.ravel()]


@pytest.mark.parametrize("text", ["Anna - Stone", "anna stone", "ANNA — “Stone”", "  Anna  -  Stone "])
def test_a_name_is_found_however_it_is_written(catalogue: Catalogue, text: str) -> None:
    assert catalogue.find(text) == (1, ())


def test_a_name_with_a_typing_error_is_found_and_others_are_suggested(catalogue: Catalogue) -> None:
    match = catalogue.find("Bjoern - Fern")
    assert match.position == 2
    assert match.suggestions[0] == "Björn - Fern"
    assert len(match.suggestions) == 5


@pytest.mark.parametrize("text", ["Anna", "Nobody - Nowhere", "?", "Anna - Mo"])
def test_what_is_not_surely_a_song_is_only_suggested(catalogue: Catalogue, text: str) -> None:
    match = catalogue.find(text)
    assert match.position is None
    assert 0 < len(match.suggestions) <= 5


@pytest.mark.parametrize("blank", ["", " \t"])
def test_a_blank_suggests_no_song_for_all_are_equally_far(catalogue: Catalogue, blank: str) -> None:
    assert catalogue.find(blank) == (None, ())


def test_of_two_songs_of_one_name_the_first_is_found() -> None:
    songs = pd.concat([served.SONGS, served.SONGS], ignore_index=True)
    twice = Catalogue(songs, np.concatenate([served.EMBEDDINGS] * 2), Similarity("manhattan"))
    assert twice.find("Anna - Moss").position == 0


def test_a_playlist_walks_to_the_nearest_song_of_another_artist(catalogue: Catalogue) -> None:
    # From s0 (Anna) the nearest by others are s4 at 0.5 and s2 at 0.75; from s4 s3 (0.6) is nearer than
    # s1 (1.0) and s2 (1.25); from s3, Anna too, only s2 is by another; from there s1 is the last.
    assert catalogue.playlist(0, 5) == [0, 4, 3, 2, 1]


def test_a_playlist_that_cannot_go_on_says_how_far_it_came(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="no song is left after 5 of 6 songs"):
        catalogue.playlist(0, 6)
    only_anna = Catalogue(served.SONGS.iloc[:2], served.EMBEDDINGS[:2], Similarity("manhattan"))
    with pytest.raises(ValueError, match="every song left is by Anna after 1 of 2 songs"):
        only_anna.playlist(0, 2)


@pytest.mark.parametrize(
    ("start", "n", "said"),
    [(-1, 2, "start: received song -1"), (5, 2, "start: received song 5"), (0, 0, "n: rec")],
)
def test_a_playlist_needs_a_song_and_a_number(catalogue: Catalogue, start: int, n: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        catalogue.playlist(start, n)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.data())
def test_no_song_comes_twice_and_no_artist_twice_in_a_row(artists: list[int], data: st.DataObject) -> None:
    songs = pd.DataFrame({"artist": [f"Artist {number}" for number in artists]})
    songs = songs.assign(song_id="s", title="", first_words=None, tags=None, tag_weights=None)
    songs = songs.assign(group_id=range(len(artists)))
    embeddings = np.random.default_rng(len(artists)).normal(size=(len(artists), 2))
    catalogue = Catalogue(songs, embeddings, Similarity("manhattan"))
    start = data.draw(st.integers(0, len(artists) - 1))
    for n in range(1, len(artists) + 1):
        try:
            walk = catalogue.playlist(start, n)
        except ValueError:
            break
        assert len(walk) == len(set(walk)) == n
        assert walk[0] == start
        assert all(artists[one] != artists[next_] for one, next_ in itertools.pairwise(walk))


def test_a_served_folder_is_read(tmp_path: Path) -> None:
    catalogue = Catalogue.load(served.write(tmp_path))
    assert catalogue.similarity == Similarity("manhattan")
    assert catalogue.songs.song_id.tolist() == ["s0", "s1", "s2", "s3", "s4"]
    np.testing.assert_array_equal(catalogue.embeddings, served.EMBEDDINGS)


def test_a_folder_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    np.save(folder / "embeddings.npy", served.EMBEDDINGS[:3])
    with pytest.raises(ValueError, match="5 songs and 3 embeddings"):
        Catalogue.load(folder)
    (folder / "embeddings.npy").unlink()
    with pytest.raises(ValueError, match=r"embeddings\.npy missing"):
        Catalogue.load(folder)
