"""Losses of pairs and of heads, for Keras; targets are those of `batches.draw`."""

from collections.abc import Callable, Mapping
from typing import Any

from keras import ops


def pair_loss(kind: str) -> Callable[[Any, Any], Any]:
    """Mean squared error (`mse`) or cross entropy of pairs that have weight; target (n_pairs, 2)."""

    def of_pairs(target: Any, predicted: Any) -> Any:
        similarity, weight = target[:, 0], target[:, 1]
        if kind == "mse":
            losses = ops.square(predicted - similarity)
        else:
            near: Any = ops.clip(predicted, 1e-7, 1 - 1e-7)
            losses = -(similarity * ops.log(near) + (1 - similarity) * ops.log(1 - near))
        total: Any = ops.sum(weight * losses)
        return total / ops.maximum(ops.sum(weight), 1.0)

    return of_pairs


def heads_loss(heads: Mapping[str, int], weights: Mapping[Any, float]) -> Callable[[Any, Any], Any]:
    """Squared error of answers whose target is known; a group's heads share its weight."""
    each = [weights[group] / number for group, number in heads.items() for _ in range(number)]

    def of_heads(target: Any, answers: Any) -> Any:
        known = ops.logical_not(ops.isnan(target))
        # NaN times 0 is NaN: the target itself is replaced.
        errors: Any = ops.where(known, ops.square(answers - ops.where(known, target, 0.0)), 0.0)
        is_song: Any = ops.any(known, axis=-1)
        total: Any = ops.sum(errors * ops.convert_to_tensor(each, dtype="float32"))
        return total / ops.maximum(ops.sum(ops.cast(is_song, errors.dtype)), 1.0)

    return of_heads


def accuracy(target: Any, predicted: Any) -> Any:
    """The share of pairs whose target and prediction fall on one side of 0.5; a Keras metric."""
    target = ops.convert_to_tensor(target)  # a metric is given numpy's by the torch backend
    same = ops.cast(ops.equal(target[:, 0] >= 0.5, predicted >= 0.5), predicted.dtype)
    right: Any = ops.sum(target[:, 1] * same)
    return right / ops.maximum(ops.sum(target[:, 1]), 1.0)
