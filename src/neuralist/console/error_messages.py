"""Errors as one sentence that names what was received, where, and the fix; texts that a terminal may show."""

import errno
import os
import re
import shutil
import sys

from neuralist import html
from neuralist.console.addresses import without_passwords

_DISK_FULL = "the disk is full; make room there, or name a place on another disk"
_NOT_PERMITTED = "no permission for this; change that by chmod or chown, or name another place"
_NO_FOLDER = "a file stands where a folder belongs; move it away, or name another place"
_OPEN_FILES = "too many files are open; raise the limit by `ulimit -n 4096`"
_NO_ANSWER = "no answer over the network; check the address and the connection"
# What is wrong and the fix, by number.
_REASONS = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: "your quota of this disk is used up; make room there, or name a place on another disk",
    errno.EFBIG: "the file would be larger than files may be here; raise the limit (`ulimit -f unlimited`)",
    errno.EROFS: "the disk can only be read; name another place, or mount it for writing",
    errno.EACCES: _NOT_PERMITTED,
    errno.EPERM: _NOT_PERMITTED,
    errno.EISDIR: "a folder stands where a file belongs; move it away, or name another place",
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.ENOENT: "no such file or folder; correct the path, or put it there",
    errno.ENOTEMPTY: "this folder is not empty; move it away, or name another place",
    errno.ELOOP: "its links lead in a circle; correct them",
    errno.ENAMETOOLONG: "a longer name than this disk takes; give a shorter one",
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.EIO: "the disk answered with an error; check it, and restore the file from a copy",
    errno.ESTALE: "its network disk has gone; mount it again",
    errno.ECONNREFUSED: _NO_ANSWER,
    errno.EHOSTUNREACH: _NO_ANSWER,
    errno.ENETUNREACH: _NO_ANSWER,
    errno.ETIMEDOUT: _NO_ANSWER,
}
# Libraries that wrap the system's error: h5py writes "errno = 28", pyarrow "[errno 28]".
_NUMBER_IN_TEXT = re.compile(r"(?i)\berrno\s*[=:]?\s*(\d+)")
# NumPy does not say why, and the file is gone before anybody could ask the disk.
_CUT = re.compile(r"^\d+ requested and \d+ written$")
_PARTLY = (
    "only a part could be written: the disk is full, or your quota or limit of file sizes reached; make room "
    "there, or name a place on another disk"
)
# The extra of pyproject.toml that brings a package, by the module that is missing.
EXTRAS = {
    "fast_use": "sentence-encoder",
    "icu4py": "icu",
    "openpyxl": "excel",
    "optuna_dashboard": "dashboard",
    "psycopg": "team",
    "pyspark": "spark",
    "sentence_transformers": "transformer",
}


def message(error: BaseException) -> str | None:
    """Return an error as one sentence that ends in the fix; None where it is a fault of the program."""
    if _is_any(error, MemoryError, duckdb="OutOfMemoryException"):
        return _of_memory(error)
    if _is_any(error, yaml="YAMLError"):
        return f"not readable as YAML: {error}; correct it"
    if isinstance(error, ImportError):
        return _of_import(error)
    if isinstance(error, ConnectionAbortedError):  # of a worker; `training.distributed.workers` says it all
        return str(error)
    if _is_any(error, OSError, duckdb="IOException"):
        return _of_system(error)
    return _of_value(error) if isinstance(error, ValueError) else None


def _is_any(error: BaseException, *kinds: type[BaseException], **names: str) -> bool:
    """Return whether an error is of one of these kinds; those of libraries are named, not imported."""
    others = [getattr(sys.modules.get(module), name, None) for module, name in names.items()]
    return isinstance(error, (*kinds, *(kind for kind in others if isinstance(kind, type))))


def _of_memory(error: BaseException) -> str:
    what = f" ({first_line(error)})" if str(error) else ""
    return f"not enough memory{what}; close other programs, give less at once, or use a machine with more"


def _of_import(error: ImportError) -> str:
    package = (error.name or "").partition(".")[0]
    if package in EXTRAS:
        return f"{first_line(error)}; pip install 'neuralist[{EXTRAS[package]}]'"
    if isinstance(error, ModuleNotFoundError):
        return f"{first_line(error)}; run `make setup` in a checkout, or pip install 'neuralist[train]'"
    where = f"{error.path}: " if error.path else ""
    return f"{where}cannot be imported ({first_line(error)}); install {package or 'its package'} again"


def _of_system(error: BaseException) -> str:
    """Return the sentence for what the system refuses; of a renaming, the path that is renamed to."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        _, error.filename, said = error.args[0][0]  # of copytree: source, target and reason of each file
        error.args = (str(said),)
    given = [getattr(error, name, None) for name in ("filename2", "filename")]
    path = next((os.fsdecode(name) for name in given if isinstance(name, str | bytes | os.PathLike)), "")
    reason = _REASONS.get(_number(error) or 0)
    if _CUT.match(first_line(error)):
        reason = _PARTLY
    if reason is None:
        reason = f"{getattr(error, 'strerror', None) or first_line(error)}; correct that and call again"
    elif not path:
        # What a library says may name the path; a bare [Errno 28] adds nothing.
        said = re.sub(r"^\[Errno \d+\] ", "", first_line(error))
        path = "" if said == getattr(error, "strerror", None) and "/" not in said else said
    return f"{path}: {reason}" if path else reason


def _number(error: BaseException) -> int | None:
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return number
    said = _NUMBER_IN_TEXT.search(first_line(error))
    if said:
        return int(said[1])
    if "No space left on device" in str(error.args):
        return errno.ENOSPC
    return None


def _of_value(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"a text is not {error.encoding.upper()} ({error.reason}); save it as UTF-8"
    return str(error)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    # str of an OSError that was given a path later is "[Errno None] None: path".
    args = error.args
    text = str(args[0]) if isinstance(error, OSError) and error.errno is None and args else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0]


def shown(text: object) -> str:
    """Return a text on one line, without secrets, and without characters that a terminal would act upon."""
    return html.visible(" ".join(without_passwords(str(text)).split()))
