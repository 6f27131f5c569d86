"""--model: an experiment's name, a folder or a models:/ URI means the same model in every command."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests import commands, trained
from typer.testing import CliRunner

from neuralist.cli import app
from neuralist.config import records
from neuralist.tracking.store import Store

COMMANDS = {
    "compare": ["compare", "moss", "stone"],
    "recommend": ["recommend", "--lyrics", "texts.csv", "-k", "2"],
    "playlist": ["playlist", "--song", "Artist a - Song a", "-n", "2"],
    "predict": ["predict", "pairs.csv", "out.csv"],
    "embed": ["embed", "texts.csv", "out.csv"],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of which `tiny` is served and `other`, an encoder that embeds all alike, is not."""
    trained.write_checkout(tmp_path)
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
    mlflow_store: Store, home: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    # MLflow keeps the database that this process opened first under the relative name of the default store.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store.uri)
    client = MlflowClient(mlflow_store.uri, mlflow_store.uri)
    client.create_registered_model("neuralist")
    shutil.copytree(home / "artifacts/served", home / "version/artifacts/served")
    (home / "version/MLmodel").touch()
    client.create_model_version("neuralist", source=str(home / "version"))
    client.set_registered_model_alias("neuralist", "champion", "1")

    assert result(command, "--model", "models:/neuralist@champion") == result(command)


def test_an_experiment_that_is_not_served_answers_for_itself(home: Path) -> None:
    assert result("compare")[0]["similarity"] == pytest.approx(trained.similarity(0.0, 0.5), abs=1e-6)
    assert result("compare", "--model", "other")[0]["similarity"] == 1.0


@pytest.mark.parametrize("chosen_by", ["auto", "ndcg_at_10"])
def test_an_experiment_without_the_metric_that_chooses_answers_too(home: Path, chosen_by: str) -> None:
    """Protocol paper has no lists of songs on val, so neither listed AUC nor nDCG."""
    settings = (home / "params.yaml").read_text()
    assert "  metric: auto " in settings
    (home / "params.yaml").write_text(settings.replace("  metric: auto ", f"  metric: {chosen_by} "))
    lists = trained.entry(listed_auc=0.75, ndcg_at_10=0.5)
    leaks = trained.compared(trained.entry("paper"), "tfidf", spearman=trained.figure(0.1, -0.1, 0.3))
    for name, experiment in trained.metrics(tiny=lists, other=leaks).items():
        records.save(experiment, home / "artifacts/estimates" / f"{name}.json")

    for command in ("compare", "recommend", "playlist"):
        answer, _ = result(command, "--model", "other")
        assert answer["model"] == "other"
        assert answer["no_lead_over"] == ["tfidf"]  # by Spearman, whose interval includes 0


def test_a_folder_without_a_model_does_not_hide_an_experiment_of_its_name(home: Path) -> None:
    served = result("compare")
    (home / "tiny").mkdir()

    assert result("compare", "--model", "tiny") == served


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_model_is_refused_with_what_there_is(home: Path, command: str) -> None:
    ended = CliRunner().invoke(app, [*COMMANDS[command], "--model", "huge"])

    kinds = "an experiment of this checkout (other, tiny), a folder, or models:/<name>@<alias>"
    assert (ended.exit_code, ended.stderr) == (1, f"error: huge: no such model; give {kinds}\n")


@pytest.mark.slow  # it draws, by scikit-learn
def test_the_map_of_a_model_has_the_checkouts_songs_and_is_drawn_beside_the_stages(home: Path) -> None:
    mapped = commands.answer("map", "--model", "other")
    page = Path(mapped["path"])
    text = page.read_text()

    assert (mapped["opened"], page.parent) == (False, home / "work/maps")
    assert page.name.startswith("other-")
    assert "4 songs, by the encoder of other" in text
    assert commands.answer("map", "--model", "artifacts/served")["path"] != mapped["path"]
    assert not (home / "artifacts/songmap.html").exists()
    assert commands.refusal("map", "--model", "huge").startswith("huge: no such model; give an experiment")


@pytest.mark.slow
def test_songs_of_which_the_model_knows_no_word_are_not_on_its_map(home: Path) -> None:
    source = home / "artifacts/experiments/narrow"
    trained.write_experiment(source, {"moss": 0.0, "fern": 1.0})
    assert "3 of 4 songs, by the encoder of narrow" in drawn("narrow")
    trained.write_experiment(source, {"stone": 0.0})
    assert commands.refusal("map", "--model", "narrow") == "songmap: received 1 songs; a map needs at least 3"


def drawn(model: str) -> str:
    return Path(commands.answer("map", "--model", model)["path"]).read_text()


def test_a_map_needs_the_table_of_songs(home: Path) -> None:
    (home / "artifacts/catalogue_songs.parquet").unlink()
    assert "catalogue_songs.parquet" in commands.refusal("map", "--model", "tiny")


def test_an_experiment_without_metrics_says_what_to_run(home: Path) -> None:
    (home / "artifacts/estimates/other.json").unlink()
    ended = CliRunner().invoke(app, ["compare", "moss", "stone", "--model", "other"])

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: other: no estimates of it in ")
    assert ended.stderr.endswith("; run `dvc repro evaluate`\n")
