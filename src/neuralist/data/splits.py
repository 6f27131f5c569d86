"""Which songs are of train, val and test.

Under the protocol songs a song's fold decides, under `given` the pairs that name it.
"""

import hashlib

import numpy as np
import pandas as pd

from neuralist.config.params import N_FOLDS


def fold(group_id: str) -> int:
    """The fold of a song and its covers, 0 to 4: the same for ever, whatever songs are added."""
    return int(hashlib.sha256(group_id.encode()).hexdigest(), 16) % N_FOLDS


def val_fold(test_fold: int) -> int:
    """The fold of val: the one after that of test."""
    return (test_fold + 1) % N_FOLDS


def part_of(fold: int, test_fold: int) -> str:
    """The part, train, val or test, that the songs of a fold belong to."""
    return {test_fold: "test", val_fold(test_fold): "val"}.get(fold, "train")


def parts(
    songs: pd.DataFrame, pairs: pd.DataFrame, test_fold: int, *, given: bool
) -> dict[str, pd.DataFrame]:
    """The songs of train, val and test: by fold, or by their pairs, when a song may be in several parts.

    Args:
        songs: tables.SONGS.
        pairs: tables.PAIRS.
        test_fold: the fold of test.
        given: whether the source gives the split, so that pairs decide; songs without any are of train.
    """
    named = {
        part: songs["song_id"].isin([*of_part["left_id"], *of_part["right_id"]])
        for part, of_part in pairs.groupby("split")
    }
    nowhere = pd.Series(data=False, index=songs.index)
    by_pairs = {part: named.get(part, nowhere) for part in ("train", "val", "test")}
    by_pairs["train"] = by_pairs["train"] | ~(by_pairs["val"] | by_pairs["test"])
    part_of_song = songs["fold"].map(lambda fold: part_of(fold, test_fold))
    by_fold = {part: part_of_song == part for part in by_pairs}
    return {part: pd.DataFrame(songs[mask]) for part, mask in (by_pairs if given else by_fold).items()}


def parts_of_songs(songs: pd.DataFrame, listed: pd.DataFrame, *, by_fold: bool) -> np.ndarray:
    """The part that each song is of, str (n_songs,): train, val, test, or "" for none.

    Args:
        songs: tables.SONGS.
        listed: pairs or rows with a split.
        by_fold: whether all songs of a fold are of the part of its pairs, as under the protocol songs; else a
            song is of train when a training pair names it, whatever other pairs do.
    """
    found = np.full(len(songs), "", dtype=object)
    for part in ("test", "val", "train"):
        inside = listed.loc[listed["split"] == part]
        named = songs["song_id"].isin(inside["left_id"]) | songs["song_id"].isin(inside["right_id"])
        if by_fold:
            named = songs["fold"].isin(songs.loc[named, "fold"])
        found[named] = part
    return found
