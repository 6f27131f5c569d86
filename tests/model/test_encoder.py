"""The exported graph says what the Keras model says: 1e-5 a coordinate, 1e-4 in similarity."""

from itertools import product
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import onnx
import pandas as pd
import pytest
from tests import made_records
from tests.settings import experiment

from neuralist.config import params, records
from neuralist.config.experiment import Pooling
from neuralist.model.bag_of_words import Bag
from neuralist.model.encoder import TOKENS_PER_CALL, Encoder
from neuralist.model.onnx_export import FEW
from neuralist.model.representatives import Representatives
from neuralist.text import word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import PADDING, UNKNOWN
from neuralist.training import examples, loop, saving
from neuralist.training.experiment import members

pytestmark = pytest.mark.tensorflow

WORDS = ("moss", "stone", "fern")
# Of the similarities only `learned` changes the graph.
KINDS: list[dict[str, Any]] = [
    {"pooling": pooling, "bidirectional": bidirectional, "similarity": similarity}
    for pooling, bidirectional, similarity in product(
        get_args(Pooling), (False, True), ("manhattan", "learned")
    )
]
# Characters are but other tokens of other vectors: one kind tells.
KINDS += [{"pooling": "mean", "tokens": "char"}]
# What is made of the pooled states is tried on two of them.
KINDS += [
    {"pooling": pooling, "window": 60, "length_features": True, "embedding": 3, "heads": {"year": 1.0}}
    for pooling in ("last", "mean_max")
]
KINDS += [{"pooling": "mean", "length_features": True}, {"pooling": "mean", "embedding": 3}]
KINDS += [
    {"pooling": "mean", "embedding": embedding, "heads": {"year": 1.0}, "bag_of_words": True}
    for embedding in (None, 3)
]
KINDS += [
    {"pooling": "mean_max", "bidirectional": True, "similarity": "learned", "ensemble": 3},
    {"pooling": "mean", "embedding": 3, "heads": {"year": 1.0}, "bag_of_words": True, "ensemble": 2},
    {"vectors": "trained", "length_features": True, "similarity": "cosine", "ensemble": 2},
]
SETTINGS = experiment(max_tokens=200, units=6)


def texts(lengths: list[int], tokens: str) -> list[str]:
    """Texts of so many words, or of so many characters."""
    rng = np.random.default_rng(3)
    known = [*WORDS, "unheard"] if tokens == "word" else [*"abcde!"]
    between = " " if tokens == "word" else ""
    return [between.join(rng.choice(known, size=length)) for length in lengths]


@pytest.fixture(scope="module")
def words() -> word_vectors.WordVectors:
    rng = np.random.default_rng(6)
    return word_vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})


def untrained(settings: params.Experiment, words: word_vectors.WordVectors) -> loop.MaLSTM:
    """A model as it is before training, but for its vectors of 0: parity does not depend on training."""
    windows = words.vocabulary.windows(
        texts([7, 2, 40], settings.tokens), examples.TokenWindowing.of(settings)
    )
    one = np.zeros(1, dtype=np.int32)
    no_answers = np.zeros((3, len(settings.heads)), dtype=np.float32)
    train = examples.Examples(windows, *[one] * 5, no_answers)
    heads = dict.fromkeys(settings.heads, 1)
    model = loop.make_model(settings, examples.TrainingData({"train": train}, words, heads, "", {}))
    for index, weight in enumerate(model.trainable_variables):
        drawn = np.random.default_rng([index, settings.seed]).normal(size=weight.shape)
        weight.assign(np.asarray(weight) + 0.2 * drawn)
    return (
        loop.add_bag_of_words(model, made_bag(len(words.vocabulary)), 0.5) if settings.bag_of_words else model
    )


def made_bag(n_tokens: int) -> Bag:
    """Each word but the first known one tells something; for the last one the second counts."""
    table = np.random.default_rng(5).normal(size=(n_tokens, 1)).astype(np.float32)
    squares = np.array([0, 0, 0, *range(2, n_tokens - 1)], dtype=np.float32)[:, None]
    token = np.arange(n_tokens, dtype=np.int32)
    token[WORDS.index("fern") + 2] = WORDS.index("stone") + 2
    return Bag(np.where(squares > 0, table, 0), squares, np.array([0.5], dtype=np.float32), token)


def saved(
    settings: params.Experiment, words: word_vectors.WordVectors, models: list[loop.MaLSTM], folder: Path
) -> Path:
    history = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5}]
    trained = [saving.Trained(model, history) for model in models]
    saving.save(trained, words, folder)
    if settings.bag_of_words:
        n_tokens = len(words.vocabulary)
        Representatives(made_bag(n_tokens).representatives, np.ones(n_tokens, dtype=bool)).save(folder)
    records.save(made_records.trained(params=settings), folder / "experiment.json")
    return folder


@pytest.fixture(scope="module")
def model(words: word_vectors.WordVectors) -> loop.MaLSTM:
    return untrained(SETTINGS, words)


@pytest.fixture(scope="module")
def folder(
    words: word_vectors.WordVectors, model: loop.MaLSTM, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return saved(SETTINGS, words, [model], tmp_path_factory.mktemp("experiment"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_every_kind_of_encoder_encodes_as_in_keras(
    kind: dict[str, object], words: word_vectors.WordVectors, tmp_path: Path
) -> None:
    settings = experiment(max_tokens=300, long_text="chunks", units=4, **kind)
    if settings.tokens == "char":
        words = word_vectors.of_characters(["abcde"], 8, 3.0, 1)
    models = [untrained(member, words) for member in members(settings)]
    encoder = Encoder.load(saved(settings, words, models, tmp_path))
    mixed = texts([300, 1, 15, 5000, 299], settings.tokens)

    read = words.vocabulary.windows(mixed, TokenWindowing.of(settings))
    assert np.diff(read.starts).tolist() == [5, 1, 1, 84, 5] if settings.window else [1, 1, 1, 17, 1]
    with_keras = loop.encode(models, read)
    with_onnx = encoder.encode(mixed)

    np.testing.assert_allclose(with_onnx, with_keras, rtol=0, atol=1e-5)
    similarities = [
        similarity(embeddings, np.roll(embeddings, 1, axis=0))
        for similarity, embeddings in (
            (encoder.similarity, with_onnx),
            (loop.similarity(models), with_keras),
        )
    ]
    np.testing.assert_allclose(*similarities, rtol=0, atol=1e-4)
    alone = np.concatenate([encoder.encode([text]) for text in mixed])
    np.testing.assert_allclose(with_onnx, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n", [1, FEW, FEW + 1])
def test_texts_without_tokens_have_an_embedding_in_both_forms_of_the_lstm(folder: Path, n: int) -> None:
    encoder = Encoder.load(folder)
    of_nothing = encoder.encode_windows(encoder.vocabulary.windows([""] * n, encoder.windowing))
    assert of_nothing.tolist() == [[0.0] * 6] * n  # the last state, before any word


def test_a_long_text_is_the_mean_of_its_chunks(words: word_vectors.WordVectors, tmp_path: Path) -> None:
    settings = experiment(max_tokens=3, long_text="chunks", units=4)
    encoder = Encoder.load(saved(settings, words, [untrained(settings, words)], tmp_path))
    # seven words in three pieces: 2, 2 and 3
    whole, *pieces = encoder.encode(
        ["moss fern stone moss moss fern fern", "moss fern", "stone moss", "moss fern fern"]
    )
    np.testing.assert_allclose(whole, np.mean(pieces, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("long_text", "max_tokens", "n_tokens"),
    [("head", 3, 3), ("tail", 3, 3), ("chunks", 3, 7), ("head", 9, 7)],
)
def test_the_tokens_read_are_counted(
    long_text: str, max_tokens: int, n_tokens: int, words: word_vectors.WordVectors, tmp_path: Path
) -> None:
    settings = experiment(max_tokens=max_tokens, long_text=long_text, units=4)
    encoder = Encoder.load(saved(settings, words, [untrained(settings, words)], tmp_path))
    assert encoder.read(["moss fern stone moss moss unheard fern", "fern"]).n_tokens.tolist() == [n_tokens, 1]


def test_more_texts_than_one_call_takes_keep_their_order(folder: Path) -> None:
    encoder = Encoder.load(folder)
    few = ["moss", "stone moss", "fern stone moss fern unheard", "moss " * 300]
    once = encoder.encode(few)
    # 200 texts of 200 tokens each are more than two calls
    many = encoder.encode(few * 200)
    assert 2 * TOKENS_PER_CALL < 200 * 200
    np.testing.assert_allclose(many, np.tile(once, (200, 1)), atol=1e-6)


def test_no_texts_have_no_embeddings(folder: Path) -> None:
    assert Encoder.load(folder).encode([]).shape == (0, 6)


def test_a_text_without_words_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="text 2 of 2 holds no word"):
        Encoder.load(folder).encode(["moss", "?!"])


def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"encoder\.onnx, vocabulary\.txt, experiment\.json missing"):
        Encoder.load(tmp_path)


def test_a_wrong_export_is_noticed(folder: Path, model: loop.MaLSTM, words: word_vectors.WordVectors) -> None:
    songs = words.vocabulary.windows(["moss stone"], TokenWindowing.of(SETTINGS))
    assert saving.check_export([model], Encoder.load(folder), songs) < 1e-5
    bias = model.projection.bias
    before = keras.ops.convert_to_numpy(bias)
    bias.assign(before + 0.5)
    with pytest.raises(ArithmeticError, match="differs from the Keras model"):
        saving.check_export([model], Encoder.load(folder), songs)
    bias.assign(before)


def test_rounding_that_grew_at_one_coordinate_is_no_wrong_export(
    folder: Path, model: loop.MaLSTM, words: word_vectors.WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = words.vocabulary.windows(["moss stone", "stone fern"], TokenWindowing.of(SETTINGS))
    encoder = Encoder.load(folder)
    told = encoder.encode_windows(songs)
    told[1, 3] += 3e-5
    monkeypatch.setattr(encoder, "encode_windows", lambda _: told)
    assert saving.check_export([model], encoder, songs) == pytest.approx(3e-5, rel=0.1)


def test_equal_weights_give_equal_bytes(
    folder: Path, model: loop.MaLSTM, words: word_vectors.WordVectors, tmp_path: Path
) -> None:
    saved(SETTINGS, words, [model], tmp_path)
    files = ["encoder.onnx", "experiment.json", "history.csv", "model.keras", "origins.npz", "vocabulary.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    for name in files:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert pd.read_csv(tmp_path / "history.csv").to_dict("records") == [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.5}
    ]


def test_an_ensemble_is_one_graph_that_holds_equal_word_vectors_once(
    words: word_vectors.WordVectors, tmp_path: Path
) -> None:
    settings = experiment(max_tokens=9, units=4, ensemble=2)
    models = [untrained(member, words) for member in members(settings)]
    saved(settings, words, models, tmp_path)
    constants = onnx.load(tmp_path / "encoder.onnx").graph.initializer
    assert sorted(constant.name for constant in constants if constant.name.endswith(("vectors", "/W"))) == [
        "encoder1/forward/W",
        "encoder1/vectors",
        "encoder2/forward/W",
    ]
    assert (tmp_path / "seed-2018" / "history.csv").exists()
    # Of two encoders of four units, read as one of eight, the answers would be others.
    records.save(made_records.trained(params=experiment(units=4)), tmp_path / "experiment.json")
    with pytest.raises(
        ValueError, match=r"encoder\.onnx: its encoders do not fit .* holds 2, the similarity 1"
    ):
        Encoder.load(tmp_path)
    (tmp_path / "encoder.onnx").write_bytes(b"")
    with pytest.raises(ValueError, match=r"encoder\.onnx: no graph that ONNX Runtime can run"):
        Encoder.load(tmp_path)
    saved(SETTINGS, words, models[:1], tmp_path)
    assert not (tmp_path / "seed-2018").exists()


def test_characters_of_the_training_songs_are_the_vocabulary() -> None:
    songs = pd.DataFrame({"song_id": ["a", "b", "c"], "lyrics": ["Ab", "b\n a", "xyz"]})
    pairs = pd.DataFrame(
        [("a", "b", 0.5, "train"), ("a", "c", 0.5, "val")],
        columns=["left_id", "right_id", "similarity", "split"],
    ).assign(listed=True, weight=1.0)
    settings = experiment(tokens="char", max_tokens=5, char_dimensions=4)
    prepared = examples.prepare(
        settings, songs, pairs, word_vectors.assemble({"ab": np.ones(3)}, 3.0, "made", {})
    )

    assert prepared.vectors.vocabulary.words == (" ", "a", "b")
    assert prepared.vectors.matrix.shape == (5, 4)
    train, val = prepared.splits["train"].songs, prepared.splits["val"].songs
    space, a, b = (prepared.vectors.vocabulary.words.index(character) + 2 for character in " ab")
    assert train.ids.tolist() == [[a, b, PADDING], [b, space, a]], "one space for the line break"
    assert val.ids.tolist() == [[a, b, PADDING], [UNKNOWN] * 3]
