"""Assign songs to the splits train, val and test.

Under protocol `songs` by the song's fold, under `given` by the pairs that contain it.
"""

import hashlib

import numpy as np
import pandas as pd

from neuralist.config.params import N_FOLDS

SPLITS = ("train", "val", "test")
MIN_PAIRS = 30  # of val or test; with fewer, one pair more or less moves every figure


def fold(group_id: str) -> int:
    """Return the fold of a song and its covers, 0 to 4; it does not change as songs are added."""
    return int(hashlib.sha256(group_id.encode()).hexdigest(), 16) % N_FOLDS


def val_fold(test_fold: int) -> int:
    """Return the fold of val: the one after the test fold."""
    return (test_fold + 1) % N_FOLDS


def split_of(fold: int, test_fold: int) -> str:
    """Return the split (train, val or test) of the songs of a fold."""
    return {test_fold: "test", val_fold(test_fold): "val"}.get(fold, "train")


def songs_of(songs: pd.DataFrame, pairs: pd.DataFrame, *, by_fold: bool) -> dict[str, np.ndarray]:
    """Return masks of the songs of each split, from its pairs: split to bool (n_songs,).

    Args:
        songs: tables.SONGS.
        pairs: pairs or rows with a split.
        by_fold: a split has all songs of the folds that its pairs are from, as under protocol `songs`; else
            the songs of its pairs, which may be in several splits.
    """
    masks = {}
    for split in SPLITS:
        in_split = pairs.loc[pairs["split"] == split]
        in_pairs = songs["song_id"].isin(in_split["left_id"]) | songs["song_id"].isin(in_split["right_id"])
        chosen = songs["fold"].isin(songs.loc[in_pairs, "fold"]) if by_fold else in_pairs
        masks[split] = chosen.to_numpy(bool)
    return masks


def describe_small(scored: pd.DataFrame) -> list[str]:
    """Return sentences on val and on test where they have fewer than MIN_PAIRS listed pairs, or one grade.

    Args:
        scored: from pair_sets.Listings.scored.
    """
    sentences = []
    for split in SPLITS[1:]:
        pairs = scored.loc[scored["split"] == split]
        grades, n_listed = pairs["similarity"], int(pairs["listed"].sum())
        if not n_listed:
            sentences.append(f"{split} has no listed pairs.")
        elif n_listed < MIN_PAIRS:
            sentences.append(
                f"{split} has fewer than {MIN_PAIRS} listed pairs ({n_listed}): its figures say little."
            )
        if grades.nunique() == 1:
            sentences.append(
                f"{split} has one grade only, {grades.iloc[0]:g}: it tells no model from another."
            )
    return sentences


def lyrics_of(songs: pd.DataFrame, pairs: pd.DataFrame, *, by_fold: bool) -> dict[str, list[str]]:
    """Return the lyrics of each split's songs, see `songs_of`; songs in no split count as train."""
    masks = songs_of(songs, pairs, by_fold=by_fold)
    masks["train"] = masks["train"] | ~(masks["val"] | masks["test"])
    return {split: songs.loc[mask, "lyrics"].tolist() for split, mask in masks.items()}
