"""Last.fm's tags of a song's tracks, from lastfm_tags.db and from JSON files: by hand and by a slow way."""

import sqlite3
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import raw
from tests.raw import LANTERNS, OLA, build

from neuralist.ingest import songs
from neuralist.ingest.sources import common, lastfm_tags

PLACE = "msd/lastfm_tags.db"
NO_WEIGHT = "weight of a tag is not a number from 0 to 100"


def tags(made: songs.Tables, song_id: str) -> list[tuple[str, float]]:
    song = made.songs.set_index("song_id").loc[song_id]
    return list(zip(song["lastfm_tags"], song["lastfm_weights"], strict=True))


def rejected(made: songs.Tables) -> list[tuple[str, str, str]]:
    rejects = made.rejects.loc[made.rejects["source"] == "lastfm_tags", ["where", "reason", "value"]]
    return list(rejects.itertuples(index=False, name=None))


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        build(folder)
    assert "\n" not in str(caught.value)


def test_tags_come_heaviest_first_and_equal_ones_by_name(two_songs: Path) -> None:
    weights = [(1, 1, 20), (1, 2, 100), (1, 3, 20.5), (1, 4, 20), (1, 5, 0)]
    raw.tags_database(two_songs, ["TRAAA1"], ["rock", "Slow  Songs", "80s", "oldies", "live"], weights)
    made = build(two_songs)
    assert tags(made, LANTERNS) == [
        *[("slow songs", 100.0), ("80s", 20.5), ("oldies", 20.0), ("rock", 20.0), ("live", 0.0)]
    ]
    assert tags(made, OLA) == []
    assert made.counts["songs with tags of Last.fm"] == 1
    assert rejected(made) == []


def test_a_song_of_several_tracks_has_the_largest_weight_of_each_tag(two_songs: Path) -> None:
    raw.tracks(two_songs, [(f"TRAAA{n}", "The Lanterns", "Harbour Lights") for n in (1, 2)])
    # Rows 2 and 3 of tids name the same track, and rows 1 and 3 of tags the same tag.
    weights = [(1, 1, 30), (2, 3, 70), (3, 1, 50), (1, 2, 60), (3, 2, 10)]
    raw.tags_database(two_songs, ["TRAAA1", "TRAAA2", "TRAAA2"], ["Rock", "sad", "rock"], weights)
    assert tags(build(two_songs), LANTERNS) == [("rock", 70.0), ("sad", 60.0)]


def test_the_database_changes_no_other_column_or_table(two_songs: Path) -> None:
    before = build(two_songs)
    raw.tags_database(two_songs, ["TRAAA1"], ["soul"], [(1, 1, 100)])
    after = build(two_songs)
    added = ["lastfm_tags", "lastfm_weights"]
    pd.testing.assert_frame_equal(after.songs.drop(columns=added), before.songs.drop(columns=added))
    pd.testing.assert_frame_equal(after.listed, before.listed)
    pd.testing.assert_frame_equal(after.rejects, before.rejects)


def test_both_forms_of_the_same_tags_are_the_same_to_last_fm_s_columns(two_songs: Path) -> None:
    raw.tags_database(two_songs, ["TRAAA1"], ["Rock", "soul"], [(1, 2, 54), (1, 1, 100)])
    from_database = build(two_songs)
    for path in (two_songs / "msd").glob("lastfm_*.db"):
        path.unlink()
    raw.track_file(two_songs, "TRAAA1", [["TRBBB1", 0.5]], [["Rock", "100"], ["soul", "54"]])
    from_files = build(two_songs)
    assert tags(from_files, LANTERNS) == tags(from_database, LANTERNS) == [("rock", 100.0), ("soul", 54.0)]
    # What JSON files add to the record's own tags, they go on adding.
    lanterns = from_files.songs.set_index("song_id").loc[LANTERNS]
    assert lanterns["tags"] == ["rock", "Rock", "soul"]


def test_the_database_is_read_beside_the_tags_of_json_files(two_songs: Path) -> None:
    (two_songs / "msd" / "lastfm_similars.db").unlink()
    raw.track_file(two_songs, "TRAAA1", [["TRBBB1", 0.5]], [["rock", "30"], ["sad", "60"]])
    raw.tags_database(two_songs, ["TRBBB1", "TRAAA1"], ["rock"], [(2, 1, 40), (1, 1, 50)])
    made = build(two_songs)
    assert tags(made, LANTERNS) == [("sad", 60.0), ("rock", 40.0)]
    assert tags(made, OLA) == [("rock", 50.0)]


@pytest.mark.parametrize("value", ["101", "-1", "much", "", None, True, ["1"], "nan", "inf"])
def test_a_tag_of_a_json_file_with_a_faulty_weight_is_a_reject(two_songs: Path, value: object) -> None:
    (two_songs / "msd" / "lastfm_similars.db").unlink()
    raw.track_file(two_songs, "TRAAA1", [["TRBBB1", 0.5]], [["soul", value], ["sad", 5]])
    made = build(two_songs)
    assert tags(made, LANTERNS) == [("sad", 5.0)]
    assert made.songs.set_index("song_id").loc[LANTERNS, "tags"] == ["rock", "soul", "sad"]
    [(where, reason)] = made.rejects[["where", "reason"]].itertuples(index=False, name=None)
    assert (where, reason) == ("lastfm/A/A/A/TRAAA1.json, tag soul", NO_WEIGHT)


# Rows of tid_tag beside a good one; TRAAA1 is row 1, a track without lyrics row 2, one without id row 3.
@pytest.mark.parametrize(
    ("row", "reject"),
    [
        ((1, 1, 100.5), (f"{PLACE}:tid_tag:2", NO_WEIGHT, "100.5")),
        ((1, 1, -1), (f"{PLACE}:tid_tag:2", NO_WEIGHT, "-1.0")),
        ((1, 1, None), (f"{PLACE}:tid_tag:2", NO_WEIGHT, "None")),
        ((1, 1, "much"), (f"{PLACE}:tid_tag:2", NO_WEIGHT, "much")),
        ((1, 1, b"\x01"), (f"{PLACE}:tid_tag:2", NO_WEIGHT, r"b'\x01'")),
        ((1, 3, 5), (f"{PLACE}:tid_tag:2", "a tag without name", "tag 3")),
        ((1, 4, 5), (f"{PLACE}:tid_tag:2", "a tag without name", "tag 4")),
        ((1, 9, 5), (f"{PLACE}:tid_tag:2", "a tag without name", "tag 9")),
        ((1, None, 5), (f"{PLACE}:tid_tag:2", "a tag without name", "tag None")),
        ((2, 1, 5), (f"{PLACE}:tids:TRZZZ9", "no lyrics for this track's tags", "1 tags")),
        ((3, 1, 5), (f"{PLACE}:tid_tag, tid 3", "tags without track id", "1 tags")),
        ((9, 1, 5), (f"{PLACE}:tid_tag, tid 9", "tags without track id", "1 tags")),
        ((None, 1, 5), (f"{PLACE}:tid_tag, tid None", "tags without track id", "1 tags")),
        (("TRAAA1", 1, 5), (f"{PLACE}:tid_tag, tid TRAAA1", "tags without track id", "1 tags")),
    ],
)
def test_a_row_at_fault_is_a_reject_with_its_place(
    two_songs: Path, row: tuple[object, object, object], reject: tuple[str, str, str]
) -> None:
    rows = [(1, 2, 40), row]
    raw.tags_database(two_songs, ["TRAAA1", "TRZZZ9", " "], ["rock", "sad", None, " "], rows)
    made = build(two_songs)
    assert tags(made, LANTERNS) == [("sad", 40.0)]
    assert rejected(made) == [reject]


def test_the_tags_of_a_track_without_lyrics_are_one_reject(two_songs: Path) -> None:
    rows = [(1, 1, 5), (2, 1, 5), (1, 2, 5), (2, 2, 900)]
    raw.tags_database(two_songs, ["TRAAA1", "TRZZZ9"], ["rock", "sad"], rows)
    reject = (f"{PLACE}:tids:TRZZZ9", "no lyrics for this track's tags", "2 tags")
    assert rejected(build(two_songs)) == [reject]


def test_a_tag_in_another_encoding_is_read_with_a_sign_for_what_is_lost(two_songs: Path) -> None:
    raw.tags_database(two_songs, ["TRAAA1"], [b"caf\xe9", "café"], [(1, 1, 5), (1, 2, 4)])
    assert tags(build(two_songs), LANTERNS) == [("caf\ufffd", 5.0), ("café", 4.0)]


def test_a_database_that_another_program_has_locked_is_read(two_songs: Path) -> None:
    path = raw.tags_database(two_songs, ["TRAAA1"], ["rock"], [(1, 1, 5)])
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("begin exclusive")
        assert tags(build(two_songs), LANTERNS) == [("rock", 5.0)]
    other.close()


def test_a_database_that_is_none_or_cut_or_lacks_a_table_is_refused(two_songs: Path) -> None:
    rows = [(1, tag, 5) for tag in range(1, 2001)]
    path = raw.tags_database(two_songs, ["TRAAA1"], [f"tag {number}" for number in range(2000)], rows)
    whole = path.read_bytes()
    for content in (
        b"",
        b"not a database at all" * 100,
        whole[:20_000],
        *(whole.replace(name, name[::-1]) for name in (b"tid_tag", b"tids", b"tags")),
    ):
        path.write_bytes(content)
        refused(two_songs, f"{PLACE}: not a whole SQLite file with tids.tid., .* put the official file there")
    path.unlink()
    path.mkdir()
    refused(two_songs, f"{PLACE}: not a whole SQLite file with")


def test_a_database_of_which_nothing_can_be_used_is_refused(two_songs: Path) -> None:
    path = raw.tags_database(two_songs, ["TRAAA1"], ["rock"], [])
    refused(two_songs, f"{PLACE}: no entry in it; put the whole file there")
    path.unlink()
    raw.tags_database(two_songs, ["TRAAA1"], ["rock"], [(1, 1, 400), (7, 1, 5)])
    refused(two_songs, f"{PLACE}: none of its 2 entries can be used; the first, {PLACE}:tid_tag:1: weight")


def test_tracks_without_lyrics_alone_are_no_fault_of_the_file(two_songs: Path) -> None:
    raw.tags_database(two_songs, ["TRZZZ9"], ["rock"], [(1, 1, 5)])
    assert build(two_songs).counts["songs with tags of Last.fm"] == 0


def test_two_databases_of_tags_are_refused(two_songs: Path) -> None:
    raw.tags_database(two_songs, ["TRAAA1"], ["rock"], [(1, 1, 5)])
    raw.tags_database(two_songs / "older", ["TRAAA1"], ["rock"], [(1, 1, 5)])
    refused(two_songs, "expected lastfm_tags.db once; found msd/lastfm_tags.db, older/msd/lastfm_tags.db")


def test_the_generic_form_has_no_tags_of_last_fm(tmp_path: Path) -> None:
    raw.texts(tmp_path, [["a", raw.lyrics("sea"), "rock"], ["b", raw.lyrics("hail"), ""]], "id,text,tags")
    raw.pairs(tmp_path, [["a", "b", "0.5"]])
    made = build(tmp_path)
    assert [tags(made, song_id) for song_id in "ab"] == [[], []]


TRACKS = st.sampled_from(["TRa", "TRb", "TRc", "", None])
NAMES = st.sampled_from(["rock", "Rock", " rock", "sad", "SAD", "straße", "STRASSE", "", " ", None])
WEIGHTS = st.sampled_from([0, 1, 54, 100, 100.5, -3, None]) | st.floats(-1, 101)
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), WEIGHTS), max_size=12)


@settings(deadline=None, max_examples=60)
@given(st.lists(TRACKS, max_size=6), st.lists(NAMES, max_size=6), ROWS, st.sets(TRACKS, min_size=1))
def test_tags_are_those_of_three_plain_loops(
    tmp_path_factory: pytest.TempPathFactory,
    tracks: list[str | None],
    names: list[str | None],
    rows: list[tuple[int, int, float | None]],
    with_lyrics: set[str | None],
) -> None:
    folder = tmp_path_factory.mktemp("tags")
    path = raw.tags_database(folder, tracks, names, rows)
    wanted = sorted(track for track in with_lyrics if track)
    expected: dict[str, dict[str, float]] = {}
    n_faulty, others = 0, set[int]()
    for track_row, tag_row, weight in rows:
        track = tracks[track_row - 1] if 0 < track_row <= len(tracks) else None
        name = names[tag_row - 1] if 0 < tag_row <= len(names) else None
        if track and track not in wanted:
            others.add(track_row)
        elif not track or not name or not name.strip() or weight is None or not 0 <= weight <= 100:
            n_faulty += 1
        else:
            of_track = expected.setdefault(track, {})
            folded = {"straße": "strasse"}.get(name.strip().lower(), name.strip().lower())
            of_track[folded] = max(weight, of_track.get(folded, 0))
    nothing = common.Similarities(pd.DataFrame(), frozenset(), {}, common.rejects())
    if not expected and not others:
        with pytest.raises(ValueError, match=r"no entry in it|can be used"):
            lastfm_tags.add(nothing, folder, path, wanted)
        return
    made = lastfm_tags.add(nothing, folder, path, wanted)
    merged = {track: lastfm_tags.merged(of_track) for track, of_track in made.lastfm_tags.items()}
    assert merged == expected
    n_nameless = made.rejects.loc[made.rejects["reason"] == "tags without track id", "value"]
    n_whole = sum(int(value.split()[0]) for value in n_nameless)
    assert len(made.rejects) - len(n_nameless) - len(others) + n_whole == n_faulty


@given(st.lists(st.tuples(NAMES.filter(bool), st.floats(0, 100))), st.randoms())
def test_the_order_in_which_tags_come_makes_no_difference(
    listed: list[tuple[str, float]], random: Random
) -> None:
    shuffled = random.sample(listed, len(listed))
    merged = lastfm_tags.merged(listed)
    assert list(merged.items()) == list(lastfm_tags.merged(shuffled).items())
    weights = list(merged.values())
    assert weights == sorted(weights, reverse=True)


def test_real_songs_have_the_tags_that_stand_in_the_database(real: Path) -> None:
    made = raw.built(real)
    with sqlite3.connect(f"file:{real}/msd/lastfm_tags.db?mode=ro", uri=True) as database:
        tracks = {track for (track,) in database.execute("select tid from tids")}
    database.close()
    has_tags = made.songs["track_ids"].map(lambda ids: not tracks.isdisjoint(ids))
    assert (made.songs["lastfm_tags"].map(len) > 0).equals(has_tags)
    assert has_tags.sum() == made.counts["songs with tags of Last.fm"] == 1357
    n_rejects = made.rejects["source"].value_counts()
    assert len(tracks & {*made.songs["track_ids"].explode()}) + n_rejects["lastfm_tags"] == len(tracks)
