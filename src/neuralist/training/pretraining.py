"""Graded pairs on which a model is trained before the task's own (`pretrain_on`).

Input: the tables pretraining_songs and pretraining_pairs. Output: songs and a listing as
`neuralist.data.pair_sets` makes it, all pairs in train but every tenth in val. Mueller & Thyagarajan (2016)
begin with the pairs of SemEval 2013's task on similarity.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.text.tokenizer import TokenWindowing

VAL_SHARE = 0.1


class Graded(NamedTuple):
    """The pairs that a model is first trained on.

    Attributes:
        songs: song_id, lyrics.
        listing: left_id, right_id, similarity, split, weight, listed.
        n_held: pairs that are not used, since a text of theirs is in the task's val or test.
    """

    songs: pd.DataFrame
    listing: pd.DataFrame
    n_held: int = 0

    def __str__(self) -> str:
        """How many pairs there are, and how many are not used."""
        held = f"; {self.n_held:,} not used: a text of the task's val or test" if self.n_held else ""
        return f"pretraining: {len(self.listing):,} pairs{held}"


def load(
    folder: Path, settings: params.Experiment, songs: pd.DataFrame, listing: pd.DataFrame
) -> Graded | None:
    """Read the pairs that an experiment is first trained on, if it is; see `prepare`.

    Args:
        folder: holds songs.parquet and pairs.parquet of stage pretraining.
        settings: of the experiment.
        songs: the task's, tables.SONGS.
        listing: the task's.

    Raises:
        ValueError: a table is missing, or each pair holds a text of the task's val or test.
    """
    if settings.pretrain_on is None:
        return None
    texts = parquet.read(folder / "songs.parquet", tables.PRETRAINING_SONGS)
    pairs = parquet.read(folder / "pairs.parquet", tables.PRETRAINING_PAIRS)
    return prepare(texts, pairs, settings, songs, listing)


def prepare(
    texts: pd.DataFrame,
    pairs: pd.DataFrame,
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
) -> Graded:
    """Divide the pairs, and leave out those that hold a text of the task's val or test.

    Args:
        texts: tables.PRETRAINING_SONGS.
        pairs: tables.PRETRAINING_PAIRS.
        settings: of the experiment.
        songs: the task's, tables.SONGS.
        listing: the task's.

    Raises:
        ValueError: no pair is left.
    """
    return apart(split(texts, pairs, settings.seed), songs, listing, TokenWindowing.of(settings))


def split(songs: pd.DataFrame, pairs: pd.DataFrame, seed: int) -> Graded:
    """Put a tenth of the pairs in val, at random, and the others in train.

    Args:
        songs: tables.PRETRAINING_SONGS.
        pairs: tables.PRETRAINING_PAIRS.
        seed: of the choice.
    """
    is_val = np.random.default_rng(seed).permutation(len(pairs)) < int(VAL_SHARE * len(pairs))
    listing = pairs.assign(split=np.where(is_val, "val", "train"), weight=1.0, listed=True)
    return Graded(songs, listing)


def apart(graded: Graded, songs: pd.DataFrame, listing: pd.DataFrame, windowing: TokenWindowing) -> Graded:
    """Leave out pairs that hold a text of the task's val or test, its tokens compared.

    Args:
        graded: from `split`.
        songs: the task's, tables.SONGS.
        listing: the task's.
        windowing: how texts become tokens.

    Raises:
        ValueError: no pair is left.
    """
    held = listing[listing["split"].isin(["val", "test"])]
    is_held = songs["song_id"].isin([*held["left_id"], *held["right_id"]])
    barred = {tuple(windowing.split(text)) for text in songs.loc[is_held, "lyrics"]}
    same = graded.songs.loc[
        [tuple(windowing.split(text)) in barred for text in graded.songs["lyrics"]], "song_id"
    ]
    left_out = np.isin(graded.listing[["left_id", "right_id"]], same).any(axis=1)
    if left_out.all():
        raise ValueError(
            f"pretrain_on: each of the {len(graded.listing):,} pairs holds a text of the task's val or test; "
            "give other pairs"
        )
    return Graded(graded.songs, pd.DataFrame(graded.listing[~left_out]), int(left_out.sum()))
