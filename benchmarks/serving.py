"""The served model behind `mlflow models serve`: time to start, memory, answers a second.

Input: a served folder. The model is registered in a scratch store and served from there on a free port, as a
user would, and asked over HTTP by other processes of the same machine.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import figures
from benchmarks.figures import Figure, Missing

MODEL = "neuralist"
PAIRS, CLIENTS, SECONDS, ROUNDS = 500, 4, 5.0, 3
STORE = "sqlite:///mlflow.db"


def measure(options: argparse.Namespace) -> Iterator[Figure | Missing]:
    """All figures of serving."""
    served = options.served
    if not served.joinpath("served.json").is_file():
        yield Missing("all of it", f"no served model in {served}; run `make repro`, or give --served FOLDER")
        return
    words = served.joinpath("vocabulary.txt").read_text(encoding="utf-8").split()
    one_pair = [_body(words, 1, seed) for seed in range(100)]
    with TemporaryDirectory() as folder:
        _register(served, Path(folder))
        starts: list[float] = []
        for _ in range(ROUNDS - 1):
            with _server(Path(folder)) as (_, _, seconds):
                starts.append(seconds)
        with _server(Path(folder)) as (port, process, seconds):
            starts.append(seconds)
            latencies = [_latencies(port, one_pair) for _ in range(ROUNDS)]
            # Cold for every client: each has its own pairs.
            rates = [_rate(port, one_pair) for _ in range(ROUNDS)]
            resident = figures.resident(process)
            batches, peak = _batches(port, process, _body(words, 10_000, 0))
    yield from [
        Figure("ready from cold", starts, "s", "< 15"),
        Figure("memory of the server", [resident], "MB", "< 350"),
        Figure("one 300-word pair, p50", [statistics.median(times) for times in latencies], "ms", "< 6"),
        Figure(
            "one 300-word pair, p99",
            [statistics.quantiles(times, n=100)[98] for times in latencies],
            "ms",
            "< 20",
        ),
        Figure("300-word pairs, 4 clients", rates, "requests/s", ">= 200"),
        Figure("10,000 300-word pairs in one request", batches, "s", "< 15"),
        Figure("highest memory during it", [peak], "MB", "< 1000"),
    ]


def _register(served: Path, folder: Path) -> None:
    code = f"""
import mlflow
from pathlib import Path
from neuralist.serving import mlflow_model
mlflow.set_tracking_uri({STORE!r})
with mlflow.start_run():
    arguments = mlflow_model.model_arguments({MODEL!r}, Path({str(served.resolve())!r}))
    mlflow.pyfunc.log_model(name="model", registered_model_name={MODEL!r}, **arguments)
mlflow.MlflowClient().set_registered_model_alias({MODEL!r}, "champion", "1")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=_environment(), capture_output=True)
    if done.returncode:
        raise ValueError(f"{served} could not be registered: {done.stderr.decode().splitlines()[-1]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": STORE}


@contextmanager
def _server(folder: Path) -> Iterator[tuple[int, int, float]]:
    """Serve the champion: its port, the id of the process that answers, seconds until it did."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [f"{sys.prefix}/bin/mlflow", "models", "serve", "-m", f"models:/{MODEL}@champion"]
    start = time.perf_counter()
    with folder.joinpath("server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--env-manager", "local", "-p", str(port)],
            cwd=folder,
            env=_environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if server.poll() is not None or time.perf_counter() - start > 120:
                raise ValueError(f"no server: {folder.joinpath('server.log').read_text()[-500:]}")
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        yield port, _child(server.pid), seconds
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _body(words: list[str], rows: int, seed: int) -> bytes:
    draw = random.Random(seed)
    texts = [[" ".join(draw.choices(words, k=300)) for _ in range(2)] for _ in range(rows)]
    return json.dumps({"dataframe_split": {"columns": ["lyrics_a", "lyrics_b"], "data": texts}}).encode()


def _ask(connection: http.client.HTTPConnection, body: bytes) -> None:
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise ValueError(f"HTTP {response.status}: {content[:200].decode()}")


def _latencies(port: int, bodies: list[bytes]) -> list[float]:
    """Milliseconds of each of PAIRS requests, one after the other, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for number in range(PAIRS + 50):
        start = time.perf_counter()
        _ask(connection, bodies[number % len(bodies)])
        times.append(1000 * (time.perf_counter() - start))
    return times[50:]


def _rate(port: int, bodies: list[bytes]) -> float:
    """Requests a second that CLIENTS processes get answered together."""
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.5] * CLIENTS))  # all are up
        begin = time.time() + 0.5
        counts = list(
            pool.map(_answered, [(port, bodies[client::CLIENTS], begin) for client in range(CLIENTS)])
        )
    return sum(counts) / SECONDS


def _answered(task: tuple[int, list[bytes], float]) -> int:
    port, bodies, begin = task
    connection = http.client.HTTPConnection("127.0.0.1", port)
    _ask(connection, bodies[0])
    time.sleep(max(0.0, begin - time.time()))
    count = 0
    while time.time() < begin + SECONDS:
        _ask(connection, bodies[count % len(bodies)])
        count += 1
    return count


def _batches(port: int, process: int, body: bytes) -> tuple[list[float], float]:
    """Seconds of ROUNDS requests, and the server's highest memory in MB, looked up five times a second."""
    seen, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            seen.append(figures.resident(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        _ask(connection, body)
        times.append(time.perf_counter() - start)
    done.set()
    watcher.join()
    return times, max(seen)


def _child(parent: int) -> int:
    """The id of the process that `mlflow models serve` started."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [
        int(pid) for pid, above in (line.split() for line in listing.splitlines()) if int(above) == parent
    ]
    return children[0] if children else parent
