"""`neuralist import`: what it prints, refuses and writes. The forms are in tests/ingest/test_importing.py."""

import csv
import json
from pathlib import Path

import pytest
from tests import commands

from neuralist.ingest import changes
from neuralist.ingest.importing import generic
from neuralist.ingest.sources import formats


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pairs.tsv: twelve pairs of sentences, of which two cannot be used, graded 1 to 5."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    lines = ["no\tfirst\tsecond\tmark"]
    for number in range(1, 13):
        mark = {3: "", 4: "many"}.get(number, str(1 + number % 5))
        lines.append(f"{number}\tA fox sees {number} hens\tHen {number} sees a fox\t{mark}")
    Path("pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def rows(path: str) -> list[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_it_says_what_it_read_what_it_left_and_what_comes_next(home: Path) -> None:
    result = commands.run("import", "pairs.tsv", "--out", "foxes")
    assert (result.exit_code, result.stderr) == (0, "")
    printed = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert printed[0] == "pairs.tsv: table with tabs, UTF-8"
    assert printed[2] == "column read as row 2 row 3 row 6"
    assert printed[4:8] == [
        "no not read: row numbers 1 2 5",
        "first left text A fox sees 1 hens A fox sees 2 hens A fox sees 5 hens",
        "second right text Hen 1 sees a fox Hen 2 sees a fox Hen 5 sees a fox",
        "mark grade 2 3 1",
    ]
    assert printed[9:] == [
        "foxes: 20 texts; 10 pairs; grades from 1 to 5 (as seen in the file; if the scale goes on, give "
        "--range)",
        "left out: 2 rows, listed in foxes/left_out.csv",
        "1 no grade; the first: pairs.tsv:4",
        "1 the grade is no number; the first: pairs.tsv:5 (many)",
        "note: no split: texts are cut into folds, and pairs across folds, about half of all, are not used; "
        "a column of train, val and test keeps all",
        f"next, in the checkout: make repro RAW={home / 'foxes'}",
    ]
    assert rows("foxes/left_out.csv")[1:] == [
        ["pairs.tsv:4", "no grade", ""],
        ["pairs.tsv:5", "the grade is no number", "many"],
    ]


def test_what_it_writes_is_a_raw_folder(home: Path) -> None:
    commands.run("import", "pairs.tsv", "--out", "foxes")
    texts = dict(rows("foxes/texts.csv")[1:])
    assert rows("foxes/texts.csv")[0] == ["id", "text"]
    assert rows("foxes/pairs.csv")[0] == ["left_id", "right_id", "similarity"]
    pairs = [(texts[left], texts[right], grade) for left, right, grade in rows("foxes/pairs.csv")[1:]]
    assert pairs[:2] == [
        ("A fox sees 1 hens", "Hen 1 sees a fox", "2"),
        ("A fox sees 2 hens", "Hen 2 sees a fox", "3"),
    ]

    raw = formats.read(Path("foxes"), (1, 5))
    assert (len(raw.records), len(raw.rejects)) == (20, 0)
    assert raw.similarities(texts).listed["similarity"].tolist()[:2] == [0.25, 0.5]
    assert Path("foxes/corpus.yaml").read_text(encoding="utf-8").splitlines() == [
        "note: Imported from pairs.tsv.",
        "# The range of the grades: as seen in the file; if the scale goes on, give --range.",
        "similarity_range: [1, 5]",
    ]


def test_the_same_file_makes_the_same_bytes_and_a_longer_one_keeps_the_ids(home: Path) -> None:
    for folder in ("one", "two"):
        commands.run("import", "pairs.tsv", "--out", folder)
    names = sorted(path.name for path in Path("one").iterdir())
    assert names == ["corpus.yaml", "left_out.csv", "pairs.csv", "texts.csv"]
    assert all(Path("one", name).read_bytes() == Path("two", name).read_bytes() for name in names)

    header, *lines = Path("pairs.tsv").read_text(encoding="utf-8").splitlines()
    more = [header, "0\tA new one\tNot seen before\t2", *lines]
    Path("pairs.tsv").write_text("\n".join(more), encoding="utf-8")
    commands.run("import", "pairs.tsv", "--out", "three")
    assert [row for row in rows("three/texts.csv") if row[1] not in ("A new one", "Not seen before")] == (
        rows("one/texts.csv")
    )


def test_json_says_the_same(home: Path) -> None:
    told = commands.answer("import", "pairs.tsv", "--out", "foxes")
    assert told["columns"][3] == {"name": "mark", "role": "grade", "examples": ["2", "3", "1"]}
    assert (told["texts"], told["pairs"], told["splits"], told["similarity_range"]) == (20, 10, None, [1, 5])
    assert told["left_out"][1] == {
        "reason": "the grade is no number",
        "rows": 1,
        "first": "pairs.tsv:5",
        "value": "many",
    }
    assert told["next"] == f"make repro RAW={home / 'foxes'}"


def test_an_existing_folder_is_refused_and_stays_as_it_is(home: Path) -> None:
    Path("foxes").mkdir()
    refused = commands.refusal("import", "pairs.tsv", "--out", "foxes")
    assert refused == "foxes: exists already; name a new folder, or give --replace"
    assert list(Path("foxes").iterdir()) == []


def contents(folder: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}


def test_a_folder_of_an_import_is_replaced_and_keeps_a_persons_settings(home: Path) -> None:
    commands.run("import", "pairs.tsv", "--out", "foxes")
    settings = contents("foxes")["corpus.yaml"] + "experiments: {lyrics: {units: 20}}\n"
    Path("foxes/corpus.yaml").write_text(settings, encoding="utf-8")
    Path("foxes/notes.txt").touch()
    whole = "first\tsecond\tmark\nA fox sees 1 hens\tHen 1 sees a fox\t4\nA\tB\t6\n"
    Path("whole.tsv").write_text(whole, encoding="utf-8")
    result = commands.answer("import", "whole.tsv", "--out", "foxes", "--replace")

    assert rows("foxes/pairs.csv")[1:] == [[*(row[0] for row in rows("foxes/texts.csv")[1:]), "4"]]
    assert rows("foxes/left_out.csv")[1][0] == "whole.tsv:3", "6 is beyond the range in corpus.yaml, 1 to 5"
    assert result["range_source"] == "as foxes/corpus.yaml says"
    assert contents("foxes")["corpus.yaml"] == settings
    assert sorted(contents("foxes")) == ["corpus.yaml", "left_out.csv", "notes.txt", "pairs.csv", "texts.csv"]

    # The same call again does the same; where nothing is left out, no list of it stays.
    Path("whole.tsv").write_text(whole.replace("6", "5"), encoding="utf-8")
    for _ in range(2):
        commands.answer("import", "whole.tsv", "--out", "foxes", "--replace")
        assert sorted(contents("foxes")) == ["corpus.yaml", "notes.txt", "pairs.csv", "texts.csv"]


def test_songs_replace_texts_and_leave_a_persons_pairs(home: Path) -> None:
    Path("songs.csv").write_text("id,text\na,rain on the roof\nb,a river\n", encoding="utf-8")
    asked = "import", "songs.csv", "--text", "text", "--id", "id", "--out", "songs", "--replace"
    commands.answer(*asked)
    Path("songs/pairs.csv").write_text("left_id,right_id,similarity\na,b,5\n", encoding="utf-8")
    Path("songs/corpus.yaml").write_text("similarity_range: [1, 5]\n", encoding="utf-8")
    before = contents("songs")
    commands.answer(*asked)
    assert contents("songs") == before


@pytest.mark.parametrize(
    ("corpus", "options", "said"),
    [
        (
            None,
            [],
            "foxes: --replace: no texts.csv there, so it is of no import; name that folder, or a new one",
        ),
        (
            "similarity_range: [1, 5]",
            ["--range", "0,5"],
            "foxes/corpus.yaml: similarity_range is 1 to 5, and --range another one; leave --range out, or "
            "change corpus.yaml",
        ),
        (
            "similarity_range: [5, 1]",
            [],
            "foxes/corpus.yaml: similarity_range is [5, 1]; name the lowest and the highest grade",
        ),
        (
            "similarity_range: [1, 2, 3]",
            [],
            "foxes/corpus.yaml: similarity_range is [1, 2, 3]; name the lowest and the highest grade",
        ),
    ],
)
def test_what_cannot_be_replaced_is_refused_and_stays_as_it_is(
    home: Path, corpus: str | None, options: list[str], said: str
) -> None:
    Path("foxes").mkdir()
    Path("foxes/mine.txt").touch()
    if corpus is not None:
        Path("foxes/texts.csv").write_text("id,text\n")
        Path("foxes/corpus.yaml").write_text(corpus)
    before = contents("foxes")
    assert commands.refusal("import", "pairs.tsv", "--out", "foxes", "--replace", *options) == said
    assert contents("foxes") == before


def test_a_file_that_is_refused_replaces_nothing(home: Path) -> None:
    commands.run("import", "pairs.tsv", "--out", "foxes")
    before = contents("foxes")
    Path("bad.csv").write_text("a,b,c\nx y,z w,v u\n", encoding="utf-8")
    commands.refusal("import", "bad.csv", "--out", "foxes", "--replace")
    assert contents("foxes") == before
    assert sorted(path.name for path in home.iterdir()) == ["bad.csv", "foxes", "pairs.tsv"]


def test_an_import_that_is_killed_as_it_writes_leaves_the_old_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.run("import", "pairs.tsv", "--out", "foxes")
    before = contents("foxes")
    Path("pairs.tsv").write_text("first\tsecond\tmark\nA\tB\t1\nC\tD\t5\n", encoding="utf-8")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(generic, "_put_into", killed)
        assert commands.run("import", "pairs.tsv", "--out", "foxes", "--replace").exit_code != 0
    assert contents("foxes") == before
    commands.answer("import", "pairs.tsv", "--out", "foxes", "--replace")
    assert len(rows("foxes/pairs.csv")) == 3


def test_a_refused_file_leaves_no_folder(home: Path) -> None:
    Path("bad.csv").write_text("a,b,c\nx y,z w,v u\n", encoding="utf-8")
    commands.refusal("import", "bad.csv", "--out", "there/bad")
    assert sorted(path.name for path in home.iterdir()) == ["bad.csv", "pairs.tsv"]
    assert commands.refusal("import", "no.csv", "--out", "out") == (
        "no.csv: no such file; give a file or a folder that is there"
    )


def test_songs_alone_are_not_said_to_be_trainable(home: Path) -> None:
    songs = [{"title": "Tin Roof", "artist": "Ola Brandt", "lyrics": "[Chorus]\nThe rain is loud"}]
    Path("Lyrics_OlaBrandt.json").write_text(json.dumps({"songs": songs}), encoding="utf-8")
    told = commands.answer("import", "Lyrics_OlaBrandt.json", "--out", "songs")
    assert (told["pairs"], told["similarity_range"]) == (None, None)
    assert told["next"] == "neuralist embed songs/texts.csv embeddings.csv"
    assert "no model can be trained on these texts alone" in told["notes"][0]
    assert f"neuralist catalogue add {home / 'songs/texts.csv'}, in the checkout" in told["notes"][0]
    assert sorted(path.name for path in Path("songs").iterdir()) == ["texts.csv"]
    # What stands in the table is what the file holds; what is shown is what is read of it.
    assert rows("songs/texts.csv") == [
        ["id", "text", "title", "artist", "year", "language"],
        ["ola-brandt--tin-roof", "[Chorus]\nThe rain is loud", "Tin Roof", "Ola Brandt", "", ""],
    ]
    assert told["columns"][4]["examples"] == ["The rain is loud"]
    # What `neuralist catalogue add` reads of it: every row, and every column.
    added = changes.read_file(Path("songs/texts.csv"))
    assert added.records[["id", "artist", "title"]].to_numpy().tolist() == [
        ["ola-brandt--tin-roof", "Ola Brandt", "Tin Roof"]
    ]
    assert (len(added.rejects), added.unread) == (0, {})


@pytest.mark.parametrize(
    ("splits", "grades", "expected"),
    [
        ("", "0 1", "make repro RAW={out} EXPERIMENTS=malstm2016,graded"),
        ("", "0 0.5 1", "make repro RAW={out}"),
        ("train test", "0 1", "make repro RAW={out}"),
        ("test", "0 1", "neuralist evaluate MODEL {out}"),
    ],
)
def test_the_next_command_fits_the_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: str, grades: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["a,b,score" + (",split" if splits else "")]
    for number in range(12):
        values = [value.split()[number % len(value.split())] for value in (grades, splits) if value]
        lines.append(f"fox {number} runs,hen {number} flies,{','.join(values)}")
    Path("x.csv").write_text("\n".join(lines), encoding="utf-8")
    told = commands.answer("import", "x.csv", "--out", "a folder")
    assert told["next"] == expected.format(out=f"'{tmp_path / 'a folder'}'")


def test_the_songs_stage_names_the_command_for_a_file_of_another_form(tmp_path: Path) -> None:
    folder = tmp_path / "one file"
    folder.mkdir()
    (folder / "README.md").write_text("Pairs of questions.")
    (folder / "train.csv").write_text("question1,question2,is_duplicate\na b,c d,1\n")
    with pytest.raises(ValueError, match=r"found train\.csv") as refused:
        formats.read(folder, (0, 1))
    assert f"`neuralist import '{folder}/train.csv' --out '{folder}-imported'`" in str(refused.value)

    songs = tmp_path / "songs"
    songs.mkdir()
    for name in ("A - B.lrc", "C - D.txt"):
        (songs / name).write_text("la la")
    with pytest.raises(ValueError, match=r"found A - B\.lrc, C - D\.txt") as refused:
        formats.read(songs, (0, 1))
    assert f"`neuralist import {songs} --out {songs}-imported`" in str(refused.value)
