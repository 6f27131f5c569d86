"""Group experiments, such as those of one protocol."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def grouped(experiments: Mapping[str, V], key: Callable[[V], K]) -> dict[K, dict[str, V]]:
    """Return the experiments by key, then by name; keys and names in the order in which they first come."""
    groups: dict[K, dict[str, V]] = {}
    for name, experiment in experiments.items():
        groups.setdefault(key(experiment), {})[name] = experiment
    return groups
