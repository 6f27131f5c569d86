"""What the repository holds: nothing large, and no host that packages come from."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# In two parts, or this file would name them.
REGISTRIES = [
    b"pypi" + b".org",
    b"pythonhosted" + b".org",
    b"anaconda" + b".org",
    b"npmjs" + b".org",
    b"index" + b"-url =",
]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that is committed, or would be by `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    outside = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    answer = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("this copy is no git repository")
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_is_over_a_megabyte(files: list[Path]) -> None:
    assert [path for path in files if path.stat().st_size > 1_000_000] == []


def test_no_file_names_a_package_registry(files: list[Path]) -> None:
    assert [path for path in files if any(host in path.read_bytes() for host in REGISTRIES)] == []


def test_every_locked_requirement_has_a_hash() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [number for number, line in enumerate(lines) if "==" in line]

    assert pinned
    assert [lines[number] for number in pinned if "--hash=sha256:" not in lines[number + 1]] == []


# Beside those that mirror a package: faults, whole pipelines, this repository, services, fake modules.
NO_PACKAGES = {"faults", "pipeline", "repository", "team", "without_tensorflow"}


def test_folders_of_tests_mirror_the_packages() -> None:
    folders = {path.parent.relative_to(ROOT / "tests").as_posix() for path in ROOT.glob("tests/*/test_*.py")}
    packages = {path.parent.name for path in ROOT.glob("src/neuralist/*/__init__.py")}

    assert folders - NO_PACKAGES == packages


def test_names_of_tests_have_at_most_80_characters() -> None:
    names = [
        name
        for path in ROOT.glob("tests/**/*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    ]

    assert names
    assert [name for name in names if len(name) > 80] == []
