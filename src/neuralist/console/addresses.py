"""Addresses: as messages may show them, without passwords and tokens; and where a server is to listen."""

import errno
import re
import socket

HIDDEN = "***"
# `user:password@`, up to the last @ of the word, since a password may hold one that is not escaped; of an
# address in quotation marks up to the last @ within them, for it may hold a space as well.
_PASSWORD = re.compile(r"""((?<=')\w[\w+.-]*:/+[^\s:/@']*):[^'\n]*@|(\w:/+[^\s:/@]*):\S*@""")
# A user alone is often a token over HTTP (https://TOKEN@host), and never one of a database or of SSH.
_USER = re.compile(r"(?i)\b((?:https?|webdavs?):/+)[^\s:/@]+@")
# `?token=...`, and what else holds a secret by its name: in an address, in libpq's settings, in a signed URL.
_NAMED = re.compile(
    r"""(?ix)
    ( [\w.%-]* (?: passw(?:or)?d | passphrase | pwd | secret | token | credentials? | signature
                 | (?: api | access | account | auth | private | secret | shared )[_-]?key )
    | [?&;\#] (?: key | sig | auth | pass | code ) )
    = ( '[^']*' | "[^"]*" | [^\s&;'"]+ )
    """
)


def without_passwords(text: str) -> str:
    """Return a text with *** in place of each password and token of its addresses.

    Hidden are `password` of `user:password@`, a user alone before an HTTP host, and the values of settings
    whose names say so: `?token=`, `&X-Amz-Signature=`, `sslpassword=`, ...; `max_tokens=` is none of them.
    """
    text = _PASSWORD.sub(lambda match: f"{match[1] or match[2]}:{HIDDEN}@", text)
    text = _USER.sub(rf"\1{HIDDEN}@", text)
    return _NAMED.sub(rf"\1={HIDDEN}", text)


def address(listen: str) -> tuple[str, int]:
    """Return host and port of `<host>:<port>`.

    Raises:
        ValueError: it is none.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536 or any(mark in host for mark in ":[] ;"):
        raise ValueError(f"LISTEN={listen}: give a host or IPv4 address and a port, such as 127.0.0.1:5001")
    return host, int(port)


def is_local(host: str) -> bool:
    """Return whether only this machine can reach a host or an IPv4 address."""
    return host == "localhost" or host.startswith("127.")


def check_free(host: str, port: int) -> None:
    """Have nothing listen there.

    Raises:
        ValueError: something does, or this machine has no such address, or this user may not.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            fix = f"end what listens there, or give LISTEN={host}:<another port>"
            raise ValueError(
                f"LISTEN={host}:{port}: {error.strerror}; {fix if taken else 'give another address'}"
            ) from error
