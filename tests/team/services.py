"""What a team runs, each started on a free loopback port and stopped again: PostgreSQL, MLflow, an S3 store.

PostgreSQL is Debian's; it refuses to run as root, so that root starts it as the user postgres.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.waiting import free_port

# Another password each time, so that none of the files that are searched for it holds it by nature.
USER, PASSWORD, BUCKET = "team", secrets.token_hex(8), "neuralist"
# Of the store.
KEYS = {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_DEFAULT_REGION": "us-east-1"}
BESIDE = Path(sys.executable).parent


class Postgres(NamedTuple):
    """A server of databases, that asks for a password."""

    port: int

    def url(self, database: str, password: str = "") -> str:
        """A URL as SQLAlchemy reads it; without a password, libpq takes PGPASSWORD."""
        secret = f":{password}" if password else ""
        return f"postgresql://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def ask(self, database: str, question: str) -> list[tuple[Any, ...]]:
        """The rows that SQL answers, read past all of MLflow and Optuna."""
        import psycopg

        with psycopg.connect(self.url(database, PASSWORD), autocommit=True) as connection:
            answer = connection.execute(question.encode())
            return answer.fetchall() if answer.description else []


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, of the newest version where Debian has several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    beside = shutil.which("postgres")
    return found[-1].parent if found else Path(beside).parent if beside else None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A cluster in a folder of its own, gone when the block ends."""
    home = programs()
    if home is None:
        raise ValueError("no PostgreSQL: apt-get install postgresql")
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
    as_user = as_user if os.geteuid() == 0 else {}
    # Not pytest's own folder, which the user postgres may not enter.
    folder = Path(tempfile.mkdtemp(prefix="team-postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(folder / "password", "postgres", "postgres")
        access = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        subprocess.run(
            [
                home / "initdb",
                "-D",
                folder / "data",
                *access,
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **as_user,
        )
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        command = [home / "postgres", "-D", folder / "data", "-p", str(port)]
        command += [f"--{name}={value}" for name, value in options.items()]
        server = Postgres(port)
        with running(command, folder / "log", lambda: server.ask("postgres", "SELECT 1"), as_user, folder):
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def store(folder: Path) -> Iterator[str]:
    """An S3 store with one bucket; its address. It keeps all in memory."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [BESIDE / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, folder / "s3.log", lambda: fetch(f"{address}/moto-api/")):
        import boto3

        session = boto3.Session(KEYS["AWS_ACCESS_KEY_ID"], PASSWORD, region_name=KEYS["AWS_DEFAULT_REGION"])
        session.client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)
        yield address


@contextmanager
def mlflow(backend: str, folder: Path, environment: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """MLflow's server, whose files lie in the bucket; its address."""
    address = f"http://127.0.0.1:{(port := port or free_port())}"
    command = [BESIDE / "mlflow", "server", "--backend-store-uri", backend, "--workers", "1"]
    command += [
        "--artifacts-destination",
        f"s3://{BUCKET}/mlflow",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with running(command, folder / "mlflow.log", lambda: fetch(f"{address}/health"), {"env": environment}):
        yield address


def fetch(address: str) -> None:
    """Ask for a page; OSError where it is not there."""
    import requests

    requests.get(address, timeout=5).raise_for_status()


@contextmanager
def running(
    command: list[Any],
    log: Path,
    ready: Callable[[], Any],
    how: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process and all that it starts, from when it is ready until the block ends, however it ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder or log.parent,
            **(how or {}),
        )
    try:
        _wait(process, log, ready)
        yield process
    finally:
        # PostgreSQL's quick way to stop, too. Its own children it ends itself.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], Any]) -> None:
    last: Exception | None = None
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        try:
            ready()
        except Exception as error:  # noqa: BLE001 - each kind of service fails in its own way until it is up
            last = error
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"{process.args} did not come up ({last}): {log.read_text(errors='replace')[-3000:]}")
