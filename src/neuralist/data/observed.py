"""The observed songs of a split, and their observable pairs by number.

A song is observed when it has a list or is in a listed pair. A pair of observed songs that no row lists
is unlisted when one of them has a list; otherwise it is unknown, and never used.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Observed:
    """The observed songs of a split, and a numbering of their observable pairs that stores no pair.

    Songs with a list come first, then the others, each sorted by id. Pair (i, j) of positions in that order,
    i < j, is observable when song i has a list; pairs are numbered row by row.

    Attributes:
        songs: song ids, (n_songs,).
        n_lists: number of songs with a list.
    """

    songs: pd.Index
    n_lists: int

    @classmethod
    def of(cls, songs: pd.DataFrame, pairs: pd.DataFrame) -> "Observed":
        """Select the `songs` of a split that have a list or are in `pairs` (tables.PAIRS, of all splits)."""
        with_list = songs["has_list"].to_numpy(bool)
        is_listed = songs["song_id"].isin([*pairs["left_id"].unique(), *pairs["right_id"].unique()])
        kinds = (songs.loc[with_list, "song_id"], songs.loc[is_listed & ~with_list, "song_id"])
        return cls(pd.Index([*sorted(kinds[0]), *sorted(kinds[1])], dtype="str"), len(kinds[0]))

    @property
    def n_pairs(self) -> int:
        """The number of observable pairs, including the listed ones."""
        return int(self._starts[-1])

    @cached_property
    def _starts(self) -> np.ndarray:
        """The number of the first pair of each song with a list, and the number of all pairs."""
        rows = np.arange(self.n_lists + 1, dtype=np.int64)
        return rows * (len(self.songs) - 1) - rows * (rows - 1) // 2

    def numbers(self, listed: pd.DataFrame) -> np.ndarray:
        """Return the numbers of the observable pairs in a table, int64, ascending."""
        left, right = (_positions(self.songs, listed, side) for side in ("left_id", "right_id"))
        first, second = np.minimum(left, right).astype(np.int64), np.maximum(left, right)
        observable = first < self.n_lists
        return np.sort(self._starts[first[observable]] + (second - first - 1)[observable])

    def pairs(self, numbers: np.ndarray) -> pd.DataFrame:
        """Return the pairs with these numbers, in their order: columns left_id < right_id."""
        first = np.searchsorted(self._starts, numbers, side="right") - 1
        second = numbers - self._starts[first] + first + 1
        order = self.songs.argsort()
        ranks, ids = order.argsort(), self.songs[order]
        left, right = np.minimum(ranks[first], ranks[second]), np.maximum(ranks[first], ranks[second])
        return pd.DataFrame({"left_id": ids[left], "right_id": ids[right]}, dtype="str")


def _positions(songs: pd.Index, listed: pd.DataFrame, side: str) -> np.ndarray:
    """Return the position of each id; categories are looked up once each, since codes are many more."""
    ids = listed[side]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return songs.get_indexer(ids.cat.categories)[ids.cat.codes]
    return songs.get_indexer(pd.Index(ids))
