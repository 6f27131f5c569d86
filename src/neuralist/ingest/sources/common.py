"""Tables that every raw format is read into; shared code for opening files and reporting faults.

| table | columns |
|---|---|
| records | where, id (null in the official form), artist, title, year, unread_year, tags, language, lyrics |
| tracks | where, track_id, artist, title, year (of tracks_per_year.txt) |
| rejects | tables.REJECTS |

`where` is the file and the line or index of a record, `tags` a list, `unread_year` what stands in place of a
year, else null.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from neuralist.data import tables
from neuralist.ingest import columns
from neuralist.ingest.sources import years

RECORDS = ["where", "id", "artist", "title", "year", "unread_year", "tags", "language", "lyrics"]
# Longer fields are none, and expressions that search them would take hours. A word is what stands between
# spaces: in Chinese a whole paragraph.
MOST_CHARACTERS, LONGEST_WORD, LONGEST_TEXT = 10_000, 100_000, 1_000_000
_TEXTS = {"text", "lyrics"}
TRACKS = ["where", "track_id", "artist", "title", "year"]
# Endings of what `neuralist import` reads: tables, and songs.
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".json", ".jsonl", ".ndjson", ".parquet")
SONG_ENDINGS = (".txt", ".lrc")


@dataclass(frozen=True)
class Similarities:
    """The similarity lists of the tracks that have lyrics.

    Attributes:
        listed: tables.LISTED, in the order of the source.
        with_list: ids that have a list, even if none of its targets has lyrics.
        tags: id -> tags that come with the list.
        rejects: tables.REJECTS.
        unread: columns of their file that are not read, see `unread`.
        lastfm_tags: id -> tags of the track on Last.fm and their weights, 0 to 100; a tag may be repeated.
    """

    listed: pd.DataFrame
    with_list: frozenset[str]
    tags: dict[str, list[str]]
    rejects: pd.DataFrame
    unread: dict[str, int] = field(default_factory=dict)
    lastfm_tags: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """The content of a raw folder.

    Attributes:
        source: the records' source, as `rejects` names it: billboard or texts.
        records: see the module docstring.
        tracks: see the module docstring; empty in the generic form, where a text's id is its only track id.
        rejects: tables.REJECTS.
        unread: columns of the records' files that are not read, see `unread`.
        unended: names of text files whose last line has no line end, with 1 for each: one may be cut short.
        similarities: reads the similarities of the ids it is given, those with lyrics: few of the 56.5 M
            entries of the full Last.fm file are ever needed in memory.
        duplicates: columns group (a number) and track_id, of tracks that are one song; None without a list.
    """

    source: str
    records: pd.DataFrame
    tracks: pd.DataFrame
    rejects: pd.DataFrame
    unread: dict[str, int]
    unended: dict[str, int]
    similarities: Callable[[Iterable[str]], Similarities]
    duplicates: pd.DataFrame | None = None


def text(path: Path, name: str) -> str:
    """Read a UTF-8 file with its line ends as they are, without a byte order mark.

    Args:
        path: the file.
        name: its name in error messages.

    Raises:
        ValueError: the file cannot be opened, is empty, or is not UTF-8; the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: cannot be read ({error.strerror}); put the file there") from error
    if not content.strip():
        raise ValueError(f"{name}: the file is empty; put the whole file there")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(f"{name}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


@contextmanager
def database(path: Path, name: str, tables_in_it: str) -> Iterator[sqlite3.Connection]:
    """Open an SQLite file to read.

    Args:
        path: the file.
        name: its name in error messages.
        tables_in_it: what it should hold, for the same.

    Raises:
        ValueError: it is no SQLite file, is cut short, or lacks a table that is asked for.
    """
    # immutable: a read-only folder must do, and nobody writes to raw files.
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise ValueError(
            f"{name}: not a whole SQLite file with {tables_in_it} ({error}); put the official file there"
        ) from error


def year_columns(value: object) -> dict[str, object]:
    """Return the columns year and unread_year of a record from its raw year."""
    year = years.read(value)
    is_unread = year is None and not years.is_absent(value)
    return {"year": year, "unread_year": shortened(value) if is_unread else None}


def rejects(rows: Sequence[tuple[str, str, str, str]] = ()) -> pd.DataFrame:
    """Return tables.REJECTS of rows (source, where, reason, value)."""
    return pd.DataFrame(rows, columns=tables.REJECTS.names, dtype="str")


def rejected(source: str, lines: pd.DataFrame, reason: str | pd.Series, value: str) -> pd.DataFrame:
    """Return tables.REJECTS of lines or records, whose column `value` is shown."""
    values = lines[value].map(shortened)
    columns = {"source": source, "where": lines["where"], "reason": reason, "value": values}
    return pd.DataFrame(columns, dtype="str")


def entries(
    name: str, usable: Sequence[object], columns: list[str], faults: Sequence[tuple[str, str, str, str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the usable entries of a file as a table, and `rejects` of its faults.

    Raises:
        ValueError: no entry can be used.
    """
    if not usable:
        raise all_unusable(name, len(faults), rejects(faults))
    return pd.DataFrame(usable, columns=columns), rejects(faults)


def unread(name: str, header: Collection[str], read: Collection[str]) -> dict[str, int]:
    """Return how many columns of a file are not read, by a line that names them; empty where all are.

    Args:
        name: of the file.
        header: names of its columns, from `columns.header`.
        read: names of the columns that are read.
    """
    absent = [column for column in read if column not in header]
    others = {column: columns.near(column, absent) for column in header if column not in read}
    shown = [
        (shortened(column) or "one without a name") + (f" (is {meant} meant?)" if meant else "")
        for column, meant in others.items()
    ]
    return {f"{name}: {', '.join(shown)}": len(shown)} if shown else {}


def check_swapped(name: str, records: pd.DataFrame, text_column: str) -> None:
    """Check that records hold texts in the column of texts, and not in that of artists, titles or ids.

    Args:
        name: of the file.
        records: see the module docstring.
        text_column: what the file calls the texts.

    Raises:
        ValueError: in all records with a text and such a value, two or more and most of all, the value is the
            longer one; ids of one word are never texts.
    """
    for column in ("artist", "title", "id"):
        values = zip(records[column].tolist(), records["lyrics"].tolist(), strict=True)
        given = [(value, text) for value, text in values if isinstance(value, str) and text.strip()]
        is_text = [len(value) > len(text) and (column != "id" or " " in value) for value, text in given]
        if all(is_text) and len(given) > max(1, len(records) // 2):
            value, text = (shortened(field, 40) for field in given[0])
            raise ValueError(
                f"{name}: {column} is longer than {text_column} in all {len(given):,} records with both, the "
                f"first {value!r} and {text!r}; if the two are swapped, swap their names in the file, else "
                f"rename {column}, and it is not read"
            )


def all_unusable(name: str, count: int, faults: pd.DataFrame) -> ValueError:
    """Return the error for a file without a usable entry: its format is wrong, not its content."""
    if faults.empty:
        return ValueError(f"{name}: no entry in it; put the whole file there")
    _, where, reason, value = faults.iloc[0]
    return ValueError(
        f"{name}: none of its {count:,} entries can be used; the first, {where}: {reason}, "
        f"received {value!r}; bring the file into the form that docs/data.md describes"
    )


def too_long(fields: Mapping[str, object]) -> tuple[str, str] | None:
    """Return reason and value of a record with a text that no record has; None for any other.

    Args:
        fields: of the record; those that hold lyrics may be long, but not in one word.
    """
    for name, value in fields.items():
        if not isinstance(value, str):
            continue
        if name not in _TEXTS and len(value) > MOST_CHARACTERS:
            return f"{name} has more than {MOST_CHARACTERS:,} characters", shortened(value)
        if len(value) > LONGEST_TEXT:
            return f"{name} has more than {LONGEST_TEXT:,} characters", shortened(value)
        if len(value) > LONGEST_WORD and max(map(len, value.split()), default=0) > LONGEST_WORD:
            return f"{name} has a word of more than {LONGEST_WORD:,} characters", shortened(value)
    return None


def cut_short(name: str, line: int) -> ValueError:
    """Return the error for a file whose last line lacks fields and a line end."""
    return ValueError(f"{name}:{line}: the file ends within this line; put the whole file there")


def shortened(value: object, max_length: int = 80) -> str:
    """Return a value as `rejects` shows it: on one line, truncated, encodable as UTF-8."""
    line = " ".join(str(value).split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return line if len(line) <= max_length else line[: max_length - 1] + "…"
