"""Download a file over HTTP, resuming after a cut and retrying after errors that may pass.

A download is <name>.part with <name>.part.json beside it, which holds the version of the file (ETag or date),
so that parts of two versions are never joined. Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (Range).
"""

import json
import math
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from neuralist import files

ATTEMPTS = 5  # in a row without a byte of progress
TIMEOUT = 10, 60  # seconds to connect, and between two chunks
CHUNK = 1 << 16  # bytes
_LONGEST_WAIT = 30  # seconds

Report = Callable[[int, int | None], None]  # bytes done, total bytes if the server says


class NoRoomError(ValueError):
    """The disk is too small."""


class _RetryableError(Exception):
    """A failure that another attempt may not meet."""


class _TooLongError(Exception):
    """More bytes than the file can have."""


def get(
    session: requests.Session, url: str, part: Path, report: Report, most_bytes: float = math.inf
) -> None:
    """Download `url` to `part`, resuming a partial download.

    Args:
        session: of requests.
        url: address of the file. Of an https one nothing is taken from an address without.
        part: the file to write.
        report: called with bytes done and total bytes.
        most_bytes: beyond which the download is thrown away.

    Raises:
        ValueError: the server refuses, does not answer, keeps cutting off, leads to an address without
            encryption, or sends too much; what arrived stays in `part`, but for the last two.
        NoRoomError: the disk is too small.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(session, url, part, lambda done, total: _counted(done, total, report, most_bytes))
        except (_RetryableError, requests.ConnectionError, requests.Timeout) as error:
            reason = error
        except HTTPError:
            reason = "the connection was cut"
        except _TooLongError:
            forget(part)
            raise ValueError(
                f"{url}: sends more than {most_bytes / 1e6:,.0f} MB, so it is another file and thrown away; "
                "look for the file on its publisher's pages"
            ) from None
        else:
            return
        failures = 1 if _size(part) > before else failures + 1
        if failures >= ATTEMPTS:
            raise ValueError(
                f"{url}: {_describe(reason)}, {failures} times in a row; "
                f"{_size(part):,} bytes are kept, call again later to go on from there{_without_https(url)}"
            )
        time.sleep(min(2 ** (failures - 1), _LONGEST_WAIT))


def _counted(done: int, total: int | None, report: Report, most_bytes: float) -> None:
    """Report how far a download is.

    Raises:
        _TooLongError: it is longer than the file can be.
    """
    if max(done, total or 0) > most_bytes:
        raise _TooLongError
    report(done, total)


def _attempt(session: requests.Session, url: str, part: Path, report: Report) -> None:
    version = _read_version(part, url)
    offset = _size(part) if version else 0
    # A response compressed in transit could neither be resumed nor its size be checked.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": version}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        _check_encrypted(url, response)
        start, total = _byte_range(response, url)
        current = _validator(response)
        if response.status_code == requests.codes.requested_range_not_satisfiable and total == offset > 0:
            return
        if start is None or start > offset or (start and current not in {version, ""}):
            part.unlink(missing_ok=True)
            raise _RetryableError("the server did not go on where it was asked to")
        report(start, total)
        if total is not None:
            check_room(part.parent, total - start, url)
        _version_file(part).write_text(json.dumps({"url": url, "version": current}), encoding="utf-8")
        _write(response, part, (start, total), report)


def _check_encrypted(url: str, response: requests.Response) -> None:
    """Refuse an answer to an https request that came over http, where anyone between could have changed it.

    Raises:
        ValueError: a redirection led away from https.
    """
    addresses = [answer.url for answer in (*response.history, response)]
    plain = next((address for address in addresses if not address.startswith("https://")), None)
    if url.startswith("https://") and plain:
        raise ValueError(
            f"{url}: leads to {plain}, which is not encrypted; look for the file on its publisher's pages"
        )


def _byte_range(response: requests.Response, url: str) -> tuple[int | None, int | None]:
    """Return the offset of the response's first byte and the file's total size; None where not stated.

    Raises:
        ValueError: the server refuses the request.
    """
    status = response.status_code
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if status in {206, 416}:
        start, total = match.groups() if match else (None, None)
        return (int(start) if start else None), (int(total) if total and total != "*" else None)
    if status in {408, 425, 429} or status >= 500:
        raise _RetryableError(f"the server answers {status} {response.reason}")
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
    with files.named(part), part.open("ab" if done else "wb") as file:
        file.truncate(done)
        report(done, total)
        # Not iter_content, which at a cut loses the bytes of the chunk that it is filling.
        while chunk := response.raw.read1(CHUNK):
            file.write(chunk)
            done += len(chunk)
            report(done, total)
    if total is not None and done != total:
        raise _RetryableError(f"{done:,} bytes arrived of {total:,}")


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise an error if the disk lacks room.

    Raises:
        NoRoomError: fewer than `needed` bytes are free; the message starts with `what`.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoomError(
            f"{what}: needs {needed / 1e6:,.0f} MB on the disk of {folder}, where {free / 1e6:,.0f} MB are "
            "free; make room, or fetch into a folder on another disk"
        )


def forget(part: Path) -> None:
    """Delete a download and its version file."""
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _validator(response: requests.Response) -> str:
    """Return what identifies this version of the file: a strong ETag, or else Last-Modified."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _read_version(part: Path, url: str) -> str:
    """Return the version of the bytes in `part`; empty where they cannot be resumed."""
    try:
        stored: dict[str, Any] = json.loads(_version_file(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return stored["version"] if stored.get("url") == url else ""


def _version_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _without_https(url: str) -> str:
    return ", or with --http, without encryption" if url.startswith("https://") else ""


def _describe(reason: object) -> str:
    if isinstance(reason, requests.Timeout):
        return "no answer in time"
    if isinstance(reason, requests.exceptions.SSLError):
        return "no encrypted connection"
    return "no connection" if isinstance(reason, requests.ConnectionError) else str(reason)
