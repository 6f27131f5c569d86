"""Lists of duplicates: tracks of one song make a group of their songs, as covers do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.raw import LANTERNS, OLA, build

from neuralist.ingest import covers, songs

LIST = "# MILLION SONG DATASET\n# duplicates\n%0 1 The Lanterns\nTRAAA1\nTRBBB1\n"


def groups(made: songs.Tables) -> dict[str, str]:
    return dict(zip(made.songs["song_id"], made.songs["group_id"], strict=True))


def write(folder: Path, text: str, name: str = "lastfm_duplicates") -> None:
    (folder / "msd" / f"{name}.txt").write_text(text, encoding="utf-8", newline="")


@pytest.mark.parametrize("name", ["lastfm_duplicates", "msd_duplicates"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_songs_of_one_group_share_group_and_fold(two_songs: Path, name: str, line_end: str) -> None:
    before = build(two_songs)
    assert groups(before) == {LANTERNS: LANTERNS, OLA: OLA}

    write(two_songs, LIST.replace("\n", line_end), name)
    made = build(two_songs)
    # Of two songs of one year the first by id names the group.
    assert groups(made) == {LANTERNS: OLA, OLA: OLA}
    assert made.songs["fold"].nunique() == 1
    assert made.counts["groups of covers"] == 1


def test_without_a_list_nothing_is_counted_or_changed(two_songs: Path) -> None:
    before = build(two_songs)
    write(two_songs, "%0\nTRAAA1\n%1\nTRBBB1\n")
    after = build(two_songs)
    pd.testing.assert_frame_equal(before.songs, after.songs)
    assert "duplicates" not in before.counts
    assert after.counts == before.counts | {
        "duplicates": {"groups": 2, "songs joined": 0, "track ids not in unique_tracks.txt": 0}
    }


def test_unknown_tracks_are_harmless_and_counted(two_songs: Path) -> None:
    write(two_songs, "%0 1\nTRZZZ8\nTRAAA1\nTRZZZ9\nTRBBB1\n%1 1\nTRZZZ9\nTRZZZ7\n")
    made = build(two_songs)
    assert groups(made) == {LANTERNS: OLA, OLA: OLA}
    assert made.counts["duplicates"] == {
        "groups": 2,
        "songs joined": 2,
        "track ids not in unique_tracks.txt": 3,
    }


def test_malformed_lines_are_rejects_with_file_and_line(two_songs: Path) -> None:
    write(two_songs, "TRAAA1\n%0\nTRAAA1\nHarbour Lights\n\nTRBBB1 \n")
    made = build(two_songs)
    assert groups(made)[LANTERNS] == OLA
    rejects = made.rejects.loc[made.rejects["source"] == "lastfm_duplicates"]
    assert rejects[["where", "reason", "value"]].to_numpy().tolist() == [
        ["msd/lastfm_duplicates.txt:1", "no % line before it", "TRAAA1"],
        ["msd/lastfm_duplicates.txt:4", "not a track id", "Harbour Lights"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "msd/lastfm_duplicates.txt: the file is empty"),
        ("# only a comment\n", "msd/lastfm_duplicates.txt: no entry in it"),
        (
            "%0\na\nb\n",
            "none of its 2 entries can be used; the first, msd/lastfm_duplicates.txt:2: not a track",
        ),
    ],
)
def test_a_list_without_any_usable_line_is_refused(two_songs: Path, text: str, message: str) -> None:
    write(two_songs, text)
    with pytest.raises(ValueError, match=message):
        build(two_songs)


def test_groups_with_a_song_in_common_are_one() -> None:
    # Songs 0 to 3; song 2 has two tracks, of which each is in another group; song 3 is in none.
    links = covers.duplicate_links(
        [["TRA"], ["TRB"], ["TRC", "TRD"], ["TRE"]],
        pd.DataFrame({"group": [1, 1, 2, 2, 3], "track_id": ["TRA", "TRC", "TRD", "TRB", "TRX"]}),
    )
    assert {frozenset(link) for link in links.tolist()} == {frozenset({0, 2}), frozenset({1, 2})}

    table = pd.DataFrame({"song_id": list("dcba"), "year": [1980, 1970, 1990, 1960]})
    table["folded"] = ["one text", "another text", "a third text", "a fourth text"]
    assert covers.group_ids(table, 0.4, links).tolist() == ["c", "c", "c", "a"]
    assert covers.group_ids(table, 0.4, np.empty((0, 2), np.int64)).tolist() == ["d", "c", "b", "a"]
