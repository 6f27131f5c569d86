"""Which songs are of train, val and test.

Under the protocol songs a song's fold decides, under `given` the pairs that name it.
"""

import hashlib

import numpy as np
import pandas as pd

from neuralist.config.params import N_FOLDS

SPLITS = ("train", "val", "test")


def fold(group_id: str) -> int:
    """The fold of a song and its covers, 0 to 4: the same for ever, whatever songs are added."""
    return int(hashlib.sha256(group_id.encode()).hexdigest(), 16) % N_FOLDS


def val_fold(test_fold: int) -> int:
    """The fold of val: the one after that of test."""
    return (test_fold + 1) % N_FOLDS


def split_of(fold: int, test_fold: int) -> str:
    """The split, train, val or test, that the songs of a fold belong to."""
    return {test_fold: "test", val_fold(test_fold): "val"}.get(fold, "train")


def songs_of(songs: pd.DataFrame, pairs: pd.DataFrame, *, by_fold: bool) -> dict[str, np.ndarray]:
    """The songs of train, val and test, as their pairs say: bool (n_songs,) by split.

    Args:
        songs: tables.SONGS.
        pairs: pairs or rows with a split.
        by_fold: whether all songs of the folds that a split's pairs come from are of it, as under protocol
            songs; else the songs that its pairs name, which may be in several splits.
    """
    masks = {}
    for split in SPLITS:
        inside = pairs.loc[pairs["split"] == split]
        named = songs["song_id"].isin(inside["left_id"]) | songs["song_id"].isin(inside["right_id"])
        masks[split] = (songs["fold"].isin(songs.loc[named, "fold"]) if by_fold else named).to_numpy(bool)
    return masks


def lyrics_of(songs: pd.DataFrame, pairs: pd.DataFrame, *, by_fold: bool) -> dict[str, list[str]]:
    """The lyrics of each split's songs, see `songs_of`; those of songs in no split are of train."""
    masks = songs_of(songs, pairs, by_fold=by_fold)
    masks["train"] = masks["train"] | ~(masks["val"] | masks["test"])
    return {split: songs.loc[mask, "lyrics"].tolist() for split, mask in masks.items()}
