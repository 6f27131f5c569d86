"""Last.fm's tags of Million Song Dataset tracks, and their weights from 0 to 100: lastfm_tags.db.

| table | holds |
|---|---|
| tids(tid) | track ids |
| tags(tag) | names of tags |
| tid_tag(tid, tag, val) | ROWID of a track in tids, ROWID of a tag in tags, the tag's weight for the track |

The full file holds 8,598,630 tags of 505,216 tracks, so only those of tracks with lyrics are kept, and
`rejects` has one row for all tags of any other track. JSON files of lists hold such tags too, see
`neuralist.ingest.sources.lastfm`. Form: millionsongdataset.com/lastfm.
"""

import math
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pandas as pd

from neuralist.ingest.sources import common, folders

NO_WEIGHT = "weight of a tag is not a number from 0 to 100"

_Rejects = list[tuple[str, str, str, str]]
_SOURCE = "lastfm_tags"
_TABLES = "tids(tid), tags(tag) and tid_tag(tid, tag, val)"
_USED = """
    select cast(tids.tid as text), cast(tags.tag as text), tid_tag.val, tid_tag.tag, tid_tag.rowid
    from tid_tag join tids on tids.rowid = tid_tag.tid left join tags on tags.rowid = tid_tag.tag
    where tids.tid in (select id from with_lyrics)
    order by tid_tag.rowid
"""
_UNUSED = """
    select trim(coalesce(cast(tids.tid as text), '')), tid_tag.tid, count(*)
    from tid_tag left join tids on tids.rowid = tid_tag.tid
    where tids.tid is null or tids.tid not in (select id from with_lyrics)
    group by tid_tag.tid order by min(tid_tag.rowid)
"""


def find(folder: Path) -> Path | None:
    """Return a folder's only lastfm_tags.db, or None.

    Raises:
        ValueError: it holds several.
    """
    databases = folders.found(folder, "lastfm_tags.db")
    if len(databases) > 1:
        names = [path.relative_to(folder).as_posix() for path in databases]
        raise ValueError(f"{folder}: expected lastfm_tags.db once; found {', '.join(names)}")
    return databases[0] if databases else None


def add(
    similar: common.Similarities, folder: Path, path: Path, track_ids: Iterable[str]
) -> common.Similarities:
    """Add the tags of lastfm_tags.db to those of JSON files.

    Args:
        similar: the lists of the same folder.
        folder: the raw folder; paths in `rejects` are relative to it.
        path: what `find` returns.
        track_ids: ids of the tracks with lyrics.

    Raises:
        ValueError: the file is no such database, or none of its tags can be used.
    """
    file_name = path.relative_to(folder).as_posix()
    with common.database(path, file_name, _TABLES) as database:
        # Else one tag in another encoding would be a fault of the whole file.
        database.text_factory = lambda content: content.decode("utf-8", "replace")
        database.execute("create temp table with_lyrics (id text primary key)")
        database.executemany("insert into with_lyrics values (?)", [(track,) for track in set(track_ids)])
        used, faults = _used(database, file_name)
        nameless, others = _unused(database, file_name)
        [n_rows] = database.execute("select count(*) from tid_tag").fetchone()
    faults += nameless
    if not used and not others:
        raise common.all_unusable(file_name, n_rows, common.rejects(faults))
    tags = defaultdict[str, list[tuple[str, float]]](list)
    for track, of_track in chain(similar.lastfm_tags.items(), used.items()):
        tags[track] += of_track
    rejects = pd.concat([similar.rejects, common.rejects(faults + others)], ignore_index=True)
    return replace(similar, lastfm_tags=dict(tags), rejects=rejects)


def merged(tags: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return each tag once, with its largest weight: the heaviest first, of equal weights by name.

    A tag's name is case-folded, with single spaces.
    """
    largest: dict[str, float] = {}
    for name, weight in tags:
        folded = unicodedata.normalize("NFC", " ".join(name.split())).casefold()
        largest[folded] = max(weight, largest.get(folded, 0.0))
    return dict(sorted(largest.items(), key=lambda tag: (-tag[1], tag[0])))


def weight(value: object) -> float | None:
    """Return a number from 0 to 100, which may be written as text; None for anything else."""
    written = str(value)
    try:
        # Python also reads 1_0 and digits of other scripts.
        number = float(written) if written.isascii() and "_" not in written else math.nan
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None


def _used(
    database: sqlite3.Connection, file_name: str
) -> tuple[dict[str, list[tuple[str, float]]], _Rejects]:
    """Return the tags of each track with lyrics, and rejects of faulty ones."""
    tags, faults = defaultdict[str, list[tuple[str, float]]](list), []
    for track, name, value, tag, row in database.execute(_USED):
        number = weight(value)
        if not (name or "").strip():
            faults.append((_SOURCE, f"{file_name}:tid_tag:{row}", "a tag without name", f"tag {tag}"))
        elif long := common.too_long({"tag": name}):
            faults.append((_SOURCE, f"{file_name}:tid_tag:{row}", *long))
        elif number is None:
            faults.append((_SOURCE, f"{file_name}:tid_tag:{row}", NO_WEIGHT, common.shortened(value)))
        else:
            tags[track].append((name, number))
    return tags, faults


def _unused(database: sqlite3.Connection, file_name: str) -> tuple[_Rejects, _Rejects]:
    """Return rejects of tags that have no track id, and of the tags of tracks without lyrics."""
    nameless, others = [], []
    for track, number, count in database.execute(_UNUSED):
        if track:
            where = f"{file_name}:tids:{common.shortened(track)}"
            others.append((_SOURCE, where, "no lyrics for this track's tags", f"{count} tags"))
        else:
            where = f"{file_name}:tid_tag, tid {common.shortened(number)}"
            nameless.append((_SOURCE, where, "tags without track id", f"{count} tags"))
    return nameless, others
