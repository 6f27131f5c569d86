"""One file over HTTP: resumed where it was cut, tried again where that may help.

A download is <name>.part with <name>.part.json beside it, which says of which version of the file it is, so
that two versions are never joined. Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (Range).
"""

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

ATTEMPTS = 5  # without a byte of progress in between
TIMEOUT = 10, 60  # seconds to connect, and between two pieces
PIECE = 1 << 16
_LONGEST_WAIT = 30  # seconds

Report = Callable[[int, int | None], None]  # bytes done, of how many where the server says so


class _AgainError(Exception):
    """What may go better at another attempt."""


def get(session: requests.Session, url: str, part: Path, report: Report) -> None:
    """Bring `part` to the whole length of the file at `url`.

    Raises:
        ValueError: the server refuses, does not answer, or always cuts; what arrived is kept in `part`.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(session, url, part, report)
        except (_AgainError, requests.ConnectionError, requests.Timeout) as error:
            reason = error
        except HTTPError:
            reason = "the connection was cut"
        else:
            return
        failures = 1 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise ValueError(
                f"{url}: {_told(reason)}, {failures} times in a row; "
                f"{_size(part):,} bytes are kept, call again later to go on from there"
            )
        time.sleep(min(2 ** (failures - 1), _LONGEST_WAIT))


def _attempt(session: requests.Session, url: str, part: Path, report: Report) -> None:
    version = _version(part, url)
    offset = _size(part) if version else 0
    # Compressed on its way, a file could neither be resumed nor measured.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": version}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        start, total = _extent(response, url)
        if response.status_code == requests.codes.requested_range_not_satisfiable and total == offset > 0:
            return
        if start is None or start > offset or (start and _validator(response) not in {version, ""}):
            part.unlink(missing_ok=True)
            raise _AgainError("the server did not go on where it was asked to")
        if total is not None:
            check_room(part.parent, total - start, url)
        _note(part, url, _validator(response))
        _write(response, part, (start, total), report)


def _extent(response: requests.Response, url: str) -> tuple[int | None, int | None]:
    """The first byte that the answer holds, and the size of the whole file, each where it says so.

    Raises:
        ValueError: the server refuses.
    """
    status = response.status_code
    told = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if status in {206, 416}:
        start, total = told.groups() if told else (None, None)
        return (int(start) if start else None), (int(total) if total and total != "*" else None)
    if status in {408, 425, 429} or status >= 500:
        raise _AgainError(f"the server answers {status} {response.reason}")
    if status != 200:
        raise ValueError(
            f"{url}: the server answers {status} {response.reason}; the file may have moved: look for it on "
            "its publisher's pages, and put it where `neuralist fetch --list` says"
        )
    length = response.headers.get("Content-Length", "")
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return 0, int(length) if is_plain and length.isdigit() else None


def _write(response: requests.Response, part: Path, extent: tuple[int, int | None], report: Report) -> None:
    done, total = extent
    with part.open("ab" if done else "wb") as file:
        file.truncate(done)
        report(done, total)
        # Not iter_content: what came before a cut would be lost with the piece it belongs to.
        while piece := response.raw.read1(PIECE):
            file.write(piece)
            done += len(piece)
            report(done, total)
    if total is not None and done != total:
        raise _AgainError(f"{done:,} bytes arrived of {total:,}")


def check_room(folder: Path, wanted: int, what: str) -> None:
    """Refuse what the disk has no room for.

    Raises:
        ValueError: fewer than `wanted` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise ValueError(
            f"{what}: needs {wanted / 1e6:,.0f} MB on the disk of {folder}, where {free / 1e6:,.0f} MB are "
            "free; make room, or fetch into a folder on another disk"
        )


def forget(part: Path) -> None:
    """Remove a download and what is known of it."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _validator(response: requests.Response) -> str:
    """What tells this version of the file from others; a weak ETag does not."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _note(part: Path, url: str, version: str) -> None:
    _notes(part).write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")


def _version(part: Path, url: str) -> str:
    """The version of the bytes in `part`; empty where they cannot be continued."""
    try:
        noted: dict[str, Any] = json.loads(_notes(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return noted["version"] if noted.get("url") == url else ""


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _told(reason: object) -> str:
    if isinstance(reason, requests.Timeout):
        return "no answer in time"
    return "no connection" if isinstance(reason, requests.ConnectionError) else str(reason)
