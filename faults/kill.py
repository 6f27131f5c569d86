"""Kill -9 at a random moment: the next call recovers, with the same bytes, nothing lost, nothing doubled.

Each trial works in a copy of the checkout as `make repro` leaves it, starts a target there, kills all of its
processes and calls it again. Targets are those of `faults.targets`.
"""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from faults import commands, targets
from faults.targets import Target
from faults.trials import Run, Told, draws

SAMPLE, FULL = 10, 100


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Kill one target a trial, in an order drawn from the seed."""
    order = draws("kill", run.seed, -1).sample(targets.TARGETS, len(targets.TARGETS))
    template = commands.checkout(run.scratch / "template")
    expected: dict[str, object] = {}
    for number in run.numbers:
        target = order[number % len(order)]
        folder = run.scratch / "copy"
        yield number, _trial(target, template, folder, draws("kill", run.seed, number), expected)
        shutil.rmtree(folder, ignore_errors=True)


def _trial(
    target: Target, template: Path, folder: Path, draw: random.Random, expected: dict[str, object]
) -> Told:
    seconds = draw.uniform(0.05, 1) * target.seconds
    targets.fresh(target, template, folder)
    while (ended := commands.cut_short(target.command, folder, seconds)) is not None:
        seconds = draw.uniform(0.05, 0.95) * ended
        targets.fresh(target, template, folder)
    what = f"{target.name}, killed after {seconds:.1f} s"
    return targets.again(target, template, folder, expected, what)
