"""Listed similarities -> rows (as listed) and pairs (each once), with their splits; unlisted pairs.

Input: tables listed and songs; output: tables rows, pairs and unlisted of `neuralist.data.tables`. An engine
runs the SQL of `neuralist.ingest.pairs_sql`, so the tables need not fit in memory. Unlisted pairs are defined
in `neuralist.data.observed`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config import params
from neuralist.data import tables
from neuralist.data.observed import Observed
from neuralist.data.pair_sets import Listings
from neuralist.data.splits import split_of, val_fold
from neuralist.engine.connect import connect
from neuralist.engine.protocol import Engine, with_song_ids
from neuralist.ingest import pairs_sql

SPLITS = ("test", "train", "unused", "val")
# Of splits in pairs_sql; of equally large ones the first goes first.
_CODES = {1: "test", 3: "val", 2: "train"}
_GIVEN_VAL_SHARE = 0.1  # of the pairs that are in train alone, where a given split has no val
_BLOCK = 2**22  # rows sorted at once


class Listed:
    """Listed similarities in an engine, which makes the tables rows and pairs of them.

    Args:
        engine: holds the view `listed`.
        songs: tables.SONGS, of which song_id, fold and track_ids are used.
        choices: seed, shares and the test fold.

    Attributes:
        ids: song ids by number.
        gives_split: whether the source gives the split.
        n_listed: number of listed similarities.

    Raises:
        ValueError: listed names an id that no song has.
    """

    def __init__(self, engine: Engine, songs: pd.DataFrame, choices: params.Pairs) -> None:
        self._engine, self._choices = engine, choices
        self.ids = _number(engine, songs)
        tracks = songs.filter(["song_id", "track_ids"]).explode(column="track_ids").dropna()
        engine.register("tracks", tracks.rename(columns={"track_ids": "track_id"}).astype("str"))
        engine.create_table("numbered_tracks", pairs_sql.NUMBERED_TRACKS)
        engine.create_table("joined", pairs_sql.JOINED)
        self._check()
        self.gives_split = engine.scalar("select count(*) from joined where split_code is not null") > 0
        self.n_listed = engine.scalar("select count(*) from joined")
        blocks = _blocks(engine, "left_number", "joined")
        engine.create_table("drawn", *(self._format(pairs_sql.DRAWN, **block) for block in blocks))
        engine.drop_table("joined")
        engine.create_table("buckets", self._format(pairs_sql.BUCKETS))
        engine.create_table("cut_buckets", self._format(pairs_sql.CUT_BUCKETS))
        engine.create_table("given_val", self._format(pairs_sql.GIVEN_VAL))

    def _format(self, query: str, **numbers: int) -> str:
        train, val, _ = self._choices.paper_shares
        shares = {"train": train, "train_val": train + val, "given_val": _GIVEN_VAL_SHARE}
        return query.format(seed=self._choices.seed, **shares, **numbers)

    def _check(self) -> None:
        is_unknown = "left_number is null or right_number is null"
        n_unknown = self._engine.scalar(f"select count(*) from joined where {is_unknown}")
        if n_unknown:
            track_ids = "(select track_id from numbered_tracks)"
            first = self._engine.frame(
                f"select source_id, target_id from listed where source_id not in {track_ids} "
                f"or target_id not in {track_ids} limit 1"
            ).astype("str")
            raise ValueError(
                f"listed: {n_unknown:,} rows name an id that no song has, the first "
                f"{first['source_id'].iloc[0]!r} with {first['target_id'].iloc[0]!r}; run `dvc repro songs`"
            )

    def rows(self) -> Iterator[pa.Table]:
        """Yield the table rows in sorted batches, songs as numbers."""
        blocks = _blocks(self._engine, "left_number", "drawn")
        return self._engine.batches([self._format(pairs_sql.ROWS, **block) for block in blocks])

    def pairs(self) -> Iterator[pa.Table]:
        """Yield the table pairs in sorted batches, songs as numbers."""
        # Where no split is given, the split of a pair follows from the folds of its songs alone.
        rows = pairs_sql.ROWS_WITH_SPLIT.format(first=0, last=len(self.ids))
        self._engine.create_view("rows_listed", rows if self.gives_split else "select * from drawn")
        return _pairs(self._engine, self._choices, gives_split=self.gives_split)


class BatchNaming:
    """Replaces song numbers by ids in batches of rows or pairs, and counts the rows of each split.

    Args:
        ids: song ids by number.
        schema: tables.ROWS or tables.PAIRS.
        collect: whether to keep what `frame` returns.

    Attributes:
        splits: number of rows of each split so far.
    """

    def __init__(self, ids: pa.Array, schema: pa.Schema, *, collect: bool = False) -> None:
        self._ids, self._schema, self._collect = ids, schema, collect
        self._columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("left_number", "right_number", "split")
        }
        self.splits: Counter[str] = Counter()

    def with_ids(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield the batches with song ids in place of numbers."""
        for batch in batches:
            splits = pd.Categorical(batch["split"].to_pandas(), categories=SPLITS)
            counts = np.bincount(splits.codes, minlength=len(SPLITS)).tolist()
            self.splits.update({name: count for name, count in zip(SPLITS, counts, strict=True) if count})
            if self._collect:
                self._columns["split"].append(splits.codes)
                for name in ("left_number", "right_number"):
                    self._columns[name].append(batch[name].to_numpy())
            yield with_song_ids(batch, self._ids, self._schema)

    def frame(self) -> pd.DataFrame:
        """Return left_id, right_id and split of all batches as categoricals, and free them: call it once."""
        ids = pd.Index(self._ids.to_pandas(), dtype="str")
        categories = {"left_number": ids, "right_number": ids, "split": pd.Index(SPLITS, dtype="str")}
        columns = {
            name.replace("number", "id"): pd.Categorical.from_codes(
                np.concatenate(self._columns.pop(name)), of_column
            )
            for name, of_column in categories.items()
        }
        return pd.DataFrame(columns, copy=False)


def rows(listed: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs) -> pd.DataFrame:
    """Return each listed similarity of two songs, directed and repeated, with its split under protocol paper.

    A split that the source gives is kept. If it has no val, a tenth of the pairs that are in train alone
    becomes val, each pair with all its rows, so that val repeats neither train nor test. Without a given
    split exactly `paper_shares` of all rows become train, val and test at random. Rows between two tracks of
    the same song are left out.

    Args:
        listed: tables.LISTED.
        songs: tables.SONGS.
        choices: seed and shares.

    Returns:
        tables.ROWS, sorted.

    Raises:
        ValueError: listed names an id that no song has.
    """
    with connect() as engine:
        engine.register("listed", listed)
        similarities = Listed(engine, songs, choices)
        return _frame(similarities.rows(), similarities.ids, tables.ROWS)


def pairs(
    rows_listed: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, *, gives_split: bool
) -> pd.DataFrame:
    """Return each unordered pair of songs once, with its split under protocol songs, or the given split.

    Args:
        rows_listed: tables.ROWS.
        songs: tables.SONGS.
        choices: the test fold.
        gives_split: whether the source gives the split; a pair whose rows name several is in the smallest of
            them. So none is emptied: a test that repeats all of train keeps its other pairs.

    Returns:
        tables.PAIRS, sorted; similarity is the mean of the pair's rows.
    """
    with connect() as engine:
        ids = _number(engine, songs)
        engine.register("named_rows", rows_listed)
        engine.create_table("rows_listed", pairs_sql.NUMBERED_ROWS)
        return _frame(_pairs(engine, choices, gives_split=gives_split), ids, tables.PAIRS)


def _pairs(engine: Engine, choices: params.Pairs, *, gives_split: bool) -> Iterator[pa.Table]:
    test = choices.test_fold
    rank, split = "1", pairs_sql.SPLIT_BY_FOLD.format(test=test, val=val_fold(test))
    if gives_split:
        sizes = engine.frame(pairs_sql.SIZES_OF_SPLITS)
        n_rows = dict(zip(sizes["split_code"].tolist(), sizes["n_rows"].tolist(), strict=True))
        order = sorted(_CODES, key=lambda code: n_rows.get(code, 0))
        rank = pairs_sql.RANK.format(*order)
        split = pairs_sql.GIVEN_SPLIT.format(*(_CODES[code] for code in order))
    query = pairs_sql.PAIRS.format(rank=rank, split=split)
    blocks = _blocks(engine, "least(left_number, right_number)", "rows_listed")
    return engine.batches([query.format(**block) for block in blocks])


def _number(engine: Engine, songs: pd.DataFrame) -> pa.Array:
    """Create the table `numbers` of songs, and return song ids by number."""
    engine.register("folds", songs.filter(["song_id", "fold"]))
    engine.create_table("numbers", pairs_sql.NUMBERS)
    ids = engine.frame("select song_id from numbers order by number")
    return pa.array(ids["song_id"], pa.string())


def _blocks(engine: Engine, number: str, table: str) -> list[dict[str, int]]:
    """Return ranges, first to last, of song numbers with about _BLOCK rows each; a song is never divided."""
    counts = engine.frame(
        f"select number, count(*) as n_rows from (select {number} as number from {table}) songs "
        "group by number order by number"
    )
    block = counts["n_rows"].cumsum() // _BLOCK
    ends = counts.groupby(block)["number"].agg(first="min", last="max")
    blocks = [{"first": int(first), "last": int(last)} for first, last in ends.to_numpy()]
    return blocks or [{"first": 0, "last": 0}]


def _frame(batches: Iterable[pa.Table], ids: pa.Array, schema: pa.Schema) -> pd.DataFrame:
    return pa.concat_tables(with_song_ids(batch, ids, schema) for batch in batches).to_pandas()


def unlisted(
    pairs: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, *, gives_split: bool = False
) -> pd.DataFrame:
    """Return unlisted pairs of train and val under protocol songs, drawn uniformly without replacement.

    Args:
        pairs: tables.PAIRS.
        songs: tables.SONGS.
        choices: unlisted_ratio times a split's number of listed pairs is drawn, or all unlisted if fewer.
        gives_split: whether the source gives the split; then nothing is drawn.

    Returns:
        tables.UNLISTED, sorted; weight is how many unlisted pairs of the split each drawn pair represents.
        Empty where no song has a list.
    """
    split_of_song = songs["fold"].map(lambda fold: split_of(fold, choices.test_fold))
    types = {"left_id": "str", "right_id": "str", "split": "str", "weight": "float64"}
    drawn_pairs = [pd.DataFrame({name: [] for name in types}).astype(types)]
    for number, split in enumerate(() if gives_split else ("train", "val")):
        of_split = pairs.loc[pairs["split"] == split]
        observed = Observed.of(songs.loc[split_of_song == split], pairs)
        listed = observed.numbers(of_split)
        available = observed.n_pairs - len(listed)
        n_drawn = int(choices.unlisted_ratio * len(of_split) + 0.5)
        drawn = np.random.default_rng([choices.seed, number]).choice(
            available, min(n_drawn, available), replace=False, shuffle=False
        )
        # From the rank among unlisted pairs to the pair's number: skip the listed pairs that come before it.
        drawn += np.searchsorted(listed - np.arange(len(listed)), drawn, side="right")
        weight = available / max(1, len(drawn))
        drawn_pairs.append(observed.pairs(drawn).assign(split=split, weight=weight))
    unsorted = pd.concat(drawn_pairs, ignore_index=True)
    # By numbers: strings take ten times as long to sort.
    ids = pd.Index(sorted(songs["song_id"]), dtype="str")
    order = np.lexsort([ids.get_indexer(pd.Index(unsorted[side])) for side in ("right_id", "left_id")])
    return unsorted.iloc[order].reset_index(drop=True)


def of_fold(rows: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, fold: int) -> Listings:
    """Return the pair sets with this test fold in place of that of `choices`, under protocol songs.

    Args:
        rows: tables.ROWS.
        songs: tables.SONGS.
        choices: how many unlisted pairs are drawn.
        fold: 0 to 4.
    """
    choices = choices.model_copy(update={"test_fold": fold})
    each_once = pairs(rows, songs, choices, gives_split=False)
    return Listings(rows, each_once, unlisted(each_once, songs, choices))
