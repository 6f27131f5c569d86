"""The official files: their addresses, their paths in the raw folder, and a check of each."""

import json
import re
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import NamedTuple

Check = Callable[[Path], None]

# Only here are hosts named.
HOSTS = {
    "msd": "http://millionsongdataset.com/sites/default/files",
    "billboard": "https://raw.githubusercontent.com/kevinschaich/billboard/master/data/years",
}
FIRST_YEAR, LAST_YEAR = 1950, 2015
LICENCE = """\
The Million Song Dataset and the Last.fm dataset are free for research and strictly non-commercial; see
millionsongdataset.com and millionsongdataset.com/lastfm. The Billboard files hold lyrics, which belong to
their owners: keep the files to yourself, and publish nothing that quotes them."""

_LINK, _KIND = 0o120000, 0o170000  # of a Unix file mode
_TRACK, _SONG = rb"TR[A-Z0-9]{16}", rb"SO[A-Z0-9]{16}"


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


def is_list(content: bytes) -> bool:
    """Return whether this is a track's Last.fm list, as JSON."""
    try:
        entry = json.loads(content)
    except ValueError:
        return False
    return isinstance(entry, dict) and isinstance(entry.get("similars"), list)


def _check_billboard(path: Path) -> None:
    try:
        songs = json.loads(path.read_bytes())
    except ValueError as error:
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
            database.execute("select tid, target from similars_src limit 1").fetchall()
    except sqlite3.Error as error:
        raise ValueError(f"no SQLite file with the table similars_src ({error})") from None
    if n_pages * page_size != size:
        raise ValueError(f"{size:,} bytes of an SQLite file of {n_pages * page_size:,}")


def _check_archive(path: Path) -> None:
    """Check the list of members; their content is checked as they are unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"no whole zip file ({error})") from None
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        is_link = (member.external_attr >> 16) & _KIND == _LINK
        if is_link or not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
            raise ValueError(f"its member {member.filename!r} leads out of the folder it is unpacked to")
        if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError(f"its member {member.filename!r} is encrypted or packed in an unknown way")
    if not any(re.fullmatch(r"(?:.*/)?TR[^/]*\.json", member.filename) for member in members):
        raise ValueError("a zip file without any TR*.json")


def _msd(remote: str, megabytes: float, holds: str, check: Check) -> Source:
    path = PurePosixPath(remote)
    return Source(path.stem, "msd", remote, f"msd/{path.name}", megabytes, holds, check)


def _lastfm(subset: str, megabytes: float, tracks: str) -> Source:
    holds = f"lists and tags of {tracks} tracks, as JSON files"
    name = f"lastfm_{subset}"
    return Source(name, "msd", f"lastfm/{name}.zip", name, megabytes, holds, _check_archive)


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
