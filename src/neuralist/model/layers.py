"""The layers of MaLSTM: recurrence, pooling over time, auxiliary heads, pair similarity.

Written in keras.ops, so that the TensorFlow, JAX and torch backends of Keras 3 run them; TensorFlow alone has
a faster recurrence, `neuralist.model.lstm_tensorflow`. Keras makes `get_config` from their arguments.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

import numpy as np

from neuralist.config import experiment
from neuralist.model.backend import keras, ops

EPSILON = 1e-6


@keras.saving.register_keras_serializable("neuralist")
class PairSimilarity(keras.layers.Layer):
    """Similarity of two embeddings, in [0, 1]; 1 for equal ones.

    Args:
        kind: `manhattan`, exp(-|a - b|_1), equation 3 of Mueller & Thyagarajan 2016; `euclidean`,
            1 - |a - b|_2 / (|a|_2 + |b|_2), the predecessor's; `cosine`, (1 + cos(a, b)) / 2.

    Raises:
        ValueError: `kind` is unknown.
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


@keras.saving.register_keras_serializable("neuralist")
class LearnedSimilarity(keras.layers.Layer):
    """Manhattan similarity, as steep as a network makes it for each pair, in [0, 1]; 1 for equal ones.

    The similarity is exp(-f |a - b|_1), where f > 0 is made of |a - b| and a * b by one hidden layer; the
    features are those of Tai, Socher & Manning 2015, equation 15. So what two texts share counts, too.

    Args:
        hidden: size of the hidden layer.
    """

    def __init__(self, hidden: int = 50, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = hidden

    def build(self, input_shape: Any) -> None:
        """Create the weights of `similarity.Steepness`; at the start f is about 1."""
        width, ones = input_shape[-1], keras.initializers.Constant(1.0)
        self.difference = self.add_weight(shape=(width, self.hidden), name="difference")
        self.product = self.add_weight(shape=(width, self.hidden), name="product")
        self.bias = self.add_weight(shape=(self.hidden,), initializer="zeros", name="bias")
        self.factor = self.add_weight(shape=(self.hidden,), initializer="zeros", name="factor")
        self.offset = self.add_weight(shape=(), initializer=ones, name="offset")
        self.built = True

    def call(self, left: Any, right: Any) -> Any:
        """Map embeddings (n_pairs, width), twice, to similarities (n_pairs,)."""
        difference: Any = ops.abs(left - right)
        shared: Any = ops.matmul(left * right, self.product)
        hidden = ops.sigmoid(ops.matmul(difference, self.difference) + shared + self.bias)
        steepness: Any = ops.softplus(ops.sum(hidden * self.factor, axis=-1) + self.offset)
        return ops.exp(-steepness * ops.sum(difference, axis=-1))


@keras.saving.register_keras_serializable("neuralist")
class Scale(keras.layers.Layer):
    """Multiplies each coordinate of an embedding by a learned weight, which it then has in the distance."""

    def build(self, input_shape: Any) -> None:
        """Create the weights."""
        self.weight = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="weight")
        self.built = True

    def call(self, embeddings: Any) -> Any:
        """Map embeddings (n_songs, width) to as many."""
        return embeddings * self.weight


def _length(vectors: Any) -> Any:
    # The bare root has an infinite gradient at 0, the distance of equal texts.
    squares: Any = ops.sum(ops.square(vectors), axis=-1)
    root: Any = ops.sqrt(squares + EPSILON**2)
    return root - EPSILON


@keras.saving.register_keras_serializable("neuralist")
class Recurrence(keras.layers.Layer):
    """The recurrent half of an LSTM (Hochreiter & Schmidhuber 1997, with forget gate).

    Its input is already multiplied by the input weights, gates in the order i, f, o, c, with a row for
    each distinct word: `keras.layers.LSTM` multiplies every word of every text.

    Args:
        units: size of the state.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any = None) -> None:
        """Create the recurrent weights."""
        self.kernel = self.add_weight(
            shape=(self.units, 4 * self.units), initializer="orthogonal", name="kernel"
        )
        self.built = True

    def call(self, projected: Any, tokens: Any) -> Any:
        """Return the hidden states: (n_steps, n_texts, units), arbitrary past the end of a text.

        Args:
            projected: float32 (n_words, 4 * units).
            tokens: int32 (n_steps, n_texts), rows of projected; 0, padding, only at the end of a text.
        """
        if keras.backend.backend() == "tensorflow":
            from neuralist.model import lstm_tensorflow  # other backends may have no TensorFlow

            return lstm_tensorflow.states(projected, self.kernel, tokens)

        def step(state: Any, inputs: Any) -> tuple[Any, Any]:
            hidden, cell = state[0], state[1]
            gates: Any = ops.split(inputs + ops.matmul(hidden, self.kernel), 4, axis=-1)
            i, f, o = (ops.sigmoid(gates[at]) for at in range(3))
            cell = ops.add(ops.multiply(f, cell), ops.multiply(i, ops.tanh(gates[3])))
            state = ops.stack([ops.multiply(o, ops.tanh(cell)), cell])
            return state, state  # `scan` stacks the second, one for each step

        start: Any = ops.zeros((2, tokens.shape[1], self.units))
        states: Any = ops.scan(step, start, ops.take(projected, tokens, axis=0))
        return states[1][:, 0]


def reverse(tokens: Any) -> Any:
    """Return texts from their last token to the first: int32 (n_steps, n_texts), padding still at the end."""
    shape: Any = ops.shape(tokens)
    steps: Any = ops.expand_dims(ops.arange(shape[0], dtype="int32"), -1)
    counts: Any = ops.sum(ops.cast(ops.not_equal(tokens, 0), "int32"), axis=0)
    return ops.take_along_axis(tokens, ops.where(steps < counts, counts - 1 - steps, steps), axis=0)


def gates(forget_bias: float) -> Callable[..., Any]:
    """Return an initializer of the biases of gates i, f, o, c: 0 but for f (Jozefowicz et al. 2015)."""

    def initial(shape: tuple[int, ...], dtype: Any = None) -> Any:
        units = shape[0] // 4
        return ops.concatenate([ops.zeros(units), ops.full((units,), forget_bias), ops.zeros(2 * units)])

    return initial


@keras.saving.register_keras_serializable("neuralist")
class Pooling(keras.layers.Layer):
    """Pools states over time, without padding: a vector per text; an empty text has mean 0, maximum -1.

    Args:
        kind: `last`, the state after the last word; `mean`; `max`; or two of these, one after the other. A
            further one also needs its nodes in `onnx_export._operator` and `onnx_export._step`.

    Raises:
        ValueError: `kind` is none of KINDS.
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kind not in get_args(experiment.Pooling):
            raise ValueError(f"pooling: received {kind!r}; choose {', '.join(get_args(experiment.Pooling))}")
        self.kind = kind
        self.parts = tuple(kind.split("_"))

    def call(self, states: Any, present: Any) -> Any:
        """Pool states (n_steps, n_texts, width) where `present` is true: (n_texts, width or twice that)."""
        counts: Any = ops.sum(ops.cast(present, "int32"), axis=0)
        masked = ops.expand_dims(present, -1)
        parts = []
        for part in self.parts:
            if part == "last":
                parts.append(_last(states, counts))
            elif part == "mean":
                total: Any = ops.sum(ops.where(masked, states, 0.0), axis=0)
                parts.append(total / ops.cast(ops.expand_dims(ops.maximum(counts, 1), -1), states.dtype))
            else:
                parts.append(ops.max(ops.where(masked, states, -1.0), axis=0))  # a state is above -1
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


def _last(states: Any, counts: Any) -> Any:
    shape: Any = ops.shape(states)
    _, n_texts, width = shape
    rows: Any = ops.maximum(counts - 1, 0) * n_texts + ops.arange(n_texts, dtype="int32")
    last: Any = ops.take(ops.reshape(states, (-1, width)), rows, axis=0)
    return ops.where(ops.expand_dims(counts > 0, -1), last, 0.0)


@keras.saving.register_keras_serializable("neuralist")
class LengthFeatures(keras.layers.Layer):
    """Appends to the pooled vector its product with the text's length, and the length.

    The length is the logarithm of the number of tokens, standardised over the training songs. In lyrics it
    predicts the year (a correlation of 0.56 in the Million Song subset), and pooled states differ in meaning
    between long and short songs.
    """

    def build(self, input_shape: Any = None) -> None:
        """Create mean and deviation of the logarithm, set from the training songs and not trained."""
        self.scale = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="scale")
        self.built = True

    def call(self, pooled: Any, lengths: Any) -> Any:
        """Map pooled (n_songs, width) and lengths float32 (n_songs,) to (n_songs, 2 * width + 1)."""
        length: Any = (ops.log(ops.maximum(lengths, 1.0)) - self.scale[0]) / self.scale[1]
        length = ops.expand_dims(length, -1)
        return ops.concatenate([pooled, pooled * length, length], axis=-1)


@keras.saving.register_keras_serializable("neuralist")
class AuxiliaryHeads(keras.layers.Layer):
    """Maps the pooled vector to an embedding: scaled predictions of the heads, and free coordinates.

    A head learns to predict a property of the song, such as its year. Its prediction is a coordinate of the
    embedding, so that songs with close predictions are near; scales, learned from pairs, weight the heads.

    Args:
        heads: group of heads (a key of SCALES) to their number.
        free: number of further coordinates, trained by the pairs only.
        share: of other predictions for the same heads in their mean with these.
    """

    # Initial weight of a standard deviation of a prediction in the distance. Year explains most of Last.fm's
    # lists, and tags are many; chosen on val of the Million Song subset.
    SCALES: ClassVar[dict[str, float]] = {"year": 1.5, "tags": 0.05, "lastfm": 0.1, "graph": 0.2}

    def __init__(self, heads: Mapping[str, int], free: int, share: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.free, self.share = dict(heads), free, share

    def build(self, input_shape: Any) -> None:
        """Create the weights."""
        n_heads = sum(self.heads.values())
        initial_scales = [self.SCALES[group] for group, number in self.heads.items() for _ in range(number)]
        self.kernel = self.add_weight(
            shape=(input_shape[-1], n_heads + self.free), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(n_heads + self.free,), initializer="zeros", name="bias")
        self.scale = self.add_weight(shape=(n_heads,), initializer="zeros", name="scale")
        self.scale.assign(np.array(initial_scales, dtype=np.float32))
        self.built = True

    def call(self, pooled: Any, others: Any = None) -> tuple[Any, Any]:
        """Map pooled (n_songs, width) to embeddings (n_songs, heads + free) and predictions (n_songs, heads).

        Where `others`, predictions for the same heads, are passed, the predictions are a mean of both.
        """
        outputs: Any = ops.matmul(pooled, self.kernel) + self.bias
        answers = outputs[:, : sum(self.heads.values())]
        if others is not None:
            answers = (1 - self.share) * answers + self.share * others
        free = outputs[:, sum(self.heads.values()) :]
        return ops.concatenate([answers * self.scale, free], axis=-1), answers


@keras.saving.register_keras_serializable("neuralist")
class BagOfWords(keras.layers.Layer):
    """Predicts the heads from the distinct words of a song; see `neuralist.model.bag_of_words`.

    Args:
        n_tokens: rows of the table.
        n_heads: columns of it.
    """

    def __init__(self, n_tokens: int, n_heads: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.n_tokens, self.n_heads = n_tokens, n_heads

    def build(self, input_shape: Any = None) -> None:
        """Create the arrays of `bag_of_words.Bag`, in its order."""
        self.table = self.add_weight(shape=(self.n_tokens, self.n_heads), initializer="zeros", name="table")
        self.squares = self.add_weight(shape=(self.n_tokens, 1), initializer="zeros", name="squares")
        self.bias = self.add_weight(shape=(self.n_heads,), initializer="zeros", name="bias")
        self.representatives = self.add_weight(
            shape=(self.n_tokens,), initializer="zeros", dtype="int32", name="representatives"
        )
        self.built = True

    def call(self, distinct: Any) -> Any:
        """Map token ids to predictions (n_songs, n_heads).

        Args:
            distinct: int32 (n_songs, max_distinct), padded; of words with another representative, that one.
        """
        total: Any = ops.sum(ops.take(self.table, distinct, axis=0), axis=1)
        squares: Any = ops.sum(ops.take(self.squares, distinct, axis=0), axis=1)
        # The square of an idf that counts is above 1; a song of ignored words gets the bias.
        return total / ops.sqrt(ops.maximum(squares, 1.0)) + self.bias
