"""Raw folders in which something is no file, is cut or far too long: named, not skipped nor waited for."""

import json
import os
from pathlib import Path

import pytest
from tests import raw

from neuralist.ingest.importing import lyrics, source
from neuralist.ingest.importing.roles import Flags
from neuralist.ingest.sources import billboard, folders, formats, generic_csv, msd

ROWS = [["a", "rain on the roof"], ["b", "rain on the river"], ["c", "the river is wide"]]


def generic(folder: Path) -> Path:
    raw.texts(folder, ROWS)
    raw.pairs(folder, [["a", "b", "0.75"], ["b", "c", "0.25"]])
    return folder


@pytest.mark.parametrize("place", ["lastfm/A/TRAAA.json", "texts.csv", "corpus.yaml", "notes"])
def test_a_link_to_nothing_is_named(tmp_path: Path, place: str) -> None:
    path = generic(tmp_path) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("gone.csv")
    with pytest.raises(ValueError, match=rf"{place}: a link to gone.csv, where nothing is; put the file"):
        formats.read(tmp_path, (0, 1))


@pytest.mark.parametrize("place", ["lastfm/A/TRAAA.json", "texts.csv", "corpus.yaml", "notes"])
def test_a_named_pipe_is_named_and_not_waited_for(tmp_path: Path, place: str) -> None:
    path = generic(tmp_path) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(ValueError, match=rf"{place}: a named pipe, a socket or a device; put a file"):
        formats.read(tmp_path, (0, 1))


def test_a_named_pipe_that_import_is_given_is_named_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("a,b,score\nmoss,fern,0.5\n")
    os.mkfifo(tmp_path / "0pairs.csv")
    with pytest.raises(ValueError, match=r"0pairs\.csv: a named pipe, a socket or a device; put a file"):
        source.read(sorted(tmp_path.iterdir()), Flags())


def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = raw.track_file(raw.two_songs(tmp_path), "TRAAA1", []).parent
    scan = os.scandir

    def refused(path: Path) -> object:  # root may read any folder
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*/A/A/A'"):
        formats.read(tmp_path, (0, 1))
    with pytest.raises(PermissionError):
        folders.found(tmp_path, "TR*.json")


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "x.txt").touch()
    assert folders.found(tmp_path, "*.txt") == [tmp_path / "a" / "x.txt"]


@pytest.mark.parametrize("cut", ["c", "c,a"])
def test_a_last_line_of_pairs_that_is_cut_is_named(tmp_path: Path, cut: str) -> None:
    path = generic(tmp_path) / "pairs.csv"
    path.write_text(path.read_text() + cut)
    read = formats.read(tmp_path, (0, 1))
    with pytest.raises(ValueError, match=r"^pairs.csv:4: the file ends within this line; put the whole file"):
        read.similarities(["a", "b", "c"])


def test_a_short_line_before_the_last_is_rejected_as_before(tmp_path: Path) -> None:
    path = generic(tmp_path) / "pairs.csv"
    path.write_text(path.read_text() + "c,a\n")
    rejects = formats.read(tmp_path, (0, 1)).similarities(["a", "b", "c"]).rejects
    assert rejects["where"].tolist() == ["pairs.csv:4"]
    assert rejects["reason"].tolist() == ["wrong number of fields"]


def test_a_last_line_without_a_line_end_is_counted_for_it_may_be_cut(tmp_path: Path) -> None:
    path = generic(tmp_path) / "pairs.csv"
    assert raw.build(tmp_path).counts["last lines without a line end in"] == {}
    path.write_text(path.read_text().rstrip())  # 0.25, which may have been 0.255
    assert raw.build(tmp_path).counts["last lines without a line end in"] == {"pairs.csv": 1}


def test_a_last_track_that_is_cut_is_named(tmp_path: Path) -> None:
    raw.database(raw.two_songs(tmp_path), [("TRAAA1", "TRBBB1,0.5")])
    path = tmp_path / "msd" / "unique_tracks.txt"
    path.write_text(path.read_text() + "TRCCC1<SEP>SOC")
    with pytest.raises(ValueError, match=r"^msd/unique_tracks.txt:3: the file ends within this line"):
        formats.read(tmp_path, (0, 1))


@pytest.mark.parametrize(
    ("column", "length", "reason"),
    [
        (1, 1_000_000, "text has a word of more than 100,000 characters"),
        (1, 1_000_001, "text has more than 1,000,000 characters"),
        (0, 30_000_000, "id has more than 10,000 characters"),
        (2, 10_001, "artist has more than 10,000 characters"),
        (3, 30_000_000, "tags has more than 10,000 characters"),
    ],
)
def test_what_no_record_has_is_rejected_by_name(
    tmp_path: Path, column: int, length: int, reason: str
) -> None:
    rows = [[*row, "x", "rock"] for row in ROWS]
    rows[1][column] = "a" * length
    raw.texts(tmp_path, rows, header="id,text,artist,tags")
    records, rejects, _ = generic_csv.read(tmp_path)
    assert records["id"].tolist() == ["a", "c"]
    assert rejects["where"].tolist() == ["texts.csv:3"]
    assert rejects["reason"].tolist() == [reason]
    assert len(rejects["value"].tolist()[0]) == 80


def test_a_text_of_many_megabytes_is_rejected_not_waited_for(tmp_path: Path) -> None:
    raw.texts(tmp_path, [*ROWS, ["d", "rain on the " * 100_000]])
    records, rejects, _ = generic_csv.read(tmp_path)
    assert records["id"].tolist() == ["a", "b", "c"]
    assert rejects["reason"].tolist() == ["text has more than 1,000,000 characters"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("lyrics", "rain on the " * 100_000, "lyrics has more than 1,000,000 characters"),
        ("lyrics", "a" * 1_000_000, "lyrics has a word of more than 100,000 characters"),
        ("title", "a" * 10_001, "title has more than 10,000 characters"),
        ("tags", ["rock", "a" * 10_000], "tags has more than 10,000 characters"),
        ("tags", ["a"] * 6_000, "tags has more than 10,000 characters"),
    ],
)
def test_what_no_record_of_billboard_has_is_rejected_by_name(
    tmp_path: Path, field: str, value: object, reason: str
) -> None:
    song = {"artist": "Ola", "title": "Roof", "year": 1985, "lyrics": "rain on the roof", "tags": []}
    path = tmp_path / "billboard" / "1985.json"
    path.parent.mkdir()
    path.write_text(json.dumps([song, song | {field: value}]))
    records, rejects, _ = billboard.read(tmp_path)
    assert records["where"].tolist() == ["billboard/1985.json:0"]
    assert rejects["reason"].tolist() == [reason]
    assert len(rejects["value"].tolist()[0]) == 80


@pytest.mark.parametrize(("column", "name"), [(0, "track_id"), (2, "artist"), (3, "title")])
def test_what_no_track_has_is_rejected_by_name(tmp_path: Path, column: int, name: str) -> None:
    path = raw.two_songs(tmp_path) / "msd" / "unique_tracks.txt"
    fields = ["TRCCC1", "SOCCC1", "Ola", "Roof"]
    fields[column] = "moon river " * 100_000
    path.write_text(path.read_text() + "<SEP>".join(fields) + "\n")
    tracks, rejects = msd.read(tmp_path)
    assert tracks["track_id"].tolist() == ["TRAAA1", "TRBBB1"]
    assert rejects["reason"].tolist() == [f"{name} has more than 10,000 characters"]
    assert rejects["where"].tolist() == ["msd/unique_tracks.txt:3"]


@pytest.mark.parametrize("is_database", [False, True])
def test_a_tag_or_grade_of_megabytes_is_rejected_with_a_short_value(
    tmp_path: Path, *, is_database: bool
) -> None:
    folder, long = raw.two_songs(tmp_path), "a" * 1_000_000
    if is_database:
        raw.database(folder, [("TRAAA1", f"TRBBB1,0.5,TRBBB1,{long}")])
        raw.tags_database(folder, ["TRAAA1"], ["rock", long], [(1, 1, 100.0), (1, 2, 100.0)])
    else:
        raw.track_file(folder, "TRAAA1", [["TRBBB1", 0.5], ["TRBBB1", long]], [["rock", "1"], [long, "1"]])
    similar = formats.read(folder, (0, 1)).similarities(["TRAAA1", "TRBBB1"])
    assert [name for name, _ in similar.lastfm_tags["TRAAA1"]] == ["rock"]
    assert sorted(similar.rejects["reason"]) == [
        "similarity is not a number within similarity_range",
        "tag has more than 10,000 characters",
    ]
    assert similar.rejects["value"].str.len().tolist() == [80, 80]


def test_a_number_of_many_digits_is_named_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "billboard" / "1985.json"
    path.parent.mkdir()
    path.write_text(f'[{{"year": {"9" * 5_000}}}]')
    with pytest.raises(ValueError, match=r"^billboard/1985.json: a number of more than 4,300 digits; write"):
        billboard.read(tmp_path)


def test_a_long_text_of_words_and_a_long_paragraph_are_read(tmp_path: Path) -> None:
    rows = [["a", "rain " * 199_999], ["b", "雨" * 99_999]]
    raw.texts(tmp_path, rows)
    assert generic_csv.read(tmp_path)[0]["id"].tolist() == ["a", "b"]


def test_a_folder_to_import_is_looked_through_likewise(tmp_path: Path) -> None:
    (tmp_path / "Ola - Roof.txt").write_text("rain on the roof")
    (tmp_path / "Ola - River.txt").symlink_to("gone.txt")
    with pytest.raises(ValueError, match=r"Ola - River.txt: a link to gone.txt, where nothing is"):
        source.read([tmp_path], Flags())
    assert lyrics.files(tmp_path) == [tmp_path / "Ola - Roof.txt"]
