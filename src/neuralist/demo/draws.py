"""Random draws that are equal on every machine: only `random.Random(seed).random()` and arithmetic."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of random draws."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included, each equally likely."""
        return low + int(self._random.random() * (high - low + 1))

    def choice(self, items: Sequence[T]) -> T:
        """Return an item, each equally likely."""
        return items[self.between(0, len(items) - 1)]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return `count` items, drawn without replacement, in random order."""
        remaining = list(items)
        return [remaining.pop(self.between(0, len(remaining) - 1)) for _ in range(count)]

    def normal(self) -> float:
        """Return an approximately normal number, mean 0, variance 1: 12 uniform draws (Irwin-Hall), less 6.

        Without libm, whose last bit differs by machine, and `sum`, which rounds differently from Python 3.12.
        """
        return math.fsum(self._random.random() for _ in range(12)) - 6.0
