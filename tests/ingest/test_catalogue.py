"""Songs and the changes of catalogue/: who is new, corrected, gone or refused, and why."""

from pathlib import Path

import pandas as pd
import pytest
from tests import raw, trained

from neuralist.data import tables
from neuralist.ingest import catalogue, changes

SEA, MOOR, FERN = (raw.lyrics(subject) for subject in ("sea", "moor", "fern"))


def songs() -> pd.DataFrame:
    """Songs a (2000, folk) and b (2001, folk) of the data, with texts of their own."""
    table = trained.songs({"a": SEA, "b": MOOR})
    lists = {"track_ids": [["TRA"], ["TRB"]], "lastfm_tags": [["sea"], []], "lastfm_weights": [[50.0], []]}
    return table.assign(**{name: pd.Series(values, dtype=object) for name, values in lists.items()})


def added(folder: Path, rows: str, header: str = "id,text,artist,title,year,tags") -> changes.Additions:
    """What added.csv says that holds these rows."""
    (folder / changes.ADDED).write_text(f"{header}\n{rows}")
    return changes.read_added(folder)


def quoted(text: str) -> str:
    return f'"{text}"'


def build(folder: Path, rows: str, *removed: str) -> catalogue.Catalogue:
    return catalogue.build(songs(), added(folder, rows), removed, raw.CHOICES)


def row(built: catalogue.Catalogue, song: str) -> dict[str, object]:
    [found] = built.songs.loc[built.songs["song_id"] == song].to_dict("records")
    return found


def test_without_a_change_the_songs_are_those_of_the_data(tmp_path: Path) -> None:
    changes.create(tmp_path)
    built = catalogue.build(
        songs(), changes.read_added(tmp_path), changes.read_removed(tmp_path), raw.CHOICES
    )

    pd.testing.assert_frame_equal(built.songs, songs())
    assert (built.n_new, built.n_corrected, built.n_removed, len(built.rejects)) == (0, 0, 0, 0)


def test_a_new_song_has_what_its_row_says_and_no_track(tmp_path: Path) -> None:
    built = build(tmp_path, f"c,{quoted(FERN)},Cleo,Fern,2011-05-03,hard rock;live\n")

    assert (built.n_new, built.n_corrected, built.n_removed) == (1, 0, 0)
    assert built.songs["song_id"].tolist() == ["a", "b", "c"]
    assert list(built.songs.columns) == tables.SONGS.names
    new = row(built, "c")
    assert (new["artist"], new["title"], new["year"], new["genre"]) == ("Cleo", "Fern", 2011, "rock")
    assert (new["tags"], new["track_ids"], new["lastfm_tags"]) == (["hard rock", "live"], [], [])
    assert (new["lyrics"], new["n_words"], new["has_list"]) == (FERN, 12 * 5, False)
    assert new["group_id"] == "c"


def test_a_correction_takes_the_songs_place_and_keeps_what_is_left_empty(tmp_path: Path) -> None:
    built = build(tmp_path, f"a,{quoted(FERN)},,,1999,\n")

    assert (built.n_new, built.n_corrected) == (0, 1)
    corrected, before = row(built, "a"), songs().iloc[0]
    assert (corrected["lyrics"], corrected["year"]) == (FERN, 1999)
    assert (corrected["artist"], corrected["title"]) == (before["artist"], before["title"])
    assert (corrected["track_ids"], corrected["lastfm_tags"]) == (["TRA"], ["sea"])
    assert (corrected["has_list"], corrected["fold"]) == (True, before["fold"])


def test_songs_of_the_catalogue_get_their_language_as_those_of_the_data_do(tmp_path: Path) -> None:
    german = (
        "Wir gingen am Abend den Fluss entlang, und die Lampen der Stadt schienen auf dem Wasser, als wir "
        "zwei sangen"
    )
    header = "id,text,artist,title,year,tags,language"
    rows = f"c,{quoted(german)},C,C,,,en\nd,la la,D,D,,,FR\ne,na na,E,E,,,\na,la la la,,,,,\n"
    built = catalogue.build(songs(), added(tmp_path, rows, header), (), raw.CHOICES)

    # The correction of a, too short to tell, keeps the language of the song.
    spoken = built.songs.set_index("song_id")["language"].to_dict()
    assert spoken == {"a": "en", "b": "en", "c": "de", "d": "fr", "e": "?"}


def test_a_removed_song_is_gone_and_is_not_added_either(tmp_path: Path) -> None:
    built = build(tmp_path, f"c,{quoted(FERN)},,,,\n", "a", "c", "never there")

    assert built.songs["song_id"].tolist() == ["b"]
    assert (built.n_new, built.n_removed) == (0, 1)
    [reject] = built.rejects.to_dict("records")
    assert (reject["where"], reject["reason"]) == ("added.csv:2", "was removed from the catalogue")


def test_a_cover_joins_the_group_and_no_group_has_the_id_of_a_song_that_is_gone(tmp_path: Path) -> None:
    cover = f"c,{quoted(SEA)},Anna,Title a,2009,\n"
    assert [row(build(tmp_path, cover), song)["group_id"] for song in "abc"] == ["a", "b", "a"]

    without = build(tmp_path, cover, "a")
    assert [row(without, song)["group_id"] for song in "bc"] == ["b", "c"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('c,"[Instrumental]",,,,', "wrong lyrics: a notice in their place"),
        ('c,"not licensed to display",,,,', "wrong lyrics: a notice in their place"),
        ("c,?!,,,,", "lyrics without a word"),
        (f"c,{quoted(SEA)},Nobody,Elsewhere,,", "wrong lyrics: one text under unrelated artists and titles"),
        (f",{quoted(FERN)},Cleo,Fern,,", "id is empty"),
        (f",{quoted(FERN)},Cleo,,,", "id is empty, and artist or title too"),
        ("c,one,two", "wrong number of fields"),
    ],
)
def test_what_a_raw_record_may_not_be_is_refused_and_the_rest_is_added(
    tmp_path: Path, line: str, reason: str
) -> None:
    built = build(tmp_path, f"d,{quoted(FERN)},,,,\n{line}\n")

    [reject] = built.rejects.to_dict("records")
    assert reject["reason"] == reason
    assert reject["where"] == "added.csv:14"  # after the header and the twelve lines of d
    assert built.songs["song_id"].tolist() == ["a", "b", "d"]


def test_a_song_of_the_data_stays_whatever_is_added(tmp_path: Path) -> None:
    built = build(tmp_path, f"c,{quoted(SEA)},Nobody,Elsewhere,,\n")

    assert built.songs["song_id"].tolist() == ["a", "b"]


# --- the files -------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    text = 'one, "two"\n\nthree'
    given = added(tmp_path, f"c,{quoted(text.replace(chr(34), chr(34) * 2))},Cleo,,2011,a;b\nd,four,,,,\n")
    changes.write_added(tmp_path, given.records)
    again = changes.read_added(tmp_path)

    pd.testing.assert_frame_equal(again.records.drop(columns="where"), given.records.drop(columns="where"))
    assert again.records["lyrics"].tolist() == [text, "four"]
    assert again.records["tags"].tolist() == [["a", "b"], []]


def test_without_a_song_there_is_no_file_and_no_pin(tmp_path: Path) -> None:
    given = added(tmp_path, "c,one,,,,\n")
    (tmp_path / changes.PIN).touch()
    changes.write_added(tmp_path, given.records[:0])

    assert list(tmp_path.iterdir()) == []
    assert changes.read_added(tmp_path).records.empty


def test_songs_that_are_pinned_and_not_there_are_missed(tmp_path: Path) -> None:
    (tmp_path / changes.PIN).touch()

    with pytest.raises(ValueError, match=r"added\.csv: missing, and .* pins it; `dvc pull"):
        changes.read_added(tmp_path)


def test_removals_are_kept_in_the_order_of_their_ids(tmp_path: Path) -> None:
    removed = {"b": changes.Removal("2026-11-30", "asked, by letter"), "a": changes.Removal("", "")}
    changes.write_removed(tmp_path, removed)

    expected = 'id,date,reason\na,,\nb,2026-11-30,"asked, by letter"\n'
    assert (tmp_path / changes.REMOVED).read_text() == expected
    assert changes.read_removed(tmp_path) == removed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,date\na,b\n", r"removed\.csv:1: columns \['reason'\] are missing"),
        ("id,date,reason\n,2026-11-30,\n", r"catalogue/removed\.csv:2: the id is empty"),
        ("id,date,reason\na,b,c,d\n", r"catalogue/removed\.csv:2: 4 instead of 3 fields"),
    ],
)
def test_a_removal_that_cannot_be_read_stops_the_stage(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / changes.REMOVED).write_text(text)

    with pytest.raises(ValueError, match=said):
        changes.read_removed(tmp_path)


# --- a person's file -------------------------------------------------------------------------------


def given(folder: Path, text: str, name: str = "new.csv") -> changes.Additions:
    (folder / name).write_text(text)
    return changes.read_file(folder / name)


def test_texts_may_be_called_lyrics_and_ids_be_left_out(tmp_path: Path) -> None:
    found = given(
        tmp_path, "Artist,Title,Lyrics,Mood\nCleo,Fern,one\nThe  A,Title b,two and two,\nCleo,Moss,six,x\n"
    )
    named = changes.with_ids(found.records, songs().assign(artist=["A", "A"]))

    assert named["lyrics"].tolist() == ["two and two", "six"]
    # "The A" is A, by whom the data have a song of this title.
    assert named["id"].tolist() == ["b", "cleo--moss"]
    assert found.rejects["where"].tolist() == ["new.csv:2"]
    assert found.unread == {"new.csv: mood": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,words\na,b\n", r"new\.csv:1: columns \['text'\] are missing; found \['id', 'words'\]"),
        ("text\none\n", r"columns \['id'\] are missing; .*expected id \(or artist and title\) and text"),
        ("id,text,lyrics\na,b,c\n", "columns text and lyrics; keep the one that holds the lyrics"),
        ("id,text\n", r"new\.csv: no entry in it"),
        ("id,text\n,one\n", "none of its 1 entries can be used; the first, new.csv:2: id is empty"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given(tmp_path, text)


def test_a_file_that_is_no_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"new\.txt: ends in \.txt; give a \.csv"):
        given(tmp_path, "id,text\na,b\n", "new.txt")


def test_a_song_that_stands_twice_counts_once(tmp_path: Path) -> None:
    found = given(tmp_path, "id,text,artist,title\na,one,,\na,two,,\n,three,The A,B\n,four,a,b\n")

    assert found.records["lyrics"].tolist() == ["one", "three"]
    assert found.rejects[["where", "value"]].to_numpy().tolist() == [
        ["new.csv:3", "a"],
        ["new.csv:5", "a - b"],
    ]
