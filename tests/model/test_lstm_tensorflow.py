"""The recurrence and its written-down gradient, against Keras' own LSTM and TensorFlow's gradient of it."""

from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

from neuralist.config import experiment
from neuralist.model import lstm_tensorflow
from neuralist.model.layers import Recurrence
from neuralist.model.malstm import Architecture, MaLSTM

pytestmark = pytest.mark.tensorflow

N_WORDS, UNITS, DIMENSIONS = 12, 3, 4
KERAS_ORDER = [0, 1, 2, 3, 4, 5, 9, 10, 11, 6, 7, 8]  # gates i, f, c, o, three columns each


def keras_states(projected: Any, kernel: Any, tokens: Any) -> Any:
    """`lstm_tensorflow.states` by Keras' own LSTM, whose input weights leave its input as it is."""
    lstm = keras.layers.LSTM(UNITS, return_sequences=True, use_bias=False)
    lstm.build((None, None, 4 * UNITS))
    lstm.cell.kernel.assign(np.eye(4 * UNITS))
    lstm.cell.recurrent_kernel = tf.gather(kernel, KERAS_ORDER, axis=1)
    by_text = tf.transpose(tokens)
    entering = tf.gather(tf.gather(projected, KERAS_ORDER, axis=1), by_text)
    return tf.transpose(lstm(entering, mask=by_text != 0), [1, 0, 2])


class Case:
    """Texts of random words, weights, and a random factor for each state of a word, whose sum is the loss."""

    def __init__(self, lengths: list[int], n_steps: int) -> None:
        rng = np.random.default_rng([n_steps, *lengths])
        draw = rng.normal
        self.projected = draw(size=(N_WORDS, 4 * UNITS)).astype(np.float32)
        self.kernel = draw(size=(UNITS, 4 * UNITS)).astype(np.float32)
        self.present = np.arange(n_steps)[:, None] < np.array(lengths, dtype=int)
        shape = self.present.shape
        self.tokens = np.where(self.present, rng.integers(1, N_WORDS, size=shape), 0).astype(np.int32)
        self.factors = (draw(size=(*shape, UNITS)) * self.present[..., None]).astype(np.float32)

    def ours(self) -> list[np.ndarray]:
        """States, and the loss' gradients by projected and by kernel."""
        return self._differentiated(lstm_tensorflow.states)

    def theirs(self) -> list[np.ndarray]:
        """The same by Keras' own LSTM."""
        return self._differentiated(keras_states)

    def _differentiated(self, states: Any) -> list[np.ndarray]:
        weights = [tf.constant(self.projected), tf.constant(self.kernel)]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            found = states(*weights, tf.constant(self.tokens))
            loss = tf.reduce_sum(found * self.factors)
        gradients = [tf.convert_to_tensor(one).numpy() for one in tape.gradient(loss, weights)]
        return [found.numpy() * self.present[..., None], *gradients]


@pytest.mark.parametrize(
    ("lengths", "n_steps"),
    [([9, 7, 7, 5, 4, 2, 1, 1, 1], 9), ([2, 6, 0, 1, 4], 8), ([3], 3), ([0, 0], 4)],
    ids=["longest first", "in any order, one empty, room left", "fewer texts than groups", "nothing to read"],
)
def test_states_and_gradients_are_those_of_keras_own_lstm(lengths: list[int], n_steps: int) -> None:
    case = Case(lengths, n_steps)
    for ours, theirs in zip(case.ours(), case.theirs(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_a_function_made_for_any_number_of_texts_and_steps_gives_the_same() -> None:
    signature = [tf.TensorSpec([None, 4 * UNITS]), tf.TensorSpec([UNITS, 4 * UNITS])]
    traced = tf.function(
        lstm_tensorflow.states, input_signature=[*signature, tf.TensorSpec([None, None], tf.int32)]
    )
    for case in (Case([5, 3, 1], 5), Case([4, 4, 3, 3, 2, 1], 6)):
        found = traced(case.projected, case.kernel, case.tokens).numpy() * case.present[..., None]
        np.testing.assert_allclose(found, case.theirs()[0], atol=2e-6)


def test_the_steps_of_other_backends_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    case, layer = Case([5, 3, 1], 5), Recurrence(UNITS)
    layer.build()
    layer.kernel.assign(case.kernel)
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    found = np.asarray(layer.call(tf.constant(case.projected), tf.constant(case.tokens)))
    np.testing.assert_allclose(found * case.present[..., None], case.theirs()[0], atol=2e-6)


@pytest.mark.parametrize("similarity", get_args(experiment.Similarity))
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one direction", "two directions"])
@pytest.mark.parametrize("pooling", get_args(experiment.Pooling))
def test_every_kind_of_model_has_outputs_and_gradients_of_keras_own_lstm(
    pooling: str, bidirectional: bool, similarity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = Architecture(N_WORDS, DIMENSIONS, UNITS, similarity, bidirectional, pooling)
    model, draw = MaLSTM(architecture), np.random.default_rng(8).normal
    for weight in model.weights:
        weight.assign(draw(size=weight.shape))
    pairs = {"left": np.array([0, 0, 1]), "right": np.array([1, 2, 2])}
    batch = {"words": np.arange(N_WORDS, dtype=np.int32), "tokens": Case([6, 4, 1], 6).tokens.T, **pairs}

    def differentiated() -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            predicted = model(batch)
            loss = tf.reduce_sum(tf.math.log(predicted) * [1.0, -2.0, 0.5])
        gradients = tape.gradient(loss, model.trainable_variables)
        return [predicted.numpy(), *(tf.convert_to_tensor(one).numpy() for one in gradients)]

    ours = differentiated()
    monkeypatch.setattr(lstm_tensorflow, "states", keras_states)
    for own, theirs in zip(ours, differentiated(), strict=True):
        largest = np.abs(theirs).max()  # of learned similarities' weights some gradients are small
        assert largest > 0
        np.testing.assert_allclose(own / largest, theirs / largest, atol=1e-4)
