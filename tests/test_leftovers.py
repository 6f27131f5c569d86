"""What a killed process left half written goes with the next call; what a living one writes stays."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neuralist import files

WRITER = """
import sys, time
from pathlib import Path
from neuralist import files
made = {}
with {call} as path:
    print(path, flush=True)
    time.sleep(60)
"""
CALLS = {
    "file": ("files.unfinished(Path(sys.argv[1], 'b.csv'))", files.UNFINISHED),
    "folder": ("files.temporary_folder(Path(sys.argv[1]), '.demo-')", ".demo-"),
}


def start(kind: str, folder: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A process that is writing, and the path under which it does."""
    code = WRITER.replace("made = {}\n", "").replace("{call}", CALLS[kind][0])
    command = [sys.executable, "-c", code, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("kind", CALLS)
def test_what_a_living_process_writes_stays_until_it_is_killed(kind: str, tmp_path: Path) -> None:
    process, path = start(kind, tmp_path)
    try:
        files.remove_leftovers(tmp_path, CALLS[kind][1])
        assert path.exists()
    finally:
        process.kill()
        process.communicate()
    assert path.exists()
    files.remove_leftovers(tmp_path, CALLS[kind][1])
    assert not path.exists()


def test_the_next_write_in_the_folder_removes_what_is_left(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-0123abcd-other.csv").write_text("half")
    files.write_text(tmp_path / "b.csv", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


def test_files_of_other_names_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    kept = [".unfinished-thesis.txt", ".unfinished-0123", "unfinished-0123abcd-b.csv"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".unfinished-0123abcd-link").symlink_to(tmp_path / "mine")
    files.remove_leftovers(tmp_path, files.UNFINISHED)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "mine", ".unfinished-0123abcd-link"}


def test_two_writers_of_one_path_each_leave_it_whole(tmp_path: Path) -> None:
    with files.unfinished(tmp_path / "b.csv") as one, files.unfinished(tmp_path / "b.csv") as other:
        one.write_text("first")
        other.write_text("second")
    assert (tmp_path / "b.csv").read_text() == "first"  # the outer one ended last
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_of_writing_names_the_path_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(IsADirectoryError) as refused:
        files.write_text(tmp_path / "b.csv", "text")
    assert refused.value.filename == str(tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_an_error_of_copying_names_the_path_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with pytest.raises(OSError) as refused, files.unfinished(tmp_path / "b.csv") as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        shutil.copyfile(tmp_path / "a", temporary)
    assert refused.value.filename == str(tmp_path / "b.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_an_error_in_a_temporary_folder_names_what_is_made() -> None:
    with pytest.raises(OSError) as refused, files.named(Path("new")):
        Path("/dev/full").write_text("text")  # Python itself names no path here
    assert (refused.value.errno, refused.value.filename) == (errno.ENOSPC, "new")
