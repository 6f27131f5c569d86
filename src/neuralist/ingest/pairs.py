"""Listed similarities -> rows (as listed), pairs (each once), cut into train, val and test; unlisted pairs.

Input: tables listed and songs; output: tables rows, pairs and unlisted of `neuralist.data.tables`. The SQL is
that of `neuralist.ingest.pairs_sql`, run by an engine that need not hold the tables; what unlisted pairs are,
see `neuralist.data.observed`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config import params
from neuralist.data import tables
from neuralist.data.observed import Observed
from neuralist.data.splits import split_of, val_fold
from neuralist.engine.connect import connect
from neuralist.engine.protocol import Engine, named
from neuralist.ingest import pairs_sql

SPLITS = ("test", "train", "unused", "val")
_GIVEN_SHARE = 0.1  # of the pairs that stand in train alone, where a given split has no val
_BLOCK = 2**22  # rows sorted at once
_ONE = "case when left_number < right_number then left_number else right_number end"


class Listed:
    """The listed similarities of songs in an engine, from which rows and pairs are made.

    Args:
        engine: one that has the view `listed`.
        songs: tables.SONGS, of which song_id, fold and track_ids are used.
        choices: seed, shares and the test fold.

    Raises:
        ValueError: listed names an id that no song has.
    """

    def __init__(self, engine: Engine, songs: pd.DataFrame, choices: params.Pairs) -> None:
        self._engine, self._choices = engine, choices
        self.ids = _number(engine, songs)
        tracks = songs.filter(["song_id", "track_ids"]).explode(column="track_ids").dropna()
        named_tracks = {"track_id": tracks["track_ids"], "song_id": tracks["song_id"]}
        engine.register("tracks", pd.DataFrame(named_tracks, dtype="str"))
        engine.make("numbered_tracks", "select track_id, number from tracks join numbers using (song_id)")
        engine.make("joined", pairs_sql.JOINED)
        self._check()
        self.given = engine.number("select count(*) from joined where part is not null") > 0
        self.n_listed = engine.number("select count(*) from joined")
        blocks = _blocks(engine, "left_number", "joined")
        engine.make(
            "drawn", *(self._filled(pairs_sql.DRAWN, first=first, last=last) for first, last in blocks)
        )
        engine.drop("joined")
        engine.make("buckets", self._filled(pairs_sql.BUCKETS))
        engine.make("placed", self._filled(pairs_sql.PLACED))
        engine.make("given_val", self._filled(pairs_sql.GIVEN_VAL))

    def _filled(self, query: str, **numbers: int) -> str:
        train, val, _ = self._choices.paper_shares
        shares = {"train": train, "train_val": train + val, "given_val": _GIVEN_SHARE}
        return query.format(seed=self._choices.seed, **shares, **numbers)

    def _check(self) -> None:
        nowhere = "left_number is null or right_number is null"
        unknown = self._engine.number(f"select count(*) from joined where {nowhere}")
        if unknown:
            known = "(select track_id from numbered_tracks)"
            first = self._engine.frame(
                f"select source_id, target_id from listed where source_id not in {known} "
                f"or target_id not in {known} limit 1"
            ).astype("str")
            raise ValueError(
                f"listed: {unknown:,} rows name an id that no song has, the first "
                f"{first['source_id'].iloc[0]!r} with {first['target_id'].iloc[0]!r}; run `dvc repro songs`"
            )

    def rows(self) -> Iterator[pa.Table]:
        """Batches of `rows`, sorted, with numbers of songs."""
        blocks = _blocks(self._engine, "left_number", "drawn")
        queries = [self._filled(pairs_sql.ROWS, first=first, last=last) for first, last in blocks]
        return self._engine.batches(queries)

    def pairs(self) -> Iterator[pa.Table]:
        """Batches of `pairs`, sorted, with numbers of songs."""
        # Where no split is given, the parts of pairs hang on their songs alone.
        cut = pairs_sql.CUT.format(first=0, last=len(self.ids))
        self._engine.view("rows_listed", cut if self.given else "select * from drawn")
        return _pairs(self._engine, self._choices, given=self.given)


class Written:
    """Batches of rows or pairs on their way to a file: how many fell where and, if asked, which.

    Args:
        ids: song ids by number.
        schema: tables.ROWS or tables.PAIRS.
        keep: whether `frame` will be asked for.

    Attributes:
        splits: rows of each split so far.
    """

    def __init__(self, ids: pa.Array, schema: pa.Schema, *, keep: bool = False) -> None:
        self._ids, self._schema, self._keep = ids, schema, keep
        self._kept: dict[str, list[np.ndarray]] = {
            name: [] for name in ("left_number", "right_number", "split")
        }
        self.splits: Counter[str] = Counter()

    def named(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same batches with the songs' ids."""
        for batch in batches:
            splits = pd.Categorical(batch["split"].to_pandas(), categories=SPLITS)
            counts = np.bincount(splits.codes, minlength=len(SPLITS)).tolist()
            self.splits.update({name: count for name, count in zip(SPLITS, counts, strict=True) if count})
            if self._keep:
                self._kept["split"].append(splits.codes)
                for name in ("left_number", "right_number"):
                    self._kept[name].append(batch[name].to_numpy())
            yield named(batch, self._ids, self._schema)

    def frame(self) -> pd.DataFrame:
        """left_id, right_id and split of all that was written, as categories of a few bytes; ask once."""
        ids = pd.Index(self._ids.to_pandas(), dtype="str")
        kinds = {"left_number": ids, "right_number": ids, "split": pd.Index(SPLITS, dtype="str")}
        columns = {
            name.replace("number", "id"): pd.Categorical.from_codes(
                np.concatenate(self._kept.pop(name)), kind
            )
            for name, kind in kinds.items()
        }
        return pd.DataFrame(columns, copy=False)


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
    with connect() as engine:
        engine.register("listed", listed)
        found = Listed(engine, songs, choices)
        return _frame(found.rows(), found.ids, tables.ROWS)


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
    with connect() as engine:
        ids = _number(engine, songs)
        engine.register("named_rows", rows_listed)
        engine.make("rows_listed", pairs_sql.NUMBERED_ROWS)
        return _frame(_pairs(engine, choices, given=given), ids, tables.PAIRS)


def _pairs(engine: Engine, choices: params.Pairs, *, given: bool) -> Iterator[pa.Table]:
    test = choices.test_fold
    split = pairs_sql.GIVEN if given else pairs_sql.BY_FOLD.format(test=test, val=val_fold(test))
    query = pairs_sql.PAIRS.format(split=split)
    blocks = _blocks(engine, _ONE, "rows_listed")
    return engine.batches([query.format(first=first, last=last) for first, last in blocks])


def _number(engine: Engine, songs: pd.DataFrame) -> pa.Array:
    """Make the table `numbers` of songs, and give their ids by number."""
    engine.register("folds", songs.filter(["song_id", "fold"]))
    engine.make("numbers", pairs_sql.NUMBERS)
    ids = engine.frame("select song_id from numbers order by number")
    return pa.array(ids["song_id"], pa.string())


def _blocks(engine: Engine, song: str, table: str) -> list[tuple[int, int]]:
    """Songs, from first to last, whose rows are sorted together: some _BLOCK rows, or one song's."""
    counts = engine.frame(
        f"select number, count(*) as n_rows from (select {song} as number from {table}) songs "
        "group by number order by number"
    )
    block = counts["n_rows"].cumsum() // _BLOCK
    ends = counts.groupby(block)["number"].agg(["min", "max"])
    return [(int(first), int(last)) for first, last in ends.to_numpy()] or [(0, 0)]


def _frame(batches: Iterable[pa.Table], ids: pa.Array, schema: pa.Schema) -> pd.DataFrame:
    return pa.concat_tables(named(batch, ids, schema) for batch in batches).to_pandas()


def unlisted(
    pairs: pd.DataFrame, songs: pd.DataFrame, choices: params.Pairs, *, given: bool = False
) -> pd.DataFrame:
    """Unlisted pairs of train and of val under the protocol songs, drawn evenly, each at most once.

    Args:
        pairs: tables.PAIRS.
        songs: tables.SONGS.
        choices: unlisted_ratio times a split's listed pairs are drawn, or all unlisted if they are fewer.
        given: whether the source gives the split; then nothing is drawn.

    Returns:
        tables.UNLISTED, sorted; weight is how many unlisted pairs of the split each one stands for. Empty
        where no song has a list.
    """
    split_of_song = songs["fold"].map(lambda fold: split_of(fold, choices.test_fold))
    types = {"left_id": "str", "right_id": "str", "split": "str", "weight": "float64"}
    drawn_pairs = [pd.DataFrame({name: [] for name in types}).astype(types)]
    for number, split in enumerate(() if given else ("train", "val")):
        of_split = pairs.loc[pairs["split"] == split]
        observed = Observed.of(songs.loc[split_of_song == split], pairs)
        listed = observed.numbers(of_split)
        available = observed.n_pairs - len(listed)
        wanted = int(choices.unlisted_ratio * len(of_split) + 0.5)
        drawn = np.random.default_rng([choices.seed, number]).choice(
            available, min(wanted, available), replace=False, shuffle=False
        )
        # Before unlisted pair r stand those listed pairs that have at most r unlisted ones before themselves.
        drawn += np.searchsorted(listed - np.arange(len(listed)), drawn, side="right")
        weight = available / max(1, len(drawn))
        drawn_pairs.append(observed.pairs(drawn).assign(split=split, weight=weight))
    made = pd.concat(drawn_pairs, ignore_index=True)
    # By numbers: strings take ten times as long to sort.
    ids = pd.Index(sorted(songs["song_id"]), dtype="str")
    order = np.lexsort([ids.get_indexer(pd.Index(made[side])) for side in ("right_id", "left_id")])
    return made.iloc[order].reset_index(drop=True)
