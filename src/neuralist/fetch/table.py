"""The official files: their addresses, their paths in the raw folder, and a check of each."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from neuralist import files
from neuralist.fetch import archive

Check = Callable[[Path], None]

# Only here are hosts named.
HOSTS = {
    "msd": "https://millionsongdataset.com/sites/default/files",
    "billboard": "https://raw.githubusercontent.com/kevinschaich/billboard/master/data/years",
}
FIRST_YEAR, LAST_YEAR = 1950, 2015
LICENCE = """\
The Million Song Dataset and the Last.fm dataset are free for research and strictly non-commercial; see
millionsongdataset.com and millionsongdataset.com/lastfm. The Billboard files hold lyrics, which belong to
their owners: keep the files to yourself, and publish nothing that quotes them."""

_TRACK, _SONG = rb"TR[A-Z0-9]{16}", rb"SO[A-Z0-9]{16}"


def _checksums() -> dict[str, str]:
    """Return the SHA-256 of official files by their path in the raw folder, in the form of sha256sum.

    They are ours, of the Billboard files in November 2026; the publishers of the other files name none.
    """
    lines = Path(__file__).with_name("checksums.txt").read_text(encoding="ascii").splitlines()
    return {path: checksum for checksum, path in (line.split() for line in lines)}


CHECKSUMS = _checksums()


class Source(NamedTuple):
    """A publisher's file, or one for each year where its path has {year}.

    Attributes:
        name: the value for `neuralist fetch --only`.
        host: a key of HOSTS.
        remote: its path at the host.
        path: its path in the raw folder; for an archive, the folder that it is unpacked to.
        megabytes: approximate size, of all years together.
        holds: its content, in a few words.
        check: raises ValueError where a file is something else or incomplete.
    """

    name: str
    host: str
    remote: str
    path: str
    megabytes: float
    holds: str
    check: Check

    @property
    def is_archive(self) -> bool:
        """Whether the file is unpacked after the download."""
        return self.remote.endswith(".zip")

    @property
    def most_bytes(self) -> int:
        """The size at which a download is no longer this file, which may have grown since it was listed."""
        return int(10e6 * max(self.megabytes, 1))


def check_sum(path: str, part: Path) -> None:
    """Compare a download with the SHA-256 that is known of the file, if one is.

    Raises:
        ValueError: they differ.
    """
    known = CHECKSUMS.get(path)
    if known and files.digest(part) != known:
        raise ValueError(f"another file than the one known, whose SHA-256 is {known}")


def _check_billboard(path: Path) -> None:
    try:
        songs = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON ({error})") from None
    if not isinstance(songs, list) or not all(isinstance(song, dict) and "lyrics" in song for song in songs):
        raise ValueError("no JSON list of songs with lyrics")


def _check_first_line(*fields: bytes) -> Check:
    form = re.compile(b"<SEP>".join(fields))

    def check(path: Path) -> None:
        with path.open("rb") as file:
            line = file.readline(1000)
        if not form.match(line):
            raise ValueError(f"its first line is {line[:60]!r}")

    return check


def _check_database(path: Path) -> None:
    """Check the size in pages. `pragma quick_check` would read all of the file, which takes minutes."""
    size = path.stat().st_size
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            [n_pages], [page_size] = (
                database.execute(f"pragma page_{name}").fetchone() for name in ("count", "size")
            )
            # A view could compute without end.
            [kind] = database.execute("select type from sqlite_master where name = 'similars_src'").fetchone()
            if kind != "table":
                raise ValueError(f"an SQLite file whose similars_src is a {kind}")
            database.execute("select tid, target from similars_src limit 1").fetchall()
    except (sqlite3.Error, TypeError) as error:
        raise ValueError(f"no SQLite file with the table similars_src ({error})") from None
    if n_pages * page_size != size:
        raise ValueError(f"{size:,} bytes of an SQLite file of {n_pages * page_size:,}")


def _msd(remote: str, megabytes: float, holds: str, check: Check) -> Source:
    path = PurePosixPath(remote)
    return Source(path.stem, "msd", remote, f"msd/{path.name}", megabytes, holds, check)


def _lastfm(subset: str, megabytes: float, tracks: str) -> Source:
    holds = f"lists and tags of {tracks} tracks, as JSON files"
    name = f"lastfm_{subset}"
    return Source(name, "msd", f"lastfm/{name}.zip", name, megabytes, holds, archive.check)


SOURCES = {
    source.name: source
    for source in (
        Source(
            "billboard",
            "billboard",
            "{year}.json",
            "billboard/{year}.json",
            8.5,
            f"songs with lyrics, {FIRST_YEAR} to {LAST_YEAR}, a file a year",
            _check_billboard,
        ),
        _msd(
            "AdditionalFiles/unique_tracks.txt",
            84,
            "artists and titles of a million tracks",
            _check_first_line(_TRACK, _SONG, b".*", b".*"),
        ),
        _msd(
            "AdditionalFiles/tracks_per_year.txt",
            35,
            "the years of half of them",
            _check_first_line(rb"\d{1,4}", _TRACK, b".*", b".*"),
        ),
        _msd(
            "AdditionalFiles/msd_duplicates.txt",
            5,
            "which tracks are one song",
            _check_first_line(rb"[#%].*"),
        ),
        _msd("lastfm/lastfm_similars.db", 3000, "similarity lists of 584,897 tracks", _check_database),
        _lastfm("subset", 5, "9,330"),
        _lastfm("train", 500, "839,122"),
        _lastfm("test", 60, "104,212"),
    )
}
USUAL = ("billboard", "unique_tracks", "tracks_per_year", "lastfm_similars")
