"""In place of Keras under `pytest --no-tensorflow`, which is what `make check` calls."""

raise ImportError(
    "keras imported by a test of tests/code or tests/data, which `make check` runs without it: "
    "import it where it is used only, or move the test to tests/model"
)
