"""neuralist catalogue: what the commands write, say and refuse. tests/pipeline runs it with DVC itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests import commands, trained

from neuralist.cli import catalogue
from neuralist.ingest import changes

FILE = "id,text,artist,title,year,tags\ne,moss stone,Cleo,Fern,2011,rock\na,stone,,,,\n"


class Dvc:
    """What DVC is asked, and what it answers: the stages out of date, and whether those that run fail."""

    def __init__(self) -> None:
        self.stale: list[str] = []
        self.fails = False
        self.asked: list[str] = []

    def __call__(self, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Answer as `dvc` does."""
        self.asked.append(arguments[0])
        # Stages that always run, and those that the change is about, are out of date by it.
        own = ("catalogue", "package", "songmap", "track", "register")
        status = {stage: ["changed"] for stage in (*self.stale, *own)}
        return subprocess.CompletedProcess([], 0, json.dumps(status), "")

    def run_stages(self, root: Path) -> bool:
        """Run no stage, and say how it went."""
        self.asked.append("repro")
        return not self.fails


@pytest.fixture
def dvc(monkeypatch: pytest.MonkeyPatch) -> Dvc:
    stand_in = Dvc()
    monkeypatch.setattr(catalogue, "_dvc", stand_in)
    monkeypatch.setattr(catalogue, "_run_stages", stand_in.run_stages)
    return stand_in


@pytest.fixture
def home(dvc: Dvc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with songs a to d, "Artist a - Song a" and so on, and a file of two songs to add."""
    trained.write_checkout(tmp_path)
    (tmp_path / "new.csv").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(*arguments: str) -> Any:
    return commands.answer("catalogue", *arguments)


def refusal(*arguments: str) -> str:
    return commands.refusal("catalogue", *arguments)


def lines(home: Path, name: str) -> list[str]:
    return (home / "catalogue" / name).read_text().splitlines()


APPLIED = {"applied": True, "next": None}


# --- add -------------------------------------------------------------------------------------------


def test_songs_are_added_and_corrected_and_the_stages_run(home: Path, dvc: Dvc) -> None:
    result = answer("add", "new.csv")

    assert result == {"new": ["e"], "corrected": ["a"], "unchanged": 0, "refused": []} | APPLIED
    assert lines(home, "added.csv") == [
        "id,text,artist,title,year,tags,language",
        "e,moss stone,Cleo,Fern,2011,rock,",
        "a,stone,,,,,",
    ]
    assert dvc.asked == ["add", "status", "repro"]


def test_the_same_file_again_changes_nothing_and_completes_what_was_killed(home: Path, dvc: Dvc) -> None:
    answer("add", "new.csv")
    before = (home / "catalogue/added.csv").stat().st_mtime_ns
    result = answer("add", "new.csv")

    assert (result["new"], result["corrected"], result["unchanged"]) == ([], [], 2)
    assert (home / "catalogue/added.csv").stat().st_mtime_ns == before
    assert dvc.asked[3:] == ["add", "status", "repro"]


def test_a_row_of_a_song_that_was_added_takes_its_place(home: Path) -> None:
    answer("add", "new.csv")
    (home / "more.csv").write_text("id,text,year\ne,fern,2012\n")

    assert answer("add", "more.csv")["corrected"] == ["e"]
    assert lines(home, "added.csv")[1:] == ["a,stone,,,,,", "e,fern,,,2012,,"]


def test_rows_that_cannot_be_used_are_named_and_the_others_are_added(home: Path) -> None:
    answer("remove", "b", "--reason", "asked")
    (home / "mixed.csv").write_text("id,text,year\ne,moss fern,soon\nf,?!,\nb,fern,\ne,stone,\n")
    result = commands.run("catalogue", "add", "mixed.csv")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "mixed.csv: 1 new, 0 corrected, 0 unchanged, 3 refused"
    assert [line.split(", received")[0] for line in result.stdout.splitlines()[1:]] == [
        "  mixed.csv:3: lyrics without a word",
        f"  mixed.csv:4: was removed on {lines(home, 'removed.csv')[1].split(',')[1]} (asked); "
        "`neuralist catalogue restore b` takes that back",
        "  mixed.csv:5: repeat of an earlier song",
    ]
    assert "warning: mixed.csv:2: 'soon' is no year; left empty" in result.stderr.splitlines()
    assert lines(home, "added.csv")[1:] == ["e,moss fern,,,,,"]


def test_where_no_row_can_be_used_the_command_refuses(home: Path, dvc: Dvc) -> None:
    (home / "bad.csv").write_text("id,text\ne,?!\nf,[Instrumental]\n")

    assert refusal("add", "bad.csv") == (
        "bad.csv: none of its 2 songs can be added; the first, bad.csv:2: lyrics without a word, received 'e'"
    )
    assert not (home / "catalogue/added.csv").exists()
    assert "repro" not in dvc.asked


def test_artist_and_title_name_a_song_of_the_data(home: Path) -> None:
    (home / "named.csv").write_text("artist,title,lyrics\nARTIST A,song a,stone\nCleo,Fern,moss\n")
    result = answer("add", "named.csv")

    assert (result["corrected"], result["new"]) == (["a"], ["cleo--fern"])


def test_a_stage_out_of_date_before_them_is_not_run(home: Path, dvc: Dvc) -> None:
    dvc.stale = ["songs", "train@lyrics"]
    result = commands.run("catalogue", "add", "new.csv")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: the change is in catalogue/, and not yet in the model: out of date is songs, train@lyrics; "
        "`dvc repro` runs that and brings the change, and may train"
    ]
    assert (home / "catalogue/added.csv").exists()
    assert "repro" not in dvc.asked


def test_of_two_calls_the_second_waits_until_the_stages_of_the_first_have_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []

    def run_stages(root: Path) -> bool:
        with changes.alone(root / "catalogue", lambda: locked.append(True) or stop()):
            return True

    def stop() -> None:
        raise BlockingIOError("waits")

    monkeypatch.setattr(catalogue, "_run_stages", run_stages)
    assert "waits" in refusal("remove", "a")
    assert locked == [True]
    with changes.alone(home / "catalogue", stop):  # the command that ended keeps nobody waiting
        pass


def test_dvcs_error_is_told_without_its_advice_to_delete_a_lock(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ERROR: 'catalogue' is busy, it is being blocked by:\n  (PID 7): dvc repro\n\nIf there are no "
    said += "processes with such PIDs, you can manually remove 'rwlock' and try again.\n"
    monkeypatch.setattr(catalogue, "_dvc", lambda *_: subprocess.CompletedProcess([], 255, "", said))
    assert "failed: 'catalogue' is busy, it is being blocked by; correct" in refusal("remove", "a")


def test_a_stage_that_fails_is_told(home: Path, dvc: Dvc) -> None:
    dvc.fails = True
    result = commands.run("catalogue", "remove", "a", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["applied"] is False
    assert "a stage failed" in result.stderr
    assert lines(home, "removed.csv")[1].startswith("a,")


# --- remove, restore, list -------------------------------------------------------------------------


def test_a_song_is_removed_by_id_or_name_with_the_reason(home: Path, dvc: Dvc) -> None:
    result = answer("remove", "artist B - song b", "a", "--reason", "asked,  by letter")

    assert result == {"removed": ["b", "a"], "already_removed": [], "other_versions": []} | APPLIED
    rows = lines(home, "removed.csv")
    assert [row.split(",")[0] for row in rows] == ["id", "a", "b"]
    assert all(row.endswith(',"asked, by letter"') for row in rows[1:])
    assert dvc.asked == ["status", "repro"]


@pytest.mark.parametrize("name", ["a", "Artist a - Song a"])
def test_removing_again_completes_what_was_killed_and_keeps_the_first_reason(home: Path, name: str) -> None:
    answer("remove", name, "--reason", "first")
    before = lines(home, "removed.csv")
    result = answer("remove", name, "--reason", "second")

    assert (result["removed"], result["already_removed"]) == ([], ["a"])
    assert lines(home, "removed.csv") == before


def test_of_a_song_that_was_added_the_text_is_deleted(home: Path) -> None:
    answer("add", "new.csv")
    answer("remove", "e")
    assert lines(home, "added.csv")[1:] == ["a,stone,,,,,"]

    (home / "catalogue/added.csv.dvc").touch()
    answer("remove", "a")
    assert [path.name for path in (home / "catalogue").iterdir()] == ["removed.csv"]


def test_an_id_that_is_removed_already_takes_no_other_song_of_its_name(home: Path) -> None:
    text = "id,text,artist,title\n,moss stone,Cleo,Fern\ncleo2,fern stone fern,Cleo,Fern\n"
    (home / "new.csv").write_text(text)
    answer("add", "new.csv")
    assert answer("remove", "cleo--fern")["removed"] == ["cleo--fern"]
    again = answer("remove", "cleo--fern")
    assert (again["removed"], again["already_removed"]) == ([], ["cleo--fern"])


def test_an_unknown_song_is_refused_with_those_of_nearly_its_name(home: Path, dvc: Dvc) -> None:
    said = refusal("remove", "a", "artst b - song b")

    assert said.startswith("no song 'artst b - song b' among the 4 of the catalogue, and nothing was removed")
    assert "did you mean 'Artist b - Song b'" in said
    assert lines(home, "removed.csv") == ["id,date,reason"]
    assert dvc.asked == []


def test_a_name_of_two_songs_is_asked_back(home: Path) -> None:
    (home / "twin.csv").write_text("id,text,artist,title\nz,moss fern,Artist a,Song a\n")
    answer("add", "twin.csv")

    assert refusal("remove", "Artist a - Song a") == (
        "'Artist a - Song a' is the name of 2 songs; name one or more by id: a, z"
    )
    answer("remove", "z")
    assert answer("remove", "Artist a - Song a")["removed"] == ["a"]


def test_versions_that_stay_are_named(home: Path) -> None:
    from neuralist.data import parquet, tables

    path = home / "artifacts/songs.parquet"
    songs = parquet.read(path, tables.SONGS)
    songs["group_id"] = ["a", "a", "a", "d"]
    parquet.write(songs, tables.SONGS, path)
    answer("remove", "c")

    result = commands.run("catalogue", "remove", "a")
    assert "warning: other versions or covers of them stay: b" in result.stderr.splitlines()


def test_a_removal_is_taken_back(home: Path) -> None:
    answer("remove", "a", "b")

    assert answer("restore", "a") == {"restored": ["a"]} | APPLIED
    assert [row.split(",")[0] for row in lines(home, "removed.csv")] == ["id", "b"]
    assert refusal("restore", "a") == "no song 'a' was removed; removed are: b"


def test_the_text_of_a_song_that_was_added_does_not_come_back(home: Path) -> None:
    answer("add", "new.csv")
    answer("remove", "e")

    result = commands.run("catalogue", "restore", "e")
    assert "warning: e: is not in the data, and its text was deleted; add it again" in result.stderr


def test_the_list_has_what_was_added_corrected_and_removed(home: Path) -> None:
    nothing = commands.run("catalogue", "list")
    assert nothing.stdout == "The catalogue is that of the data: nothing was added or removed.\n"
    answer("add", "new.csv")
    answer("remove", "b", "--reason", "asked")

    told = answer("list")
    assert told["added"] == [
        {"id": "e", "what": "new", "artist": "Cleo", "title": "Fern"},
        {"id": "a", "what": "corrected", "artist": None, "title": None},
    ]
    assert [(song["id"], song["reason"]) for song in told["removed"]] == [("b", "asked")]
    shown = commands.run("catalogue", "list").stdout.splitlines()
    assert [line.split()[:2] for line in shown if line][2:] == [
        ["e", "new"],
        ["a", "corrected"],
        ["b", "removed"],
    ]


def test_a_checkout_without_songs_names_the_fix(home: Path) -> None:
    (home / "artifacts/songs.parquet").unlink()

    assert "songs.parquet: not a readable parquet table" in refusal("remove", "a")
