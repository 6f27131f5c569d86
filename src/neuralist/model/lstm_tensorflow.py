"""The recurrence of an LSTM and its gradient in TensorFlow: groups of texts side by side on the cores.

In an LSTM's step XLA keeps one core busy, so a batch is cut into groups of texts, each an XLA program of its
own, which TensorFlow runs side by side. XLA computes what is used twice twice, unless it is one array, and
spreads a loop body of more than eight operations over threads that the groups already use: hence one sigmoid
for all gates, no state kept that can be made again, and a gradient that is written down here, where the
recurrent weights' is one product over all steps. `python -m benchmarks training` measures what that brings.

Shapes: projected (n_words, 4 * units), what the input weights make of each distinct word, gates in the order
i, f, o, c; kernel (units, 4 * units); tokens int32 (n_steps, n_texts), rows of projected, 0, padding, only at
a text's end.
"""

from typing import Any, NamedTuple

import tensorflow as tf

GROUPS = 4


class Taken(NamedTuple):
    """The steps that a group took, for the way back; past the longest text gates have no meaning."""

    hidden: tf.Tensor  # (n_steps, n_texts, units), 0 past the longest text
    gates: tf.Tensor  # (n_steps, n_texts, 4 * units)
    cell: tf.Tensor  # (n_steps, n_texts, units), 0 past the longest text
    longest: tf.Tensor  # how many they are


def states(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """The hidden state after every word: (n_steps, n_texts, units), without meaning past a text's end.

    A group takes as many steps as its longest text has words: texts sorted by length take the least.
    """
    kernel = tf.convert_to_tensor(kernel)  # a gradient that is written down takes no variable
    n_texts = tf.shape(tokens)[1]
    sizes = [(n_texts + GROUPS - 1 - number) // GROUPS for number in range(GROUPS)]
    groups = tf.split(tokens, tf.stack(sizes), axis=1, num=GROUPS)
    return tf.concat([_of_group(projected, kernel, group) for group in groups], axis=1)


@tf.custom_gradient
def _of_group(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> Any:
    # Where code runs eagerly, a gradient tape would look for the program's own gradient.
    taken = _forward(tf.stop_gradient(projected), tf.stop_gradient(kernel), tokens)

    def gradient(arriving: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None]:
        return *_backward(arriving, tf.shape(projected)[0], kernel, tokens, taken), None

    return taken.hidden, gradient


@tf.function(jit_compile=True, autograph=False)
def _forward(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> Taken:
    units: Any = kernel.shape[0]
    longest = tf.reduce_sum(tf.cast(tf.reduce_any(tokens != 0, axis=1), tf.int32))
    entering = tf.gather(projected, tokens)
    scale = tf.constant([1.0] * (3 * units) + [2.0] * units)

    def step(
        at: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, gates: tf.TensorArray, cells: tf.TensorArray
    ) -> tuple[Any, ...]:
        # tanh(x) = 2 sigmoid(2 x) - 1
        opened = tf.sigmoid((gates.read(at) + tf.matmul(hidden, kernel)) * scale) * scale - (scale - 1)
        i, f, o, c = tf.split(opened, 4, axis=1)
        cell = f * cell + i * c
        return at + 1, o * tf.tanh(cell), cell, gates.write(at, opened), cells.write(at, cell)

    start = tf.zeros_like(entering[0, :, :units])
    # What enters a step's gates has no use after it: they take its place.
    kept = _array(tokens, 4 * units).unstack(entering), _array(tokens, units)
    *_, gates, cells = tf.while_loop(lambda at, *_: at < longest, step, (0, start, start, *kept))
    gates, cell = gates.stack(), cells.stack()
    return Taken(gates[:, :, 2 * units : 3 * units] * tf.tanh(cell), gates, cell, longest)


@tf.function(jit_compile=True, autograph=False)
def _backward(
    arriving: tf.Tensor, n_words: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor, taken: Taken
) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradient by the hidden states, (n_steps, n_texts, units), to those by projected and by kernel."""
    units: Any = kernel.shape[0]
    last = tf.shape(tokens)[0] - 1
    # To a multiple of 16 columns, of which a product takes a quarter less time than of 50.
    turned = tf.pad(tf.transpose(kernel), [[0, 0], [0, -units % 16]])

    def step(at: tf.Tensor, product: tf.Tensor, by_cell: tf.Tensor, kept: tf.TensorArray) -> tuple[Any, ...]:
        by_hidden = product[:, :units] + arriving[at]
        i, f, o, c = tf.split(taken.gates[at], 4, axis=1)
        # Cut in two: in a loop XLA cuts wrongly at a place that moves and columns that stay, in one slice.
        later = taken.gates[tf.minimum(at + 1, last)]
        before, tanh = taken.cell[tf.maximum(at - 1, 0)], tf.tanh(taken.cell[at])
        by_cell = by_cell * later[:, units : 2 * units] + by_hidden * o * (1 - tanh**2)
        by_gates = tf.concat(
            [
                by_cell * c * i * (1 - i),
                tf.where(at > 0, by_cell * before * f * (1 - f), 0.0),
                by_hidden * tanh * o * (1 - o),
                by_cell * i * (1 - c**2),
            ],
            axis=1,
        )
        return at - 1, tf.matmul(by_gates, turned), by_cell, kept.write(at, by_gates)

    start = tf.zeros_like(taken.cell[0])
    begun = tf.matmul(tf.zeros_like(taken.gates[0]), turned), start, _array(tokens, 4 * units)
    *_, kept = tf.while_loop(lambda at, *_: at >= 0, step, (taken.longest - 1, *begun))
    by_gates = tf.reshape(kept.stack(), [-1, 4 * units])
    before = tf.concat([start[None], taken.hidden[:-1]], axis=0)
    by_word = tf.math.unsorted_segment_sum(by_gates, tf.reshape(tokens, [-1]), n_words)
    return by_word, tf.matmul(tf.reshape(before, [-1, units]), by_gates, transpose_a=True)


def _array(tokens: tf.Tensor, width: int) -> tf.TensorArray:
    """Room for an array a step, zeros until it is written."""
    return tf.TensorArray(tf.float32, tf.shape(tokens)[0], element_shape=(tokens.shape[1], width))
