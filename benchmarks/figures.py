"""A measured figure, the table that is printed of them, and results.json."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One figure, measured in several rounds.

    Attributes:
        name: what was measured.
        rounds: ours, one value a round; the median counts.
        unit: of every value.
        target: what it should be, as text such as "< 6"; None without one.
        peer: the median of what it is compared with, in the same run; None without one.
    """

    name: str
    rounds: Sequence[float]
    unit: str
    target: str | None = None
    peer: float | None = None

    @property
    def ours(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        sign, bound = self.target.split()
        return self.ours < float(bound) if sign == "<" else self.ours >= float(bound)

    def as_json(self) -> dict[str, object]:
        """ours, peer, ratio (ours / peer), unit and spread (lowest and highest round)."""
        ratio = round(self.ours / self.peer, 3) if self.peer else None
        spread = [_rounded(min(self.rounds)), _rounded(max(self.rounds))]
        return {
            "ours": _rounded(self.ours),
            "peer": self.peer,
            "ratio": ratio,
            "unit": self.unit,
            "spread": spread,
        }


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, one each."""
    width = max(len(figure.name) for figure in figures)
    lines = [f"{'figure':{width}}  {'ours':>8}  {'unit':10}  {'target':>8}"]
    for figure in figures:
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        lines.append(
            f"{figure.name:{width}}  {_rounded(figure.ours):>8}  {figure.unit:10}  "
            f"{figure.target or '':>8}  {verdict}".rstrip()
        )
    return "\n".join(lines)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write results.json: name to `Figure.as_json`."""
    content = {figure.name: figure.as_json() for figure in figures}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
