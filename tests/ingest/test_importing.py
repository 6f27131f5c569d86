"""`neuralist import`, by form: the layouts of publishers and of people, with made-up sentences."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralist.ingest.importing import encodings, generic, grades, roles, source
from neuralist.ingest.importing import files as table_files
from neuralist.ingest.importing.generic import Imported
from neuralist.ingest.importing.roles import Flags

# Left, right, grade; none repeats.
PAIRS = [
    ("A fox sees the hens", "The hens see a fox", 4.5),
    ("Rain falls on the roof", "A cook bakes bread", 1.0),
    ("My aunt paints a boat", "A boat is painted", 5.0),
    ("Nobody sings", "Somebody sings at night", 2.0),
]


def read(*paths: Path, **flags: Any) -> Imported:
    others = {name: flags.pop(name) for name in ("encoding", "sheet") if name in flags}
    if "range" in flags:
        flags["range"] = grades.parse_range(flags["range"])
    return source.read(paths, Flags(**flags), **others)


def pairs(imported: Imported) -> list[tuple[str, ...]]:
    """Left text, right text and grade, and the split where there is one."""
    texts = dict(imported.texts[["id", "text"]].itertuples(index=False))
    assert imported.pairs is not None
    return [
        (texts[left], texts[right], *rest)
        for left, right, *rest in imported.pairs.itertuples(index=False, name=None)
    ]


def reasons(imported: Imported) -> list[tuple[str, str]]:
    return [(where, reason) for where, reason, _ in imported.left_out]


def roles_of(imported: Imported) -> dict[str, str]:
    return {column.name: column.role for column in imported.columns}


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


def table(columns: str = "utterance,reply,agreement") -> pd.DataFrame:
    return pd.DataFrame(PAIRS, columns=columns.split(","))


EXPECTED = [(left, right, f"{grade:g}") for left, right, grade in PAIRS]


# --- publishers' forms ---------------------------------------------------------------------------------


def test_quoras_file_is_read_with_its_quotes_and_line_ends(tmp_path: Path) -> None:
    text = (
        '"id","qid1","qid2","question1","question2","is_duplicate"\n'
        '"0","1","2","How do I bake bread?","How can I bake ""good"" bread,\r\nat home?","1"\n'
        '"1","3","4","Why do cats sleep?","","0"\n'
        '"2","5","6","Why do cats sleep?","How do I bake bread?","0"\n'
    )
    made = read(write(tmp_path / "train.csv", text))
    assert made.form == "Quora's question pairs: table with commas, UTF-8"
    assert pairs(made) == [
        ("How do I bake bread?", 'How can I bake "good" bread,\nat home?', "1"),
        ("Why do cats sleep?", "How do I bake bread?", "0"),
    ]
    assert len(made.texts) == 3
    assert made.range == grades.Range(0, 1, "the scale of Quora's question pairs")
    assert made.left_out == [("train.csv:4", "the right text is empty", "Why do cats sleep?")]


SICK = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"


def test_sicks_file_has_its_scale_and_its_split(tmp_path: Path) -> None:
    splits = ("TRAIN", "TRIAL", "TEST", "TRAIN")
    lines = [f"{SICK}\tSemEval_set"]
    lines += [
        f"{number}\t{left}\t{right}\t{grade}\tNEUTRAL\t{split}"
        for number, ((left, right, grade), split) in enumerate(zip(PAIRS, splits, strict=True), start=1)
    ]
    made = read(write(tmp_path / "SICK.txt", "\r\n".join(lines)))
    expected = zip(EXPECTED, ("train", "val", "test", "train"), strict=True)
    assert pairs(made) == [(*pair, split) for pair, split in expected]
    assert made.range == grades.Range(1, 5, "the scale of SICK")


def test_several_files_of_sick_have_the_split_of_their_names(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"SICK_{name}.txt", f"{SICK}\n1\t{left}\t{right}\t{grade}\tNEUTRAL\n")
        for name, (left, right, grade) in zip(("train", "trial", "test_annotated"), PAIRS, strict=False)
    ]
    assert [pair[3] for pair in pairs(read(*paths))] == ["train", "val", "test"]
    with pytest.raises(ValueError, match=r"SICK\.txt: its name says no split"):
        read(paths[0], write(tmp_path / "SICK.txt", paths[1].read_text("utf-8")))
    with pytest.raises(ValueError, match=r"other\.csv: its columns are not those of SICK_train\.txt"):
        read(paths[0], write(tmp_path / "other.csv", "a,b,score\nx,y,1\n"))


def test_stsb_without_header_has_plain_quotes_and_more_columns_in_some_rows(tmp_path: Path) -> None:
    lines = [
        'main-captions\tMSRvid\t2012test\t0001\t5.000\t"A plane" lands.\t"A plane lands."',
        'main-news\theadlines\t2015\t0021\t0.250\tRain, again\tIt is 5" wide\tsource.example\tCC BY',
        "main-forums\tdeft-forum\t2014\t0004\t1.400\tToo short",
    ]
    made = read(write(tmp_path / "sts-dev.csv", "\n".join(lines)))
    assert made.form == "STS-B: table with tabs, quotes as plain characters, UTF-8"
    assert pairs(made) == [
        ('"A plane" lands.', '"A plane lands."', "5"),
        ("Rain, again", 'It is 5" wide', "0.25"),
    ]
    assert made.range == grades.Range(0, 5, "the scale of STS-B")
    assert reasons(made) == [("sts-dev.csv:3", "not 7 fields, as the header has")]
    assert "1 rows have more than 7 columns, sources and licences: not read" in made.notes


def test_stsb_of_glue_has_plain_quotes(tmp_path: Path) -> None:
    header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore"
    row = '0\tmain-captions\tMSRvid\t2012test\t0001\tnone\tnone\t"A plane\tA "plane" lands.\t4.200'
    made = read(write(tmp_path / "train.tsv", f"{header}\n{row}\n"))
    assert pairs(made) == [('"A plane', 'A "plane" lands.', "4.2")]
    assert made.range is not None
    assert (made.range.low, made.range.high) == (0, 5)


# --- any table -----------------------------------------------------------------------------------------


def _csv(path: Path, **options: Any) -> None:
    table().to_csv(path, index=False, **options)


WRITERS = {
    "any.csv": _csv,
    "bom.csv": lambda path: _csv(path, encoding="utf-8-sig", lineterminator="\r\n"),
    "quoted.csv": lambda path: _csv(path, quoting=csv.QUOTE_ALL),
    "tabs.tsv": lambda path: _csv(path, sep="\t"),
    "tabs.txt": lambda path: _csv(path, sep="\t"),
    "german.csv": lambda path: _csv(path, sep=";", decimal=","),
    "bars.csv": lambda path: _csv(path, sep="|"),
    "wide.csv": lambda path: _csv(path, encoding="utf-16"),
    "wide_without_mark.csv": lambda path: _csv(path, encoding="utf-16-le"),
    "without_header.csv": lambda path: table().to_csv(path, index=False, header=False),
    "row_numbers.csv": lambda path: table().to_csv(path),
    "columns.json": lambda path: table().to_json(path, orient="columns"),
    "index.json": lambda path: table().to_json(path, orient="index"),
    "records.json": lambda path: table().to_json(path, orient="records"),
    "split.json": lambda path: table().to_json(path, orient="split"),
    "table.json": lambda path: table().to_json(path, orient="table"),
    "values.json": lambda path: table().to_json(path, orient="values"),
    "lines.json": lambda path: table().to_json(path, orient="records", lines=True),
    "lines.jsonl": lambda path: table().to_json(path, orient="records", lines=True),
    "lists.json": lambda path: path.write_text(json.dumps(table().to_dict("list"))),
    "any.parquet": lambda path: table().to_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_of_two_texts_and_a_grade_needs_no_flag(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    made = read(tmp_path / name)
    assert pairs(made) == EXPECTED
    # Both ends of a usual scale were seen.
    assert made.range is not None
    assert (made.range.low, made.range.high) == (1, 5)
    assert made.left_out == []


def test_a_sheet_is_read_and_of_several_one_must_be_named(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="needs openpyxl: pip install 'neuralist[excel]'")
    as_text = table().assign(agreement=["4.5", " 1 ", "5,0", "2"])
    with pd.ExcelWriter(tmp_path / "two.xlsx") as book:
        as_text.to_excel(book, sheet_name="May", index=False)
        table().to_excel(book, sheet_name="June", index=False)
        pd.DataFrame().to_excel(book, sheet_name="Empty")
    with pytest.raises(ValueError, match="sheets with rows: 'May', 'June'; name one by --sheet"):
        read(tmp_path / "two.xlsx")
    for sheet in ("May", "June"):
        assert pairs(read(tmp_path / "two.xlsx", sheet=sheet)) == EXPECTED
    with pytest.raises(ValueError, match=r"--sheet: no 'July' that holds rows, but May, June"):
        read(tmp_path / "two.xlsx", sheet="July")
    with pytest.raises(ValueError, match=r"bad\.xlsx: no readable sheet"):
        read(write(tmp_path / "bad.xlsx", "no zip"))


def test_without_openpyxl_a_sheet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    monkeypatch.setitem(__import__("sys").modules, "openpyxl.utils.exceptions", None)
    with pytest.raises(ValueError, match=r"sheets need openpyxl: pip install 'neuralist\[excel\]'"):
        read(write(tmp_path / "any.xlsx", "no zip"))


def test_lyrics_that_begin_with_a_header_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('a,b,grade,from\n"[Verse 1]\nmoss",[Intro] fern,0.5,"[""x"", 1]"\n')
    assert pairs(read(path)) == [("[Verse 1]\nmoss", "[Intro] fern", "0.5")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("yes no yes no", "1 0 1 0"), ("True False True True", "1 0 1 1"), ("1 0 1 0", "1 0 1 0")],
)
def test_yes_and_no_are_grades(tmp_path: Path, words: str, expected: str) -> None:
    table().assign(agreement=words.split()).to_csv(tmp_path / "x.csv", index=False)
    made = read(tmp_path / "x.csv")
    assert [pair[2] for pair in pairs(made)] == expected.split()
    assert made.range is not None
    assert (made.range.low, made.range.high) == (0, 1)


def test_excels_line_on_separators_is_no_row(tmp_path: Path) -> None:
    text = "sep=;\r\na;b;score\r\none, two;three, four;1\r\n;five;0\r\n"
    made = read(write(tmp_path / "x.csv", text))
    assert pairs(made) == [("one, two", "three, four", "1")]
    assert reasons(made) == [("x.csv:4", "the left text is empty")]


def test_quotes_escaped_by_backslashes_are_read(tmp_path: Path) -> None:
    text = 'a,b,score\n"He said \\"yes, sir\\"",Nobody spoke,1\n"Rain, again",Sun,0\n'
    made = read(write(tmp_path / "spark.csv", text))
    assert pairs(made) == [('He said "yes, sir"', "Nobody spoke", "1"), ("Rain, again", "Sun", "0")]


def test_of_a_broken_quote_the_line_is_named(tmp_path: Path) -> None:
    text = '"a","b","score"\n"one two","three, four",1\n"five,"six, seven",0\n"eight","nine",0\n'
    with pytest.raises(ValueError, match=r"x\.csv: the row that begins in line 3 is no CSV .*; correct its"):
        read(write(tmp_path / "x.csv", text))


# --- encodings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["It’s a “naïve” café – of 5 €", "Où êtes-vous allés cet été ?", "Größe der Straße", "¿Dónde está?"],
)
def test_cp1252_is_recognized_and_said(text: str) -> None:
    decoded = encodings.decode(text.encode("cp1252"), "x.csv")
    assert decoded == (text, "cp1252")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Мама мыла раму, and more", "cp1251"),
        ("Zażółć gęślą jaźń, Łódź", "cp1250"),
        ("今日は天気がいいです", "shift_jis"),
        ("Καλημέρα κόσμε", "cp1253"),
    ],
)
def test_other_encodings_are_asked_for_not_guessed(text: str, encoding: str) -> None:
    with pytest.raises(ValueError, match=r"x\.csv:1: not UTF-8.*name its encoding by --encoding"):
        encodings.decode(text.encode(encoding), "x.csv")
    assert encodings.decode(text.encode(encoding), "x.csv", encoding) == (text, encoding)


def test_a_wrong_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="--encoding: received 'klingon'; give a codec"):
        encodings.decode(b"a", "x.csv", "klingon")
    with pytest.raises(ValueError, match=r"x\.csv: not ascii throughout"):
        encodings.decode("é".encode(), "x.csv", "ascii")
    with pytest.raises(ValueError, match=r"x\.csv: the file is empty"):
        encodings.decode(b" \n", "x.csv")


# --- what may be two things is asked -------------------------------------------------------------------


def refused(path: Path, frame: pd.DataFrame, **flags: Any) -> str:
    frame.to_csv(path / "x.csv", index=False)
    with pytest.raises(ValueError, match=r"^x\.csv: |^--") as caught:
        read(path / "x.csv", **flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_of_three_texts_two_must_be_named(tmp_path: Path) -> None:
    frame = table().assign(remark=["not so sure", "I agree with it", "we talked of it", "who knows"])
    assert refused(tmp_path, frame) == (
        "x.csv: 'utterance', 'reply' and 'remark' hold texts, and which of them is meant is not clear; for "
        "pairs name two by --left and --right, and their grade by --score; for a table of texts name one by "
        "--text"
    )
    made = read(tmp_path / "x.csv", left="reply", right="Remark")
    assert pairs(made)[0][:2] == ("The hens see a fox", "not so sure")
    assert roles_of(made)["utterance"] == "not read: other text"


def test_of_two_numbers_the_grade_must_be_named(tmp_path: Path) -> None:
    frame = table().assign(length=[7, 3, 9, 4])
    assert refused(tmp_path, frame) == (
        "x.csv: more than one column grades the pairs: 'agreement' and 'length'; name one by --score"
    )
    assert pairs(read(tmp_path / "x.csv", score="3")) == EXPECTED  # by its place
    assert refused(tmp_path, frame, score="size") == (
        "x.csv: --score: no column 'size' among 'utterance', 'reply', 'agreement' and 'length'"
    )


def test_a_column_called_grade_goes_before_other_numbers_and_ids(tmp_path: Path) -> None:
    frame = table("Text A,Text B,Grade").assign(votes=[7, 3, 9, 4], pair_id=[8, 2, 5, 11], year=1999)
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = read(tmp_path / "x.csv")
    assert pairs(made) == EXPECTED
    assert roles_of(made) == {
        "Text A": "left text",
        "Text B": "right text",
        "Grade": "grade",
        "votes": "not read: numbers",
        "pair_id": "not read: numbers",
        "year": "not read: numbers",
    }


def test_pairs_without_grades_and_ids_without_texts_are_refused(tmp_path: Path) -> None:
    without = table("question1,question2,is_duplicate").drop(columns="is_duplicate")
    assert refused(tmp_path, without) == (
        "x.csv: no column grades the pairs among 'question1' and 'question2'; name one by --score, or score "
        "the pairs with neuralist predict"
    )
    ids = pd.DataFrame({"left_id": [1, 3, 2], "right_id": [2, 1, 5], "similarity": [0.5, 1, 0]})
    assert "x.csv: no column holds texts among" in refused(tmp_path, ids)


def test_flags_that_contradict_are_refused(tmp_path: Path) -> None:
    assert "--text is for single texts" in refused(tmp_path, table(), text="reply", score="agreement")
    assert "--left and --right name one column, 'reply'" in refused(
        tmp_path, table(), left="reply", right="reply"
    )


def test_a_scale_without_whole_ends_is_asked_for(tmp_path: Path) -> None:
    frame = table().assign(agreement=[0.4, 4.75, 2, 3])
    assert refused(tmp_path, frame) == (
        "x.csv: column 'agreement' runs from 0.4 to 4.75, which does not tell its scale; give the lowest and "
        "the highest grade possible, such as --range 0,5"
    )
    assert read(tmp_path / "x.csv", range="0,5").range == grades.Range(0, 5, "by --range")
    assert "runs from 3 to 97, which" in refused(tmp_path, table().assign(agreement=[3, 97, 50, 42]))
    assert "column 'agreement' is 3 in every row" in refused(tmp_path, table().assign(agreement=3))
    inside = table().assign(agreement=[0.4, 0.75, 0.5, 0.3])
    inside.to_csv(tmp_path / "x.csv", index=False)
    assert read(tmp_path / "x.csv").range == grades.Range(0, 1, "none lies outside")


@pytest.mark.parametrize("given", ["5", "5,0", "0,x", "0,inf", "1,1", "0,1,2"])
def test_a_range_is_two_numbers_in_order(given: str) -> None:
    with pytest.raises(ValueError, match=r"--range: received .*; give the lowest and the highest grade"):
        grades.parse_range(given)


def test_a_split_column_is_found_by_what_it_holds(tmp_path: Path) -> None:
    frame = table().assign(part_of=["Train", "dev", "test", ""])
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = read(tmp_path / "x.csv")
    assert [pair[3] for pair in pairs(made)] == ["train", "val", "test"]
    assert reasons(made) == [("x.csv:5", "the split is not train, val or test")]


def test_a_column_called_split_may_have_rows_of_no_split(tmp_path: Path) -> None:
    frame = table().assign(split=["train", "validation", "unused", "test"])
    frame.to_csv(tmp_path / "x.csv", index=False)
    made = read(tmp_path / "x.csv")
    assert [pair[3] for pair in pairs(made)] == ["train", "val", "test"]
    assert reasons(made) == [("x.csv:4", "the split is not train, val or test")]


# --- what is left out ----------------------------------------------------------------------------------


def test_every_row_that_is_left_out_is_named_with_its_line(tmp_path: Path) -> None:
    lines = [
        "a,b,score",
        "one two,three four,1",
        "five,six,nan",
        ",seven,2",
        "eight,,2",
        "nine,nine,3",
        '"ten\nten","eleven",9',
        "twelve,thirteen",
        ",,",
        "one two,three four,5",
        "three four,one two,5",
        *(f"fox {number},hen {number},3" for number in range(20)),
        "fourteen,fifteen,x",
    ]
    made = read(write(tmp_path / "x.csv", "\n".join(lines)), range="1,5")
    assert made.left_out == [
        ("x.csv:9", "not 3 fields, as the header has", "twelve,thirteen"),
        ("x.csv:10", "an empty row", ""),
        ("x.csv:3", "no grade", "nan"),
        ("x.csv:4", "the left text is empty", "seven"),
        ("x.csv:5", "the right text is empty", "eight"),
        ("x.csv:6", "both texts are the same", "nine"),
        ("x.csv:7", "the grade is not from 1 to 5", "9"),
        ("x.csv:33", "the grade is no number", "x"),
    ]
    # Pairs that are repeated stay: the pipeline takes the mean of their grades.
    assert len(pairs(made)) == 23
    assert any(note.startswith("pairs listed again, as they are or turned round: 2;") for note in made.notes)


def test_words_that_pandas_takes_for_nothing_are_texts(tmp_path: Path) -> None:
    made = read(write(tmp_path / "x.csv", "a,b,score\nnull,None of us,1\nNA,nan bread,0\n"))
    assert [pair[:2] for pair in pairs(made)] == [("null", "None of us"), ("NA", "nan bread")]


def test_where_no_row_can_be_used_the_first_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"none of its 2 rows can be used; the first, x\.csv:2: the right text"
    ):
        read(
            write(tmp_path / "x.csv", "question1,question2,is_duplicate\na b,,1\nc d,,0\n"), right="question2"
        )


def test_lines_of_jsonl_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    rows = [json.dumps({"a": left, "b": right, "score": grade}) for left, right, grade in PAIRS]
    made = read(write(tmp_path / "x.jsonl", "\n".join([rows[0], "", "{cut", *rows[1:]])))
    assert pairs(made) == EXPECTED
    assert reasons(made) == [("x.jsonl:3", "no JSON object")]
    assert made.places[:2] == ["x.jsonl:1", "x.jsonl:4"]


# --- songs ---------------------------------------------------------------------------------------------


def test_a_folder_of_songs_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    files = {
        "Ann Odd - Kettle Song.lrc": "[ti:Other]\n[00:11.30]The kettle sings\n[00:15.00]at night",
        "live/02. Bo Tusk – County Line - Live.TXT": "Down the dusty road",
        "tagged.lrc": "[ar:Cy Pell]\n[ti:Stay]\n[00:01.00]Do not go",
        "README.txt": "These are songs.",
        "Dee Low - Nothing.txt": "",
        "Dee Low - Hum.lrc": "[ar:Dee Low]\n[00:01.00]",
        "Ann Odd - Kettle Song.txt": "The kettle sings at night",
        "notes.md": "no song",
        ".hidden - file.txt": "no song",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, text)
    made = read(tmp_path)
    assert made.pairs is None
    assert made.texts[["id", "artist", "title"]].to_numpy().tolist() == [
        ["ann-odd--kettle-song", "Ann Odd", "Kettle Song"],
        ["bo-tusk--county-line-live", "Bo Tusk", "County Line - Live"],
        ["cy-pell--stay", "Cy Pell", "Stay"],
    ]
    # As in the file: the pipeline cleans it, and keeps what came as raw_lyrics.
    assert made.texts["text"][0] == files["Ann Odd - Kettle Song.lrc"]
    assert made.columns[2].examples[0] == "The kettle sings at night"
    assert sorted(reasons(made)) == [
        ("Ann Odd - Kettle Song.txt", "repeat of an earlier song or text"),
        ("Dee Low - Hum.lrc", "no word in its text"),
        ("Dee Low - Nothing.txt", "the file is empty"),
        ("README.txt", "its name is not 'Artist - Title'"),
    ]


def test_a_folder_with_the_name_of_a_song_is_left_out_by_name(tmp_path: Path) -> None:
    write(tmp_path / "Ann Odd - Kettle Song.txt", "the kettle")
    (tmp_path / "Bo Tusk - County Line.txt").mkdir()
    assert reasons(read(tmp_path)) == [("Bo Tusk - County Line.txt", "a folder, named as a song file")]


def test_a_track_number_is_no_artist(tmp_path: Path) -> None:
    write(tmp_path / "311 - Amber.txt", "the colour")
    write(tmp_path / "01 - Kettle Song.txt", "the kettle")
    write(tmp_path / "1-02 - Roof.lrc", "[ar:Ann Odd]\n[ti:Roof]\n[00:01.00]the roof")
    made = read(tmp_path)
    assert made.texts["id"].tolist() == ["ann-odd--roof", "311--amber"]
    assert reasons(made) == [("01 - Kettle Song.txt", "its name is not 'Artist - Title'")]


def song(title: str, **others: Any) -> dict[str, Any]:
    return {
        "annotation_count": 2,
        "artist_names": "Ann Odd",
        "id": 1,
        "language": "en",
        "lyrics_state": "complete",
        "release_date_components": {"year": 2001, "month": 3, "day": None},
        "title": title,
        "primary_artist": {"name": "Ann Odd", "id": 3},
        "lyrics": f"1 Contributor{title} Lyrics[Verse 1]\nThe {title} sings",
    } | others


@pytest.mark.parametrize(
    "content",
    [
        {"name": "Ann Odd", "songs": [song("Kettle"), song("Roof", release_date_components=None)]},
        {
            "artist": "Ann Odd",
            "songs": [{"title": t, "lyrics": f"The {t} sings"} for t in ("Kettle", "Roof")],
        },
        {"name": "Album", "tracks": [{"number": 1, "song": song("Kettle")}, {"song": song("Roof")}]},
    ],
)
def test_songs_of_lyricsgenius_are_read(tmp_path: Path, content: dict[str, Any]) -> None:
    made = read(write(tmp_path / "Lyrics_AnnOdd.json", json.dumps(content)))
    assert made.form == "LyricsGenius: JSON, UTF-8"
    assert made.texts["id"].tolist() == ["ann-odd--kettle", "ann-odd--roof"]
    assert [column.examples[0] for column in made.columns if column.name == "lyrics"] == ["The Kettle sings"]


def test_one_song_of_lyricsgenius_is_read_and_songs_without_lyrics_are_left_out(tmp_path: Path) -> None:
    made = read(write(tmp_path / "lyrics_annodd_kettle.json", json.dumps(song("Kettle"))))
    assert made.texts.drop(columns="text").to_numpy().tolist() == [
        ["ann-odd--kettle", "Kettle", "Ann Odd", "2001", "en"]
    ]
    songs = [song("Kettle"), song("Roof", lyrics=None), {"lyrics": "x"}]
    made = read(write(tmp_path / "Lyrics_AnnOdd.json", json.dumps({"songs": songs})))
    assert reasons(made) == [
        ("Lyrics_AnnOdd.json:2", "no song with a title"),
        ("Lyrics_AnnOdd.json:1", "the text is empty"),
    ]


def test_a_table_of_songs_is_one_of_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "song": ["Kettle", "Roof", "Roof"],
            "singer": ["Ann Odd", "Bo Tusk", "Cy Pell"],
            "Lyrics": ["The kettle sings", "Rain on the roof", "Rain on the roof"],
            "released": ["2001-05-03", "1999", ""],
            "plays": [3, 9, 4],
        }
    )
    frame.to_csv(tmp_path / "songs.csv", index=False)
    made = read(tmp_path / "songs.csv")
    # One text under two artists is two songs: the songs stage makes them a group.
    assert made.texts.to_numpy().tolist() == [
        ["ann-odd--kettle", "The kettle sings", "Kettle", "Ann Odd", "2001-05-03"],
        ["bo-tusk--roof", "Rain on the roof", "Roof", "Bo Tusk", "1999"],
        ["cy-pell--roof", "Rain on the roof", "Roof", "Cy Pell", ""],
    ]
    assert roles_of(made)["plays"] == "not read: numbers"


def test_a_table_may_have_the_texts_alone(tmp_path: Path) -> None:
    made = read(write(tmp_path / "x.csv", 'text\n"one, two"\nthree\n"one, two"\n'))
    assert made.texts["text"].tolist() == ["one, two", "three"]
    assert reasons(made) == [("x.csv:4", "repeat of an earlier song or text")]


def test_a_folder_of_tables_is_read_as_its_files(tmp_path: Path) -> None:
    for name, row in zip(("sts-train.csv", "sts-test.csv"), PAIRS, strict=False):
        pd.DataFrame([row], columns=["a", "b", "score"]).to_csv(tmp_path / name, index=False)
    write(tmp_path / "readme.txt", "Sentences.")
    made = read(tmp_path, range="0,5")
    # By name: sts-test.csv comes first.
    assert [pair[3] for pair in pairs(made)] == ["test", "train"]
    assert made.notes == ["not read: readme.txt"]


def test_ids_of_a_table_are_kept_where_each_row_has_its_own(tmp_path: Path) -> None:
    text = "id,code,text\n7,a,one two\n8,b,three four\n9,b,five six\n"
    path = write(tmp_path / "x.csv", text)
    assert read(path).texts["id"].tolist() == ["7", "8", "9"]
    made = read(path, id="code")
    assert made.texts["id"].tolist() == ["a", "b"]
    assert reasons(made) == [("x.csv:4", "repeat of an earlier id")]


def test_a_folder_or_file_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no song .* and no table .* in it"):
        read(tmp_path)
    write(tmp_path / "README.txt", "hello")
    with pytest.raises(
        ValueError, match=r"none of its 1 .txt and .lrc files is a song; of the first, README"
    ):
        read(tmp_path)
    with pytest.raises(ValueError, match=r"ends in \.zip; give a file that ends in .*must be unpacked"):
        read(write(tmp_path / "train.csv.zip", "PK"))
    with pytest.raises(ValueError, match=r"its first line 'hello' is one column"):
        read(tmp_path / "README.txt")
    with pytest.raises(ValueError, match=r"x\.json:1: cut short or no JSON"):
        read(write(tmp_path / "x.json", '[{"a": 1,'))
    with pytest.raises(ValueError, match="rows and columns cannot be told apart"):
        read(write(tmp_path / "x.json", '{"a": {"x": 1}, "b": {"x": 2}}'))


# --- round trips ---------------------------------------------------------------------------------------

# Any text but what `plain` removes: white space around it, and carriage returns.
TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)
    .map(lambda text: f"{text}fox, hen;{text}")
    .filter(lambda text: text == text.strip())
)


@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 5)), min_size=1, max_size=6), st.sampled_from(",;\t|"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_text_comes_through_a_csv_file(
    tmp_path: Path, rows: list[tuple[str, str, int]], separator: str
) -> None:
    kept = [(left, right, str(grade)) for left, right, grade in rows if left != right]
    if not kept:
        return
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerows([("sentence1", "sentence2", "grade"), *rows])
    path = tmp_path / "x.csv"
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    made = read(path, range="0,5")
    assert pairs(made) == kept
    assert made.texts["text"].is_unique
    assert made.texts["id"].is_unique

    # What is written is read again as it is, by another reader.
    out = tmp_path / "out"
    generic.write(made, out, "x.csv")
    with (out / "texts.csv").open(encoding="utf-8", newline="") as file:
        assert dict(list(csv.reader(file, strict=True))[1:]) == dict(
            made.texts[["id", "text"]].itertuples(index=False)
        )
    for written in out.iterdir():
        written.unlink()
    out.rmdir()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("question1", "question 1"),
        ("sentence_A", "sentence a"),
        ("TextLeft", "text left"),
        ("#2 String", "2 string"),
        ("SemEval_set", "sem eval set"),
        ("Оценка", "оценка"),
    ],
)
def test_names_are_compared_by_their_words(name: str, words: str) -> None:
    assert roles.words(name) == words


def test_columns_of_one_name_are_told_apart_by_their_place_and_none_is_lost(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "reply (3),reply,reply,score\na,b,c,1\n")
    rows = table_files.read(path).rows
    assert len(set(rows.columns)) == 4
    assert rows.to_numpy().tolist() == [["a", "b", "c", "1"]]
    assert rows.columns[:2].tolist() == ["reply (3)", "reply"]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("x.csv", "\ufeff\n", "x.csv: the file is empty; give a file with rows"),
        ("x.jsonl", "\ufeff \n", "x.jsonl: the file is empty; give a file with rows"),
        ("x.csv", "sep=;\r\n", "x.csv: no row in it; give a file with rows"),
        (
            "x.json",
            f"[{'1' * 5000}]",
            "x.json: a number of more than 4,300 digits; write it shorter",
        ),
    ],
    ids=["a mark alone", "a mark and a space", "Excel's separator alone", "a number without end"],
)
def test_a_file_without_a_row_or_with_an_endless_number_is_one_sentence(
    tmp_path: Path, name: str, content: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=f"^{fault}$"):
        read(write(tmp_path / name, content))
