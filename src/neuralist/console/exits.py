"""The one way out of every stage and command: one line on stderr, and the exit code.

| what happened | exit code |
|---|---|
| bad input, a file that cannot be read or written, no memory left, a package that is missing | 1 |
| stopped by Ctrl-C | 130 |
| stopped by SIGTERM | 143 |

The line names what was received, where, and the fix; of a stop, what the next call will go on from. With
NEURALIST_DEBUG=1 the traceback comes before it. Any other exception is a fault of the program, and its
traceback is printed.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple, TextIO

from neuralist.console import error_messages
from neuralist.console.addresses import without_passwords

DEBUG = "NEURALIST_DEBUG"


class TerminatedError(BaseException):
    """SIGTERM came. No Exception: what handles those must not take it for a fault and go on."""


class Outcome(NamedTuple):
    """How a stage or command ends: its exit code, and the line on stderr, empty where nobody reads it."""

    code: int
    line: str


_after_stop = "call it again to begin anew"


def goes_on(text: str) -> None:
    """Set what the line of a stop says of the next call, such as "call again to go on from row 7"."""
    global _after_stop
    _after_stop = text


def outcome(error: BaseException) -> Outcome | None:
    """Return how a stage or command ends with this error; None where it is a fault of the program."""
    for kind, code, name in ((KeyboardInterrupt, 130, "Ctrl-C"), (TerminatedError, 143, "SIGTERM")):
        if isinstance(error, kind):
            return Outcome(code, f"stopped by {name}; {_after_stop}")
    if isinstance(error, BrokenPipeError):
        return Outcome(1, "")
    text = error_messages.message(error)
    return None if text is None else Outcome(1, f"error: {text}")


@contextmanager
def one_line() -> Iterator[None]:
    """Run a block; an error that `outcome` knows ends the process with its code, after its line on stderr.

    Output that was buffered is written within the block, so that a full disk or a closed pipe counts too.
    """
    former = _catch_terminate()
    try:
        try:
            yield
        finally:
            _flush()
    except (Exception, KeyboardInterrupt, TerminatedError) as error:
        ends = outcome(error)
        if ends is None:
            raise
        _print(error, ends)
        sys.exit(ends.code)
    finally:
        if former is not None:
            signal.signal(signal.SIGTERM, former)


def is_program() -> bool:
    """Return whether this process is one of ours, a script of pipelines/ or `neuralist`, and no notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file) if file else Path()
    return path.name == "neuralist" or (path.parent.name == "pipelines" and path.suffix == ".py")


def install() -> None:
    """Let the same hold outside of `one_line`: a program's imports take seconds, and may be stopped too."""
    _catch_terminate()

    def leave(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        ends = outcome(error)
        if ends is None:
            sys.__excepthook__(kind, error, trace)
            return
        _print(error, ends)
        os._exit(ends.code)  # Python's own code would be 1

    sys.excepthook = leave


def _catch_terminate() -> "signal.Handlers | None":
    """Let SIGTERM raise, so that half-written files are removed; returns what it did before, if that changed.

    Where it is ignored, it stays so.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return None
    signal.signal(signal.SIGTERM, _terminate)
    return signal.SIG_DFL


def _terminate(number: int, frame: FrameType | None) -> None:
    raise TerminatedError


def _print(error: BaseException, ends: Outcome) -> None:
    if ends.code > 128 and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    for stream in (sys.stdout, sys.stderr):
        _discard_unwritable(stream)
    with suppress(OSError):
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            print(without_passwords("".join(traceback.format_exception(error))), file=sys.stderr)
        if ends.line:
            print(error_messages.shown(ends.line), file=sys.stderr, flush=True)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        raise


def _discard_unwritable(stream: TextIO) -> None:
    """Send a stream that takes no more to nowhere: Python would try again at the end, with a traceback."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
