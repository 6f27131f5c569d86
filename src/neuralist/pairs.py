"""Listed similarities -> rows (as listed), pairs (each once), cut into train, val and test; unlisted pairs.

Input: tables listed and songs; output: tables rows, pairs and unlisted of `neuralist.tables`. The SQL is
plain (common table expressions, window functions, md5) and free of DuckDB's own functions, so that a bigger
engine can run the same text. It reads listed(source_id, target_id, similarity, split), tracks(track_id,
song_id) and folds(song_id, fold).

A song is observed when it has a list or stands in a listed pair. A pair of observed songs that no row lists
is unlisted when one of them has a list; else nobody looked, it is unknown, and it is never used.
"""

from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
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
           case when left_id < right_id then left_id else right_id end as one_id,
           case when left_id < right_id then right_id else left_id end as other_id,
           row_number() over (partition by left_id, right_id order by similarity, split) as occurrence
    from joined where left_id <> right_id
), drawn as (
    select numbered.*, row_number() over (
        order by md5(concat('{seed}', '|', left_id, '|', right_id, '|', cast(occurrence as varchar(20)))),
                 left_id, right_id, occurrence
    ) as place
    from numbered
), sizes as (
    select count(*) as n_rows, sum(case when split = 'val' then 1 else 0 end) as n_val from numbered
), train_alone as (
    select one_id, other_id, count(*) over () as n_pairs,
           row_number() over (
               order by md5(concat('{seed}', '|', one_id, '|', other_id)), one_id, other_id
           ) as pair_place
    from numbered group by one_id, other_id having min(split) = 'train' and max(split) = 'train'
)
select left_id, right_id, similarity,
       case when n_val = 0 and n_pairs > 1 and pair_place <= ceil({given_val} * n_pairs) then 'val'
            when split is not null then split
            when place <= round({train:.12g} * n_rows) then 'train'
            when place <= round({train_val:.12g} * n_rows) then 'val'
            else 'test' end as split
from drawn cross join sizes left join train_alone using (one_id, other_id)
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
_GIVEN_VAL = 0.1  # of the pairs that stand in train alone, where a given split has no val


def rows(listed: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs) -> pd.DataFrame:
    """Every listed similarity between two songs, directed and repeated, with its part under protocol paper.

    A split that the source gives is kept (without val rows, a tenth of the pairs that stand in train alone
    becomes val, a pair with all its rows, so that val repeats neither train nor test); otherwise
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


def parts(
    songs: pd.DataFrame, pairs: pd.DataFrame, choices: params.Pairs, *, given: bool
) -> dict[str, pd.DataFrame]:
    """The songs of train, val and test: by fold, or by their pairs, when a song may be in several parts.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS.
        choices: the test fold.
        given: whether the source gives the split, so that pairs decide; songs without any are of train.
    """
    named = {
        part: songs["song_id"].isin([*of_part["left_id"], *of_part["right_id"]])
        for part, of_part in pairs.groupby("split")
    }
    nowhere = pd.Series(data=False, index=songs.index)
    by_pairs = {part: named.get(part, nowhere) for part in ("train", "val", "test")}
    by_pairs["train"] = by_pairs["train"] | ~(by_pairs["val"] | by_pairs["test"])
    by_fold = {part: songs["fold"].map(choices.part) == part for part in by_pairs}
    return {part: pd.DataFrame(songs[mask]) for part, mask in (by_pairs if given else by_fold).items()}


def unlisted(
    pairs: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, *, given: bool = False
) -> pd.DataFrame:
    """Unlisted pairs of train and of val under the protocol songs, drawn evenly, each at most once.

    Args:
        pairs: tables.PAIRS.
        songs: tables.SONGS.
        choices: unlisted_ratio times a part's listed pairs are drawn, or all unlisted ones if they are fewer.
        given: whether the source gives the split; then nothing is drawn.

    Returns:
        tables.UNLISTED, sorted; weight is how many unlisted pairs of the part each one stands for. Empty
        where no song has a list.
    """
    part_of = songs["fold"].map(choices.part)
    types = {"left_id": "str", "right_id": "str", "split": "str", "weight": "float64"}
    parts = [pd.DataFrame({name: [] for name in types}).astype(types)]
    for number, part in enumerate(() if given else ("train", "val")):
        observed, in_part = Observed.of(songs.loc[part_of == part], pairs), pairs.loc[pairs["split"] == part]
        listed = observed.numbers(in_part)
        available = observed.n_pairs - len(listed)
        wanted = int(choices.unlisted_ratio * len(in_part) + 0.5)
        drawn = np.random.default_rng([choices.seed, number]).choice(
            available, min(wanted, available), replace=False, shuffle=False
        )
        # Before unlisted pair r stand those listed pairs that have at most r unlisted ones before themselves.
        drawn += np.searchsorted(listed - np.arange(len(listed)), drawn, side="right")
        parts.append(observed.pairs(drawn).assign(split=part, weight=available / max(1, len(drawn))))
    return pd.concat(parts).sort_values(["left_id", "right_id"], ignore_index=True)


@dataclass(frozen=True)
class Observed:
    """The observed songs of a part and a numbering of their observable pairs, without a list of these.

    Songs with a list come first, each kind in the order of its ids. Pair (i, j) of places in that order,
    i < j, is observable when song i has a list; the pairs are numbered row by row.

    Attributes:
        songs: song ids, (n_songs,).
        n_lists: how many of them have a list.
    """

    songs: pd.Index
    n_lists: int

    @classmethod
    def of(cls, songs: pd.DataFrame, pairs: pd.DataFrame) -> "Observed":
        """Those of `songs` (a part's) that have a list or stand in `pairs` (tables.PAIRS, of all parts)."""
        with_list = songs["has_list"].to_numpy(bool)
        listed = songs["song_id"].isin(pairs["left_id"]) | songs["song_id"].isin(pairs["right_id"])
        kinds = (songs.loc[with_list, "song_id"], songs.loc[listed & ~with_list, "song_id"])
        return cls(pd.Index([*sorted(kinds[0]), *sorted(kinds[1])], dtype="str"), len(kinds[0]))

    @property
    def n_pairs(self) -> int:
        """How many pairs are observable, listed ones among them."""
        return int(self._starts[-1])

    @cached_property
    def _starts(self) -> np.ndarray:
        """The number of the first pair of each song with a list, and one past the last of all."""
        rows = np.arange(self.n_lists + 1, dtype=np.int64)
        return rows * (len(self.songs) - 1) - rows * (rows - 1) // 2

    def numbers(self, listed: pd.DataFrame) -> np.ndarray:
        """The numbers of pairs among the songs, int64, ascending; without those that are not observable."""
        left, right = (self.songs.get_indexer(pd.Index(listed[side])) for side in ("left_id", "right_id"))
        first, second = np.minimum(left, right).astype(np.int64), np.maximum(left, right)
        observable = first < self.n_lists
        return np.sort(self._starts[first[observable]] + (second - first - 1)[observable])

    def pairs(self, numbers: np.ndarray) -> pd.DataFrame:
        """The pairs of these numbers, in their order: columns left_id < right_id."""
        first = np.searchsorted(self._starts, numbers, side="right") - 1
        second = numbers - self._starts[first] + first + 1
        one, other = (np.asarray(self.songs, dtype=object)[places] for places in (first, second))
        left, right = np.where(one < other, (one, other), (other, one))
        return pd.DataFrame({"left_id": left, "right_id": right}, dtype="str")
