"""Servers that tests start: a free port for one, and waiting until it listens, or for another thing."""

import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_it_listens(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait at most two minutes; fails where the server ends."""

    def listens() -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        assert server.poll() is None
        return False

    wait_for(listens)


def wait_for(condition: Callable[[], Any], seconds: int = 120) -> Any:
    """Wait until a condition has a value that is true, and return it."""
    for _ in range(20 * seconds):
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"it did not come about in {seconds} s")
