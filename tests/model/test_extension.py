"""A trained model learns the words of further files without training: which answers change, and which not."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ortho_group
from tests import made_records
from tests.settings import experiment

from neuralist.config import params, records
from neuralist.model import averaged_vectors, extension, onnx_export, representatives, word_table
from neuralist.model.averaged_vectors import AveragedVectors
from neuralist.model.encoder import Encoder
from neuralist.model.extension import Extension, extend
from neuralist.model.representatives import Representatives
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import UNKNOWN, Vocabulary
from neuralist.text.word_vectors import WordVectors

UNITS, DIMENSIONS = 3, 12
AXES = np.eye(DIMENSIONS)
ALIKE = [f"name{number}" for number in range(40)]
MOSS = np.random.default_rng(8).normal(size=DIMENSIONS)
NAMES = dict(zip(ALIKE, np.random.default_rng(3).normal(size=(40, DIMENSIONS)), strict=True))
ENGLISH = {"moss": MOSS, "stone": AXES[1], "sea": AXES[2], "die": AXES[3], "fern": AXES[4]} | NAMES
# Nearest to `stein` is `stone`; to `qubit` nothing is near, and `farn` is near only to a word without a row.
GERMAN = {
    "die": AXES[5],
    "stein": AXES[1] + 0.5 * AXES[2],
    "qubit": AXES[6],
    "farn": AXES[4] + 0.1 * AXES[6],
} | NAMES
FRENCH = {"die": AXES[7], "pierre": 3 * AXES[1], "stein": AXES[2]} | NAMES
COUNTED = ("moss", "stone", "sea", "die")  # what the bag of words has rows for
SONGS = ["moss sea", "stone", "fern moss sea stone", "unheard sea"]
SIX = [" ".join([*SONGS, song]) for song in SONGS] + SONGS[:2]  # many windows: the other form of the LSTM


def write(path: Path, vectors: Mapping[str, np.ndarray]) -> Path:
    """Write a word vector file."""
    lines = [f"{word} {' '.join(map(str, vector.tolist()))}\n" for word, vector in vectors.items()]
    path.write_text(f"{len(vectors)} {DIMENSIONS}\n{''.join(lines)}")
    return path


def fit(raw: Path, *names: str) -> WordVectors:
    """The vectors stage, with a list of files, on English songs."""
    settings = params.Vectors(
        source=names, most_frequent=0, length=2.0, dimensions=4, window=2, epochs=1, min_count=1, seed=1
    )
    return word_vectors.fit({"train": SONGS, "val": [], "test": []}, [], settings, raw)


def train(
    folder: Path, vectors: WordVectors, *, n_encoders: int = 1, of_lstm: float = 1.0, **settings: Any
) -> Path:
    """Write a trained folder: drawn weights, and a bag in which each word counted has a row of its own."""
    n_tokens = len(vectors.vocabulary)
    is_counted = np.array([False] * 2 + [word in COUNTED for word in vectors.vocabulary.words])
    table = np.random.default_rng(9).normal(size=(n_tokens, 2)) * is_counted[:, None]
    bag = onnx_export.BagOfWords(
        table.astype(np.float32), np.where(is_counted, 2, 0).astype(np.float32)[:, None]
    )
    encoders = []
    for seed in range(n_encoders):
        rng = np.random.default_rng(seed)
        shapes = (DIMENSIONS, 4 * UNITS), (4 * UNITS,), (UNITS, 4 * UNITS), (UNITS, 2), (2,)
        kernel, bias, recurrent, *of_heads = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
        heads = onnx_export.Heads(*(np.float32(of_lstm) * array for array in of_heads))
        lstm = onnx_export.LSTM(kernel, bias, recurrent)
        encoders.append(
            onnx_export.Weights(vectors.matrix, lstm, pooling="mean", auxiliary_heads=heads, bag_of_words=bag)
        )
    folder.mkdir(parents=True)
    onnx_export.export(encoders, folder / "encoder.onnx")
    vectors.save_words(folder)
    representatives.find(vectors.matrix, is_counted, vectors.of_words()).save(folder)
    for name in ("model.keras", "history.csv", "seed-2018/model.keras"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    kind = {"bag_of_words": True, "heads": {"year": 1.0}, "ensemble": n_encoders} | settings
    record = made_records.trained(settings=kind, coverage=vectors.coverage.model_dump())
    records.save(record, folder / "experiment.json")
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vector files."""
    folder = tmp_path_factory.mktemp("raw")
    turn = ortho_group.rvs(DIMENSIONS, random_state=5)
    write(folder / "en.vec", ENGLISH)
    write(folder / "de.vec", GERMAN)
    write(folder / "fr.vec", FRENCH)
    write(folder / "same.vec", ENGLISH)
    write(folder / "turned.vec", {word: vector @ turn for word, vector in GERMAN.items()})
    return folder


@pytest.fixture(scope="module", params=[1, 2], ids=["one", "ensemble"])
def model(raw: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the English words, alone or as an ensemble."""
    return train(tmp_path_factory.mktemp("trained") / "one", fit(raw, "en.vec"), n_encoders=request.param)


def vectors_of(folder: Path) -> dict[str, np.ndarray]:
    table = word_table.read(folder / "encoder.onnx")
    return dict(zip(Vocabulary.load(folder / "vocabulary.txt").words, table[2:], strict=True))


def tokens_of(folder: Path) -> dict[str, int]:
    return {word: token for token, word in enumerate(Vocabulary.load(folder / "vocabulary.txt").words, 2)}


def assert_within_half_a_step(found: np.ndarray, exact: np.ndarray) -> None:
    assert np.abs(found - exact).max() <= 0.51 * np.abs(exact).max() / 127


def test_the_extended_model_knows_the_new_words(raw: Path, model: Path, tmp_path: Path) -> None:
    told = extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    assert told._replace(spaces=()) == Extension(("de.vec",), 3, 41, ())
    assert told.spaces[0].startswith("de.vec is of the space of the model: 41 words in common")

    before, after = Encoder.load(model), Encoder.load(tmp_path / "out")
    # Ids of the model's words stay; new ones follow, in the order of the file.
    assert after.vocabulary.words == (*before.vocabulary.words, "stein", "qubit", "farn")
    assert before.read(["stein farn moss pierre"]).known.tolist() == [0.25]
    assert after.read(["stein farn moss pierre"]).known.tolist() == [0.75]

    coverage = records.load_experiment(tmp_path / "out").coverage
    assert (coverage.source, coverage.words, coverage.dimensions) == ("en.vec + de.vec", 48, DIMENSIONS)
    assert coverage.spaces == told.spaces


def test_words_have_the_vectors_of_files_that_were_merged_before(
    raw: Path, model: Path, tmp_path: Path
) -> None:
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    merged = fit(raw, "en.vec", "de.vec")
    expected = dict(zip(merged.vocabulary.words, merged.matrix[2:], strict=True))
    found = vectors_of(tmp_path / "out")
    assert set(found) == set(expected)
    for word, vector in expected.items():
        assert_within_half_a_step(found[word], vector)
    # `die`, fourth in English and first in German, weighs 1/13 there and 1/10 here; all are of length 2.
    by_hand = 2 * (10 * AXES[3] + 13 * AXES[5]) / np.hypot(10, 13)
    assert_within_half_a_step(found["die"], by_hand)
    kept = word_vectors.load_origins(tmp_path / "out")
    for column, exact in zip(kept, merged.of_words(), strict=True):
        np.testing.assert_allclose(column, exact, rtol=1e-6)


@pytest.mark.parametrize("order", [("de.vec", "fr.vec"), ("fr.vec", "de.vec")])
def test_files_may_be_added_one_after_the_other(
    raw: Path, model: Path, tmp_path: Path, order: Sequence[str]
) -> None:
    first, second = (raw / name for name in order)
    extend(model, [first], tmp_path / "first", align=False)
    extend(tmp_path / "first", [second], tmp_path / "both", align=False)
    at_once = fit(raw, "en.vec", *order)
    found = vectors_of(tmp_path / "both")
    assert tuple(found) == at_once.vocabulary.words
    for word, vector in zip(at_once.vocabulary.words, at_once.matrix[2:], strict=True):
        # `stein` of two files was rounded twice.
        assert np.abs(found[word] - vector).max() < 2 * 2 / 127, word
    # What no file changes is not rounded again.
    between = vectors_of(tmp_path / "first")
    for word in ("moss", "stone", "sea", "fern"):
        np.testing.assert_allclose(found[word], between[word], rtol=1e-6)
    record = records.load_experiment(tmp_path / "both")
    assert record.coverage.source == " + ".join(["en.vec", *order])
    assert record.coverage.spaces is not None
    assert [note.split()[0] for note in record.coverage.spaces] == list(order)


def test_texts_of_the_models_own_words_keep_their_embeddings(raw: Path, model: Path, tmp_path: Path) -> None:
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    before, after = Encoder.load(model), Encoder.load(tmp_path / "out")
    np.testing.assert_allclose(after.encode(SIX), before.encode(SIX), atol=0.02)
    # Nothing but the rounding differs: the model itself, its vectors rounded, answers alike.
    shutil.copytree(model, tmp_path / "rounded")
    own = word_table.read(model / "encoder.onnx")
    word_table.write(model / "encoder.onnx", own, tmp_path / "rounded" / "encoder.onnx", quantise=True)
    np.testing.assert_allclose(Encoder.load(tmp_path / "rounded").encode(SIX), after.encode(SIX), atol=1e-6)
    assert not np.allclose(after.encode(["die"]), before.encode(["die"]), atol=0.02)


def test_a_new_word_takes_the_row_of_the_nearest_training_word(raw: Path, tmp_path: Path) -> None:
    model = train(tmp_path / "bag", fit(raw, "en.vec"), of_lstm=0.0)
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    token, of_word = Representatives.load(tmp_path / "out", 50).token, tokens_of(tmp_path / "out")
    told = {word: int(token[of_word[word]]) for word in (*COUNTED, "fern", "stein", "qubit", "farn")}
    rows = {word: of_word[word] for word in COUNTED}
    assert told == dict.fromkeys(told, UNKNOWN) | rows | {"stein": of_word["stone"]}

    encoder = Encoder.load(tmp_path / "out")
    stone, stein, both, unknown, qubit, farn = encoder.encode(
        ["stone", "stein", "stein stone", "unheard", "qubit", "farn"]
    )
    np.testing.assert_array_equal(stein, stone)
    np.testing.assert_array_equal(both, stone)
    np.testing.assert_array_equal([qubit, farn], [unknown] * 2)
    assert not np.allclose(stone, unknown)


def test_songs_of_the_new_words_are_foreign(raw: Path, model: Path, tmp_path: Path) -> None:
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    of_word = tokens_of(tmp_path / "out")
    is_own = Representatives.load(tmp_path / "out", 50).is_own
    assert not any(is_own[of_word[word]] for word in ("stein", "qubit", "farn"))
    assert all(is_own[of_word[word]] for word in ("moss", "sea"))
    # English has 1/13 of (1/13 + 1/10), 10/23, of `die`.
    assert word_vectors.load_origins(tmp_path / "out").own[3] == pytest.approx(10 / 23)


def test_the_style_of_a_foreign_song_is_read_as_that_of_one(raw: Path, tmp_path: Path) -> None:
    model = train(tmp_path / "styled", fit(raw, "en.vec"), style=True)
    rng = np.random.default_rng(4)
    by_style = StyleAnswers(np.ones(17), np.ones(17), rng.normal(size=(5, 17)), rng.normal(size=(5, 2)))
    by_style.save(model)
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    encoder = Encoder.load(tmp_path / "out")
    songs = ["stein qubit\nmoss", "moss\nstein sea"]
    by_graph = encoder.encode_windows(encoder.vocabulary.windows(songs, encoder.windowing))
    expected = by_graph + by_style(songs, np.array([True, False]))
    np.testing.assert_allclose(encoder.encode(songs), expected, atol=1e-5)
    assert not np.allclose(by_style(songs[:1], np.array([True])), by_style(songs[:1]), atol=1e-3)


def test_a_file_of_another_space_is_refused_or_turned(raw: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"turned\.vec and the model are of two spaces: .* or --align"):
        extend(model, [raw / "turned.vec"], tmp_path / "out", align=False)
    assert list(tmp_path.iterdir()) == []
    told = extend(model, [raw / "turned.vec"], tmp_path / "out", align=True)
    assert told.spaces[0].startswith("turned.vec was aligned to the model by 41 words in common")
    found = vectors_of(tmp_path / "out")
    for word in ("stein", "qubit"):
        assert found[word] @ GERMAN[word] / np.linalg.norm(GERMAN[word]) == pytest.approx(2, abs=0.1)


CHINESE = {"我": AXES[0], "爱": AXES[1], "北京": AXES[2]} | NAMES


def test_words_of_a_script_without_spaces_are_cut_from_then_on(
    raw: Path, model: Path, tmp_path: Path
) -> None:
    icu4py = pytest.importorskip("icu4py")
    extend(model, [write(tmp_path / "zh.vec", CHINESE)], tmp_path / "out", align=False)
    assert records.load_experiment(model).coverage.segmenter is None
    reading = Encoder.load(tmp_path / "out").read(["我爱北京"])
    assert (reading.n_tokens.tolist(), reading.known.tolist()) == ([3], [1])
    extend(tmp_path / "out", [raw / "de.vec"], tmp_path / "more", align=False)
    coverage = records.load_experiment(tmp_path / "more").coverage
    assert (coverage.segmenter, coverage.segmenter_version) == ("icu", icu4py.icu_version)


def test_without_icu4py_such_a_file_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "zh.vec", CHINESE)
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    with pytest.raises(ValueError, match=r"'neuralist\[icu\]'"):
        extend(model, [file], tmp_path / "out", align=False)
    assert list(tmp_path.iterdir()) == [file]


def test_what_only_training_reads_is_not_copied_and_the_model_stays(
    raw: Path, model: Path, tmp_path: Path
) -> None:
    (model / "similarity.npz").write_bytes(b"as it is")
    before = {path.name: path.read_bytes() for path in model.iterdir() if path.is_file()}
    extend(model, [raw / "de.vec"], tmp_path / "new" / "out", align=False)
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == [
        "encoder.onnx",
        "experiment.json",
        "origins.npz",
        "representatives.npz",
        "similarity.npz",
        "vocabulary.txt",
    ]
    assert (tmp_path / "new" / "out" / "similarity.npz").read_bytes() == b"as it is"
    assert {path.name: path.read_bytes() for path in model.iterdir() if path.is_file()} == before
    (model / "similarity.npz").unlink()


def test_a_model_without_a_bag_has_no_representatives(raw: Path, tmp_path: Path) -> None:
    vectors = fit(raw, "en.vec")
    model = train(tmp_path / "plain", vectors, bag_of_words=False, heads={})
    lstm = onnx_export.LSTM(*(np.ones(shape, np.float32) for shape in ((DIMENSIONS, 4), (4,), (1, 4))))
    onnx_export.export([onnx_export.Weights(vectors.matrix, lstm)], model / "encoder.onnx")
    (model / "representatives.npz").unlink()
    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    assert not (tmp_path / "out" / "representatives.npz").exists()
    assert Encoder.load(tmp_path / "out").encode(["stein"]).shape == (1, 1)


def damaged(model: Path) -> None:
    (model / "encoder.onnx").write_bytes(b"no graph")


def of_other_words(model: Path) -> None:
    Vocabulary(["moss"]).save(model / "vocabulary.txt")


def of_an_earlier_format(model: Path) -> None:
    (model / "origins.npz").unlink()


def of_settings(**own: Any) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        record = records.load_experiment(model)
        records.save(record.model_copy(update={"params": experiment(**own)}), model / "experiment.json")

    return change


@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        (of_settings(tokens="char"), ["de.vec"], r"one: reads chars by vectors that were frozen; extend"),
        (
            of_settings(vectors="trained"),
            ["de.vec"],
            r"one: reads words by vectors that were trained; extend",
        ),
        (of_an_earlier_format, ["de.vec"], r"one: of an earlier format, .*run `dvc repro`"),
        (damaged, ["de.vec"], r"encoder\.onnx: no graph"),
        (of_other_words, ["de.vec"], r"one: its vocabulary, vectors and origins\.npz differ in length"),
        (None, ["de.vec", "en.vec"], r"one: knows the words of en\.vec already"),
        (None, ["de.vec", "de.vec"], r"^de\.vec: the name of two files; give each file once, or rename"),
        (None, ["same.vec"], r"same\.vec: the model knows all of its 45 words; leave it out"),
        (None, ["de.vec", "turned.vec"], r"turned\.vec and the model are of two spaces"),
        (None, ["nowhere.vec"], r"nowhere\.vec"),
    ],
)
def test_a_refused_extension_leaves_nothing_behind(
    raw: Path, tmp_path: Path, change: Callable[[Path], None] | None, names: list[str], message: str
) -> None:
    model = train(tmp_path / "one", fit(raw, "en.vec"))
    if change is not None:
        change(model)
    with pytest.raises(ValueError, match=message):
        extend(model, [raw / name for name in names], tmp_path / "out", align=False)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_failure_while_writing_leaves_nothing_behind(
    raw: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(extension.records, "save", full)
    with pytest.raises(OSError, match="no space"):
        extend(model, [raw / "de.vec"], tmp_path / "out", align=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_not_written_into(raw: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exists already"):
        extend(model, [raw / "de.vec"], tmp_path, align=False)
    assert list(tmp_path.iterdir()) == []


def test_averaged_vectors_know_further_words_by_mean_and_directions_of_training(
    raw: Path, tmp_path: Path
) -> None:
    vectors = fit(raw, "en.vec")
    model = train(tmp_path / "averaged", vectors, pair_regression=True, averaged_vectors=2)
    songs = vectors.vocabulary.windows(SONGS, TokenWindowing("word", 20, "head"))
    averaged_vectors.fit(songs, vectors, 2).save(model)

    extend(model, [raw / "de.vec"], tmp_path / "out", align=False)

    before = AveragedVectors.load(model, len(vectors.vocabulary))
    after = AveragedVectors.load(tmp_path / "out", len(tokens_of(tmp_path / "out")) + 2)
    np.testing.assert_array_equal(after.directions, before.directions)
    merged = fit(raw, "en.vec", "de.vec")
    of_list = before.of_words(merged.matrix, merged.of_words().weight)
    listed = dict(zip(merged.vocabulary.words, of_list.rows[2:], strict=True))
    for word, token in tokens_of(tmp_path / "out").items():
        np.testing.assert_allclose(after.rows[token], listed[word], atol=2e-3)
    assert np.abs(after.rows[tokens_of(tmp_path / "out")["qubit"]]).max() > 0.01
