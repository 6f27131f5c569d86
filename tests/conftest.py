"""What every test may ask for: the real data when this machine has it, and an empty MLflow store."""

import contextlib
import os
import re
import runpy
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from neuralist.tracking.store import Store

# On a busy machine any example may take long; how long is no part of what is specified.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# PySpark, which Great Expectations imports, takes a __main__ without a file for a doctest and, where gRPC is
# missing, ends the process (pyspark.sql.connect.utils); pytest-xdist's workers have such a one.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

ROOT = Path(__file__).resolve().parents[1]
# Its tensorflow.py and keras.py, which raise, are found before those that are installed.
WITHOUT = Path(__file__).resolve().parent / "without_tensorflow"
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="only the quick tests without TensorFlow: its import, or that of Keras, fails the test, also in "
        "a process that the test starts",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Here and in xdist's workers; what a test starts inherits PYTHONPATH."""
    if config.getoption("--quick"):
        config.option.markexpr = "not (slow or tensorflow or team or faults)"
        sys.path.insert(0, str(WITHOUT))
        given = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(WITHOUT), given] if given else [str(WITHOUT)])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --quick, files that are left out as a whole are not read: their imports take seconds."""
    if not config.getoption("--quick") or collection_path.suffix != ".py":
        return None
    marked = r"^pytestmark = pytest\.mark\.(slow|tensorflow|team|faults)\b"
    return bool(re.search(marked, collection_path.read_text("utf-8"), re.MULTILINE)) or None


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that asks for MLflow's store is slow: half a second each, beside the import. So is real data."""
    if not {"empty_database", "real", "paper"}.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker("slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole pipelines come first, then files with slow tests: begun last, they would leave a process idle."""
    pipeline = Path(__file__).resolve().parent / "pipeline"
    slow = {
        item.path
        for item in items
        if any(item.get_closest_marker(name) is not None for name in ("slow", "tensorflow"))
    }
    items.sort(key=lambda item: (not item.path.is_relative_to(pipeline), item.path not in slow))


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(
            f"needs the third-party data in {folder.parent.name}/{name}, which is not on this machine"
        )
    return folder


@pytest.fixture
def run_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], None]:
    """Runs a script of pipelines/ in a folder, in this process: one of its own would import for seconds."""

    def run(folder: Path, command: str) -> None:
        name, *arguments = command.split()
        path = str(ROOT / "pipelines" / name)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")

    return run


@pytest.fixture(scope="session")
def java() -> None:
    """What PySpark needs, which this asks for too."""
    pytest.importorskip("pyspark.sql", reason="needs PySpark: pip install 'neuralist[spark]'")
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        pytest.skip("needs Java, which is not on this machine")


@pytest.fixture(scope="session")
def real() -> Path:
    """The Million Song / Last.fm / Billboard subset, raw."""
    return _shared("real")


@pytest.fixture(scope="session")
def paper() -> Path:
    """The predecessor's own table in the generic form."""
    return _shared("paper")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and no run: making the tables takes 2 s, so the tests share them.

    From here on SQLite does not wait for the disk, which only a power failure could tell: 7 ms a commit.
    """
    from mlflow import MlflowClient
    from sqlalchemy import Engine, event

    def without_waiting(connection: Any, _: Any) -> None:
        with contextlib.suppress(sqlite3.DatabaseError):  # a damaged file: MLflow is to see it, not this
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", without_waiting)
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The default store of an otherwise empty checkout, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return Store(f"sqlite:///{tmp_path}/mlflow.db", "neuralist", tmp_path)
