"""Commands as a person would start them, in processes of their own that can be killed as one.

Also what an acceptable refusal is, and a checkout to do damage in.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from faults.trials import ROOT

PATIENCE = 900  # seconds until a command must have ended, on a machine that is busy too
# What a checkout is made of, beside what `make repro` leaves.
PARTS = (
    "Makefile",
    "src",
    "pipelines",
    "catalogue",
    "dvc.yaml",
    "dvc.lock",
    "data.dvc",
    "params.yaml",
    "pyproject.toml",
    "requirements.txt",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
    "mlruns/.gitignore",
    "data",
    "artifacts",
)
PYTHON = sys.executable
NEURALIST = "neuralist"  # beside this interpreter, as `make setup` leaves it


class Ended(NamedTuple):
    """A command that has ended.

    Attributes:
        code: its exit status, negative where a signal ended it; None where it did not end in time.
        out: what it printed.
        err: what it printed on stderr.
    """

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        """The end of what it said, in a line."""
        return " ".join((self.err.strip() or self.out.strip())[-300:].split())


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of what is started: this interpreter's commands, and the code of a folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DVC_"))}
    path = os.pathsep.join([sysconfig.get_path("scripts"), kept.get("PATH", os.defpath)])
    own = {"PATH": path, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}"}
    return kept | own | {"MLFLOW_DISABLE_TELEMETRY": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}


def start(
    command: Sequence[str],
    folder: Path,
    code_of: Path | None = None,
    said: tuple[int | IO, int | IO] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a folder, as the leader of a group of processes.

    Args:
        command: the program and its arguments.
        folder: where.
        code_of: the checkout whose code runs; the folder itself without it.
        said: where stdout and stderr go; nowhere without it.
    """
    out, err = said or (subprocess.DEVNULL, subprocess.DEVNULL)
    environ = environment(code_of or folder)
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(command: Sequence[str], folder: Path, seconds: float, code_of: Path | None = None) -> Ended:
    """Run a command to its end, or until the time is over."""
    with TemporaryFile() as out, TemporaryFile() as err:
        process = start(command, folder, code_of, (out, err))
        code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(seconds)
        finally:
            kill(process)
        return ended(code, out, err)


def ended(code: int | None, *said: IO[bytes]) -> Ended:
    """Return how a command ended, with what it wrote to the files of stdout and stderr."""
    for file in said:
        file.seek(0)
    return Ended(code, *(file.read().decode("utf-8", "replace") for file in said))


def cut_short(command: Sequence[str], folder: Path, seconds: float) -> float | None:
    """Start a command, and kill it and all that it started after a time.

    Returns:
        None; or, where the command had ended before, the seconds that it took.
    """
    began, process = time.monotonic(), start(command, folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        kill(process)
    return time.monotonic() - began


def fault_of_refusal(ended: Ended) -> str:
    """Return what is wrong with how a command refused; an empty string where it did as it should.

    A refusal is exit status 1 or 2 and one sentence on stderr, which begins with "error: "; notes may come
    before it.
    """
    if ended.code is None:
        return "did not end"
    if ended.code not in (1, 2):
        return f"exit status {ended.code}: {ended.said}"
    if "Traceback (most recent call last)" in ended.out + ended.err:
        return f"a traceback: {ended.said}"
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if len(errors) != 1:
        return f"{len(errors)} lines that begin with error: {ended.said}"
    if len(errors[0]) > 1_000:
        return f"a line of {len(errors[0]):,} characters"
    return ""


def checkout(folder: Path) -> Path:
    """Make a checkout as `make repro` leaves it, with a DVC cache of its own; return its folder.

    Raises:
        ValueError: this checkout has no results yet.
    """
    if not (ROOT / "artifacts" / "served" / "served.json").exists():
        raise ValueError("artifacts/ is not whole; run `make repro` first")
    for part in filter(lambda part: (ROOT / part).exists(), PARTS):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    (folder / "artifacts" / ".gitignore").unlink(missing_ok=True)
    for command in (("git", "init", "--quiet"), ("dvc", "commit", "--quiet", "--force")):
        ended = run(command, folder, 300)
        if ended.code:
            raise ValueError(f"no checkout could be made: {' '.join(command)}: {ended.said}")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder by path, or those of a file; nothing where it is absent."""
    paths = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
