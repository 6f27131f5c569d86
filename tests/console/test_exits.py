"""How stages and commands end: one line with the path and the fix, the exit code, and no traceback."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuralist import files
from neuralist.console import error_messages, exits

ROOT = Path(__file__).resolve().parents[2]


def of_number(number: int, path: str | None = "a/b.csv") -> OSError:
    error = OSError(number, os.strerror(number))
    error.filename = path
    return error


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "the disk is full; make room there"),
        (errno.EROFS, "the disk can only be read; name another place"),
        (errno.EACCES, "no permission for this; change that by chmod"),
        (errno.EISDIR, "a folder stands where a file belongs; move it away"),
        (errno.ENOTDIR, "a file stands where a folder belongs; move it away"),
        (errno.EFBIG, "the file would be larger than files may be here; raise the limit"),
        (errno.EBADF, "Bad file descriptor; correct that and call again"),
    ],
)
def test_what_the_system_refuses_is_named_with_its_path_and_a_fix(number: int, fix: str) -> None:
    ends = exits.outcome(of_number(number))
    assert ends is not None
    assert ends.code == 1
    assert ends.line.startswith(f"error: a/b.csv: {fix}")


def test_of_a_renaming_the_new_path_is_named() -> None:
    error = IsADirectoryError(errno.EISDIR, "Is a directory", "a/.unfinished-x", None, "a/b.csv")
    assert str(error_messages.message(error)).startswith("a/b.csv: a folder stands where")


@pytest.mark.parametrize(
    "text", ["Unable to write (file write failed, errno = 28, error message = ...)", "Detail: [errno 28] No"]
)
def test_a_full_disk_is_told_by_what_a_library_says_of_it(text: str) -> None:
    error = OSError(text)
    error.filename = "/tmp/x/model.keras"
    assert str(error_messages.message(error)).startswith("/tmp/x/model.keras: the disk is full; make room")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_that_numpy_does_not_name_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    with pytest.raises(OSError) as met, files.unfinished(path), Path("/dev/full").open("wb") as full:
        np.zeros(100_000).tofile(full)
    line = f"{path}: only a part could be written: the disk is full, or your quota"
    assert str(error_messages.message(met.value)).startswith(line)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_of_a_folder_that_could_not_be_copied_the_first_file_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    for name in ("1", "2"):
        (tmp_path / "a" / name).write_text("x")
        (tmp_path / "b" / name).symlink_to("/dev/full")
    with pytest.raises(shutil.Error) as met:
        shutil.copytree(tmp_path / "a", tmp_path / "b", dirs_exist_ok=True)
    said = str(error_messages.message(met.value))
    assert re.fullmatch(
        r".*/b/[12]: the disk is full; make room there, or name a place on another disk", said
    )


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (
            MemoryError("Unable to allocate 7 GiB"),
            "not enough memory (Unable to allocate 7 GiB); close other",
        ),
        (ModuleNotFoundError("No module named 'psycopg'", name="psycopg"), "pip install 'neuralist[team]'"),
        (ModuleNotFoundError("No module named 'optuna'", name="optuna"), "run `make setup` in a checkout"),
        (ImportError("libx.so: no such file", name="x.y", path="/p/y.so"), "/p/y.so: cannot be imported"),
        (ValueError("B: received nothing; give words"), "B: received nothing; give words"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "is not UTF-8"),
    ],
)
def test_other_faults_name_their_fix(error: Exception, part: str) -> None:
    assert part in str(error_messages.message(error))


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    assert exits.outcome(KeyError("lyrics")) is None
    with pytest.raises(KeyError), exits.one_line():
        raise KeyError("lyrics")


def script(folder: Path, body: str) -> Path:
    """A stage of its own in a folder pipelines/."""
    path = folder / "pipelines" / "sleepy.py"
    path.parent.mkdir()
    path.write_text(body)
    return path


MAIN = """
import time
from neuralist import console
def main():
    print("ready", flush=True)
    time.sleep(60)
console.run(main)
"""
IMPORTS = """
from neuralist import console
import time
print("ready", flush=True)
time.sleep(60)
"""


# A library that makes another exception of it: DuckDB's "Query interrupted" is one.
CONVERTED = """
import time
from neuralist import console
def main():
    try:
        print("ready", flush=True)
        time.sleep(60)
    except BaseException:
        raise RuntimeError("query interrupted")
console.run(main)
"""
# Python prints what a finalizer raises, with a traceback, and goes on.
DROPPED = """
import time
from neuralist import console
class Closed:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(60)
console.run(lambda: Closed() and None)
"""
# Modules in C answer an exception within their imports by tracebacks and errors of their own.
LATE_IMPORT = f"""
import pathlib
from neuralist import console
pathlib.Path(__file__).with_name("late.py").write_text({CONVERTED.replace("console.run(main)", "main()")!r})
def main():
    import late
console.run(main)
"""
AT_THE_END = """
import atexit, time
from neuralist import console
atexit.register(lambda: (print("ready", flush=True), time.sleep(60)))
console.run(lambda: None)
"""


@pytest.mark.parametrize(
    ("body", "after"),
    [
        pytest.param(MAIN, "`dvc repro` runs stage sleepy again", id="main"),
        pytest.param(IMPORTS, "nothing was done; call it again", id="imports"),
        pytest.param(CONVERTED, "`dvc repro` runs stage sleepy again", id="converted"),
        pytest.param(DROPPED, "`dvc repro` runs stage sleepy again", id="dropped"),
        pytest.param(LATE_IMPORT, "`dvc repro` runs stage sleepy again", id="late import"),
        pytest.param(AT_THE_END, "its work was done", id="at the end"),
    ],
)
@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_a_stop_is_one_line_that_says_what_the_next_call_does(
    tmp_path: Path, body: str, after: str, number: signal.Signals, name: str, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, str(script(tmp_path, body))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        # A test run that a shell started in the background ignores SIGINT, and children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said == f"stopped by {name}; {after}\n"


def test_a_stop_while_python_takes_itself_apart_changes_nothing(tmp_path: Path) -> None:
    body = """
import atexit, os, signal
atexit.register(lambda: [os.kill(os.getpid(), number) for number in (signal.SIGINT, signal.SIGTERM)])
from neuralist import console
console.run(lambda: print("done"))
"""
    command = [sys.executable, str(script(tmp_path, body))]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


def stopped_at(folder: Path, raised: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    body = f"from neuralist import console\ndef main():\n    {raised}\nconsole.run(main)\n"
    command = [sys.executable, str(script(folder, body))]
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


def test_the_traceback_comes_where_it_is_asked_for(tmp_path: Path) -> None:
    ended = stopped_at(tmp_path, "raise ValueError('a: no b; give c')", NEURALIST_DEBUG="1")
    lines = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "error: a: no b; give c"


def test_without_asking_a_fault_is_one_line(tmp_path: Path) -> None:
    ended = stopped_at(tmp_path, "open('/nowhere/at/all')")
    line = "error: /nowhere/at/all: no such file or folder; correct the path, or put it there\n"
    assert (ended.returncode, ended.stderr) == (1, line)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_standard_output_is_a_fault(tmp_path: Path) -> None:
    path = script(tmp_path, "from neuralist import console\nconsole.run(lambda: print('x'))\n")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, str(path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": ""},
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: standard output: the disk is full; make room there")
    assert ended.stderr.count("\n") == 1
