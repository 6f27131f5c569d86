"""Unpack zip files atomically: the folder appears when all members are in it, or not at all."""

import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from neuralist.fetch import table, transfer

_BLOCK = 4096  # bytes; files take whole blocks of a disk


def unpack(path: Path, target: Path, report: Callable[[int, int], None]) -> None:
    """Unpack a checked zip file to the folder `target`; a single outer folder in it is dropped.

    Args:
        path: the zip file; it is unpacked beside it first.
        target: the folder to create, on the same disk.
        report: called with bytes done and total bytes.

    Raises:
        ValueError: a member is damaged, none is a Last.fm list, or the disk is too small.
    """
    work = path.with_name(f"{path.name}.unpacked")
    shutil.rmtree(work, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            work.mkdir()
            needed = sum(-(-member.file_size // _BLOCK) * _BLOCK for member in members)
            transfer.check_room(work, needed, target.name)
            done, total = 0, sum(member.file_size for member in members)
            for member in members:
                archive.extract(member, work)
                done += member.file_size
                report(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        shutil.rmtree(work, ignore_errors=True)
        raise ValueError(f"a damaged zip file ({error})") from None
    sample = next(iter(work.rglob("TR*.json")))
    if not table.is_list(sample.read_bytes()):
        shutil.rmtree(work)
        raise ValueError(f"{sample.name} in it is no Last.fm list")
    entries = list(work.iterdir())
    target.parent.mkdir(parents=True, exist_ok=True)
    (entries[0] if len(entries) == 1 and entries[0].is_dir() else work).replace(target)
    shutil.rmtree(work, ignore_errors=True)
