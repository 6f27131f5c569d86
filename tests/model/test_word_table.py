"""The word vectors inside a graph: read, replaced, and stored in fewer bytes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests import made_records

from neuralist.config import records
from neuralist.model import onnx_export, word_table
from neuralist.model.encoder import Encoder
from neuralist.text.vocabulary import Vocabulary

WORDS = ("moss", "stone", "fern")
UNITS, DIMENSIONS = 3, 4
SONGS = ["moss", "stone fern", "fern moss moss", "unheard stone"]
LONGER = [
    " ".join([song] * 3) for song in SONGS
]  # more than a few windows at once: the other form of the LSTM


def weights(seed: int, vectors: np.ndarray) -> onnx_export.Weights:
    """Those of an encoder with a bag of words of two heads."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    lstm = onnx_export.LSTM(drawn(DIMENSIONS, 4 * UNITS), drawn(4 * UNITS), drawn(UNITS, 4 * UNITS))
    heads = onnx_export.Heads(drawn(UNITS, 2), drawn(2))
    bag = onnx_export.BagOfWords(drawn(len(vectors), 2), np.ones((len(vectors), 1), dtype=np.float32))
    return onnx_export.Weights(vectors, lstm, pooling="mean", auxiliary_heads=heads, bag_of_words=bag)


def drawn_vectors(n: int = len(WORDS) + 2, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, DIMENSIONS)).astype(np.float32)
    vectors[0] = 0
    return vectors


def export(folder: Path, vectors: np.ndarray, n_encoders: int = 1) -> Path:
    """Write a trained folder; returns its graph."""
    folder.mkdir()
    encoders = [weights(seed, vectors) for seed in range(1, n_encoders + 1)]
    onnx_export.export(encoders, folder / "encoder.onnx")
    Vocabulary(WORDS).save(folder / "vocabulary.txt")
    settings = {"ensemble": n_encoders, "bag_of_words": True, "heads": {"year": 1.0}}
    records.save(made_records.trained(settings=settings), folder / "experiment.json")
    return folder / "encoder.onnx"


def embeddings(graph: Path) -> np.ndarray:
    encoder = Encoder.load(graph.parent)
    return np.vstack([encoder.encode(SONGS[:1]), encoder.encode([*SONGS, *LONGER])])


ONE_AND_SEVERAL = pytest.mark.parametrize("n_encoders", [1, 2])


def test_numbers_and_scales_by_hand() -> None:
    numbers, scales = word_table.quantised(
        np.array([[12.7, -6.4, 0.04, 0.06], [0, 0, 0, 0], [-1, 0.52, 1, 0.25]], dtype=np.float32)
    )
    # Steps of 12.7 / 127 = 0.1 and of 1 / 127: 0.52 of it is 66.04 steps, 0.25 of it 31.75.
    assert numbers.tolist() == [[127, -64, 0, 1], [0, 0, 0, 0], [-127, 66, 127, 32]]
    assert scales.ravel() == pytest.approx([0.1, 1, 1 / 127])
    assert (numbers.dtype, scales.dtype) == (np.int8, np.float32)


@given(arrays(np.float32, (3, 4), elements=st.floats(-1e4, 1e4, width=32)))
def test_each_number_is_within_half_a_step(vectors: np.ndarray) -> None:
    numbers, scales = word_table.quantised(vectors)
    step = np.abs(vectors).max(axis=1, keepdims=True).astype(np.float64) / 127
    assert (np.abs(numbers * scales.astype(np.float64) - vectors) <= 0.5001 * step + 1e-40).all()


@ONE_AND_SEVERAL
def test_the_vectors_of_a_graph_are_read(tmp_path: Path, n_encoders: int) -> None:
    graph = export(tmp_path / "plain", drawn_vectors(), n_encoders)
    np.testing.assert_array_equal(word_table.read(graph), drawn_vectors())
    squares = word_table.read_constant(graph, "squares_table")
    assert squares is not None
    assert squares.tolist() == [[1]] * 5
    assert word_table.read_constant(graph, "scale") is None


@ONE_AND_SEVERAL
def test_the_same_vectors_give_the_same_embeddings(tmp_path: Path, n_encoders: int) -> None:
    graph = export(tmp_path / "plain", drawn_vectors(), n_encoders)
    before = embeddings(graph)
    word_table.write(graph, drawn_vectors(), graph, quantise=False)
    np.testing.assert_array_equal(embeddings(graph), before)


@ONE_AND_SEVERAL
@pytest.mark.parametrize("quantise", [False, True])
def test_other_vectors_give_the_embeddings_of_a_graph_exported_with_them(
    tmp_path: Path, n_encoders: int, *, quantise: bool
) -> None:
    graph = export(tmp_path / "plain", drawn_vectors(), n_encoders)
    others = drawn_vectors(seed=8)
    word_table.write(graph, others, graph, quantise=quantise)
    numbers, scales = word_table.quantised(others)
    exported = export(tmp_path / "others", numbers * scales if quantise else others, n_encoders)
    np.testing.assert_array_equal(word_table.read(graph), word_table.read(exported))
    np.testing.assert_allclose(embeddings(graph), embeddings(exported), atol=1e-6)


@ONE_AND_SEVERAL
def test_a_quantised_graph_is_written_again_in_either_form(tmp_path: Path, n_encoders: int) -> None:
    graph = export(tmp_path / "plain", drawn_vectors(), n_encoders)
    plain = embeddings(graph)
    word_table.write(graph, drawn_vectors(), graph, quantise=True)
    once, quantised = graph.read_bytes(), embeddings(graph)
    assert 0 < np.abs(quantised - plain).max() < 0.02
    word_table.write(graph, drawn_vectors(), graph, quantise=True)
    assert graph.read_bytes() == once
    word_table.write(graph, drawn_vectors(seed=8), graph, quantise=True)
    word_table.write(graph, drawn_vectors(), graph, quantise=False)
    np.testing.assert_array_equal(embeddings(graph), plain)
    names = {tensor.name.rpartition("/")[2] for tensor in onnx.load(graph).graph.initializer}
    assert {name for name in names if name.startswith("vectors")} == {"vectors"}


@ONE_AND_SEVERAL
def test_further_words_leave_the_answers_for_the_others(tmp_path: Path, n_encoders: int) -> None:
    graph = export(tmp_path / "plain", drawn_vectors(), n_encoders)
    before = embeddings(graph)
    further = np.vstack([drawn_vectors(), drawn_vectors(seed=8)])
    word_table.write(graph, further, graph, quantise=False)
    np.testing.assert_allclose(embeddings(graph), before, atol=1e-6)


def test_quantised_vectors_take_a_quarter_of_the_bytes(tmp_path: Path) -> None:
    graph = export(tmp_path / "plain", drawn_vectors())
    sizes = []
    for quantise in (False, True):
        word_table.write(graph, np.ones((5000, 300), dtype=np.float32), graph, quantise=quantise)
        sizes.append(graph.stat().st_size)
    # Float32: 4 bytes a number. Int8: one, and 4 bytes of scale for each of the vectors.
    assert sizes[0] == pytest.approx(5000 * 300 * 4, rel=0.01)
    assert sizes[1] == pytest.approx(5000 * (300 + 4), rel=0.01)


def test_vectors_that_differ_between_encoders_are_refused(tmp_path: Path) -> None:
    graph = tmp_path / "encoder.onnx"
    onnx_export.export([weights(seed, drawn_vectors(seed=seed)) for seed in (1, 2)], graph)
    for act in (word_table.read, lambda path: word_table.write(path, drawn_vectors(), path, quantise=True)):
        with pytest.raises(ValueError, match=r"encoder\.onnx: holds 2 tables of word vectors"):
            act(graph)


@pytest.mark.parametrize("content", [b"no graph", b"", None])
def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "encoder.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"encoder\.onnx: no graph of an encoder.*run `dvc repro`"):
        word_table.read(tmp_path / "encoder.onnx")
