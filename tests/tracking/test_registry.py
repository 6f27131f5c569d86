"""The registry: who becomes champion and why, both models together, whatever is killed in between."""

import itertools
import json
import os
import pickletools
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests import made_records, trained

from neuralist import files
from neuralist.config import params, records
from neuralist.console.pipeline import WROTE
from neuralist.data import parquet, tables
from neuralist.serving import package
from neuralist.text import equal_texts
from neuralist.tracking import catalogue_version, champion, extended_version, registry, stamp, version_tags
from neuralist.tracking.store import Store

ROOT = Path(__file__).resolve().parents[2]
DATA = "0123456789abcdef0123456789abcdef.dir"
RAW = Path("data")
MODELS = ("neuralist", "neuralist-recommender")
# 24 songs of val, four of a theme and six of a year; songs of a theme are similar.
THEMES, YEARS = "abcdef", "0123"
VAL = [theme + year for theme in THEMES for year in YEARS]
LYRICS = {"t0": "hum", "t1": "hum hum", **{song: f"hum {song}" for song in VAL}, "z0": "hum", "z1": "hum"}
NUMBERS = (0.0, 0.4, 0.9, 9.0, 4.0, 6.0)


def grade(left: str, right: str) -> float:
    return 0.9 if left[0] == right[0] else 0.1


PAIRS = [
    ("t0", "t1", 0.5, "train"),
    *((left, right, grade(left, right), "val") for left, right in itertools.combinations(VAL, 2)),
    ("z0", "z1", 0.5, "test"),
]


def by_theme() -> dict[str, float]:
    """Words of an encoder that hears themes: right on every pair."""
    return {"hum": 0.5} | {song: NUMBERS[THEMES.index(song[0])] for song in VAL}


def by_year() -> dict[str, float]:
    """Words of an encoder that hears years, which say nothing of similarity."""
    return {"hum": 0.5} | {song: NUMBERS[YEARS.index(song[1])] for song in VAL}


@dataclass
class Checkout:
    """A checkout whose pipeline has run up to `register`, and its store."""

    folder: Path
    mlflow_store: Store

    @property
    def artifacts(self) -> Path:
        """What its stages wrote."""
        return self.folder / "artifacts"

    def train(self, name: str, words: dict[str, float], metric: str = "spearman", note: str = "") -> None:
        """Train an experiment and pack it, as the best one."""
        source = self.artifacts / "experiments" / name
        if not source.exists():
            trained.write_experiment(source, words)
        entry = trained.compared(trained.entry(), "tfidf", spearman=trained.figure(0.25, 0.125, 0.5))
        [evaluated] = trained.metrics(one=entry).values()
        shutil.rmtree(self.artifacts / "estimates", ignore_errors=True)
        records.save(evaluated, self.artifacts / "estimates" / f"{name}.json")
        chosen = package.Chosen(records.load_experiment(source), evaluated, metric, 0.95, note)
        out = self.artifacts / "served"
        catalogue = parquet.read(self.artifacts / "catalogue_songs.parquet", tables.SONGS)
        songs, pairs = trained.songs(LYRICS), trained.pairs(PAIRS)
        package.save(chosen, source, songs, pairs, out, catalogue=catalogue)

    def catalogue(self, lyrics: dict[str, str]) -> None:
        """Let these songs be those to recommend; what is packed has them once it is packed again."""
        parquet.write(trained.songs(lyrics), tables.SONGS, self.artifacts / "catalogue_songs.parquet")

    def register(self, *, replace: bool = False) -> str:
        """Run the stage, but for the champion's catalogue."""
        return registry.register(self.artifacts, RAW, self.mlflow_store, replace=replace)

    def renew(self) -> str:
        """Run the rest of the stage."""
        return catalogue_version.renew(self.artifacts, RAW, self.mlflow_store)

    def corpus(self, data: str) -> None:
        """Let dvc.lock name this md5 of the raw data."""
        dep = {"path": "data", "hash": "md5", "md5": data}
        (self.folder / "dvc.lock").write_text(json.dumps({"stages": {"songs": {"deps": [dep]}}}))

    @property
    def client(self) -> Any:
        """The store, by MLflow itself."""
        from mlflow import MlflowClient

        return MlflowClient(self.mlflow_store.uri, self.mlflow_store.uri)

    def aliases(self) -> dict[str, dict[str, str]]:
        """Model to alias to the experiment of its version."""
        return {
            name: {
                alias: self.client.get_model_version(name, str(version)).tags["experiment"]
                for alias, version in self.client.get_registered_model(name).aliases.items()
            }
            for name in MODELS
        }

    def versions(self) -> dict[str, int]:
        """How many versions each model has."""
        return {name: len(self.client.search_model_versions(f"name = '{name}'")) for name in MODELS}


def both(**aliases: str) -> dict[str, dict[str, str]]:
    return dict.fromkeys(MODELS, aliases)


@pytest.fixture
def saving(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout with nothing trained yet, which saves models as MLflow does."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    checkout = Checkout(tmp_path, Store(f"sqlite:///{tmp_path}/mlflow.db", "neuralist", tmp_path))
    checkout.corpus(DATA)
    checkout.artifacts.mkdir()
    parquet.write(trained.songs(LYRICS), tables.SONGS, checkout.artifacts / "songs.parquet")
    checkout.catalogue(LYRICS)
    parquet.write(trained.pairs(PAIRS), tables.PAIRS, checkout.artifacts / "pairs.parquet")
    return checkout


@pytest.fixture
def checkout(saving: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """The same, where a saved model is little more than the served folder: saving a real one takes 1 s."""

    def save(kind: str, folder: Path, path: Path, _: Any) -> None:
        shutil.copytree(folder, path / "artifacts" / "served")
        (path / "MLmodel").touch()

    monkeypatch.setattr("neuralist.serving.mlflow_model.save", save)
    return saving


# --- what a version is -----------------------------------------------------------------------------


def test_the_first_version_is_champion_of_both_models_and_says_where_it_is_from(saving: Checkout) -> None:
    saving.train("one", by_theme())
    line = saving.register()

    assert (
        line == "one is now champion, version 1 of neuralist and neuralist-recommender: there was no champion"
    )
    assert saving.aliases() == both(champion="one")
    for name in MODELS:
        version = saving.client.get_model_version_by_alias(name, "champion")
        run = saving.client.get_run(version.run_id)
        assert (run.info.run_name, run.info.status) == ("one", "FINISHED")
        assert version.description == (saving.artifacts / "served" / "card.md").read_text()
        assert len(version.tags) <= 5
        tags = version_tags.unpacked(version.tags)
        assert (tags["data"], tags["experiment"]) == (DATA, "one")
        assert (tags["verdict"], tags["complete"]) == ("there was no champion", "true")
        assert tags["fingerprint"] == run.data.tags["fingerprint"]


def test_the_models_of_a_version_are_those_of_its_run_and_name_it(saving: Checkout) -> None:
    import mlflow

    saving.train("one", by_theme())
    saving.register()

    versions = [saving.client.get_model_version_by_alias(name, "champion") for name in MODELS]
    [run_id] = {version.run_id for version in versions}
    run = saving.client.get_run(run_id)
    made = [saving.client.get_logged_model(output.model_id) for output in run.outputs.model_outputs]
    for name, version in zip(MODELS, versions, strict=True):
        [model] = [model for model in made if model.artifact_location == version.source]
        assert (model.name, model.source_run_id, model.status) == (name, run.info.run_id, "READY")
        assert model.params == run.data.params
        assert {figure.key: figure.value for figure in model.metrics} == {
            key: value for key, value in run.data.metrics.items() if key.startswith("test_")
        }
        loaded = mlflow.pyfunc.load_model(version.source)
        assert (loaded.metadata.run_id, loaded.metadata.model_id) == (run.info.run_id, model.model_id)


def test_a_version_of_the_release_before_is_read_and_changed_in_its_own_form(checkout: Checkout) -> None:
    checkout.train("one", by_theme())
    checkout.register()
    flat = {}
    for name in MODELS:
        version = checkout.client.get_model_version(name, "1")
        flat = version_tags.unpacked(version.tags) | {"val_mse": "0.25", "params.units": "1"}
        checkout.client.delete_model_version_tag(name, "1", "neuralist")
        for key, value in flat.items():
            checkout.client.set_model_version_tag(name, "1", key, value)

    assert checkout.register() == (
        "one is the champion already: version 1 of neuralist and neuralist-recommender"
    )
    checkout.renew()
    tags = checkout.client.get_model_version("neuralist", "1").tags
    songs = files.digest(checkout.artifacts / "catalogue_songs.parquet")
    assert tags == flat | {"catalogue": songs}

    checkout.train("themes", by_theme(), note="Another card.")
    checkout.catalogue({"a0": "hum a0"})
    checkout.register(replace=True)
    assert len(checkout.client.get_model_version_by_alias("neuralist", "champion").tags) <= 5


@pytest.mark.parametrize("kept", ["", "{", "[]", "7"])
def test_what_a_person_made_of_the_pipelines_own_tag_is_no_crash(kept: str) -> None:
    assert version_tags.unpacked({"experiment": "one", "neuralist": kept}) == {"experiment": "one"}


def files_of(checkout: Checkout, name: str) -> list[Path]:
    source = checkout.client.get_model_version_by_alias(name, "champion").source
    return [path for path in Path(source.removeprefix("file://")).rglob("*") if path.is_file()]


def pickled(content: bytes) -> bool:
    try:
        return any(operation.name == "STOP" for operation, _, _ in pickletools.genops(content))
    except (ValueError, UnicodeDecodeError):
        return False


def test_both_models_load_and_answer_and_hold_no_pickle_and_no_lyrics(saving: Checkout) -> None:
    import mlflow

    saving.train("one", by_theme())
    saving.register()

    for name, columns, answers in (
        ("neuralist", ["lyrics_a", "lyrics_b"], {"similarity", "similar", "decile"}),
        (
            "neuralist-recommender",
            ["lyrics", "artist", "year", "tags"],
            {"rank", "song_id", "artist", "title", "similarity"},
        ),
    ):
        model = mlflow.pyfunc.load_model(
            Path(saving.client.get_model_version_by_alias(name, "champion").source.removeprefix("file://"))
        )
        assert model.metadata.signature.inputs.input_names() == columns
        asked = pd.DataFrame({column: ["hum a0"] for column in columns if column.startswith("lyrics")})
        assert answers <= set(model.predict(asked).columns)
        found = files_of(saving, name)
        names = {path.name for path in found}
        assert {"input_example.json", "card.md", "vocabulary.txt", "encoder.onnx"} <= names
        for path in found:
            content = path.read_bytes()
            assert path.suffix not in {".pkl", ".pickle", ".joblib", ".keras"}, path
            assert not pickled(content), path
            assert not any(text.encode() in content for text in LYRICS.values() if " " in text), path


def test_a_pickle_would_be_found() -> None:
    import pickle

    assert pickled(pickle.dumps({"a": 1}))


def test_a_card_too_long_for_mlflow_is_cut_at_a_line(checkout: Checkout) -> None:
    checkout.train("one", by_theme(), note="word " * 2000)
    checkout.register()

    version = checkout.client.get_model_version_by_alias("neuralist", "champion")
    assert len(version.description) <= 5000
    assert version.description.endswith("artifacts/served/card.md of this version.")


# --- champion and challenger -----------------------------------------------------------------------


def rho(words: dict[str, float]) -> float:
    """Spearman on the val pairs of an encoder that knows these words, by scipy."""
    val = list(itertools.combinations(VAL, 2))
    heard = [trained.similarity(words[left], words[right]) for left, right in val]
    return stats.spearmanr(heard, [grade(left, right) for left, right in val]).statistic


def test_a_better_model_becomes_champion(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.train("themes", by_theme())
    line = checkout.register()

    assert line.startswith(
        "themes is now champion, version 2 of neuralist and neuralist-recommender: "
        f"a lead is shown over version 1 (years): spearman {rho(by_theme()):.3f} ["
    )
    assert f"] against {rho(by_year()):.3f} [" in line
    assert line.endswith("on 276 val pairs of 24 songs that neither trained on")
    assert checkout.aliases() == both(champion="themes")


def test_a_model_that_is_not_shown_to_be_better_becomes_challenger(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("twin", by_theme())
    line = checkout.register()

    assert WROTE.search(line)
    assert "no lead is shown over version 1 (themes)" in line
    assert "difference 0.000 [0.000, 0.000]" in line
    assert checkout.aliases() == both(champion="themes", challenger="twin")
    again = checkout.register()
    assert again.startswith(
        "twin is version 2 of neuralist and neuralist-recommender already: no lead is shown"
    )
    assert checkout.versions() == dict.fromkeys(MODELS, 2)


def test_of_errors_the_lower_is_better(checkout: Checkout) -> None:
    checkout.train("themes", by_theme(), metric="mse")
    checkout.register()
    checkout.train("years", by_year(), metric="mse")
    checkout.register()

    assert checkout.aliases() == both(champion="themes", challenger="years")


def test_a_challenger_that_is_made_champion_is_no_challenger_any_more(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("twin", by_theme())
    checkout.register()
    line = checkout.register(replace=True)

    assert line.endswith("it replaces version 1 (themes), unmeasured")
    assert checkout.aliases() == both(champion="twin")
    assert checkout.versions() == dict.fromkeys(MODELS, 2)


def test_the_same_training_with_a_new_card_takes_its_own_place(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("themes", by_theme(), note="Now with a note.")

    assert checkout.register().endswith("the training of version 1 (themes), with newer figures or songs")
    version = checkout.client.get_model_version_by_alias("neuralist-recommender", "champion")
    assert (str(version.version), "Now with a note." in version.description) == ("2", True)


def test_a_dethroned_model_that_comes_back_has_lost_already(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("years", by_year())

    assert checkout.register().startswith("years is version 1 of")
    assert checkout.aliases() == both(champion="themes")


@pytest.mark.parametrize("lost", ["alias", "version", "all"])
def test_what_a_person_deletes_is_made_again(checkout: Checkout, lost: str) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    if lost == "alias":
        checkout.client.delete_registered_model_alias("neuralist", "champion")
    elif lost == "version":
        checkout.client.delete_model_version("neuralist-recommender", "1")
    else:
        for name in MODELS:
            checkout.client.delete_registered_model(name)

    assert checkout.register().startswith("themes is now champion")
    assert checkout.aliases() == both(champion="themes")
    assert checkout.register().startswith("themes is the champion already")


def test_a_champion_that_a_person_made_by_hand_stays(checkout: Checkout) -> None:
    checkout.client.create_registered_model("neuralist")
    (checkout.folder / "MLmodel").touch()
    checkout.client.create_model_version("neuralist", source=checkout.folder.as_uri())
    checkout.client.set_registered_model_alias("neuralist", "champion", "1")
    checkout.train("themes", by_theme())

    assert checkout.register().endswith(
        "version 1 (unknown) is no model of Neuralist's, so they were not compared"
    )
    assert checkout.client.get_model_version_by_alias("neuralist", "champion").source == (
        checkout.folder.as_uri()
    )


# --- how they are measured -------------------------------------------------------------------------


def rivals(folder: Path, *trained_on: str) -> champion.Rivals:
    """An encoder that hears themes against one that hears years; `trained_on` are their songs."""
    for name, words, songs in zip(
        champion.Rivals._fields, (by_theme(), by_year()), trained_on or ("t0", "t1"), strict=True
    ):
        trained.write_experiment(folder / name, words)
        (folder / name / "training_songs.txt").write_text(songs.replace(" ", "\n") + "\n")
    return champion.Rivals(folder / "challenger", folder / "champion")


SETTINGS = params.Evaluate(draws=200, level=0.95, sentence_encoder=None, seed=1)


def test_both_are_measured_on_the_same_val_pairs(tmp_path: Path) -> None:
    found = champion.compare(
        trained.songs(LYRICS), trained.pairs(PAIRS), rivals(tmp_path), "spearman", SETTINGS
    )

    difference = rho(by_theme()) - rho(by_year())
    assert found.challenger.value == pytest.approx(rho(by_theme()), abs=1e-5)
    assert found.champion.value == pytest.approx(rho(by_year()), abs=1e-5)
    assert found.difference.value == pytest.approx(difference, abs=1e-5)
    assert 0 < found.difference.low < difference < found.difference.high
    assert (found.n_pairs, found.n_songs) == (276, 24)


def test_pairs_of_songs_that_either_trained_on_are_left_out(tmp_path: Path) -> None:
    found = champion.compare(
        trained.songs(LYRICS),
        trained.pairs(PAIRS),
        rivals(tmp_path, "t0 a0", "t1 b3"),
        "spearman",
        SETTINGS,
    )

    assert (found.n_pairs, found.n_songs) == (22 * 21 // 2, 22)


LISTED = [pair for pair in PAIRS if pair[3] != "val" or pair[0][0] == pair[1][0]]


def in_folds() -> pd.DataFrame:
    """The songs, all with a list, in the folds of their parts."""
    folds = {"t": 2, "z": 0}
    return trained.songs(LYRICS).assign(fold=[folds.get(song[0], 1) for song in LYRICS])


def test_lists_are_ranked_over_all_observable_pairs(tmp_path: Path) -> None:
    """Songs list their theme's. By year the five unlisted of a year lead, the rest is even: 7.5 of 20."""
    found = champion.compare(in_folds(), trained.pairs(LISTED), rivals(tmp_path), "listed_auc", SETTINGS)

    assert found.challenger.value == 1
    assert found.champion.value == 0.375
    assert found.difference.value == 0.625
    assert 0 < found.difference.low < found.difference.high
    assert (found.n_pairs, found.n_songs) == (276, 24)
    assert str(found).startswith("listed_auc 1.000")


def test_candidates_that_either_trained_on_are_left_out_of_the_lists_too(tmp_path: Path) -> None:
    folders = rivals(tmp_path, "t0 a0", "t1 b3")
    found = champion.compare(in_folds(), trained.pairs(LISTED), folders, "listed_auc", SETTINGS)

    assert (found.n_pairs, found.n_songs) == (22 * 21 // 2, 22)


@pytest.mark.parametrize(("target", "n_pairs"), [("observable", 276), ("listed_only", 36)])
def test_a_metric_of_pairs_is_of_those_that_the_challenger_was_made_for(
    tmp_path: Path, target: str, n_pairs: int
) -> None:
    folders = rivals(tmp_path)
    record = made_records.trained(settings=trained.SETTINGS | {"target": target})
    records.save(record, folders.challenger / "experiment.json")

    found = champion.compare(in_folds(), trained.pairs(LISTED), folders, "mse", SETTINGS)

    assert found.n_pairs == n_pairs


def test_test_songs_are_not_read(tmp_path: Path) -> None:
    wordless = LYRICS | {"z0": "?!", "z1": "?!"}  # an encoder refuses them
    folders = rivals(tmp_path)

    champion.compare(trained.songs(wordless), trained.pairs(PAIRS), folders, "spearman", SETTINGS)
    with pytest.raises(ValueError, match="no word"):
        as_val = [(*pair[:3], "val") for pair in PAIRS]
        champion.compare(trained.songs(wordless), trained.pairs(as_val), folders, "spearman", SETTINGS)


def test_with_no_pair_new_to_both_no_lead_is_shown(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    (checkout.artifacts / "served" / "training_songs.txt").write_text("".join(f"{song}\n" for song in VAL))
    checkout.register()
    checkout.train("themes", by_theme())

    assert checkout.register().endswith(
        "not compared with version 1 (years): only 0 listed val pairs are of songs that neither trained on, "
        "and it takes 30"
    )
    assert checkout.aliases() == both(champion="years", challenger="themes")


# --- other data of the same corpus -----------------------------------------------------------------

OTHER = "f" * 32 + ".dir"


def test_a_model_of_newer_data_challenges_the_champion_unasked(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.corpus(OTHER)
    checkout.train("themes", by_theme())
    line = checkout.register()

    assert "a lead is shown over version 1 (years, other data): spearman" in line
    assert line.endswith("on 276 val pairs of 24 songs that neither trained on")
    assert checkout.aliases() == both(champion="themes")
    for name in MODELS:
        version = checkout.client.get_model_version_by_alias(name, "champion")
        tags = version_tags.unpacked(version.tags)
        assert (tags["data"], tags["verdict"]) == (OTHER, line.split(": ", 1)[1])
    assert checkout.register().startswith("themes is the champion already")


def test_a_model_of_newer_data_that_is_not_better_leaves_the_champion(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.corpus(OTHER)
    checkout.train("years", by_year())

    assert "no lead is shown over version 1 (themes, other data)" in checkout.register()
    assert checkout.aliases() == both(champion="themes", challenger="years")


def test_the_same_training_on_other_bytes_takes_its_own_place(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.corpus(OTHER)

    assert checkout.register().endswith(
        "the training of version 1 (themes, other data), with newer figures or songs"
    )
    assert checkout.register().startswith("themes is the champion already: version 2")


@pytest.fixture
def months(tmp_path: Path) -> champion.Rivals:
    """The served folders of two months: the old one trained on a0, and on b3's text by another id."""
    for name, words in zip(champion.Rivals._fields, (by_theme(), by_year()), strict=True):
        trained.write_experiment(tmp_path / name, words)
        (tmp_path / name / "training_songs.txt").write_text("t0\n")
    old = tmp_path / "champion"
    old.joinpath("training_songs.txt").write_text("a0\n")
    old.joinpath("training_texts.txt").write_text(f"{equal_texts.digest('HUM, b3!')}\n")
    return champion.Rivals(tmp_path / "challenger", old)


def measured(songs: pd.DataFrame, months: champion.Rivals) -> champion.RivalScores:
    scores = champion.compare(songs, trained.pairs(PAIRS), months, "spearman", SETTINGS)
    assert isinstance(scores, champion.RivalScores)
    return scores


def test_a_song_that_the_champion_trained_on_is_known_by_its_id_and_by_its_text(
    months: champion.Rivals,
) -> None:
    assert measured(trained.songs(LYRICS), months).n_songs == 22


def test_with_a_song_its_whole_group_was_trained_on(months: champion.Rivals) -> None:
    """c2, a version of a0 that came later, and z0, of no pair of val, whose version is d1."""
    months.champion.joinpath("training_songs.txt").write_text("a0\nz0\n")
    groups = {"c2": "a0", "d1": "z0"}
    songs = trained.songs(LYRICS)
    songs["group_id"] = [groups.get(song, song) for song in songs["song_id"]]
    assert measured(songs, months).n_songs == 24 - len({"a0", "c2", "d1", "b3"})


def test_a_champion_of_an_earlier_version_keeps_ids_alone(months: champion.Rivals) -> None:
    months.champion.joinpath("training_texts.txt").unlink()
    assert measured(trained.songs(LYRICS), months).n_songs == 23


def test_with_too_few_pairs_that_neither_trained_on_the_newcomer_is_challenger(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    # 7 songs of 24 are left to compare on, with 21 pairs.
    (checkout.artifacts / "served" / "training_songs.txt").write_text("\n".join(VAL[:17]))
    checkout.register()
    checkout.corpus(OTHER)
    checkout.train("themes", by_theme())

    assert checkout.register().endswith(
        "not compared with version 1 (years, other data): only 21 listed val pairs are of songs that neither "
        "trained on, and it takes 30"
    )
    assert checkout.aliases() == both(champion="years", challenger="themes")
    assert checkout.register(replace=True).startswith("themes is now champion")


# --- several corpora -------------------------------------------------------------------------------


def test_each_corpus_has_a_champion_of_its_own(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    text = (checkout.folder / "params.yaml").read_text()
    (checkout.folder / "params.yaml").write_text(text.replace("name: neuralist ", "name: neuralist-歌詞 "))
    checkout.train("years", by_year())
    line = checkout.register()

    of_songs = ("neuralist-歌詞", "neuralist-歌詞-recommender")
    assert line == f"years is now champion, version 1 of {' and '.join(of_songs)}: there was no champion"
    for name, experiment in (*((name, "years") for name in of_songs), *((name, "themes") for name in MODELS)):
        assert checkout.client.get_model_version_by_alias(name, "champion").tags["experiment"] == experiment
    assert checkout.client.get_registered_model(of_songs[1]).description.startswith(
        "The songs of a catalogue"
    )
    # The stamp tells both corpora that nothing is to be done.
    assert checkout.register().startswith("years is the champion already: version 1 of neuralist-歌詞 and")
    (checkout.folder / "params.yaml").write_text(text)
    checkout.train("themes", by_theme())
    assert checkout.register().startswith("themes is the champion already: version 1 of neuralist and")


def test_without_dvc_the_corpus_is_unknown(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    (checkout.folder / "dvc.lock").unlink()

    with pytest.raises(ValueError, match=r"dvc\.lock: names no md5 of data"):
        checkout.register()


# --- kills, crowds and other weather ---------------------------------------------------------------


def killed_at(method: str, call: int, patch: pytest.MonkeyPatch) -> None:
    """Let a method of the client be interrupted instead of running, at its call number `call`."""
    from mlflow import MlflowClient

    calls, whole = itertools.count(1), getattr(MlflowClient, method)

    def interrupted(*args: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return whole(*args, **options)

    patch.setattr(MlflowClient, method, interrupted)


STEPS = [
    *(("create_logged_model", call) for call in (1, 2)),
    ("log_outputs", 1),
    *(("log_model_artifacts", call) for call in (1, 2)),
    ("finalize_logged_model", 1),
    *(("create_model_version", call) for call in (1, 2)),
    *(("set_model_version_tag", call) for call in (1, 2, 3, 4)),
    *(("set_registered_model_alias", call) for call in (1, 2)),
]  # all that a crowning writes to the registry


def register_killed(checkout: Checkout, step: tuple[str, int], *, replace: bool = False) -> None:
    with pytest.MonkeyPatch.context() as patch:
        killed_at(*step, patch)
        with pytest.raises(KeyboardInterrupt):
            checkout.register(replace=replace)


def test_a_crowning_killed_between_any_two_steps_is_completed(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    for number, step in enumerate(STEPS, start=2):
        checkout.train(f"themes{number}", by_theme())
        checkout.corpus(f"{number:032}.dir")  # next month's data
        register_killed(checkout, step)
        for of_model in checkout.aliases().values():
            assert of_model["champion"] in ("years", f"themes{number}"), step

        checkout.register()
        assert checkout.aliases() == both(champion=f"themes{number}"), step
        assert checkout.versions() == dict.fromkeys(MODELS, number), step
        run_id = checkout.client.get_model_version_by_alias("neuralist", "champion").run_id
        assert len(checkout.client.get_run(run_id).outputs.model_outputs) == len(MODELS), step
        assert checkout.register().startswith(f"themes{number} is the champion already: version {number} of")
        checkout.train("years", by_year())
        checkout.corpus(DATA)
        checkout.register(replace=True)


def test_a_defeat_killed_between_any_two_steps_is_completed(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    for number, step in enumerate(STEPS[-6:], start=2):
        checkout.train(f"twin{number}", by_theme())
        register_killed(checkout, step)

        assert "no lead is shown" in checkout.register()
        assert checkout.aliases() == both(champion="themes", challenger=f"twin{number}"), step
        assert checkout.versions() == dict.fromkeys(MODELS, number), step


def test_a_replacement_killed_between_the_models_is_completed_by_a_plain_call(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("twin", by_theme())
    checkout.register()  # so that both versions are complete
    register_killed(checkout, ("set_registered_model_alias", 2), replace=True)

    checkout.register()
    assert checkout.aliases() == both(champion="twin")


def test_two_at_once_make_one_version(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    with ThreadPoolExecutor(2) as threads:
        lines = sorted(threads.map(lambda _: checkout.register(), range(2)))

    assert [line.split(",")[0] for line in lines] == [
        "themes is now champion",
        "themes is the champion already: version 1 of neuralist and neuralist-recommender",
    ]
    assert checkout.versions() == dict.fromkeys(MODELS, 1)


def test_an_emptied_store_is_filled_again(checkout: Checkout, empty_database: Path, tmp_path: Path) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    shutil.rmtree(tmp_path / "mlruns")
    shutil.copy(empty_database, tmp_path / "fresh.db")
    # Another name: mlflow keeps a store that it has opened once.
    (tmp_path / "mlflow.db").unlink()
    emptied = Checkout(tmp_path, Store(f"sqlite:///{tmp_path}/fresh.db", "neuralist", None))

    assert emptied.register().startswith("themes is now champion, version 1")
    assert emptied.aliases() == both(champion="themes")


def test_a_damaged_store_is_one_clear_error(checkout: Checkout, tmp_path: Path) -> None:
    checkout.train("themes", by_theme())
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    damaged = Store(f"{checkout.mlflow_store.uri}?timeout=5", "neuralist", tmp_path)

    with pytest.raises(ValueError, match=r"MLflow store .*move mlflow\.db away"):
        registry.register(checkout.artifacts, RAW, damaged)


def test_nothing_to_serve_is_said_and_touches_no_store(checkout: Checkout) -> None:
    (checkout.artifacts / "served").mkdir()
    (checkout.artifacts / "served" / "card.md").write_text("Nothing is served: why.\n")

    assert checkout.register() == "Nothing is served: why."
    assert checkout.client.search_registered_models() == []


def test_a_missing_folder_is_one_clear_error(checkout: Checkout) -> None:
    with pytest.raises(ValueError, match=r"served\.json: missing; run `dvc repro`"):
        checkout.register()


def test_what_was_registered_stands_in_the_stamp_until_the_registry_changes(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.train("themes", by_theme())
    checkout.register()
    held = stamp.read(checkout.mlflow_store)
    assert held is not None
    assert held.models == stamp.models(checkout.client, checkout.mlflow_store, MODELS)

    checkout.client.delete_model_version("neuralist-recommender", "1")
    assert stamp.read(checkout.mlflow_store) is None
    checkout.client.create_model_version("neuralist", source=checkout.folder.as_uri())
    assert checkout.register().startswith("themes is the champion already")
    held = stamp.read(checkout.mlflow_store)
    assert held is not None
    assert held.models == stamp.models(checkout.client, checkout.mlflow_store, MODELS)
    assert {name: len(model.versions) for name, model in held.models.items()} == {
        "neuralist": 3,
        "neuralist-recommender": 1,
    }


def test_a_registration_that_was_killed_leaves_no_stamp(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.train("themes", by_theme())
    register_killed(checkout, ("set_registered_model_alias", 2))

    assert stamp.read(checkout.mlflow_store) is None


# --- lost files ------------------------------------------------------------------------------------


def folder_of(checkout: Checkout, name: str, alias: str = "champion") -> Path:
    """The folder that has the files of a version."""
    source = checkout.client.get_model_version_by_alias(name, alias).source
    return Path(source.removeprefix("file://"))


def test_a_lost_champion_is_registered_again_and_its_version_stays(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    shutil.rmtree(checkout.folder / "mlruns" / "neuralist")

    assert checkout.register() == (
        "themes is now champion, version 2 of neuralist and neuralist-recommender: "
        "the files of version 1 (themes) are gone"
    )
    assert checkout.versions() == dict.fromkeys(MODELS, 2)
    assert all((folder_of(checkout, name) / "artifacts/served").is_dir() for name in MODELS)
    again = checkout.register()
    assert again.startswith("themes is the champion already: version 2 of")
    assert not WROTE.search(again)


def collect_garbage(checkout: Checkout) -> None:
    """Remove for good what was deleted."""
    uri = checkout.mlflow_store.uri
    command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", uri, "--tracking-uri", uri]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("gone", ["deleted", "for good"])
def test_a_champion_whose_run_is_gone_stays_and_gets_further_versions(checkout: Checkout, gone: str) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    run_id = checkout.client.get_model_version("neuralist", "1").run_id
    checkout.client.delete_run(run_id)
    if gone == "for good":
        collect_garbage(checkout)

    assert checkout.register().startswith("themes is the champion already: version 1 of")
    assert (folder_of(checkout, "neuralist") / "MLmodel").is_file()
    checkout.train("years", by_year())  # the packed model is another one then
    checkout.register()
    checkout.catalogue(LYRICS | {"m0": "hum hum"})
    assert checkout.renew().startswith("themes is now champion, version 3 of")
    run = checkout.client.get_run(checkout.client.get_model_version("neuralist", "3").run_id)
    assert run.info.run_id != run_id
    assert (run.info.run_name, run.data.tags["experiment"]) == ("themes", "themes")


def test_case_lost_champion_after_mlflow_gc(checkout: Checkout) -> None:
    """shared/cases/lost-champion, b: its run and its models are deleted, and `mlflow gc` takes the files."""
    checkout.train("themes", by_theme())
    checkout.register()
    run = checkout.client.get_run(checkout.client.get_model_version("neuralist", "1").run_id)
    for output in run.outputs.model_outputs:
        checkout.client.delete_logged_model(output.model_id)
    checkout.client.delete_run(run.info.run_id)
    collect_garbage(checkout)

    assert checkout.register(replace=True).endswith("the files of version 1 (themes) are gone")
    assert checkout.register().startswith("themes is the champion already: version 2 of")
    assert (folder_of(checkout, "neuralist") / "MLmodel").is_file()


def test_another_model_takes_the_place_of_a_lost_champion(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.train("years", by_year())
    checkout.register()
    shutil.rmtree(checkout.folder / "mlruns" / "neuralist")

    assert checkout.register().startswith("years is now champion, version 3 of")
    assert checkout.aliases() == both(champion="years"), "it is no challenger any more"


def test_both_models_move_where_one_lost_its_files(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    shutil.rmtree(folder_of(checkout, "neuralist-recommender"))

    assert "version 1 of neuralist, version 2 of neuralist-recommender" in checkout.register()
    assert checkout.aliases() == both(champion="themes")
    assert checkout.register().startswith("themes is the champion already")


def test_a_lost_champion_of_other_data_is_replaced(checkout: Checkout) -> None:
    checkout.train("years", by_year())
    checkout.register()
    shutil.rmtree(checkout.folder / "mlruns" / "neuralist")
    checkout.corpus(OTHER)
    checkout.train("themes", by_theme())

    assert checkout.register().endswith("the files of version 1 (years, other data) are gone")
    assert checkout.aliases() == both(champion="themes")


def test_a_champion_without_files_cannot_be_downloaded_and_the_fix_is_named(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuralist.tracking.download import download

    checkout.train("themes", by_theme())
    checkout.register()
    shutil.rmtree(checkout.folder / "mlruns" / "neuralist")
    # mlflow keeps a store that it has opened once, by its path, and a relative one may be another test's.
    monkeypatch.setattr("neuralist.tracking.download.store", lambda: checkout.mlflow_store)

    with pytest.raises(ValueError, match=r"the files of version 1 are gone from file:.*; `dvc repro`"):
        download("models:/neuralist@champion", checkout.folder / "copy")


def moved(checkout: Checkout, folder: Path) -> Checkout:
    """The checkout after `mv`; mlflow keeps a store that it has opened once, so its path must be new."""
    shutil.move(checkout.folder, folder)
    os.chdir(folder)
    return Checkout(folder, Store(f"sqlite:///{folder}/mlflow.db", "neuralist", folder))


@pytest.fixture
def old(checkout: Checkout) -> Checkout:
    """A checkout in a folder of its own, with the champion `themes` and the challenger `years`."""
    old = moved(checkout, checkout.folder.with_name(f"{checkout.folder.name}-old"))
    old.train("themes", by_theme())
    old.register()
    old.train("years", by_year())
    old.register()
    return old


def test_case_lost_champion_in_a_moved_checkout(old: Checkout, tmp_path: Path) -> None:
    """shared/cases/lost-champion, a: what has an alias is registered where its files are now."""
    new = moved(old, tmp_path)
    said = new.register().splitlines()

    assert said[:-1] == [
        f"{name} version {number} has moved with the checkout: it is version {number + 2} now"
        for name in MODELS
        for number in (1, 2)
    ]
    assert said[-1].startswith("years is version 4 of neuralist and neuralist-recommender already: no lead")
    assert new.aliases() == both(champion="themes", challenger="years")
    assert new.versions() == dict.fromkeys(MODELS, 4)
    for name, alias in itertools.product(MODELS, ("champion", "challenger")):
        assert folder_of(new, name, alias).is_relative_to(tmp_path / "mlruns")
        assert (folder_of(new, name, alias) / "MLmodel").is_file()
    assert new.register().splitlines() == said[-1:]
    # `make repro` tells by these words whether the stage wrote to the store.
    assert [bool(WROTE.search(line)) for line in said] == [True] * 4 + [False]


def test_a_move_killed_before_the_alias_is_completed(old: Checkout, tmp_path: Path) -> None:
    new = moved(old, tmp_path)
    register_killed(new, ("set_registered_model_alias", 1))

    new.register()
    assert new.versions() == dict.fromkeys(MODELS, 4)
    assert new.aliases() == both(champion="themes", challenger="years")


def test_a_checkout_that_moves_back_takes_its_first_versions_again(old: Checkout, tmp_path: Path) -> None:
    there = moved(old, tmp_path)
    there.register()
    back = moved(there, old.folder)
    # Another spelling of the path, of which mlflow keeps no store.
    back = Checkout(back.folder, Store(f"{back.mlflow_store.uri}?timeout=5", "neuralist", back.folder))

    assert "neuralist version 3 has moved with the checkout: it is version 1 now" in back.register()
    assert back.versions() == dict.fromkeys(MODELS, 4)
    names = {experiment.name for experiment in back.client.search_experiments()}
    assert names == {"Default", "neuralist", f"neuralist (of {tmp_path})"}


# --- the catalogue ---------------------------------------------------------------------------------

# One song was removed and two were added; b3 and c2 are words of every encoder here.
OTHERS = {song: text for song, text in LYRICS.items() if song != "a0"}
OTHERS |= {"n0": "hum hum b3", "n1": "hum hum c2"}


def champions(checkout: Checkout) -> dict[str, dict[str, str]]:
    """Model to what the champion's version says of itself."""
    told = {}
    for name in MODELS:
        version = checkout.client.get_model_version_by_alias(name, "champion")
        told[name] = {"version": str(version.version)} | version_tags.unpacked(version.tags)
    return told


def of_both(told: dict[str, dict[str, str]], *keys: str) -> list[str | None]:
    """Values that both models' champions have."""
    [one, other] = ([of_model.get(key) for key in keys] for of_model in told.values())
    assert one == other
    return one


def test_the_same_training_with_other_songs_names_the_version_it_came_from(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    checkout.register()
    assert checkout.renew() == ""
    assert of_both(champions(checkout), "parent") == [None]

    checkout.catalogue(OTHERS)
    checkout.train("themes", by_theme())
    checkout.register()
    assert checkout.renew() == "", "it has these songs already"
    assert of_both(champions(checkout), "version", "parent") == ["2", "1"]


@pytest.fixture
def challenged(checkout: Checkout) -> Checkout:
    """The champion is `themes`, version 1; artifacts/served holds the challenger `years`, version 2."""
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.renew()
    checkout.train("years", by_year())
    checkout.register()
    return checkout


def test_a_champion_that_is_not_packed_gets_the_songs_by_its_own_encoder(challenged: Checkout) -> None:
    before = folder_of(challenged, "neuralist") / "artifacts/served"
    challenged.catalogue(OTHERS)
    line = challenged.renew()

    assert line == (
        "themes is now champion, version 3 of neuralist and neuralist-recommender: "
        "it has the songs of the catalogue"
    )
    assert WROTE.search(line)
    assert challenged.aliases() == both(champion="themes", challenger="years")
    assert of_both(champions(challenged), "parent", "data", "complete") == ["1", DATA, "true"]
    for name in MODELS:
        folder = folder_of(challenged, name) / "artifacts/served"
        songs = parquet.read(folder / "catalogue.parquet", tables.CATALOGUE)["song_id"].tolist()
        assert set(songs) == set(OTHERS)
        embeddings = np.load(folder / "embeddings.npy")
        heard = {song: embeddings[songs.index(song)] for song in ("n0", "b3", "c1")}
        # Themes b and c have the numbers 0.4 and 0.9; to `years`, b3 would be 9.
        expected = {
            song: trained.embedding(number) for song, number in (("n0", 0.4), ("b3", 0.4), ("c1", 0.9))
        }
        assert {song: float(value[0]) for song, value in heard.items()} == pytest.approx(expected, abs=1e-6)
        changed = {"catalogue.parquet", "embeddings.npy", "served.json", "card.md"}
        for path in before.iterdir():
            assert (path.read_bytes() == (folder / path.name).read_bytes()) == (path.name not in changed)
        assert not any(b"Artist a0" in path.read_bytes() for path in folder.iterdir())
        assert "29 songs." in (folder / "card.md").read_text()


def test_songs_that_are_served_already_write_nothing(challenged: Checkout) -> None:
    assert challenged.renew() == ""
    challenged.catalogue(OTHERS)
    challenged.renew()
    before = challenged.versions()

    assert challenged.renew() == ""
    assert challenged.versions() == before
    assert challenged.register().startswith(
        "years is version 2 of neuralist and neuralist-recommender already"
    )


def test_songs_taken_back_are_served_by_the_version_that_had_them(challenged: Checkout) -> None:
    challenged.catalogue(OTHERS)
    challenged.renew()
    challenged.catalogue(LYRICS)

    assert challenged.renew().startswith("themes is now champion, version 1 of")
    assert challenged.versions() == dict.fromkeys(MODELS, 3)


def test_who_goes_back_to_an_earlier_champion_does_not_bring_back_what_was_removed(
    checkout: Checkout,
) -> None:
    checkout.train("years", by_year())
    checkout.register()
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.catalogue(OTHERS)
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.renew()
    for name in MODELS:
        checkout.client.set_registered_model_alias(name, "champion", "1")
    checkout.register()

    assert checkout.renew().startswith("years is now champion, version 4 of")
    assert of_both(champions(checkout), "parent", "experiment") == ["1", "years"]


CHAMPION_STEPS = [
    ("create_model_version", 2),
    ("set_registered_model_alias", 1),
    ("set_registered_model_alias", 2),
    ("set_model_version_tag", 1),
]


def test_a_renewal_killed_between_any_two_steps_is_completed(challenged: Checkout) -> None:
    for number, step in enumerate(CHAMPION_STEPS):
        songs = OTHERS | {f"m{number}": "hum hum c2"}
        challenged.catalogue(songs)
        with pytest.MonkeyPatch.context() as patch:
            killed_at(*step, patch)
            with pytest.raises(KeyboardInterrupt):
                challenged.renew()
        for of_model in challenged.aliases().values():
            assert of_model["champion"] == "themes", step

        challenged.register()
        challenged.renew()
        assert challenged.versions() == dict.fromkeys(MODELS, 3 + number), step
        assert of_both(champions(challenged), "version", "complete") == [str(3 + number), "true"], step
        assert challenged.renew() == "", step
    assert challenged.aliases() == both(champion="themes", challenger="years")


def test_a_champion_of_another_program_and_none_at_all_are_left_alone(checkout: Checkout) -> None:
    checkout.train("themes", by_theme())
    assert checkout.renew() == ""
    for name in MODELS:
        checkout.client.create_registered_model(name)
        checkout.client.create_model_version(name, source=checkout.folder.as_uri())
        checkout.client.set_registered_model_alias(name, "champion", "1")

    assert checkout.renew() == ""
    assert checkout.versions() == dict.fromkeys(MODELS, 1)


# --- the stage -------------------------------------------------------------------------------------


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_stage_needs_no_mlflow_to_see_that_nothing_is_to_be_done(
    checkout: Checkout,
) -> None:
    for name in ("src", "pipelines", "dvc.yaml"):
        (checkout.folder / name).symlink_to(ROOT / name)
    checkout.train("themes", by_theme())
    checkout.register()
    checkout.renew()
    script = ("pipelines/register.py", "data", "artifacts")
    again = run(checkout.folder, "env", "PYTHONPATH=src", "python", "-X", "importtime", *script)
    assert (again.returncode, again.stdout.split(":")[0]) == (0, "themes is the champion already")
    imported = {line.rsplit("|", 1)[-1].strip() for line in again.stderr.splitlines()}
    assert not imported & {"mlflow", "numpy", "pandas", "onnxruntime"}

    checkout.train("twin", by_theme())
    replaced = run(checkout.folder, "env", "PYTHONPATH=src", "python", *script, "--replace")
    assert replaced.stdout.startswith("twin is now champion, version 2"), replaced.stderr


# --- a model with the words of further languages ---------------------------------------------------


@pytest.fixture
def extended(checkout: Checkout) -> Path:
    """A folder of the champion's training with other content, as `package.extend` writes one."""
    checkout.train("one", by_theme())
    checkout.register()
    other = shutil.copytree(checkout.artifacts / "served", checkout.folder / "other")
    card = (other / "card.md").read_text()
    (other / "card.md").write_text(card.replace("## Catalogue", "## Words added\n\nSome.\n\n## Catalogue"))
    folder = checkout.folder / "extended"
    package.renew(other, trained.songs(LYRICS), folder)
    return folder


def extend(checkout: Checkout, folder: Path) -> str:
    before = records.load_served(checkout.artifacts / "served")
    return extended_version.register(folder, before, "neuralist", ["fr.vec"], checkout.mlflow_store)


def test_an_extended_model_is_challenger_and_names_its_parent(checkout: Checkout, extended: Path) -> None:
    line = extend(checkout, extended)

    of_both = "of neuralist and neuralist-recommender"
    assert line == f"now challenger, version 2 {of_both}: extends version 1 {of_both}"
    assert checkout.aliases() == both(champion="one", challenger="one")
    for name in MODELS:
        tags = version_tags.unpacked(checkout.client.get_model_version(name, "2").tags)
        assert (tags["parent"], tags["complete"]) == ("1", "true")
        assert tags["verdict"] == "version 1 with the words of fr.vec"
    assert extend(checkout, extended) == line  # and no third version
    versions = checkout.client.search_model_versions()
    assert {str(version.version) for version in versions} == {"1", "2"}


def test_a_crowned_extension_stays_champion_and_gets_the_songs_of_now(
    checkout: Checkout, extended: Path
) -> None:
    extend(checkout, extended)
    for name in MODELS:
        checkout.client.set_registered_model_alias(name, "champion", "2")
    checkout.catalogue(LYRICS | {"new": "hum"})
    checkout.train("one", by_theme())  # packed with the songs of now, without the words
    checkout.register()
    checkout.renew()

    champion = checkout.client.get_model_version_by_alias("neuralist", "champion")
    assert champion.tags["parent"] == "2"


def test_a_model_that_is_not_registered_is_extended_beside_the_registry(
    checkout: Checkout, extended: Path
) -> None:
    before = made_records.served(content="another")
    line = extended_version.register(extended, before, "neuralist", ["fr.vec"], checkout.mlflow_store)
    assert line.startswith("not registered: no version of neuralist and neuralist-recommender holds")
    assert checkout.aliases() == both(champion="one")
