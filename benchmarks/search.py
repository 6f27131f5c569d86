"""To come."""

import argparse
from collections.abc import Iterator

from benchmarks.figures import Figure, Missing


def measure(options: argparse.Namespace) -> Iterator[Figure | Missing]:
    """All figures."""
    yield Missing("all of it", "not written yet")
