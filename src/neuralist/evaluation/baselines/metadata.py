"""Baselines that are not from lyrics: artist, year and tags, and how much the sources hold of a song."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import sparse

from neuralist.evaluation.baselines.common import Pairs, Scores, TrainingPairs, products

OF_SONGS = ("same_artist", "year_gap", "tags")


def scores(songs: pd.DataFrame, training: TrainingPairs, to_score: Pairs) -> dict[str, Scores]:
    """Scores in [0, 1] by baseline, NaN where a song lacks the value.

    A baseline that no training pair has a value for is left out; one of how much the sources hold also where
    all training pairs have the same.
    """
    pair_scores: dict[str, Callable[[pd.DataFrame, Pairs], np.ndarray]] = {
        "same_artist": same_artist,
        "year_gap": year_closeness,
        "tags": tag_overlap,
    }
    found = {
        name: (score(songs, training.pairs), score(songs, to_score)) for name, score in pair_scores.items()
    }
    found = {name: score for name, score in found.items() if not np.isnan(score[0]).all()}
    held = {
        "has_list": songs["has_list"].to_numpy(dtype=np.float64),
        "degree": np.log1p(degree(training, len(songs))),
        "n_tracks": np.log1p(songs["track_ids"].map(len).to_numpy(dtype=np.float64)),
    }
    for name, values in held.items():
        share = values / (2 * values.max(initial=0) or 1)
        of_train, of_scored = (share[pairs.left] + share[pairs.right] for pairs in (training.pairs, to_score))
        if np.ptp(of_train) > 0:
            found[name] = of_train, of_scored
    return found


def same_artist(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 where both songs name the same artist, else 0."""
    codes, _ = pd.factorize(songs["artist"].str.strip().str.casefold())
    left, right = codes[pairs.left], codes[pairs.right]
    return np.where((left < 0) | (right < 0), np.nan, left == right)


def year_closeness(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 / (1 + years between the songs)."""
    years = songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)
    return 1 / (1 + np.abs(years[pairs.left] - years[pairs.right]))


def tag_overlap(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """Jaccard index of the songs' tags: tags in common / tags of either."""
    tags = [[] if found is None else sorted(set(found)) for found in songs["tags"]]
    codes, _ = pd.factorize(np.array([tag for found in tags for tag in found], dtype=object))
    counts = np.array([len(found) for found in tags])
    starts = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(songs), int(codes.max(initial=0)) + 1)
    holds = sparse.csr_array((np.ones(len(codes)), codes, starts), shape=shape)
    common = products(holds, pairs)
    left, right = counts[pairs.left], counts[pairs.right]
    both_tagged = (left > 0) & (right > 0)
    return np.divide(common, left + right - common, out=np.full(len(common), np.nan), where=both_tagged)


def degree(training: TrainingPairs, n_songs: int) -> np.ndarray:
    """How many listed pairs each song is in, told from those with songs of other splits; float64 (n_songs,).

    Pairs within a split are what is asked for, so a count that held them would know some of the answer. The
    count of the others is scaled up from the songs of the other splits to all songs.
    """
    across = training.splits[training.listed.left] != training.splits[training.listed.right]
    count = np.bincount(np.concatenate([side[across] for side in training.listed]), minlength=n_songs)
    _, split, sizes = np.unique(training.splits, return_inverse=True, return_counts=True)
    return count * n_songs / np.maximum(n_songs - sizes[split], 1)


def tree(of_train: np.ndarray, training: TrainingPairs, of_scored: np.ndarray) -> np.ndarray:
    """A regression tree over the metadata scores (n, n_scores), which takes NaN as it is; 20 pairs a leaf."""
    from sklearn.tree import DecisionTreeRegressor

    if not len(of_scored):
        return np.zeros(0)
    # Boosted trees are no better and slow: average precision on real val rows 0.385 in 1 s, this 0.396.
    model = DecisionTreeRegressor(min_samples_leaf=20, random_state=0)
    return model.fit(of_train, training.similarity, sample_weight=training.weight).predict(of_scored)
