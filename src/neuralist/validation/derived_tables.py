"""The tables that stage validate checks, and those that it derives from them, in SQL that any engine runs.

Input: the tables songs, rows, pairs and unlisted of `neuralist.data.tables`, as frames or as files. Output: a
table of an engine for each suite of `neuralist.validation.suites`, named by `name`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from neuralist.config import params
from neuralist.data import tables
from neuralist.data.splits import val_fold
from neuralist.engine.protocol import Engine


class Checked(NamedTuple):
    """The tables of these names, or the files that hold them."""

    songs: pd.DataFrame | Path
    rows: pd.DataFrame | Path
    pairs: pd.DataFrame | Path
    unlisted: pd.DataFrame | Path


_SCHEMAS = {
    "songs": tables.SONGS, "rows": tables.ROWS, "pairs": tables.PAIRS, "unlisted": tables.UNLISTED,
}  # fmt: skip
# Songs as numbers: 56 million pairs of ids would take 5 GB, and each look for an id its time.
_IDS = "SELECT song_id, CAST(row_number() OVER (ORDER BY song_id) AS INTEGER) AS number FROM ({ids}) ids"
_KNOWN = "SELECT DISTINCT song_id FROM songs WHERE song_id IS NOT NULL"
_ALL = """
    SELECT song_id FROM (
        SELECT song_id FROM songs UNION SELECT left_id FROM rows UNION SELECT right_id FROM rows
        UNION SELECT left_id FROM pairs UNION SELECT right_id FROM pairs)
    WHERE song_id IS NOT NULL"""
_CODED = {
    f"{table}_coded": f"""
        SELECT one.number AS left_number, other.number AS right_number, split
        FROM (SELECT left_id, right_id,
                     CAST(CASE split WHEN 'test' THEN 1 WHEN 'train' THEN 2 WHEN 'val' THEN 3
                          WHEN 'unused' THEN 4 END AS TINYINT) AS split FROM {table}) coded
        LEFT JOIN ids one ON one.song_id = left_id LEFT JOIN ids other ON other.song_id = right_id"""
    for table in ("rows", "pairs")
}
# Ids that stand in the table and have no number.
_STRANGERS = """
    SELECT (SELECT count(left_id) + count(right_id) FROM {table})
           - (SELECT count(left_number) + count(right_number) FROM {table}_coded)"""
_PLACES = "SELECT left_number AS number{more} FROM {table} UNION SELECT right_number{more} FROM {table}"
# What several of the queries below read.
_BEFORE = {
    "row_songs": f"""
        SELECT song_id FROM ({_PLACES.format(table="rows_coded", more="")}) JOIN ids USING (number)""",
    "pair_songs": f"""
        SELECT song_id, CASE split WHEN 1 THEN 'test' WHEN 2 THEN 'train' WHEN 3 THEN 'val' END AS split
        FROM ({_PLACES.format(table="pairs_coded", more=", split")}) JOIN ids USING (number)""",
    "members": """
        SELECT song_id, split FROM (
            SELECT song_id, split FROM pair_songs
            UNION SELECT left_id, split FROM unlisted UNION SELECT right_id, split FROM unlisted)
        WHERE song_id IS NOT NULL AND split IN ('train', 'val', 'test')""",
    "placed": """
        SELECT song_id, max(has_list) AS has_list,
               max(has_list) OR song_id IN (SELECT song_id FROM pair_songs) AS observed,
               CASE max(fold) WHEN {test} THEN 'test' WHEN {val} THEN 'val' ELSE 'train' END AS part
        FROM songs WHERE song_id IS NOT NULL GROUP BY song_id""",
    "asked": "SELECT CAST({ratio} AS DOUBLE) AS ratio",
}
_PLAIN = ", ".join(column for column in tables.SONGS.names if column not in ("track_ids", "tags"))
# Sorted, so that rows that contradict each other are neighbours in the examples.
_SQL = {
    "songs": f"SELECT {_PLAIN} FROM songs",
    "songs.tracks": """
        SELECT DISTINCT explode(track_ids) AS track_id, song_id FROM songs ORDER BY ALL NULLS LAST""",
    "songs.groups": """
        SELECT DISTINCT group_id, fold FROM songs WHERE group_id IS NOT NULL ORDER BY ALL NULLS LAST""",
    "rows": "SELECT *, left_id = right_id AS itself FROM rows",
    "rows.songs": """
        SELECT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM row_songs ORDER BY ALL NULLS LAST""",
    "rows.pairs": """
        SELECT least(left_id, right_id) AS one_id, greatest(left_id, right_id) AS other_id,
               count(*) AS n_rows, count(DISTINCT split) AS n_parts
        FROM rows GROUP BY ALL ORDER BY ALL NULLS LAST""",
    # A mean of equal rows may differ from them in its last bit, which is no fault of the table.
    "pairs": """
        SELECT left_id, right_id, round(similarity * 1e9) / 1e9 AS similarity,
               round(lowest * 1e9) / 1e9 AS lowest, round(highest * 1e9) / 1e9 AS highest,
               n_rows, split, CAST(similarity >= 0.5 AS DOUBLE) AS similar
        FROM pairs""",
    "pairs.songs": """
        SELECT DISTINCT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM pair_songs ORDER BY ALL NULLS LAST""",
    "pairs.members": "SELECT song_id, split FROM members ORDER BY ALL NULLS LAST",
    "pairs.groups": """
        SELECT DISTINCT group_id, split FROM members JOIN songs USING (song_id)
        WHERE group_id IS NOT NULL ORDER BY ALL NULLS LAST""",
    # What a row of songs would say is null where there is none: `observed` alone is false there.
    "unlisted": """
        WITH numbered AS (
            SELECT unlisted.*, one.number AS left_number, other.number AS right_number FROM unlisted
            LEFT JOIN ids one ON one.song_id = left_id LEFT JOIN ids other ON other.song_id = right_id
        ), listed AS (
            SELECT DISTINCT one, other
            FROM (SELECT least(left_number, right_number) AS one, greatest(left_number, right_number) AS other
                  FROM rows_coded) AS ordered
            WHERE (one, other) IN (
                SELECT least(left_number, right_number), greatest(left_number, right_number) FROM numbered))
        SELECT left_id, right_id, split, weight, listed.one IS NOT NULL AS listed,
               coalesce(one.observed AND other.observed, left_id || right_id IS NULL) AS observed,
               one.has_list OR other.has_list AS has_list,
               one.part = split AND other.part = split AS in_part
        FROM numbered
        LEFT JOIN placed one ON one.song_id = left_id
        LEFT JOIN placed other ON other.song_id = right_id
        LEFT JOIN listed ON listed.one = least(left_number, right_number)
                        AND listed.other = greatest(left_number, right_number)
        ORDER BY ALL NULLS LAST""",
    # All pairs of n songs but those of the songs without a list are observable.
    "unlisted.number": """
        WITH with_list AS (
            SELECT number, has_list FROM placed JOIN ids USING (song_id)
        ), sizes AS (
            SELECT part AS split, count(*) AS n, count(*) FILTER (WHERE NOT has_list) AS m
            FROM placed WHERE observed GROUP BY ALL
        ), listed AS (
            SELECT CASE split WHEN 2 THEN 'train' ELSE 'val' END AS split, count(*) AS n_listed,
                   count(*) FILTER (WHERE one.has_list OR other.has_list) AS n_observable
            FROM (SELECT DISTINCT left_number, right_number, split
                  FROM pairs_coded WHERE split IN (2, 3)) AS distinct_pairs
            LEFT JOIN with_list one ON one.number = left_number
            LEFT JOIN with_list other ON other.number = right_number
            GROUP BY ALL
        ), counted AS (
            SELECT split, (SELECT count(*) FROM unlisted WHERE unlisted.split = sizes.split) AS n_found,
                   CAST(floor(ratio * n_listed + 0.5) AS DOUBLE) AS n_asked,
                   (n * (n - 1) - m * (m - 1)) / 2 - n_observable AS n_there
            FROM sizes LEFT JOIN listed USING (split), asked WHERE split IN ('train', 'val')
        )
        SELECT *, n_found = coalesce(least(n_asked, n_there), 0) AS as_asked
        FROM counted ORDER BY ALL NULLS LAST""",
}


# These are read where they stand: a copy would cost what they are large.
_VIEWS = {"songs", "rows", "pairs"}


def name(table: str) -> str:
    """What a suite's table is called in the engine."""
    return "checked_" + table.replace(".", "_")


def derive(
    engine: Engine, checked: Checked, choices: params.Pairs, *, given: bool, wanted: Collection[str]
) -> None:
    """Have an engine read the tables under their names, and make every table that is checked.

    Args:
        engine: an empty one.
        checked: the tables.
        choices: how the pairs were made.
        given: whether the source gives the split, so that no unlisted pair was to be drawn.
        wanted: the suites.
    """
    for table, source in checked._asdict().items():
        if isinstance(source, Path):
            engine.read(table, source, _SCHEMAS[table])
        else:
            engine.register(table, source)
    engine.make("ids", _IDS.format(ids=_KNOWN))
    for table, query in _CODED.items():
        engine.make(table, query)
    if any(engine.number(_STRANGERS.format(table=table)) for table in ("rows", "pairs")):
        engine.make("ids", _IDS.format(ids=_ALL))
        for table, query in _CODED.items():
            engine.make(table, query)
    test, ratio = choices.test_fold, 0 if given else choices.unlisted_ratio
    for table, query in _BEFORE.items():
        engine.make(table, query.format(test=test, val=val_fold(test), ratio=ratio))
    for table in wanted:
        (engine.view if table in _VIEWS else engine.make)(name(table), _SQL[table])
