"""`pytest --quick`, which `make check` calls: no TensorFlow, nothing slow."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import subprocess, sys

def test_here():
    import keras

def test_in_a_process_it_starts():
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True)

def test_of_something_else():
    import json
"""


def test_an_import_of_tensorflow_fails_here_and_in_a_process_that_is_started(tmp_path: Path) -> None:
    (tmp_path / "test_imports.py").write_text(TESTS)
    # Not as a conftest, which reigns over the tests beside it alone.
    options = ["--quick", "-p", "tests.conftest", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == pytest.ExitCode.TESTS_FAILED
    assert "ImportError: keras imported by a test" in answer.stdout
    assert "ImportError: tensorflow imported by a test" in answer.stdout
    assert "2 failed, 1 passed" in answer.stdout
