"""pipelines/install.sh: uv installs the lock from where pip would; pip does, where uv cannot."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (
    "numpy==2 \\\n    --hash=sha256:00\nuv==0.13 \\\n    --hash=sha256:01\nxyz==1 \\\n    --hash=sha256:02\n"
)
# Both write down how they were called; pip's config is that of a machine with a mirror.
PYTHON = r"""#!/bin/bash
if [ "$3 $4" = "config list" ]; then
  echo ":env:.find-links='/wheels /more'"; echo "global.find-links='/other'"
  echo "global.extra-index-url='https://one/simple\nhttps://two/simple'"
  exit
fi
echo "pip $(cat "${@: -1}" | tr -d ' \\\n')" >> "$CALLS"
"""
UV = r"""#!/bin/bash
echo "uv $* | $UV_FIND_LINKS | $UV_EXTRA_INDEX_URL" >> "$CALLS"
exit "$UV_CODE"
"""


def install(folder: Path, uv_code: int) -> tuple[list[str], str]:
    """The calls of pip and uv, and what is printed."""
    (folder / "bin").mkdir()
    for name, text in (("python", PYTHON), ("uv", UV)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "requirements.txt").write_text(LOCK)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PYTHON"))}
    own = {"PATH": f"{folder / 'bin'}{os.pathsep}{kept['PATH']}", "CALLS": str(folder / "calls")}
    answer = subprocess.run(
        ["bash", str(ROOT / "pipelines/install.sh")],
        cwd=folder,
        env={**kept, **own, "UV_CODE": str(uv_code)},
        capture_output=True,
        text=True,
        check=True,
    )
    return (folder / "calls").read_text().splitlines(), answer.stdout


def test_uv_comes_by_its_own_lines_of_the_lock_and_installs_from_where_pip_would(tmp_path: Path) -> None:
    calls, printed = install(tmp_path, 0)

    python = tmp_path / "bin/python"
    assert calls == [
        "pip uv==0.13--hash=sha256:01",
        f"uv pip install -q --python {python} --require-hashes -r requirements.txt"
        " | /wheels,/more | https://one/simple https://two/simple",
    ]
    assert printed == ""


def test_where_uv_fails_pip_installs_the_whole_lock(tmp_path: Path) -> None:
    calls, printed = install(tmp_path, 2)

    assert calls[-1] == "pip numpy==2--hash=sha256:00uv==0.13--hash=sha256:01xyz==1--hash=sha256:02"
    assert printed.startswith("Without uv")


@pytest.mark.parametrize("arguments", [["help"], []], ids=["make help", "make"])
def test_make_lists_its_targets(arguments: list[str]) -> None:
    answer = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "make repro RAW=<folder>" in answer.stdout
    assert not any(line.startswith("#") for line in answer.stdout.splitlines())
    assert "SHELL" not in answer.stdout
