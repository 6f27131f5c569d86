"""pipelines/serve.py as a process, and requests to it."""

import http.client
import importlib.util
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.waiting import free_port, wait_for

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "pipelines/serve.py"
specification = importlib.util.spec_from_file_location("serve", SCRIPT)
assert specification and specification.loader
serve: Any = importlib.util.module_from_spec(specification)
specification.loader.exec_module(serve)

NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *serve.PLACES]))
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
# Where nginx is nowhere to be found.
WITHOUT = """
import sys
sys.path.insert(0, {folder!r})
import serve
serve.PLACES = ()
serve.console.run(serve.main)
"""


class Running(NamedTuple):
    """What serve.py runs: a process, the port that clients ask, and the folder with its log."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def log(self) -> str:
        """Return what was printed so far."""
        return (self.folder / "log").read_text()

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """Connect from an address of this machine."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(address, 0))

    def ask(
        self, body: bytes = b"", page: str = "/invocations", address: str = "127.0.0.1"
    ) -> tuple[int, str]:
        """Return status and content of the answer to a POST of JSON."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=10, source_address=(address, 0)
        )
        connection.request("POST", page, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read().decode()
        connection.close()
        return response.status, content

    def begin(self, body: bytes, length: int, address: str = "127.0.0.1") -> socket.socket:
        """Send a request as far as this part of its body."""
        connection = self.connect(address)
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + body
        )
        return connection


@contextmanager
def running(folder: Path, *arguments: str, nginx: bool = True, files: int | None = None) -> Iterator[Running]:
    """serve.py in a folder that holds params.yaml and perhaps mlflow.py, until it says that it answers."""
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'src'}"}
    command = [str(SCRIPT)]
    if not nginx:
        environment["PATH"] = str(folder)
        command = ["-c", WITHOUT.format(folder=str(SCRIPT.parent))]
    port = free_port()
    with folder.joinpath("log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--listen", f"127.0.0.1:{port}", *arguments],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: _before(files),
        )
    one = Running(process, port, folder)
    try:
        wait_for(lambda: process.poll() is not None or "; Ctrl-C ends it" in one.log())
        assert process.poll() is None, one.log()
        yield one
    finally:
        process.terminate()
        process.wait(timeout=60)


def _before(files: int | None) -> None:
    # A test run that a shell began in the background ignores SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
