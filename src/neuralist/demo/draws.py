"""Draws that are the same everywhere: `random.Random(seed).random()` and arithmetic alone."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """One stream of draws."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def one(self, items: Sequence[T]) -> T:
        """One item, each with equal probability."""
        return items[self.between(0, len(items) - 1)]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """Distinct items in random order."""
        left = list(items)
        return [left.pop(self.between(0, len(left) - 1)) for _ in range(count)]

    def normal(self) -> float:
        """About normal (12 uniform draws, Irwin-Hall), mean 0, variance 1.

        No libm, whose last bit differs by machine; no `sum`, which rounds in another way from Python 3.12 on.
        """
        return math.fsum(self._random.random() for _ in range(12)) - 6.0
