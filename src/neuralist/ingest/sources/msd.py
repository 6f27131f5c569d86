"""Names and years of Million Song Dataset tracks, and which of them are one song.

| file | a line |
|---|---|
| msd/unique_tracks.txt | track_id<SEP>song_id<SEP>artist<SEP>title |
| msd/tracks_per_year.txt (may be absent) | year<SEP>track_id<SEP>artist<SEP>title, year 0 = unknown |
| msd/{lastfm,msd}_duplicates.txt (may be absent) | a comment after #, % before a group, or a track_id |

Form: millionsongdataset.com/pages/getting-dataset, "additional files". `where` is `file:line`.
"""

import re
from pathlib import Path

import pandas as pd

from neuralist.ingest.sources import common, years

_SEPARATOR = "<SEP>"
FILES = ("unique_tracks", "tracks_per_year", "lastfm_duplicates", "msd_duplicates")
_DUPLICATES = FILES[2:]  # one form: of Last.fm's tracks, and of all
_TRACK_ID = re.compile(r"TR[A-Z0-9]+")
_NO_YEAR = "no year from 1000 to next year"


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read both files.

    Returns:
        tracks, each id once, year null where unknown, and rejects; see `neuralist.ingest.sources.common`.

    Raises:
        ValueError: unique_tracks.txt is missing, or a file is empty, not UTF-8, or without any usable line.
    """
    tracks, faults = _lines(folder, "unique_tracks", ["track_id", "song_id", "artist", "title"])
    tracks, repeated = _drop_repeats(tracks, "unique_tracks")
    year_by_track, year_faults = _years(folder, tracks)
    rejects = pd.concat([faults, repeated, *year_faults], ignore_index=True)
    return tracks.assign(year=tracks.track_id.map(year_by_track).astype("Int64")).filter(
        common.TRACKS
    ), rejects


def read_duplicates(folder: Path) -> tuple[pd.DataFrame | None, list[pd.DataFrame]]:
    """Read the lists of tracks that are one song.

    Returns:
        group (a number) and track_id of each line, None where no list is there; and tables of rejects.

    Raises:
        ValueError: a list is empty, not UTF-8, or without any usable line.
    """
    tables, rejects, n_groups = [], [], 0
    for source in _DUPLICATES:
        file_name = f"msd/{source}.txt"
        if not (folder / file_name).exists():
            continue
        first, rows, faults = n_groups, [], []
        for number, line in enumerate(common.text(folder / file_name, file_name).split("\n"), start=1):
            entry = line.strip()
            if entry.startswith("%"):
                n_groups += 1
            elif entry and not entry.startswith("#"):
                fault = "" if _TRACK_ID.fullmatch(entry) else "not a track id"
                fault = fault or ("no % line before it" if n_groups == first else "")
                if fault:
                    faults.append((source, f"{file_name}:{number}", fault, common.shortened(line)))
                else:
                    rows.append((n_groups, entry))
        table, rejected = common.entries(file_name, rows, ["group", "track_id"], faults)
        tables.append(table)
        rejects.append(rejected)
    return (pd.concat(tables, ignore_index=True) if tables else None), rejects


def _lines(folder: Path, source: str, columns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines of msd/`source`.txt as columns and `where`, and rejects: other numbers of fields."""
    file_name = f"msd/{source}.txt"
    # Not splitlines, which would break lines at control characters that the official file contains.
    lines = common.text(folder / file_name, file_name).split("\n")
    rows, faults = [], []
    for number, line in enumerate(lines, start=1):
        fields = line.rstrip("\r").split(_SEPARATOR)
        if len(fields) == len(columns) and all(field.strip() for field in fields[:2]):
            # Of a million lines, few are so long that their fields must be looked at.
            is_long = len(line) > common.MOST_CHARACTERS
            fault = common.too_long(dict(zip(columns, fields, strict=True))) if is_long else None
            if fault:
                faults.append((source, f"{file_name}:{number}", *fault))
            else:
                rows.append((f"{file_name}:{number}", *fields))
        elif line.strip() and number == len(lines) and len(fields) < len(columns):
            raise common.cut_short(file_name, number)
        elif line.strip():
            reason = f"not {len(columns)} fields between {_SEPARATOR}"
            faults.append((source, f"{file_name}:{number}", reason, common.shortened(line)))
    return common.entries(file_name, rows, ["where", *columns], faults)


def _drop_repeats(lines: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    repeated = lines.track_id.duplicated()
    faults = common.rejected(source, lines.loc[repeated], "repeat of an earlier line", "track_id")
    return lines.loc[~repeated].reset_index(drop=True), faults


def _years(folder: Path, tracks: pd.DataFrame) -> tuple[dict[str, int], list[pd.DataFrame]]:
    """Return known years by track id, and tables of rejects; both empty where the file is absent."""
    source = "tracks_per_year"
    if not (folder / "msd" / f"{source}.txt").exists():
        return {}, []
    lines, faults = _lines(folder, source, ["year", "track_id", "artist", "title"])
    lines, repeated = _drop_repeats(lines, source)
    read = lines.year.map(years.read)
    is_year = read.notna() | lines.year.map(years.is_absent)
    has_track = lines.track_id.isin(tracks.track_id)
    no_year = common.rejected(source, lines.loc[~is_year], _NO_YEAR, "year")
    unknown = lines.loc[is_year & ~has_track]
    no_track = common.rejected(source, unknown, "not in unique_tracks.txt", "track_id")
    if len(no_year) == len(lines):
        raise common.all_unusable(f"msd/{source}.txt", len(lines), no_year)
    used = read.notna() & has_track
    by_track = dict(zip(lines.track_id[used], read[used].astype(int), strict=True))
    return by_track, [faults, repeated, no_year, no_track]
