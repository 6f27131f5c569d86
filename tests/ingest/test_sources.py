"""Every fault of raw files is a ValueError or a reject that names file and line: never a traceback."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import faulty_lists, raw

from neuralist.ingest import songs
from neuralist.ingest.sources import formats, generic_csv, lastfm, similarity_lists


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Two songs that list each other, in the official form with a database."""
    raw.database(raw.two_songs(tmp_path), [("TRAAA1", "TRBBB1,0.5"), ("TRBBB1", "TRAAA1,0.5")])
    return tmp_path


@pytest.fixture
def generic(tmp_path: Path) -> Path:
    """Two texts and one pair in the generic form."""
    raw.texts(tmp_path, [["a", raw.lyrics("sea")], ["b", raw.lyrics("hail")]])
    raw.pairs(tmp_path, [["a", "b", "0.5"]])
    return tmp_path


def read(folder: Path, similarity_range: tuple[float, float] = (0, 1)) -> songs.Tables:
    return songs.build(formats.read(folder, similarity_range), raw.CHOICES)


def refused(folder: Path, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(folder)
    assert "\n" not in str(caught.value)


def rejected(made: songs.Tables) -> list[tuple[str, str, str]]:
    return list(made.rejects[["where", "reason", "value"]].itertuples(index=False, name=None))


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


# --- which form a folder holds -------------------------------------------------------------------------


def test_a_folder_of_neither_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.yaml").write_text("similarity_range: [1, 5]")
    refused(tmp_path, "expected either billboard.* or texts.csv and pairs.csv; found none of them")
    refused(tmp_path / "nowhere", "found none of them")


def test_a_folder_of_both_forms_is_refused(official: Path) -> None:
    raw.texts(official, [["a", "some words"]])
    refused(official, "found billboard, msd/unique_tracks.txt, texts.csv")


@pytest.mark.parametrize("name", ["texts.csv", "pairs.csv"])
def test_half_of_the_generic_form_is_refused(generic: Path, name: str) -> None:
    (generic / name).unlink()
    refused(generic, "alone; expected texts.csv and pairs.csv")


def test_an_official_folder_without_track_names_is_refused(official: Path) -> None:
    (official / "msd" / "unique_tracks.txt").unlink()
    refused(official, "found billboard alone; expected .*unique_tracks.txt")


def test_an_official_folder_with_no_or_both_forms_of_similarities_is_refused(
    official: Path,
) -> None:
    raw.track_file(official, "TRAAA1", [["TRBBB1", 0.5]])
    refused(official, "found msd/lastfm_similars.db, lastfm/A/A/A/TRAAA1.json")
    (official / "msd" / "lastfm_similars.db").unlink()
    (official / "lastfm/A/A/A/TRAAA1.json").unlink()
    refused(official, "Last.fm similarities once, .*; found neither")


def test_a_linked_folder_is_read_as_if_it_stood_there(
    official: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = read(official)
    elsewhere = (official / "msd").rename(tmp_path_factory.mktemp("elsewhere") / "msd")
    (official / "msd").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(official)  # a round that never ends
    after = read(official)
    assert len(before.listed) > 0
    pd.testing.assert_frame_equal(after.listed, before.listed)
    pd.testing.assert_frame_equal(after.songs, before.songs)


def test_vectors_and_unknown_files_are_left_alone(official: Path) -> None:
    for name in ("vectors/TRASH.json", "README.md", "billboard/._1985.json", "notes.json"):
        (official / name).parent.mkdir(exist_ok=True)
        (official / name).write_bytes(b"\xff\x00 none of ours")
    assert len(read(official).songs) == 2


def test_columns_that_are_not_read_are_named_with_what_may_be_meant(generic: Path) -> None:
    raw.texts(generic, [["a", "some words", "soul", ""], ["b", "others", "", ""]], "ID,Text,Genre,")
    assert read(generic).counts["columns not read in"] == {
        "texts.csv: genre (is tags meant?), one without a name": 2
    }
    (generic / "pairs.csv").write_text("left_id,right_id,similarity,spilt,note\na,b,0.5,train,new\n")
    assert "pairs.csv: spilt (is split meant?), note" in read(generic).counts["columns not read in"]


def test_fields_of_records_that_are_not_read_are_named(official: Path) -> None:
    record = {**raw.record("Ola", "Roof"), "Year": 1, "Lyric": "la"}
    raw.billboard(official, [record, raw.record("Ola", "Rain")], 1990)
    assert read(official).counts["columns not read in"] == {"billboard/*.json: Year, lyric": 2}


# --- whole files at fault ------------------------------------------------------------------------------

TEXT_FILES = ["billboard/1985.json", "msd/unique_tracks.txt", "msd/tracks_per_year.txt"]


@pytest.mark.parametrize("name", TEXT_FILES)
def test_an_official_file_in_another_encoding_is_refused_with_its_line(official: Path, name: str) -> None:
    (official / name).write_bytes("first line\nsecond, é\n".encode("latin-1"))
    refused(official, f"{name}:2: byte 0xe9 is not UTF-8; save the file as UTF-8")


@pytest.mark.parametrize("name", ["texts.csv", "pairs.csv"])
def test_a_generic_file_in_another_encoding_is_refused_with_its_line(generic: Path, name: str) -> None:
    (generic / name).write_bytes((generic / name).read_bytes().decode().encode("utf-16"))
    refused(generic, f"{name}:1: byte 0xff is not UTF-8")


@pytest.mark.parametrize("name", [*TEXT_FILES, "msd/lastfm_similars.db"])
def test_an_empty_official_file_is_refused(official: Path, name: str) -> None:
    (official / name).write_bytes(b"")
    refused(official, name)


@pytest.mark.parametrize("name", TEXT_FILES)
def test_a_folder_named_like_a_file_is_refused(official: Path, name: str) -> None:
    (official / name).unlink(missing_ok=True)
    (official / name).mkdir()
    refused(official, f"{name}: cannot be read")


@pytest.mark.parametrize(
    "content", ['[{"artist": "Ola", "ti', "[" * 100_000, "{}", "3", "[]", "null", "[1, 2]"]
)
def test_a_year_file_that_is_cut_short_or_no_list_of_records_is_refused(official: Path, content: str) -> None:
    (official / "billboard" / "1985.json").write_text(content)
    refused(official, "billboard/")


def test_a_cut_year_file_is_named_with_its_line(official: Path) -> None:
    (official / "billboard" / "1985.json").write_text('[\n{"artist": "Ola",\n"ti')
    refused(official, r"billboard/1985.json:3: cut short or no JSON")


@pytest.mark.parametrize("name", ["unique_tracks", "tracks_per_year"])
def test_another_separator_in_every_line_is_one_error_not_many_rejects(official: Path, name: str) -> None:
    (official / "msd" / f"{name}.txt").write_text("TRAAA1\tSOA\tOla\tRoof\nTRAAA2\tSOA\tOla\tRoof\n")
    refused(official, f"msd/{name}.txt: none of its 2 entries can be used; the first, msd/{name}.txt:1")


def test_another_separator_in_every_list_is_one_error(official: Path) -> None:
    (official / "msd" / "lastfm_similars.db").unlink()
    raw.database(official, [("TRAAA1", "TRBBB1;0.5"), ("TRBBB1", "TRAAA1;0.5")])
    refused(official, "lastfm_similars.db: none of its 2 entries .* odd number of entries")


def test_another_separator_in_a_generic_file_is_told_by_its_header(generic: Path) -> None:
    (generic / "texts.csv").write_text("id;text\na;some words\n")
    refused(
        generic, r"texts.csv:1: columns \['id', 'text'\] are missing; found \['id;text'\]; expected commas"
    )


def test_a_column_under_another_name_is_named(generic: Path) -> None:
    (generic / "texts.csv").write_text("Song ID,Lyrics\na,some words\n")
    refused(generic, "if they hold the same, rename 'song id' to 'id', 'lyrics' to 'text'; expected commas")


def test_known_columns_are_read_in_any_case_and_order_and_with_spaces(generic: Path) -> None:
    header = " Tags ;TEXT;Year; iD".replace(";", ",")
    (generic / "texts.csv").write_text(f"\ufeff{header}\nrock|soul,some words,c. 1999,a\nx,words,2011.0,b\n")
    made = read(generic)
    assert made.songs[["song_id", "tags", "year"]].values.tolist() == [
        ["a", ["rock", "soul"], 1999],
        ["b", ["x"], 2011],
    ]


@pytest.mark.parametrize("column", ["artist", "title", "id"])
def test_texts_under_the_name_of_another_column_are_named_with_the_fix(generic: Path, column: str) -> None:
    others = ["id"] if column != "id" else []
    rows = [[*(f"n{n}" for _ in others), "Ola", f"the roof of tin is wet {n}"] for n in range(3)]
    raw.texts(generic, rows, header=",".join([*others, "text", column]))
    refused(generic, f"texts.csv: {column} is longer than text in all 3 records .* swap their names")


def test_fields_of_a_year_file_in_another_case_are_read_and_swapped_ones_named(official: Path) -> None:
    records = [raw.record("Cy", "Rain"), raw.record("Dee", "Gravel")]
    raw.billboard(official, [{name.title(): value for name, value in record.items()} for record in records])
    assert {"Cy", "Dee"} <= {*read(official).songs["artist"]}
    swapped = [record | {"artist": record["lyrics"], "lyrics": record["artist"]} for record in records]
    raw.billboard(official, swapped)
    refused(official, "billboard/.*: artist is longer than lyrics in all 2 records")


def test_one_file_of_pairs_is_named_with_the_command_that_makes_two_of_it(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,qid1,qid2,question1,question2,is_duplicate\n")
    refused(
        tmp_path,
        r"found train.csv, .* texts.csv and pairs.csv of it by `neuralist import .*/train.csv --out ",
    )


def test_a_repeated_column_is_refused(generic: Path) -> None:
    raw.pairs(generic, [], "left_id,left_id,right_id,similarity")
    refused(generic, r"pairs.csv:1: columns \['left_id'\] stand twice")


@pytest.mark.parametrize("text", ["", "- - -", "(not licensed to display)"])
def test_a_corpus_without_any_usable_text_is_refused(generic: Path, text: str) -> None:
    raw.texts(generic, [["a", text], ["b", text]])
    refused(generic, "texts: none of its 2 entries can be used; the first, texts.csv:2")


def test_an_unclosed_quote_is_refused_with_the_line_where_its_row_begins(generic: Path) -> None:
    add(generic / "texts.csv", 'c,"words\nand more\nand no end\n')
    # 12 lines of text each, a header before them
    refused(generic, "texts.csv:26: the row beginning here is no CSV")


@pytest.mark.parametrize("name", ["texts.csv", "pairs.csv"])
def test_a_header_alone_is_refused(generic: Path, name: str) -> None:
    header = (generic / name).read_text().split("\n")[0]
    (generic / name).write_text(header + "\n")
    refused(generic, f"{name}: no entry in it")


def test_a_database_that_is_none_or_cut_or_lacks_its_tables_is_refused(official: Path) -> None:
    path = official / "msd" / "lastfm_similars.db"
    whole = path.read_bytes()
    for content in (
        b"not a database at all" * 100,
        whole[:5000],
        whole.replace(b"similars_src", b"similars_xyz"),
    ):
        path.write_bytes(content)
        refused(official, "msd/lastfm_similars.db: not a whole SQLite file with similars_src")


def test_a_database_without_any_list_is_refused(official: Path) -> None:
    (official / "msd" / "lastfm_similars.db").unlink()
    raw.database(official, [])
    refused(official, "similars_src and similars_dest are empty")


@pytest.mark.parametrize(
    "content",
    [b'{"track_id": "TRAAA1", "simi', b"", b"\xff\xfe{}", b"[" * 100_000, b'{"tags": [["\\uD800"]]}'],
)
def test_a_track_file_that_is_cut_short_or_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    raw.track_file(raw.two_songs(tmp_path), "TRAAA1", []).write_bytes(content)
    refused(tmp_path, "lastfm/A/A/A/TRAAA1.json")


@pytest.mark.parametrize("grades", [["4", "5"], ["1", "1", "2", "5", "3"]])
def test_grades_most_of_which_are_outside_the_range_are_one_error(generic: Path, grades: list[str]) -> None:
    raw.pairs(generic, [["a", "b", grade] for grade in grades])
    n_outside = sum(float(grade) > 1 for grade in grades)
    first = 2 + next(row for row, grade in enumerate(grades) if float(grade) > 1)
    refused(
        generic,
        rf"pairs.csv: {n_outside} of {len(grades)} grades are no number from 0 to 1, the first, "
        rf"pairs.csv:{first}: '\d'; name the lowest and the highest grade as similarity_range in corpus.yaml",
    )
    assert len(read(generic, (1, 5)).listed) == len(grades)


def test_an_unencodable_character_in_a_record_is_a_reject(official: Path) -> None:
    lone = raw.record("Cy", "Rain", lyrics="half a pair: \ud800, stored by a careless tool")
    raw.billboard(official, [lone], 1990)
    assert rejected(read(official))[0][:2] == (
        "billboard/1990.json:0",
        "holds half of a surrogate pair, which is no character",
    )


# --- single records at fault ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"artist": None}, "artist is missing or not text"),
        ({"title": 7}, "title is missing or not text"),
        ({"lyrics": ["a", "b"]}, "lyrics is missing or not text"),
        ({"artist": "  "}, "artist is empty"),
        ({"tags": "rock"}, "tags is not a list of texts"),
        ({"lyrics": " \n"}, "lyrics without a word"),
    ],
)
def test_a_record_at_fault_is_a_reject_with_file_and_index(
    official: Path, change: dict[str, Any], reason: str
) -> None:
    raw.billboard(official, [raw.record("Cy", "Rain"), raw.record("Dee", "Gravel") | change], 1990)
    made = read(official)
    assert len(made.songs) == 3
    assert rejected(made)[0][:2] == ("billboard/1990.json:1", reason)


def test_what_is_no_record_at_all_is_a_reject(official: Path) -> None:
    raw.billboard(official, [raw.record("Cy", "Rain"), "Dee", None, [], 3], 1990)
    assert [where for where, _, _ in rejected(read(official))] == [
        f"billboard/1990.json:{n}" for n in range(1, 5)
    ]


def test_a_track_line_at_fault_or_repeated_is_a_reject_with_its_line(official: Path) -> None:
    add(official / "msd" / "unique_tracks.txt", "\nTRCCC1<SEP>Ola\nTRAAA1<SEP>SOX<SEP>Ola<SEP>Other\r\n")
    assert rejected(read(official)) == [
        ("msd/unique_tracks.txt:4", "not 4 fields between <SEP>", "TRCCC1<SEP>Ola"),
        ("msd/unique_tracks.txt:5", "repeat of an earlier line", "TRAAA1"),
    ]


def test_control_characters_do_not_end_a_line(official: Path) -> None:
    add(official / "msd" / "unique_tracks.txt", "TRCCC1<SEP>SO<SEP>A\x1cB<SEP>C\x85D\u2028E\n")
    assert rejected(read(official))[0][0] == "msd/unique_tracks.txt:3"


def test_a_line_without_a_year_is_a_reject_with_its_number(official: Path) -> None:
    (official / "msd" / "tracks_per_year.txt").write_text(
        "1985<SEP>TRAAA1<SEP>a<SEP>b\n85th<SEP>TRBBB1<SEP>a<SEP>b\n"
    )
    assert rejected(read(official)) == [
        ("msd/tracks_per_year.txt:2", "no year from 1000 to next year", "85th")
    ]


def test_a_year_in_the_track_file_may_be_a_date(official: Path) -> None:
    (official / "msd" / "tracks_per_year.txt").write_text("1985-02-03<SEP>TRAAA1<SEP>a<SEP>b\n")
    assert formats.read(official, (0, 1)).tracks["year"].tolist()[0] == 1985


def test_a_record_with_rubbish_for_a_year_costs_the_year_and_is_counted(official: Path) -> None:
    changes = [{"year": "lately"}, {"year": 10**30}, {"year": "1984-05-03"}, {"year": 1983.0}, {"year": 0}]
    raw.billboard(official, [raw.record(f"Cy{n}", "Rain") | change for n, change in enumerate(changes)], 1990)
    made = read(official)
    years = made.songs.set_index("artist")["year"].fillna(-1)
    assert [years[f"Cy{n}"] for n in range(5)] == [-1, -1, 1984, 1983, -1]
    assert made.counts["years not read"] == 2


@pytest.mark.parametrize("score", ["x", "", "nan", "inf", "-0.1", "1.5", "1e400", "0_5", "0.5d", "0x1p-1"])
def test_a_score_at_fault_is_a_reject_and_its_list_is_used(official: Path, score: str) -> None:
    (official / "msd" / "lastfm_similars.db").unlink()
    raw.database(official, [("TRAAA1", f"TRBBB1,{score},TRBBB1,0.5")])
    made = read(official)
    place = "msd/lastfm_similars.db:similars_src:TRAAA1, entry 1"
    assert rejected(made) == [(place, "similarity is not a number within similarity_range", score)]
    assert made.listed["similarity"].tolist() == [0.5]


def test_an_entry_with_a_faulty_score_and_a_target_without_lyrics_is_one_reject(official: Path) -> None:
    (official / "msd" / "lastfm_similars.db").unlink()
    raw.database(official, [("TRAAA1", "TRBBB1,0.5,TRZZZ1,x,TRZZZ2,0.4")])
    place = "msd/lastfm_similars.db:similars_src:TRAAA1"
    assert rejected(read(official)) == [
        (place, "targets without lyrics", "1 of 3 targets"),
        (f"{place}, entry 2", "similarity is not a number within similarity_range", "x"),
    ]


def test_a_list_of_odd_length_or_repeated_or_without_id_is_a_reject(official: Path) -> None:
    (official / "msd" / "lastfm_similars.db").unlink()
    raw.database(
        official,
        [
            ("TRAAA1", "TRBBB1,0.5,TRBBB1"),
            ("TRBBB1", "TRAAA1,0.5"),
            ("TRBBB1", "TRAAA1,0.6"),
            (None, "TRAAA1,0.6"),
            ("TRZZZ1", None),
        ],
    )
    made = read(official)
    assert [reason for _, reason, _ in rejected(made)] == [
        "odd number of entries, not track,score,track,score",
        "repeat of an earlier list",
        "a list without track id",
    ]
    assert len(made.listed) == 1


@pytest.mark.parametrize(
    ("similars", "reason"),
    [
        ([["TRBBB1"]], "an entry of similars is not [track, score]"),
        (["TRBBB1", 0.5], "an entry of similars is not [track, score]"),
        ({"TRBBB1": 0.5}, "similars is missing or no list"),
        (None, "similars is missing or no list"),
        ([["TRBBB1", "much"], ["TRBBB1", 0.5]], "similarity is not a number within similarity_range"),
        ([["TRBBB1", None], ["TRBBB1", 0.5]], "similarity is not a number within similarity_range"),
    ],
)
def test_a_track_file_at_fault_is_a_reject_that_names_it(
    tmp_path: Path, similars: object, reason: str
) -> None:
    raw.track_file(raw.two_songs(tmp_path), "TRAAA1", similars)
    raw.track_file(tmp_path, "TRBBB1", [["TRAAA1", 0.5]])
    ((where, found, _),) = rejected(read(tmp_path))
    assert where.split(",")[0] == "lastfm/A/A/A/TRAAA1.json"
    assert found == reason


@pytest.mark.parametrize("form", faulty_lists.FORMS)
def test_lists_taken_apart_a_few_at_once_are_those_taken_apart_together(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_lists.write(tmp_path, form)
    whole = lastfm.read(tmp_path, lastfm.find(tmp_path), (0, 1), faulty_lists.KNOWN)
    assert len(whole.listed) > 20
    monkeypatch.setattr(lastfm, "_CHUNK", 4)
    monkeypatch.setitem(similarity_lists._AT_ONCE, "duckdb", 3)
    found = lastfm.read(tmp_path, lastfm.find(tmp_path), (0, 1), faulty_lists.KNOWN)
    faulty_lists.assert_equal(found, whole)


def test_texts_at_fault_are_rejects_with_the_line_where_they_begin(generic: Path) -> None:
    add(generic / "texts.csv", 'c,"two\nlines"\na,again\n,nameless\nd,\ne,one,two\n\nf\n')
    assert rejected(read(generic)) == [
        ("texts.csv:28", "repeat of an earlier id", "a"),
        ("texts.csv:29", "id is empty", ""),
        ("texts.csv:31", "wrong number of fields", "3 instead of 2"),
        ("texts.csv:33", "wrong number of fields", "1 instead of 2"),
        ("texts.csv:30", "lyrics without a word", "d"),
    ]


@pytest.mark.parametrize(
    ("row", "reason", "value"),
    [
        ("a,b,x,train", "similarity is not a number within similarity_range", "x"),
        ("a,b,,train", "similarity is not a number within similarity_range", ""),
        ("a,b,nan,train", "similarity is not a number within similarity_range", "nan"),
        ("a,b,inf,train", "similarity is not a number within similarity_range", "inf"),
        ("a,b,0_1,train", "similarity is not a number within similarity_range", "0_1"),
        ("a,b,1.01,train", "similarity is not a number within similarity_range", "1.01"),
        ("a,z,0.5,train", "unknown id", "z"),
        ("a,c,0.5,train", "its text is not used", "c"),
        ("a,b,0.5,dev", "split is not train, val or test", "dev"),
        ("a,b,0.5,", "split is not train, val or test", ""),
        ("a,b,0.5", "wrong number of fields", "3 instead of 4"),
    ],
)
def test_a_pair_at_fault_is_a_reject_with_its_line(generic: Path, row: str, reason: str, value: str) -> None:
    add(generic / "texts.csv", 'c,"...\n..."\n')
    (generic / "pairs.csv").write_text(f'left_id,right_id,similarity,split\na,"b",0.5,test\n{row}\n')
    made = read(generic)
    assert ("pairs.csv:3", reason, value) in rejected(made)
    assert made.listed["split"].tolist() == ["test"]


@pytest.mark.parametrize(
    ("value", "has_list"), [("1", True), ("TRUE", True), ("0", False), (" false", False)]
)
def test_a_text_has_a_list_where_texts_csv_says_so(generic: Path, value: str, *, has_list: bool) -> None:
    raw.texts(generic, [["a", value, raw.lyrics("sea")], ["b", "0", raw.lyrics("hail")]], "id,has_list,text")
    assert read(generic).songs["has_list"].tolist() == [has_list, False]


def test_no_text_has_a_list_without_that_column(generic: Path) -> None:
    assert not read(generic).songs["has_list"].any()


@pytest.mark.parametrize("value", ["", "2", "yes", "1.0"])
def test_a_has_list_at_fault_is_a_reject_with_its_line(generic: Path, value: str) -> None:
    texts = [["a", "1", raw.lyrics("sea")], ["b", "1", raw.lyrics("hail")], ["c", value, "some words"]]
    raw.texts(generic, texts, "id,has_list,text")
    assert rejected(read(generic)) == [("texts.csv:26", "has_list is not 1, 0, true or false", value)]


def test_a_column_split_without_any_value_is_no_split(generic: Path) -> None:
    (generic / "pairs.csv").write_text("left_id,right_id,similarity,split\na,b,0.5,\nb,a,0.4, \n")
    made = read(generic)
    assert made.listed["split"].isna().all()
    assert (len(made.listed), len(made.rejects)) == (2, 0)


@pytest.mark.parametrize(
    ("pairs", "gives_split"),
    [
        ("\ufeffSplit ,left_id\r\ntrain,1\r\n", True),
        ("left_id,split\n1,\n2, \n3,test\n", True),
        ("left_id,split\n1,\n2, \n", False),
        ("left_id,right_id\ntrain,test\n", False),
        ("left_id,split\n", False),
        ("", False),
        ("\xff", False),
    ],
)
def test_a_split_is_given_by_a_column_of_that_name_with_a_value(
    tmp_path: Path, pairs: str, *, gives_split: bool
) -> None:
    (tmp_path / "pairs.csv").write_bytes(pairs.encode("latin-1" if pairs == "\xff" else "utf-8"))
    assert generic_csv.gives_split(tmp_path) is gives_split


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["split", "Split", "SPLIT", " split ", "split_", "_Split", "S-p-l-i-t", "splits", "x"]),
    st.lists(st.sampled_from(["train", " test", "val ", "", " "]), min_size=1),
)
def test_a_split_is_given_where_one_is_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    raw.texts(folder, [["a", "some words"], ["b", "others"]])
    rows = [["a", "b", "0.5", value] for value in values]
    raw.pairs(folder, rows, f"left_id,right_id,similarity,{name}")
    given_splits = [value.strip() for value in values if value.strip() and name not in ("splits", "x")]
    assert read(folder).listed["split"].dropna().tolist() == given_splits
    assert generic_csv.gives_split(folder) is bool(given_splits)


def test_a_given_split_with_nothing_to_train_on_is_refused_with_what_can_be_done(generic: Path) -> None:
    (generic / "pairs.csv").write_text("left_id,right_id,similarity,split\na,b,0.5,test\nb,a,0.4,val\n")
    listed = read(generic).listed
    with pytest.raises(
        ValueError, match=r"pairs\.csv: no usable row is in split train, 1 in test and 1 in val;"
    ):
        songs.check_train(listed, generic)
    songs.check_train(listed.assign(split=["test", "train"]), generic)
    songs.check_train(listed.assign(split=None), generic)


# --- what is no fault ----------------------------------------------------------------------------------


def test_windows_line_ends_and_byte_order_marks_are_no_fault(generic: Path, official: Path) -> None:
    for path in [official / "msd" / "unique_tracks.txt", official / "billboard" / "1985.json"]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (generic / "texts.csv").unlink()
    (generic / "pairs.csv").unlink()
    made = read(official)
    assert (len(made.songs), len(made.listed), len(made.rejects)) == (2, 2, 0)


def test_a_text_longer_than_the_csv_modules_own_limit_is_read(generic: Path) -> None:
    add(generic / "texts.csv", f'c,"{raw.lyrics("rain", 20_000)}"\n')
    assert read(generic).songs["n_words"].max() == 100_000


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(words, words, words), min_size=1))
def test_texts_come_back_from_csv_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list
) -> None:
    folder = tmp_path_factory.mktemp("generic")
    rows = [("words enough", "Ola", "Roof"), *rows]  # else artists longer than all texts are refused
    raw.texts(folder, [[f"id{n}", *row] for n, row in enumerate(rows)], header="id,text,artist,title")
    records, faults, unread = generic_csv.read(folder)
    assert records["lyrics"].tolist() == [text for text, _, _ in rows]
    assert (len(faults), unread) == (0, {})


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["TRAAA1", "TRBBB1", "TRZZZ1"]), st.floats(0, 1)), min_size=1))
def test_lists_come_back_from_both_forms_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    expected = [(target, score) for target, score in entries if target != "TRZZZ1"]
    raw.database(folder, [("TRAAA1", ",".join(f"{target},{score!r}" for target, score in entries))])
    raw.track_file(folder / "files", "TRAAA1", entries)
    for kept in (folder / "msd", folder / "files"):
        read = lastfm.read(kept, lastfm.find(kept), (0, 1), ["TRAAA1", "TRBBB1"])
        assert list(zip(read.listed.target_id, read.listed.similarity, strict=True)) == expected


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=60), st.sampled_from(["texts.csv", "pairs.csv"]))
def test_any_bytes_in_a_generic_file_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    raw.texts(folder, [["a", "some words"], ["b", "others"]])
    raw.pairs(folder, [["a", "b", "0.5"]])
    header = (folder / name).read_bytes()
    (folder / name).write_bytes(header + content)
    try:
        read(folder)
    except ValueError as error:
        assert name in str(error)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["artist", "title", "lyrics", "year", "tags", "track_id", "similars"]), inner
            )
        ),
    )
)
def test_any_json_in_a_year_or_track_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    folder = raw.two_songs(tmp_path_factory.mktemp("json"))
    raw.track_file(folder, "TRBBB1", [["TRAAA1", 0.5]])
    for path in (raw.track_file(folder, "TRAAA1", []), folder / "billboard" / "1990.json"):
        path.write_text(json.dumps(content))
        try:
            read(folder)
        except ValueError as error:
            assert path.name in str(error)
