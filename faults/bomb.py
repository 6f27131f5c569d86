"""Small bodies that grow large: refused or answered with the server under 1 GB, and alive afterwards.

Bodies are at most 64 MB, what a proxy lets through (docs/serving.md). A server that reaches twice the limit,
or does not answer in a minute, is ended and started again, so that one bomb spoils no later trial.
"""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks import model_server

from faults import served
from faults.fuzz import CSV, JSON, PARQUET, PLAIN
from faults.trials import Outcome, Run, Told, draws
from neuralist.serving.registered import COMPARE

SAMPLE, FULL = 12, 60
MOST = 1_000.0  # MB of the server
LARGEST = 64 * 10**6  # bytes of a body


def _written(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def _dictionary(draw: random.Random) -> bytes:
    """One long text in every row, which parquet holds once."""
    rows, length = draw.choice([(10_000, 98_000), (10_000, 10_000), (1_000_000, 9_000)])
    texts = pa.DictionaryArray.from_arrays(
        pa.array([0] * rows, pa.int32()), pa.array(["la " * (length // 3)])
    )
    return _written(pa.table({"lyrics_a": texts, "lyrics_b": texts}))


def _many_rows(draw: random.Random) -> bytes:
    """Far more rows than a request may have."""
    rows = draw.choice([1_000_000, 20_000_000])
    column = (
        pa.nulls(rows, pa.string())
        if draw.random() < 0.5
        else pa.array(["moss"]).take(pa.array([0] * 1_000_000))
    )
    return _written(pa.table({"lyrics_a": column, "lyrics_b": column}))


def _many_columns(draw: random.Random) -> bytes:
    """A parquet file of many columns."""
    names = [f"c{column}" for column in range(draw.choice([1_000, 30_000]))]
    return _written(pa.table({name: pa.array(["moss"]) for name in ["lyrics_a", "lyrics_b", *names]}))


def _other_columns(draw: random.Random) -> bytes:
    """A column that nobody asked for, which is long or deep."""
    row = pa.scalar([[["moss" * 30_000]]]) if draw.random() < 0.5 else pa.scalar("moss" * 20_000)
    other = pa.array([row.as_py()] * draw.choice([1_000, 3_000]))
    plain = pa.array(["moss on a stone"] * len(other))
    return _written(pa.table({"lyrics_a": plain, "lyrics_b": plain, "other": other}))


def _one_text(draw: random.Random) -> bytes:
    """One text that is all of the body's length."""
    text = pa.array(["la " * draw.choice([1_000_000, 100_000_000])])
    return _written(pa.table({"lyrics_a": text, "lyrics_b": text}))


def _wide_csv(draw: random.Random) -> bytes:
    names = ",".join(f"c{column}" for column in range(draw.choice([30_000, 300_000])))
    return f"lyrics_a,lyrics_b,{names}\nmoss,stone\n".encode()


def _long_csv(draw: random.Random) -> bytes:
    row = draw.choice([b"moss,stone\n", b"a,b\n", b"\n", b",\n", b'"",""\n'])
    return b"lyrics_a,lyrics_b\n" + row * ((LARGEST - 100) // len(row))


def _quoted_csv(draw: random.Random) -> bytes:
    return b'lyrics_a,lyrics_b\nmoss,"' + b"la " * draw.choice([1_000_000, LARGEST // 3 - 20])


def _deep_json(draw: random.Random) -> bytes:
    opening = draw.choice([b"[", b'{"inputs":', b'{"a":', b'{"inputs":[['])
    return opening * draw.choice([1_000, 100_000, LARGEST // len(opening)])


def _flat_json(draw: random.Random) -> bytes:
    """A list of very many small things, or an object of very many names."""
    small = draw.choice([b"0,", b"[],", b"{},", b'"",', b"null,", b'{"lyrics_a":"","lyrics_b":""},'])
    return b'{"instances": [' + small * ((LARGEST - 100) // len(small)) + b"0]}"


def _many_names(_: random.Random) -> bytes:
    names = ",".join(f'"n{name}":0' for name in range(3_000_000))
    return f'{{"dataframe_records": [{{{names}}}]}}'.encode()


def _many_params(_: random.Random) -> bytes:
    params = {f"p{name}": "x" * 100 for name in range(100_000)}
    return json.dumps({"dataframe_records": [PLAIN[COMPARE]], "params": params}).encode()


BOMBS: tuple[tuple[str, str, Callable[[random.Random], bytes]], ...] = (
    ("one text in every row", PARQUET, _dictionary),
    ("too many rows", PARQUET, _many_rows),
    ("many columns", PARQUET, _many_columns),
    ("large columns that are not asked for", PARQUET, _other_columns),
    ("one long text", PARQUET, _one_text),
    ("many columns", CSV, _wide_csv),
    ("64 MB of short rows", CSV, _long_csv),
    ("a quote that is not closed", CSV, _quoted_csv),
    ("brackets in brackets", JSON, _deep_json),
    ("64 MB of small values", JSON, _flat_json),
    ("3,000,000 names", JSON, _many_names),
    ("100,000 params", JSON, _many_params),
)


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Send a bomb a trial; all kinds of them in turn."""
    left = list(run.numbers)
    while left:
        with served.running(run.scratch, COMPARE) as [server]:
            is_well = True
            while left and is_well:
                number = left.pop(0)
                name, content_type, make = BOMBS[number % len(BOMBS)]
                body = make(draws("bomb", run.seed, number))
                (outcome, said), is_well = _trial(server, body, content_type)
                yield number, (outcome, f"{name}, {content_type}, {len(body):,} bytes: {said}")
        for path in run.scratch.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _memory(server: served.Server) -> float:
    """Return the memory of a server in MB; 0 where it is gone."""
    try:
        return served.memory(server)
    except subprocess.CalledProcessError:
        return 0.0


def _trial(server: served.Server, body: bytes, content_type: str) -> tuple[Told, bool]:
    """Send a body; return the outcome, and whether the server can be asked again."""
    seen, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            seen.append(_memory(server))
            if seen[-1] > 2 * MOST:
                for process in model_server.descendants(server.leader):
                    os.kill(process, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    answer = served.ask(server.port, body, {"Content-Type": content_type})
    seconds = time.monotonic() - began
    done.set()
    watcher.join()
    highest = max(*seen, _memory(server))
    outcome, said = served.judged(answer)
    said = f"{said}; {highest:,.0f} MB, {seconds:.1f} s"
    if highest > MOST:
        return (Outcome.WRONG, said), highest <= 2 * MOST
    plain = json.dumps({"dataframe_records": [PLAIN[COMPARE]]}).encode()
    if outcome is not Outcome.WRONG and served.ask(server.port, plain, {"Content-Type": JSON}).status != 200:
        return (Outcome.WRONG, f"{said}; no answer to a plain request afterwards"), False
    return (outcome, said), answer.status != 0
