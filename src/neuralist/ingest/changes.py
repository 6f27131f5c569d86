"""The folder catalogue/: songs to add to the catalogue or to correct in it, and songs to leave out.

| file | a row is | columns |
|---|---|---|
| added.csv | a song that is added, or takes the place of the one of its id | those of COLUMNS |
| removed.csv | a song that is left out, whatever other files hold it | id, date, reason |

added.csv is absent where nothing is added. It holds lyrics, so git ignores it and DVC versions it, through
added.csv.dvc. git versions removed.csv, so that a removal can be reviewed.
"""

import csv
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from neuralist import files
from neuralist.ingest.sources import common, generic_csv
from neuralist.text import names

FOLDER = "catalogue"
ADDED, REMOVED = "added.csv", "removed.csv"
PIN = f"{ADDED}.dvc"  # as `dvc add` names it
COLUMNS = ("id", "text", "artist", "title", "year", "tags", "language")
_REMOVED_COLUMNS = ("id", "date", "reason")
_TEXT, _OTHER_NAME = "text", "lyrics"  # of the column of texts; the other one only in a file to add


class Additions(NamedTuple):
    """Songs to add.

    Attributes:
        records: see `neuralist.ingest.sources.common`; id is empty where the file gives none.
        rejects: tables.REJECTS of rows that cannot be read.
        unread: columns that are not read, see `common.unread`.
    """

    records: pd.DataFrame
    rejects: pd.DataFrame
    unread: dict[str, int]


class Removal(NamedTuple):
    """When a song was removed, as YYYY-MM-DD, and why; either may be empty."""

    date: str
    reason: str


def create(folder: Path) -> None:
    """Write the removed.csv of a folder that has none, so that DVC finds what a stage depends on."""
    if not (folder / REMOVED).exists():
        write_removed(folder, {})


@contextmanager
def alone(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep other calls from changing the folder meanwhile; a missing folder is created.

    Args:
        folder: of changes.
        on_wait: called where another call is at work, before its end is waited for.
    """
    create(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_added(folder: Path) -> Additions:
    """Read added.csv of the folder; a row without id is rejected, and so is one without its text.

    Raises:
        ValueError: it is not as `write_added` writes it, or DVC pins one that is not there.
    """
    if not (folder / ADDED).exists():
        if (folder / PIN).exists():
            raise ValueError(
                f"{folder / ADDED}: missing, and {PIN} pins it; `dvc pull {folder / PIN}` brings it, or "
                f"delete {folder / PIN} if nothing is to be added"
            )
        return Additions(pd.DataFrame(columns=common.RECORDS), common.rejects(), {})
    added = _read(folder, ADDED)
    is_named = added.records["id"] != ""
    unnamed = common.rejected(FOLDER, added.records.loc[~is_named], "id is empty", "title")
    rejects = pd.concat([added.rejects, unnamed], ignore_index=True)
    return Additions(added.records.loc[is_named].reset_index(drop=True), rejects, added.unread)


def read_file(path: Path) -> Additions:
    """Read a person's file of songs to add: a CSV with the columns of COLUMNS, `text` or `lyrics`.

    A row needs a text, and an id or artist and title.

    Raises:
        ValueError: the file is missing, no CSV or not UTF-8, lacks a column, or no row of it can be used.
    """
    if path.suffix.lower() != ".csv":
        raise ValueError(
            f"{path}: ends in {path.suffix or 'nothing'}; give a .csv with the columns id, text and, where "
            "known, artist, title, year and tags"
        )
    given = _read(path.parent, path.name)
    if given.records.empty:
        raise common.all_unusable(path.name, len(given.rejects), given.rejects)
    common.check_swapped(path.name, given.records, _TEXT)
    return given


def with_ids(records: pd.DataFrame, songs: pd.DataFrame) -> pd.DataFrame:
    """Return records with an id each: that of the song of this artist and title, else one made of both.

    Args:
        records: as `read_file` returns them.
        songs: song_id, artist, title of the songs that there are; of songs of one name the first counts.
    """
    named = songs.loc[songs["artist"].notna() & songs["title"].notna()]
    by_name = {
        (names.key(artist), names.key(title)): song_id
        for song_id, artist, title in reversed(
            list(named[["song_id", "artist", "title"]].itertuples(index=False, name=None))
        )
    }
    ids = []
    for own, artist, title in zip(records["id"], records["artist"], records["title"], strict=True):
        if own:
            ids.append(own)
            continue
        slug = f"{names.slug_part(artist)}--{names.slug_part(title)}"
        ids.append(by_name.get((names.key(artist), names.key(title)), slug))
    return records.assign(id=ids)


def write_added(folder: Path, records: pd.DataFrame) -> None:
    """Write added.csv, or take it away with its pin where there is no record."""
    if records.empty:
        # The pin first: DVC would fail at one whose file is gone.
        (folder / PIN).unlink(missing_ok=True)
        (folder / ADDED).unlink(missing_ok=True)
        return
    rows = [
        {
            "id": record["id"],
            "text": record["lyrics"],
            **{name: _field(record[name]) for name in ("artist", "title", "year", "language")},
            "tags": ";".join(record["tags"]),
        }
        for record in records.to_dict("records")
    ]
    _write(folder / ADDED, COLUMNS, rows)


def read_removed(folder: Path) -> dict[str, Removal]:
    """Read removed.csv of the folder: song id to its removal.

    Raises:
        ValueError: the file is missing, no CSV, or lacks a column; or a row has no id.
    """
    removed = {}
    for where, fields in generic_csv.rows(folder, REMOVED, list(_REMOVED_COLUMNS)):
        place = f"{FOLDER}/{where}"
        if generic_csv.row_fault(fields):
            raise ValueError(f"{place}: {fields['fields']} fields; put commas between id, date and reason")
        if not fields["id"].strip():
            raise ValueError(f"{place}: the id is empty; give one, or delete the line")
        removed[fields["id"].strip()] = Removal(fields["date"].strip(), fields["reason"].strip())
    return removed


def write_removed(folder: Path, removed: Mapping[str, Removal]) -> None:
    """Write removed.csv, in the order of the ids: two people's removals seldom meet in one line."""
    rows = [{"id": song, **removed[song]._asdict()} for song in sorted(removed)]
    _write(folder / REMOVED, _REMOVED_COLUMNS, rows)


def _read(folder: Path, file_name: str) -> Additions:
    """Read rows; a repeated id, or artist and title, counts once: the last row of it would be a guess."""
    records, faults, seen, header = [], [], set(), dict.fromkeys(COLUMNS, "")
    for where, fields in generic_csv.rows(folder, file_name, []):
        fault = generic_csv.row_fault(fields)
        if fault is None:
            header = fields
            _check_columns(fields, file_name)
            row = {"id": "", **fields, "text": fields.get(_TEXT, fields.get(_OTHER_NAME, ""))}
            fault = _fault(row, seen)
            if fault is None:
                records.append(generic_csv.record(row, where))
                continue
        faults.append((FOLDER, where, *fault))
    table = pd.DataFrame(records, columns=common.RECORDS)
    unread = common.unread(file_name, header, (*COLUMNS, _OTHER_NAME))
    return Additions(table, common.rejects(faults), unread)


def _check_columns(fields: Mapping[str, str], file_name: str) -> None:
    """Refuse a file whose columns cannot make songs.

    Raises:
        ValueError: a column is missing, or both names of the texts are there.
    """
    if _TEXT in fields and _OTHER_NAME in fields:
        raise ValueError(f"{file_name}:1: columns text and lyrics; keep the one that holds the lyrics")
    missing = [] if _TEXT in fields or _OTHER_NAME in fields else [_TEXT]
    if "id" not in fields and not {"artist", "title"} <= fields.keys():
        missing.insert(0, "id")
    if missing:
        raise ValueError(
            f"{file_name}:1: columns {missing} are missing; found {list(fields)}; expected id (or artist and "
            "title) and text, with commas between columns"
        )


def _fault(row: Mapping[str, str], seen: set[object]) -> tuple[str, str] | None:
    """Return reason and value of a row that names no song, or one of an earlier row; adds it to `seen`."""
    song_id, artist, title = (row.get(name, "").strip() for name in ("id", "artist", "title"))
    if not song_id and not (artist and title):
        return "id is empty, and artist or title too", common.shortened(artist or title)
    name = song_id or (names.key(artist), names.key(title))
    if name in seen:
        return "repeat of an earlier song", common.shortened(song_id or f"{artist} - {title}")
    seen.add(name)
    return None


def _field(value: Any) -> str:
    return "" if pd.isna(value) else str(int(value) if isinstance(value, float) else value)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with files.unfinished(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
