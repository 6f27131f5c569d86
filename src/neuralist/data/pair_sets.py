"""The training and evaluation pairs of an experiment: listed pairs and unlisted pairs.

Input: tables rows, pairs, unlisted and songs. Output: pairs with similarity, split and weight.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.observed import Observed
from neuralist.data.splits import songs_of

COLUMNS = ["left_id", "right_id", "similarity", "split", "weight", "listed"]


class Pairs(NamedTuple):
    """The two songs of each pair: row numbers of the songs table, int64 (n_pairs,) each."""

    left: np.ndarray
    right: np.ndarray


def positions(songs: pd.DataFrame, listing: pd.DataFrame) -> Pairs:
    """Return the row numbers in `songs` of each pair's two songs.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    index = pd.Index(songs["song_id"])
    pairs = Pairs(*(index.get_indexer(pd.Index(listing[side])) for side in ("left_id", "right_id")))
    for side, side_positions in zip(("left_id", "right_id"), pairs, strict=True):
        if (side_positions < 0).any():
            unknown = listing[side].iloc[int(np.argmin(side_positions))]
            raise ValueError(f"{side} {unknown!r} is not in the songs table; run `dvc repro songs pairs`")
    return pairs


class Listings(NamedTuple):
    """The tables rows, pairs and unlisted."""

    rows: pd.DataFrame
    pairs: pd.DataFrame
    unlisted: pd.DataFrame

    @classmethod
    def load(cls, rows: Path, pairs: Path, unlisted: Path) -> "Listings":
        """Read the three tables.

        Raises:
            ValueError: a file is missing or has other columns.
        """
        return cls(
            parquet.read(rows, tables.ROWS),
            parquet.read(pairs, tables.PAIRS),
            parquet.read(unlisted, tables.UNLISTED),
        )

    def of(self, settings: params.Experiment) -> pd.DataFrame:
        """Return the training pairs of an experiment, by its protocol and target.

        Returns:
            Columns left_id, right_id, similarity, split, weight, listed (whether a row lists the pair).
            Paper: all rows. Else all pairs, and where the target is `observable` under the protocol songs the
            sample of unlisted pairs, with similarity 0 and the number of pairs that each represents as
            weight; all other weights are 1.
        """
        listed = (self.rows if settings.protocol == "paper" else self.pairs).assign(weight=1.0, listed=True)
        if settings.protocol != "songs" or settings.target == "listed_only":
            return listed.filter(COLUMNS)
        drawn = self.unlisted.assign(similarity=0.0, listed=False)
        return pd.concat([listed.filter(COLUMNS), drawn.filter(COLUMNS)], ignore_index=True)

    def scored(self, songs: pd.DataFrame, protocol: str) -> pd.DataFrame:
        """Return the val and test pairs of a protocol; under `songs` all observable pairs.

        Returns:
            The columns of `of`, all weights 1.
        """
        if protocol == "songs":
            by_split = (observable(songs, self.pairs, split) for split in ("val", "test"))
            return pd.concat(by_split, ignore_index=True)
        listed = self.rows if protocol == "paper" else self.pairs
        scored = listed[listed["split"].isin(["val", "test"])].assign(weight=1.0, listed=True)
        return scored.filter(COLUMNS).reset_index(drop=True)


def observable(songs: pd.DataFrame, pairs: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return all listed and unlisted pairs of a split, under protocol songs; see `neuralist.data.observed`.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS.
        split: train, val or test; its songs are those of the folds that its listed pairs come from.

    Returns:
        The columns of `Listings.of`, all weights 1, similarity 0 for unlisted pairs; listed pairs come first.
        Where no song has a list, all are listed.
    """
    listed = pairs.loc[pairs["split"] == split]
    listed_rows = listed.assign(weight=1.0, listed=True).filter(COLUMNS)
    observed = Observed.of(songs.loc[songs_of(songs, pairs, by_fold=True)[split]], pairs)
    is_listed = np.zeros(observed.n_pairs, dtype=bool)
    is_listed[observed.numbers(listed)] = True
    unlisted = observed.pairs(np.flatnonzero(~is_listed))
    unlisted = unlisted.assign(similarity=0.0, split=split, weight=1.0, listed=False)
    return pd.concat([listed_rows, unlisted], ignore_index=True).filter(COLUMNS)
