"""What every raw form is read into, and how its files are opened and its faults are told.

| table | columns |
|---|---|
| records | where, id (null in the official form), artist, title, year, tags (list), language, lyrics |
| tracks | where, track_id, artist, title, year (of tracks_per_year.txt) |
| rejects | tables.REJECTS |
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neuralist.data import tables

RECORDS = ["where", "id", "artist", "title", "year", "tags", "language", "lyrics"]
TRACKS = ["where", "track_id", "artist", "title", "year"]


@dataclass(frozen=True)
class Similarities:
    """The similarity lists of the tracks that have lyrics.

    Attributes:
        listed: tables.LISTED, in the order of the source.
        with_list: ids that have a list, also where none of its targets has lyrics.
        tags: id -> tags that come with the list.
        rejects: tables.REJECTS.
    """

    listed: pd.DataFrame
    with_list: frozenset[str]
    tags: dict[str, list[str]]
    rejects: pd.DataFrame


@dataclass(frozen=True)
class Raw:
    """A raw folder, read.

    Attributes:
        source: what its records come from, as `rejects` names it: billboard or texts.
        records: texts with what is known of them; see the module.
        tracks: names of track ids, empty in the generic form, where a text's id is its one track id.
        rejects: tables.REJECTS.
        similarities: reads the lists, once it is known which ids have lyrics: few of the 56.5 M entries of
            the full Last.fm file are ever needed in memory.
    """

    source: str
    records: pd.DataFrame
    tracks: pd.DataFrame
    rejects: pd.DataFrame
    similarities: Callable[[Iterable[str]], Similarities]


def text(path: Path, place: str) -> str:
    """The text of a UTF-8 file, line ends as they are, a byte order mark left out.

    Args:
        path: the file.
        place: its name in messages.

    Raises:
        ValueError: the file cannot be opened, is empty, or is not UTF-8; the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{place}: cannot be read ({error.strerror}); put the file there") from error
    if not content.strip():
        raise ValueError(f"{place}: the file is empty; put the whole file there")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(f"{place}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


def rejects(rows: Sequence[tuple[str, str, str, str]] = ()) -> pd.DataFrame:
    """A rejects table of rows (source, where, reason, value)."""
    return pd.DataFrame(rows, columns=tables.REJECTS.names, dtype="str")


def all_unusable(place: str, count: int, faults: pd.DataFrame) -> ValueError:
    """The error for a file of which no entry can be used: its form is wrong, not its content."""
    if faults.empty:
        return ValueError(f"{place}: no entry in it; put the whole file there")
    _, where, reason, value = faults.iloc[0]
    return ValueError(
        f"{place}: none of its {count:,} entries can be used; the first, {where}: {reason}, "
        f"received {value!r}; "
        "bring the file into the form that README.md describes"
    )


def shortened(value: object, longest: int = 80) -> str:
    """A value as it stands in `rejects`: on one line, cut, and storable as UTF-8."""
    line = " ".join(str(value).split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return line if len(line) <= longest else line[: longest - 1] + "…"
