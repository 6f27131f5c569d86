"""The songs of a part of which it is known what is similar to them, and their pairs, by number.

A song is observed when it has a list or stands in a listed pair. A pair of observed songs that no row lists
is unlisted when one of them has a list; else nobody looked, it is unknown, and it is never used.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd


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
        listed = _distinct(pairs).get_indexer(pd.Index(songs["song_id"])) >= 0
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
        left, right = (_places(self.songs, listed, side) for side in ("left_id", "right_id"))
        first, second = np.minimum(left, right).astype(np.int64), np.maximum(left, right)
        observable = first < self.n_lists
        return np.sort(self._starts[first[observable]] + (second - first - 1)[observable])

    def pairs(self, numbers: np.ndarray) -> pd.DataFrame:
        """The pairs of these numbers, in their order: columns left_id < right_id."""
        first = np.searchsorted(self._starts, numbers, side="right") - 1
        second = numbers - self._starts[first] + first + 1
        order = self.songs.argsort()
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order))
        one, other = ranks[first], ranks[second]
        ids = self.songs[order]
        return pd.DataFrame(
            {"left_id": ids[np.minimum(one, other)], "right_id": ids[np.maximum(one, other)]}, dtype="str"
        )


def _distinct(pairs: pd.DataFrame) -> pd.Index:
    sides = [pairs[side] for side in ("left_id", "right_id")]
    if not all(isinstance(ids.dtype, pd.CategoricalDtype) for ids in sides):
        return pd.Index([*{*sides[0].unique(), *sides[1].unique()}], dtype="str")
    found: set[str] = set()
    for ids in sides:
        stands = np.zeros(len(ids.cat.categories), dtype=bool)
        stands[ids.cat.codes] = True
        found.update(ids.cat.categories[stands].tolist())
    return pd.Index([*found], dtype="str")


def _places(songs: pd.Index, listed: pd.DataFrame, side: str) -> np.ndarray:
    """The place of each id; of categories, whose codes are many more, once each."""
    ids = listed[side]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return songs.get_indexer(ids.cat.categories)[ids.cat.codes]
    return songs.get_indexer(pd.Index(ids))
