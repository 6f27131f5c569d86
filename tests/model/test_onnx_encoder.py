"""The exported graph says what the Keras model says, to 1e-5 a coordinate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuralist import onnx_encoder, params, training, vectors
from neuralist.onnx_encoder import Encoder

TEXTS = ["moss", "stone moss", "fern stone moss fern unheard", "moss " * 300]
SETTINGS = params.Experiment(
    protocol="songs",
    max_words=200,
    units=6,
    similarity="manhattan",
    batch_size=4,
    learning_rate=0.01,
    dropout=0.0,
    epochs=1,
    patience=1,
    seed=5,
)


@pytest.fixture(scope="module")
def words() -> vectors.WordVectors:
    rng = np.random.default_rng(6)
    return vectors.assemble({word: rng.normal(size=8) for word in ("moss", "stone", "fern")}, 3.0, "made", {})


@pytest.fixture(scope="module")
def model(words: vectors.WordVectors) -> training.MaLSTM:
    return training.make_model(SETTINGS, words, n_pairs=1)


@pytest.fixture(scope="module")
def folder(
    words: vectors.WordVectors, model: training.MaLSTM, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An experiment's folder with an untrained model: parity does not depend on training."""
    folder = tmp_path_factory.mktemp("experiment")
    history = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5}]
    training.save(model, words, history, folder)
    (folder / "experiment.json").write_text(json.dumps({"params": SETTINGS.model_dump()}))
    return folder


def test_texts_of_mixed_lengths_encode_as_in_keras(
    folder: Path, model: training.MaLSTM, words: vectors.WordVectors
) -> None:
    encoder = Encoder.load(folder)
    tokens = words.vocabulary.ids(TEXTS, SETTINGS.max_words)
    np.testing.assert_allclose(encoder.encode(TEXTS), training.encode(model, tokens), atol=1e-5)
    assert training.check_export(model, encoder, tokens) < 1e-5


def test_more_texts_than_one_call_takes_keep_their_order(folder: Path) -> None:
    encoder = Encoder.load(folder)
    once = encoder.encode(TEXTS)
    many = encoder.encode(TEXTS * (onnx_encoder.SONGS_A_CALL // 2))
    np.testing.assert_allclose(many, np.tile(once, (onnx_encoder.SONGS_A_CALL // 2, 1)), atol=1e-6)


def test_a_text_without_words_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="text 2 of 2 holds no word"):
        Encoder.load(folder).encode(["moss", "?!"])


def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoder\.onnx, vocabulary\.txt, experiment\.json missing"):
        Encoder.load(tmp_path)


def test_a_wrong_export_is_noticed(folder: Path, model: training.MaLSTM) -> None:
    model.projection.bias.assign(model.projection.bias + 0.5)
    with pytest.raises(ArithmeticError, match="differs from the Keras model"):
        training.check_export(model, Encoder.load(folder), np.array([[2, 3]], dtype=np.int32))
    model.projection.bias.assign(model.projection.bias - 0.5)


def test_equal_weights_give_equal_bytes(
    folder: Path, model: training.MaLSTM, words: vectors.WordVectors, tmp_path: Path
) -> None:
    training.save(model, words, [{"epoch": 1, "loss": 0.5, "accuracy": 0.5}], tmp_path)
    for name in ("model.keras", "encoder.onnx", "vocabulary.txt", "history.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.onnx",
        "history.csv",
        "model.keras",
        "vocabulary.txt",
    ]
    assert pd.read_csv(tmp_path / "history.csv").to_dict("records") == [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.5}
    ]
