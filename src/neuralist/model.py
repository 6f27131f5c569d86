"""MaLSTM: one LSTM reads both songs, their distance gives the similarity (Mueller & Thyagarajan, AAAI 2016).

Tensors: words int32 (n_words,), distinct token ids; tokens int32 (n_songs, n_steps), positions in words, 0 =
padding; embeddings float32 (n_songs, units); left and right int32 (n_pairs,), rows of tokens; similarity
float32 (n_pairs,) in [0, 1].
Written in keras.ops alone, so that the TensorFlow, JAX and torch backends of Keras 3 run it.
"""

from typing import Any

import keras
from keras import ops

EPSILON = 1e-6


@keras.saving.register_keras_serializable("neuralist")
class PairSimilarity(keras.layers.Layer):
    """Similarity of two embeddings, in [0, 1]; 1 for equal ones.

    Args:
        kind: `manhattan`, exp(-|a - b|_1), equation 3 of Mueller & Thyagarajan 2016; `euclidean`,
            1 - |a - b|_2 / (|a|_2 + |b|_2), the predecessor's; `cosine`, (1 + cos(a, b)) / 2.

    Raises:
        ValueError: another kind.
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kind not in ("manhattan", "euclidean", "cosine"):
            raise ValueError(f"similarity: received {kind!r}; choose manhattan, euclidean or cosine")
        self.kind = kind

    def call(self, left: Any, right: Any) -> Any:
        """Map embeddings (n_pairs, units), twice, to similarities (n_pairs,)."""
        if self.kind == "manhattan":
            distance: Any = ops.norm(left - right, ord=1, axis=-1)
            return ops.exp(-distance)
        if self.kind == "euclidean":
            return 1 - _length(left - right) / (_length(left) + _length(right) + EPSILON)
        product = (_length(left) + EPSILON) * (_length(right) + EPSILON)
        return (1 + ops.sum(left * right, axis=-1) / product) / 2

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "kind": self.kind}


def _length(vectors: Any) -> Any:
    # The bare root has an infinite gradient at 0, where two songs of one text stand.
    squares: Any = ops.sum(ops.square(vectors), axis=-1)
    root: Any = ops.sqrt(squares + EPSILON**2)
    return root - EPSILON


@keras.saving.register_keras_serializable("neuralist")
class Recurrence(keras.layers.Layer):
    """The recurrent half of an LSTM cell (Hochreiter & Schmidhuber 1997, with forget gate).

    Its input, (n_songs, 4 * units), is already multiplied by the input weights, gates in the order i, f, c,
    o. `keras.layers.LSTM` multiplies at every step; here a batch multiplies each of its words once, and a
    training step takes half the time.

    Args:
        units: size of the state.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: Any = None) -> None:
        """Make the recurrent weights."""
        self.kernel = self.add_weight(
            shape=(self.units, 4 * self.units), initializer="orthogonal", name="kernel"
        )
        self.built = True

    def call(self, inputs: Any, states: list[Any], training: bool = False) -> tuple[Any, list[Any]]:
        """Take one step: inputs (n_songs, 4 * units) and states (hidden, cell) to the next ones."""
        hidden, cell = states
        gates: Any = ops.split(inputs + ops.matmul(hidden, self.kernel), 4, axis=-1)
        i, f, o = (ops.sigmoid(gates[index]) for index in (0, 1, 3))
        cell = ops.add(ops.multiply(f, cell), ops.multiply(i, ops.tanh(gates[2])))
        hidden = ops.multiply(o, ops.tanh(cell))
        return hidden, [hidden, cell]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "units": self.units}


def _forget_bias(shape: tuple[int, ...], dtype: Any = None) -> Any:
    # 1 for the forget gate, else 0, as in keras.layers.LSTM (Jozefowicz et al. 2015).
    units = shape[0] // 4
    return ops.concatenate([ops.zeros(units), ops.ones(units), ops.zeros(2 * units)])


@keras.saving.register_keras_serializable("neuralist")
class MaLSTM(keras.Model):
    """A siamese LSTM over frozen word vectors.

    One LSTM with one set of weights encodes every song; a song's embedding is the state after its last word.
    A batch names each distinct word and each song once, however often they occur: inputs are a mapping of
    `words`, `tokens`, `left` and `right`. Padding is masked: an embedding does not depend on the batch's
    longest song.

    Args:
        n_tokens: rows of the word vector matrix, padding and <unk> included.
        dimensions: columns of it.
        units: size of an embedding.
        similarity: a kind of `PairSimilarity`.
        dropout: share of the word vectors' coordinates set to 0 in training, for a batch at a time.
        seed: of the dropout; without one the torch backend draws from a generator that no checkpoint holds.
    """

    def __init__(
        self,
        *,
        n_tokens: int,
        dimensions: int,
        units: int,
        similarity: str,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = {
            "n_tokens": n_tokens,
            "dimensions": dimensions,
            "units": units,
            "similarity": similarity,
            "dropout": dropout,
            "seed": seed,
        }
        self.vectors = keras.layers.Embedding(n_tokens, dimensions, trainable=False, name="vectors")
        self.dropout = keras.layers.Dropout(dropout, seed=seed, name="dropout")
        forget: Any = _forget_bias
        self.projection = keras.layers.Dense(4 * units, bias_initializer=forget, name="projection")
        self.recurrence = keras.layers.RNN(Recurrence(units), name="recurrence")
        self.similarity = PairSimilarity(similarity, name="similarity")
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; their shapes do not depend on the input's."""
        self.vectors.build((None,))
        self.projection.build((None, self.config["dimensions"]))
        self.recurrence.build((None, None, 4 * self.config["units"]))
        self.built = True

    def encode(self, words: Any, tokens: Any, training: bool = False) -> Any:
        """Embed songs.

        Args:
            words: int32 (n_words,), token ids, the first of them padding.
            tokens: int32 (n_songs, n_steps), positions in `words`; 0, padding, only at the end.
            training: whether to drop coordinates.

        Returns:
            Embeddings (n_songs, units).
        """
        projected = self.projection(self.dropout(self.vectors(words), training=training))
        return self.recurrence(ops.take(projected, tokens, axis=0), mask=ops.not_equal(tokens, 0))

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """Predict the similarity of each pair in a batch."""
        embeddings = self.encode(inputs["words"], inputs["tokens"], training=training)
        left = ops.take(embeddings, inputs["left"], axis=0)
        right = ops.take(embeddings, inputs["right"], axis=0)
        return self.similarity(left, right)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        return {"name": self.name, **self.config}
