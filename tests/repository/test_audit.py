""".ci/audit.py: a known vulnerability, none, and what could not be looked up are told apart."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
# In place of pip-audit: writes a report, if any, where it is told to, and ends as pip-audit does.
STAND_IN = """
import pathlib, sys
pathlib.Path("arguments").write_text(" ".join(sys.argv[1:]))
report, code = {report!r}, {code!r}
if report is not None:
    pathlib.Path(sys.argv[sys.argv.index("--output") + 1]).write_text(report)
print("ERROR: no connection", file=sys.stderr)
sys.exit(code)
"""
SOUND = {"name": "soundlib", "version": "1.0", "vulns": []}
FAULTY = {
    "name": "faultylib",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": "A fault."}],
}
SKIPPED = {"name": "unknownlib", "skip_reason": "Dependency not found and could not be audited"}


def audit(
    folder: Path, entries: list[dict[str, Any]] | None, code: int, **environment: str
) -> tuple[int, str]:
    """The script's exit status and last line, where pip-audit reports these entries, or fails with None."""
    report = None if entries is None else json.dumps({"dependencies": entries, "fixes": []})
    (folder / "pip_audit.py").write_text(STAND_IN.format(report=report, code=code))
    kept = {key: value for key, value in os.environ.items() if key != "GITHUB_ACTIONS"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "lock.txt"],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[-1]


def test_where_all_were_looked_up_and_none_is_vulnerable_the_status_is_0(tmp_path: Path) -> None:
    assert audit(tmp_path, [SOUND], 0) == (0, "lock.txt: none of 1 dependencies has a known vulnerability")
    assert "--requirement lock.txt --require-hashes --disable-pip" in (tmp_path / "arguments").read_text()


@pytest.mark.parametrize("others", [[SOUND], [SKIPPED]])
def test_a_known_vulnerability_fails_with_its_name_and_fix(
    others: list[dict[str, Any]], tmp_path: Path
) -> None:
    code, line = audit(tmp_path, [FAULTY, *others], 1)

    assert code == 1
    assert line.startswith("error: lock.txt: 1 of 2 have known vulnerabilities")


@pytest.mark.parametrize(
    ("entries", "code", "reason"),
    [
        (None, 1, "ERROR: no connection"),
        ([], 0, "ERROR: no connection"),
        ([SOUND, SKIPPED], 0, "1 of 2 (unknownlib): Dependency not found and could not be audited"),
    ],
    ids=["pip-audit fails", "an empty report", "a dependency is skipped"],
)
def test_what_could_not_be_looked_up_is_a_warning_with_a_status_of_its_own(
    entries: list[dict[str, Any]] | None, code: int, reason: str, tmp_path: Path
) -> None:
    line = f"lock.txt: could not be looked up: {reason}; call again later"

    assert audit(tmp_path, entries, code) == (3, f"warning: {line}")
    assert audit(tmp_path, entries, code, GITHUB_ACTIONS="true") == (3, f"::warning::{line}")


def test_without_pip_audit_nothing_is_called_sound(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pip_audit'] = None")
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert "pip_audit" in done.stdout
