"""The server that fuzz, bomb, idle and soak ask, as `make serve` starts it, and what an answer must be."""

import http.client
import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import figures, model_server
from benchmarks.model_server import Server

from faults.trials import ROOT, NeededError, Outcome, Told

SERVED = ROOT / "artifacts" / "served"
TO_ANSWER_S = 60.0
LONGEST = 1_000  # characters of a refusal
# What is nobody's business: paths, source lines, names of modules.
LEAK = re.compile(
    r'Traceback|File \\?"|\.py\b|site-packages|/(?:home|tmp|usr|root|work|opt|var|etc|proc)/'
    r"|mlruns|sqlite:|0x[0-9a-f]{8}"
)


def command(name: str, port: int) -> list[str]:
    """Return what starts the server of a model on a port, behind nginx where that is installed."""
    return [
        sys.executable,
        str(ROOT / "pipelines" / "serve.py"),
        "--model",
        f"models:/{name}@champion",
        "--listen",
        f"127.0.0.1:{port}",
    ]


def memory(server: Server) -> float:
    """Return the memory of all processes of a server, in MB."""
    return figures.resident(*model_server.descendants(server.leader))


@contextmanager
def running(folder: Path, *kinds: str) -> Iterator[list[Server]]:
    """Serve one model of each kind from a scratch store in a folder.

    Raises:
        NeededError: there is no served folder.
    """
    if not (SERVED / "served.json").exists():
        raise NeededError("no model in artifacts/served; run `make repro` first")
    model_server.register(SERVED, folder, {kind: (kind, None) for kind in kinds})
    (folder / "work").mkdir(exist_ok=True)
    with ExitStack() as servers:
        yield [servers.enter_context(model_server.running(folder, kind, command)) for kind in kinds]


class Answer(NamedTuple):
    """An answer of the server; status 0 where there was none, and then the body says why."""

    status: int
    body: str


def ask(port: int, body: bytes, headers: dict[str, str], seconds: float = TO_ANSWER_S) -> Answer:
    """Send a request to /invocations, and return the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", "/invocations", body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def judged(answer: Answer, rows: int | None = None, sent: bytes = b"") -> Told:
    """Return the outcome of a request.

    Args:
        answer: of the server.
        rows: that a right answer has; None where any number will do.
        sent: the request's body; what a message echoes of it is no leak.
    """
    if answer.status == 200:
        return _judged_rows(answer, rows)
    shown = f"{answer.status} {answer.body[:200]}"
    leaks = [found[0] for found in LEAK.finditer(answer.body) if found[0].encode() not in sent]
    if not 400 <= answer.status < 500:
        return Outcome.WRONG, shown
    if leaks:
        return Outcome.WRONG, f"leaks {leaks[0]!r}: {shown}"
    if len(answer.body) > LONGEST:
        return Outcome.WRONG, f"a refusal of {len(answer.body):,} characters: {shown}"
    return Outcome.REFUSED, shown


def _judged_rows(answer: Answer, rows: int | None) -> Told:
    try:
        count = len(json.loads(answer.body)["predictions"])
    except (ValueError, KeyError, TypeError):
        return Outcome.WRONG, f"200 with {answer.body[:200]}"
    is_right = rows is None or count == rows
    return (Outcome.RECOVERED, "200") if is_right else (Outcome.WRONG, f"{count} answers for {rows} rows")
