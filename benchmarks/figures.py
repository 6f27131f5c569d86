"""A measured figure, its target, and the table that is printed of them; `benchmarks.results` keeps them."""

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Missing(NamedTuple):
    """What could not be measured here.

    Attributes:
        name: of the figure or figures.
        fix: what is missing, and how to get it.
    """

    name: str
    fix: str


class Data(NamedTuple):
    """What the figures of a group are of, where that may differ from run to run; comes before them.

    Attributes:
        text: what they are of, as a part of a sentence.
    """

    text: str


class Peer(NamedTuple):
    """What a figure is compared with, measured in the same run.

    Attributes:
        name: what it is.
        rounds: one value a round, taken in turn with ours.
    """

    name: str
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)


@dataclass(frozen=True)
class Figure:
    """One figure, measured in several rounds.

    Attributes:
        name: what was measured.
        rounds: ours, one value a round; the median counts.
        unit: of every value.
        target: what it should be, as text: "< 6", ">= 200"; of the ratio to the peer "ratio < 1.1".
        peer: what it is compared with; None without one.
    """

    name: str
    rounds: Sequence[float]
    unit: str
    target: str | None = None
    peer: Peer | None = None

    @property
    def ours(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def ratio(self) -> float | None:
        """Our median by the peer's; None without one."""
        return self.ours / self.peer.median if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the median, or the ratio, reaches the target, as it is printed; None without one."""
        if self.target is None:
            return None
        met = reached(self.target, rounded(self.ours), None if self.ratio is None else rounded(self.ratio))
        if met is None:
            raise ValueError(f"{self.name}: target {self.target!r} needs a peer; give one")
        return met


def reached(target: str, ours: float, ratio: float | None) -> bool | None:
    """Return whether a figure, or its ratio to a peer, reaches a target; None where that ratio is missing."""
    *of, sign, bound = target.split()
    value = ratio if of else ours
    if value is None:
        return None
    return {"<": value < float(bound), ">=": value >= float(bound)}[sign]


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Measure things in turn, round after round, so that what else the machine does meets all of them.

    Returns:
        The values of each measure, one a round. A first round warms up and does not count.
    """
    values = [[measure() for measure in measures] for _ in range(rounds + 1)]
    return [list(of_one) for of_one in zip(*values[1:], strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rate(work: Callable[[], object], n: int) -> Callable[[], float]:
    """What does a piece of work and returns how many of its `n` things it did a second."""
    return lambda: n / seconds(work)


def resident(*processes: int) -> float:
    """Resident memory of processes together, in MB."""
    command = ["ps", "-o", "rss=", "-p", ",".join(map(str, processes))]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sum(map(int, listed.split())) / 1000


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, one each: medians, with the lowest and highest round in brackets."""
    rows = [("figure", "unit", "ours", "peer", "ratio", "target", "", "")]
    for figure in figures:
        ratio = "" if figure.ratio is None else str(rounded(figure.ratio))
        peer = shown(figure.peer.rounds) if figure.peer else ""
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        against = f"peer: {figure.peer.name}" if figure.peer else ""
        named = (figure.name, figure.unit, shown(figure.rounds))
        rows.append((*named, peer, ratio, figure.target or "", verdict, against))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def shown(rounds: Sequence[float]) -> str:
    """The median, with the lowest and highest round in brackets."""
    middle, low, high = (rounded(value) for value in (statistics.median(rounds), min(rounds), max(rounds)))
    return f"{middle:g}" if low == high else f"{middle:g} ({low:g} to {high:g})"


def rounded(value: float) -> float:
    """Return a number to three digits."""
    return float(f"{value:.3g}")
