"""The recurrence of an LSTM and its gradient in TensorFlow: groups of texts side by side on the cores.

In an LSTM's step XLA keeps one core busy, so a batch is cut into groups of texts, each an XLA program of its
own, which TensorFlow runs side by side. XLA computes what is used twice twice, unless it is one array, and
spreads a loop body of more than eight operations over threads that the groups already use: hence one sigmoid
for all gates, no state stored that can be recomputed, and an explicit gradient, where that of the
recurrent weights is a single product over all steps. `python -m benchmarks training` measures the gain.

Shapes: projected (n_words, 4 * units), the input weights times each distinct word's vector, gates in order
i, f, o, c; kernel (units, 4 * units); tokens int32 (n_steps, n_texts), rows of projected, 0, padding, only at
a text's end.
"""

from typing import Any, NamedTuple

import tensorflow as tf

GROUPS = 4


class ForwardPass(NamedTuple):
    """The arrays of a group's forward pass, for the gradient; gates past the longest text are arbitrary."""

    hidden: tf.Tensor  # (n_steps, n_texts, units), 0 past the longest text
    gates: tf.Tensor  # (n_steps, n_texts, 4 * units)
    cell: tf.Tensor  # (n_steps, n_texts, units), 0 past the longest text
    longest: tf.Tensor  # int32, steps of the longest text


def states(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Return the hidden states: (n_steps, n_texts, units), arbitrary past a text's end.

    A group takes as many steps as its longest text has words: sort texts by length.
    """
    kernel = tf.convert_to_tensor(kernel)  # an explicit gradient does not accept a variable
    n_texts = tf.shape(tokens)[1]
    sizes = [(n_texts + GROUPS - 1 - number) // GROUPS for number in range(GROUPS)]
    groups = tf.split(tokens, tf.stack(sizes), axis=1, num=GROUPS)
    return tf.concat([_of_group(projected, kernel, group) for group in groups], axis=1)


@tf.custom_gradient
def _of_group(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> Any:
    # Where code runs eagerly, a gradient tape would look for the program's own gradient.
    forward = _forward(tf.stop_gradient(projected), tf.stop_gradient(kernel), tokens)

    def gradient(by_output: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None]:
        return *_backward(by_output, tf.shape(projected)[0], kernel, tokens, forward), None

    return forward.hidden, gradient


@tf.function(jit_compile=True, autograph=False)
def _forward(projected: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor) -> ForwardPass:
    units: Any = kernel.shape[0]
    longest = tf.reduce_sum(tf.cast(tf.reduce_any(tokens != 0, axis=1), tf.int32))
    inputs = tf.gather(projected, tokens)
    scale = tf.constant([1.0] * (3 * units) + [2.0] * units)

    def step(
        at: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, gates: tf.TensorArray, cells: tf.TensorArray
    ) -> tuple[Any, ...]:
        # tanh(x) = 2 sigmoid(2 x) - 1
        activated = tf.sigmoid((gates.read(at) + tf.matmul(hidden, kernel)) * scale) * scale - (scale - 1)
        i, f, o, c = tf.split(activated, 4, axis=1)
        cell = f * cell + i * c
        return at + 1, o * tf.tanh(cell), cell, gates.write(at, activated), cells.write(at, cell)

    start = tf.zeros_like(inputs[0, :, :units])
    # Inputs of a step are not needed after it: the gates overwrite them.
    arrays = _array(tokens, 4 * units).unstack(inputs), _array(tokens, units)
    *_, gates, cells = tf.while_loop(lambda at, *_: at < longest, step, (0, start, start, *arrays))
    gates, cell = gates.stack(), cells.stack()
    return ForwardPass(gates[:, :, 2 * units : 3 * units] * tf.tanh(cell), gates, cell, longest)


@tf.function(jit_compile=True, autograph=False)
def _backward(
    by_output: tf.Tensor, n_words: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor, forward: ForwardPass
) -> tuple[tf.Tensor, tf.Tensor]:
    """Map the gradient by the hidden states to those by projected and by kernel."""
    units: Any = kernel.shape[0]
    last = tf.shape(tokens)[0] - 1
    # Padded to a multiple of 16 columns: the product is a quarter faster than with 50.
    transposed = tf.pad(tf.transpose(kernel), [[0, 0], [0, -units % 16]])

    def step(
        at: tf.Tensor, product: tf.Tensor, by_cell: tf.Tensor, results: tf.TensorArray
    ) -> tuple[Any, ...]:
        by_hidden = product[:, :units] + by_output[at]
        i, f, o, c = tf.split(forward.gates[at], 4, axis=1)
        # Two slices: in a loop XLA is wrong for a slice of a moving row and fixed columns at once.
        next_gates = forward.gates[tf.minimum(at + 1, last)]
        previous_cell, tanh = forward.cell[tf.maximum(at - 1, 0)], tf.tanh(forward.cell[at])
        by_cell = by_cell * next_gates[:, units : 2 * units] + by_hidden * o * (1 - tanh**2)
        by_gates = tf.concat(
            [
                by_cell * c * i * (1 - i),
                tf.where(at > 0, by_cell * previous_cell * f * (1 - f), 0.0),
                by_hidden * tanh * o * (1 - o),
                by_cell * i * (1 - c**2),
            ],
            axis=1,
        )
        return at - 1, tf.matmul(by_gates, transposed), by_cell, results.write(at, by_gates)

    start = tf.zeros_like(forward.cell[0])
    initial = tf.matmul(tf.zeros_like(forward.gates[0]), transposed), start, _array(tokens, 4 * units)
    *_, results = tf.while_loop(lambda at, *_: at >= 0, step, (forward.longest - 1, *initial))
    by_gates = tf.reshape(results.stack(), [-1, 4 * units])
    previous_hidden = tf.concat([start[None], forward.hidden[:-1]], axis=0)
    by_word = tf.math.unsorted_segment_sum(by_gates, tf.reshape(tokens, [-1]), n_words)
    return by_word, tf.matmul(tf.reshape(previous_hidden, [-1, units]), by_gates, transpose_a=True)


def _array(tokens: tf.Tensor, width: int) -> tf.TensorArray:
    """Create a TensorArray of an array per step, zeros until written."""
    return tf.TensorArray(tf.float32, tf.shape(tokens)[0], element_shape=(tokens.shape[1], width))
