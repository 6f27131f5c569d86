"""The whole pipeline on a made corpus: in a clone of the checkout, in a workspace, and in a second clone."""

import csv
import itertools
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuralist.config import params

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "src",
    "pipelines",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
    "mlruns/.gitignore",
)
TINY: dict[str, Any] = {
    "vectors": {"source": "train", "dimensions": 8, "epochs": 2, "min_count": 1},
    "experiments": {"tiny": {"protocol": "songs", "max_words": 15, "units": 4, "epochs": 2}},
    "run": ["tiny"],
    "study": {"experiment": None, "trials": 2, "epochs": 1, "space": {"units": [4, 8]}},
    "songmap": {"experiment": "tiny"},
    "evaluate": {"draws": 20},
}


def call(folder: Path, *command: str) -> str:
    """Run a command in a folder as a shell with the activated environment would; its output."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "MLFLOW_", "DVC_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    someone = {
        f"GIT_{role}_{field}": "someone@here"
        for role in ("AUTHOR", "COMMITTER")
        for field in ("NAME", "EMAIL")
    }
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **someone, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout


def make_raw(folder: Path) -> Path:
    """60 songs of made-up words in four themes, in the generic form; songs of a theme are similar."""
    folder.mkdir()
    draw = random.Random(2017)
    syllables = ["".join(letters) for letters in itertools.product("bdfklmnprst", "aeiou")]
    themes = [["".join(draw.choices(syllables, k=2)) for _ in range(40)] for _ in range(4)]
    with (folder / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "text", "artist", "title", "year"])
        for song in range(60):
            text = " ".join(draw.choices(themes[song % 4], k=40))
            rows.writerow([f"s{song:02}", text, f"Artist {song % 20}", f"Song {song}", 2015 - song % 3])
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["left_id", "right_id", "similarity"])
        for left in range(60):
            for right in draw.sample([song for song in range(60) if song != left], 8):
                similarity = (0.8 if left % 4 == right % 4 else 0.1) + draw.uniform(-0.1, 0.1)
                rows.writerow([f"s{left:02}", f"s{right:02}", round(similarity, 3)])
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """What a clone holds besides the shared cache, the shared store and the workspaces."""
    shared = {".dvc", ".git", "work", "mlruns", "mlflow.db"}
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = {path.relative_to(folder): path for path in files}
    return {str(name): path.read_bytes() for name, path in names.items() if name.parts[0] not in shared}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this checkout on a corpus of its own: reproduced, committed and pushed as README tells."""
    folder = tmp_path_factory.mktemp("clones") / "first"
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    settings = params.overlay(params.read_yaml(ROOT / "params.yaml"), TINY)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    make_raw(folder / "data")
    call(folder, "git", "init", "--quiet", "--initial-branch", "main")
    call(folder, "dvc", "add", "--quiet", "data")
    call(folder, "dvc", "remote", "add", "--quiet", "--default", "storage", str(folder.parent / "storage"))
    call(folder, "dvc", "repro")
    call(folder, "git", "add", "--all")
    call(folder, "git", "commit", "--quiet", "--message", "A corpus of our own")
    call(folder, "dvc", "push", "--quiet")
    return folder


def test_a_run_is_committed_with_its_headline_and_without_its_outputs(clone: Path) -> None:
    committed = call(clone, "git", "ls-files").splitlines()

    assert {"data.dvc", "dvc.lock", "artifacts/headline.json"} <= set(committed)
    assert [name for name in committed if name.startswith("artifacts/")] == ["artifacts/headline.json"]
    assert [name for name in committed if name.startswith(("data/", "work/", "mlflow.db"))] == []
    assert [name for name in committed if name.startswith("mlruns/")] == ["mlruns/.gitignore"]


def test_a_second_repro_only_asks_the_store_and_leaves_git_clean(clone: Path) -> None:
    output = call(clone, "dvc", "repro")

    assert [line for line in output.splitlines() if line.startswith("Running stage")] == [
        "Running stage 'track':",
        "Running stage 'register':",
    ]
    assert "recorded in MLflow" not in output
    assert "is now" not in output, "nothing was registered"
    assert call(clone, "git", "status", "--short") == ""


def test_a_workspace_leaves_the_checkout_byte_for_byte(clone: Path) -> None:
    raw = shutil.copytree(clone / "data", clone.parent / "songs of ours")
    (raw / "corpus.yaml").write_text("evaluate: {draws: 30}\n")
    before = contents(clone)
    environment = ("env", "PYTHONPATH=src")
    made = call(clone, *environment, "python", "pipelines/workspace.py", str(raw)).strip()
    output = call(Path(made), "dvc", "repro")

    assert contents(clone) == before
    assert Path(made) == clone / "work" / "songs-of-ours"
    assert (Path(made) / "artifacts" / "headline.json").exists()
    assert "Running stage 'train@tiny'" not in output, "the cache is shared: the same training runs once"
    assert call(clone, "git", "status", "--short") == ""
    assert not (Path(made) / "mlflow.db").exists()


def test_a_second_clone_reproduces_the_headline(clone: Path) -> None:
    second = clone.parent / "second"
    call(clone.parent, "git", "clone", "--quiet", str(clone), str(second))
    headline = (second / "artifacts" / "headline.json").read_bytes()
    call(second, "dvc", "pull", "--quiet", "data.dvc")
    (second / "artifacts" / "headline.json").unlink()
    (second / "dvc.lock").unlink()
    output = call(second, "dvc", "repro")

    assert "Running stage 'train@tiny'" in output
    assert (second / "artifacts" / "headline.json").read_bytes() == headline
    assert call(second, "git", "status", "--short") == ""
