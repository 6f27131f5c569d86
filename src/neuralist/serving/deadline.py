"""The time that an answer may take: who computes for long looks here, and gives up once nobody waits."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class _Deadline(NamedTuple):
    seconds: float
    end: float  # as time.monotonic() counts


_NONE = _Deadline(math.inf, math.inf)
_current: ContextVar[_Deadline] = ContextVar("_current")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let `check` in the block, and in this thread, raise once so many seconds are over."""
    token = _current.set(_Deadline(seconds, time.monotonic() + seconds))
    try:
        yield
    finally:
        _current.reset(token)


def is_set() -> bool:
    """Whether there is a deadline; without one nobody needs to stop and look."""
    return _current.get(_NONE).end < math.inf


def check(done: int, n: int, what: str) -> None:
    """Go on if there is time.

    Args:
        done: so many are done.
        n: of so many.
        what: they are, for the message.

    Raises:
        ValueError: the time is over.
    """
    seconds, end = _current.get(_NONE)
    if time.monotonic() > end:
        raise ValueError(
            f"{done:,} of {n:,} {what} in {seconds:g} s, when the time was over; send fewer rows in a request"
        )
