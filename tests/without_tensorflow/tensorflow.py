"""In place of TensorFlow under `pytest --no-tensorflow`, which is what `make check` calls."""

raise ImportError(
    "tensorflow imported by a test of tests/code or tests/data, which `make check` runs without it: "
    "import it where it is used only, or move the test to tests/model"
)
