"""The one way out of every stage and command: one line on stderr, and the exit code.

| what happened | exit code |
|---|---|
| bad input, a file that cannot be read or written, no memory left, a package that is missing | 1 |
| stopped by Ctrl-C | 130 |
| stopped by SIGTERM | 143 |

The line names what was received, where, and the fix; of a stop, what the next call will go on from. With
NEURALIST_DEBUG=1 the traceback comes before it. Any other exception is a fault of the program, and its
traceback is printed.

A stop raises an exception while a stage or command works, so that it removes what is half written. Else, and
while a module is imported, the process leaves at once: libraries drop such an exception, or print it.
"""

import atexit
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple, TextIO

from neuralist.console import error_messages
from neuralist.console.addresses import without_passwords

DEBUG = "NEURALIST_DEBUG"


class TerminatedError(BaseException):
    """SIGTERM came. No Exception: what handles those must not take it for a fault and go on."""


class Outcome(NamedTuple):
    """How a stage or command ends: its exit code, and the line on stderr, empty where nobody reads it."""

    code: int
    line: str


# Each with its exception and its name; the exit code is 128 and the signal's number.
_STOPS: dict[int, tuple[type[BaseException], str]] = {
    signal.SIGINT: (KeyboardInterrupt, "Ctrl-C"),
    signal.SIGTERM: (TerminatedError, "SIGTERM"),
}
_AT_FIRST, _LATER, _AT_LAST = (
    "nothing was done; call it again",
    "call it again to begin anew",
    "its work was done",
)
_after_stop = _AT_FIRST
_stopped: BaseException | None = None  # the exception of a stop that came in `one_line`
_stderr: int | None = None  # of a program: descriptor of a copy of stderr, which nothing filters


def goes_on(text: str) -> None:
    """Set what the line of a stop says of the next call, such as "call again to go on from row 7"."""
    global _after_stop
    _after_stop = text


def outcome(error: BaseException) -> Outcome | None:
    """Return how a stage or command ends with this error; None where it is a fault of the program."""
    for number, (kind, name) in _STOPS.items():
        if isinstance(error, kind):
            return Outcome(128 + number, f"stopped by {name}; {_after_stop}")
    if isinstance(error, BrokenPipeError):
        return Outcome(1, "")
    text = error_messages.message(error)
    return None if text is None else Outcome(1, f"error: {text}")


@contextmanager
def one_line() -> Iterator[None]:
    """Run a block; an error that `outcome` knows ends the process with its code, after its line on stderr.

    Output that was buffered is written within the block, so that a full disk or a closed pipe counts too.
    """
    global _stopped
    _stopped, former = None, _answer_stops(_raise)
    if _after_stop in (_AT_FIRST, _AT_LAST):
        goes_on(_LATER)
    try:
        try:
            yield
        finally:
            _flush()
        goes_on(_AT_LAST)
    except (Exception, KeyboardInterrupt, TerminatedError) as error:
        # A library may have made another one of it, or failed as it was left.
        ends = outcome(_stopped or error)
        if ends is None:
            raise
        _print(error, ends)
        sys.exit(ends.code)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def is_program() -> bool:
    """Return whether this process is one of ours, a script of pipelines/ or `neuralist`, and no notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file) if file else Path()
    return path.name == "neuralist" or (path.parent.name == "pipelines" and path.suffix == ".py")


def install() -> None:
    """Let the same hold outside of `one_line`: a program's imports take seconds, and may be stopped too."""
    global _stderr
    with suppress(OSError):  # it is closed
        _stderr = os.dup(2)
    _answer_stops(_leave)
    # Called last, as the first that is registered; then Python takes itself apart, and all is done.
    atexit.register(_answer_stops, signal.SIG_IGN)

    def leave(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        ends = outcome(error)
        if ends is None:
            sys.__excepthook__(kind, error, trace)
            return
        _print(error, ends)
        os._exit(ends.code)  # Python's own code would be 1

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        for number, (kind, _) in _STOPS.items():
            if isinstance(unraisable.exc_value, kind):  # in a finalizer, say
                _leave(number, None)
        sys.__unraisablehook__(unraisable)

    sys.excepthook, sys.unraisablehook = leave, dropped


def _answer_stops(answer: "Callable[[int, FrameType | None], None] | signal.Handlers") -> dict[int, Any]:
    """Let this answer Ctrl-C and SIGTERM; returns what did so before, of those that were changed.

    Where one of them is ignored, or another handler waits for it, that stays.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    ours = signal.SIG_DFL, signal.default_int_handler, _raise, _leave
    former = {number: was for number in _STOPS if (was := signal.getsignal(number)) in ours}
    for number in former:
        signal.signal(number, answer)
    return former


def _raise(number: int, frame: FrameType | None) -> None:
    """Raise the exception of a stop; a program that imports is left at once."""
    global _stopped
    if _stderr is not None and _is_importing(frame):
        _leave(number, frame)
    _stopped = _STOPS[number][0]()
    raise _stopped


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process; what it leaves half written goes with the next call."""
    ends = outcome(_STOPS[number][0]())
    _discard_unwritable(sys.stdout)
    trace = "".join(traceback.format_stack(frame)) if _is_debugging() else ""
    if ends is not None and _stderr is not None:
        with suppress(OSError):
            os.write(_stderr, f"{without_passwords(trace)}{error_messages.shown(ends.line)}\n".encode())
    os._exit(128 + number)


def _is_debugging() -> bool:
    return os.environ.get(DEBUG, "0") not in ("", "0")


def _print(error: BaseException, ends: Outcome) -> None:
    if ends.code > 128 and threading.current_thread() is threading.main_thread():
        _answer_stops(signal.SIG_DFL)  # a second one ends the process at once
    for stream in (sys.stdout, sys.stderr):
        _discard_unwritable(stream)
    with suppress(OSError):
        if _is_debugging():
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
