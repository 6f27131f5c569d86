"""A trial of a fault and its outcome, the file that finished ones are added to, and the table of counts.

Each trial has a kind, a seed and a number, and nothing else decides what it does: the same three do the same
again. work/faults/trials.jsonl holds a line for each finished one, so that a long run that was stopped goes
on where it was. work/faults/results.json holds the counts; `docs/collect.py faults` brings them to the pages.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from neuralist import files

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "work" / "faults"
TRIALS, RESULTS = WORK / "trials.jsonl", WORK / "results.json"


class Outcome(StrEnum):
    """What came of a fault."""

    RECOVERED = "recovered"  # the result is right: the request answered, every record used or named
    REFUSED = "refused"  # in one line that says why, and nothing half done is left
    WRONG = "wrong"


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        kind: a module of this package.
        seed: of the run.
        number: within kind and seed, from 0.
        outcome: what came of it.
        detail: what was done, and for a wrong one what was wrong, in a line.
    """

    kind: str
    seed: int
    number: int
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Run:
    """What a kind is asked to do.

    Attributes:
        seed: of all draws.
        full: whether it may take hours.
        numbers: the trials to do.
        scratch: an empty folder of its own.
    """

    seed: int
    full: bool
    numbers: Sequence[int]
    scratch: Path


# Of a trial: its outcome and the line that tells of it.
Told = tuple[Outcome, str]
Measure = Callable[[Run], Iterator[tuple[int, Told]]]


def draws(kind: str, seed: int, number: int) -> random.Random:
    """Return the random numbers of a trial."""
    return random.Random(f"{kind} {seed} {number}")


class Ledger:
    """The finished trials in a file, a line each.

    Args:
        path: of the file; it need not exist.
        commit: of the code; trials of another one do not count.
    """

    def __init__(self, path: Path, commit: str) -> None:
        self._path, self._commit = path, commit

    def add(self, trial: Trial) -> None:
        """Add a trial at the end of the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"commit": self._commit, **asdict(trial)}) + "\n")

    def finished(self, kind: str, seed: int) -> dict[int, Trial]:
        """Return the trials of this commit, kind and seed by number; a line cut by a kill is no trial."""
        trials = {}
        for line in self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else ():
            try:
                content = json.loads(line)
            except ValueError:
                continue
            if content.pop("commit") == self._commit and (content["kind"], content["seed"]) == (kind, seed):
                content["outcome"] = Outcome(content["outcome"])
                trials[content["number"]] = Trial(**content)
        return trials


class NeededError(Exception):
    """This machine lacks what a kind needs; the message says how to get it."""


def write(results: dict[str, dict[str, Any]]) -> None:
    """Put the counts of kinds into results.json; those of other kinds stay."""
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    files.write_text(RESULTS, json.dumps(before | results, indent=1, ensure_ascii=False) + "\n")


def counted(trials: Iterable[Trial]) -> dict[str, int]:
    """Return how many were tried, and how many had each outcome."""
    counts = Counter(trial.outcome for trial in trials)
    return {"tried": counts.total(), **{outcome.value: counts[outcome] for outcome in Outcome}}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the counts of each kind as lines of text."""
    head = ("", "tried", "recovered", "refused in one line", "wrong")
    lines = [head] + [
        (kind, *(f"{of_kind[name]:,}" for name in ("tried", *Outcome))) for kind, of_kind in results.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines
    )
