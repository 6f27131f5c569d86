"""Read what a user names, one file, several or a folder, as the generic form's tables."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from neuralist.ingest.importing import encodings, files, generic, lyrics, roles
from neuralist.ingest.importing.files import Table
from neuralist.ingest.importing.generic import Imported
from neuralist.ingest.importing.roles import Flags, Roles
from neuralist.ingest.sources import folders
from neuralist.ingest.sources.common import SONG_ENDINGS, TABLE_ENDINGS

_SPLIT_COLUMN = "split by file name"


def read(
    paths: Sequence[Path], flags: Flags, encoding: str | None = None, sheet: str | None = None
) -> Imported:
    """Read a file, several of one form, or a folder of song files or of such files.

    Args:
        paths: at least one.
        flags: what the user says of the columns.
        encoding: of text files.
        sheet: of an .xlsx file.

    Raises:
        ValueError: a file is missing, of no known form, or what its columns are is not clear.
        OSError: a file or a folder in the folder cannot be read.
    """
    for path in paths:
        if not path.exists():
            raise ValueError(f"{path}: no such file; give a file or a folder that is there")
        if not path.is_file() and not path.is_dir():
            raise ValueError(folders.no_file(path))
    notes: list[str] = []
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        folders.check(folder)
        tables = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in TABLE_ENDINGS)
        paths = [path for path in tables if path.suffix.lower() not in SONG_ENDINGS]
        if not paths or lyrics.has_songs(folder):
            return _songs_of(folder, encoding)
        notes = [f"not read: {path.name}" for path in tables if path not in paths]
    name = ", ".join(path.name for path in paths)
    songs = _genius(paths, encoding)
    if songs is not None:
        made = generic.make(songs, lyrics.roles(songs, "LyricsGenius"), name)
        return replace(made, notes=[*made.notes, *notes])
    tables = [files.read(path, encoding, sheet) for path in paths]
    made = _several(tables, flags, name)
    return replace(made, notes=[*made.notes, *notes])


def _songs_of(folder: Path, encoding: str | None) -> Imported:
    """Read a folder of song files.

    Raises:
        ValueError: there is none.
    """
    if not lyrics.files(folder):
        songs, tables = ", ".join(SONG_ENDINGS), ", ".join(TABLE_ENDINGS)
        raise ValueError(
            f"{folder}: no song ({songs}) and no table ({tables}) in it; give a folder that holds some"
        )
    table = lyrics.read_folder(folder, encoding)
    return generic.make(table, lyrics.roles(table, ""), str(folder))


def _genius(paths: Sequence[Path], encoding: str | None) -> Table | None:
    """Return the songs of files that are all LyricsGenius', or None where one is something else."""
    tables = []
    for path in paths:
        if path.suffix.lower() != ".json":
            return None
        text, label = encodings.decode(path.read_bytes(), path.name, encoding)
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            return None  # `files.read` says what is wrong with it
        songs = lyrics.genius_songs(content)
        if songs is None:
            return None
        artist = next((content[key] for key in ("artist", "name") if isinstance(content.get(key), str)), "")
        tables.append(lyrics.from_genius(songs, path.name, label, artist))
    return _joined(tables)


def _several(tables: Sequence[Table], flags: Flags, name: str) -> Imported:
    """Join tables of one form; where all names of several say a split, that is the split of their rows."""
    first = tables[0]
    for table in tables[1:]:
        if list(table.rows.columns) != list(first.rows.columns):
            other = set(table.rows.columns) ^ set(first.rows.columns) or {"their order"}
            raise ValueError(
                f"{table.name}: its columns are not those of {first.name} ({', '.join(sorted(other)[:5])}); "
                "give files of one form, or one at a time"
            )
    joined = _joined(tables)
    found = roles.resolve(joined.rows, flags, name)
    if len(tables) == 1 or not found.is_pairs or "split" in found.columns:
        return generic.make(joined, found, name)
    splits = [_split_of_name(table.name) for table in tables]
    if all(splits):
        column = [split for table, split in zip(tables, splits, strict=True) for _ in table.where]
        joined = joined._replace(rows=joined.rows.assign(**{_SPLIT_COLUMN: pd.Series(column, dtype=object)}))
        columns = found.columns | {"split": _SPLIT_COLUMN}
        found = Roles(columns, found.form, found.range, found.kinds)
    elif any(splits):
        unclear = next(table.name for table, split in zip(tables, splits, strict=True) if not split)
        raise ValueError(
            f"{unclear}: its name says no split (train, val, test), that of another file does; rename it, or "
            "give the files one at a time"
        )
    return generic.make(joined, found, name)


def _split_of_name(name: str) -> str:
    """Return the split that a file's name says, as sts-train.csv does; nothing where it says none or two."""
    words = re.findall("[a-z]+", Path(name).stem.casefold())
    splits = {roles.SPLITS[word] for word in words if word in roles.SPLITS}
    return splits.pop() if len(splits) == 1 else ""


def _joined(tables: Sequence[Table]) -> Table:
    forms = dict.fromkeys(table.form for table in tables)
    return Table(
        name=", ".join(table.name for table in tables),
        form=" and ".join(forms),
        rows=pd.concat([table.rows for table in tables], ignore_index=True),
        where=[place for table in tables for place in table.where],
        faults=[fault for table in tables for fault in table.faults],
        notes=list(dict.fromkeys(note for table in tables for note in table.notes)),
    )
