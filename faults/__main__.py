"""Kill, stop, damage, fill the disk, fuzz, bomb, flood, soak, and count outcomes: `make test-faults`.

Command: python -m faults [KIND ...] [--full] [--seed N] [--trials A-B]
A kind is a module here with one function, `measure(run)`, that yields the outcome of each trial of a run,
and the numbers SAMPLE and FULL of its trials. Without --full it is a sample of a quarter of an hour. With it,
hours: finished trials are kept in work/faults/trials.jsonl, and a later call with the same seed and commit
skips them. Exits with 1 where an outcome is wrong.
"""

import argparse
import importlib
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import provenance

from faults import trials
from faults.trials import Ledger, Outcome, Run, Trial
from neuralist import console

# Seconds of a sample after which no further trial of the kind is begun: together 12 minutes. Three are left
# for the last trials, and for the tests marked `faults`.
KINDS = {
    "kill": 150,
    "stop": 90,
    "corrupt": 100,
    "disk": 90,
    "fuzz": 90,
    "bomb": 60,
    "idle": 60,
    "soak": 90,
}
SEED = 2017


def parse() -> argparse.Namespace:
    """What to try."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; without one, all")
    parser.add_argument(
        "--full", action="store_true", help="hours of trials in place of a sample; goes on where it was"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all draws; {SEED} without it")
    parser.add_argument("--trials", metavar="A-B", help="only these numbers, such as 17-17, to see one again")
    options = parser.parse_args()
    unknown = [kind for kind in options.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"unknown kind {', '.join(unknown)}; choose among {', '.join(KINDS)}")
    return options


def numbers(options: argparse.Namespace, module: Any) -> Sequence[int]:
    """Return the numbers of a kind's trials."""
    if options.trials:
        first, _, last = options.trials.partition("-")
        return range(int(first), int(last or first) + 1)
    return range(module.FULL if options.full else module.SAMPLE)


def try_kind(kind: str, options: argparse.Namespace, ledger: Ledger) -> list[Trial]:
    """Do the trials of a kind that are not finished; return all of them."""
    module = importlib.import_module(f"faults.{kind}")
    wanted = numbers(options, module)
    before = ledger.finished(kind, options.seed) if options.full and not options.trials else {}
    done = [before[number] for number in wanted if number in before]
    left = [number for number in wanted if number not in before]
    print(
        f"\n{kind}: {len(left):,} trials" + (f", {len(done):,} were finished before" if done else ""),
        flush=True,
    )
    if not left:
        return done
    end = math.inf if options.full or options.trials else time.monotonic() + KINDS[kind]
    with (
        tempfile.TemporaryDirectory(prefix=f"faults-{kind}-", dir=trials.WORK) as scratch,
        closing(module.measure(Run(options.seed, options.full, left, Path(scratch)))) as outcomes,
    ):
        for number, (outcome, detail) in outcomes:
            trial = Trial(kind, options.seed, number, outcome, detail)
            ledger.add(trial)
            done.append(trial)
            if outcome is Outcome.WRONG or len(left) <= 100:
                print(f"{kind} {number}: {outcome}: {detail[:300]}", flush=True)
            if time.monotonic() > end:
                print(f"{kind}: the time is over after {len(done):,} of {len(wanted):,} trials", flush=True)
                break
    return done


def main() -> None:
    """Do the trials, print the table of counts and write it to work/faults/results.json."""
    options = parse()
    trials.WORK.mkdir(parents=True, exist_ok=True)
    commit = provenance.commit()
    ledger, results = Ledger(trials.TRIALS, commit), dict[str, dict[str, Any]]()
    for kind in options.kinds or KINDS:
        began = time.monotonic()
        try:
            finished = try_kind(kind, options, ledger)
        except trials.NeededError as missing:
            print(f"skipped: {kind}: {missing}", flush=True)
            continue
        wrong = [f"{trial.number}: {trial.detail}" for trial in finished if trial.outcome is Outcome.WRONG]
        results[kind] = {
            **trials.counted(finished),
            "seed": options.seed,
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit,
            "processor": str(provenance.this_processor()),
            "full": options.full,
            "wrong_ones": wrong,
        }
        print(f"{kind}: {time.monotonic() - began:.0f} s", flush=True)
        if not options.trials:
            trials.write(results)
    print("\n" + trials.table(results))
    if any(of_kind[Outcome.WRONG] for of_kind in results.values()):
        sys.exit(1)


if __name__ == "__main__":
    console.run(main, "the same command with --full goes on after the last finished trial")
