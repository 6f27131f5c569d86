"""Optuna's dashboard on all studies of a checkout or workspace, while they run and afterwards.

`make dashboard [RAW=<folder>] [LISTEN=<host>:<port>]` calls it, in the checkout:

    PYTHONPATH=src python pipelines/dashboard.py [<workspace>] [--listen 127.0.0.1:8080]

The studies are those of params.study.storage or, without one, of the journal in work/checkpoints. Whoever
reaches the dashboard can also delete studies: it asks for no password. Ctrl-C and SIGTERM end it.
"""

import argparse
import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from typing_extensions import override

from neuralist import console
from neuralist.config import params
from neuralist.console.addresses import address, check_free, is_local

if TYPE_CHECKING:
    from neuralist.study.queue import Storage

LISTEN = "127.0.0.1:8080"
CHECKPOINTS = Path("work/checkpoints")
STUDY = Path("artifacts/study")
SHOWN = 5  # studies that are named on the terminal


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?", default=Path(), help="whose studies are shown")
    parser.add_argument("--listen", default=LISTEN, help="host and port, %(default)s when left out")
    return parser.parse_args()


def main() -> None:
    """Open the storage and serve the dashboard until a signal comes."""
    args = parse()
    host, port = address(args.listen)
    os.chdir(args.workspace)  # as the stage: a storage may be sqlite:///study.db
    storage = open_storage(params.load().study.storage)
    import optuna_dashboard  # a second, which no error above need wait for

    check_free(host, port)
    if not is_local(host):
        print(f"{host} can be reached from elsewhere, and whoever does can delete studies", file=sys.stderr)
    with make_server(host, port, optuna_dashboard.wsgi(storage.trials), _Server, _Quiet) as server:
        print("\n".join(lines(storage, f"http://{host}:{port}/dashboard")), flush=True)
        server.serve_forever()


def open_storage(url: str | None) -> "Storage":
    """Open the storage of the studies.

    Raises:
        ValueError: it has none, or cannot be opened.
    """
    from neuralist.study import queue

    # Opening a journal would make it.
    if url is None and not queue.journals(CHECKPOINTS):
        raise ValueError(explain_none())
    storage = queue.storage(url, CHECKPOINTS)
    if url is None:
        queue.adopt(storage, CHECKPOINTS)
    with queue.storage_errors(url):
        if not queue.studies(storage):
            raise ValueError(explain_none())
    return storage


def explain_none() -> str:
    """Return why there is no study, and what makes one."""
    skipped = STUDY / "skipped.txt"
    if skipped.exists():
        return f"there is no study: {skipped.read_text(encoding='utf-8').strip()}"
    if (STUDY / "trials.csv").exists():
        return (
            f"{STUDY} holds the results of a study that ran elsewhere, without its trials; open "
            f"{STUDY}/study.html, or run `dvc repro -sf study` to have them here"
        )
    return "there is no study yet; run `dvc repro study`"


def lines(storage: "Storage", url: str) -> list[str]:
    """Return where the dashboard is, and the latest studies, the one that was last at work first."""
    from neuralist.study import queue

    studies = queue.studies(storage)
    ending = "y" if len(studies) == 1 else "ies"
    said = [f"{len(studies)} stud{ending} at {url}; Ctrl-C ends it"]
    for study in studies[:SHOWN]:
        best = "" if study.best is None else f", best {study.metric} {study.best:.4f}"
        said.append(f"  {study.name}: {study.ended} of {study.trials} trials{best}")
    return said


class _Server(ThreadingMixIn, WSGIServer):
    """A page asks for several things at once."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Logs no request: an open page makes one every few seconds."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    console.run(main, "`make dashboard` opens it again")
