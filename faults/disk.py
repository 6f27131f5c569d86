"""A disk that fills up: one line that says so, nothing half written, and with room again the same bytes.

Each trial works on a small disk of its own, in memory, in a namespace of its own (Linux, `unshare`). A
command runs once with room; then a file takes all of the disk but a part of what it writes, drawn from the
seed.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from faults import commands, targets
from faults.commands import NEURALIST, PYTHON
from faults.trials import ROOT, NeededError, Outcome, Run, Told, draws

SAMPLE, FULL = 6, 60
DISK = 256  # MB
STAGES = (
    *("songs", "catalogue", "pairs", "validate", "settings", "pretraining", "vectors", "train@words15"),
    *("evaluate", "songmap", "package"),
)


class Writer(NamedTuple):
    """What fills the disk: a command, what it makes, and how a folder is made ready for it."""

    name: str
    command: tuple[str, ...]
    outs: tuple[str, ...]
    prepare: Callable[[Path], None]


def _copy(*parts: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        for part in parts:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)

    return prepare


def _stage(name: str) -> Writer:
    [of_kill] = [target for target in targets.TARGETS if target.name == name]
    command = (PYTHON, "-m", "faults.stages", "--here", name)
    return Writer(f"stage {name}", command, of_kill.outs, _copy("artifacts", "data", "catalogue"))


def _predict(folder: Path) -> None:
    _copy("artifacts/songs.parquet", "artifacts/served")(folder)
    targets.write_pairs(folder)


WRITERS = (
    *map(_stage, STAGES),
    Writer(
        "predict",
        (NEURALIST, "predict", "pairs.csv", "out.csv", "--model", "artifacts/served"),
        ("out.csv",),
        _predict,
    ),
    Writer(
        "predict to parquet",
        (NEURALIST, "predict", "pairs.csv", "out.parquet", "--model", "artifacts/served"),
        ("out.parquet",),
        _predict,
    ),
    Writer("import", (NEURALIST, "import", "graded.csv", "--out", "new"), ("new",), targets.write_graded),
    Writer("demo", (NEURALIST, "demo", "demo"), ("demo",), lambda _: None),
)
LINKED = ("src", "pipelines", "dvc.yaml", "params.yaml", ".dvcignore")


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Fill the disk under one writer a trial, in an order drawn from the seed.

    Raises:
        NeededError: a small disk cannot be made.
    """
    inside = ("unshare", "--map-root-user", "--mount")
    mount = "mount -t tmpfs -o size=1M none . && touch a"
    if not shutil.which("unshare") or commands.run((*inside, "bash", "-c", mount), run.scratch, 60).code:
        raise NeededError("needs Linux, and namespaces that users may make (unshare --map-root-user --mount)")
    for number in run.numbers:
        command = (*inside, PYTHON, "-m", "faults.disk", str(run.seed), str(number))
        ended = commands.run(command, run.scratch, 3 * commands.PATIENCE, ROOT)
        try:
            outcome, said = json.loads(ended.out.splitlines()[-1])
        except (ValueError, IndexError):
            raise ValueError(f"disk {number}: no outcome: {ended.said}") from None
        yield number, (Outcome(outcome), said)


def _in_small_disk(seed: int, number: int) -> Told:
    """Do a trial in the working folder, which becomes a small disk."""
    folder = Path.cwd()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}M", "none", str(folder)], check=True)
    os.chdir(folder)  # into the disk that now lies over it
    order = draws("disk", seed, -1).sample(WRITERS, len(WRITERS))
    writer, draw = order[number % len(order)], draws("disk", seed, number)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    writer.prepare(folder)
    return _trial(writer, folder, draw)


def _remove(folder: Path, outs: tuple[str, ...]) -> None:
    # With its checkpoints: else the next training would have nothing left to do.
    for out in (folder / name for name in (*outs, "work/checkpoints")):
        if out.is_dir():
            shutil.rmtree(out)
        else:
            out.unlink(missing_ok=True)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _trial(writer: Writer, folder: Path, draw: random.Random) -> Told:
    _remove(folder, writer.outs)
    before = _free(folder)
    first = commands.run(writer.command, folder, commands.PATIENCE)
    if first.code != 0:
        return Outcome.WRONG, f"{writer.name} fails with room: {first.said}"
    expected = {out: commands.contents(folder / out) for out in writer.outs}
    written = before - _free(folder)
    _remove(folder, writer.outs)
    left = int(draw.uniform(0, 0.95) * written)
    with (folder / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, _free(folder) - left)
    what = f"{writer.name} with room for {left:,} of {written:,} bytes"
    full = commands.run(writer.command, folder, commands.PATIENCE)
    if full.code == 0:
        return Outcome.WRONG, f"{what}: exit status 0"
    partial = [
        f"{name}/{path}" if path != "." else name
        for name, whole in expected.items()
        for path, content in commands.contents(folder / name).items()
        if whole.get(path) != content
    ]
    if partial:
        return Outcome.WRONG, f"{what}: {partial[0]} is half written"
    (folder / "ballast").unlink()
    again = commands.run(writer.command, folder, commands.PATIENCE)
    if again.code != 0:
        return Outcome.WRONG, f"{what}: with room again: {again.said}"
    changed = targets.difference(expected, {out: commands.contents(folder / out) for out in writer.outs})
    if changed:
        return Outcome.WRONG, f"{what}: with room again: {changed}"
    fault = commands.fault_of_refusal(full)
    return (Outcome.WRONG, f"{what}: {fault}") if fault else (Outcome.REFUSED, f"{what}: {full.said}")


if __name__ == "__main__":
    print(json.dumps(_in_small_disk(int(sys.argv[1]), int(sys.argv[2]))))
