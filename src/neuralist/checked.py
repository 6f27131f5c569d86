"""The tables that stage validate checks, and those that it derives from them, in SQL of DuckDB.

Input: the tables songs, rows, pairs and unlisted of `neuralist.tables`, as frames or as files. Output: a table of
an engine for each suite of `neuralist.expectations`, named by `name`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from neuralist import params, tables
from neuralist.engine import Engine


class Checked(NamedTuple):
    """The tables of these names, or the files that hold them."""

    songs: pd.DataFrame | Path
    rows: pd.DataFrame | Path
    pairs: pd.DataFrame | Path
    unlisted: pd.DataFrame | Path


_SCHEMAS = {
    "songs": tables.SONGS, "rows": tables.ROWS, "pairs": tables.PAIRS, "unlisted": tables.UNLISTED,
}  # fmt: skip
# What several of the queries below read. Ids are looked for among millions of rows once.
_BEFORE = {
    "row_songs": """
        SELECT song_id, row_number() OVER (ORDER BY song_id) AS number
        FROM (SELECT left_id AS song_id FROM rows UNION SELECT right_id FROM rows)""",
    "pair_songs": "SELECT left_id AS song_id, split FROM pairs UNION SELECT right_id, split FROM pairs",
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
    "asked": "SELECT {ratio} AS ratio",
}
# Sorted, so that rows that contradict each other are neighbours in the examples.
_SQL = {
    "songs": "SELECT * EXCLUDE (track_ids, tags) FROM songs",
    "songs.tracks": "SELECT DISTINCT unnest(track_ids) AS track_id, song_id FROM songs ORDER BY ALL",
    "songs.groups": "SELECT DISTINCT group_id, fold FROM songs WHERE group_id IS NOT NULL ORDER BY ALL",
    "rows": "SELECT *, left_id = right_id AS itself FROM rows",
    "rows.songs": """
        SELECT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM row_songs WHERE song_id IS NOT NULL ORDER BY ALL""",
    "rows.pairs": """
        SELECT least(left_id, right_id) AS one_id, greatest(left_id, right_id) AS other_id,
               count(*) AS n_rows, count(DISTINCT split) AS n_parts FROM rows GROUP BY ALL ORDER BY ALL""",
    # A mean of equal rows may differ from them in its last bit, which is no fault of the table.
    "pairs": """
        SELECT left_id, right_id, round(similarity, 9) AS similarity, round(lowest, 9) AS lowest,
               round(highest, 9) AS highest, n_rows, split, (similarity >= 0.5)::DOUBLE AS similar
        FROM pairs""",
    "pairs.songs": """
        SELECT DISTINCT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM pair_songs WHERE song_id IS NOT NULL ORDER BY ALL""",
    "pairs.members": "SELECT song_id, split FROM members ORDER BY ALL",
    "pairs.groups": """
        SELECT DISTINCT group_id, split FROM members JOIN songs USING (song_id)
        WHERE group_id IS NOT NULL ORDER BY ALL""",
    # What a row of songs would say is null where there is none: `observed` alone is false there.
    "unlisted": """
        WITH listed AS (
            SELECT DISTINCT least(left_id, right_id) AS left_id, greatest(left_id, right_id) AS right_id
            FROM rows WHERE (least(left_id, right_id), greatest(left_id, right_id)) IN
                (SELECT (least(left_id, right_id), greatest(left_id, right_id)) FROM unlisted))
        SELECT unlisted.*, listed.left_id IS NOT NULL AS listed,
               coalesce(one.observed AND other.observed, unlisted.left_id || unlisted.right_id IS NULL)
                   AS observed,
               one.has_list OR other.has_list AS has_list,
               one.part = unlisted.split AND other.part = unlisted.split AS in_part
        FROM unlisted
        LEFT JOIN placed one ON one.song_id = unlisted.left_id
        LEFT JOIN placed other ON other.song_id = unlisted.right_id
        LEFT JOIN listed ON listed.left_id = least(unlisted.left_id, unlisted.right_id)
                        AND listed.right_id = greatest(unlisted.left_id, unlisted.right_id)
        ORDER BY ALL""",
    # All pairs of n songs but those of the songs without a list are observable.
    "unlisted.number": """
        WITH sizes AS (
            SELECT part AS split, count(*) AS n, count(*) FILTER (NOT has_list) AS m
            FROM placed WHERE observed GROUP BY ALL
        ), listed AS (
            SELECT split, count(*) AS n_listed,
                   count(*) FILTER (one.has_list OR other.has_list) AS n_observable
            FROM (SELECT DISTINCT left_id, right_id, split FROM pairs) AS distinct_pairs
            LEFT JOIN placed one ON one.song_id = left_id LEFT JOIN placed other ON other.song_id = right_id
            GROUP BY ALL
        ), counted AS (
            SELECT split, (SELECT count(*) FROM unlisted WHERE unlisted.split = sizes.split) AS n_found,
                   floor(ratio * n_listed + 0.5) AS n_asked,
                   (n * (n - 1) - m * (m - 1)) / 2 - n_observable AS n_there
            FROM sizes LEFT JOIN listed USING (split), asked WHERE split IN ('train', 'val')
        )
        SELECT *, n_found = coalesce(least(n_asked, n_there), 0) AS as_asked FROM counted ORDER BY ALL""",
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
    test, ratio = choices.test_fold, 0 if given else choices.unlisted_ratio
    for table, query in _BEFORE.items():
        engine.make(table, query.format(test=test, val=(test + 1) % params.N_FOLDS, ratio=ratio))
    for table in wanted:
        (engine.view if table in _VIEWS else engine.make)(name(table), _SQL[table])
