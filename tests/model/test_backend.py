"""Keras is imported without TensorFlow's lines, and all else that an import says is printed."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow

SRC = Path(__file__).resolve().parents[2] / "src"


def run(program: str) -> subprocess.CompletedProcess[str]:
    """A process without the test's own settings of TensorFlow."""
    environment = {"PYTHONPATH": str(SRC), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_tensorflow_prints_nothing_while_it_loads_traces_and_computes() -> None:
    answer = run("""
        from neuralist.model.backend import keras
        import tensorflow as tf
        compiled = tf.function(lambda x: 2 * x, jit_compile=True)
        print(float(compiled(tf.constant(2.0))), keras.backend.backend())
    """)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "4.0 tensorflow\n", "")


def test_the_import_leaves_it_to_the_stage_whether_onednn_is_on() -> None:
    answer = run("""
        import os
        import neuralist.model.backend
        print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))
    """)

    assert answer.stdout == "None\n"


def test_the_last_words_of_an_import_that_crashes_are_printed() -> None:
    answer = run("""
        import os, sys

        class Crash:
            def find_spec(self, name, path=None, target=None):
                if name == "keras":
                    os.write(2, b"oneDNN custom operations are on.\\nno AVX here\\n")
                    os.abort()

        sys.meta_path.insert(0, Crash())
        import neuralist.model.backend
    """)

    assert answer.returncode < 0
    assert answer.stderr == "no AVX here\n"
