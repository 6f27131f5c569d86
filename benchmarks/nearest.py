"""The nearest songs of a query, and how many of them stay when its text changes."""

from collections.abc import Sequence

import numpy as np

NEAREST = 10


def nearest(similarity: np.ndarray, candidates: np.ndarray) -> set[int]:
    """Return the NEAREST candidates of the highest similarity; of equally similar ones the earlier."""
    return set(candidates[np.argsort(-similarity, kind="stable")[:NEAREST]].tolist())


def share_kept(expected: Sequence[set[int]], actual: Sequence[set[int]]) -> float:
    """Return which share of the expected nearest songs of all queries is among the actual ones."""
    kept = sum(len(before & after) for before, after in zip(expected, actual, strict=True))
    return kept / sum(map(len, expected))
