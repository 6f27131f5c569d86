"""`neuralist doctor`: each thing that may be missing is named with the command that fixes it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import tenths
from typer.testing import CliRunner

from neuralist.cli import app, doctor
from neuralist.tracking import stamp
from neuralist.tracking.store import Store

pytestmark = pytest.mark.slow  # the doctor tries out what it looks at, MLflow too

ROOT = Path(__file__).resolve().parents[2]
DVC = "stages:\n  songs:\n    cmd: a\n  train:\n    foreach: [a]\n    do: {cmd: b}\n"
LOCK = """
stages:
  songs: {cmd: a, outs: [{path: artifacts/songs.parquet}]}
  train@a: {cmd: b, outs: [{path: artifacts/experiments/a}]}
"""


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A checkout in which nothing is missing."""
    from mlflow import MlflowClient

    home = tmp_path_factory.mktemp("whole") / "home"
    for folder in ("pipelines", "data/msd", "artifacts/experiments/a"):
        (home / folder).mkdir(parents=True)
    tenths.write(home / "artifacts/served")
    pin = "outs:\n- md5: 0\n  size: 5\n  nfiles: 1\n  path: data\n"
    locked = (
        f"numpy=={metadata.version('numpy')} ; python_full_version >= '3.11' \\\n    --hash=sha256:00\n"
        "numpy==99.0 ; python_full_version < '3.11' \\\n    --hash=sha256:00\n"
        f"pandas=={metadata.version('pandas')} \\\n    --hash=sha256:00\n"
        "pywin32==312 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
    )
    for name, text in (
        ("dvc.yaml", DVC),
        ("dvc.lock", LOCK),
        ("data.dvc", pin),
        ("data/msd/a.txt", "12345"),
        ("artifacts/songs.parquet", ""),
        ("params.yaml", "register: {name: neuralist, metric: auto}\n"),
        ("requirements.txt", locked),
    ):
        (home / name).write_text(text)
    shutil.copy(empty_database, home / "mlflow.db")
    (home / "version").mkdir()
    (home / "version/MLmodel").touch()
    client = MlflowClient(f"sqlite:///{home}/mlflow.db", f"sqlite:///{home}/mlflow.db")
    for name, champion in (("neuralist", 3), ("neuralist-recommender", 2)):
        client.create_registered_model(name)
        for _ in range(champion):
            client.create_model_version(name, source=(home / "version").as_uri())
        client.set_registered_model_alias(name, "champion", str(champion))
        client.set_registered_model_alias(name, "old", "1")
    return home


def stamped(home: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{home}/mlflow.db"
    stamp.renew(MlflowClient(uri, uri), Store(uri, "neuralist", home))


@pytest.fixture
def home(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = shutil.copytree(whole, tmp_path / "home")
    # Doctor names the store mlflow.db, and mlflow would keep that of the first test: here the stamp answers.
    stamped(home)
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the second that the model's answer takes."""
    monkeypatch.setattr(doctor, "_model", lambda root: ("tiny answers", ""))


def examined(code: int) -> dict[str, Any]:
    """What doctor says as JSON; the checks by name."""
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == code, result.output
    said = json.loads(result.stdout)
    return {"next": said["next"], **{one["check"]: one for one in said["checks"]}}


def test_where_nothing_is_missing_it_says_what_to_do_next(home: Path) -> None:
    said = examined(0)
    assert said.pop("next") == "neuralist map"
    assert {name: one["found"] for name, one in said.items()} == {
        "Python": ".".join(map(str, sys.version_info[:3])),
        "packages": "2 as locked",
        "data": "1 files, 0.0 MB, as data.dvc pins",
        "stages": "outputs of 2 are there",
        "model": "tiny answers",
        "registry": "neuralist version 3, neuralist-recommender version 2",
    }
    assert all(one["ok"] and one["fix"] == "" for one in said.values())


def change(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda home: (home / name).write_text((home / name).read_text().replace(old, new))


def put(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda home: (home / name).write_bytes(content)


def remove(name: str) -> Callable[[Path], object]:
    def harm(home: Path) -> None:
        path = home / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return harm


@pytest.mark.parametrize(
    ("harm", "check", "found", "fix"),
    [
        (change("requirements.txt", "pandas==", "pandas==9"), "packages", " instead of 9", "make setup"),
        (change("requirements.txt", "pandas==", "no-such=="), "packages", "no-such missing", "make setup"),
        (remove("requirements.txt"), "packages", "no requirements.txt", "git checkout requirements.txt"),
        (remove("data"), "data", "data/ is missing or empty", "make data"),
        (put("data/b", b""), "data", "2 files, 0.0 MB, not what data.dvc pins", "dvc checkout data.dvc"),
        (put("data/msd/a.txt", b""), "data", "not what data.dvc pins", "dvc checkout data.dvc"),
        (remove("data.dvc"), "data", "1 files, 0.0 MB, but no data.dvc", "git checkout data.dvc"),
        (remove("dvc.lock"), "stages", "songs has not run, train@a has not run", "dvc repro"),
        (change("dvc.yaml", "songs", "pairs"), "stages", "pairs has not run", "dvc repro"),
        (remove("artifacts/experiments/a"), "stages", "artifacts/experiments/a missing", "dvc repro"),
        (put("dvc.lock", b"- a"), "stages", "no file of DVC's", "restore it with `git checkout dvc.lock`"),
        # As kills left it: DVC writes it in place.
        (put("dvc.lock", b"stages:\n  songs"), "stages", "dvc.lock is cut off", "rm dvc.lock && dvc repro"),
        (put("dvc.lock", b"stages:\n  songs:\n    outs:"), "stages", "cut off", "rm dvc.lock && dvc repro"),
        (remove("artifacts/served"), "model", "artifacts/served is missing", "dvc repro"),
        (remove("artifacts/served/vocabulary.txt"), "model", "vocabulary.txt missing", "dvc repro"),
        (put("artifacts/served/encoder.onnx", b"no graph"), "model", "encoder.onnx", "dvc repro"),
        (remove("mlflow.db"), "registry", "no champion of neuralist, no champion", "dvc repro"),
        (
            change("mlruns/.recorded.json", "/version", "/lost"),
            "registry",
            "the files of neuralist version 3 and neuralist-recommender version 2 are gone",
            "dvc repro",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_fix(
    home: Path,
    harm: Callable[[Path], object],
    check: str,
    found: str,
    fix: str,
    request: pytest.FixtureRequest,
) -> None:
    if check != "model":
        request.getfixturevalue("quick")
    harm(home)
    said = examined(1)
    assert found in said[check]["found"]
    assert (said[check]["ok"], said[check]["fix"], said["next"]) == (False, fix, fix)
    assert [name for name, one in said.items() if name != "next" and not one["ok"]] == [check]


def test_case_stale_lock_of_an_experiment_that_left_run(home: Path, quick: None) -> None:
    """shared/cases/stale-lock: dvc.lock keeps its stage, and its folder is gone."""
    change("dvc.yaml", "[a]", "${run}")(home)
    (home / "params.yaml").write_text("run: [b]\nregister: {name: neuralist, metric: auto}\n")
    lock = yaml.safe_load(LOCK)
    lock["stages"]["train@b"] = {"cmd": "b", "outs": [{"path": "artifacts/experiments/b"}]}
    (home / "dvc.lock").write_text(yaml.safe_dump(lock))
    remove("artifacts/experiments/a")(home)
    (home / "artifacts/experiments/b").mkdir()

    assert examined(0)["stages"]["found"] == "outputs of 2 are there"


def test_an_experiment_that_was_renamed_has_not_run(home: Path, quick: None) -> None:
    change("dvc.yaml", "[a]", "${run}")(home)
    (home / "params.yaml").write_text("run: [b]\n")

    said = examined(1)["stages"]
    assert (said["found"], said["fix"]) == ("train@b has not run", "dvc repro")


CONFLICT = "seed: 1\n<<<<<<< HEAD\nrun: [a]\n=======\nrun: [b]\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("name", "content", "found", "fix"),
    [
        (
            "params.yaml",
            CONFLICT,
            "params.yaml: line 2, '<<<<<<< HEAD', marks a merge conflict",
            "keep one side of each conflict, delete the lines that mark it, and call again",
        ),
        (
            "dvc.lock",
            CONFLICT.replace("<<<<<<< HEAD\n", ""),
            "dvc.lock: line 3, '=======', marks a merge conflict",
            "keep one side of each conflict, delete the lines that mark it, and call again",
        ),
        ("params.yaml", "run: a\n", "params.yaml: run: received 'a'", "give a list of experiments' names"),
        ("params.yaml", "run: [a\n", "params.yaml: not readable as YAML: ", "correct that and call again"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(
    home: Path, quick: None, name: str, content: str, found: str, fix: str
) -> None:
    change("dvc.yaml", "[a]", "${run}")(home)
    (home / "params.yaml").write_text("run: [a]\n")
    (home / name).write_text(content)

    said = examined(1)
    assert found in said["stages"]["found"]
    assert said["next"] == said["stages"]["fix"] == fix


@pytest.mark.parametrize(
    ("content", "found", "fix"),
    [
        (None, "neuralist version 3, neuralist-recommender version 2", ""),
        (b"no database" * 100, "MLflow store sqlite:///mlflow.db: ", "repair it, or move mlflow.db away"),
    ],
)
def test_without_a_stamp_mlflow_itself_is_asked(
    home: Path, content: bytes | None, found: str, fix: str
) -> None:
    (home / "mlruns" / ".recorded.json").unlink()
    if content:
        (home / "mlflow.db").write_bytes(content)
    before = sorted(home.rglob("*"))
    code = (
        "import json; from pathlib import Path; from neuralist.cli import doctor\n"
        "try: print(json.dumps(doctor._registry(Path.cwd())))\n"
        "except ValueError as error: print(json.dumps(str(error).split('; ')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(said.stdout)
    assert told[0].startswith(found)
    assert told[1].startswith(fix)
    assert {path.name for path in home.rglob("*") if path not in before} <= {".lock"}


def test_a_store_elsewhere_is_not_looked_into(
    home: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert examined(0)["registry"]["found"] == "not looked into: MLFLOW_TRACKING_URI is 'http://127.0.0.1:9'"


def test_no_secret_of_an_address_is_shown(home: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:s3 cret@host/?token=s3cret")
    shown = "not looked into: MLFLOW_TRACKING_URI is 'http://team:***@host/?token=***'"
    assert examined(0)["registry"]["found"] == shown
    monkeypatch.setattr(doctor, "_data", lambda root: ("lost in https://s3cret@host/raw", "see ?key=s3cret"))
    said = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "200"}).output
    assert "cret" not in said
    assert "https://***@host/raw" in said
    assert "next: see ?key=***" in said


def test_another_python_is_told_which_one(home: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PYTHONS", ((3, 99),))
    assert examined(1)["next"] == "install Python 3.11, 3.12 or 3.13, then make setup"


def test_the_table_says_the_same(home: Path, quick: None) -> None:
    (home / "mlflow.db").unlink()
    result = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "140"})
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "model ok tiny answers" in lines
    assert lines[-1] == "next: dvc repro"


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path} lies in no checkout of Neuralist")
