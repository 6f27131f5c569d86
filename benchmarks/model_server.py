"""Models of a served folder behind MLflow's server, from a scratch store, as a user would serve them."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PATIENCE = 120  # seconds until a server must answer
STORE = "sqlite:///mlflow.db"


class Server(NamedTuple):
    """A server that answers.

    Attributes:
        port: of it, on this machine.
        leader: the id of the process that started all others.
        process: the id of the process that answers.
        seconds: from the command until it answered.
        log: the file of what it prints.
    """

    port: int
    leader: int
    process: int
    seconds: float
    log: Path


def register(served: Path, folder: Path, models: Mapping[str, tuple[str, Path | None]]) -> None:
    """Register models of a served folder in a scratch store, each as its champion.

    Args:
        served: the served folder.
        folder: of the store.
        models: by name, the kind of MODELS, and the code that answers in place of its own, or None.

    Raises:
        ValueError: MLflow failed, with its last line.
    """
    named = {name: (kind, code and str(code)) for name, (kind, code) in models.items()}
    script = f"""
import mlflow
from pathlib import Path
from neuralist.serving import mlflow_model
mlflow.set_tracking_uri({STORE!r})
for name, (kind, code) in {named!r}.items():
    arguments = mlflow_model.model_arguments(kind, Path({str(served.resolve())!r}))
    if code:
        arguments = {{key: arguments[key] for key in ("signature", "input_example", "pip_requirements")}}
        arguments["python_model"] = code
    with mlflow.start_run():
        mlflow.pyfunc.log_model(name="model", registered_model_name=name, **arguments)
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", "1")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, env=_environment(), capture_output=True)
    if done.returncode:
        raise ValueError(f"{served} could not be registered: {_last_line(done.stderr.decode())}")


def _environment() -> dict[str, str]:
    """Return the environment of what is started, with the commands of this interpreter first on PATH.

    `mlflow models serve` starts `uvicorn` by a shell.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": STORE}


def plain(name: str, port: int) -> list[str]:
    """Return the command of MLflow's server alone, for a model's champion."""
    return alone(f"models:/{name}@champion", port)


def alone(model: str, port: int) -> list[str]:
    """Return the command of MLflow's server alone, for a folder or another address of a model."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model]
    return [*command, "--env-manager", "local", "-p", str(port)]


@contextmanager
def running(folder: Path, name: str, command: Callable[[str, int], list[str]] = plain) -> Iterator[Server]:
    """Serve a model's champion on a free port.

    Args:
        folder: of the store.
        name: of the model.
        command: returns what starts a server, for a name and a port.

    Raises:
        ValueError: it ended, or did not answer within two minutes; with the last line that it logged.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start, written = time.perf_counter(), folder / f"{name}.log"
    with written.open("wb") as log:
        server = subprocess.Popen(
            command(name, port),
            cwd=folder,
            env=_environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not answers(port):
            if server.poll() is not None or time.perf_counter() - start > PATIENCE:
                raise ValueError(f"no server of {name}: {_last_line(written.read_text(encoding='utf-8'))}")
            time.sleep(0.05)
        yield Server(port, server.pid, _child(server.pid), time.perf_counter() - start, written)
    finally:
        # Not SIGTERM: uvicorn would first answer what it was asked.
        for process in descendants(server.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        server.wait()


def answers(port: int) -> bool:
    """Return whether a server says within five seconds that it is well."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _last_line(log: str) -> str:
    """Return the last line that is not empty."""
    return next(filter(None, map(str.strip, reversed(log.splitlines()))), "it logged nothing")


def descendants(leader: int) -> list[int]:
    """Return the ids of a process and of all that it started, directly or not."""
    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [(int(pid), int(above)) for pid, above in map(str.split, listing.splitlines())]
    family = [leader]
    for member in family:
        family += [pid for pid, above in parents if above == member]
    return family


def _child(parent: int) -> int:
    """Return the id of the process that `mlflow models serve` started."""
    return (descendants(parent)[1:] or [parent])[0]
