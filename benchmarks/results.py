"""benchmarks/results.json: the figures of `make bench`, a row for each processor that they were measured on.

Input: figures as a group yields them. Output: the file, and its rows for the pages (docs/figures.py).
"""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from benchmarks.figures import Figure, rounded
from benchmarks.provenance import ROOT, Processor
from neuralist import files
from neuralist.config import params
from neuralist.config.experiment import Section
from neuralist.config.records.base import optional

PATH = ROOT / "benchmarks" / "results.json"
_BEFORE = "before "


class Measured(Section):
    """A figure on one processor; numbers to three digits.

    Attributes:
        unit: of ours, peer and both spreads.
        ours: the median of the rounds.
        spread: our lowest and highest round.
        peer_name: what it is compared with; left out without one, as the next three.
        peer: its median.
        peer_spread: its lowest and highest round; left out where nobody wrote them down.
        ratio: ours / peer.
        target: what was wanted when it was measured; left out without one.
        met: whether that was reached; left out without a target.
    """

    unit: str
    ours: float
    spread: tuple[float, float]
    peer_name: str | None = optional()
    peer: float | None = optional()
    peer_spread: tuple[float, float] | None = optional()
    ratio: float | None = optional()
    target: str | None = optional()
    met: bool | None = optional()


class Group(Section):
    """The figures of a group, measured in one run of it.

    Attributes:
        date: YYYY-MM-DD, "before YYYY-MM-DD" where the day is not known.
        commit: that was measured.
        data: what was measured, where that may differ from run to run; else left out.
        figures: by name.
    """

    date: str
    commit: str
    data: str | None = optional()
    figures: dict[str, Measured]

    @property
    def age(self) -> tuple[str, bool]:
        """What sorts groups from the oldest to the newest."""
        return self.date.removeprefix(_BEFORE), not self.date.startswith(_BEFORE)


class Row(Section):
    """What was measured on a processor, by group."""

    processor: Processor
    groups: dict[str, Group]


class Results(Section):
    """The whole file."""

    rows: list[Row]


def load(path: Path = PATH) -> list[Row]:
    """Return the rows of the file, in the order in which processors came to it.

    Raises:
        ValueError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    files.refuse_conflict(path, text)
    try:
        return Results.model_validate_json(text).rows
    except ValidationError as error:
        raise ValueError(f"{path}: {params.message(error)}; git has the last good one") from None


def write(path: Path, processor: Processor, name: str, group: Group) -> None:
    """Put a group's figures into the row of a processor; its other groups and other rows stay."""
    rows = load(path) if path.exists() else []
    if all(row.processor != processor for row in rows):
        rows.append(Row(processor=processor, groups={}))
    rows = [
        Row(processor=processor, groups=row.groups | {name: group}) if row.processor == processor else row
        for row in rows
    ]
    content = Results(rows=rows).model_dump(mode="json")
    files.write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def group_of(figures: Sequence[Figure], day: date, commit: str, data: str | None = None) -> Group:
    """Return measured figures as results.json holds them.

    Raises:
        ValueError: two figures have the same name.
    """
    names = [figure.name for figure in figures]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two figures are called {', '.join(twice)}; give each a name of its own")
    entries = {figure.name: _measured(figure) for figure in figures}
    return Group(date=day.isoformat(), commit=commit, data=data, figures=entries)


def _measured(figure: Figure) -> Measured:
    peer = figure.peer
    return Measured(
        unit=figure.unit,
        ours=rounded(figure.ours),
        spread=_spread(figure.rounds),
        peer_name=peer.name if peer else None,
        peer=rounded(peer.median) if peer else None,
        peer_spread=_spread(peer.rounds) if peer else None,
        ratio=None if figure.ratio is None else rounded(figure.ratio),
        target=figure.target,
        met=figure.met,
    )


def _spread(rounds: Sequence[float]) -> tuple[float, float]:
    return rounded(min(rounds)), rounded(max(rounds))
