"""Clients that never finish, floods, large bodies: MLflow's server behind nginx; `make test-faults`.

MLflow's server is started by pipelines/serve.py, with nginx and the settings of pipelines/nginx.conf. Good
requests come from an address of their own, 127.0.0.2.
"""

import json
import math
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests import served
from tests.proxied import Running, needs_nginx, running
from tests.waiting import free_port, wait_for

pytestmark = [
    pytest.mark.faults,
    needs_nginx,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all addresses from 127.0.0.1 on"),
]

IDLE = 1_100
GOOD = json.dumps({"dataframe_records": [{"lyrics_a": "moss", "lyrics_b": "stone"}]}).encode()
HEADERS = b"POST /invocations HTTP/1.1\r\nHost: x\r\n"
MB_A_MINUTE = 1_000_000 / 60  # bytes a second


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Let this process hold some thousand connections; what it starts has MLflow's usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"this user may open {hard} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save the model whose answers are known by hand as the registry does it."""
    from mlflow.pyfunc import save_model

    from neuralist.serving import mlflow_model

    home = tmp_path_factory.mktemp("model")
    arguments = mlflow_model.model_arguments(mlflow_model.COMPARE, served.write(home / "served"))
    save_model(path=str(home / "neuralist"), **arguments)
    return home / "neuralist"


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """MLflow's server behind nginx."""
    folder = tmp_path_factory.mktemp("serve")
    folder.joinpath("params.yaml").write_text("register: {name: songs, metric: listed_auc}\n")
    with running(folder, "--model", str(model), files=1024) as one:
        yield one


def answered(server: Running) -> float:
    """Ask for a pair, check the answer, and return the seconds it took."""
    began = time.monotonic()
    status, content = server.ask(GOOD, address="127.0.0.2")
    assert status == 200, content
    assert math.isclose(json.loads(content)["predictions"][0]["similarity"], served.MOSS_STONE, rel_tol=1e-6)
    return time.monotonic() - began


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection, after whatever it answered."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def watch(server: Running, connections: list[socket.socket], seconds: float) -> tuple[list[float], float]:
    """Ask for pairs until all connections are closed: seconds of each, and until the last was closed."""
    began, times = time.monotonic(), []
    while connections := [one for one in connections if not is_closed(one)]:
        times.append(answered(server))
        assert time.monotonic() - began < seconds, f"{len(connections)} are open"
        time.sleep(0.2)
    return times, time.monotonic() - began


@pytest.fixture
def bounded_log(server: Running) -> Iterator[None]:
    """Hold what a test adds to the log against a megabyte a minute."""
    began, before = time.monotonic(), len(server.log())
    yield
    assert len(server.log()) - before < MB_A_MINUTE * (time.monotonic() - began)


@pytest.mark.usefixtures("bounded_log")
@pytest.mark.parametrize("sent", [b"", HEADERS], ids=["nothing", "half the headers"])
def test_1100_connections_without_end_of_headers_are_closed_and_stop_no_one(
    server: Running, sent: bytes
) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(server.connect()) for _ in range(IDLE)]
        for one in connections:
            one.sendall(sent)
        times, last = watch(server, connections, seconds=30)
    assert max(times) < 5
    assert last > 8  # they were held as long as client_header_timeout says, not refused


@pytest.mark.usefixtures("bounded_log")
def test_headers_that_come_a_byte_a_second_are_cut_off_as_well(server: Running) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(server.connect()) for _ in range(100)]
        for one in connections:
            one.sendall(HEADERS)
        began = time.monotonic()
        while not all(map(is_closed, connections)):
            for one in connections:
                with suppress(OSError):
                    one.send(b"x")
            assert answered(server) < 5
            assert time.monotonic() - began < 30
            time.sleep(1)


@pytest.mark.usefixtures("bounded_log")
def test_bodies_that_never_end_hold_16_places_of_their_address_and_are_cut_off(server: Running) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(server.begin(b"{", 1000)) for _ in range(IDLE)]
        times, _ = watch(server, connections, seconds=60)
    assert max(times) < 5


@pytest.mark.usefixtures("bounded_log")
def test_bodies_that_come_a_byte_a_second_stop_no_one(server: Running) -> None:
    # They are never cut off, as each byte comes in time; MLflow's server hears of none of them.
    with ExitStack() as opened:
        connections = [opened.enter_context(server.begin(b"{", 50_000_000)) for _ in range(100)]
        for _ in range(15):
            for one in connections:
                with suppress(OSError):
                    one.send(b" ")
            assert answered(server) < 5
            time.sleep(1)


@pytest.mark.usefixtures("bounded_log")
def test_connections_kept_after_an_answer_are_closed(server: Running) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(server.connect()) for _ in range(IDLE)]
        for one in connections:
            one.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        times, _ = watch(server, connections, seconds=60)
    assert max(times) < 5


# Refused by nginx, refused by the model, answered: each writes lines of its own if anything does.
@pytest.mark.usefixtures("bounded_log")
@pytest.mark.parametrize("body", [b"{", GOOD], ids=["bad requests", "good requests"])
def test_a_flood_of_requests_on_20_connections_stops_no_one_else(server: Running, body: bytes) -> None:
    over, counts = threading.Event(), []

    def flood() -> None:
        request = HEADERS + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        done = 0
        while not over.is_set():
            with suppress(OSError), server.connect() as connection:
                while not over.is_set() and (connection.sendall(request) or connection.recv(65536)):
                    done += 1
        counts.append(done)

    threads = [threading.Thread(target=flood) for _ in range(20)]
    for thread in threads:
        thread.start()
    began, times = time.monotonic(), []
    try:
        while time.monotonic() - began < 15:
            times.append(answered(server))
            time.sleep(0.1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert sum(counts) > 500
    assert max(times) < 5


def test_a_body_of_65_mb_is_stopped_by_nginx_and_one_of_64_mb_by_the_model(server: Running) -> None:
    status, content = server.ask(b"a" * 65_000_000)
    assert (status, json.loads(content)["message"]) == (
        413,
        "received a body of more than 64 MB; send fewer rows a request",
    )
    status, content = server.ask(b"a" * 64_000_000)
    assert (status, json.loads(content)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answered(server) < 5


def test_mlflows_server_by_itself_is_stopped_by_1100_idle_connections(model: Path, tmp_path: Path) -> None:
    """Why there is nginx: should this fail one day, look whether it is still needed."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-p", str(port)],
            env=os.environ | {"PATH": path},
            stdout=log,
            stderr=log,
            process_group=0,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
        )
    alone = Running(process, port, tmp_path)
    try:
        wait_for(lambda: _answers(alone))
        with ExitStack() as opened:
            for _ in range(IDLE):
                opened.enter_context(alone.connect()).sendall(HEADERS)
            before = len(alone.log())
            with pytest.raises(OSError, match="timed out"):
                answered(alone)
            assert len(alone.log()) - before > MB_A_MINUTE * 10
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _answers(server: Running) -> bool:
    try:
        return answered(server) > 0
    except OSError:
        return False
