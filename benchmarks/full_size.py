"""Songs, pairs and validate on made corpora of Last.fm's size, of a tenth and of a hundredth of it.

The corpora (`benchmarks.made_lastfm`, 2 GB the largest) and the tables (4 GB) go to a scratch folder, or to
the folder that NEURALIST_FULL_SIZE names, where made corpora are found again. Each stage is a process of its
own, as DVC runs it: seconds by the clock, highest memory as the system counts it.

At a tenth two other ways from the lists to pairs run in turn with ours: pandas (explode, groupby), and a loop
of Python that writes row by row into SQLite. They do less: no lyrics, no cut into parts, no rows table.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd
import yaml

from benchmarks.figures import Figure, Missing, Peer
from neuralist.config import corpus, params

SCALES = {"1/100": 0.01, "1/10": 0.1, "1/1": 1.0}
ROUNDS = {"1/100": 3, "1/10": 3, "1/1": 1}
WITH_PEERS = "1/10"
ROOT = Path(__file__).resolve().parents[1]
TABLES = {
    "songs": "songs.py {raw} --songs songs.parquet --listed listed.parquet --rejects rejects.parquet "
    "--corpus corpus.json --counts counts.json",
    "pairs": "pairs.py songs.parquet listed.parquet --rows rows.parquet --pairs pairs.parquet "
    "--unlisted unlisted.parquet",
    "validate": "validate.py songs.parquet rows.parquet pairs.parquet unlisted.parquet --corpus corpus.json "
    "--report validation.json --page validation.html --suites suites --verdict validated.json",
}
_DISK = 12e9  # bytes


class Cost(NamedTuple):
    """What a process took: seconds by the clock, and MB at the most."""

    seconds: float
    memory: float


def measure(_: Namespace) -> Iterator[Figure | Missing]:
    """All figures of the three sizes."""
    with TemporaryDirectory(prefix="neuralist-full-size-") as scratch:
        folder = Path(os.environ.get("NEURALIST_FULL_SIZE", scratch))
        if shutil.disk_usage(folder).free < _DISK:
            yield Missing(
                "all", f"{_DISK / 1e9:.0f} GB of disk in {folder}; or name a folder, NEURALIST_FULL_SIZE"
            )
            return
        totals = {}
        for size, scale in SCALES.items():
            raw = folder / f"lastfm-{size.replace('/', 'of')}"
            if not raw.exists():
                # By a process of its own: what this one ever held would count as its children's memory.
                _run(["-m", "benchmarks.made_lastfm", str(raw), "--scale", str(scale)], folder)
            with TemporaryDirectory(dir=folder) as work:
                ours, peers = _rounds(raw, Path(work), size)
            totals[size] = [sum(cost.seconds for cost in one.values()) for one in ours]
            yield from _figures(size, ours, totals[size])
            yield from _compared(size, ours, peers)
        growth = [totals["1/1"][0] / (10 * seconds) for seconds in totals["1/10"]]
        yield Figure("seconds at 1/1 by ten times those at 1/10", growth, "", "< 1.2")


def _rounds(raw: Path, work: Path, size: str) -> tuple[list[dict[str, Cost]], dict[str, list[Cost]]]:
    ours: list[dict[str, Cost]] = []
    peers: dict[str, list[Cost]] = {"pandas": [], "rows into SQLite": []}
    _write_params(raw, work)
    for _ in range(ROUNDS[size]):
        ours.append({})
        for stage, command in TABLES.items():
            words = command.format(raw=raw).split()
            ours[-1][stage] = _run([str(ROOT / "pipelines" / words[0]), *words[1:]], work)
        for peer in peers if size == WITH_PEERS else ():
            peers[peer].append(_run(["-m", "benchmarks.full_size", peer, str(raw)], work))
    return ours, peers


def _write_params(raw: Path, work: Path) -> None:
    values = corpus.merge_params(params.read_yaml(ROOT / "params.yaml"), corpus.read(raw))
    (work / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")


def _run(arguments: list[str], folder: Path) -> Cost:
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"{' '.join(arguments)}: exit status {process.returncode}")
    # Linux counts kB, macOS bytes.
    return Cost(time.perf_counter() - start, usage.ru_maxrss / (1000 if sys.platform == "linux" else 1e6))


def _figures(size: str, ours: list[dict[str, Cost]], totals: list[float]) -> Iterator[Figure]:
    whole = size == "1/1"
    for stage in TABLES:
        yield Figure(f"{stage}, {size}", [one[stage].seconds for one in ours], "s")
        yield Figure(f"{stage}, {size}, memory", [one[stage].memory for one in ours], "MB")
    yield Figure(f"all three, {size}", totals, "s", "< 120" if whole else None)
    highest = [max(cost.memory for cost in one.values()) for one in ours]
    yield Figure(f"all three, {size}, memory", highest, "MB", "< 4000" if whole else None)


def _compared(size: str, ours: list[dict[str, Cost]], peers: dict[str, list[Cost]]) -> Iterator[Figure]:
    for name, costs in peers.items():
        if not costs:
            continue
        stages = [(one["songs"], one["pairs"]) for one in ours]
        seconds = [sum(cost.seconds for cost in both) for both in stages]
        memory = [max(cost.memory for cost in both) for both in stages]
        title = f"lists to pairs, {size}, {name}"
        yield Figure(title, seconds, "s", None, Peer(name, [cost.seconds for cost in costs]))
        yield Figure(f"{title}, memory", memory, "MB", None, Peer(name, [cost.memory for cost in costs]))


def by_pandas(raw: Path, out: Path) -> None:
    """Lists to pairs with explode and groupby."""
    with closing(sqlite3.connect(raw / "msd" / "lastfm_similars.db")) as database:
        lists = pd.read_sql("select tid, target from similars_src", database)
    fields = lists["target"].str.split(",")
    listed = pd.DataFrame({"one": lists["tid"], "other": fields.str[::2], "similarity": fields.str[1::2]})
    listed = listed.explode(["other", "similarity"], ignore_index=True).astype({"similarity": float})
    in_order = listed["one"] < listed["other"]
    listed["left_id"] = listed["one"].where(in_order, listed["other"])
    listed["right_id"] = listed["other"].where(in_order, listed["one"])
    pairs = listed.groupby(["left_id", "right_id"])["similarity"].agg(["mean", "min", "max", "size"])
    pairs.reset_index().to_parquet(out)


def by_rows(raw: Path, out: Path) -> None:
    """Lists to pairs with a loop that looks each pair up in SQLite and writes it there."""
    source = sqlite3.connect(raw / "msd" / "lastfm_similars.db")
    with closing(source), closing(sqlite3.connect(out)) as target:
        target.execute(
            "create table pairs "
            "(left_id text, right_id text, total real, n integer, primary key (left_id, right_id))"
        )
        for track, text in source.execute("select tid, target from similars_src"):
            fields = text.split(",")
            for other, score in zip(fields[::2], fields[1::2], strict=True):
                both = (track, other) if track < other else (other, track)
                target.execute(
                    "insert into pairs values (?, ?, ?, 1) "
                    "on conflict do update set total = total + excluded.total, n = n + 1",
                    (*both, float(score)),
                )
        target.commit()


if __name__ == "__main__":
    {"pandas": by_pandas, "rows into SQLite": by_rows}[sys.argv[1]](Path(sys.argv[2]), Path("peer-out"))
    Path("peer-out").unlink()
