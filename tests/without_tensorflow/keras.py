"""In place of Keras under `pytest --quick`, which is what `make check` calls."""

raise ImportError(
    "keras imported by a test that is not marked so: import it where it is used only, or mark the file with "
    "`pytestmark = pytest.mark.tensorflow`, which leaves it to `make test`"
)
