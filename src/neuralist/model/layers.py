"""The layers of MaLSTM: recurrence, pooling over time, auxiliary heads, similarity of two.

Written in keras.ops, so that the TensorFlow, JAX and torch backends of Keras 3 run them; TensorFlow alone has
a faster recurrence, `neuralist.model.lstm_tensorflow`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

import keras
import numpy as np
from keras import ops

from neuralist.config import experiment

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
    """The recurrent half of an LSTM (Hochreiter & Schmidhuber 1997, with forget gate).

    Its input is already multiplied by the input weights, gates in the order i, f, o, c, and one row a
    distinct word: `keras.layers.LSTM` multiplies every word of every text.

    Args:
        units: size of the state.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any = None) -> None:
        """Make the recurrent weights."""
        self.kernel = self.add_weight(
            shape=(self.units, 4 * self.units), initializer="orthogonal", name="kernel"
        )
        self.built = True

    def call(self, projected: Any, tokens: Any) -> Any:
        """Give the hidden state after each word: (n_steps, n_texts, units), any past the end of a text.

        Args:
            projected: float32 (n_words, 4 * units).
            tokens: int32 (n_steps, n_texts), rows of projected; 0, padding, only at the end of a text.
        """
        if keras.backend.backend() == "tensorflow":
            from neuralist.model import lstm_tensorflow  # other backends may have no TensorFlow

            return lstm_tensorflow.states(projected, self.kernel, tokens)

        def step(both: Any, entering: Any) -> tuple[Any, Any]:
            hidden, cell = both[0], both[1]
            gates: Any = ops.split(entering + ops.matmul(hidden, self.kernel), 4, axis=-1)
            i, f, o = (ops.sigmoid(gates[at]) for at in range(3))
            cell = ops.add(ops.multiply(f, cell), ops.multiply(i, ops.tanh(gates[3])))
            both = ops.stack([ops.multiply(o, ops.tanh(cell)), cell])
            return both, both  # `scan` gives of each step what it carries on

        start: Any = ops.zeros((2, tokens.shape[1], self.units))
        found: Any = ops.scan(step, start, ops.take(projected, tokens, axis=0))
        return found[1][:, 0]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "units": self.units}


def gates(forget_bias: float) -> Callable[..., Any]:
    """Initial biases of the gates i, f, o, c: all but the forget gate's are 0 (Jozefowicz et al. 2015)."""

    def initial(shape: tuple[int, ...], dtype: Any = None) -> Any:
        units = shape[0] // 4
        return ops.concatenate([ops.zeros(units), ops.full((units,), forget_bias), ops.zeros(2 * units)])

    return initial


@keras.saving.register_keras_serializable("neuralist")
class Pooling(keras.layers.Layer):
    """States over time to one vector a text, padding left out; 0, or the least maximum, -1, without words.

    Args:
        kind: `last`, the state after the last word; `mean`; or `mean_max`: means and maxima, one after the
            other. A further kind also needs its name in `config.experiment`, its nodes in
            `onnx_export._add_pooling`, and where it widens the vector, `MaLSTM.build` and `_add_song`.

    Raises:
        ValueError: `kind` is another.
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kind not in get_args(experiment.Pooling):
            raise ValueError(f"pooling: received {kind!r}; choose {', '.join(get_args(experiment.Pooling))}")
        self.kind = kind

    def call(self, states: Any, present: Any) -> Any:
        """Pool states (n_steps, n_texts, width) where `present` is true: (n_texts, width or twice that)."""
        counts: Any = ops.sum(ops.cast(present, "int32"), axis=0)
        if self.kind == "last":
            return _last(states, counts)
        present = ops.expand_dims(present, -1)
        total: Any = ops.sum(ops.where(present, states, 0.0), axis=0)
        mean = total / ops.cast(ops.expand_dims(ops.maximum(counts, 1), -1), states.dtype)
        if self.kind == "mean":
            return mean
        highest: Any = ops.max(ops.where(present, states, -1.0), axis=0)  # a state is above -1
        return ops.concatenate([mean, highest], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "kind": self.kind}


def _last(states: Any, counts: Any) -> Any:
    shape: Any = ops.shape(states)
    _, n_texts, width = shape
    rows: Any = ops.maximum(counts - 1, 0) * n_texts + ops.arange(n_texts, dtype="int32")
    last: Any = ops.take(ops.reshape(states, (-1, width)), rows, axis=0)
    return ops.where(ops.expand_dims(counts > 0, -1), last, 0.0)


@keras.saving.register_keras_serializable("neuralist")
class LengthFeatures(keras.layers.Layer):
    """Adds a text's length, and all that was pooled times it, to what was pooled.

    The length is the logarithm of the number of tokens, standardised over the training songs. In lyrics it
    tells the year (a correlation of 0.56 in the Million Song subset), and pooled states mean other things in
    long songs than in short ones.
    """

    def build(self, input_shape: Any = None) -> None:
        """Make mean and deviation of the logarithm, which the training songs set and no step changes."""
        self.scale = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="scale")
        self.built = True

    def call(self, pooled: Any, lengths: Any) -> Any:
        """Pooled (n_songs, width) and lengths float32 (n_songs,), at least 1, to (n_songs, 2 * width + 1)."""
        length: Any = (ops.log(ops.maximum(lengths, 1.0)) - self.scale[0]) / self.scale[1]
        length = ops.expand_dims(length, -1)
        return ops.concatenate([pooled, pooled * length, length], axis=-1)


@keras.saving.register_keras_serializable("neuralist")
class AuxiliaryHeads(keras.layers.Layer):
    """Turns what was pooled into an embedding: answers of heads, each on its own scale, and free numbers.

    A head learns to predict something of the song, such as its year. Its answer is a coordinate of the
    embedding, so that songs are near whose answers are; the scales, learned from pairs, say how much each
    one counts.

    Args:
        heads: group of heads (a key of SCALES) to their number.
        free: numbers beside them, for the pairs alone to use.
    """

    # What a standard deviation of an answer adds to a distance at the start. Year tells most of Last.fm's
    # lists, and tags are many; found on val of the Million Song subset.
    SCALES: ClassVar[dict[str, float]] = {"year": 1.5, "tags": 0.05, "graph": 0.2}

    def __init__(self, heads: Mapping[str, int], free: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.free = dict(heads), free

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        n_heads = sum(self.heads.values())
        at_start = [self.SCALES[group] for group, number in self.heads.items() for _ in range(number)]
        self.kernel = self.add_weight(
            shape=(input_shape[-1], n_heads + self.free), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(n_heads + self.free,), initializer="zeros", name="bias")
        self.scale = self.add_weight(shape=(n_heads,), initializer="zeros", name="scale")
        self.scale.assign(np.array(at_start, dtype=np.float32))
        self.built = True

    def call(self, pooled: Any, others: Any = None) -> tuple[Any, Any]:
        """Pooled (n_songs, width) to embeddings (n_songs, heads + free) and answers (n_songs, heads).

        With the answers of `others` to the same heads, the answers are the mean of both.
        """
        outputs: Any = ops.matmul(pooled, self.kernel) + self.bias
        answers = outputs[:, : sum(self.heads.values())]
        if others is not None:
            answers = (answers + others) / 2
        free = outputs[:, sum(self.heads.values()) :]
        return ops.concatenate([answers * self.scale, free], axis=-1), answers

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "heads": self.heads, "free": self.free}


@keras.saving.register_keras_serializable("neuralist")
class BagOfWords(keras.layers.Layer):
    """Answers to heads from the distinct words of a song; see `neuralist.model.bag_of_words`.

    Args:
        n_tokens: rows of the table.
        n_heads: columns of it.
    """

    def __init__(self, n_tokens: int, n_heads: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.n_tokens, self.n_heads = n_tokens, n_heads

    def build(self, input_shape: Any = None) -> None:
        """Make the arrays of `bag_of_words.Bag`, in its order."""
        shapes = {
            "table": (self.n_tokens, self.n_heads),
            "squares": (self.n_tokens, 1),
            "bias": (self.n_heads,),
        }
        self.table, self.squares, self.bias = (
            self.add_weight(shape=shape, initializer="zeros", name=name) for name, shape in shapes.items()
        )
        self.built = True

    def call(self, distinct: Any) -> Any:
        """Token ids int32 (n_songs, most), filled up with padding, to answers (n_songs, n_heads)."""
        total: Any = ops.sum(ops.take(self.table, distinct, axis=0), axis=1)
        squares: Any = ops.sum(ops.take(self.squares, distinct, axis=0), axis=1)
        # The square of a frequency that tells anything is above 1; a song without such words gets the bias.
        return total / ops.sqrt(ops.maximum(squares, 1.0)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return {**super().get_config(), "n_tokens": self.n_tokens, "n_heads": self.n_heads}
