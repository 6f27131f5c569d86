"""Download the official raw files into a folder that `neuralist.ingest.sources` reads.

Unfinished files are beside the raw folder, in .<its name>.part/, and move into it when complete and checked:
DVC takes every byte under data/ for data, and `sources` every TR*.json for a list.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from neuralist import demo
from neuralist.fetch import archive, table, transfer
from neuralist.fetch.table import Source

Report = Callable[[str, int, int | None], None]  # file, bytes done, total bytes if known


class Download(NamedTuple):
    """A file to download.

    Attributes:
        source: the source that it is a file of.
        path: its path in the raw folder.
        url: its address.
    """

    source: Source
    path: str
    url: str


def plan(names: Sequence[str], years: tuple[int, int], *, encrypted: bool = True) -> list[Download]:
    """Return the downloads of the named sources.

    Args:
        names: of sources.
        years: the first and the last of yearly files.
        encrypted: by https; else by http, where anyone between could change the files.

    Raises:
        ValueError: a name or a year is unknown.
    """
    unknown = sorted(set(names) - set(table.SOURCES))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such source; choose among {', '.join(table.SOURCES)}")
    first, last = years
    if not table.FIRST_YEAR <= first <= last <= table.LAST_YEAR:
        raise ValueError(
            f"years {first}-{last}: choose within {table.FIRST_YEAR}-{table.LAST_YEAR}, the first one first"
        )
    downloads = []
    for source in (table.SOURCES[name] for name in dict.fromkeys(names)):
        for year in range(first, last + 1) if "{year}" in source.path else [0]:
            host = table.HOSTS[source.host]
            host = host if encrypted else host.replace("https://", "http://", 1)
            url = f"{host}/{source.remote.format(year=year)}"
            downloads.append(Download(source, source.path.format(year=year), url))
    return downloads


def check_folder(folder: Path, downloads: Sequence[Download]) -> None:
    """Refuse a folder whose content must not be mixed with these files.

    Raises:
        ValueError: it holds the demo corpus, the generic form, or Last.fm's lists in the other form.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: is a file; name a folder")
    corpus = folder / "corpus.yaml"
    if corpus.is_file() and demo.NOTE in corpus.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(
            f"{folder}: holds the demo corpus, which must not mix with real songs; fetch into a folder of "
            "its own (`neuralist fetch FOLDER`, then `make repro RAW=FOLDER`), or remove this one first "
            "(`dvc checkout data.dvc` brings it back) and call `dvc add data` afterwards"
        )
    generic = [name for name in ("texts.csv", "pairs.csv") if (folder / name).exists()]
    if generic:
        raise ValueError(f"{folder}: holds {generic[0]}, raw data of another form; name another folder")
    planned = {download.source.name for download in downloads}
    lists = {name for name, source in table.SOURCES.items() if source.is_archive}
    has_database = any(folder.rglob("lastfm_similars.db"))
    has_lists = any((folder / table.SOURCES[name].path).exists() for name in lists)
    if ("lastfm_similars" in planned or has_database) and (planned & lists or has_lists):
        raise ValueError(
            f"{folder}: lastfm_similars and {', '.join(sorted(lists))} hold the same lists in two forms; "
            "choose one by --only, and remove the other form where it is there already"
        )


def fetch(downloads: Sequence[Download], folder: Path, report: Report) -> list[dict[str, str | int]]:
    """Download the files that the folder lacks.

    Returns:
        For each download its source, path, url, bytes received, and state: "fetched", or "there" before.

    Raises:
        ValueError: a file cannot be downloaded or is not as expected, the disk is too small, or another
            process fetches into this folder. Finished files stay; a download is resumed at the next call.
    """
    folder = folder.resolve()
    parts = folder.with_name(f".{folder.name}.part")
    check_folder(folder, downloads)
    results = []
    with _parts(parts), requests.Session() as session:
        for download in downloads:
            is_new = not (folder / download.path).exists()
            received = _fetch_one(session, download, (parts, folder), report) if is_new else 0
            outcome = {"bytes": received, "state": "fetched" if is_new else "there"}
            results.append(download._asdict() | {"source": download.source.name} | outcome)
    return results


def _fetch_one(
    session: requests.Session, download: Download, folders: tuple[Path, Path], report: Report
) -> int:
    """Download a file, check it and move it to its path; return its size in bytes."""
    parts, folder = folders
    target = folder / download.path
    part = parts / f"{download.path}.part"
    most_bytes = download.source.most_bytes
    transfer.get(
        session, download.url, part, lambda done, total: report(download.path, done, total), most_bytes
    )
    size = part.stat().st_size
    try:
        with part.open("rb") as file:
            if file.read(500).lstrip().lower().startswith((b"<!doctype html", b"<html")):
                raise ValueError("a web page")
        download.source.check(part)
        table.check_sum(download.path, part)
        if download.source.is_archive:
            archive.unpack(part, target, lambda done, total: report(f"{download.path}/", done, total))
    except transfer.NoRoomError:
        raise  # the download is kept
    except ValueError as error:
        transfer.forget(part)
        raise ValueError(
            f"{download.url}: received {error}, not {download.source.holds}; it is thrown away: call again, "
            "or look for the file on its publisher's pages"
        ) from None
    if not download.source.is_archive:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
    transfer.forget(part)
    return size


@contextmanager
def _parts(parts: Path) -> Iterator[None]:
    """Make the folder of unfinished files, for one process at a time; it stays where a download can go on."""
    parts.mkdir(parents=True, exist_ok=True)
    with (parts / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{parts}: another fetch works there; wait for it to end") from None
        try:
            yield
        finally:
            if not any(path.is_file() for path in parts.rglob("*") if path.name != "lock"):
                shutil.rmtree(parts, ignore_errors=True)
