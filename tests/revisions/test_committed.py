"""`make repro` says whether its outputs are those of the committed dvc.lock."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuralist.revisions import committed


def lock(**changes: Any) -> str:
    """A lock of songs from data, vectors from songs and a setting, and a model from code and vectors."""
    md5 = {"data": "d1", "src": "s1", "songs": "a1", "vectors": "v1", "model": "m1", "epochs": 3} | changes
    stages = {
        "songs": {
            "cmd": "songs.py",
            "deps": [{"path": "data", "md5": md5["data"]}],
            "outs": [{"path": "out/songs", "md5": md5["songs"]}],
        },
        "vectors": {
            "cmd": "vectors.py",
            "deps": [{"path": "out/songs", "md5": md5["songs"]}],
            "params": {"params.yaml": {"train.epochs": md5["epochs"]}},
            "outs": [{"path": "out/vectors", "md5": md5["vectors"]}],
        },
        "train": {
            "cmd": "train.py",
            "deps": [
                {"path": "out/vectors/words.txt", "md5": f"{md5['vectors']}w"},
                {"path": "src/model", "md5": md5["src"]},
            ],
            "outs": [{"path": "out/models/one", "md5": md5["model"]}],
        },
        # It reads the folder around that model, and writes nothing that DVC compares.
        "track": {"cmd": "track.py", "deps": [{"path": "out/models", "md5": f"{md5['model']}f"}]},
    }
    return yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)


def test_equal_outputs_are_counted() -> None:
    assert committed.compare(lock(), lock()) == "All 3 outputs equal those of the committed dvc.lock."


def test_code_that_changes_no_output_is_not_mentioned() -> None:
    assert committed.compare(lock(), lock(src="s2")).startswith("All 3 outputs equal")


def test_few_outputs_that_differ_from_the_same_inputs_are_named_with_the_page() -> None:
    assert committed.compare(lock(), lock(vectors="v2", model="m2")) == (
        "2 of 3 outputs differ from those of the committed dvc.lock, from the same inputs: "
        "out/vectors, out/models/one. docs/results/processors.md says why, and how far figures move."
    )


def test_many_outputs_that_differ_are_counted() -> None:
    stages = {f"s{n}": {"cmd": "s.py", "outs": [{"path": f"out/{n}", "md5": "a"}]} for n in range(9)}
    before = yaml.safe_dump({"stages": stages})
    assert committed.compare(before, before.replace("md5: a", "md5: b")) == (
        "9 of 9 outputs differ from those of the committed dvc.lock, from the same inputs. "
        "docs/results/processors.md says why, and how far figures move."
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 4, "vectors": "v2"}, "params.yaml"),
        ({"data": "d2", "songs": "a2"}, "data"),
        ({"src": "s2", "model": "m2"}, "src/model"),
        ({"src": "s2", "epochs": 4, "model": "m2"}, "params.yaml, src/model"),
    ],
)
def test_inputs_that_were_edited_explain_the_difference(changes: dict[str, Any], named: str) -> None:
    line = committed.compare(lock(), lock(**changes))
    assert line.endswith(f"differ from those of the committed dvc.lock, and so do their inputs: {named}.")


def test_an_experiment_that_was_added_is_an_output_more() -> None:
    before = yaml.safe_load(lock())
    del before["stages"]["train"]
    line = committed.compare(yaml.safe_dump(before), lock())
    assert line.startswith("1 of 3 outputs differ")
    assert "dvc.yaml" in line


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_lock_of_head_is_compared_with_that_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(lock(), encoding="utf-8")
    assert committed.describe(tmp_path) is None  # no repository
    git(tmp_path, "init")
    assert committed.describe(tmp_path) is None  # no commit
    git(tmp_path, "add", "dvc.lock")
    git(tmp_path, "commit", "-m", "first")
    assert committed.describe(tmp_path) == "All 3 outputs equal those of the committed dvc.lock."
    (tmp_path / "dvc.lock").write_text(lock(model="m2"), encoding="utf-8")
    git(tmp_path, "add", "dvc.lock")  # an index is no commit
    assert "1 of 3 outputs differ" in (committed.describe(tmp_path) or "")


@pytest.mark.parametrize("text", ["", "stages: [", "stages: {a: 1}", "stages: {a: {outs: [{path: b}]}}"])
def test_a_lock_that_cannot_be_read_is_no_lock(text: str) -> None:
    with pytest.raises(ValueError, match=r"dvc\.lock: not readable"):
        committed.compare(text, lock())


# What DVC 3 says of a lock that a kill cut.
REFUSED = ["'./dvc.lock' validation failed.", "", "required key not provided, in schema"]
UNREADABLE = ["ERROR: unable", "unable to read: './dvc.lock', YAML file structure is corrupted: ..."]


@pytest.mark.parametrize("said", [REFUSED, UNREADABLE])
def test_a_lock_that_dvc_refuses_is_that_of_head_again(tmp_path: Path, said: list[str]) -> None:
    path = tmp_path / "dvc.lock"
    path.write_text(lock(), encoding="utf-8")
    git(tmp_path, "init")
    git(tmp_path, "add", "dvc.lock")
    git(tmp_path, "commit", "-m", "first")
    path.write_text(lock()[:40], encoding="utf-8")
    assert "is that of HEAD again" in (committed.mend(tmp_path, said) or "")
    assert path.read_text(encoding="utf-8") == lock()


def test_without_one_in_head_a_lock_that_dvc_refuses_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(lock()[:40], encoding="utf-8")
    assert "is taken away" in (committed.mend(tmp_path, REFUSED) or "")
    assert not (tmp_path / "dvc.lock").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lock(), ["ERROR: failed to reproduce 'songs': failed to run: a command, exited with 1"]),
        (f"<<<<<<< HEAD\n{lock()}", REFUSED),
    ],
)
def test_a_lock_with_a_conflict_or_that_is_no_fault_stays(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "dvc.lock").write_text(text, encoding="utf-8")
    assert committed.mend(tmp_path, said) is None
    assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == text
