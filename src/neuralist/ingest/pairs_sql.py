"""The SQL of `neuralist.ingest.pairs`: common table expressions, window functions and md5.

Nothing of it is DuckDB's own, so other engines can run the same text. It reads listed(source_id, target_id,
similarity, split), tracks(track_id, song_id), folds(song_id, fold) and what the queries above it found, and
works on numbers: of songs, by the order of their ids, and of parts, by the order of their names. What is
sorted is taken in blocks of songs, {first} to {last}, so that any number of rows needs the memory of one
block.
"""

NUMBERS = """
select song_id, fold, cast(row_number() over (order by song_id) - 1 as integer) as number from folds
"""
_PART = "cast(case {split} when 'test' then 1 when 'train' then 2 when 'val' then 3 end as tinyint)"
JOINED = f"""
select source.number as left_number, target.number as right_number, listed.similarity,
       {_PART.format(split="listed.split")} as part
from listed
left join numbered_tracks source on source.track_id = listed.source_id
left join numbered_tracks target on target.track_id = listed.target_id
"""

# A row's place in the cut hangs on its ids and on which of its pair's rows it is, not on the table's order.
# Places are md5 numbers; `bucket` is their first eight bits.
_DRAW = "md5(concat('{seed}', '|', one.song_id, '|', other.song_id, '|', cast(occurrence as varchar(20))))"
_DIGIT = "instr('123456789abcdef', substr(draw, {at}, 1))"
DRAWN = f"""
with numbered as (
    select left_number, right_number, similarity, part,
           row_number() over (
               partition by left_number, right_number order by similarity, part nulls last) as occurrence
    from joined where left_number <> right_number and left_number between {{first}} and {{last}}
), named as (
    select numbered.*, {_DRAW} as draw
    from numbered
    join numbers one on one.number = left_number join numbers other on other.number = right_number
)
select left_number, right_number, similarity, part, cast(occurrence as integer) as occurrence,
       cast(16 * {_DIGIT.format(at=1)} + {_DIGIT.format(at=2)} as smallint) as bucket
from named
"""
# Of most buckets all rows are of one part; only where a bucket is cut, its rows need their places.
BUCKETS = """
with sizes as (
    select bucket, count(*) as n_rows from drawn group by bucket
), places as (
    select bucket, cast(sum(n_rows) over (order by bucket) as bigint) - n_rows as before,
           cast(sum(n_rows) over (order by bucket) as bigint) as upto,
           cast(sum(n_rows) over () as bigint) as n_rows
    from sizes
)
select places.*,
       case when upto <= round({train:.12g} * n_rows) then 2
            when before < round({train:.12g} * n_rows) then null
            when upto <= round({train_val:.12g} * n_rows) then 3
            when before < round({train_val:.12g} * n_rows) then null
            else 1 end as bucket_part
from places
"""
PLACED = f"""
with placed as (
    select left_number, right_number, occurrence, n_rows, before + row_number() over (
               partition by bucket order by {_DRAW}, left_number, right_number, occurrence) as place
    from drawn join buckets using (bucket)
    join numbers one on one.number = left_number join numbers other on other.number = right_number
    where bucket_part is null
)
select left_number, right_number, occurrence,
       case when place <= round({{train:.12g}} * n_rows) then 2
            when place <= round({{train_val:.12g}} * n_rows) then 3 else 1 end as placed_part
from placed
"""
# Where a split is given without val, a share of the pairs that stand in train alone.
GIVEN_VAL = """
with given as (
    select case when left_number < right_number then left_number else right_number end as one_number,
           case when left_number < right_number then right_number else left_number end as other_number, part
    from drawn where part is not null
), train_alone as (
    select one_number, other_number, count(*) over () as n_pairs,
           row_number() over (
               order by md5(concat('{seed}', '|', one.song_id, '|', other.song_id)), one_number, other_number
           ) as pair_place
    from (select one_number, other_number from given
          group by one_number, other_number having min(part) = 2 and max(part) = 2) alone
    join numbers one on one.number = one_number join numbers other on other.number = other_number
)
select one_number, other_number from train_alone
where n_pairs > 1 and pair_place <= ceil({given_val} * n_pairs)
      and (select count(*) from given where part = 3) = 0
"""
CUT = """
select drawn.left_number, drawn.right_number, similarity, drawn.occurrence,
       cast(case when given_val.one_number is not null then 3
                 when part is not null then part
                 when bucket_part is not null then bucket_part else placed_part end as tinyint) as part
from drawn join buckets using (bucket)
left join placed on bucket_part is null and placed.left_number = drawn.left_number
     and placed.right_number = drawn.right_number and placed.occurrence = drawn.occurrence
left join given_val
     on given_val.one_number = case when drawn.left_number < drawn.right_number
                                    then drawn.left_number else drawn.right_number end
     and given_val.other_number = case when drawn.left_number < drawn.right_number
                                       then drawn.right_number else drawn.left_number end
where drawn.left_number between {first} and {last}
"""
ROWS = f"""
select left_number, right_number, similarity,
       case part when 1 then 'test' when 2 then 'train' else 'val' end as split
from ({CUT}) cut order by left_number, right_number, occurrence
"""

# The mean is taken in whole numbers of 1e-15: their sum does not hang on the order of adding. Not in
# decimal(18, 15), to which engines round the last digit by different ways.
PAIRS = """
with directed as (
    select case when left_number < right_number then left_number else right_number end as one_number,
           case when left_number < right_number then right_number else left_number end as other_number,
           similarity, part
    from rows_listed
), summed as (
    select one_number, other_number,
           cast(sum(cast(round(similarity * 1e15) as decimal(18, 0))) as double) / 1e15 / count(*) as mean,
           min(similarity) as lowest, max(similarity) as highest, count(*) as n_rows,
           min(case part when 1 then 1 when 3 then 2 else 3 end) as part
    from directed where one_number between {{first}} and {{last}} group by one_number, other_number
)
select one_number as left_number, other_number as right_number,
       case when mean < lowest then lowest when mean > highest then highest else mean end as similarity,
       lowest, highest, n_rows,
       {split} as split
from summed
join numbers left_song on left_song.number = one_number
join numbers right_song on right_song.number = other_number
order by one_number, other_number
"""
NUMBERED_ROWS = f"""
select one.number as left_number, other.number as right_number, named_rows.similarity,
       {_PART.format(split="named_rows.split")} as part
from named_rows
join numbers one on one.song_id = named_rows.left_id
join numbers other on other.song_id = named_rows.right_id
"""
GIVEN = "case part when 1 then 'test' when 2 then 'val' else 'train' end"
BY_FOLD = """
       case when left_song.fold = {test} and right_song.fold = {test} then 'test'
            when left_song.fold = {val} and right_song.fold = {val} then 'val'
            when left_song.fold in ({test}, {val}) or right_song.fold in ({test}, {val}) then 'unused'
            else 'train' end"""
