"""MaLSTM: one LSTM reads both songs, their distance gives the similarity (Mueller & Thyagarajan, AAAI 2016).

Tensors: words int32 (n_words,), distinct token ids; tokens int32 (n_texts, n_steps), positions in words, 0 =
padding; embeddings float32 (n_songs, units * directions); left and right int32 (n_pairs,), numbers of songs;
similarity float32 (n_pairs,) in [0, 1].
Written in keras.ops alone, so that the TensorFlow, JAX and torch backends of Keras 3 run it.
"""

from collections.abc import Callable
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


def _forget_bias(directions: int) -> Callable[..., Any]:
    # 1 for the forget gate, else 0, as in keras.layers.LSTM (Jozefowicz et al. 2015).
    def initial(shape: tuple[int, ...], dtype: Any = None) -> Any:
        units = shape[0] // (4 * directions)
        one = [ops.zeros(units), ops.ones(units), ops.zeros(2 * units)]
        return ops.concatenate(one * directions)

    return initial


@keras.saving.register_keras_serializable("neuralist")
class Pooling(keras.layers.Layer):
    """States over time to one vector a text, padding left out.

    Args:
        kind: `mean`; `max`; `attention`, a weighted mean whose weights a softmax takes from tanh(W h + b) u
            (Yang et al., NAACL 2016, equations 5 to 7).
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """What comes out has no time, and so no mask."""

    def build(self, input_shape: Any) -> None:
        """Make the weights of the attention."""
        if self.kind == "attention":
            width = input_shape[-1]
            self.kernel = self.add_weight(shape=(width, width), initializer="glorot_uniform", name="kernel")
            self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
            self.context = self.add_weight(shape=(width, 1), initializer="glorot_uniform", name="context")
        self.built = True

    def call(self, states: Any, present: Any) -> Any:
        """Pool states (n_texts, n_steps, width) where `present` is true, to (n_texts, width)."""
        present = ops.expand_dims(present, -1)
        if self.kind == "max":
            return ops.max(ops.where(present, states, -1.0), axis=1)  # a state is above -1
        if self.kind == "mean":
            weights: Any = ops.cast(present, states.dtype)
            total: Any = ops.sum(states * weights, axis=1)
            return total / ops.maximum(ops.sum(weights, axis=1), 1.0)
        scores = ops.matmul(ops.tanh(ops.matmul(states, self.kernel) + self.bias), self.context)
        return ops.sum(states * ops.softmax(ops.where(present, scores, -1e9), axis=1), axis=1)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "kind": self.kind}


class _Layer:
    """One LSTM layer: the input projection of all its directions, and a recurrence for each."""

    def __init__(self, units: int, directions: int, sequence: bool, index: int) -> None:
        forget: Any = _forget_bias(directions)
        self.projection = keras.layers.Dense(
            4 * units * directions, bias_initializer=forget, name=f"projection{index}"
        )
        self.recurrences = [
            keras.layers.RNN(
                Recurrence(units),
                return_sequences=sequence,
                go_backwards=backwards,
                name=f"{'backward' if backwards else 'forward'}{index}",
            )
            for backwards in (False, True)[:directions]
        ]

    def build(self, width: int, units: int) -> None:
        self.projection.build((None, width))
        for recurrence in self.recurrences:
            recurrence.build((None, None, 4 * units))

    def __call__(self, projected: Any, present: Any) -> Any:
        """Projected inputs (n_texts, n_steps, 4 * units * directions) to states, or to the last ones."""
        parts: Any = ops.split(projected, len(self.recurrences), axis=-1)
        outputs = []
        for inputs, recurrence in zip(parts, self.recurrences, strict=True):
            output: Any = recurrence(inputs, mask=present)
            backwards = recurrence.go_backwards and recurrence.return_sequences
            outputs.append(ops.flip(output, axis=1) if backwards else output)
        return ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]


@keras.saving.register_keras_serializable("neuralist")
class MaLSTM(keras.Model):
    """A siamese LSTM over word vectors.

    One LSTM with one set of weights encodes every song. With pooling `last` a song's embedding is the state
    after its last word (of each direction), as in the paper. A batch names each distinct word and each song
    once, however often they occur: inputs are a mapping of `words`, `tokens`, `left` and `right`, and of
    `average` where songs are read in several windows. Padding is masked: an embedding does not depend on the
    batch's longest song.

    Args:
        n_tokens: rows of the word vector matrix, padding and <unk> included.
        dimensions: columns of it.
        units: size of the LSTM's state; an embedding holds `units` times `directions` numbers.
        similarity: a kind of `PairSimilarity`.
        pooling: `last`, or a kind of `Pooling`.
        directions: 1, or 2 to read each text backwards too.
        layers: LSTMs on top of each other.
        trained_vectors: whether training changes the word vectors.
        dropout: share of the word vectors' coordinates set to 0 in training, for a batch at a time.
        seed: of the dropout; without one the torch backend draws from a generator that no checkpoint holds.
    """

    def __init__(  # noqa: PLR0913  Keras makes a model again from the names and values of its config
        self,
        *,
        n_tokens: int,
        dimensions: int,
        units: int,
        similarity: str,
        pooling: str = "last",
        directions: int = 1,
        layers: int = 1,
        trained_vectors: bool = False,
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
            "pooling": pooling,
            "directions": directions,
            "layers": layers,
            "trained_vectors": trained_vectors,
            "dropout": dropout,
            "seed": seed,
        }
        self.vectors = keras.layers.Embedding(n_tokens, dimensions, trainable=trained_vectors, name="vectors")
        self.dropout = keras.layers.Dropout(dropout, seed=seed, name="dropout")
        last = range(layers)[-1] if pooling == "last" else None
        self.stack = [_Layer(units, directions, index != last, index) for index in range(layers)]
        # Keras finds layers in attributes and lists, not inside objects of other classes.
        self.parts = [part for layer in self.stack for part in (layer.projection, *layer.recurrences)]
        self.pooling = None if pooling == "last" else Pooling(pooling, name="pooling")
        self.similarity = PairSimilarity(similarity, name="similarity")
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Make the weights; their shapes do not depend on the input's."""
        width, units = self.config["dimensions"], self.config["units"]
        self.vectors.build((None,))
        for layer in self.stack:
            layer.build(width, units)
            width = units * self.config["directions"]
        if self.pooling is not None:
            self.pooling.build((None, None, width))
        self.built = True

    def encode(self, words: Any, tokens: Any, average: Any = None, training: bool = False) -> Any:
        """Embed songs.

        Args:
            words: int32 (n_words,), token ids, the first of them padding.
            tokens: int32 (n_texts, n_steps), positions in `words`; 0, padding, only at the end. A text is a
                song, or a window of one.
            average: float32 (n_songs, n_texts), the share of each text in each song; without it every text
                is a song.
            training: whether to drop coordinates.

        Returns:
            Embeddings (n_songs, units * directions).
        """
        present = ops.not_equal(tokens, 0)
        first, *others = self.stack
        projected = first.projection(self.dropout(self.vectors(words), training=training))
        states = first(ops.take(projected, tokens, axis=0), present)
        for layer in others:
            states = layer(layer.projection(states), present)
        embeddings: Any = states if self.pooling is None else self.pooling(states, present)
        return embeddings if average is None else ops.matmul(average, embeddings)

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """Predict the similarity of each pair in a batch."""
        embeddings = self.encode(inputs["words"], inputs["tokens"], inputs.get("average"), training=training)
        left = ops.take(embeddings, inputs["left"], axis=0)
        right = ops.take(embeddings, inputs["right"], axis=0)
        return self.similarity(left, right)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        return {"name": self.name, **self.config}
