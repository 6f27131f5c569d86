"""The recurrence of an LSTM and its gradient in TensorFlow: groups of texts side by side on the cores.

In an LSTM's step XLA keeps one core busy, and computes a gate twice where it is used twice. So a batch is cut
into groups of texts, each an XLA program of its own, which TensorFlow runs side by side; the sigmoids of a
step are one array, made once; and the gradient is written down here, so that the recurrent weights' is one
product over all steps. `python -m benchmarks training` measures what that brings.

Shapes: projected (n_words, 4 * units), what the input weights make of each distinct word, gates in the order
i, f, o, c; kernel (units, 4 * units); tokens int32 (n_steps, n_texts), rows of projected, 0, padding, only at
a text's end.
"""

from typing import Any, NamedTuple

import tensorflow as tf

GROUPS = 4


class Taken(NamedTuple):
    """The steps that a group took, for the way back; zeros where no text of it had a word."""

    hidden: tf.Tensor  # (n_steps, n_texts, units)
    opened: tf.Tensor  # (n_steps, n_texts, 3 * units), the gates i, f and o
    candidate: tf.Tensor  # (n_steps, n_texts, units)
    cell: tf.Tensor  # (n_steps, n_texts, units)
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

    def step(at: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *kept: tf.TensorArray) -> tuple[Any, ...]:
        gates = entering[at] + tf.matmul(hidden, kernel)
        opened = tf.sigmoid(gates[:, : 3 * units])
        candidate = tf.tanh(gates[:, 3 * units :])
        i, f, o = tf.split(opened, 3, axis=1)
        cell = f * cell + i * candidate
        hidden = o * tf.tanh(cell)
        found = (hidden, opened, candidate, cell)
        return at + 1, hidden, cell, *(array.write(at, one) for array, one in zip(kept, found, strict=True))

    start = tf.zeros_like(entering[0, :, :units])
    kept = [_array(tokens, width) for width in (units, 3 * units, units, units)]
    _, _, _, *kept = tf.while_loop(
        lambda at, *_: at < longest, step, (0, start, start, *kept), maximum_iterations=tf.shape(tokens)[0]
    )
    hidden, opened, candidate, cell = (array.stack() for array in kept)
    return Taken(hidden, opened, candidate, cell, longest)


@tf.function(jit_compile=True, autograph=False)
def _backward(
    arriving: tf.Tensor, n_words: tf.Tensor, kernel: tf.Tensor, tokens: tf.Tensor, taken: Taken
) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradient by the hidden states, (n_steps, n_texts, units), to those by projected and by kernel."""
    units: Any = kernel.shape[0]
    turned = tf.transpose(kernel)

    def step(
        at: tf.Tensor, by_hidden: tf.Tensor, by_cell: tf.Tensor, kept: tf.TensorArray
    ) -> tuple[Any, ...]:
        opened, candidate = taken.opened[at], taken.candidate[at]
        i, f, o = tf.split(opened, 3, axis=1)
        before, tanh = taken.cell[tf.maximum(at - 1, 0)], tf.tanh(taken.cell[at])
        by_hidden += arriving[at]
        by_cell += by_hidden * o * (1 - tanh**2)
        by_opened = tf.concat(
            [by_cell * candidate, tf.where(at > 0, by_cell * before, 0.0), by_hidden * tanh], axis=1
        )
        by_candidate = by_cell * i * (1 - candidate**2)
        by_gates = tf.concat([by_opened * opened * (1 - opened), by_candidate], axis=1)
        return at - 1, tf.matmul(by_gates, turned), by_cell * f, kept.write(at, by_gates)

    start = tf.zeros_like(taken.cell[0])
    *_, kept = tf.while_loop(
        lambda at, *_: at >= 0,
        step,
        (taken.longest - 1, start, start, _array(tokens, 4 * units)),
        maximum_iterations=tf.shape(tokens)[0],
    )
    by_gates = kept.stack()
    before, after = tf.reshape(taken.hidden[:-1], [-1, units]), tf.reshape(by_gates[1:], [-1, 4 * units])
    by_word = tf.math.unsorted_segment_sum(
        tf.reshape(by_gates, [-1, 4 * units]), tf.reshape(tokens, [-1]), n_words
    )
    return by_word, tf.matmul(before, after, transpose_a=True)


def _array(tokens: tf.Tensor, width: int) -> tf.TensorArray:
    """Room for an array a step, zeros until it is written."""
    return tf.TensorArray(tf.float32, tf.shape(tokens)[0], element_shape=(tokens.shape[1], width))
