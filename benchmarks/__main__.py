"""Measure what this project promises, print it, and put it into benchmarks/results.json: `make bench`.

Command: python -m benchmarks [GROUP ...] [--served FOLDER] [--sentence-encoder NAME]
A group is a module here with one function, `measure(options)`, that yields figures; where its needs are
absent it yields what is missing instead. Figures of a group replace its earlier ones of this processor.
"""

import argparse
import importlib
import os
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import figures, provenance, results
from benchmarks.figures import Data, Figure, Missing
from neuralist import console

GROUPS = (
    "training",
    "architecture",
    "serving",
    "encoding",
    "languages",
    "search",
    "full_size",
    "song_map",
    "device",
)


def parse() -> argparse.Namespace:
    """What to measure, and with what."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)}; without one, all")
    parser.add_argument(
        "--served", type=Path, default=Path("artifacts/served"), help="the served folder of group serving"
    )
    parser.add_argument(
        "--sentence-encoder",
        default=os.environ.get("NEURALIST_SENTENCE_ENCODER"),
        metavar="NAME",
        help="name or path of a sentence-transformers model, the peer of group encoding; "
        "else NEURALIST_SENTENCE_ENCODER of the environment",
    )
    options = parser.parse_args()
    unknown = [group for group in options.groups if group not in GROUPS]
    if unknown:
        parser.error(f"unknown group {', '.join(unknown)}; choose among {', '.join(GROUPS)}")
    return options


def main() -> None:
    """Run the groups; a missed target is a result, not an error."""
    options = parse()
    processor, commit = provenance.this_processor(), provenance.commit()
    print(f"{processor}, load {os.getloadavg()[0]:.1f} before the start")
    for group in options.groups or GROUPS:
        print(f"\n{group}")
        day = datetime.now(UTC).date()
        data, measured = None, list[Figure]()
        for one in importlib.import_module(f"benchmarks.{group}").measure(options):
            if isinstance(one, Missing):
                print(f"skipped: {one.name}: {one.fix}", flush=True)
                continue
            if isinstance(one, Data):
                print(data := one.text, flush=True)
                continue
            measured.append(one)
            beside = f", {one.peer.name} {figures.shown(one.peer.rounds)}" if one.peer else ""
            print(f"{one.name}: {figures.shown(one.rounds)} {one.unit}{beside}", flush=True)
            # As they come: one that fails, or a kill, takes nothing with it.
            so_far = results.group_of(measured, day, commit, data)
            results.write(results.PATH, processor, group, so_far)
        if measured:
            print(figures.table(measured))


if __name__ == "__main__":
    console.run(main, "`make bench` begins again")
