"""What is typed behind `make` reaches the program as it is: make expands no `$` in it, the shell nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Writes down how it was called, an argument a line; as pipelines/workspace.py, it prints a folder.
PYTHON = r"""#!/bin/bash
printf '%s\n' "$@" >> "$CALLS"; mkdir -p workspace; echo workspace
"""
ODD = [
    "my songs",
    "two  spaces ",
    "$HOME/songs",
    "cost$5 (a$b) ${c} $$",
    'it\'s "quoted"',
    "`touch made`",
    "$(shell touch made)",
    "$(touch made); touch made & touch made",
    "#1, \\x; *.csv ~ !",
    "chansons d'été",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is set up, whose python is PYTHON."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text(PYTHON)
    (tmp_path / ".venv/bin/python").chmod(0o755)
    (tmp_path / ".venv/.complete").touch()
    return tmp_path


def calls(checkout: Path, *arguments: str, **environment: str) -> list[str]:
    """The arguments of what `make` ran, in one list."""
    # Within `make test` these say that this call is one of its own; the others would come from whoever tests.
    own = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "RAW", "NAME", "EXPERIMENTS", "TRUST", "AGAINST", "LISTEN")
    kept = {key: value for key, value in os.environ.items() if key not in own}
    environment = kept | environment | {"CALLS": str(checkout / "calls")}
    subprocess.run(["make", *arguments], cwd=checkout, env=environment, check=True, capture_output=True)
    made = (checkout / "calls").read_text().splitlines()
    assert not (checkout / "made").exists()
    assert not (checkout / "workspace/made").exists()
    return made


@pytest.mark.parametrize("text", ODD)
def test_raw_name_and_experiments_arrive_as_typed(checkout: Path, text: str) -> None:
    made = calls(checkout, "repro", f"RAW={text}", f"NAME={text}", f"EXPERIMENTS={text}")
    expected = ["pipelines/workspace.py", text, "--name", text, "--experiments", text]
    assert made == [*expected, "pipelines/repro.py"]


@pytest.mark.parametrize("text", ODD)
def test_so_do_those_of_the_environment_whose_name_is_not_ours(checkout: Path, text: str) -> None:
    made = calls(checkout, "repro", RAW=text, NAME="of the system")
    assert made == ["pipelines/workspace.py", text, "pipelines/repro.py"]


@pytest.mark.parametrize("target", ["splits", "variants"])
def test_other_targets_on_a_raw_folder_take_it_so_too(checkout: Path, target: str) -> None:
    made = calls(checkout, target, f"RAW={ODD[-2]}", "TRUST=1")
    assert made[:3] == ["pipelines/workspace.py", ODD[-2], "--trust"]
    assert made[3] == "pipelines/splits.py"


@pytest.mark.parametrize("text", ODD)
def test_a_commit_to_compare_with_arrives_as_typed(checkout: Path, text: str) -> None:
    assert calls(checkout, "compare", f"AGAINST={text}") == ["pipelines/compare.py", text]


@pytest.mark.parametrize("target", ["serve", "dashboard"])
@pytest.mark.parametrize("text", ODD)
def test_a_server_gets_its_folder_and_its_address_as_typed(checkout: Path, target: str, text: str) -> None:
    made = calls(checkout, target, f"RAW={text}", f"LISTEN={text}")
    expected = ["pipelines/workspace.py", text]
    assert made == [*expected, f"pipelines/{target}.py", "workspace", "--listen", text]


@pytest.mark.parametrize("trust", ["", "0", "no"])
def test_only_trust_1_is_trust(checkout: Path, trust: str) -> None:
    assert "--trust" not in calls(checkout, "repro", "RAW=songs", f"TRUST={trust}")
    assert "--trust" in calls(checkout, "repro", "RAW=songs", "TRUST=1")
