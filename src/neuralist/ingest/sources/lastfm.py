"""Last.fm similarity lists of Million Song Dataset tracks, in both official forms.

| form | holds |
|---|---|
| lastfm_similars.db | SQLite, similars_src(tid, target): target = "tid,score,tid,score,..." |
| A/B/C/TRABC....json | {track_id, similars: [[track_id, score], ...], tags: [[tag, "0" to "100"], ...]} |

similars_dest(tid, target) of the database lists the same pairs from the other end. It is read, turned round,
only where similars_src is empty (a track then counts as having a list when a used list names it).

Lists are read in chunks and taken apart by `neuralist.ingest.sources.similarity_lists`, and only the pairs of
tracks with lyrics stay: the full database holds 584,897 lists and 56,506,688 pairs. For the same reason
`rejects` has one row for a list without lyrics, and one row ("12 of 30 targets") for the unusable targets of
a used list, not one a pair. Form: millionsongdataset.com/lastfm.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

from neuralist.config.params import EngineName
from neuralist.engine.connect import connect
from neuralist.ingest.sources import common
from neuralist.ingest.sources.similarity_lists import List, Lists

_CHUNK = 2_000  # lists; about 6 MB of text
_NOT_TRACKS = {"billboard", "vectors"}


def find(folder: Path) -> list[Path]:
    """The one lastfm_similars.db, or all TR*.json files, of a folder, sorted.

    Raises:
        ValueError: the folder holds both forms, several databases, or neither.
    """
    databases = sorted(folder.rglob("lastfm_similars.db"))
    files = [
        path
        for path in sorted(folder.rglob("TR*.json"))
        if path.relative_to(folder).parts[0] not in _NOT_TRACKS
    ]
    if len(databases) + bool(files) != 1:
        found = [path.relative_to(folder).as_posix() for path in [*databases, *files[:1]]]
        raise ValueError(
            f"{folder}: expected Last.fm similarities once, as lastfm_similars.db or as TR*.json files in "
            f"lastfm/A/B/C/; found {', '.join(found) or 'neither'}"
        )
    return databases or files


def read(
    folder: Path,
    files: list[Path],
    similarity_range: tuple[float, float],
    known: Iterable[str],
    on: EngineName = "duckdb",
) -> common.Similarities:
    """Read the similarity lists of known tracks.

    Args:
        folder: the raw folder, from which places are told.
        files: what `find` found.
        similarity_range: lowest and highest score, mapped to [0, 1].
        known: ids of the tracks with lyrics.
        on: the engine that takes the lists apart.

    Raises:
        ValueError: a file is no such database, no JSON or not UTF-8, no list or no score can be used, or
            the engine is not there.
    """
    place = files[0].relative_to(folder).as_posix()
    table = _fullest_table(files[0], place) if files[0].suffix == ".db" else ""
    chunks = _rows(files[0], place, table) if table else _contents(files, folder)
    turned_round = table == "similars_dest"
    with connect(on) as engine:
        lists = Lists(engine, on, sorted(known), similarity_range, as_text=bool(table))
        listed = lists.listed(chunks, turned_round=turned_round)
    faults = lists.rejects(place)
    return common.Similarities(listed, lists.with_list(turned_round=turned_round), lists.tags, faults)


def _fullest_table(path: Path, place: str) -> str:
    """similars_src, or similars_dest where the former is empty."""
    with _database(path, place) as database:
        for table in ("similars_src", "similars_dest"):
            if database.execute(f"select 1 from {table} limit 1").fetchone():
                return table
    raise ValueError(f"{place}: similars_src and similars_dest are empty; put the whole file there")


@contextmanager
def _database(path: Path, place: str) -> Iterator[sqlite3.Connection]:
    try:
        # immutable: a read-only folder must do, and nobody writes to raw files.
        with closing(
            sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        ) as database:
            yield database
    except sqlite3.Error as error:
        raise ValueError(
            f"{place}: not a whole SQLite file with similars_src(tid, target) and similars_dest(tid, target) "
            f"({error}); put the official file there"
        ) from error


def _rows(path: Path, place: str, table: str) -> Iterator[list[List]]:
    with _database(path, place) as database:
        cursor = database.execute(
            f"select coalesce(cast(tid as text), ''), coalesce(cast(target as text), '') from {table}"
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield [_of_row(f"{place}:{table}:{track}", track, target) for track, target in rows]


def _of_row(place: str, track: str, target: str) -> List:
    n_fields = target.count(",") + 1 if target else 0
    fault = "odd number of entries, not track,score,track,score" if n_fields % 2 else ""
    return List(place, track, (n_fields + 1) // 2, target, fault, [])


def _contents(files: list[Path], folder: Path) -> Iterator[list[List]]:
    for start in range(0, len(files), _CHUNK):
        places = [path.relative_to(folder).as_posix() for path in files[start : start + _CHUNK]]
        yield [_of_file(place, common.text(folder / place, place)) for place in places]


def _of_file(place: str, text: str) -> List:
    try:
        # Numbers as they are written: whether they can be used is asked later.
        content = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: cut short or no JSON; put the whole file there") from error
    content = content if isinstance(content, dict) else {}
    fault, similars = "", content.get("similars")
    if not isinstance(similars, list):
        fault, similars = "similars is missing or no list", []
    elif set(map(type, similars)) - {list} or set(map(len, similars)) - {2}:
        fault = "an entry of similars is not [track, score]"
    # A tuple, of which Python's collector of garbage lets go: it took half of the time with lists.
    fields = () if fault else tuple(chain.from_iterable(similars))
    if set(map(type, fields)) - {str}:
        fields = tuple(map(_plain, fields))
    track = _plain(content.get("track_id")) or ""
    return List(place, track, len(similars), fields, fault, _names(content.get("tags")))


def _names(tags: object) -> list[str]:
    firsts = [tag[0] for tag in tags if isinstance(tag, list) and tag] if isinstance(tags, list) else []
    return [name for name in map(_plain, firsts) if name and name.strip()]


def _plain(value: object) -> str | None:
    """A JSON value as text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
