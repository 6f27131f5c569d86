"""The packed model: chosen on val, served with what measured it, and with nothing that must not be shown."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests import fused, made_records, trained

from neuralist import metrics
from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.model import onnx_export, word_table
from neuralist.model.encoder import Encoder, Reading
from neuralist.model.similarity import Similarity
from neuralist.serving import model_card, package
from neuralist.serving.model import Model

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {"zero": 0.0, "half": 0.5, "ten": 10.0}
LYRICS = {"c": "ten zero", "a": "zero half", "b": "half ten"}
AHEAD, EVEN, BEHIND = (0.25, 0.125, 0.5), (0.25, -0.125, 0.5), (-0.25, -0.5, -0.125)
DIFFERENCES = {
    "ahead": trained.figure(*AHEAD),
    "even": trained.figure(*EVEN),
    "behind": trained.figure(*BEHIND),
}

# --- whether it beats its baselines ----------------------------------------------------------------


def served(entry: dict[str, Any], metric: str = "spearman") -> records.ServedModel:
    [evaluated] = trained.metrics(one=entry).values()
    return package.Chosen(made_records.trained(), evaluated, metric, 0.95, "").served([])


@pytest.mark.parametrize(("shown", "beats"), [("ahead", True), ("even", False), ("behind", False)])
def test_a_baseline_is_beaten_where_the_interval_lies_above_0(shown: str, beats: bool) -> None:
    entry = trained.compared(trained.entry(), "constant", spearman=DIFFERENCES["ahead"])
    entry = trained.compared(entry, "tfidf", spearman=DIFFERENCES[shown])

    assert served(entry).beats_baselines is beats
    assert served(entry).lags == (() if beats else ("tfidf",))


@pytest.mark.parametrize(("shown", "beats"), [("ahead", False), ("even", False), ("behind", True)])
def test_of_errors_the_interval_must_lie_below_0(shown: str, beats: bool) -> None:
    entry = trained.compared(trained.entry(), "tfidf", mse=DIFFERENCES[shown])

    assert served(entry, "mse").beats_baselines is beats


def test_baselines_from_metadata_need_not_be_beaten() -> None:
    entry = trained.compared(trained.entry(), "tfidf", spearman=DIFFERENCES["ahead"])
    entry = trained.compared(entry, "artist_year_tags", spearman=DIFFERENCES["behind"])

    assert served(entry).beats_baselines is True


def test_what_is_undefined_is_left_out_and_nothing_beats_nothing() -> None:
    undefined = trained.compared(trained.entry(), "constant", spearman=trained.figure(None))

    assert served(undefined).beats_baselines is False
    both = trained.compared(undefined, "tfidf", spearman=DIFFERENCES["ahead"])
    assert served(both).beats_baselines is True


def test_only_val_decides() -> None:
    entry = trained.compared(trained.entry(), "tfidf", spearman=DIFFERENCES["ahead"])
    entry["splits"]["test"]["baselines"]["tfidf"]["spearman"]["difference"] = DIFFERENCES["behind"]

    assert served(entry).beats_baselines is True


# --- the quantiles ---------------------------------------------------------------------------------


def quantiles(embeddings: np.ndarray, kind: str = "manhattan") -> list[float]:
    similarity = Similarity(kind)
    return package.quantiles(
        len(embeddings), lambda left, right: similarity(embeddings[left], embeddings[right])
    )


def test_quantiles_of_three_songs_by_hand() -> None:
    # Manhattan distances 0, ln 2 and ln 2: similarities 1, 1/2 and 1/2.
    found = quantiles(np.array([[0.0], [0.0], [np.log(2)]], dtype=np.float32))

    assert len(found) == 101
    assert found[0] == pytest.approx(0.5)
    assert found[50] == pytest.approx(0.5)
    assert found[75] == pytest.approx(0.75)  # half-way between the second and the third
    assert found[100] == pytest.approx(1.0)


def test_of_many_pairs_some_are_drawn_never_a_song_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_PAIRS", 2000)
    apart = quantiles(np.arange(100, dtype=np.float32)[:, None])
    # 99 of a song's 199 others are equal to it, at similarity 1; the others have 1/2.
    halves = np.repeat([[0.0], [np.log(2)]], 100, axis=0).astype(np.float32)
    in_halves = quantiles(halves)

    assert apart[100] == pytest.approx(np.exp(-1), rel=1e-5)
    assert in_halves[45] == pytest.approx(0.5)
    assert in_halves[55] == pytest.approx(1.0)
    assert in_halves == quantiles(halves)


def test_the_parts_in_which_pairs_are_measured_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings = np.random.default_rng(1).normal(size=(9, 2)).astype(np.float32)
    whole = quantiles(embeddings, "cosine")
    monkeypatch.setattr(package, "PAIRS_AT_ONCE", 5)

    assert quantiles(embeddings, "cosine") == whole


def test_a_catalogue_needs_two_songs() -> None:
    with pytest.raises(ValueError, match="received 1"):
        quantiles(np.zeros((1, 2), dtype=np.float32))


# --- the folder ------------------------------------------------------------------------------------

PAIRS = [("a", "b", 0.5, "train"), ("b", "c", 0.5, "val"), ("a", "c", 0.5, "test"), ("a", "c", 0.5, "unused")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "experiments" / "one"
    trained.write_experiment(folder, NUMBERS)
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    return save(source, tmp_path / "served")


def chosen(source: Path, note: str = "A corpus.", **val: float) -> package.Chosen:
    entry = trained.compared(trained.entry(**val), "tfidf", spearman=DIFFERENCES["even"])
    [evaluated] = trained.metrics(one=entry).values()
    return package.Chosen(records.load_experiment(source), evaluated, "spearman", 0.95, note)


def save(source: Path, out: Path) -> Path:
    package.save(chosen(source), source, trained.songs(LYRICS), trained.pairs(PAIRS), out)
    return out


def test_the_catalogue_of_the_folder_has_the_songs_of_the_corpus(folder: Path) -> None:
    catalogue = parquet.read(folder / "catalogue.parquet", tables.CATALOGUE)
    assert catalogue["song_id"].tolist() == ["c", "a", "b"]
    assert catalogue["artist"].tolist() == ["Artist c", "Artist a", "Artist b"]
    assert catalogue["group_id"].tolist() == ["c", "a", "b"]


def test_a_song_without_a_year_keeps_none_in_the_catalogue(folder: Path) -> None:
    catalogue = parquet.read(folder / "catalogue.parquet", tables.CATALOGUE)
    assert catalogue["year"].isna().tolist() == [False, False, True]
    assert catalogue["year"].dtype == pd.Int64Dtype()


def test_the_folder_holds_the_embedding_of_each_song(folder: Path) -> None:
    embeddings = np.load(folder / "embeddings.npy", allow_pickle=False)
    expected = [[trained.embedding(x)] for x in (0, 0.5, 10)]
    assert embeddings.dtype == np.float32
    assert embeddings == pytest.approx(np.array(expected), abs=1e-6)


def test_the_encoder_of_the_folder_gives_the_embeddings_that_it_holds(folder: Path) -> None:
    embeddings = np.load(folder / "embeddings.npy", allow_pickle=False)
    assert Encoder.load(folder).encode(list(LYRICS.values())) == pytest.approx(embeddings)


def test_the_songs_of_training_pairs_are_named(folder: Path) -> None:
    assert (folder / "training_songs.txt").read_text() == "a\nb\n"
    texts = [" ".join(LYRICS[song].lower().split()) for song in ("a", "b")]
    digests = sorted({hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts})
    assert (folder / "training_texts.txt").read_text().splitlines() == digests


def test_served_json_says_what_was_chosen_and_how_good_it_is(folder: Path) -> None:
    told = json.loads((folder / "served.json").read_text())
    quantiles, content = told.pop("quantiles"), told.pop("content")
    assert told == {
        "format": 10,
        "experiment": "one",
        "fingerprint": "one".ljust(64, "0"),
        "corpus_note": "A corpus.",
        "threshold": 0.625,
        "metric": "spearman",
        "value": {"value": 0.25, "low": 0.125, "high": 0.5},
        "protocol": "songs",
        "beats_baselines": False,
        "lags": ["tfidf"],
        "n_pairs": {"train": 3, "val": 2, "test": 4},
    }
    farthest = trained.similarity(0, 10)
    nearest = max(trained.similarity(0, 0.5), trained.similarity(0.5, 10))
    assert (quantiles[0], quantiles[100]) == pytest.approx((farthest, nearest), rel=1e-5)
    assert len(content) == 64


def test_pairs_of_a_songs_versions_are_in_no_quantile(source: Path, tmp_path: Path) -> None:
    songs = trained.songs(LYRICS)
    songs.loc[songs["song_id"].isin(["a", "c"]), "group_id"] = "a"
    served = package.save(chosen(source), source, songs, trained.pairs(PAIRS), tmp_path / "served")
    assert len(np.load(tmp_path / "served" / "embeddings.npy")) == 3
    # c, whose number is 0, comes before a in the table; b has 10.
    assert served.quantiles == pytest.approx([trained.similarity(0, 10)] * 101, rel=1e-5)
    songs["group_id"] = "a"
    with pytest.raises(ValueError, match="received 1, versions as one"):
        package.save(chosen(source), source, songs, trained.pairs(PAIRS), tmp_path / "served")


def test_the_same_input_gives_the_same_bytes(source: Path, folder: Path, tmp_path: Path) -> None:
    again = save(source, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_another_card_gives_another_content(source: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    package.save(chosen(source, note="Another."), source, trained.songs(LYRICS), trained.pairs(PAIRS), other)
    contents = {json.loads((place / "served.json").read_text())["content"] for place in (folder, other)}
    assert len(contents) == 2


def test_the_folder_holds_these_files(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        *("encoder.onnx", "vocabulary.txt", "experiment.json", "catalogue.parquet", "embeddings.npy"),
        *("training_songs.txt", "training_texts.txt", "served.json", "card.md", "blend.json", "drift.json"),
    }


def test_drift_json_counts_the_training_songs_alone(folder: Path) -> None:
    # a and b are in train: "zero half" and "half ten", of which the encoder reads 0.5 and 10.
    reference = records.load_drift(folder)

    assert reference.n_songs == 2
    assert reference.numbers["length"] == records.NumberBins(edges=(2.0, 3.0), counts=(0, 2, 0), median=2.0)
    assert sum(reference.numbers["known_words"].counts) == 2
    assert reference.mean == pytest.approx([(trained.embedding(0.5) + trained.embedding(10)) / 2])
    assert reference.directions == ((1.0,),)
    assert reference.names["language"].names == ("en",)
    assert "tags" not in reference.names


def test_no_file_of_the_folder_holds_lyrics(folder: Path) -> None:
    for path in folder.iterdir():
        for text in LYRICS.values():
            assert text.encode() not in path.read_bytes(), path.name


def test_of_songs_without_artist_and_title_the_catalogue_holds_first_words(
    source: Path, tmp_path: Path
) -> None:
    out, songs = tmp_path / "served", trained.songs(LYRICS)
    songs.loc[0, ["artist", "title"]] = None
    songs.loc[1, "artist"] = None
    package.save(chosen(source), source, songs, trained.pairs(PAIRS), out)

    first_words = parquet.read(out / "catalogue.parquet", tables.CATALOGUE)["first_words"]
    assert first_words.isna().tolist() == [False, True, True]
    assert first_words[0] == "ten…"
    assert "of lyrics, the first words of 1 without artist and title." in (out / "card.md").read_text()


def test_a_missing_encoder_is_one_clear_error(source: Path, tmp_path: Path) -> None:
    (source / "encoder.onnx").unlink()

    with pytest.raises(ValueError, match=r"encoder\.onnx missing"):
        save(source, tmp_path / "served")


@pytest.mark.parametrize("n_encoders", [1, 2])
def test_word_vectors_of_several_languages_are_packed_as_int8(
    source: Path, tmp_path: Path, n_encoders: int
) -> None:
    several(source, n_encoders, "frozen")
    out = save(source, tmp_path / "served")
    table = word_table.read(source / "encoder.onnx")
    numbers, scales = word_table.quantised(table)
    np.testing.assert_array_equal(word_table.read(out / "encoder.onnx"), numbers * scales)
    assert not np.array_equal(numbers * scales, table)
    # The embeddings of the catalogue are those of the encoder that is served.
    embeddings = np.load(out / "embeddings.npy", allow_pickle=False)
    assert Encoder.load(out).encode(list(LYRICS.values())) == pytest.approx(embeddings, abs=1e-6)


def test_vectors_that_were_trained_are_packed_as_they_are(source: Path, tmp_path: Path) -> None:
    several(source, 2, "trained")
    out = save(source, tmp_path / "served")
    assert (out / "encoder.onnx").read_bytes() == (source / "encoder.onnx").read_bytes()


def several(source: Path, n_encoders: int, vectors: str) -> None:
    """Make the experiment one of merged files, whose encoders share their vectors or have trained them."""
    encoders = []
    for seed in range(n_encoders):
        rng = np.random.default_rng(seed)
        kernel, bias, recurrent = (rng.normal(size=shape) for shape in ((4, 8), (8,), (2, 8)))
        lstm = onnx_export.LSTM(*(array.astype(np.float32) for array in (kernel, bias, recurrent)))
        drawn = np.random.default_rng(seed if vectors == "trained" else 0).normal(size=(len(NUMBERS) + 2, 4))
        encoders.append(onnx_export.Weights(drawn.astype(np.float32), lstm))
    onnx_export.export(encoders, source / "encoder.onnx")
    record = made_records.trained(
        settings=trained.SETTINGS | {"vectors": vectors, "ensemble": n_encoders},
        coverage={"source": "en.vec + de.vec", "words": 3, "dimensions": 4, "spaces": ["of one space"]},
    )
    records.save(record, source / "experiment.json")


def test_where_tfidf_takes_part_it_is_packed_with_its_share(source: Path, tmp_path: Path) -> None:
    out = save(fused.add(source), tmp_path / "served")

    # "half ten" and "ten zero" are 0 and 10 to the encoder, which reads the last word, and share no term but
    # "ten": both terms that they do not share have the idf 1 + ln 2 of unseen ones, as "ten" has.
    expected = fused.joined(trained.similarity(10, 0), 1 / 3)
    model = Model.load(out)
    assert model.similarity("half ten", "ten zero") == pytest.approx(expected, abs=1e-6)
    values = [
        model.similarity(LYRICS[left], LYRICS[right]) for left, right in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    quantiles = records.load_served(out).quantiles
    assert (quantiles[0], quantiles[100]) == pytest.approx((min(values), max(values)), abs=1e-6)
    nearest = model.recommend("half ten")["similarity"].tolist()
    assert nearest == pytest.approx([1, trained.similarity(10, 0.5), trained.similarity(10, 0)], abs=1e-6)
    card = " ".join((out / "card.md").read_text().split())
    assert (
        "A pair's similarity joins its encoder (75%) with 25% TF-IDF of words. The nearest songs are" in card
    )


# --- the card --------------------------------------------------------------------------------------


KNOWN = np.repeat([1.0, 0.4, 0.0], [1200, 34, 2])  # shares of each song's words


def card(entry: dict[str, Any], note: str = "Only made up.", known: Any = KNOWN, **settings: Any) -> str:
    [evaluated] = trained.metrics(one=entry).values()
    of_training = made_records.trained(settings=trained.SETTINGS | settings)
    one = package.Chosen(of_training, evaluated, "mse", 0.9, note)
    reading = Reading(np.empty((len(known), 0), np.float32), np.full(len(known), 10), known)
    of_catalogue = model_card.catalogue(reading, ["en"] * len(known), "word", n_unnamed=0)
    return model_card.card(one.served([]), of_training, evaluated, one.level, of_catalogue)


def cells(text: str, label: str) -> list[list[str]]:
    """The rows of both tables, val and test, that begin with a label."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    return [row[1:] for row in rows if row[0] == label]


def test_the_card_sets_the_model_beside_its_baselines_on_val_and_test() -> None:
    entry = trained.compared(trained.entry(), "tfidf", mse=DIFFERENCES["ahead"], spearman=DIFFERENCES["even"])
    entry = trained.compared(entry, "artist_year_tags", mse=DIFFERENCES["behind"])
    text = card(entry)

    assert cells(text, "val") == [["MSE (lower is better)", "Spearman", "ROC AUC", "average precision"]]
    assert cells(text, "**one**")[0][:2] == ["0.2500 [0.1250, 0.5000]", "0.250 [0.125, 0.500]"]
    # A difference above 0 is in a score's favour, and against an error.
    assert cells(text, "TF-IDF")[0] == ["0.1250 !", "0.125 ~", "0.125", "0.125"]
    assert cells(text, "artist, year, tags*")[0] == ["0.1250", "0.125", "0.125", "0.125"]
    assert [len(cells(text, label)) for label in ("**one**", "TF-IDF")] == [2, 2]


def test_the_card_says_what_a_reader_must_know() -> None:
    text = " ".join(card(trained.compared(trained.entry(), "tfidf", mse=DIFFERENCES["even"])).split())

    for said in (
        "**Only made up.**",
        "1,234 songs; 2 more are left out, for it knows no word of them.",
        "Below 50% most of the nearest songs are others",
        "Of 34 it knows less than 50% of the words. The catalogue holds no lyrics.",
        "Train: 3 pairs of 3 songs; val: 2 of 3; test: 4 of 5.",
        "About protocol songs.",
        "0.0% of the test pairs and 12.5% of the test songs",
        "90 % interval",
        "**beats_baselines: false.** No lead is shown over TF-IDF.",
        "similar from 0.625: the threshold of the best F1 on val.",
        "a text's first 15 words",
        "75.0% of val's have one",
        "free for research and not for commerce",
        "max_tokens 15, long_text head",
        "one".ljust(64, "0"),
    ):
        assert said in text


def test_the_card_counts_songs_and_known_words_by_language() -> None:
    reading = Reading(
        np.empty((5, 0), np.float32), np.array([100, 300, 10, 40, 0]), np.array([1, 0.5, 0, 1, 0])
    )
    text = model_card.catalogue(reading, ["en", "en", "ja", "?", "?"], "word", n_unnamed=0)

    # Of en 100 + 150 of 400 words; the second song of unknown language has none that is read.
    assert cells(text, "language") == [["songs", "words known"]]
    assert cells(text, "en") == [["2", "62.5%"]]
    assert cells(text, "ja") == [["1", "0.0%"]]
    assert cells(text, "?") == [["2", "100.0%"]]


def test_the_card_says_true_where_every_baseline_is_beaten() -> None:
    text = card(trained.compared(trained.entry(), "tfidf", mse=DIFFERENCES["behind"]))

    assert "**beats_baselines: true.** True asks" in text


@pytest.mark.parametrize(
    ("own", "reads"),
    [
        ({"long_text": "tail"}, "a text's last 15 words."),
        ({"long_text": "chunks", "tokens": "char"}, "all of a text, in chunks of 15 characters.\n"),
    ],
)
def test_the_card_says_how_a_text_is_read(own: dict[str, str], reads: str) -> None:
    assert reads in card(trained.entry(), **own)


def test_the_card_of_a_corpus_that_says_nothing_and_of_an_empty_test() -> None:
    entry = trained.entry()
    nothing = metrics.undefined("no pairs").model_dump()
    empty = dict.fromkeys(entry["splits"]["test"]["metrics"], nothing)
    entry["splits"]["test"] = {"n_pairs": 0, "n_songs": 0, "metrics": empty, "baselines": {}}
    text = card(entry, note="")

    assert text.startswith("# Model card: one\n\nIt says")
    assert cells(text, "**one**")[1] == ["–"] * 4


# --- the stage -------------------------------------------------------------------------------------


STAGE = (
    "package.py songs.parquet pairs.parquet catalogue.parquet experiments "
    "--corpus corpus.json --estimates estimates --out served"
)


def write_inputs(folder: Path, found: dict[str, Any]) -> None:
    for name, metrics_ in trained.metrics(**found).items():
        records.save(metrics_, folder / "estimates" / f"{name}.json")
    (folder / "corpus.json").write_text(json.dumps({"note": "A corpus.", "epochs": 1}))
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    for name in ("songs", "catalogue"):
        parquet.write(trained.songs(LYRICS), tables.SONGS, folder / f"{name}.parquet")
    parquet.write(trained.pairs(PAIRS), tables.PAIRS, folder / "pairs.parquet")


def test_the_stage_packs_the_best(
    source: Path,
    tmp_path: Path,
    run_script: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained.write_experiment(tmp_path / "experiments" / "two", NUMBERS)
    write_inputs(tmp_path, {"two": trained.entry(), source.name: trained.entry(spearman=0.75)})
    run_script(tmp_path, STAGE)

    assert json.loads((tmp_path / "served" / "served.json").read_text())["experiment"] == "one"
    assert capsys.readouterr().out == (
        "one is packed to serve: the best on val by spearman, 0.750; beats its baselines: not shown\n"
    )


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (trained.entry("paper"), "every experiment uses protocol paper, whose split leaks"),
        (trained.entry("songs", spearman=None), "val gives no spearman for any experiment"),
    ],
)
def test_the_stage_says_in_one_line_why_there_is_nothing_to_serve(
    source: Path,
    tmp_path: Path,
    run_script: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
    entry: dict[str, Any],
    why: str,
) -> None:
    save(source, tmp_path / "served")
    write_inputs(tmp_path, {"one": entry})
    run_script(tmp_path, STAGE)

    assert [path.name for path in (tmp_path / "served").iterdir()] == ["card.md"]
    said = capsys.readouterr().out
    assert said == (tmp_path / "served" / "card.md").read_text()
    assert said.startswith(f"Nothing is served: {why}")
    assert len(said.splitlines()) == 1
