"""The SQL of `neuralist.ingest.pairs`: common table expressions, window functions and md5.

None of it is specific to DuckDB, so other engines can run the same text. It reads listed(source_id,
target_id, similarity, split), tracks(track_id, song_id), folds(song_id, fold) and results of earlier queries.
Songs are numbers, by the order of their ids; splits are codes: 1 test, 2 train, 3 val. Queries that sort take
blocks of songs, {first} to {last}, so that any number of rows needs the memory of one block.
"""

NUMBERS = """
select song_id, fold, cast(row_number() over (order by song_id) - 1 as integer) as number from folds
"""
NUMBERED_TRACKS = "select track_id, number from tracks join numbers using (song_id)"
_SPLIT_CODE = "cast(case {split} when 'test' then 1 when 'train' then 2 when 'val' then 3 end as tinyint)"
JOINED = f"""
select source.number as left_number, target.number as right_number, listed.similarity,
       {_SPLIT_CODE.format(split="listed.split")} as split_code
from listed
left join numbered_tracks source on source.track_id = listed.source_id
left join numbered_tracks target on target.track_id = listed.target_id
"""

# The random split must not depend on the table's order: rows are ranked by an md5 of their song ids and of
# their number among the rows of the same two songs. `bucket` is the first eight bits of the md5.
_IDS = "'{seed}', '|', left_song.song_id, '|', right_song.song_id"
_DRAW = f"md5(concat({_IDS}, '|', cast(occurrence as varchar(20))))"
_DIGIT = "instr('123456789abcdef', substr(draw, {at}, 1))"
DRAWN = f"""
with numbered as (
    select left_number, right_number, similarity, split_code,
           row_number() over (
               partition by left_number, right_number order by similarity, split_code nulls last
           ) as occurrence
    from joined where left_number <> right_number and left_number between {{first}} and {{last}}
), named as (
    select numbered.*, {_DRAW} as draw
    from numbered
    join numbers left_song on left_song.number = left_number
    join numbers right_song on right_song.number = right_number
)
select left_number, right_number, similarity, split_code, cast(occurrence as integer) as occurrence,
       cast(16 * {_DIGIT.format(at=1)} + {_DIGIT.format(at=2)} as smallint) as bucket
from named
"""
# Most buckets fall in one split as a whole; only in a bucket that a border cuts must rows be ranked.
BUCKETS = """
with sizes as (
    select bucket, count(*) as n_rows from drawn group by bucket
), ranges as (
    select bucket, cast(sum(n_rows) over (order by bucket) as bigint) - n_rows as n_before,
           cast(sum(n_rows) over (order by bucket) as bigint) as n_through,
           cast(sum(n_rows) over () as bigint) as n_rows
    from sizes
)
select ranges.*,
       case when n_through <= round({train:.12g} * n_rows) then 2
            when n_before < round({train:.12g} * n_rows) then null
            when n_through <= round({train_val:.12g} * n_rows) then 3
            when n_before < round({train_val:.12g} * n_rows) then null
            else 1 end as bucket_split
from ranges
"""
CUT_BUCKETS = f"""
with ranked as (
    select left_number, right_number, occurrence, n_rows, n_before + row_number() over (
               partition by bucket order by {_DRAW}, left_number, right_number, occurrence) as draw_rank
    from drawn join buckets using (bucket)
    join numbers left_song on left_song.number = left_number
    join numbers right_song on right_song.number = right_number
    where bucket_split is null
)
select left_number, right_number, occurrence,
       case when draw_rank <= round({{train:.12g}} * n_rows) then 2
            when draw_rank <= round({{train_val:.12g}} * n_rows) then 3 else 1 end as ranked_split
from ranked
"""
# Where the given split has no val: a share of the pairs whose rows are all in train.
GIVEN_VAL = """
with given as (
    select least(left_number, right_number) as low_number,
           greatest(left_number, right_number) as high_number, split_code
    from drawn where split_code is not null
), train_only as (
    select low_number, high_number, count(*) over () as n_pairs,
           row_number() over (
               order by md5(concat('{seed}', '|', low_song.song_id, '|', high_song.song_id)),
                        low_number, high_number
           ) as pair_rank
    from (select low_number, high_number from given
          group by low_number, high_number having min(split_code) = 2 and max(split_code) = 2) train_pairs
    join numbers low_song on low_song.number = low_number
    join numbers high_song on high_song.number = high_number
)
select low_number, high_number from train_only
where n_pairs > 1 and pair_rank <= ceil({given_val} * n_pairs)
      and (select count(*) from given where split_code = 3) = 0
"""
ROWS_WITH_SPLIT = """
select drawn.left_number, drawn.right_number, similarity, drawn.occurrence,
       cast(case when given_val.low_number is not null then 3
                 when split_code is not null then split_code
                 when bucket_split is not null then bucket_split
                 else ranked_split end as tinyint) as split_code
from drawn join buckets using (bucket)
left join cut_buckets on bucket_split is null and cut_buckets.left_number = drawn.left_number
     and cut_buckets.right_number = drawn.right_number and cut_buckets.occurrence = drawn.occurrence
left join given_val on given_val.low_number = least(drawn.left_number, drawn.right_number)
     and given_val.high_number = greatest(drawn.left_number, drawn.right_number)
where drawn.left_number between {first} and {last}
"""
ROWS = f"""
select left_number, right_number, similarity,
       case split_code when 1 then 'test' when 2 then 'train' else 'val' end as split
from ({ROWS_WITH_SPLIT}) split_rows order by left_number, right_number, occurrence
"""

# The mean is that of whole multiples of 1e-15, whose sum does not depend on the order of adding. Not of
# decimal(18, 15): engines round its last digit differently.
PAIRS = """
with directed as (
    select least(left_number, right_number) as low_number,
           greatest(left_number, right_number) as high_number, similarity, split_code
    from rows_listed
), summed as (
    select low_number, high_number,
           cast(sum(cast(round(similarity * 1e15) as decimal(18, 0))) as double) / 1e15 / count(*) as mean,
           min(similarity) as lowest, max(similarity) as highest, count(*) as n_rows,
           min({rank}) as smallest
    from directed where low_number between {{first}} and {{last}} group by low_number, high_number
)
select low_number as left_number, high_number as right_number,
       case when mean < lowest then lowest when mean > highest then highest else mean end as similarity,
       lowest, highest, n_rows,
       {split} as split
from summed
join numbers left_song on left_song.number = low_number
join numbers right_song on right_song.number = high_number
order by low_number, high_number
"""
NUMBERED_ROWS = f"""
select left_song.number as left_number, right_song.number as right_number, named_rows.similarity,
       {_SPLIT_CODE.format(split="named_rows.split")} as split_code
from named_rows
join numbers left_song on left_song.song_id = named_rows.left_id
join numbers right_song on right_song.song_id = named_rows.right_id
"""
# A pair whose rows name several splits is in the first of them, of the splits' codes in ascending size.
SIZES_OF_SPLITS = "select split_code, count(*) as n_rows from rows_listed group by split_code"
RANK = "case split_code when {} then 1 when {} then 2 when {} then 3 end"
GIVEN_SPLIT = "case smallest when 1 then '{}' when 2 then '{}' else '{}' end"
SPLIT_BY_FOLD = """
       case when left_song.fold = {test} and right_song.fold = {test} then 'test'
            when left_song.fold = {val} and right_song.fold = {val} then 'val'
            when left_song.fold in ({test}, {val}) or right_song.fold in ({test}, {val}) then 'unused'
            else 'train' end"""
