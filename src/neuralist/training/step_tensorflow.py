"""A step of training in TensorFlow: the gradients of a batch, or of a worker's part of one, and what they do.

Keras' train_on_batch does the same, but prepares and resets its own metrics for each batch, which takes a
third of a step of 15 words; other backends than TensorFlow are left to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from neuralist.config import params
from neuralist.model import losses
from neuralist.model.malstm import MaLSTM
from neuralist.training import batches

Tensors = Mapping[str, Any]


def gradients(
    model: MaLSTM, settings: params.Experiment
) -> Callable[[Tensors, Tensors, Any], tuple[list[Any], Any]]:
    """Make a function of a batch, its targets and two factors, those of the losses of pairs and of heads.

    It returns the gradient by each trainable weight, and loss and accuracy, float32 (2,), by the same
    factors.
    """
    pairs = losses.pair_loss(settings.loss)
    heads = model.architecture.heads
    answers = losses.heads_loss(heads, settings.heads) if heads else None

    def found(batch: Tensors, targets: Tensors, factors: Any) -> tuple[list[Any], Any]:
        with tf.GradientTape() as tape:
            told = model(batch, training=True)
            predicted = told["similarity"] if answers else told
            loss = pairs(targets["similarity"], predicted) * factors[0]
            if answers:
                loss += answers(targets["answers"], told["answers"]) * factors[1]
        right = losses.accuracy(targets["similarity"], predicted) * factors[0]
        return tape.gradient(loss, model.trainable_variables), tf.stack([loss, right])

    return found


def trainer(model: MaLSTM, settings: params.Experiment) -> batches.Step:
    """Make a function that takes a step: a batch, its targets, to loss and accuracy, and number of pairs."""
    of_batch = gradients(model, settings)

    def taken(batch: Tensors, targets: Tensors) -> Any:
        found, figures = of_batch(batch, targets, (1.0, 1.0))
        model.optimizer.apply(found, model.trainable_variables)
        return figures

    # Traced for the first shapes, and once more for all others.
    compiled: Any = tf.function(
        taken, jit_compile=model.jit_compile is True, autograph=False, reduce_retracing=True
    )
    by_shapes: dict[tuple[Any, ...], Any] = {}

    def step(batch: Any, targets: Any) -> tuple[np.ndarray, float]:
        given = tf.nest.map_structure(tf.constant, (batch, targets))
        # To find the compiled function takes TensorFlow, which looks at more, a tenth of a step of 15 words.
        shapes = tuple(array.shape for array in (*batch.values(), *targets.values()))
        if shapes not in by_shapes:
            by_shapes[shapes] = compiled.get_concrete_function(*given)
        figures = by_shapes[shapes](*given)
        return figures.numpy().astype(float), batches.n_counted(targets)

    return step
