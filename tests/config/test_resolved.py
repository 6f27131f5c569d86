"""The resolved settings: one JSON file for each stage or experiment that trains."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.settings import experiment

from neuralist.config import params, records, resolved
from neuralist.config.experiment import Experiment

ROOT = Path(__file__).resolve().parents[2]
NO_UNITS = json.dumps(experiment().model_dump() | {"units": 0})


def settings(folder: Path, **changes: Any) -> params.Params:
    values = params.overlay(params.read_yaml(ROOT / "params.yaml"), changes)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return params.load(folder / "params.yaml")


def written(folder: Path, epochs: int = 50, **changes: Any) -> dict[str, str]:
    """File to content, for params.yaml with these changes."""
    out = folder / "settings"
    resolved.write(settings(folder, **changes), epochs, out)
    return {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}


def changed(folder: Path, **changes: Any) -> set[str]:
    before, after = written(folder), written(folder, **changes)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_there_is_a_file_for_each_experiment_that_is_run_and_for_three_stages(tmp_path: Path) -> None:
    made = written(tmp_path, run=["words15", "lyrics"])

    experiments = {"experiments/words15.json", "experiments/lyrics.json"}
    assert set(made) == experiments | {"pretraining.json", "study.json", "vectors.json"}


def test_an_experiment_is_read_as_params_yaml_has_it_with_the_epochs_of_the_corpus(tmp_path: Path) -> None:
    written(tmp_path, epochs=7)
    read = resolved.read_or_skipped(tmp_path / "settings/experiments/words15.json", Experiment)

    assert read == settings(tmp_path).experiment("words15", 7)
    assert isinstance(read, Experiment)
    assert (read.epochs, read.max_tokens, read.units) == (7, 15, 50)


def test_the_study_has_the_settings_of_its_base_and_not_its_storage(tmp_path: Path) -> None:
    written(tmp_path, study={"storage": "postgresql://someone:secret@host/optuna", "experiment": None})
    read = records.load(tmp_path / "settings/study.json", resolved.StudySettings)

    assert read.experiment == "lyrics"  # the last of `run`
    assert read.base == settings(tmp_path).experiment("lyrics", 50)
    assert read.study.storage is None
    assert read.study.space["learning_rate"] == params.Interval(low=0.001, high=0.02, log=True)
    assert "secret" not in (tmp_path / "settings/study.json").read_text()


def test_the_study_has_the_space_that_is_searched_and_no_other(tmp_path: Path) -> None:
    written(tmp_path, run=["graded"])
    study = json.loads((tmp_path / "settings/study.json").read_text())["study"]

    assert study["space"]["similarity"] == ["learned", "manhattan"]
    assert "spaces" not in study


def test_pretraining_knows_the_folder_of_each_experiment_and_of_the_study(tmp_path: Path) -> None:
    written(
        tmp_path,
        experiments={"words15": {"pretrain_on": "graded"}},
        run=["words15"],
        study={"experiment": None, "spaces": {}},
    )
    read = records.load(tmp_path / "settings/pretraining.json", resolved.PretrainingSettings)

    assert (read.experiments, read.study) == ({"words15": "graded"}, "graded")
    assert read.similarity_range == (0, 1)


EXPERIMENTS = params.read_yaml(ROOT / "params.yaml")["experiments"]


@pytest.mark.parametrize(
    ("changes", "files"),
    [
        ({"experiments": EXPERIMENTS | {"not_run": {"units": 8}}}, set()),
        ({"experiments": EXPERIMENTS | {"words15": {"units": 8}}}, {"experiments/words15.json"}),
        ({"study": {"trials": 9}}, {"study.json"}),
        ({"study": {"trials": 0}}, {"study.json"}),
        # The study starts from songs300, which has no space of its own.
        ({"study": {"spaces": {"lyrics": {"units": [8]}}}}, set()),
        ({"study": {"spaces": {"songs300": {"units": [8]}}}}, {"study.json"}),
        ({"vectors": {"window": 3}}, {"vectors.json"}),
        ({"pairs": {"test_fold": 3, "unlisted_ratio": 3}}, set()),
        ({"similarity_range": [1, 5]}, {"pretraining.json"}),
        # `lyrics` names its own units, and no other does; the study starts from songs300.
        (
            {"train": {"units": 60}},
            {f"experiments/{name}.json" for name in ("words15", "words300", "songs15", "songs300")}
            | {"study.json"},
        ),
    ],
)
def test_a_change_moves_the_files_that_it_is_about(
    tmp_path: Path, changes: dict[str, Any], files: set[str]
) -> None:
    assert changed(tmp_path, **changes) == files


def test_a_file_of_an_experiment_that_is_no_longer_run_goes(tmp_path: Path) -> None:
    written(tmp_path)

    assert "experiments/words15.json" not in written(tmp_path, run=["lyrics"])


def test_settings_that_say_why_there_are_none_are_told_from_an_experiment(tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    records.save(resolved.Skipped(skipped="trials is 0"), path)

    assert resolved.read_or_skipped(path, Experiment) == resolved.Skipped(skipped="trials is 0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"tuned\.json: missing; run `dvc repro`"),
        ("{", r"tuned\.json: not readable \(Expecting"),
        (NO_UNITS, r"tuned\.json: units: Input should be greater than or equal to 1, received 0"),
    ],
)
def test_a_file_that_is_missing_or_holds_something_else_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "tuned.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ValueError, match=message):
        resolved.read_or_skipped(path, Experiment)


def test_without_trials_no_change_of_their_experiment_moves_the_study(
    tmp_path: Path,
) -> None:
    off = {"trials": 0, "experiment": "songs300"}
    before = written(tmp_path, study=off)["study.json"]

    assert written(tmp_path, study=off, train={"patience": 3})["study.json"] == before
    assert "trials is 0" in before


def test_without_trials_a_folder_that_only_the_study_would_read_is_not_read(tmp_path: Path) -> None:
    experiments = EXPERIMENTS | {"not_run": {"pretrain_on": "nowhere"}}
    written(tmp_path, study={"trials": 0, "experiment": "not_run"}, experiments=experiments)

    read = records.load(tmp_path / "settings/pretraining.json", resolved.PretrainingSettings)
    assert read.study is None
