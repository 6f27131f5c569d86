"""MaLSTM against an LSTM and distances written out in numpy."""

from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from neuralist.config import experiment
from neuralist.model.layers import LearnedSimilarity, PairSimilarity, Pooling, reverse
from neuralist.model.malstm import Architecture, MaLSTM
from neuralist.model.similarity import Similarity, Steepness

pytestmark = pytest.mark.tensorflow

N_TOKENS, DIMENSIONS, UNITS = 30, 7, 5
LEFT = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]], dtype=np.float32)
RIGHT = np.array([[1.0, 2.0], [3.0, 4.0], [4.0, -3.0]], dtype=np.float32)
# exp(0), exp(-(3 + 4)), exp(-(1 + 7)); 1 - 5 / 5, 1 - sqrt(50) / 10; (1 + 0) / 2 at right angles and for zero
BY_HAND = {
    "manhattan": [1.0, np.exp(-7), np.exp(-8)],
    "euclidean": [1.0, 0.0, 1 - np.sqrt(0.5)],
    "cosine": [1.0, 0.5, 0.5],
}


@pytest.fixture
def model() -> MaLSTM:
    keras.utils.set_random_seed(3)
    made = MaLSTM(Architecture(n_tokens=N_TOKENS, dimensions=DIMENSIONS, units=UNITS, similarity="manhattan"))
    made.vectors.set_weights([np.random.default_rng(3).normal(size=(N_TOKENS, DIMENSIONS))])
    return made


def _tokens(*lengths: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    tokens = np.zeros((len(lengths), max(lengths)), dtype=np.int32)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = rng.integers(1, N_TOKENS, size=length)
    return tokens


def named(tokens: np.ndarray) -> dict[str, np.ndarray]:
    """All words in order of their ids, so that positions are ids."""
    return {"words": np.arange(N_TOKENS, dtype=np.int32), "tokens": tokens}


def encode(model: MaLSTM, tokens: np.ndarray, training: bool = False) -> np.ndarray:
    return to_numpy(model.encode(named(tokens), training=training)[0])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _states_by_hand(model: MaLSTM, tokens: list[int], weights: list | None = None) -> np.ndarray:
    """Hochreiter & Schmidhuber's LSTM with a forget gate, one step at a time: its state after each word."""
    (vectors,) = model.vectors.get_weights()
    kernel, bias, recurrent = (to_numpy(weight) for weight in weights or model.trainable_variables)
    state, cell, found = np.zeros(UNITS), np.zeros(UNITS), []
    for token in tokens:
        i, f, o, c = np.split(vectors[token] @ kernel + state @ recurrent + bias, 4)
        cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(c)
        state = _sigmoid(o) * np.tanh(cell)
        found.append(state)
    return np.array(found)


def test_an_embedding_is_the_lstm_state_after_the_last_word(model: MaLSTM) -> None:
    tokens = _tokens(4, 9, 1)
    embeddings = encode(model, tokens)
    for row, embedding in zip(tokens, embeddings, strict=True):
        np.testing.assert_allclose(embedding, _states_by_hand(model, row[row > 0].tolist())[-1], atol=1e-6)


def _made(**kind: object) -> MaLSTM:
    keras.utils.set_random_seed(3)
    model = MaLSTM(
        Architecture(n_tokens=N_TOKENS, dimensions=DIMENSIONS, units=UNITS, similarity="manhattan", **kind)
    )
    model.vectors.set_weights([np.random.default_rng(3).normal(size=(N_TOKENS, DIMENSIONS))])
    return model


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max", "last_max"])
def test_states_are_pooled_over_a_songs_own_words(pooling: str) -> None:
    model, tokens = _made(pooling=pooling), _tokens(4, 9, 1)
    for row, embedding in zip(tokens, encode(model, tokens), strict=True):
        states = _states_by_hand(model, row[row > 0].tolist())
        by_hand = {"mean": states.mean(axis=0), "max": states.max(axis=0), "last": states[-1]}
        wanted = np.concatenate([by_hand[part] for part in pooling.split("_")])
        np.testing.assert_allclose(embedding, wanted, atol=1e-6)


@pytest.mark.parametrize("pooling", get_args(experiment.Pooling))
def test_a_second_direction_reads_from_the_last_word_to_the_first(pooling: str) -> None:
    model, tokens = _made(pooling=pooling, bidirectional=True), _tokens(4, 9, 1)
    there = [*model.projection.weights, *model.recurrence.weights]
    back = [*model.backward_projection.weights, *model.backward_recurrence.weights]
    for row, embedding in zip(tokens, encode(model, tokens), strict=True):
        words = row[row > 0].tolist()
        forward = _states_by_hand(model, words, there)
        backward = _states_by_hand(model, words[::-1], back)
        states = np.concatenate([forward, backward], axis=1)
        by_hand = {"mean": states.mean(axis=0), "max": states.max(axis=0), "last": states[-1]}
        wanted = np.concatenate([by_hand[part] for part in pooling.split("_")])
        np.testing.assert_allclose(embedding, wanted, atol=1e-6)


def test_texts_are_reversed_and_their_padding_stays_at_the_end() -> None:
    by_time = np.array([[3, 5, 7], [0, 0, 0], [9, 4, 0]], dtype=np.int32).T
    assert to_numpy(reverse(by_time)).T.tolist() == [[7, 5, 3], [0, 0, 0], [4, 9, 0]]


def test_a_song_in_several_windows_is_their_average(model: MaLSTM) -> None:
    tokens = _tokens(4, 9, 2)
    average = np.array([[0.5, 0.5, 0], [0, 0, 1]], dtype=np.float32)
    first, second, third = encode(model, tokens)
    songs = to_numpy(model.encode({**named(tokens), "average": average})[0])
    np.testing.assert_allclose(songs, [(first + second) / 2, third], atol=1e-6)


def test_an_embedding_is_made_of_the_pooled_states_times_length_and_the_length() -> None:
    model, tokens = _made(pooling="mean", length_features=True), _tokens(4, 9)
    model.length_features.set_weights([np.array([2.0, 0.5])])
    pooled = encode(_made(pooling="mean"), tokens)
    length = (np.log([4, 9]) - 2.0) / 0.5
    by_hand = np.column_stack([pooled, pooled * length[:, None], length])
    found, _ = model.encode({**named(tokens), "lengths": np.array([4.0, 9.0], dtype=np.float32)})
    np.testing.assert_allclose(to_numpy(found), by_hand, atol=1e-5)


def test_answers_of_heads_are_coordinates_of_an_embedding_each_on_its_scale() -> None:
    model, tokens = _made(pooling="mean", heads={"year": 1, "tags": 2}, embedding=3), _tokens(4, 9)
    pooled = encode(_made(pooling="mean"), tokens)
    kernel, bias, scale = (to_numpy(weight) for weight in model.auxiliary_heads.weights)
    assert scale.tolist() == pytest.approx([1.5, 0.05, 0.05])
    told = pooled @ kernel + bias
    embeddings, answers = (to_numpy(value) for value in model.encode(named(tokens)))
    np.testing.assert_allclose(answers, told[:, :3], atol=1e-5)
    np.testing.assert_allclose(embeddings, told * [1.5, 0.05, 0.05, 1, 1, 1], atol=1e-5)


@pytest.mark.parametrize("kind", BY_HAND)
def test_similarities_are_those_worked_out_by_hand(kind: str) -> None:
    np.testing.assert_allclose(to_numpy(PairSimilarity(kind)(LEFT, RIGHT)), BY_HAND[kind], atol=1e-5)
    np.testing.assert_allclose(Similarity(kind)(LEFT, RIGHT), BY_HAND[kind], atol=1e-9)


def test_a_learned_similarity_is_one_for_equal_embeddings_and_worked_out_by_hand() -> None:
    """One hidden unit: half the distance, and half the product of the second coordinates, less 3.5."""
    network = Steepness(
        difference=np.full((2, 1), 0.5),
        product=np.array([[0.0], [0.5]]),
        bias=np.array([-3.5]),
        factor=np.array([2.0]),
        offset=np.array(0.0),
    )
    layer = LearnedSimilarity(hidden=1)
    layer.build((None, 2))
    for name, value in network._asdict().items():
        getattr(layer, name).assign(value)
    # Distances 0, 3 + 4 and 1 + 7; half products 2 * 2 / 2, 0 and 4 * -3 / 2.
    hidden = [_sigmoid(np.array(x)) for x in (0 + 2 - 3.5, 3.5 + 0 - 3.5, 4 - 6 - 3.5)]
    by_hand = [np.exp(-np.log1p(np.exp(2 * h)) * d) for h, d in zip(hidden, (0, 7, 8), strict=True)]
    np.testing.assert_allclose(to_numpy(layer(LEFT, RIGHT)), by_hand, atol=1e-6)
    np.testing.assert_allclose(Similarity("learned", networks=(network,))(LEFT, RIGHT), by_hand, atol=1e-9)
    np.testing.assert_allclose(Similarity("learned", networks=(network,))(RIGHT, LEFT), by_hand, atol=1e-9)
    assert by_hand[0] == 1.0


def test_another_kind_of_similarity_is_refused() -> None:
    with pytest.raises(ValueError, match="'chebyshev'"):
        PairSimilarity("chebyshev")
    with pytest.raises(ValueError, match="'chebyshev'"):
        Similarity("chebyshev")
    with pytest.raises(ValueError, match="learned"):
        Similarity("learned")


@pytest.mark.parametrize("kind", [*BY_HAND, "learned"])
def test_a_pair_of_one_song_has_a_finite_gradient(kind: str) -> None:
    model = MaLSTM(Architecture(n_tokens=N_TOKENS, dimensions=DIMENSIONS, units=UNITS, similarity=kind))
    model.compile("sgd", loss="mse", run_eagerly=True)
    row = np.zeros(1, dtype=np.int32)
    model.train_on_batch({**named(_tokens(3)), "left": row, "right": row}, np.array([0.2], dtype=np.float32))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_both_songs_pass_through_one_set_of_weights(model: MaLSTM) -> None:
    shapes = {tuple(weight.shape) for weight in model.trainable_variables}
    assert shapes == {(DIMENSIONS, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)}
    assert len(model.trainable_variables) == 3
    tokens = _tokens(4, 9)
    there = model({**named(tokens), "left": np.array([0]), "right": np.array([1])})
    back = model({**named(tokens), "left": np.array([1]), "right": np.array([0])})
    np.testing.assert_allclose(to_numpy(there), to_numpy(back), atol=1e-6)


def test_one_text_twice_scores_one(model: MaLSTM) -> None:
    tokens = np.repeat(_tokens(6), 2, axis=0)
    score = model({**named(tokens), "left": np.array([0]), "right": np.array([1])})
    assert to_numpy(score).tolist() == pytest.approx([1.0], abs=1e-6)


def test_padding_and_batch_mates_do_not_change_an_embedding(model: MaLSTM) -> None:
    tokens = _tokens(4, 9, 2)
    alone = [(encode(model, row[None, row > 0]))[0] for row in tokens]
    padded = (encode(model, np.pad(tokens, ((0, 0), (0, 20)))[::-1]))[::-1]
    np.testing.assert_allclose(padded, alone, atol=1e-6)


def test_word_vectors_are_frozen_and_reach_the_file(model: MaLSTM, tmp_path: Path) -> None:
    before = model.vectors.get_weights()[0].copy()
    model.compile("adam", loss="mse", run_eagerly=True)
    inputs = {**named(_tokens(4, 9)), "left": np.array([0, 1]), "right": np.array([1, 0])}
    model.train_on_batch(inputs, np.array([0.3, 0.3], dtype=np.float32))
    assert np.array_equal(model.vectors.get_weights()[0], before)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(to_numpy(loaded(inputs)), to_numpy(model(inputs)))


def test_word_vectors_change_where_they_are_trained_but_for_words_not_read() -> None:
    model = _made(trained_vectors=True)
    before = model.vectors.get_weights()[0].copy()
    model.compile("sgd", loss="mse", run_eagerly=True)
    moss, stone, fern, padding = 3, 4, 5, 0
    tokens = np.array([[moss, stone], [fern, padding]], dtype=np.int32)
    batch = {**named(tokens), "left": np.array([0]), "right": np.array([1])}
    model.train_on_batch(batch, np.array([0.3], dtype=np.float32))
    changed = np.flatnonzero(np.any(model.vectors.get_weights()[0] != before, axis=1))
    assert changed.tolist() == [moss, stone, fern]


def test_dropout_acts_in_training_only() -> None:
    model = MaLSTM(
        Architecture(n_tokens=N_TOKENS, dimensions=DIMENSIONS, units=UNITS, similarity="cosine", dropout=0.5)
    )
    model.vectors.set_weights([np.random.default_rng(3).normal(size=(N_TOKENS, DIMENSIONS))])
    tokens = _tokens(9)
    calm = encode(model, tokens)
    np.testing.assert_array_equal((encode(model, tokens)), calm)
    assert not np.array_equal((encode(model, tokens, training=True)), calm)


def test_another_kind_of_pooling_is_refused_with_the_choices() -> None:
    with pytest.raises(
        ValueError, match="pooling: received 'sum'; choose last, mean, max, mean_max, last_max"
    ):
        Pooling("sum")
