"""Names and years of Million Song Dataset tracks.

| file | a line |
|---|---|
| msd/unique_tracks.txt | track_id<SEP>song_id<SEP>artist<SEP>title |
| msd/tracks_per_year.txt (may be absent) | year<SEP>track_id<SEP>artist<SEP>title, year 0 = unknown |

Form: millionsongdataset.com/pages/getting-dataset, "additional files". Places are `file:line`.
"""

from pathlib import Path

import pandas as pd

from neuralist.ingest.sources import common

_SEPARATOR = "<SEP>"


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read both files.

    Returns:
        tracks, each id once, with the year where known, and rejects; see `neuralist.ingest.sources.common`.

    Raises:
        ValueError: unique_tracks.txt is missing, or a file is empty, not UTF-8, or without any usable line.
    """
    tracks, faults = _lines(folder, "unique_tracks", ["track_id", "song_id", "artist", "title"])
    tracks, repeated = _first_each(tracks, "unique_tracks")
    years, year_faults = _years(folder, tracks)
    rejects = pd.concat([faults, repeated, *year_faults], ignore_index=True)
    return tracks.assign(year=tracks.track_id.map(years).astype("Int64")).filter(common.TRACKS), rejects


def _lines(folder: Path, source: str, columns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines of msd/`source`.txt as columns and `where`; lines of another number of fields are rejects."""
    place = f"msd/{source}.txt"
    # Not splitlines: the official file holds control characters that it would take for line ends.
    lines = common.text(folder / place, place).split("\n")
    parts, numbers, faults = [], [], []
    for number, line in enumerate(lines, start=1):
        fields = line.rstrip("\r").split(_SEPARATOR)
        if len(fields) == len(columns) and all(field.strip() for field in fields[:2]):
            parts.append(fields)
            numbers.append(f"{place}:{number}")
        elif line.strip():
            reason = f"not {len(columns)} fields between {_SEPARATOR}"
            faults.append((source, f"{place}:{number}", reason, common.shortened(line)))
    if not parts:
        raise common.all_unusable(place, len(faults), common.rejects(faults))
    return pd.DataFrame(parts, columns=columns, dtype="str").assign(where=numbers), common.rejects(faults)


def _first_each(lines: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    repeated = lines.track_id.duplicated()
    faults = _rejected(lines.loc[repeated], source, "repeat of an earlier line", "track_id")
    return lines.loc[~repeated].reset_index(drop=True), faults


def _years(folder: Path, tracks: pd.DataFrame) -> tuple[dict[str, int], list[pd.DataFrame]]:
    """Years by track id, unknown ones left out, and rejects; none where the file is absent."""
    source = "tracks_per_year"
    if not (folder / "msd" / f"{source}.txt").exists():
        return {}, []
    lines, faults = _lines(folder, source, ["year", "track_id", "artist", "title"])
    lines, repeated = _first_each(lines, source)
    is_year = lines.year.str.fullmatch(r"[0-9]{1,4}")
    is_known = lines.track_id.isin(tracks.track_id)
    no_year = _rejected(lines.loc[~is_year], source, "year is not a whole number", "year")
    no_track = _rejected(lines.loc[is_year & ~is_known], source, "not in unique_tracks.txt", "track_id")
    if len(no_year) == len(lines):
        raise common.all_unusable(f"msd/{source}.txt", len(lines), no_year)
    used = lines.loc[is_year & is_known]
    years = {track: int(year) for track, year in zip(used.track_id, used.year, strict=True) if int(year)}
    return years, [faults, repeated, no_year, no_track]


def _rejected(lines: pd.DataFrame, source: str, reason: str, value: str) -> pd.DataFrame:
    values = lines[value].map(common.shortened)
    columns = {"source": source, "where": lines["where"], "reason": reason, "value": values}
    return pd.DataFrame(columns, dtype="str")
