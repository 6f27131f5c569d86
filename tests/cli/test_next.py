"""`neuralist` alone says what comes next, at once, in a checkout of any state; `--version`."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests import commands

from neuralist import __version__
from neuralist.cli import doctor
from neuralist.serving.registered import MODELS
from neuralist.tracking import stamp
from neuralist.tracking.stamp import Registered, StoreContent

LOCK = "stages:\n  songs: {cmd: a, outs: [{path: artifacts/songs.parquet}]}\n"
CHAMPION = Registered({"champion": "2"}, {"2": {}}, {"2": "s3://bucket/2"})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose stages have run and whose models have champions."""
    for folder in ("pipelines", "data", "artifacts"):
        (tmp_path / folder).mkdir()
    for name, text in (
        ("dvc.yaml", "stages:\n  songs: {cmd: a}\n"),
        ("dvc.lock", LOCK),
        ("data.dvc", "outs:\n- {md5: 0, size: 5, nfiles: 1, path: data}\n"),
        ("data/a.txt", "12345"),
        ("artifacts/songs.parquet", ""),
        ("Makefile", ""),
        ("params.yaml", "register: {name: neuralist, metric: auto}\n"),
        ("mlflow.db", ""),
    ):
        (tmp_path / name).write_text(text)
    content = StoreContent({}, {}, dict.fromkeys(MODELS, CHAMPION))
    monkeypatch.setattr(stamp, "read", lambda _: content)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines() -> list[str]:
    result = commands.run()
    assert result.exit_code == 0
    return result.stdout.splitlines()


def next_commands() -> list[str]:
    printed = lines()
    assert printed[-1] == "All commands: neuralist --help"
    return [line[2:35].strip() for line in printed[printed.index("Next:") + 1 : -1]]


def test_where_all_is_there_it_names_what_the_model_can_be_asked(home: Path) -> None:
    assert lines()[1:4] == [
        "  data      1 files, 0.0 MB, as data.dvc pins",
        "  stages    outputs of 1 are there",
        "  champion  neuralist version 2, neuralist-recommender version 2",
    ]
    assert next_commands() == [
        "neuralist map",
        "neuralist compare A B",
        "neuralist recommend --lyrics FILE",
        "make serve",
    ]


def test_without_data_it_names_the_ways_to_get_some(home: Path) -> None:
    (home / "data/a.txt").unlink()

    assert next_commands() == ["make data", "neuralist fetch", "neuralist demo FOLDER"]


def test_without_a_model_the_pipeline_comes_next(home: Path) -> None:
    (home / "artifacts/songs.parquet").unlink()

    assert next_commands() == ["make repro"]
    assert doctor.next_commands(list(doctor.examine(home, ("stages",))), home) == [("make repro", "")]


def test_without_a_champion_dvc_registers_the_model_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: StoreContent({}, {}, {}))

    assert "  champion  no champion of neuralist, no champion of neuralist-recommender" in lines()
    assert next_commands() == ["dvc repro"]


def test_a_champion_whose_files_are_gone_is_registered_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = CHAMPION._replace(sources={"2": (home / "mlruns/2").as_uri()})
    monkeypatch.setattr(stamp, "read", lambda _: StoreContent({}, {}, dict.fromkeys(MODELS, lost)))

    gone = "the files of neuralist version 2 and neuralist-recommender version 2 are gone"
    assert f"  champion  {gone}" in lines()
    assert next_commands() == ["dvc repro"]


def test_what_only_mlflow_could_tell_is_left_to_doctor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: None)

    assert "  champion  not looked up in MLflow: neuralist doctor does" in lines()
    assert next_commands()[0] == "neuralist map"


def test_outside_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert lines()[1].startswith("This folder is in no checkout of Neuralist")


def test_the_version_is_printed() -> None:
    assert commands.run("--version").stdout == f"neuralist {__version__}\n"


def test_it_imports_nothing_that_takes_long(home: Path) -> None:
    program = """
import sys
from neuralist.cli import app
try:
    app([])
finally:
    print([name for name in ("mlflow", "pandas", "numpy", "keras", "onnxruntime") if name in sys.modules])
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def names(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, a workspace of that checkout on the raw folder `names`."""
    workspace = home / "work" / "names"
    (workspace / "artifacts").mkdir(parents=True)
    (home / "names").mkdir()
    (home / "names" / "texts.csv").write_text("12345")
    for name in ("dvc.yaml", "pipelines"):
        (workspace / name).symlink_to(home / name)
    (workspace / "data").symlink_to(home / "names")
    (workspace / "dvc.lock").write_text(LOCK)
    (workspace / "artifacts/songs.parquet").touch()
    (workspace / "params.yaml").write_text("register: {name: neuralist-names, metric: auto}\n")
    content = StoreContent(
        {}, {}, dict.fromkeys(("neuralist-names", "neuralist-names-recommender"), CHAMPION)
    )
    monkeypatch.setattr(stamp, "read", lambda _: content)
    monkeypatch.chdir(workspace)
    return workspace


def test_in_a_workspace_it_names_the_workspaces_own_paths_and_model(home: Path, names: Path) -> None:
    assert lines()[1:5] == [
        f"  workspace work/names of {home}, model neuralist-names",
        f"  data      1 files, 0.0 MB in {home / 'names'}",
        "  stages    outputs of 1 are there",
        "  champion  neuralist-names version 2, neuralist-names-recommender version 2",
    ]
    serve = "mlflow models serve -m models:/neuralist-names@champion --env-manager local -p 5001"
    assert any(f"(cd ../.. && {serve})" in line for line in lines())


def test_the_champion_of_the_checkout_is_none_of_the_workspaces(
    home: Path, names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp, "read", lambda _: StoreContent({}, {}, dict.fromkeys(MODELS, CHAMPION)))

    missing = "no champion of neuralist-names, no champion of neuralist-names-recommender"
    assert f"  champion  {missing}" in lines()
    assert next_commands() == ["dvc repro"]


def test_a_raw_folder_that_went_away_is_named(home: Path, names: Path) -> None:
    (home / "names").rename(home / "elsewhere")

    assert f"  data      data leads to {home / 'names'}, which is not there" in lines()
    assert "make repro RAW=<its place> NAME=names" in next_commands_line()


def next_commands_line() -> str:
    printed = lines()
    return printed[printed.index("Next:") + 1]


def test_the_help_in_a_workspace_names_what_is_its_own(home: Path, names: Path) -> None:
    printed = commands.run("--help").stdout.rstrip().splitlines()
    assert [line.strip() for line in printed[-4:]] == [
        f"Workspace work/names of {home}",
        f"raw files     {home / 'names'}",
        "served model  work/names/artifacts/served",
        "in MLflow     models:/neuralist-names@champion",
    ]


def test_the_help_in_the_checkout_names_no_workspace(home: Path) -> None:
    assert "Workspace" not in commands.run("--help").stdout
