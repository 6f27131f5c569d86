"""`make data`: what is there stays; the demo only where data.dvc pins it; else a pull or a clear sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuralist import demo

pytestmark = pytest.mark.slow  # each starts a process or two, some of them DVC

ROOT = Path(__file__).parents[2]
OTHER = "0123456789abcdef0123456789abcdef.dir"


@pytest.fixture(scope="module")
def demo_hash(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo") / "data"
    demo.write(folder)
    return demo.digest(folder)


def pin(folder: Path, md5: str) -> bytes:
    """Write a data.dvc as `dvc add data` does."""
    content = f"outs:\n- md5: {md5}\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: data\n".encode()
    (folder / "data.dvc").write_bytes(content)
    return content


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "pipelines/data.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def make_data(folder: Path) -> tuple[int, str, str]:
    process = start(folder)
    said, error = process.communicate(timeout=60)
    return process.returncode, said, error


def repository(folder: Path, remote: Path | None = None) -> None:
    """A DVC repository as `dvc init --no-scm` makes it, in no time."""
    (folder / ".dvc").mkdir(parents=True)
    named = f"    remote = shared\n['remote \"shared\"']\n    url = {remote}\n" if remote else ""
    (folder / ".dvc/config").write_text(f"[core]\n    no_scm = True\n    analytics = false\n{named}")


def dvc(folder: Path, *command: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder, check=True, capture_output=True)


def test_data_that_is_there_stays_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.csv").write_text("mine")
    code, said, _ = make_data(tmp_path)
    assert code == 0
    assert said == "data/ is there and stays as it is.\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "mine.csv"]


def test_data_of_another_size_than_pinned_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.csv").write_text("m")
    pin(tmp_path, OTHER)  # one file of one byte
    assert make_data(tmp_path)[1] == "data/ is there and stays as it is.\n"
    (tmp_path / "data/mine.csv").write_text("mine")
    code, said, _ = make_data(tmp_path)
    assert code == 0
    assert "It is not what data.dvc pins: `dvc checkout data.dvc`" in said


@pytest.mark.parametrize("empty_folder", [False, True])
def test_the_demo_is_made_where_data_dvc_pins_it(tmp_path: Path, demo_hash: str, empty_folder: bool) -> None:
    if empty_folder:
        (tmp_path / "data").mkdir()
    pinned = pin(tmp_path, demo_hash)
    code, said, _ = make_data(tmp_path)
    assert code == 0
    assert said.count("\n") == 1
    assert "synthetic" in said
    assert demo.digest(tmp_path / "data") == demo_hash
    assert (tmp_path / "data.dvc").read_bytes() == pinned
    assert not list((tmp_path / "work").iterdir())


def test_two_calls_at_once_leave_one_whole_demo(tmp_path: Path, demo_hash: str) -> None:
    pin(tmp_path, demo_hash)
    calls = [start(tmp_path), start(tmp_path)]
    for call in calls:
        call.communicate(timeout=60)
    assert [call.returncode for call in calls] == [0, 0]
    assert demo.digest(tmp_path / "data") == demo_hash


def test_a_call_that_is_killed_leaves_no_half_of_data(tmp_path: Path, demo_hash: str) -> None:
    pin(tmp_path, demo_hash)
    process = start(tmp_path)
    while process.poll() is None and not list(tmp_path.glob("work/.demo-*/data/*")):
        pass
    process.kill()
    process.communicate()
    assert not (tmp_path / "data").exists() or demo.digest(tmp_path / "data") == demo_hash
    assert make_data(tmp_path)[0] == 0
    assert demo.digest(tmp_path / "data") == demo_hash


def test_without_data_dvc_a_sentence_says_so(tmp_path: Path) -> None:
    code, said, error = make_data(tmp_path)
    assert (code, said) == (1, "")
    assert error.startswith("error: neither data/ nor data.dvc is here; restore data.dvc")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "content", [b"outs: [", b"outs: []\n", b"- 1\n", b"\xff\xfe", b"outs:\n- path: data\n", b""]
)
def test_a_corrupt_data_dvc_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.dvc").write_bytes(content)
    code, _, error = make_data(tmp_path)
    assert code == 1
    assert error.startswith("error: data.dvc does not name one folder and its md5")
    assert error.count("\n") == 1


def test_other_data_that_no_remote_has_is_an_error_and_not_the_demo(tmp_path: Path) -> None:
    repository(tmp_path)
    pinned = pin(tmp_path, OTHER)
    code, said, error = make_data(tmp_path)
    assert (code, said) == (1, "")
    assert error.count("\n") == 1
    for part in (OTHER, "remote", "dvc remote add", "would rewrite data.dvc"):
        assert part in error
    assert not (tmp_path / "data").exists()
    assert (tmp_path / "data.dvc").read_bytes() == pinned


def test_other_data_is_pulled_from_a_remote(tmp_path: Path) -> None:
    team, clone = tmp_path / "team", tmp_path / "clone"
    for folder in (team, clone):
        repository(folder, remote=tmp_path / "remote")
    (team / "data").mkdir()
    (team / "data/texts.csv").write_text("id,text\na,invented\n")
    dvc(team, "add", "-q", "data")
    dvc(team, "push", "-q")
    (clone / "data.dvc").write_bytes((team / "data.dvc").read_bytes())
    code, said, _ = make_data(clone)
    assert code == 0
    assert said == "data/ now holds what data.dvc pins, from DVC's cache or remote.\n"
    assert (clone / "data/texts.csv").read_text() == "id,text\na,invented\n"


def test_a_pull_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "data" / name).write_text(name)
    dvc(tmp_path, "add", "-q", "data")
    (tmp_path / "data/b.csv").unlink()
    (tmp_path / "work").mkdir()
    (tmp_path / "work/.pulling-data").touch()
    assert make_data(tmp_path)[0] == 0
    assert (tmp_path / "data/b.csv").read_text() == "b.csv"
    assert not (tmp_path / "work/.pulling-data").exists()
