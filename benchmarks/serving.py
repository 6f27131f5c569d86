"""The served model behind `mlflow models serve`: time to start, memory, answers a second.

Input: a served folder. The model is registered in a scratch store and served from there on a free port, as a
user would, and asked over HTTP by other processes of the same machine. Beside it a model of the same
signature that does nothing, `benchmarks.empty_model`, is served the same way: what MLflow takes by itself.
"""

import argparse
import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import figures, model_server
from benchmarks.figures import Data, Figure, Missing, Peer
from neuralist.config.records import load_served
from neuralist.serving.registered import COMPARE

MODEL, EMPTY = "neuralist", "empty"
PAIRS, CLIENTS, SECONDS, ROUNDS, PAIR_ROUNDS = 500, 4, 5.0, 3, 5
EMPTY_MODEL = Path(__file__).with_name("empty_model.py")


def measure(options: argparse.Namespace) -> Iterator[Data | Figure | Missing]:
    """All figures of serving."""
    served = options.served
    if not served.joinpath("served.json").is_file():
        yield Missing("all of it", f"no served model in {served}; run `make repro`, or give --served FOLDER")
        return
    words = served.joinpath("vocabulary.txt").read_text(encoding="utf-8").split()
    one_pair = [_body(words, 1, seed) for seed in range(100)]
    record = load_served(served)
    yield Data(f"a model of experiment {record.experiment}, whose vocabulary has {len(words):,} words")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        models = {MODEL: (COMPARE, None), EMPTY: (COMPARE, EMPTY_MODEL)}
        model_server.register(served, folder, models)
        starts, of_empty = figures.in_turn(
            ROUNDS, *(partial(_start, folder, name) for name in (MODEL, EMPTY))
        )
        yield Figure("ready from cold", starts, "s", "< 4", Peer("an empty MLflow model", of_empty))
        with model_server.running(folder, MODEL) as server:
            port, process = server.port, server.process
            with model_server.running(folder, EMPTY) as beside:
                # By rounds, not by requests: threads of the one may still spin when the other is asked.
                latencies = [
                    (_latencies(port, one_pair), _latencies(beside.port, one_pair))
                    for _ in range(PAIR_ROUNDS)
                ]
            yield from of_one_pair(latencies)
            # Cold for every client: each has its own pairs.
            rates = [_rate(port, one_pair) for _ in range(ROUNDS)]
            yield Figure("300-word pairs, 4 clients", rates, "requests/s", ">= 200")
            yield Figure("memory of the server", [figures.resident(process)], "MB", "< 350")
            batches, peak = _batches(port, process, _body(words, 10_000, 0))
            yield Figure("10,000 300-word pairs in one request", batches, "s", "< 8")
            yield Figure("highest memory during it", [peak], "MB", "< 1000")
            shared, _ = _batches(port, process, _body(words, 10_000, 0, n_songs=1_000))
            yield Figure("10,000 pairs of 1,000 such songs in one request", shared, "s")


def of_one_pair(latencies: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Iterator[Figure]:
    """Half, and 99 of 100, of the requests of each round, by our model beside the empty one.

    Args:
        latencies: of each round, milliseconds of our requests and of those to the empty model.
    """
    for name, of_round in (("p50", statistics.median), ("p99", _percentile_99)):
        own, empty = ([of_round(times) for times in one] for one in zip(*latencies, strict=True))
        peer = Peer("an empty MLflow model", empty)
        yield Figure(f"one 300-word pair, {name}", own, "ms", "ratio < 1.3", peer)


def _percentile_99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _start(folder: Path, name: str) -> float:
    """Seconds from the command until the server of a model's champion answers."""
    with model_server.running(folder, name) as server:
        return server.seconds


def _body(words: list[str], rows: int, seed: int, n_songs: int | None = None) -> bytes:
    """Write a request of pairs of made-up songs, drawn from `n_songs`; None makes each text another one."""
    draw = random.Random(seed)
    songs = [" ".join(draw.choices(words, k=300)) for _ in range(n_songs or 2 * rows)]
    texts = [
        songs[2 * row : 2 * row + 2] if n_songs is None else draw.sample(songs, 2) for row in range(rows)
    ]
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
