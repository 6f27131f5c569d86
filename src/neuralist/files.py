"""Files and folders: written whole or not at all, read as JSON, named by their bytes; no pandas here."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from tempfile import gettempdir
from typing import Any

UNFINISHED = ".unfinished-"  # begins the names of files that are being written
FORGOTTEN_S = 86_400  # age from which an unfinished file is left over, where a disk knows no locks
CONFLICT = re.compile(r"(<{7}|\|{7}|={7}|>{7})( |$)")  # a line that git writes around the sides of a conflict
MAX_DEPTH, MAX_NODES = 100, 1_000_000  # of a YAML file


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all."""
    with unfinished(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a name to write under; `path` appears only when the block ends well.

    What killed processes left in the folder goes, see `remove_leftovers`.

    Raises:
        OSError: of the block, with `path` in place of the name to write under, or of none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, UNFINISHED)
    temporary = None
    try:
        temporary, lock = _claimed(path.parent, UNFINISHED, f"-{path.name}", _new_file)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            os.close(lock)
            temporary.unlink(missing_ok=True)
    except OSError as error:
        # shutil names the file that is copied first.
        named = [name for name in (error.filename, error.filename2) if isinstance(name, str | bytes | Path)]
        if not named or temporary is None or str(temporary) in map(os.fsdecode, named):
            error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an OSError of a block name this path: what is written under another name, or by whom names none."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


@contextmanager
def temporary_folder(parent: Path | None = None, prefix: str = ".neuralist-") -> Iterator[Path]:
    """Give a new folder that is removed at the end, and what killed processes left under such names.

    Args:
        parent: where it is made; without it the system's folder for such.
        prefix: of its name; 8 random digits follow.
    """
    parent = Path(gettempdir()) if parent is None else parent
    parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(parent, prefix)
    folder, lock = _claimed(parent, prefix, "", partial(Path.mkdir, mode=0o700))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove the `unfinished` files and temporary folders that this user's killed processes left in a folder.

    Each is locked as long as the process that made it lives, whichever machine that is on. Where a disk knows
    no locks, the age decides. What cannot be removed stays.
    """
    pattern = re.compile(rf"{re.escape(prefix)}[0-9a-z_]{{8}}(-.+)?", re.DOTALL)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if pattern.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_if_left(entry)


def _remove_if_left(entry: "os.DirEntry[str]") -> None:
    status = entry.stat(follow_symlinks=False)
    is_ours = status.st_uid == os.geteuid() and (S_ISDIR(status.st_mode) or S_ISREG(status.st_mode))
    if not is_ours:
        return
    lock = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not _is_left(lock, status.st_mtime):
            return
        if S_ISDIR(status.st_mode):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _is_left(lock: int, modified: float) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # its process lives
    except OSError:
        return time.time() - modified > FORGOTTEN_S
    return True


def _claimed(folder: Path, prefix: str, ending: str, make: Callable[[Path], None]) -> tuple[Path, int]:
    """Make a file or folder of a random name and lock it; returns its path and the lock's descriptor."""
    while True:
        path = folder / f"{prefix}{secrets.token_hex(4)}{ending}"
        try:
            make(path)
        except FileExistsError:
            continue
        lock = os.open(path, os.O_RDONLY)
        with suppress(OSError):  # a disk without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Else another process took it for left between the two calls.
        if path.exists():
            return path, lock
        os.close(lock)


def _new_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def digest(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_all(paths: Mapping[str, Path]) -> str:
    """One SHA-256 for files and the names they go by, 64 hex digits; their order matters."""
    whole = hashlib.sha256()
    for name, path in paths.items():
        whole.update(name.encode() + bytes.fromhex(digest(path)))
    return whole.hexdigest()


def checkouts(folder: Path) -> list[Path]:
    """The folders around `folder`, itself included, that hold the pipeline: the innermost first.

    A workspace, and a copy that `dvc exp run --queue` makes under .dvc/tmp, lies inside the checkout.
    """
    return [path for path in (folder, *folder.parents) if is_checkout(path)]


def workspace(folder: Path) -> Path | None:
    """The workspace around `folder`, as a path inside the checkout: work/<name>; None outside of any."""
    root = ([folder, *checkouts(folder)])[-1]
    inside = folder.relative_to(root).parts
    return Path(*inside[:2]) if inside[:1] == ("work",) and len(inside) > 1 else None


def is_checkout(folder: Path) -> bool:
    """Whether a folder holds the pipeline."""
    return (folder / "dvc.yaml").exists() and (folder / "pipelines").is_dir()


def checkout() -> Path:
    """Return the checkout or workspace around the working folder.

    Raises:
        ValueError: the working folder is in none.
    """
    cwd = Path.cwd()
    for folder in checkouts(cwd):
        return folder
    raise ValueError(
        f"{cwd} lies in no checkout of Neuralist (no dvc.yaml here or above); change into one first"
    )


def parse_yaml(text: str) -> Any:
    """Parse YAML by libyaml where it is installed: dvc.lock then takes a tenth of the time.

    Raises:
        yaml.YAMLError: the text is not YAML, or is nested too deep or becomes too large for any file of ours.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    _check_yaml(text, loader)
    return yaml.load(text, Loader=loader)


def _check_yaml(text: str, loader: Any) -> None:
    """Refuse what would end the process, or never end: deep brackets, and aliases of aliases.

    Raises:
        yaml.YAMLError: the text is not YAML, or is nested deeper than MAX_DEPTH, or has more than MAX_NODES
            values where each alias counts as what it stands for.
    """
    import yaml

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # anchor and size of each node around
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > MAX_DEPTH:
                raise yaml.YAMLError(f"nested more than {MAX_DEPTH} deep; give keys and values")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
        elif isinstance(event, yaml.AliasEvent):
            anchor, size = None, sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        around, before = open_nodes[-1]
        open_nodes[-1] = around, before + size
        if before + size > MAX_NODES:
            raise yaml.YAMLError(f"its aliases (*) stand for more than {MAX_NODES:,} values; write them out")


def refuse_conflict(path: Path, text: str) -> None:
    """Refuse the text of a file that git could not merge.

    Raises:
        ValueError: a line of it marks a conflict.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if CONFLICT.match(line):
            raise ValueError(
                f"{path}: line {number}, {line[:40]!r}, marks a merge conflict; "
                "keep one side of each conflict, delete the lines that mark it, and call again"
            )


def read_json(path: Path) -> dict[str, Any]:
    """Read a stage's JSON object; see `read_mapping`."""
    return read_mapping(path, json.loads)


def read_mapping(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Read a stage's file of keys and values.

    Args:
        path: of the file, a text in UTF-8.
        parse: of its text; raises ValueError where it cannot.

    Raises:
        ValueError: the file is missing or damaged.
    """
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: missing; run `dvc repro`") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not readable ({' '.join(str(error).split())}); run `dvc repro`") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected keys and values, received {content!r:.80}; run `dvc repro`")
    return content
