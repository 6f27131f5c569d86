"""Take training steps in TensorFlow: gradients of a batch, or of a worker's share of one, and their update.

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
    """Make a function from a batch, its targets and the factors of the pair loss and the heads' loss.

    It returns the gradient of each trainable weight, and (loss, accuracy), float32 (2,), with these factors.
    """
    pair_loss = losses.pair_loss(settings.loss)
    heads = model.architecture.heads
    heads_loss = losses.heads_loss(heads, settings.heads) if heads else None

    def compute(batch: Tensors, targets: Tensors, factors: Any) -> tuple[list[Any], Any]:
        with tf.GradientTape() as tape:
            outputs = model(batch, training=True)
            predicted = outputs["similarity"] if heads_loss else outputs
            loss = pair_loss(targets["similarity"], predicted) * factors[0]
            if heads_loss:
                loss += heads_loss(targets["answers"], outputs["answers"]) * factors[1]
        accuracy = losses.accuracy(targets["similarity"], predicted) * factors[0]
        return tape.gradient(loss, model.trainable_variables), tf.stack([loss, accuracy])

    return compute


def gradients_of_batch(
    model: MaLSTM, settings: params.Experiment, batch: Tensors, targets: Tensors
) -> list[np.ndarray]:
    """Return the gradient of each trainable weight on a batch, without a step; random seeds move on."""
    inputs, truth = tf.nest.map_structure(tf.constant, (batch, targets))
    computed, _ = gradients(model, settings)(inputs, truth, (1.0, 1.0))
    return [tf.convert_to_tensor(gradient).numpy() for gradient in computed]


def trainer(model: MaLSTM, settings: params.Experiment) -> batches.Step:
    """Make the function that takes a step; see `batches.Step`."""
    compute = gradients(model, settings)

    def apply_step(batch: Tensors, targets: Tensors) -> Any:
        weight_gradients, loss_and_accuracy = compute(batch, targets, (1.0, 1.0))
        model.optimizer.apply(weight_gradients, model.trainable_variables)
        return loss_and_accuracy

    # Traced for the first shapes, and once more with free dimensions for all others.
    compiled: Any = tf.function(
        apply_step, jit_compile=model.jit_compile is True, autograph=False, reduce_retracing=True
    )
    by_shapes: dict[tuple[Any, ...], Any] = {}

    def step(batch: Any, targets: Any) -> tuple[np.ndarray, float]:
        tensors = tf.nest.map_structure(tf.constant, (batch, targets))
        # TensorFlow's own look-up by shapes, types and more takes a tenth of a step of 15 words.
        shapes = tuple(array.shape for array in (*batch.values(), *targets.values()))
        if shapes not in by_shapes:
            by_shapes[shapes] = compiled.get_concrete_function(*tensors)
        loss_and_accuracy = by_shapes[shapes](*tensors)
        return loss_and_accuracy.numpy().astype(float), batches.n_counted(targets)

    return step
