"""--model: an experiment's name, a folder or a models:/ URI means the same model in every command."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests import trained
from typer.testing import CliRunner

from neuralist.cli import app
from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.serving import package
from neuralist.tracking.store import Store

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {"moss": 0.0, "stone": 0.5, "fern": 1.0}
LYRICS = {"a": "moss", "b": "stone", "c": "fern", "d": "moss fern"}
PAIRS = [("a", "b", 0.5, "train"), ("a", "c", 0.25, "val"), ("c", "d", 0.5, "test")]
COMMANDS = {
    "compare": ["compare", "moss", "stone"],
    "recommend": ["recommend", "--lyrics", "texts.csv", "-k", "2"],
    "playlist": ["playlist", "--song", "Artist a - Song a", "-n", "2"],
    "predict": ["predict", "pairs.csv", "out.csv"],
    "embed": ["embed", "texts.csv", "out.csv"],
}


def save_metrics(folder: Path, name: str) -> records.ExperimentMetrics:
    entry = trained.compared(trained.entry(), "tfidf", spearman=trained.figure(0.25, 0.125, 0.5))
    [metrics] = trained.metrics(one=entry).values()
    records.save(metrics, folder / f"{name}.json")
    return metrics


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of which `tiny` is served and `other`, an encoder that hears all alike, is not."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    artifacts = tmp_path / "artifacts"
    songs, pairs = trained.songs(LYRICS), trained.pairs(PAIRS)
    songs = songs.assign(artist="Artist " + songs["song_id"], title="Song " + songs["song_id"])
    parquet.write(songs, tables.SONGS, artifacts / "songs.parquet")
    parquet.write(pairs, tables.PAIRS, artifacts / "pairs.parquet")
    (artifacts / "corpus.json").write_text('{"note": "", "epochs": 2}')
    trained.write_experiment(artifacts / "experiments/tiny", NUMBERS)
    trained.write_experiment(artifacts / "experiments/other", dict.fromkeys(NUMBERS, 0.5))
    save_metrics(artifacts / "metrics", "other")
    metrics = save_metrics(artifacts / "metrics", "tiny")
    source = artifacts / "experiments/tiny"
    chosen = package.Chosen(records.load_experiment(source), metrics, "spearman", 0.95, "")
    package.save(chosen, source, songs, pairs, artifacts / "served")
    (tmp_path / "pairs.csv").write_text("lyrics_a,lyrics_b\nmoss,stone\n")
    (tmp_path / "texts.csv").write_text("id,text\n1,moss\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def result(command: str, *model: str) -> Any:
    """What a command prints as JSON, and what it writes."""
    ended = CliRunner().invoke(app, [*COMMANDS[command], *model, "--json"])
    assert ended.exit_code == 0, ended.output
    out = Path("out.csv")
    return json.loads(ended.stdout), out.read_text() if out.exists() else ""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_a_folder_and_nothing_mean_the_served_model(home: Path, command: str) -> None:
    served = result(command)

    assert result(command, "--model", "tiny") == served
    assert result(command, "--model", str(home / "artifacts/served")) == served
    assert result(command, "--model", "artifacts/experiments/tiny") == served
    assert not (home / "work").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_registered_model_is_read_from_the_store(
    into: Store, home: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    # MLflow keeps the database that this process opened first under the relative name of the default store.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", into.uri)
    client = MlflowClient(into.uri, into.uri)
    client.create_registered_model("neuralist")
    shutil.copytree(home / "artifacts/served", home / "version/artifacts/served")
    client.create_model_version("neuralist", source=str(home / "version"))
    client.set_registered_model_alias("neuralist", "champion", "1")

    assert result(command, "--model", "models:/neuralist@champion") == result(command)


def test_an_experiment_that_is_not_served_answers_for_itself(home: Path) -> None:
    assert result("compare")[0]["similarity"] == pytest.approx(trained.similarity(0.0, 0.5), abs=1e-6)
    assert result("compare", "--model", "other")[0]["similarity"] == 1.0


def test_a_folder_without_a_model_does_not_hide_an_experiment_of_its_name(home: Path) -> None:
    served = result("compare")
    (home / "tiny").mkdir()

    assert result("compare", "--model", "tiny") == served


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_model_is_refused_with_what_there_is(home: Path, command: str) -> None:
    ended = CliRunner().invoke(app, [*COMMANDS[command], "--model", "huge"])

    kinds = "an experiment of this checkout (other, tiny), a folder, or models:/<name>@<alias>"
    assert (ended.exit_code, ended.stderr) == (1, f"error: huge: no such model; give {kinds}\n")


def test_an_experiment_without_metrics_says_what_to_run(home: Path) -> None:
    (home / "artifacts/metrics/other.json").unlink()
    ended = CliRunner().invoke(app, ["compare", "moss", "stone", "--model", "other"])

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: other: no metrics of it in ")
    assert ended.stderr.endswith("; run `dvc repro evaluate`\n")
