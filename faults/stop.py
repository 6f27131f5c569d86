"""Ctrl-C or SIGTERM at a random moment: exit status 130 or 143, one line, and the next call recovers.

Targets are those of `faults.targets`, stages by their own script, and further commands. Half of the signals
come in the first second, while Python imports. Ctrl-C reaches all processes of a target, SIGTERM the first.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pandas as pd
import yaml

from faults import commands, raw_folders, stages, targets
from faults.commands import NEURALIST, Ended
from faults.targets import Target
from faults.trials import ROOT, NeededError, Outcome, Run, Told, draws

SAMPLE, FULL = 6, 40
TO_END_S = 60  # in which a stopped target must have ended, on a machine that is busy too
STOPS = {signal.SIGINT: (130, "Ctrl-C"), signal.SIGTERM: (143, "SIGTERM")}
# How names of files and folders begin that are being written, see `neuralist.files`.
UNFINISHED = (".unfinished-", ".demo-", ".import-", ".neuralist-")
TEMPORARY = "temporary"  # the system's folder for such, of a trial


def _by_script(target: Target) -> Target:
    """Return a target that calls a stage's own script in place of DVC; one that is no stage as it is."""
    is_stage = target.command[:2] == ("dvc", "repro")
    return target._replace(command=tuple(stages.command(target.name, ROOT))) if is_stage else target


def _ask(
    name: str, seconds: float, prepare: Callable[[Path], None], *arguments: str, out: str = ""
) -> Target:
    command = (NEURALIST, name, *arguments)
    return Target(f"neuralist {name}", command, (out,) if out else (), seconds, prepare)


def _raw(folder: Path) -> None:
    """Write raw/, a raw folder of another corpus, whose highest grade two pairs have."""
    raw_folders.generic(folder / "raw", random.Random(1))
    corpus = yaml.safe_load((folder / "raw" / "corpus.yaml").read_text(encoding="utf-8"))
    high = corpus["similarity_range"][1]
    with (folder / "raw" / "pairs.csv").open("a", encoding="utf-8") as pairs:
        pairs.write("".join(f"s{row:02},s{row + 1:02},{high}\n" for row in range(0, 80, 2)))


def _vectors(folder: Path) -> None:
    """Write fr.vec, the demo's vectors for its words and for each of them backwards, for `extend`."""
    words = (folder / "artifacts/vectors/vocabulary.txt").read_text("utf-8").split()
    rows = np.load(folder / "artifacts/vectors/vectors.npy")[-len(words) :]
    backwards = [f"{word[::-1]}q" for word in words]
    lines = [
        f"{word} {' '.join(map(str, row))}\n"
        for some in (words, backwards)
        for word, row in zip(some, rows, strict=True)
    ]
    (folder / "fr.vec").write_text(f"{len(lines)} {rows.shape[1]}\n" + "".join(lines), encoding="utf-8")


def _added(folder: Path) -> None:
    """Write songs.csv, songs of the demo read backwards, for `catalogue add`."""
    songs = pd.read_parquet(folder / "artifacts/songs.parquet")["lyrics"].head(60)
    rows = pd.DataFrame({"id": [f"new {row}" for row in range(60)], "text": songs.str[::-1]})
    rows.to_csv(folder / "songs.csv", index=False)


ELSEWHERE = ("repro", "make setup", "MLflow's store")  # DVC, a shell, and two targets in one
TARGETS = (
    *(_by_script(target) for target in targets.TARGETS if target.name not in ELSEWHERE),
    _by_script(targets.stage("track", 15))._replace(digest=targets.in_store),
    _by_script(targets.stage("register", 10))._replace(digest=targets.in_store),
    _ask("demo", 3, targets.nothing, "new", out="new"),
    _ask("doctor", 8, targets.nothing)._replace(codes=(0, 1)),  # 1 where there is no champion
    _ask("map", 12, targets.nothing, "--print", "--model", "lyrics", out="work/maps"),
    _ask("evaluate", 15, _raw, "lyrics", "raw", "--split", "all"),
    _ask("drift", 10, _raw, "raw")._replace(codes=(0, 1)),  # 1 where a limit is passed
    _ask("translations", 10, _raw, "lyrics", "raw"),
    _ask("extend", 10, _vectors, "--vectors", "fr.vec", "--out", "french", out="french"),
    _ask("catalogue", 10, _added, "add", "songs.csv", out="catalogue"),
)


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Stop one target a trial, in an order drawn from the seed.

    Raises:
        NeededError: the system does not tell which signals a process waits for.
    """
    if not Path("/proc/self/status").exists():
        raise NeededError("needs Linux, whose /proc tells which signals a process waits for")
    order = draws("stop", run.seed, -1).sample(TARGETS, len(TARGETS))
    template = commands.checkout(run.scratch / "template")
    expected: dict[str, object] = {}
    for number in run.numbers:
        target, folder = order[number % len(order)], run.scratch / "copy"
        # A run that a shell began in the background ignores Ctrl-C, and so would what it starts.
        former = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield number, _trial(target, template, folder, draws("stop", run.seed, number), expected)
        finally:
            signal.signal(signal.SIGINT, former)
            shutil.rmtree(folder, ignore_errors=True)


def _trial(
    target: Target, template: Path, folder: Path, draw: random.Random, expected: dict[str, object]
) -> Told:
    number = draw.choice(list(STOPS))
    seconds = draw.uniform(0, 1) if draw.random() < 0.5 else draw.uniform(0.05, 1) * target.seconds
    # So that what is left there can be seen.
    target = target._replace(command=("env", f"TMPDIR={folder / TEMPORARY}", *target.command))
    while isinstance(ended := stopped(target, template, folder, seconds, number), float):
        seconds = draw.uniform(0.05, 0.95) * ended
    what = f"{target.name}, {STOPS[number][1]} after {seconds:.2f} s"
    fault = fault_of_stop(ended, number)
    if fault:
        return Outcome.WRONG, f"{what}: {fault}"
    left = {out: commands.contents(folder / out) for out in target.outs}
    outcome, said = targets.again(target, template, folder, expected, f"{what}: {ended.said}")
    if outcome is Outcome.WRONG:
        return outcome, said
    for out in target.outs:
        before, after = commands.contents(template / out), commands.contents(folder / out)
        half = [
            path for path, content in left[out].items() if content not in (before.get(path), after.get(path))
        ]
        if half:
            return Outcome.WRONG, f"{said}: {out}/{half[0]} was half written"
    leftovers = [path for path in folder.rglob("*") if path.name.startswith(UNFINISHED)]
    leftovers += (folder / TEMPORARY).glob("tmp*")  # by Python's module tempfile
    if leftovers:
        return Outcome.WRONG, f"{said}: {leftovers[0].relative_to(folder)} is left over"
    return outcome, said


def stopped(
    target: Target, template: Path, folder: Path, seconds: float, number: signal.Signals
) -> Ended | float:
    """Start a target in a fresh copy and stop it, some seconds after it began to wait for signals.

    Returns:
        how it ended; or, where it had ended before, the seconds that it took.
    """
    targets.fresh(target, template, folder)
    (folder / TEMPORARY).mkdir()
    with TemporaryFile() as out, TemporaryFile() as err:
        process = commands.start(target.command, folder, None, (out, err))
        code: int | None = None
        try:
            # Before it catches SIGTERM, Python itself answers.
            while process.poll() is None and not _is_set(process, "SigCgt"):
                time.sleep(0.005)
            began = time.monotonic()
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            if process.poll() is not None or _is_set(process, "SigIgn"):
                process.wait()
                return time.monotonic() - began
            (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(TO_END_S)
        finally:
            commands.kill(process)
        return commands.ended(code, out, err)


def _is_set(process: "subprocess.Popen[bytes]", mask: str) -> bool:
    """Return whether SIGTERM is among the signals that a process catches (SigCgt) or ignores (SigIgn)."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    masks = dict(line.split(":", 1) for line in status.splitlines())
    return mask in masks and bool(int(masks[mask], 16) >> (signal.SIGTERM - 1) & 1)


def fault_of_stop(ended: Ended, number: signal.Signals) -> str:
    """Return what is wrong with how a command was stopped; an empty string where it did as it should.

    A stop is exit status 130 or 143 and at the end of stderr a line that says what the next call does; notes
    may come before it.
    """
    code, name = STOPS[number]
    if ended.code is None:
        return f"did not end in {TO_END_S} s"
    if ended.code != code:
        return f"exit status {ended.code}: {ended.said}"
    if any(
        mark in ended.out + ended.err for mark in ("Traceback (most recent call last)", "Exception ignored")
    ):
        return f"a traceback: {ended.said}"
    lines = ended.err.splitlines()
    stops = [line for line in lines if line.startswith(f"stopped by {name}; ")]
    return "" if stops and stops == lines[-1:] else f"no line, or not the last: {ended.said}"
