"""Records, track names and lists become songs: by hand on small folders, and counted on the real one."""

from collections import Counter
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import raw

from neuralist.data import splits
from neuralist.ingest import covers, lyrics_check, songs
from neuralist.ingest.sources import formats

LANTERNS = "the-lanterns--harbour-lights"
OLA = "ola-brandt--tin-roof"


def build(folder: Path, similarity_range: tuple[float, float] = (0, 1)) -> songs.Tables:
    return songs.build(formats.read(folder, similarity_range), raw.CHOICES)


def song(made: songs.Tables, song_id: str) -> pd.Series:
    return made.songs.set_index("song_id").loc[song_id]


def reasons(made: songs.Tables) -> dict[str, str]:
    return dict(zip(made.rejects["where"], made.rejects["reason"], strict=True))


def test_both_official_forms_of_one_list_make_the_same_tables(tmp_path: Path) -> None:
    from_database, from_files = raw.two_songs(tmp_path / "database"), raw.two_songs(tmp_path / "files")
    raw.database(from_database, [("TRAAA1", "TRBBB1,0.25,TRZZZ9,0.5"), ("TRBBB1", "TRAAA1,1")])
    raw.track_file(from_files, "TRAAA1", [["TRBBB1", 0.25], ["TRZZZ9", 0.5]])
    raw.track_file(from_files, "TRBBB1", [["TRAAA1", 1]])
    left, right = build(from_database), build(from_files)
    pd.testing.assert_frame_equal(left.songs, right.songs)
    pd.testing.assert_frame_equal(left.listed, right.listed)
    assert left.listed.values[:, :3].tolist() == [["TRAAA1", "TRBBB1", 0.25], ["TRBBB1", "TRAAA1", 1.0]]
    assert left.rejects["value"].tolist() == right.rejects["value"].tolist() == ["1 of 2 targets"]


def test_lists_kept_only_from_the_other_end_are_turned_round(tmp_path: Path) -> None:
    raw.database(raw.two_songs(tmp_path), [("TRBBB1", "TRAAA1,0.25")], table="similars_dest")
    made = build(tmp_path)
    assert made.listed.values[:, :3].tolist() == [["TRAAA1", "TRBBB1", 0.25]]
    assert song(made, LANTERNS)["has_list"]
    assert not song(made, OLA)["has_list"]


def test_a_song_without_track_id_is_a_song_and_a_track_without_song_a_reject(tmp_path: Path) -> None:
    raw.two_songs(tmp_path)
    raw.tracks(tmp_path, [("TRAAA1", "The Lanterns", "Harbour Lights"), ("TRCCC1", "Nobody", "Nothing")])
    raw.database(tmp_path, [("TRAAA1", "TRCCC1,0.25"), ("TRCCC1", "TRAAA1,0.25")])
    made = build(tmp_path)
    assert song(made, OLA)["track_ids"] == []
    assert song(made, LANTERNS)["has_list"]
    assert reasons(made) == {
        "msd/unique_tracks.txt:2": "no lyrics for this track",
        "msd/lastfm_similars.db:similars_src:TRAAA1": "targets without lyrics",
        "msd/lastfm_similars.db:similars_src:TRCCC1": "no lyrics for this track's list",
    }


def test_records_of_one_song_merge_into_the_earliest_with_lyrics(tmp_path: Path) -> None:
    raw.database(raw.two_songs(tmp_path), [("TRAAA1", "TRBBB1,0.25")])
    raw.billboard(tmp_path, [raw.record("Lanterns", "Harbour Lights", year=1970, lyrics="\n")], 1970)
    raw.billboard(tmp_path, [raw.record("Lanterns", "HARBOUR LIGHTS", year=1980)], 1980)
    made = build(tmp_path)
    assert song(made, "lanterns--harbour-lights")["year"] == 1980
    assert song(made, "lanterns--harbour-lights")["track_ids"] == ["TRAAA1"]
    assert reasons(made) == {
        "billboard/1970.json:0": "lyrics without a word",
        "billboard/1985.json:0": "repeat of an earlier record",
    }


def test_every_kind_of_match_is_counted_and_a_strict_one_goes_first(tmp_path: Path) -> None:
    raw.billboard(tmp_path, [raw.record("Ola", "Roof"), raw.record("Ola", "Roof (Part 2)")])
    raw.tracks(
        tmp_path, [("TR1", "OLA", "Roof (Part 2)"), ("TR2", "Ola", "Roof"), ("TR3", "Ola", "Roof [Live]")]
    )
    raw.database(tmp_path, [("TR1", "TR2,0.5")])
    made = build(tmp_path)
    assert song(made, "ola--roof-part-2")["track_ids"] == ["TR1"]
    assert song(made, "ola--roof")["track_ids"] == ["TR2", "TR3"]
    assert made.counts["matched by"] == {"same names": 1, "case and accents": 1, "live or acoustic": 1}


def test_a_comma_between_the_words_of_a_name_does_not_hide_its_tracks(tmp_path: Path) -> None:
    raw.billboard(tmp_path, [raw.record("Earth, Rain & Hail", "Roof")])
    raw.tracks(tmp_path, [("TR1", "Earth Rain and Hail", "Roof")])
    raw.database(tmp_path, [("TR1", "TR2,0.5")])
    assert build(tmp_path).counts["matched by"] == {"punctuation": 1}


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(5)), st.permutations(range(3)))
def test_matching_does_not_hang_on_the_order_of_tracks_or_folds(
    order: list[int], songs_order: list[int]
) -> None:
    tracks = pd.DataFrame(
        [
            ("T1", "Ola", "Roof"),
            ("T2", "ola", "Roof (Live)"),
            ("T3", "Ola feat. Ben", "Roof"),
            ("T4", "X", "Y"),
            ("T5", "Ben", "Roof"),
        ],
        columns=["track_id", "artist", "title"],
    ).assign(where="line")
    known = pd.DataFrame(
        [("a", "Ola", "Roof"), ("b", "Ben", "Roof"), ("c", "The X", "Z")],
        columns=["song_id", "artist", "title"],
    )
    claims, unmatched = songs.match(known.iloc[songs_order], tracks.iloc[order].reset_index(drop=True))
    assert dict(zip(claims.track_id, claims.song_id, strict=True)) == {
        "T1": "a",
        "T2": "a",
        "T3": "a",
        "T5": "b",
    }
    assert unmatched["value"].tolist() == ["X - Y"]


def test_year_and_tags_come_from_the_tracks_where_the_record_has_none(tmp_path: Path) -> None:
    raw.billboard(tmp_path, [raw.record("Ola", "Roof", year=0, tags=["quiet", "Soul"])])
    raw.tracks(tmp_path, [("TRAAA1", "Ola", "Roof"), ("TRAAA2", "Ola", "Roof")])
    (tmp_path / "msd" / "tracks_per_year.txt").write_text(
        "1999<SEP>TRAAA1<SEP>Ola<SEP>Roof\n1972<SEP>TRAAA2<SEP>Ola<SEP>Roof\n1950<SEP>TRZZZ1<SEP>A<SEP>B\n"
    )
    raw.track_file(tmp_path, "TRAAA1", [], [["quiet", "100"], ["rock", "3"]])
    made = build(tmp_path)
    ola = song(made, "ola--roof")
    assert (ola["year"], ola["tags"], ola["genre"]) == (1972, ["quiet", "Soul", "rock"], "soul")
    assert not ola["has_list"]
    assert made.counts["songs with the year of a track"] == 1
    assert reasons(made) == {"msd/tracks_per_year.txt:3": "not in unique_tracks.txt"}


def test_wrong_lyrics_are_rejected_and_covers_are_not() -> None:
    notice = "Unfortunately, we are NOT LICENSED to display the lyrics of this one. " + raw.lyrics("sorry", 3)
    long_text = raw.lyrics("sea") + " they are not licensed to display their wares"
    rows = [
        ("a", "Ola", "Tin Roof", notice),
        ("b", "Ola", "Old Sea", long_text),
        ("c", "Ben", "The Old Sea", long_text),
        ("d", "Cy", "Rain", raw.lyrics("rain")),
        ("e", "Dee", "Gravel", raw.lyrics("rain").upper()),
        ("f", None, None, raw.lyrics("hail")),
        ("g", None, None, raw.lyrics("hail")),
        ("h", "Eve", "Nothing", "--- ♪ ---"),
    ]
    records = pd.DataFrame(rows, columns=["id", "artist", "title", "lyrics"]).assign(where="here")
    kept, rejects = lyrics_check.usable(records, "texts", raw.CHOICES.placeholders)
    assert kept["id"].tolist() == ["b", "c", "f", "g"]
    assert dict(zip(rejects["value"], rejects["reason"], strict=True)) == {
        "a": "wrong lyrics: a notice in their place",
        "d": "wrong lyrics: one text under unrelated artists and titles",
        "e": "wrong lyrics: one text under unrelated artists and titles",
        "h": "lyrics without a word",
    }


def test_overlap_is_the_share_of_the_smaller_songs_phrases() -> None:
    # 23 and 43 words: 20 and 40 distinct phrases; the first 13 words shared: 10 phrases, half of the smaller.
    shared = [f"s{word}" for word in range(13)]
    short, long = (
        " ".join([*shared, *(f"{own}{word}" for word in range(n))]) for own, n in (("a", 10), ("b", 30))
    )
    texts = pd.Series([long, short, "la la la la la", "la la la la la"], dtype="str")
    assert covers.overlapping_pairs(texts, 0.5).tolist() == [[0, 1]]
    assert covers.overlapping_pairs(texts, 0.51).tolist() == []


@given(st.lists(st.sampled_from(["la", "la la", "tin roof", "a b c d e"]), min_size=1, max_size=12))
def test_equal_texts_of_any_length_are_one_group_named_by_the_earliest(texts: list[str]) -> None:
    table = pd.DataFrame({"song_id": [f"s{n:02}" for n in range(len(texts))], "folded": texts})
    table["year"] = pd.array([None] * len(texts), dtype="Int64")
    expected = [f"s{texts.index(text):02}" for text in texts]
    assert covers.group_ids(table.sample(frac=1, random_state=7), 0.4).sort_index().tolist() == expected


def test_texts_equal_but_for_case_and_punctuation_fall_in_one_fold(tmp_path: Path) -> None:
    raw.texts(tmp_path, [["a", "How do I mend a roof?"], ["b", "how do I mend a ROOF"], ["c", "a roof"]])
    raw.pairs(tmp_path, [["a", "c", "1"], ["b", "c", "0"]])
    assert build(tmp_path).songs["group_id"].tolist() == ["a", "a", "c"]


def test_a_text_with_a_date_for_a_year_stays_and_so_do_its_pairs(tmp_path: Path) -> None:
    years = ["2017-04-27", "12/6/13", "c. 1999"]
    raw.texts(tmp_path, [[f"t{n}", f"roof {n}", year] for n, year in enumerate(years)], "id,text,year")
    raw.pairs(tmp_path, [["t0", "t1", "1"], ["t1", "t2", "0"]])
    made = build(tmp_path)
    assert made.songs["year"].astype(object).where(made.songs["year"].notna(), None).tolist() == [
        2017,
        None,
        1999,
    ]
    assert (len(made.listed), len(made.rejects), made.counts["years not read"]) == (2, 0, 1)


def test_a_track_never_gets_the_lyrics_of_a_song_with_a_longer_title_or_name(tmp_path: Path) -> None:
    raw.billboard(tmp_path, [raw.record("Ola", "Stay With Me"), raw.record("Earth", "Roof")])
    lines = [("TR1", "Ola", "Stay"), ("TR2", "Earth, Wind & Fire", "Roof"), ("TR3", "Ola", "Stay with Me!")]
    raw.tracks(tmp_path, lines)
    raw.database(tmp_path, [("TR1", "TR3,0.5"), ("TR3", "TR1,0.5")])
    made = build(tmp_path)
    assert made.songs["track_ids"].tolist() == [[], ["TR3"]]
    assert made.counts["matched by"] == {"punctuation": 1}


@given(st.permutations(range(3)))
def test_a_subtitle_that_two_songs_lack_or_have_gives_neither(order: list[int]) -> None:
    rows = [("a", "Ola", "Angel (Rain)"), ("b", "Ola", "Angel (Hail)"), ("c", "Ben", "Angel (Rain)")]
    known = pd.DataFrame([rows[n] for n in order], columns=["song_id", "artist", "title"])
    tracks = pd.DataFrame(
        [("T1", "Ola", "Angel"), ("T2", "Ben", "Angel")], columns=["track_id", "artist", "title"]
    )
    claims, _ = songs.match(known, tracks.assign(where="line"))
    assert claims[["track_id", "song_id", "kind"]].values.tolist() == [["T2", "c", "subtitle"]]


def test_a_group_takes_the_id_of_its_earliest_song_and_links_go_through() -> None:
    left, both, right = (
        " ".join(f"x{i}" for i in range(30)),
        " ".join(f"x{i}" for i in range(15, 45)),
        " ".join(f"x{i}" for i in range(30, 60)),
    )
    table = pd.DataFrame(
        {
            "song_id": ["d", "c", "b", "a"],
            "year": pd.array([None, 1990, 1980, 1970], dtype="Int64"),
            "folded": [left, both, right, "alone with words of its own"],
        }
    )
    assert covers.group_ids(table, 0.4).tolist() == ["b", "b", "b", "a"]


def test_a_fold_is_the_hash_of_the_group_and_new_songs_do_not_move_it() -> None:
    # printf %s madonna--like-a-virgin | sha256sum, mod 5
    assert splits.fold("madonna--like-a-virgin") == 0
    assert Counter(splits.fold(str(number)) for number in range(5000)).keys() == set(range(5))


def test_the_generic_form_keeps_ids_and_maps_grades(tmp_path: Path) -> None:
    rows = [
        ["b", raw.lyrics("sea"), "Ola", "1999", "rock; x|y", "da"],
        ["a", raw.lyrics("hail"), "", "", "", ""],
    ]
    raw.texts(tmp_path, rows, header="id,text,artist,year,tags,language")
    raw.pairs(
        tmp_path, [["b", "a", "1", "train"], ["b", "a", "4", "val"]], "left_id,right_id,similarity,split"
    )
    made = build(tmp_path, (1, 5))
    assert made.songs[["song_id", "group_id", "genre"]].values.tolist() == [
        ["a", "a", "other"],
        ["b", "b", "rock"],
    ]
    b = song(made, "b")
    assert (b["track_ids"], b["tags"], b["language"], b["year"]) == (["b"], ["rock", "x", "y"], "da", 1999)
    assert made.songs["has_list"].tolist() == [False, False], "a table of grades may be anything but complete"
    assert made.listed.values.tolist() == [["b", "a", 0.0, "train"], ["b", "a", 0.75, "val"]]


def test_each_song_has_the_language_of_its_lyrics_and_else_the_files_code(tmp_path: Path) -> None:
    english = (
        "We walked along the river in the evening, and the lamps of the town were shining on the water as we"
    )
    rows = [["a", english, "fr"], ["b", "la la la", "PT"], ["c", "na na na", "Portuguese"], ["d", "hey", ""]]
    raw.texts(tmp_path, rows, header="id,text,language")
    raw.pairs(tmp_path, [["a", "b", "1"]], "left_id,right_id,similarity")
    made = build(tmp_path)

    assert made.songs["language"].tolist() == ["en", "pt", "?", "?"]
    assert made.counts["language"] == {"en": 1, "pt": 1, "?": 2}


def test_the_same_folder_gives_the_same_tables_whatever_the_order_of_files_on_disk(tmp_path: Path) -> None:
    made = []
    for name, tracks in (("one", ["TRAAA1", "TRBBB1"]), ("two", ["TRBBB1", "TRAAA1"])):
        folder = raw.two_songs(tmp_path / name)
        for track in tracks:
            raw.track_file(folder, track, [["TRAAA1" if track == "TRBBB1" else "TRBBB1", 0.5]])
        made.append(build(folder))
    pd.testing.assert_frame_equal(made[0].listed, made[1].listed)
    pd.testing.assert_frame_equal(made[0].rejects, made[1].rejects)


def test_real_songs_match_the_tracks_that_a_plain_join_finds_and_more(real: Path) -> None:
    made = raw.built(real)
    claimed = made.songs["track_ids"].explode().dropna()
    assert len(claimed) >= 3330
    assert not claimed.duplicated().any()
    assert made.counts["records"] == 4028
    assert len(made.songs) == 3872 - 4
    assert (made.rejects["reason"] == "repeat of an earlier record").sum() == 4028 - 3872
    assert (made.rejects["reason"] == "wrong lyrics: a notice in their place").sum() == 4


def test_real_records_tracks_and_lists_are_each_used_or_rejected(real: Path) -> None:
    made = raw.built(real)
    n_rejects = made.rejects["source"].value_counts()
    assert len(made.songs) + n_rejects["billboard"] == 4028
    assert len(made.songs["track_ids"].explode().dropna()) + n_rejects["unique_tracks"] == 27160


def test_real_covers_fall_in_one_fold(real: Path) -> None:
    made = raw.built(real)
    # 58 pairs with the six of the four songs that hold one notice, and are rejected.
    grouped = made.songs.groupby("group_id").filter(lambda group: len(group) > 1)
    assert grouped["group_id"].nunique() == 52
    assert grouped.groupby("group_id")["fold"].nunique().eq(1).all()
    assert song(made, "joe-cocker--the-letter")["group_id"] == "box-tops--the-letter"


def test_the_predecessors_table_is_read_whole_and_one_notice_in_it_rejected(paper: Path) -> None:
    made = raw.built(paper)
    assert made.counts["records"] == 719
    assert len(made.songs) == 718
    assert len(made.listed) + (made.rejects["source"] == "pairs").sum() == 10816
    assert (made.rejects["source"] != "pairs").sum() == 1
