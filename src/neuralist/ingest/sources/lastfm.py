"""Last.fm similarity lists of Million Song Dataset tracks, in both official forms.

| form | holds |
|---|---|
| lastfm_similars.db | SQLite, similars_src(tid, target): target = "tid,score,tid,score,..." |
| A/B/C/TRABC....json | {track_id, similars: [[track_id, score], ...], tags: [[tag, "0" to "100"], ...]} |

similars_dest(tid, target) of the database lists the same pairs by target: tid is the target, and `target`
names the sources. It is read only where similars_src is empty; a track then counts as having a list when a
used list names it.

Lists are read in chunks and parsed by `neuralist.ingest.sources.similarity_lists`, which keeps only pairs of
tracks with lyrics: the full database holds 584,897 lists and 56,506,688 pairs. For the same reason `rejects`
has one row for a list of a track without lyrics, and one row ("12 of 30 targets") for the unusable targets of
a used list, not one for each pair. Form: millionsongdataset.com/lastfm.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from neuralist.config.params import EngineName
from neuralist.engine.connect import connect
from neuralist.ingest.sources import common, folders
from neuralist.ingest.sources.similarity_lists import SimilarityList, SimilarityLists

_CHUNK = 2_000  # lists; about 6 MB of text
_TABLES = "similars_src(tid, target) and similars_dest(tid, target)"
_NOT_TRACKS = {"billboard", "vectors"}


def find(folder: Path) -> list[Path]:
    """Return a folder's only lastfm_similars.db, or all its TR*.json files, sorted.

    Raises:
        ValueError: the folder holds both forms, several databases, or neither.
    """
    databases = folders.found(folder, "lastfm_similars.db")
    lists = folders.found(folder, "TR*.json")
    files = [path for path in lists if path.relative_to(folder).parts[0] not in _NOT_TRACKS]
    if len(databases) + bool(files) != 1:
        names = [path.relative_to(folder).as_posix() for path in [*databases, *files[:1]]]
        raise ValueError(
            f"{folder}: expected Last.fm similarities once, as lastfm_similars.db or as TR*.json files in "
            f"lastfm/A/B/C/; found {', '.join(names) or 'neither'}"
        )
    return databases or files


def read(
    folder: Path,
    files: list[Path],
    similarity_range: tuple[float, float],
    track_ids: Iterable[str],
    engine_name: EngineName = "duckdb",
) -> common.Similarities:
    """Read the similarity lists of these tracks.

    Args:
        folder: the raw folder; paths in `rejects` are relative to it.
        files: what `find` returns.
        similarity_range: lowest and highest score, mapped to [0, 1].
        track_ids: ids of the tracks with lyrics.
        engine_name: the engine that parses the lists.

    Raises:
        ValueError: a file is no such database, no JSON or not UTF-8, no list or no score can be used, or
            the engine is missing.
    """
    file_name = files[0].relative_to(folder).as_posix()
    table = _filled_table(files[0], file_name) if files[0].suffix == ".db" else ""
    chunks = _database_lists(files[0], file_name, table) if table else _json_lists(files, folder)
    by_target = table == "similars_dest"
    with connect(engine_name) as engine:
        lists = SimilarityLists(engine, engine_name, sorted(track_ids), similarity_range, as_text=bool(table))
        return lists.read(chunks, file_name, by_target=by_target)


def _filled_table(path: Path, file_name: str) -> str:
    """Return similars_src, or similars_dest where the former is empty."""
    with common.database(path, file_name, _TABLES) as database:
        for table in ("similars_src", "similars_dest"):
            if database.execute(f"select 1 from {table} limit 1").fetchone():
                return table
    raise ValueError(f"{file_name}: similars_src and similars_dest are empty; put the whole file there")


def _database_lists(path: Path, file_name: str, table: str) -> Iterator[list[SimilarityList]]:
    with common.database(path, file_name, _TABLES) as database:
        cursor = database.execute(
            f"select coalesce(cast(tid as text), ''), coalesce(cast(target as text), '') from {table}"
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield [_list_of_row(f"{file_name}:{table}:{track[:80]}", track, target) for track, target in rows]


def _list_of_row(where: str, track: str, target: str) -> SimilarityList:
    n_fields = target.count(",") + 1 if target else 0
    fault = "odd number of entries, not track,score,track,score" if n_fields % 2 else ""
    return SimilarityList(where, track, (n_fields + 1) // 2, target, fault, [])


def _json_lists(files: list[Path], folder: Path) -> Iterator[list[SimilarityList]]:
    for start in range(0, len(files), _CHUNK):
        names = [path.relative_to(folder).as_posix() for path in files[start : start + _CHUNK]]
        yield [_list_of_json(name, common.text(folder / name, name)) for name in names]


def _list_of_json(file_name: str, text: str) -> SimilarityList:
    try:
        # Numbers stay text, as in the database: the engine parses and checks both.
        content = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file_name}: cut short or no JSON; put the whole file there") from error
    content = content if isinstance(content, dict) else {}
    fault, similars = "", content.get("similars")
    if not isinstance(similars, list):
        fault, similars = "similars is missing or no list", []
    elif set(map(type, similars)) - {list} or set(map(len, similars)) - {2}:
        fault = "an entry of similars is not [track, score]"
    # A tuple of strings, which the garbage collector stops tracking: with lists it took half of the time.
    fields = () if fault else tuple(chain.from_iterable(similars))
    if set(map(type, fields)) - {str}:
        fields = tuple(map(_as_text, fields))
    track = _as_text(content.get("track_id")) or ""
    return SimilarityList(file_name, track, len(similars), fields, fault, _tags(content.get("tags")))


def _tags(tags: object) -> list[tuple[str, str | None]]:
    """Return names and weights of tags as they stand there; without those that have no name."""
    listed = [tag for tag in tags if isinstance(tag, list) and tag] if isinstance(tags, list) else []
    named = [(_as_text(name), _as_text(rest[0]) if rest else None) for name, *rest in listed]
    return [(name, weight) for name, weight in named if name and name.strip()]


def _as_text(value: object) -> str | None:
    """Return a string as it is, and any other JSON value as JSON text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
