"""Listed similarities -> rows (as listed) and pairs (each once), both cut into train, val and test.

Input: tables listed and songs; output: tables rows and pairs of `neuralist.tables`. The SQL is plain (common
table expressions, window functions, md5) and free of DuckDB's own functions, so that a bigger engine can run
the same text. It reads listed(source_id, target_id, similarity, split), tracks(track_id, song_id) and
folds(song_id, fold).
"""

import duckdb
import pandas as pd

from neuralist import params

JOINED = """
select source.song_id as left_id, target.song_id as right_id, listed.similarity, listed.split
from listed
join tracks source on source.track_id = listed.source_id
join tracks target on target.track_id = listed.target_id
"""

# A row's place in the cut hangs on its ids and on which of its pair's rows it is, not on the table's order.
ROWS = """
with numbered as (
    select joined.*,
           row_number() over (partition by left_id, right_id order by similarity, split) as occurrence
    from joined where left_id <> right_id
), drawn as (
    select numbered.*, row_number() over (
        partition by split
        order by md5(concat('{seed}', '|', left_id, '|', right_id, '|', cast(occurrence as varchar(20)))),
                 left_id, right_id, occurrence
    ) as place
    from numbered
), sizes as (
    select count(*) as n_rows,
           sum(case when split = 'train' then 1 else 0 end) as n_train,
           sum(case when split = 'val' then 1 else 0 end) as n_val
    from numbered
)
select left_id, right_id, similarity,
       case when split = 'train' and n_val = 0 and place <= round({given_val} * n_train) then 'val'
            when split is not null then split
            when place <= round({train:.12g} * n_rows) then 'train'
            when place <= round({train_val:.12g} * n_rows) then 'val'
            else 'test' end as split
from drawn cross join sizes
order by left_id, right_id, occurrence
"""

# The mean is taken in decimals: their sum does not hang on the order of adding.
PAIRS = """
with directed as (
    select case when left_id < right_id then left_id else right_id end as left_id,
           case when left_id < right_id then right_id else left_id end as right_id,
           similarity, split
    from rows_listed
), summed as (
    select left_id, right_id,
           cast(sum(cast(similarity as decimal(18, 15))) as double) / count(*) as mean,
           min(similarity) as lowest, max(similarity) as highest, count(*) as n_rows,
           min(case split when 'test' then 1 when 'val' then 2 else 3 end) as part
    from directed group by left_id, right_id
)
select left_id, right_id,
       case when mean < lowest then lowest when mean > highest then highest else mean end as similarity,
       lowest, highest, n_rows,
       {split} as split
from summed
join folds left_song on left_song.song_id = left_id
join folds right_song on right_song.song_id = right_id
order by left_id, right_id
"""
_GIVEN = "case part when 1 then 'test' when 2 then 'val' else 'train' end"
_BY_FOLD = """
       case when left_song.fold = {test} and right_song.fold = {test} then 'test'
            when left_song.fold = {val} and right_song.fold = {val} then 'val'
            when left_song.fold in ({test}, {val}) or right_song.fold in ({test}, {val}) then 'unused'
            else 'train' end"""
_GIVEN_VAL = 0.1  # of the train rows, where a given split has no val


def rows(listed: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs) -> pd.DataFrame:
    """Every listed similarity between two songs, directed and repeated, with its part under protocol paper.

    A split that the source gives is kept (without val rows, a tenth of its train rows becomes val); otherwise
    exactly `paper_shares` of all rows become train, val and test at random. Rows between two tracks of one
    song are left out.

    Args:
        listed: tables.LISTED.
        songs: tables.SONGS.
        choices: seed and shares.

    Returns:
        tables.ROWS, sorted.

    Raises:
        ValueError: listed names an id that no song has.
    """
    tracks = songs.filter(["song_id", "track_ids"]).explode(column="track_ids").dropna()
    unknown = listed.loc[~(listed.source_id.isin(tracks.track_ids) & listed.target_id.isin(tracks.track_ids))]
    if len(unknown):
        raise ValueError(
            f"listed: {len(unknown):,} rows name an id that no song has, the first "
            f"{unknown.source_id.iloc[0]!r} with {unknown.target_id.iloc[0]!r}; run `dvc repro songs`"
        )
    train, val, _ = choices.paper_shares
    query = ROWS.format(seed=choices.seed, given_val=_GIVEN_VAL, train=train, train_val=train + val)
    with duckdb.connect() as engine:
        engine.register("listed", listed)
        engine.register(
            "tracks", pd.DataFrame({"track_id": tracks.track_ids, "song_id": tracks.song_id}, dtype="str")
        )
        engine.execute(f"create temp view joined as {JOINED}")
        return engine.execute(query).df()


def pairs(
    rows_listed: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, *, given: bool
) -> pd.DataFrame:
    """Each unordered pair of songs once, with its part under the protocol songs, or the given one.

    Args:
        rows_listed: tables.ROWS.
        songs: tables.SONGS.
        choices: the test fold.
        given: whether the source gives the split; where a pair's rows disagree, test goes before val before
        train.

    Returns:
        tables.PAIRS, sorted; similarity is the mean of the pair's rows.
    """
    test = choices.test_fold
    split = _GIVEN if given else _BY_FOLD.format(test=test, val=(test + 1) % params.N_FOLDS)
    with duckdb.connect() as engine:
        engine.register("rows_listed", rows_listed)
        engine.register("folds", songs.filter(["song_id", "fold"]))
        return engine.execute(PAIRS.format(split=split)).df()
