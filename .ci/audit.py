"""Look up the locked dependencies among known vulnerabilities, with pip-audit.

Command: python .ci/audit.py [LOCK], where `python -m pip_audit` works
Exits with 0 where each was looked up and has none, with 1 where one has some, and with 3 where none is known
to have any but some could not be looked up: pip-audit itself then says that no vulnerability was found.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VULNERABLE, NOT_LOOKED_UP = 1, 3
NAMES = 5  # that are printed of many


def audit(lock: Path) -> tuple[list[dict[str, Any]], str]:
    """Return pip-audit's entries of the dependencies, and the end of what it said; none where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            "--requirement",
            str(lock),
            "--require-hashes",
            "--disable-pip",
            "--progress-spinner",
            "off",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *command, "--format", "json", "--output", str(report)],
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        try:
            return json.loads(report.read_text(encoding="utf-8"))["dependencies"], said
        except (FileNotFoundError, ValueError):
            return [], said


def main() -> int:
    """Print what was found, and return the exit status."""
    lock = Path(sys.argv[1] if sys.argv[1:] else "requirements.txt")
    entries, said = audit(lock)
    vulnerable = [entry for entry in entries if entry.get("vulns")]
    skipped = [entry for entry in entries if "skip_reason" in entry]
    for entry in vulnerable:
        for one in entry["vulns"]:
            fixed = ", ".join(one.get("fix_versions", [])) or "no version yet"
            print(f"error: {entry['name']} {entry['version']} has {one['id']}, which is fixed in {fixed}")
    if vulnerable:
        print(f"error: {lock}: {len(vulnerable)} of {len(entries)} have known vulnerabilities")
        return VULNERABLE
    if entries and not skipped:
        print(f"{lock}: none of {len(entries)} dependencies has a known vulnerability")
        return 0
    names = ", ".join(entry["name"] for entry in skipped[:NAMES]) + (", ..." if skipped[NAMES:] else "")
    reason = f"{len(skipped)} of {len(entries)} ({names}): {skipped[0]['skip_reason']}" if skipped else said
    # A line that GitHub shows on the page of the run.
    mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
    print(f"{mark}{lock}: could not be looked up: {reason}; call again later")
    return NOT_LOOKED_UP


if __name__ == "__main__":
    sys.exit(main())
