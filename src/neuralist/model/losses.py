"""Keras losses of pairs and of auxiliary heads; targets come from `batches.draw`."""

from collections.abc import Callable, Mapping
from typing import Any

from neuralist.model.backend import ops


def pair_loss(kind: str) -> Callable[[Any, Any], Any]:
    """Return a loss function, `mse` or cross entropy: the mean over pairs, weighted.

    It takes targets (n_pairs, 2), the similarity and the weight of each pair, and predictions (n_pairs,).
    """

    def of_pairs(target: Any, predicted: Any) -> Any:
        similarity, weight = target[:, 0], target[:, 1]
        if kind == "mse":
            losses = ops.square(predicted - similarity)
        else:
            clipped: Any = ops.clip(predicted, 1e-7, 1 - 1e-7)
            losses = -(similarity * ops.log(clipped) + (1 - similarity) * ops.log(1 - clipped))
        total: Any = ops.sum(weight * losses)
        return total / ops.maximum(ops.sum(weight), 1.0)

    return of_pairs


def heads_loss(heads: Mapping[str, int], weights: Mapping[Any, float]) -> Callable[[Any, Any], Any]:
    """Return the squared error of heads where targets are known; a group's heads share its weight."""
    head_weights = [weights[group] / number for group, number in heads.items() for _ in range(number)]

    def of_heads(target: Any, predicted: Any) -> Any:
        is_known = ops.logical_not(ops.isnan(target))
        # NaN times 0 is NaN: the target itself is replaced.
        errors: Any = ops.where(is_known, ops.square(predicted - ops.where(is_known, target, 0.0)), 0.0)
        is_song: Any = ops.any(is_known, axis=-1)
        total: Any = ops.sum(errors * ops.convert_to_tensor(head_weights, dtype="float32"))
        return total / ops.maximum(ops.sum(ops.cast(is_song, errors.dtype)), 1.0)

    return of_heads


def accuracy(target: Any, predicted: Any) -> Any:
    """Return the share of pairs whose target and prediction are on the same side of 0.5; a Keras metric."""
    target = ops.convert_to_tensor(target)  # the torch backend passes numpy arrays to metrics
    same = ops.cast(ops.equal(target[:, 0] >= 0.5, predicted >= 0.5), predicted.dtype)
    n_correct: Any = ops.sum(target[:, 1] * same)
    return n_correct / ops.maximum(ops.sum(target[:, 1]), 1.0)
