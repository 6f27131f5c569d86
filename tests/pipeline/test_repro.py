"""The whole pipeline on a made corpus: in a clone of the checkout, in a workspace, and in a second clone."""

import csv
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from neuralist.config import params

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "src",
    "pipelines",
    "catalogue",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
    "mlruns/.gitignore",
)
TINY: dict[str, Any] = {
    "vectors": {"source": "train", "dimensions": 8, "epochs": 2, "min_count": 1},
    "experiments": {
        "tiny": {"protocol": "songs", "max_tokens": 15, "units": 4, "epochs": 2, "pretrain_on": "graded"},
    },
    "run": ["tiny"],
    "study": {"experiment": "tiny", "trials": 1, "epochs": 1, "space": {"units": [4, 8]}, "spaces": {}},
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
    """60 songs of made-up words in four themes, in the generic form; songs of a theme are similar.

    The folder graded/ holds 32 pairs of shorter texts, graded 1 to 5, for pretraining.
    """
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
    graded = folder / "graded"
    graded.mkdir()
    texts = [" ".join(draw.choices(themes[text % 4], k=8)) for text in range(20)]
    (graded / "texts.csv").write_text("id,text\n" + "".join(f"g{i},{text}\n" for i, text in enumerate(texts)))
    pairs = [f"g{left},g{left + 4},5\ng{left},g{left + 3},1\n" for left in range(16)]
    (graded / "pairs.csv").write_text("left_id,right_id,similarity\n" + "".join(pairs))
    (graded / "corpus.yaml").write_text("similarity_range: [1, 5]\n")
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


def test_a_training_begins_with_the_graded_pairs_of_a_folder_inside_the_raw_folder(clone: Path) -> None:
    record = json.loads((clone / "artifacts/experiments/tiny/experiment.json").read_text())

    assert record["n_pairs_before"] == {"train": 29, "val": 3}  # of 32, a tenth in val


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
    (raw / "corpus.yaml").write_text("evaluate: {draws: 30}\nstudy: {trials: 0}\n")
    before = contents(clone)
    environment = ("env", "PYTHONPATH=src")
    made = call(clone, *environment, "python", "pipelines/workspace.py", str(raw)).strip()
    output = call(Path(made), "dvc", "repro")

    assert contents(clone) == before
    assert Path(made) == clone / "work" / "songs-of-ours"
    assert (Path(made) / "artifacts" / "headline.json").exists()
    assert "Running stage 'train@tiny'" not in output, "the cache is shared: the same training runs once"
    headline = json.loads((Path(made) / "artifacts" / "headline.json").read_text())
    assert headline["served"] == "tiny"
    made_of = sorted(path.name for path in (Path(made) / "artifacts" / "metrics").iterdir())
    assert made_of == ["tiny.json"], "without trials there is no experiment `tuned`"
    assert call(clone, "git", "status", "--short") == ""
    assert not (Path(made) / "mlflow.db").exists()


def test_a_second_clone_reproduces_the_figures(clone: Path) -> None:
    second = clone.parent / "second"
    call(clone.parent, "git", "clone", "--quiet", str(clone), str(second))
    call(second, "dvc", "pull", "--quiet", "data.dvc")
    (second / "artifacts" / "headline.json").unlink()
    (second / "dvc.lock").unlink()
    # tests/study shows that a study ends with the same bytes; its trainings take half of the time.
    without_study = params.overlay(params.read_yaml(second / "params.yaml"), {"study": {"trials": 0}})
    (second / "params.yaml").write_text(yaml.safe_dump(without_study, sort_keys=False))
    output = call(second, "dvc", "repro", "evaluate")

    assert "Running stage 'train@tiny'" in output
    again = second / "artifacts" / "metrics" / "tiny.json"
    assert again.read_text() == (clone / "artifacts" / "metrics" / "tiny.json").read_text()
    assert json.loads((second / "artifacts" / "headline.json").read_text())["served"] == "tiny"


# --- the catalogue ---------------------------------------------------------------------------------


def neuralist(folder: Path, *arguments: str) -> str:
    code = "from neuralist.cli import app; app()"
    return call(folder, "env", f"PYTHONPATH={folder / 'src'}", "python", "-c", code, *arguments)


def test_a_song_comes_and_another_goes_without_training(clone: Path) -> None:
    trained = (clone / "artifacts/experiments/tiny/encoder.onnx").read_bytes()
    first = (clone / "data/texts.csv").read_text().splitlines()[1].split(",")[1]
    (clone / "new.csv").write_text(f"id,text,artist,title\nnew,{first},Artist 0,Song 0 (live)\n")
    neuralist(clone, "catalogue", "add", "new.csv")
    neuralist(clone, "catalogue", "remove", "s07", "--reason", "asked")

    served = set(pd.read_parquet(clone / "artifacts/served/catalogue.parquet")["song_id"])
    assert served == {f"s{song:02}" for song in range(60)} - {"s07"} | {"new"}
    assert '"s07"' not in (clone / "artifacts/songmap.html").read_text()
    assert stages_to_run(clone) == set()
    assert (clone / "artifacts/experiments/tiny/encoder.onnx").read_bytes() == trained
    status = call(clone, "git", "status", "--short", "catalogue").splitlines()
    assert status == [" M catalogue/removed.csv", "?? catalogue/added.csv.dvc"]
    # Back to the data's own.
    neuralist(clone, "catalogue", "restore", "s07")
    neuralist(clone, "catalogue", "remove", "new")
    assert not (clone / "catalogue/added.csv").exists()
    (clone / "new.csv").unlink()
    call(clone, "git", "checkout", "--quiet", ".")


# --- which stages run again ------------------------------------------------------------------------
TRAINING = {"vectors", "train@tiny", "study", "tuned"}
RESOLVE = ("env", "PYTHONPATH=src", "python", "pipelines/settings.py")
RESOLVE += ("--corpus", "artifacts/corpus.json", "--out", "artifacts/settings")


@pytest.fixture
def edited(clone: Path) -> Iterator[Path]:
    """The clone, whose sources, params.yaml and settings are put back afterwards."""
    yield clone
    call(clone, "git", "checkout", "--quiet", ".")
    call(clone, *RESOLVE)


def stages_to_run(clone: Path) -> set[str]:
    """The stages of which DVC says that something has changed, without those that always run."""
    return set(json.loads(call(clone, "dvc", "status", "--json"))) - {"track", "register"}


def append_a_comment(clone: Path, *packages: str) -> None:
    for package in packages:
        path = clone / "src/neuralist" / package
        module = path if path.suffix else max(path.glob("*.py"))
        with module.open("a", encoding="utf-8") as file:
            file.write("# A comment.\n")


SOURCES = {path.name for path in (ROOT / "src/neuralist").iterdir()} - {"__pycache__"}
LEARNING = {"config", "data", "model", "text", "training"}
LEARNING |= {"excerpts.py", "files.py", "metrics.py", "reproducible.py", "threads.py"}
# The study draws its figures and its page again; its finished trials stay.
OF_STUDY = {"study", "figure_style.py", "html.py"}


def test_editing_what_learns_nothing_retrains_nothing(edited: Path) -> None:
    append_a_comment(edited, *SOURCES - LEARNING - OF_STUDY)

    changed = stages_to_run(edited)
    assert {"songs", "validate", "evaluate", "package", "songmap"} <= changed
    assert changed & TRAINING == set()


def test_editing_the_study_runs_the_study_alone(edited: Path) -> None:
    append_a_comment(edited, "study")

    assert stages_to_run(edited) == {"study"}


@pytest.mark.parametrize("package", ["model", "training"])
def test_editing_what_learns_trains_again_and_leaves_tables_and_vectors(edited: Path, package: str) -> None:
    append_a_comment(edited, package)

    changed = stages_to_run(edited)
    assert {"train@tiny", "study", "tuned"} <= changed
    assert changed & {"songs", "pairs", "validate", "settings", "pretraining", "vectors"} == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"experiments": TINY["experiments"] | {"not_run": {"units": 8}}}, set()),
        ({"train": {"units": 7}}, set()),  # which `tiny` sets itself
        ({"train": {"dropout": 0.1}}, {"train@tiny", "study"}),
        ({"study": {"prune_after": 3}}, {"study"}),
        ({"vectors": {"window": 3}}, {"vectors"}),
    ],
    ids=["an experiment that is not run", "a default that is not used", "a default", "study", "vectors"],
)
def test_a_change_of_params_runs_the_stages_that_it_is_about(
    edited: Path, changes: dict[str, Any], expected: set[str]
) -> None:
    path = edited / "params.yaml"
    path.write_text(yaml.safe_dump(params.overlay(params.read_yaml(path), changes), sort_keys=False))
    call(edited, *RESOLVE)

    assert stages_to_run(edited) - {"settings"} == expected
