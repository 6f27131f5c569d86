"""Derive the tables that the suites check from the pipeline's tables, in SQL that any engine runs.

Input: the tables songs, rows, pairs and unlisted of `neuralist.data.tables`, as frames or as files. Output: a
table in an engine for each suite of `neuralist.validation.suites`, called `table_name` of the suite.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from neuralist.config import params
from neuralist.data import tables
from neuralist.data.splits import val_fold
from neuralist.engine.protocol import Engine
from neuralist.text.equal_texts import first_equal, folded


class CheckedTables(NamedTuple):
    """The tables of these names, or the files that hold them."""

    songs: pd.DataFrame | Path
    rows: pd.DataFrame | Path
    pairs: pd.DataFrame | Path
    unlisted: pd.DataFrame | Path


_SCHEMAS = {
    "songs": tables.SONGS, "rows": tables.ROWS, "pairs": tables.PAIRS, "unlisted": tables.UNLISTED,
}  # fmt: skip
# Songs as numbers: 56 million pairs of ids would take 5 GB, and joins on them longer.
_IDS = "SELECT song_id, CAST(row_number() OVER (ORDER BY song_id) AS INTEGER) AS number FROM ({ids}) ids"
_SONG_IDS = "SELECT DISTINCT song_id FROM songs WHERE song_id IS NOT NULL"
_ALL_IDS = """
    SELECT song_id FROM (
        SELECT song_id FROM songs UNION SELECT left_id FROM rows UNION SELECT right_id FROM rows
        UNION SELECT left_id FROM pairs UNION SELECT right_id FROM pairs)
    WHERE song_id IS NOT NULL"""
_CODED = {
    f"{table}_coded": f"""
        SELECT left_song.number AS left_number, right_song.number AS right_number, split
        FROM (SELECT left_id, right_id,
                     CAST(CASE split WHEN 'test' THEN 1 WHEN 'train' THEN 2 WHEN 'val' THEN 3
                          WHEN 'unused' THEN 4 END AS TINYINT) AS split FROM {table}) coded
        LEFT JOIN ids left_song ON left_song.song_id = left_id
        LEFT JOIN ids right_song ON right_song.song_id = right_id"""
    for table in ("rows", "pairs")
}
# How often a table names an id without a number, that is, without a row in songs.
_N_UNKNOWN = """
    SELECT (SELECT count(left_id) + count(right_id) FROM {table})
           - (SELECT count(left_number) + count(right_number) FROM {table}_coded)"""
_ENDS = "SELECT left_number AS number{more} FROM {table} UNION SELECT right_number{more} FROM {table}"
# Tables that several of the queries below read.
_SHARED = {
    "row_songs": f"""
        SELECT song_id FROM ({_ENDS.format(table="rows_coded", more="")}) JOIN ids USING (number)""",
    "pair_songs": f"""
        SELECT song_id, CASE split WHEN 1 THEN 'test' WHEN 2 THEN 'train' WHEN 3 THEN 'val' END AS split
        FROM ({_ENDS.format(table="pairs_coded", more=", split")}) JOIN ids USING (number)""",
    "members": """
        SELECT song_id, split FROM (
            SELECT song_id, split FROM pair_songs
            UNION SELECT left_id, split FROM unlisted UNION SELECT right_id, split FROM unlisted)
        WHERE song_id IS NOT NULL AND split IN ('train', 'val', 'test')""",
    "song_splits": """
        SELECT song_id, max(has_list) AS has_list,
               max(has_list) OR song_id IN (SELECT song_id FROM pair_songs) AS observed,
               CASE max(fold) WHEN {test} THEN 'test' WHEN {val} THEN 'val' ELSE 'train' END AS split
        FROM songs WHERE song_id IS NOT NULL GROUP BY song_id""",
    "unlisted_ratio": "SELECT CAST({ratio} AS DOUBLE) AS ratio",
}
_SCALAR_COLUMNS = ", ".join(field.name for field in tables.SONGS if not pa.types.is_list(field.type))
# Sorted, so that rows that contradict each other are next to each other in the examples.
_SUITE_TABLES = {
    "songs": f"SELECT {_SCALAR_COLUMNS} FROM songs",
    "songs.lastfm_tags": """
        SELECT song_id, coalesce(size(lastfm_tags) = size(lastfm_weights), false) AS weighted FROM songs""",
    "songs.tracks": """
        SELECT DISTINCT explode(track_ids) AS track_id, song_id FROM songs ORDER BY ALL NULLS LAST""",
    "songs.lastfm_weights": """
        SELECT DISTINCT explode(lastfm_weights) AS weight, song_id FROM songs ORDER BY ALL NULLS LAST""",
    "songs.groups": """
        SELECT DISTINCT group_id, fold FROM songs WHERE group_id IS NOT NULL ORDER BY ALL NULLS LAST""",
    "rows": "SELECT * FROM rows",
    "rows.ends": "SELECT left_id, right_id, left_id = right_id AS itself FROM rows",
    "rows.songs": """
        SELECT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM row_songs ORDER BY ALL NULLS LAST""",
    "rows.pairs": """
        SELECT least(left_id, right_id) AS one_id, greatest(left_id, right_id) AS other_id,
               count(*) AS n_rows, count(DISTINCT split) AS n_parts
        FROM rows GROUP BY ALL ORDER BY ALL NULLS LAST""",
    "pairs": "SELECT * FROM pairs",
    # A mean of equal rows may differ from them in its last bit, which is no fault of the table.
    "pairs.similarity": """
        SELECT left_id, right_id, round(similarity * 1e9) / 1e9 AS similarity,
               round(lowest * 1e9) / 1e9 AS lowest, round(highest * 1e9) / 1e9 AS highest,
               CAST(similarity >= 0.5 AS DOUBLE) AS similar
        FROM pairs""",
    # An empty split has no number of grades: that it is empty is said once.
    "pairs.splits": """
        SELECT measured.split, count(similarity) AS n_pairs,
               nullif(count(DISTINCT round(similarity * 1e9)), 0) AS n_grades
        FROM (SELECT 'val' AS split UNION ALL SELECT 'test' AS split) measured
        LEFT JOIN pairs ON pairs.split = measured.split
        GROUP BY ALL ORDER BY ALL NULLS LAST""",
    "pairs.songs": """
        SELECT DISTINCT song_id, song_id IN (SELECT song_id FROM songs WHERE song_id IS NOT NULL) AS in_songs
        FROM pair_songs ORDER BY ALL NULLS LAST""",
    "pairs.members": "SELECT song_id, split FROM members ORDER BY ALL NULLS LAST",
    "pairs.texts": """
        SELECT DISTINCT text_id, split FROM members JOIN texts USING (song_id) ORDER BY ALL NULLS LAST""",
    "pairs.groups": """
        SELECT DISTINCT group_id, split FROM members JOIN songs USING (song_id)
        WHERE group_id IS NOT NULL ORDER BY ALL NULLS LAST""",
    "unlisted": "SELECT * FROM unlisted",
    # For a song that songs lacks, all of these columns are null but `observed`, which is false.
    "unlisted.songs": """
        WITH numbered AS (
            SELECT unlisted.*, left_song.number AS left_number, right_song.number AS right_number
            FROM unlisted
            LEFT JOIN ids left_song ON left_song.song_id = left_id
            LEFT JOIN ids right_song ON right_song.song_id = right_id
        ), listed AS (
            SELECT DISTINCT low, high
            FROM (SELECT least(left_number, right_number) AS low, greatest(left_number, right_number) AS high
                  FROM rows_coded) AS ordered
            WHERE (low, high) IN (
                SELECT least(left_number, right_number), greatest(left_number, right_number) FROM numbered))
        SELECT left_id, right_id, numbered.split, listed.low IS NOT NULL AS listed,
               coalesce(left_song.observed AND right_song.observed, left_id || right_id IS NULL) AS observed,
               left_song.has_list OR right_song.has_list AS has_list,
               left_song.split = numbered.split AND right_song.split = numbered.split AS in_part
        FROM numbered
        LEFT JOIN song_splits left_song ON left_song.song_id = left_id
        LEFT JOIN song_splits right_song ON right_song.song_id = right_id
        LEFT JOIN listed ON listed.low = least(left_number, right_number)
                        AND listed.high = greatest(left_number, right_number)
        ORDER BY ALL NULLS LAST""",
    # Of n observed songs, m without a list, all pairs are observable but those among the m.
    "unlisted.number": """
        WITH with_list AS (
            SELECT number, has_list FROM song_splits JOIN ids USING (song_id)
        ), sizes AS (
            SELECT split, count(*) AS n, count(*) FILTER (WHERE NOT has_list) AS m
            FROM song_splits WHERE observed GROUP BY ALL
        ), listed AS (
            SELECT CASE split WHEN 2 THEN 'train' ELSE 'val' END AS split, count(*) AS n_listed,
                   count(*) FILTER (WHERE left_song.has_list OR right_song.has_list) AS n_observable
            FROM (SELECT DISTINCT left_number, right_number, split
                  FROM pairs_coded WHERE split IN (2, 3)) AS distinct_pairs
            LEFT JOIN with_list left_song ON left_song.number = left_number
            LEFT JOIN with_list right_song ON right_song.number = right_number
            GROUP BY ALL
        ), counted AS (
            SELECT split, (SELECT count(*) FROM unlisted WHERE unlisted.split = sizes.split) AS n_found,
                   CAST(floor(ratio * n_listed + 0.5) AS DOUBLE) AS n_asked,
                   (n * (n - 1) - m * (m - 1)) / 2 - n_observable AS n_there
            FROM sizes LEFT JOIN listed USING (split), unlisted_ratio WHERE split IN ('train', 'val')
        )
        SELECT *, n_found = coalesce(least(n_asked, n_there), 0) AS as_asked
        FROM counted ORDER BY ALL NULLS LAST""",
}
# As large as the tables they read: views, since copies would double the space.
_VIEWS = {"songs", "songs.lastfm_tags", "rows", "rows.ends", "pairs", "pairs.similarity", "unlisted"}
# What a row is, by suite; the names without a dot are those of the pipeline's own tables.
_ROWS = {
    "songs": "a song with its lyrics, or another text of the corpus",
    "songs.lastfm_tags": "a song; weighted says whether each of its Last.fm tags has a weight",
    "songs.tracks": "a track id, and a song that has it",
    "songs.lastfm_weights": "a weight of a Last.fm tag, and a song that has it",
    "songs.groups": "a song with its versions and covers (a group), and a fold that they are in",
    "rows": "a similarity of two songs as its source lists it: directed, perhaps repeated",
    "rows.ends": "one of rows; itself says whether it joins a song with itself",
    "rows.songs": "a song that rows name; in_songs says whether songs has it",
    "rows.pairs": "two songs in no order; n_rows list them, in n_parts splits",
    "pairs": "two songs in no order, any two once, with the mean of their similarities in rows",
    "pairs.similarity": "one of pairs, to nine decimals; similar is 1 from a similarity of 0.5 on, else 0",
    "pairs.splits": "a split, with its number of pairs, and of different similarities (n_grades)",
    "pairs.songs": "a song that pairs name; in_songs says whether songs has it",
    "pairs.members": "a song, and a split that has a pair of it, listed or unlisted",
    "pairs.texts": "a text, by the first song that has its words, and a split that has a pair of it",
    "pairs.groups": "a song with its versions and covers (a group), and a split that has a pair of it",
    "unlisted": "a pair that could be listed and is not, drawn to learn from; it stands for weight of them",
    "unlisted.songs": "one of unlisted; its columns say what its two songs are",
    "unlisted.number": "a split, with its unlisted pairs: drawn (n_found), due (n_asked), there (n_there)",
}


def description(suite: str) -> str:
    """Return what a row of a suite's table is, as a sentence; empty for any other table."""
    return f"A row is {_ROWS[suite]}." if suite in _ROWS else ""


def table_name(suite: str) -> str:
    """Return the name in the engine of a suite's table."""
    return "checked_" + suite.replace(".", "_")


def derive(
    engine: Engine,
    checked: CheckedTables,
    choices: params.Pairs,
    *,
    gives_split: bool,
    suites: Collection[str],
) -> None:
    """Read the tables into an engine under their names, and derive the table of each suite.

    Args:
        engine: an engine without tables.
        checked: the tables.
        choices: the settings by which pairs and unlisted were made.
        gives_split: whether the source gives the split; then no unlisted pairs are expected.
        suites: names of the suites.
    """
    for table, source in checked._asdict().items():
        if isinstance(source, Path):
            engine.read_parquet(table, source, _SCHEMAS[table])
        else:
            engine.register(table, source)
    engine.register("texts", _texts(engine))
    for ids in (_SONG_IDS, _ALL_IDS):
        engine.create_table("ids", _IDS.format(ids=ids))
        for table, query in _CODED.items():
            engine.create_table(table, query)
        if not any(engine.scalar(_N_UNKNOWN.format(table=table)) for table in ("rows", "pairs")):
            break
    test, ratio = choices.test_fold, 0 if gives_split else choices.unlisted_ratio
    for table, query in _SHARED.items():
        engine.create_table(table, query.format(test=test, val=val_fold(test), ratio=ratio))
    for suite in suites:
        create = engine.create_view if suite in _VIEWS else engine.create_table
        create(table_name(suite), _SUITE_TABLES[suite])


def _texts(engine: Engine) -> pd.DataFrame:
    """Return song_id and text_id: the first id of a song whose lyrics have the same words."""
    songs = engine.frame(
        "SELECT song_id, lyrics FROM songs WHERE song_id IS NOT NULL AND lyrics IS NOT NULL ORDER BY song_id"
    ).astype("str")
    first = first_equal(map(folded, songs["lyrics"].tolist()))
    return pd.DataFrame({"song_id": songs["song_id"], "text_id": songs["song_id"].to_numpy()[first]})
