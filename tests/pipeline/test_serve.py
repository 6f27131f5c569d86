"""`make serve`: pipelines/serve.py with nginx, if it is installed, and a made-up `mlflow`."""

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.proxied import NGINX, ROOT, Running, needs_nginx, running, serve
from tests.waiting import free_port, wait_for

# MLflow's server in short: where it listens, and answers; to a body that begins with "slow" after 2 s.
MLFLOW = """
import os, socketserver, sys, time
from http.server import BaseHTTPRequestHandler

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if body == b"end":
            print("out of memory", flush=True)
            os._exit(3)
        if body.startswith(b"slow"):
            print("a slow one", flush=True)
            time.sleep(2)
        self.send_response(200)
        self.send_header("Asked-For", self.path)
        self.end_headers()
        self.wfile.write(b"%d bytes" % len(body))

    do_POST = do_GET

    def log_message(self, *_):
        pass

    def address_string(self):
        return "nginx"

print("process", os.getpid(), "serves", sys.argv[sys.argv.index("-m") + 1], flush=True)
if path := os.environ.get("UVICORN_UDS"):
    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True
        request_queue_size = 100
else:
    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        allow_reuse_address = daemon_threads = True
    path = (sys.argv[sys.argv.index("-h") + 1], int(sys.argv[sys.argv.index("-p") + 1]))
Server(path, Handler).serve_forever()
"""


def made_up(folder: Path) -> Path:
    """Put what serve.py needs into a folder."""
    folder.joinpath("mlflow.py").write_text(MLFLOW)
    folder.joinpath("params.yaml").write_text("register: {name: songs, metric: listed_auc}\n")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start nginx with the made-up server behind it."""
    with running(made_up(tmp_path_factory.mktemp("serve"))) as one:
        yield one


@pytest.mark.slow
@needs_nginx
def test_the_champion_of_params_yaml_answers_behind_nginx(server: Running) -> None:
    assert server.ask(b"a pair") == (200, "6 bytes")
    first, second = server.log().splitlines()
    assert first.endswith("serves models:/songs@champion")
    assert second == (f"models:/songs@champion answers at http://127.0.0.1:{server.port}; Ctrl-C ends it")


def answer(server: Running, sent: bytes) -> tuple[http.client.HTTPResponse, str]:
    """Send these bytes, and return the answer and its content."""
    with server.connect() as connection:
        connection.sendall(sent)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response, response.read().decode()


def asked(method: str, page: str, *headers: str, body: str = "", version: str = "1.1") -> bytes:
    """A request without more headers than Host and these."""
    return "\r\n".join([f"{method} {page} HTTP/{version}", "Host: x", *headers, "", body]).encode()


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize(
    "page", ["/docs", "/openapi.json", "/", "/invocations/../docs", "/INVOCATIONS", "/ping/"]
)
def test_other_pages_than_those_of_the_model_are_unknown(server: Running, page: str) -> None:
    response, content = answer(server, asked("GET", page))
    assert response.status == 404
    assert "POST a request to /invocations" in json.loads(content)["message"]


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize(
    ("method", "written", "page"),
    [
        ("GET", "/ping", "/ping"),
        ("GET", "/docs/..%2fping?x", "/ping"),
        ("GET", "http://elsewhere/version", "/version"),
        ("POST", "/invocations?x=/docs", "/invocations"),
        ("POST", "//invocations", "/invocations"),
        ("POST", "/docs/../%69nvocations#x", "/invocations"),
    ],
)
def test_mlflow_hears_of_a_page_by_its_own_name_alone(
    server: Running, method: str, written: str, page: str
) -> None:
    response, _ = answer(server, asked(method, written, "Content-Length: 0"))
    assert (response.status, response.getheader("Asked-For")) == (200, page)


# What no server should guess at, or would have to keep in memory.
NO_HTTP = {
    "two lengths": asked("POST", "/invocations", "Content-Length: 1", "Content-Length: 2", body="12"),
    "a length of two": asked("POST", "/invocations", "Content-Length: 1, 1", body="1"),
    "a length below 0": asked("POST", "/invocations", "Content-Length: -1"),
    "a length and chunks": asked(
        "POST", "/invocations", "Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n"
    ),
    "a chunk of no size": asked("POST", "/invocations", "Transfer-Encoding: chunked", body="zz\r\n"),
    "two hosts": asked("GET", "/ping", "Host: y"),
    "no host": b"GET /ping HTTP/1.1\r\n\r\n",
    "a NUL": asked("GET", "/ping%00"),
    "a page above the first": asked("GET", "/../ping"),
    "a header in two lines": asked("GET", "/ping", "X: a\r\n b"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
LONG = {
    "a header of 9 kB": (400, asked("GET", "/ping", "X: " + "a" * 9000)),
    "10 headers of 4 kB": (400, asked("GET", "/ping", *["X: " + "a" * 4000] * 10)),
    "3,000 headers": (400, asked("GET", "/ping", *["X: some text"] * 3000)),
    "a page of 9 kB": (414, asked("GET", "/ping?" + "a" * 9000)),
}
UNKNOWN = {
    "packed chunks": (501, asked("POST", "/invocations", "Transfer-Encoding: gzip, chunked")),
    "HTTP/3.0": (505, asked("GET", "/ping", version="3.0")),
}


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize(
    ("status", "sent", "word"),
    [
        *[pytest.param(400, sent, "look at its", id=name) for name, sent in NO_HTTP.items()],
        *[pytest.param(*case, "8 kB", id=name) for name, case in LONG.items()],
        *[pytest.param(*case, "send HTTP/1.1", id=name) for name, case in UNKNOWN.items()],
    ],
)
def test_what_nginx_refuses_gets_one_sentence_in_json(
    server: Running, status: int, sent: bytes, word: str
) -> None:
    response, content = answer(server, sent)
    assert response.status == status
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("Server") == "nginx"  # and no version
    assert word in json.loads(content)["message"]
    assert server.ask(b"a pair") == (200, "6 bytes")


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "ODD"])
def test_pairs_are_asked_for_by_post_alone(server: Running, method: str) -> None:
    response, content = answer(server, asked(method, "/invocations", "Content-Length: 0"))
    assert (response.status, response.getheader("Allow")) == (405, "POST")
    assert "POST a request to /invocations" in json.loads(content)["message"]


@pytest.mark.slow
@needs_nginx
@pytest.mark.parametrize("method", ["POST", "TRACE"])
def test_whether_the_server_lives_is_asked_for_by_get_alone(server: Running, method: str) -> None:
    response, _ = answer(server, asked(method, "/ping", "Content-Length: 0"))
    assert (response.status, response.getheader("Allow")) == (405, "GET")


@pytest.mark.slow
@needs_nginx
def test_requests_in_a_row_are_answered_in_a_row(server: Running) -> None:
    two = [asked("POST", "/invocations", f"Content-Length: {n}", body="a" * n) for n in (5, 7)]
    with server.connect() as connection:
        connection.sendall(b"".join(two) + asked("GET", "/docs", "Connection: close"))
        content = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [content.find(part) > 0 for part in (b"5 bytes", b"7 bytes", b"no such page")] == [True] * 3
    assert content.index(b"5 bytes") < content.index(b"7 bytes") < content.index(b"no such page")


@pytest.mark.slow
@needs_nginx
def test_a_switch_to_websockets_is_not_made(server: Running) -> None:
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    response, _ = answer(
        server, asked("GET", "/ping", *upgrade, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    )
    assert (response.status, response.getheader("Upgrade")) == (200, None)


@pytest.mark.slow
@needs_nginx
def test_a_body_of_64_mb_is_passed_on_and_one_byte_more_is_refused(server: Running) -> None:
    assert server.ask(bytes(64_000_000)) == (200, "64000000 bytes")
    status, content = server.ask(bytes(64_000_001))
    assert status == 413
    assert json.loads(content) == {"message": "received a body of more than 64 MB; send fewer rows a request"}


@pytest.mark.slow
@needs_nginx
def test_a_body_of_unknown_length_is_refused_when_it_passes_64_mb(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/invocations", (bytes(1_000_000) for _ in range(65)), encode_chunked=True)
    assert connection.getresponse().status == 413


def status(connection: socket.socket) -> int:
    return int(connection.recv(100).split()[1])


@pytest.mark.slow
@needs_nginx
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all addresses from 127.0.0.1 on")
def test_one_address_gets_16_requests_at_once_and_others_are_answered(server: Running) -> None:
    with ExitStack() as opened:
        for _ in range(16):
            opened.enter_context(server.begin(b"the rest never comes", 100))
        refused, content = wait_for(lambda: (one := server.ask()) and one[0] != 200 and one)
        assert refused == 429
        assert "more than 16 requests at once" in json.loads(content)["message"]
        assert server.ask(address="127.0.0.2")[0] == 200
    wait_for(lambda: server.ask()[0] == 200)


@pytest.mark.slow
@needs_nginx
def test_of_three_large_requests_at_once_one_is_sent_away(server: Running) -> None:
    large = b"slow" + bytes(1_000_000)
    with ExitStack() as opened:
        three = [opened.enter_context(server.begin(large, len(large))) for _ in range(3)]
        assert server.ask(b"a pair")[0] == 200  # small ones have their own count
        assert sorted(map(status, three)) == [200, 200, 503]


@pytest.mark.slow
@needs_nginx
def test_a_request_whose_client_has_gone_counts_until_it_is_answered(server: Running) -> None:
    large = b"slow" + bytes(1_000_000)
    before = server.log().count("a slow one")
    for _ in range(2):
        server.begin(large, len(large)).close()
    wait_for(lambda: server.log().count("a slow one") == before + 2)
    status, content = server.ask(large)
    assert status == 503
    assert "send the request again" in json.loads(content)["message"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("nginx", [pytest.param(True, marks=needs_nginx), False])
def test_a_signal_ends_both_servers(tmp_path: Path, number: signal.Signals, *, nginx: bool) -> None:
    with running(made_up(tmp_path), nginx=nginx) as one:
        assert ("nginx is not installed" in one.log()) is not nginx
        assert one.ask(b"a pair") == (200, "6 bytes")
        one.process.send_signal(number)
        assert one.process.wait(timeout=60) == 128 + number
        with pytest.raises(ConnectionRefusedError):
            one.connect()
    assert list((tmp_path / "work").iterdir()) == []
    assert not re.search(r"(?m)error|Traceback", one.log())


@pytest.mark.slow
@needs_nginx
def test_where_mlflows_server_ends_nginx_ends_too_and_one_line_says_so(tmp_path: Path) -> None:
    with running(made_up(tmp_path)) as one:
        one.ask(b"end")
        assert one.process.wait(timeout=60) == 1
        with pytest.raises(ConnectionRefusedError):
            one.connect()
    assert one.log().splitlines()[-2:] == [
        "out of memory",
        "error: MLflow's server ended, with exit status 3; it said why above",
    ]


@pytest.mark.slow
@needs_nginx
def test_where_the_script_is_killed_both_servers_end(tmp_path: Path) -> None:
    with running(made_up(tmp_path)) as one:
        [nginx] = tmp_path.glob("work/.serve-*/nginx.pid")
        [mlflow] = re.findall(r"process (\d+)", one.log())
        one.process.kill()
        wait_for(lambda: not any(_lives(int(number)) for number in (nginx.read_text(), mlflow)))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_killed_call_left_is_removed_and_a_living_ones_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f".serve-{gone.pid}", f".serve-{os.getppid()}", ".demo-1"):
        (tmp_path / "work" / name).mkdir(parents=True)

    with serve._folder() as folder:
        inside = {path.name for path in (tmp_path / "work").iterdir()}

    assert inside == {folder.name, f".serve-{os.getppid()}", ".demo-1"}
    assert not folder.exists()


def test_without_nginx_only_this_machine_may_be_served() -> None:
    assert "apt-get install nginx" in serve.without_nginx("127.0.0.1", 5001)
    with pytest.raises(
        ValueError, match=r"LISTEN=0.0.0.0:5001: .* install it, or give LISTEN=127.0.0.1:5001"
    ):
        serve.without_nginx("0.0.0.0", 5001)


def test_the_configuration_differs_from_its_file_by_the_address_alone() -> None:
    template = (ROOT / "pipelines/nginx.conf").read_text()
    made = serve.configuration("0.0.0.0", 5399)
    changed = [
        pair for pair in zip(template.splitlines(), made.splitlines(), strict=True) if pair[0] != pair[1]
    ]
    assert [tuple(map(str.strip, pair)) for pair in changed] == [
        ("listen 127.0.0.1:5001;", "listen 0.0.0.0:5399;")
    ]


@pytest.mark.slow
@needs_nginx
def test_where_nginx_gets_no_answer_or_has_no_disk_it_says_so_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have 107 bytes
    port = free_port()
    settings = serve.configuration("127.0.0.1", port).replace(
        "proxy_read_timeout 65s", "proxy_read_timeout 1s"
    )
    Path("nginx.conf").write_text(settings)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(serve.SOCKET)
        silent.listen()
        with subprocess.Popen(serve._nginx(NGINX)) as nginx:
            try:
                one = Running(nginx, port, tmp_path)
                wait_for(lambda: answers_at_all(one))
                late = one.ask(b"a pair")
                Path("body").rename("elsewhere")
                no_disk = one.ask(bytes(1_000_000))
            finally:
                nginx.send_signal(signal.SIGTERM)
    assert (late[0], no_disk[0]) == (504, 500)
    for _, content in (late, no_disk):
        assert "gave no answer in time" in json.loads(content)["message"]


def answers_at_all(server: Running) -> bool:
    try:
        return server.ask(page="/docs")[0] == 404
    except OSError:
        return False


def test_nginx_waits_longer_than_mlflow_and_than_a_search_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    # mlflow.environment_variables has 60 s by default, and a search takes 0.9 of it at most (deadline.py).
    for given, seconds in ((None, 60), ("60", 60), ("300", 300)):
        monkeypatch.delenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", raising=False)
        if given:
            monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", given)
        waits = re.findall(r"proxy_read_timeout (\d+)s;", serve.configuration("127.0.0.1", 5399))
        assert [*map(int, waits)] == [seconds + 5]


@pytest.mark.parametrize("given", ["a minute", "0", "-1", "1.5"])
def test_a_time_that_is_no_number_of_seconds_is_named(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", given)
    with pytest.raises(ValueError, match=f"^MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT={given}: give "):
        serve.configuration("127.0.0.1", 5399)


def test_nginx_writes_nothing_outside_its_folder() -> None:
    template = (ROOT / "pipelines/nginx.conf").read_text()
    paths = dict(
        re.findall(r"(?m)^\s*(pid|error_log|access_log|\w+_temp_path|server) +(?:unix:)?([^ ;]+)", template)
    )
    # Each of the places that nginx would otherwise have under /var (http://nginx.org/en/docs/configure.html).
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    assert paths.keys() >= {"pid", "error_log", "access_log", *(f"{kind}_temp_path" for kind in kinds)}
    assert [path for path in paths.values() if path.startswith(("/", ".."))] == []


LINES = b"".join(b"line %d...\n" % number for number in range(10))  # of 10 bytes each


def test_of_a_flood_the_first_lines_are_written_and_the_rest_is_counted() -> None:
    written = io.BytesIO()
    serve.copy_bounded(io.BytesIO(LINES), written, limit=35)
    assert written.getvalue() == LINES[:30] + b"7 lines left out: more than 35 bytes in 60 s\n"


def test_after_a_minute_a_log_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    # The clock at the start, and as each line comes.
    clock = iter([0.0, *(10.0 * number for number in range(1, 11))])
    monkeypatch.setattr(serve.time, "monotonic", lambda: next(clock, 100.0))
    serve.copy_bounded(io.BytesIO(LINES), written, limit=35)
    # Lines 0 to 2 in the first minute, 3 and 4 left out, then a minute from line 5 on, and 8 and 9 left out.
    assert written.getvalue() == (
        LINES[:30]
        + b"2 lines left out: more than 35 bytes in 60 s\n"
        + LINES[50:80]
        + b"2 lines left out: more than 35 bytes in 60 s\n"
    )


def test_a_line_without_end_is_cut_not_kept_in_memory() -> None:
    written = io.BytesIO()
    serve.copy_bounded(io.BytesIO(b"x" * 1000), written, limit=30)
    assert written.getvalue() == b"x" * 30 + b"33 lines left out: more than 30 bytes in 60 s\n"
