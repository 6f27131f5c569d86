"""`neuralist extend`: a trained model gets the words of another language, and nothing is trained."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests import fake_encoder, made_records, trained
from tests.commands import answer, refusal, run

from neuralist import api
from neuralist.config import records
from neuralist.data import arrays, parquet, tables
from neuralist.model.encoder import Encoder
from neuralist.serving import package
from neuralist.text import vector_files, word_vectors
from neuralist.tracking import extended_version

WIDTH = 8
ENGLISH = [f"word{i}" for i in range(40)]  # names and digits too: a further language shares most of them
FRENCH = {f"mot{i}": f"word{i}" for i in range(40)}  # of the same meaning, so of the same vector
LYRICS = {"a": "word0 word1", "b": "word2 word3", "c": "word4", "d": "mot2 mot3", "e": "слово"}


def vectors(seed: int = 1) -> np.ndarray:
    """Embeddings of the English words, which the vectors of `fake_encoder` are made for."""
    return np.random.default_rng(seed).uniform(-0.6, 0.6, size=(len(ENGLISH), WIDTH))


def write_file(path: Path, rows: dict[str, np.ndarray]) -> None:
    lines = [" ".join([word, *map(str, row.tolist())]) for word, row in rows.items()]
    path.write_text("\n".join([f"{len(rows)} {WIDTH}", *lines]) + "\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose model knows English words only, and vectors of French and of another space."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    trained.write_checkout(folder)
    experiment = folder / "artifacts/experiments/tiny"
    embeddings = dict(zip(ENGLISH, vectors().tolist(), strict=True))
    fake_encoder.write(experiment, embeddings, unknown=(0.0,) * WIDTH)
    weights = vector_files.rank_weights(np.arange(len(ENGLISH))).astype(np.float32)
    origins = vector_files.Origins(weights, weights, np.ones_like(weights))
    arrays.save(experiment / word_vectors.ORIGINS_FILE, origins._asdict())
    record = made_records.trained("tiny", trained.SETTINGS | {"units": WIDTH})
    records.save(record, experiment / "experiment.json")
    songs = trained.songs(LYRICS)
    for name in ("songs", "catalogue_songs"):
        parquet.write(songs, tables.SONGS, folder / "artifacts" / f"{name}.parquet")
    [evaluated] = trained.metrics(tiny=trained.compared(trained.entry(), "tfidf")).values()
    chosen = package.Chosen(record, evaluated, "spearman", 0.95, "")
    pairs = trained.pairs([("a", "b", 0.5, "train"), ("a", "c", 0.25, "val"), ("b", "c", 0.5, "test")])
    package.save(chosen, experiment, songs, pairs, folder / "artifacts/served")
    own = np.arctanh(np.arctanh(vectors()))
    rows = dict(zip(ENGLISH, own, strict=True))
    french = {word: rows[english] for word, english in FRENCH.items()}
    write_file(folder / "fr.vec", rows | french)
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(WIDTH, WIDTH)))[0]
    write_file(folder / "turned.vec", {word: row @ turned for word, row in (rows | french).items()})
    drawn = np.random.default_rng(3).normal(size=(len(rows), WIDTH))
    write_file(folder / "other.vec", dict(zip(rows, drawn, strict=True)))
    monkeypatch.chdir(folder)
    return folder


def test_a_model_reads_a_further_language_without_training(home: Path) -> None:
    assert "the model knows no word" in refusal("compare", "--text", "mot2 mot3", "word2 word3")

    result = answer("extend", "--vectors", "fr.vec")

    assert (result["n_words"], result["n_merged"], result["files"]) == (40, 40, ["fr.vec"])
    extended = Encoder.load(Path(result["folder"]))
    english, french = extended.encode(["word2 word3", "mot2 mot3"])
    np.testing.assert_allclose(french, english, atol=0.01)  # of the same vectors, in eight bits
    assert list((home / "work/extended").iterdir()) == [Path(result["folder"])]


def test_the_catalogue_is_read_anew(home: Path) -> None:
    folder = Path(answer("extend", "--vectors", "fr.vec", "--out", "french")["folder"])

    before, after = (
        parquet.read(path / "catalogue.parquet", tables.CATALOGUE)["song_id"].tolist()
        for path in (home / "artifacts/served", folder)
    )
    assert (before, after) == (["a", "b", "c"], ["a", "b", "c", "d"])  # no file knows the script of `e`
    nearest = api.load(folder).recommend("word2 word3", k=2)
    assert set(nearest["song_id"]) == {"b", "d"}


def test_card_and_record_say_what_was_added(home: Path) -> None:
    folder = Path(answer("extend", "--vectors", "fr.vec")["folder"])

    card = (folder / "card.md").read_text()
    assert "40 words of fr.vec were added. 40 words that the model had have the mean" in " ".join(
        card.split()
    )
    coverage = records.load_experiment(folder).coverage
    assert (coverage.source, coverage.words) == ("by hand + fr.vec", 80)
    assert coverage.spaces is not None
    assert coverage.spaces[0].startswith("fr.vec is of the space of the model: 40 words in common")


def test_vectors_of_another_space_are_refused_or_aligned(home: Path) -> None:
    line = refusal("extend", "--vectors", "turned.vec")
    assert "turned.vec and the model are of two spaces" in line
    assert "--align" in line
    assert not (home / "work/extended").exists() or not list((home / "work/extended").iterdir())

    result = answer("extend", "--vectors", "turned.vec", "--align")
    english, french = Encoder.load(Path(result["folder"])).encode(["word5", "mot5"])
    np.testing.assert_allclose(french, english, atol=0.05)
    assert result["spaces"][0].startswith("turned.vec was aligned to the model by 40 words in common")


def test_vectors_that_mean_nothing_here_are_refused_also_when_aligned(home: Path) -> None:
    assert "of two spaces also when aligned" in refusal("extend", "--vectors", "other.vec", "--align")


def test_a_file_is_added_once(home: Path) -> None:
    answer("extend", "--vectors", "fr.vec", "--out", "french")
    assert "knows the words of fr.vec already" in refusal("extend", "french", "--vectors", "fr.vec")


def test_without_a_registered_model_the_folder_is_written_and_that_is_said(home: Path) -> None:
    result = run("extend", "--vectors", "fr.vec")
    assert result.exit_code == 0, result.output
    assert "not registered: no model is registered here" in result.stdout
    assert "tiny knows 40 words more; 40 have merged vectors" in result.stdout


def test_a_folder_that_is_there_stays(home: Path) -> None:
    (home / "french").mkdir()
    assert "there already" in refusal("extend", "--vectors", "fr.vec", "--out", "french")
    assert list((home / "french").iterdir()) == []


def test_a_call_that_could_not_register_may_be_repeated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> str:
        raise ValueError("the store is read-only; repair it")

    with monkeypatch.context() as broken:
        broken.setattr(extended_version, "register", away)
        line = refusal("extend", "--vectors", "fr.vec", "--out", "french")
    assert line == (
        "written to french, but not registered: the store is read-only; repair it; then call it again, which "
        "registers it"
    )
    files = {path.name: path.read_bytes() for path in (home / "french").iterdir()}
    assert answer("extend", "--vectors", "fr.vec", "--out", "french")["folder"] == "french"
    assert {path.name: path.read_bytes() for path in (home / "french").iterdir()} == files
    (home / "fr.vec").rename(home / "other-name.vec")
    line = refusal("extend", "--vectors", "other-name.vec", "--out", "french")
    assert line == "french: there already, with another model; give --out another folder"


def test_a_model_that_reads_otherwise_is_told_in_one_line(home: Path) -> None:
    served = home / "artifacts/served"
    words = (served / "vocabulary.txt").read_text()
    (served / "vocabulary.txt").write_text(words.replace("word39", "l'amour"))
    result = run("recommend", "--text", "--lyrics", "word2 word3", "-k", "1")
    assert result.exit_code == 0
    [line] = result.stderr.splitlines()
    assert line.startswith(f"warning: {served}: it was trained before elided words were cut: 1 of its words,")


def test_a_model_of_an_earlier_format_is_refused(home: Path) -> None:
    (home / "artifacts/served" / word_vectors.ORIGINS_FILE).unlink()
    assert "of an earlier format" in refusal("extend", "--vectors", "fr.vec")


def test_a_missing_file_is_named(home: Path) -> None:
    assert refusal("extend", "--vectors", "nowhere.vec").startswith("nowhere.vec: no such file")


def test_the_served_record_keeps_what_training_decided(home: Path) -> None:
    folder = Path(answer("extend", "--vectors", "fr.vec")["folder"])
    before, after = (
        json.loads((path / "served.json").read_text()) for path in (home / "artifacts/served", folder)
    )
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"content", "quantiles"}
