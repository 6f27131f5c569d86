"""Load the graded pairs that a model is pretrained on (`pretrain_on`).

Input: the tables pretraining_songs and pretraining_pairs. Output: songs and a listing as
`neuralist.data.pair_sets` makes it, a tenth of its pairs in val. Mueller & Thyagarajan (2016)
pretrain on the pairs of SemEval 2013's similarity task.
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
    """Pretraining pairs and their texts.

    Attributes:
        songs: song_id, lyrics.
        listing: left_id, right_id, similarity, split, weight, listed.
        n_excluded: number of pairs left out, because one of their texts is in the task's val or test.
    """

    songs: pd.DataFrame
    listing: pd.DataFrame
    n_excluded: int = 0

    def __str__(self) -> str:
        """Describe the numbers of used and excluded pairs."""
        excluded = f"; {self.n_excluded:,} not used: a text of the task's val or test"
        return f"pretraining: {len(self.listing):,} pairs{excluded if self.n_excluded else ''}"


def load(
    folder: Path,
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    segmenter: str | None = None,
) -> Graded | None:
    """Read the pretraining pairs of an experiment, None if it has none; see `prepare`.

    Args:
        folder: holds songs.parquet and pairs.parquet of stage pretraining.
        settings: of the experiment.
        songs: the task's, tables.SONGS.
        listing: the task's.
        segmenter: see `prepare`.

    Raises:
        ValueError: a table is missing, or each pair has a text of the task's val or test.
    """
    if settings.pretrain_on is None:
        return None
    texts = parquet.read(folder / "songs.parquet", tables.PRETRAINING_SONGS)
    pairs = parquet.read(folder / "pairs.parquet", tables.PRETRAINING_PAIRS)
    return prepare(texts, pairs, settings, songs, listing, segmenter)


def prepare(
    texts: pd.DataFrame,
    pairs: pd.DataFrame,
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    segmenter: str | None = None,
) -> Graded:
    """Split the pairs, and leave out those with a text of the task's val or test.

    Args:
        texts: tables.PRETRAINING_SONGS.
        pairs: tables.PRETRAINING_PAIRS.
        settings: of the experiment.
        songs: the task's, tables.SONGS.
        listing: the task's.
        segmenter: of the experiment's word vectors, by which it reads texts.

    Raises:
        ValueError: no pair is left.
    """
    graded = split(texts, pairs, settings.seed)
    return exclude_evaluation_texts(graded, songs, listing, TokenWindowing.of(settings, segmenter))


def split(songs: pd.DataFrame, pairs: pd.DataFrame, seed: int) -> Graded:
    """Split the pairs at random: a tenth in val, the others in train.

    Args:
        songs: tables.PRETRAINING_SONGS.
        pairs: tables.PRETRAINING_PAIRS.
        seed: of the random split.
    """
    is_val = np.random.default_rng(seed).permutation(len(pairs)) < int(VAL_SHARE * len(pairs))
    listing = pairs.assign(split=np.where(is_val, "val", "train"), weight=1.0, listed=True)
    return Graded(songs, listing)


def exclude_evaluation_texts(
    graded: Graded, songs: pd.DataFrame, listing: pd.DataFrame, windowing: TokenWindowing
) -> Graded:
    """Leave out pairs with a text of the task's val or test; texts are equal if their tokens are.

    Args:
        graded: from `split`.
        songs: the task's, tables.SONGS.
        listing: the task's.
        windowing: how texts become tokens.

    Raises:
        ValueError: no pair is left.
    """
    evaluation_pairs = listing[listing["split"].isin(["val", "test"])]
    is_evaluation_song = songs["song_id"].isin([*evaluation_pairs["left_id"], *evaluation_pairs["right_id"]])
    evaluation_texts = {tuple(windowing.split(text)) for text in songs.loc[is_evaluation_song, "lyrics"]}
    excluded_songs = graded.songs.loc[
        [tuple(windowing.split(text)) in evaluation_texts for text in graded.songs["lyrics"]], "song_id"
    ]
    is_excluded = np.isin(graded.listing[["left_id", "right_id"]], excluded_songs).any(axis=1)
    if is_excluded.all():
        raise ValueError(
            f"pretrain_on: each of the {len(graded.listing):,} pairs holds a text of the task's val or test; "
            "give other pairs"
        )
    return Graded(graded.songs, pd.DataFrame(graded.listing[~is_excluded]), int(is_excluded.sum()))
