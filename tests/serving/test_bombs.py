"""Small bodies that grow large, large ones, large answers: within 1 GB, by a server that lives on.

Reading a body alone takes at most 400 MB.
"""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from benchmarks import model_server
from tests import served
from tests.serving import bombs

from neuralist.serving import mlflow_model

COLUMNS = ("lyrics_a", "lyrics_b")
FACTS = ("artist", "year", "tags")
# Two processes of 240 MB each wait for requests, and a body is there twice while it arrives: with this much
# for reading it, all take less than 1 GB.
MOST = 400  # MB
SONGS = 50_000  # of the catalogue
# Reads each body of a line's file, and says by how many MB the highest memory so far has risen.
READ = """
import resource, sys, json
from neuralist.serving import requests
per_mb = 1024 if sys.platform == "linux" else 1024**2
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb
for line in sys.stdin:
    path, kind, columns, facts = json.loads(line)
    body = open(path, "rb").read()
    before = peak()
    try:
        message = "" if requests.parse(body, kind, columns, facts) else ""
    except ValueError as error:
        message = str(error)
    print(json.dumps([peak() - before, message]), flush=True)
    del body
"""

Read = Callable[[bytes, str], tuple[float, str]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Reads a body in another process: MB by which that grew, and the message of the refusal, if any."""
    path = tmp_path_factory.mktemp("bombs") / "body"
    with subprocess.Popen(
        [sys.executable, "-c", READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        commands, answers = process.stdin, process.stdout

        def ask(body: bytes, kind: str) -> tuple[float, str]:
            path.write_bytes(body)
            commands.write(json.dumps([str(path), kind, COLUMNS, FACTS]) + "\n")
            commands.flush()
            line = answers.readline()
            assert line, "the process ended"
            megabytes, message = json.loads(line)
            return megabytes, message

        yield ask
        commands.close()


# What is read for all that: a text once, however many rows have it, and nothing of the columns not asked for.
READABLE = {
    "parquet: one text in 10,000 rows",
    "parquet: 20,000 tags in 10,000 rows",
    "parquet: odd notes of pandas",
    "json: 100,000 names of params",
    "json: a param",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", bombs.small(COLUMNS))
def test_a_small_body_stays_small(read: Read, name: str) -> None:
    _is_harmless(name, *bombs.small(COLUMNS)[name], read)


@pytest.mark.faults
@pytest.mark.parametrize("name", bombs.large(COLUMNS))
def test_a_large_body_takes_few_times_its_size(read: Read, name: str) -> None:
    _is_harmless(name, *bombs.large(COLUMNS)[name], read)


def _is_harmless(name: str, make: Callable[[], bytes], kind: str, read: Read) -> None:
    megabytes, message = read(make(), kind)
    assert megabytes < MOST
    assert bool(message) != (name in READABLE)
    assert len(message) < 300
    assert "\n" not in message


@pytest.mark.faults
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="reads the highest memory as Linux keeps it"
)
@pytest.mark.parametrize("kind", mlflow_model.MODELS)
def test_a_server_stays_under_a_gigabyte_and_answers_afterwards(tmp_path: Path, kind: str) -> None:
    columns = COLUMNS if kind == mlflow_model.COMPARE else ("lyrics",)
    model = tmp_path / "model"
    mlflow_model.save(kind, served.write(tmp_path / "served", SONGS), model)
    good = json.dumps({"dataframe_records": [dict.fromkeys(columns, "moss")]}).encode()
    bodies = bombs.bombs(columns) | bombs.large_answers(columns)
    with model_server.running(tmp_path, kind, lambda _, port: model_server.alone(str(model), port)) as server:
        for name, (make, content_type) in bodies.items():
            body = make()
            _forget_peaks(server)
            status = _post(server.port, body, content_type)[0]
            assert status in ((200,) if name in bombs.large_answers(columns) else (200, 400)), name
            assert _peak(server) < 1000, name
            assert _post(server.port, good, bombs.JSON)[0] == 200, name


def _post(port: int, body: bytes, kind: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/invocations", body, {"Content-Type": kind})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def _forget_peaks(server: model_server.Server) -> None:
    for process in model_server.descendants(server.leader):
        Path(f"/proc/{process}/clear_refs").write_text("5")


def _peak(server: model_server.Server) -> float:
    """MB of the highest memory of each process, added up."""
    statuses = [Path(f"/proc/{process}/status") for process in model_server.descendants(server.leader)]
    lines = [line for status in statuses if status.exists() for line in status.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000
