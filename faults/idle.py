"""Connections that say nothing, or little by little: others are answered meanwhile, and the log stays small.

A trial opens connections, each in one of four ways, holds them, and asks plain questions meanwhile and
afterwards.
"""

import json
import os
import random
import resource
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

from faults import served
from faults.fuzz import JSON, PLAIN
from faults.trials import NeededError, Outcome, Run, Told, draws
from neuralist.serving.registered import COMPARE

SAMPLE, FULL = 1, 3
CONNECTIONS = {False: 400, True: 1_500}
SECONDS = {False: 45.0, True: 150.0}
# Not the address of who asks meanwhile: a proxy may refuse an address that has too much open.
FROM = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
LOG_A_MINUTE = 1_000_000  # bytes
BEGINNINGS = (
    b"",
    b"POST /invocations HTTP/1.1\r\n",
    b"POST /invocations HTTP/1.1\r\nHost: a\r\nX-",
    b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: 100000\r\n\r\n{",
)


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Flood a server with idle connections a trial.

    Raises:
        NeededError: there is no nginx, without which MLflow's server keeps such connections open.
    """
    if not shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])):
        raise NeededError("needs nginx (Debian: apt-get install nginx)")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    for number in run.numbers:
        with served.running(run.scratch, COMPARE) as [server]:
            draw = draws("idle", run.seed, number)
            yield number, _trial(server, draw, CONNECTIONS[run.full], SECONDS[run.full])


def _open(port: int, draw: random.Random) -> socket.socket | None:
    try:
        connection = socket.create_connection(("127.0.0.1", port), 1, source_address=(FROM, 0))
        connection.setblocking(False)
        connection.send(draw.choice(BEGINNINGS))
    except OSError:
        return None
    return connection


def _is_open(connection: socket.socket) -> bool:
    """Whether the server has not closed a connection; sends a letter, as a slow client would."""
    try:
        connection.send(b"a")
        return connection.recv(1_000) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _trial(server: served.Server, draw: random.Random, count: int, seconds: float) -> Told:
    plain = json.dumps({"dataframe_records": [PLAIN[COMPARE]]}).encode()
    log, began = server.log.stat().st_size, time.monotonic()
    opened = [one for one in (_open(server.port, draw) for _ in range(count)) if one is not None]
    statuses = list[int]()
    while time.monotonic() < began + seconds:
        statuses.append(served.ask(server.port, plain, {"Content-Type": JSON}, 10).status)
        time.sleep(1)
    still = sum(map(_is_open, opened))
    grown = (server.log.stat().st_size - log) / (time.monotonic() - began) * 60
    for connection in opened:
        with suppress(OSError):
            connection.close()
    time.sleep(1)
    after = served.ask(server.port, plain, {"Content-Type": JSON}, 10).status
    answered = sum(status == 200 for status in statuses)
    said = f"{len(opened):,} of {count:,} connections, {still:,} open after {seconds:.0f} s"
    said += f"; {answered} of {len(statuses)} requests answered meanwhile; log {grown / 1e3:,.0f} kB a minute"
    is_right = (
        answered == len(statuses) and after == 200 and grown < LOG_A_MINUTE and still < len(opened) / 10
    )
    return (Outcome.RECOVERED if is_right else Outcome.WRONG), said
