"""Serve the champion behind HTTP: MLflow's server, and nginx before it where it is installed.

`make serve [RAW=<folder>] [LISTEN=<host>:<port>]` calls it, in the checkout:

    PYTHONPATH=src python pipelines/serve.py [<workspace>] [--model URI] [--listen 127.0.0.1:5001]

MLflow's server closes no connection whose headers do not end, and no variable of uvicorn's changes that. So
nginx, with nginx.conf, faces the clients, and MLflow's server has a Unix socket that only nginx is told of.
Ctrl-C and SIGTERM end both; where one ends by itself, or this script is killed, so do the others.
"""

import argparse
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NamedTuple, Self

from neuralist import console
from neuralist.config import params
from neuralist.console.addresses import address, check_free, is_local

CONFIGURATION = Path(__file__).with_name("nginx.conf")
LISTEN = "127.0.0.1:5001"
EVERY = "0.0.0.0"  # every address of this machine
SOCKET = "mlflow.sock"
TIMEOUT = "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"  # seconds, 60 without it
# Not on every user's PATH: Debian's place, and those of Homebrew.
PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
LOG_LIMIT = 200_000  # bytes of each server's output in a minute
GRACE = 10  # seconds for requests that are being answered
WORK = Path("work")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?", default=Path(), help="whose champion is served")
    parser.add_argument("--model", help="any model that MLflow finds, in place of the champion")
    parser.add_argument("--listen", default=LISTEN, help="host and port, %(default)s when left out")
    return parser.parse_args()


def main() -> None:
    """Serve until a signal comes or a server ends."""
    args = parse()
    host, port = address(args.listen)
    model = args.model or f"models:/{params.model_name(args.workspace / 'params.yaml')}@champion"
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))
    settings = configuration(host, port)
    check_free(host, port)
    if nginx is None:
        print(without_nginx(host, port), file=sys.stderr)
    serve = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
    with _folder() as folder, _signals() as stopped, _Servers() as servers:
        if nginx is None:
            servers.start("MLflow's server", [*serve, "-h", host, "-p", str(port)], env=_environment())
        else:
            servers.start("MLflow's server", serve, env=_environment(folder / SOCKET))
            servers.wait(lambda: answers(folder / SOCKET), stopped)
            folder.joinpath("nginx.conf").write_text(settings, encoding="utf-8")
            servers.start("nginx", _nginx(nginx), cwd=folder, ended_by=signal.SIGQUIT)
        servers.wait(lambda: answers(("127.0.0.1" if host == EVERY else host, port)), stopped)
        if not stopped:
            print(f"{model} answers at http://{host}:{port}; Ctrl-C ends it", flush=True)
        servers.wait(lambda: False, stopped)
    if stopped:
        sys.exit(128 + stopped[0])


def without_nginx(host: str, port: int) -> str:
    """Say what is missing; only for an address of this machine alone.

    Raises:
        ValueError: others can reach the address.
    """
    missing = "nginx is not installed (Debian: apt-get install nginx)"
    if not is_local(host):
        raise ValueError(
            f"LISTEN={host}:{port}: {missing}, and without it some hundred idle connections stop the server; "
            f"install it, or give LISTEN=127.0.0.1:{port}"
        )
    return f"{missing}: some hundred idle connections stop the server, so let no stranger reach it"


def configuration(host: str, port: int) -> str:
    """Return nginx.conf for this address, and for the time that MLflow takes for an answer.

    Raises:
        ValueError: the variable that sets this time holds no number of seconds.
    """
    content = CONFIGURATION.read_text(encoding="utf-8").replace(f"listen {LISTEN};", f"listen {host}:{port};")
    given = os.environ.get(TIMEOUT)
    if given is None:
        return content
    if not given.isdecimal() or int(given) == 0:
        raise ValueError(f"{TIMEOUT}={given}: give a whole number of seconds, such as 60")
    # Were nginx the first to give up, clients would send again what MLflow still computes.
    return content.replace("proxy_read_timeout 65s;", f"proxy_read_timeout {int(given) + 5}s;")


def answers(server: tuple[str, int] | Path) -> bool:
    """Whether GET /ping gets status 200 from an address or a Unix socket."""
    connection = http.client.HTTPConnection("localhost", timeout=5)
    try:
        with socket.socket(socket.AF_UNIX if isinstance(server, Path) else socket.AF_INET) as connected:
            connected.settimeout(5)
            # Of a long path, more than 107 bytes, a socket knows only the part inside the working folder.
            connected.connect(os.path.relpath(server) if isinstance(server, Path) else server)
            connection.sock = connected
            connection.request("GET", "/ping")
            response = connection.getresponse()
            response.read()
            return response.status == 200
    except (OSError, http.client.HTTPException):
        return False


def _environment(listens: Path | None = None) -> dict[str, str]:
    """Return that of MLflow's server, and where it listens on a Unix socket, if on one."""
    chosen = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    if listens is not None:
        # uvicorn reads its options from such variables, too.
        chosen |= {"UVICORN_UDS": str(listens), "UVICORN_ACCESS_LOG": "false"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return os.environ | chosen | {"PATH": path}


def _nginx(program: str) -> list[str]:
    # Root would have its workers run as nobody, who may not enter a folder of root's.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    return [program, "-e", "stderr", "-p", ".", "-c", "nginx.conf", *user]


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder of this call's, and remove it, and those of calls that were killed."""
    folder = WORK / f".serve-{os.getpid()}"
    for old in WORK.glob(".serve-*"):
        try:
            os.kill(int(old.name.removeprefix(".serve-")), 0)
        except (ValueError, ProcessLookupError):
            shutil.rmtree(old, ignore_errors=True)
        except PermissionError:  # a process of someone else's
            continue
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that ask for an end; one that was ignored, as under nohup, stays so."""
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: was for number in asked if (was := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in former:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Server(NamedTuple):
    name: str
    process: "subprocess.Popen[bytes]"
    copier: threading.Thread
    guard: "subprocess.Popen[bytes]"
    ended_by: signal.Signals


class _Servers:
    """Processes that run together: leaving the block ends them, the one that was started last first."""

    def __init__(self) -> None:
        self._running: list[_Server] = []

    def __enter__(self) -> Self:
        return self

    def start(
        self,
        name: str,
        command: list[str],
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        ended_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start one; in a process group of its own, so that Ctrl-C reaches it only from here."""
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        copier = threading.Thread(target=copy_bounded, args=(process.stdout, sys.stderr.buffer), daemon=True)
        copier.start()
        self._running.append(_Server(name, process, copier, _guard(process), ended_by))

    def wait(self, ready: Callable[[], bool], stopped: list[int]) -> None:
        """Wait until something is so, or a signal has come.

        Raises:
            ValueError: a server has ended.
        """
        while not stopped and not ready():
            for server in self._running:
                if server.process.poll() is not None:
                    server.copier.join(timeout=1)
                    status = server.process.returncode
                    raise ValueError(f"{server.name} ended, with exit status {status}; it said why above")
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._running):
            _end(server.process, server.ended_by)
            server.copier.join(timeout=1)
            server.guard.kill()
            server.guard.wait()


def _guard(process: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """Start what ends a process' group once this process is gone: its pipe closes, also at kill -9."""
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -9 "-$0"', str(process.pid)],
        stdin=subprocess.PIPE,
        process_group=0,
    )


def _end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """End a process and all that it started, after GRACE by force."""
    deadline = time.monotonic() + GRACE
    with suppress(ProcessLookupError):  # until none of the group is left
        os.killpg(process.pid, number)
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def copy_bounded(source: BinaryIO, target: BinaryIO, limit: int = LOG_LIMIT, seconds: float = 60) -> None:
    """Copy lines to `target` until `source` ends, at most `limit` bytes of them in any `seconds`.

    Then it leaves lines out, and says how many before the next one that it copies.
    """
    said = f"{{:,}} lines left out: more than {limit:,} bytes in {seconds:g} s\n"
    began, written, left_out = time.monotonic(), 0, 0
    for line in iter(lambda: source.readline(limit), b""):
        if time.monotonic() - began >= seconds:
            began, written = time.monotonic(), 0
        if written + len(line) > limit:
            left_out += 1
            continue
        if left_out:
            target.write(said.format(left_out).encode())
            left_out = 0
        target.write(line)
        target.flush()
        written += len(line)
    if left_out:
        target.write(said.format(left_out).encode())
        target.flush()


if __name__ == "__main__":
    console.run(main, "`make serve` starts it again")
