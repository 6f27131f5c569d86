"""Zip files of Last.fm's lists: checked by their list of members, then unpacked whole or not at all.

What may be in one follows from the official files: TR*.json of some kilobytes, in folders of one letter. So
an archive in it, a path that leads out, and a size that no list has show another file, or one made to harm.
"""

import errno
import json
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from neuralist.fetch import transfer

MOST_BYTES = 16_000_000  # of a member; an official one has under 100 kB
MOST_EXPANSION = 100  # times the size of the zip file; text of the official ones takes a fifth to a tenth
MOST_LEVELS, MOST_NAME = 10, 200  # folders within each other; bytes of a name
_BLOCK = 4096  # bytes; files take whole blocks of a disk
_LINK, _KIND = 0o120000, 0o170000  # of a Unix file mode
_LIST = re.compile(r"(?:.*/)?TR[^/]*\.json")
_ARCHIVE = re.compile(r"(?i).*\.(zip|tar|t?gz|t?bz2?|t?xz|zst|7z|rar|jar)")
# What zipfile raises where a file is no zip file, or is damaged; and, for an offset before it, OSError.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeDecodeError),
    IndexError,  # an empty name
)


def check(path: Path) -> None:
    """Check the list of members of a zip file; their content is checked as they are unpacked.

    Raises:
        ValueError: it is no zip file of Last.fm's lists, or unpacking it might do harm.
    """
    with _damage_as("no whole zip file"):
        members = _members(path)
    folders, names = set[str](), set[str]()
    for member in members:
        _check_member(member)
        name = str(PurePosixPath(member.filename))
        if name in names:
            raise ValueError(f"a zip file that holds {_shown(member)} twice")
        names.add(name)
        while (name := name.rpartition("/")[0]) and name not in folders:
            folders.add(name)
    if both := names & folders:
        raise ValueError(f"a zip file in which {min(both)!r} is a file and a folder")
    size, unpacked = path.stat().st_size, sum(member.file_size for member in members)
    if unpacked > MOST_EXPANSION * size:
        raise ValueError(f"a zip file of {size / 1e6:,.1f} MB that unpacks to {unpacked / 1e6:,.0f} MB")
    if not any(_LIST.fullmatch(member.filename) for member in members):
        raise ValueError("a zip file without any TR*.json")


@contextmanager
def _damage_as(what: str) -> Iterator[None]:
    """Turn what zipfile raises within the block into a ValueError that begins so."""
    try:
        yield
    except _DAMAGED as error:
        raise ValueError(f"{what} ({error})") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"{what} ({error.strerror})") from None


def _check_member(member: zipfile.ZipInfo) -> None:
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    is_link = (member.external_attr >> 16) & _KIND == _LINK
    if is_link or not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        raise ValueError(
            f"a zip file whose member {_shown(member)} leads out of the folder it is unpacked to"
        )
    if len(parts) > MOST_LEVELS or any(len(part.encode()) > MOST_NAME for part in parts):
        raise ValueError(f"a zip file whose member {_shown(member)} has a path that is too long")
    if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(f"a zip file whose member {_shown(member)} is encrypted or packed in an unknown way")
    if _ARCHIVE.fullmatch(member.filename):
        raise ValueError(f"a zip file whose member {_shown(member)} is an archive itself")
    if member.file_size > MOST_BYTES:
        raise ValueError(
            f"a zip file whose member {_shown(member)} unpacks to {member.file_size / 1e6:,.0f} MB"
        )


def _members(path: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(path) as archive:
        return [member for member in archive.infolist() if not member.is_dir()]


def _shown(member: zipfile.ZipInfo) -> str:
    return repr(member.filename if len(member.filename) <= 100 else f"{member.filename[:100]}...")


def unpack(path: Path, target: Path, report: Callable[[int, int], None]) -> None:
    """Unpack a checked zip file to the folder `target`; a single outer folder in it is dropped.

    Args:
        path: the zip file; it is unpacked beside it first.
        target: the folder to create, on the same disk.
        report: called with bytes done and total bytes.

    Raises:
        ValueError: a member is damaged, or none is a Last.fm list.
        NoRoomError: the disk is too small.
    """
    work = path.with_name(f"{path.name}.unpacked")
    shutil.rmtree(work, ignore_errors=True)
    try:
        _extract(path, work, report)
        entries = list(work.iterdir())
        target.parent.mkdir(parents=True, exist_ok=True)
        (entries[0] if len(entries) == 1 and entries[0].is_dir() else work).replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _extract(path: Path, work: Path, report: Callable[[int, int], None]) -> None:
    with _damage_as("no whole zip file"):
        members = _members(path)
    work.mkdir()
    needed = sum(-(-member.file_size // _BLOCK) * _BLOCK for member in members)
    transfer.check_room(work, needed, path.name.removesuffix(".part"))
    done, total = 0, sum(member.file_size for member in members)
    with _damage_as("a damaged zip file"), zipfile.ZipFile(path) as archive:
        for member in members:
            archive.extract(member, work)
            done += member.file_size
            report(done, total)
    sample = next(iter(work.rglob("TR*.json")))
    if not _is_list(sample.read_bytes()):
        raise ValueError(f"{sample.name} in it is no Last.fm list")


def _is_list(content: bytes) -> bool:
    """Return whether this is a track's Last.fm list, as JSON."""
    try:
        entry = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and isinstance(entry.get("similars"), list)
