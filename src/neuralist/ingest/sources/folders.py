"""What is in a raw folder and its folders: the files of a name, and what is no file at all."""

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path


def found(folder: Path, pattern: str) -> list[Path]:
    """Return what has this name in a folder and its folders, linked ones too, sorted.

    Path.rglob would pass over a linked folder, so that a large one that lies elsewhere would be missing, and
    over one that may not be read.

    Raises:
        OSError: a folder cannot be read.
    """
    return sorted(Path(entry.path) for entry in _entries(folder) if fnmatch.fnmatch(entry.name, pattern))


def check(folder: Path) -> None:
    """Refuse a folder in which something is neither a file nor a folder, before anything waits for it.

    Raises:
        ValueError: a link leads nowhere; or there is a named pipe, a socket or a device.
        OSError: a folder cannot be read.
    """
    for entry in _entries(folder):
        if entry.is_file() or entry.is_dir():
            continue
        if entry.is_symlink() and not Path(entry.path).exists():
            raise ValueError(
                f"{entry.path}: a link to {Path(entry.path).readlink()}, where nothing is; put the file "
                "there, or remove the link"
            )
        raise ValueError(no_file(entry.path))


def no_file(path: str | Path) -> str:
    """Return the sentence for what is neither a file nor a folder: reading it might wait for ever."""
    return f"{path}: a named pipe, a socket or a device; put a file in its place"


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Yield all that is in a folder and its folders; a link to a folder above is not gone into."""
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as entries:
            listed = list(entries)
        above: set[Path] | None = None
        for entry in listed:
            if entry.is_symlink() and entry.is_dir():
                above = above or {path.resolve() for path in (place, *place.parents)}
                if Path(entry.path).resolve() in above:
                    continue  # the way back would never end
            yield entry
            if entry.is_dir():
                waiting.append(Path(entry.path))
