"""Share work among the cores, by threads: faiss, NumPy and ONNX Runtime compute without Python's lock."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def mapped(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield the result of each item, in their order; a single item is worked on in the calling thread."""
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        yield from pool.map(work, items)
