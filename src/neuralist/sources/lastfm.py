"""Last.fm similarity lists of Million Song Dataset tracks, in both official forms.

| form | holds |
|---|---|
| lastfm_similars.db | SQLite, similars_src(tid, target): target = "tid,score,tid,score,..." |
| A/B/C/TRABC....json | {track_id, similars: [[track_id, score], ...], tags: [[tag, "0" to "100"], ...]} |

similars_dest(tid, target) of the database lists the same pairs from the other end. It is read, turned round,
only where similars_src is empty (a track then counts as having a list when a used list names it).

Lists are brought into DuckDB in chunks and taken apart there, and of each chunk only the pairs of tracks with
lyrics stay, as numbers of these tracks: the full database holds 584,897 lists and 56,506,688 pairs. For the
same reason `rejects` has one row for a list without lyrics, and one row ("12 of 30 targets") for the unusable
targets of a used list, not one a pair. Form: millionsongdataset.com/lastfm.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist import tables
from neuralist.sources import raw

_CHUNK = 10_000  # lists; about 30 MB of text
_PIECE = 1_000  # lists; DuckDB's threads take a chunk apart by pieces
_NOT_TRACKS = {"billboard", "vectors"}

_NO_ID = "a list without track id"
_NO_GRADE = "similarity is not a number within similarity_range"
_ODD = "odd number of entries, not track,score,track,score"
_NO_LIST = "similars is missing or no list"
_NO_ENTRY = "an entry of similars is not [track, score]"
_LIST_FAULTS = [_ODD, _NO_LIST, _NO_ENTRY]

_FROM_DATABASE = f"""
    select position, place || ':' || tid as place, tid as source_id,
           case when target = '' then [] else string_split(target, ',')[1:-:2] end as targets,
           case when target = '' then [] else string_split(target, ',')[2:-:2] end as scores,
           cast([] as varchar[]) as tags,
           case when len(string_split(target, ',')) % 2 = 1 and target <> ''
                then '{_ODD}' end as fault
    from chunk
"""
_FROM_JSON = f"""
    select position, place, json_extract_string(content, '$.track_id') as source_id,
           list_transform(json_extract(content, '$.similars[*]'), lambda entry: entry ->> 0) as targets,
           list_transform(json_extract(content, '$.similars[*]'), lambda entry: entry ->> 1) as scores,
           list_filter(json_extract_string(content, '$.tags[*][0]'), lambda tag: trim(tag) <> '') as tags,
           case when json_type(content, '$.similars') is distinct from 'ARRAY'
                then '{_NO_LIST}'
                when len(list_filter(json_extract(content, '$.similars[*]'),
                                     lambda entry: json_array_length(entry) <> 2)) > 0
                then '{_NO_ENTRY}' end as fault
    from chunk
"""
# `where` is a keyword: the column is named place until the end.
_SORT_IN = f"""
    create or replace temp table heads as
    select position, place, source_id, len(targets) as n_targets, tags, fault from parsed;
    insert into faults select position, 0, place, '{_NO_ID}', ''
    from heads where coalesce(source_id, '') = '';
    insert into faults
    select position, 0, place, 'no lyrics for this track''s list', n_targets || ' targets' from heads
    where source_id not in (select id from known) and source_id <> '' and n_targets > 0;
    insert into lists
    select position, place, source_id, number, n_targets, tags, fault,
           row_number() over (partition by source_id order by position) > 1
           or source_id in (select source_id from lists)
    from heads join known on id = source_id;
    create or replace temp table used as
    select position, number as source_number from lists
    where fault is null and not repeated and position >= (select min(position) from chunk);
"""
_LIST_REJECTS = """
    insert into faults select position, 0, place, fault, source_id from lists where fault is not null;
    insert into faults select position, 0, place, 'repeat of an earlier list', source_id
    from lists where fault is null and repeated;
"""
_GRADED = """
    create or replace temp table graded as
    select position, entry, source_number, number as target_number, try_cast(score as double) as grade, score,
           coalesce(isfinite(grade) and grade between $low and $high, false) as is_grade
    from (select position, unnest(targets) as target_id, unnest(scores) as score,
                 unnest(range(1, len(targets) + 1)) as entry
          from parsed where position in (select position from used))
    join used using (position) left join known on id = target_id
"""
_GRADE_REJECTS = f"""
    insert into totals select count(*), count(*) filter (not is_grade) from graded;
    insert into faults
    select position, entry, place || ', entry ' || entry, '{_NO_GRADE}', coalesce(score, 'null')
    from graded join lists using (position) where not is_grade;
    insert into faults
    select position, 0, place, 'targets without lyrics', n_unknown || ' of ' || n_entries || ' targets'
    from (select position, count(*) as n_entries, count(*) filter (target_number is null) as n_unknown
          from graded group by position) join lists using (position)
    where n_unknown > 0;
    insert into named select distinct target_number from graded where target_number is not null;
"""
_LISTED = """
    select source_number, target_number, grade from graded where is_grade and target_number is not null
    order by position, entry
"""
_REJECTS = """
    select 'lastfm' as source, place as "where", reason, value from faults order by position, number, reason
"""


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
    folder: Path, files: list[Path], similarity_range: tuple[float, float], known: Iterable[str]
) -> raw.Similarities:
    """Read the similarity lists of known tracks.

    Args:
        folder: the raw folder, from which places are told.
        files: what `find` found.
        similarity_range: lowest and highest score, mapped to [0, 1].
        known: ids of the tracks with lyrics.

    Raises:
        ValueError: a file is no such database, no JSON or not UTF-8, or no list or no score can be used.
    """
    place = files[0].relative_to(folder).as_posix()
    ids = sorted(known)
    with duckdb.connect() as engine:
        _create(engine, ids)
        if files[0].suffix == ".db":
            table = _fullest_table(files[0], place)
            pieces = _take_in(engine, _rows(files[0], place, table), _FROM_DATABASE, similarity_range)
        else:
            table = ""
            pieces = _take_in(engine, _contents(files, folder), _FROM_JSON, similarity_range)
        listed = _joined(pieces, ids, similarity_range, turned_round=table == "similars_dest")
        engine.execute(_LIST_REJECTS)
        faults = engine.execute(_REJECTS).df()
        _check_usable(engine, place, faults)
        return _similarities(engine, listed, faults, turned_round=table == "similars_dest")


def _create(engine: duckdb.DuckDBPyConnection, ids: list[str]) -> None:
    engine.register("known_ids", pa.table({"id": pa.array(ids, pa.string()), "number": np.arange(len(ids))}))
    engine.execute("""
        create table known as select id, cast(number as integer) as number from known_ids;
        create table faults (position bigint, number bigint, place varchar, reason varchar, value varchar);
        create table lists (position bigint, place varchar, source_id varchar, number integer,
                            n_targets bigint, tags varchar[], fault varchar, repeated boolean);
        create table totals (n_entries bigint, n_unusable bigint);
        create table named (number integer);
    """)


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


def _rows(path: Path, place: str, table: str) -> Iterator[pa.Table]:
    with _database(path, place) as database:
        cursor = database.execute(
            f"select coalesce(cast(tid as text), ''), coalesce(cast(target as text), '') from {table}"
        )
        while rows := cursor.fetchmany(_CHUNK):
            ids, targets = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
            yield pa.table({"tid": ids, "target": targets, "place": [f"{place}:{table}"] * len(ids)})


def _contents(files: list[Path], folder: Path) -> Iterator[pa.Table]:
    for start in range(0, len(files), _CHUNK):
        places = [path.relative_to(folder).as_posix() for path in files[start : start + _CHUNK]]
        contents = [raw.text(folder / place, place) for place in places]
        yield pa.table({"place": places, "content": contents})


def _take_in(
    engine: duckdb.DuckDBPyConnection,
    chunks: Iterable[pa.Table],
    parse: str,
    similarity_range: tuple[float, float],
) -> Iterator[dict[str, np.ndarray]]:
    """Take the lists of all chunks apart, and give of each the usable pairs of known tracks."""
    low, high = similarity_range
    count = 0
    for chunk in tables.ahead(iter(chunks)):
        numbered = chunk.append_column("position", pa.array(range(count, count + len(chunk))))
        engine.register("chunk", pa.Table.from_batches(numbered.to_batches(max_chunksize=_PIECE)))
        if parse is _FROM_JSON:
            _check_json(engine)
        # A view: DuckDB's threads share a chunk by its pieces, and would not share a table of it.
        engine.execute(f"create or replace temp view parsed as {parse}")
        engine.execute(_SORT_IN)
        engine.execute(_GRADED, {"low": low, "high": high})
        engine.execute(_GRADE_REJECTS)
        found = engine.execute(_LISTED).fetchnumpy()
        yield {name: np.asarray(column) for name, column in found.items()}
        count += len(chunk)


def _joined(
    pieces: Iterable[dict[str, np.ndarray]],
    ids: list[str],
    similarity_range: tuple[float, float],
    *,
    turned_round: bool,
) -> pd.DataFrame:
    """The pairs of all chunks as tables.LISTED, whose categorical ids take four bytes each."""
    low, high = similarity_range
    found = list(pieces)
    ends = [np.concatenate([piece.pop(name) for piece in found])
            for name in ("source_number", "target_number")]  # fmt: skip
    grades = np.concatenate([piece.pop("grade") for piece in found])
    names = pd.Index(ids, dtype="str")
    source, target = (pd.Categorical.from_codes(codes, categories=names) for codes in ends)
    columns = {
        "source_id": target if turned_round else source,
        "target_id": source if turned_round else target,
        "similarity": (grades - low) / (high - low),
        "split": pd.Categorical.from_codes(np.full(len(grades), -1, np.int8), categories=names[:0]),
    }
    return pd.DataFrame(columns, copy=False)


def _check_json(engine: duckdb.DuckDBPyConnection) -> None:
    cut = engine.execute("select place from chunk where not json_valid(content) order by position").fetchone()
    if cut:
        raise ValueError(f"{cut[0]}: cut short or no JSON; put the whole file there")


def _check_usable(engine: duckdb.DuckDBPyConnection, place: str, faults: pd.DataFrame) -> None:
    """Stop where no list, or no score, can be used: the form of the whole is wrong, and `faults` says how."""
    lists = "select count(*), count(*) filter (fault is not null) from lists"
    scores = "select coalesce(sum(n_entries), 0), coalesce(sum(n_unusable), 0) from totals"
    for counts, kinds in ((lists, _LIST_FAULTS), (scores, [_NO_GRADE])):
        total, unusable = engine.execute(counts).fetchall()[0]
        if total and total == unusable:
            raise raw.all_unusable(place, total, faults.loc[faults.reason.isin(kinds)])
    if len(faults) and faults.reason.eq(_NO_ID).all() and not engine.execute("from lists").fetchone():
        raise raw.all_unusable(place, len(faults), faults)


def _similarities(
    engine: duckdb.DuckDBPyConnection, listed: pd.DataFrame, faults: pd.DataFrame, *, turned_round: bool
) -> raw.Similarities:
    with_list = (
        "select distinct id from named join known using (number)"
        if turned_round
        else "select source_id from lists where fault is null and n_targets > 0"
    )
    tags = "select source_id, tags from lists where not repeated and len(tags) > 0"
    return raw.Similarities(
        listed=listed,
        with_list=frozenset(row[0] for row in engine.execute(with_list).fetchall()),
        tags={source: list(names) for source, names in engine.execute(tags).fetchall()},
        rejects=faults,
    )
