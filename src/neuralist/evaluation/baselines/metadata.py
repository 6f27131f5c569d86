"""Baselines from metadata: artist, year and tags, and how often a song occurs in the sources."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, special

from neuralist.evaluation.baselines.common import Pairs, Scores, TrainingPairs, inner_products

TREE_FEATURES = ("same_artist", "year_gap", "tags", "lastfm_tags")


def scores(songs: pd.DataFrame, training: TrainingPairs, pairs: Pairs) -> dict[str, Scores]:
    """Return each baseline's scores in [0, 1], NaN where a song lacks the value.

    A baseline without a value for any training pair is left out; so is one from a song's counts that is the
    same for all training pairs.
    """
    scorers = {"same_artist": same_artist, "year_gap": year_closeness, "tags": tag_overlap}
    both = {name: (score(songs, training.pairs), score(songs, pairs)) for name, score in scorers.items()}
    weights = lastfm_weights(songs, training.songs)
    both["lastfm_tags"] = lastfm_cosine(weights, training.pairs), lastfm_cosine(weights, pairs)
    by_baseline = {name: scores for name, scores in both.items() if not np.isnan(scores[0]).all()}
    song_counts = {
        "has_list": songs["has_list"].to_numpy(dtype=np.float64),
        "degree": np.log1p(degree(training, len(songs))),
        "n_tracks": np.log1p(songs["track_ids"].map(len).to_numpy(dtype=np.float64)),
    }
    for name, values in song_counts.items():
        scaled = values / (2 * values.max(initial=0) or 1)
        of_training = scaled[training.pairs.left] + scaled[training.pairs.right]
        if np.ptp(of_training) > 0:
            by_baseline[name] = of_training, scaled[pairs.left] + scaled[pairs.right]
    return by_baseline


def same_artist(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 where both songs have the same artist, else 0; NaN where an artist is missing."""
    codes, _ = pd.factorize(songs["artist"].str.strip().str.casefold())
    left, right = codes[pairs.left], codes[pairs.right]
    return np.where((left < 0) | (right < 0), np.nan, left == right)


def year_closeness(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 / (1 + years between the songs); NaN where a year is missing."""
    years = songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)
    return 1 / (1 + np.abs(years[pairs.left] - years[pairs.right]))


def tag_overlap(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """Jaccard index of the songs' tags, in common / of either; NaN where a song has no tag."""
    tags = [[] if names is None else sorted(set(names)) for names in songs["tags"]]
    codes, _ = pd.factorize(np.array([tag for names in tags for tag in names], dtype=object))
    counts = np.array([len(names) for names in tags])
    starts = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(songs), int(codes.max(initial=0)) + 1)
    incidence = sparse.csr_array((np.ones(len(codes)), codes, starts), shape=shape)
    common = inner_products(incidence, pairs)
    left, right = counts[pairs.left], counts[pairs.right]
    both_tagged = (left > 0) & (right > 0)
    return np.divide(common, left + right - common, out=np.full(len(common), np.nan), where=both_tagged)


def lastfm_weights(songs: pd.DataFrame, train: np.ndarray) -> sparse.csr_array:
    """Weigh each song's Last.fm tags: its weight there, 0 to 1, times the tag's rarity among songs `train`.

    Rarity is scikit-learn's smooth inverse document frequency, over the songs `train` that have tags.

    Returns:
        float64 (n_songs, n_tags); rows have length 1, or are zero for a song without tags.
    """
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfTransformer

    columns = (songs["lastfm_tags"], songs["lastfm_weights"])
    tags = [
        {}
        if names is None
        else {name: weight / 100 for name, weight in zip(names, own, strict=True) if weight}
        for names, own in zip(*columns, strict=True)
    ]
    tagged = [song for song in train if tags[song]]
    if not tagged:
        return sparse.csr_array((len(songs), 0))
    incidence = sparse.csr_array(DictVectorizer().fit_transform(tags))
    return sparse.csr_array(TfidfTransformer().fit(incidence[tagged]).transform(incidence))


def lastfm_cosine(weights: sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """Cosine of the songs' weighed Last.fm tags; NaN where a song has none."""
    has_tags = np.diff(weights.indptr) > 0
    cosine = np.clip(inner_products(weights, pairs), 0, 1)
    return np.where(has_tags[pairs.left] & has_tags[pairs.right], cosine, np.nan)


def degree(training: TrainingPairs, n_songs: int) -> np.ndarray:
    """Estimate the number of listed pairs each song is in from its pairs across splits; float64 (n_songs,).

    Pairs within a split are the ones to score, so counting them would leak the answer. The count of the
    others is scaled up from the songs of the other splits to all songs.
    """
    across = training.splits[training.listed.left] != training.splits[training.listed.right]
    n_listed = np.bincount(np.concatenate([side[across] for side in training.listed]), minlength=n_songs)
    _, split, sizes = np.unique(training.splits, return_inverse=True, return_counts=True)
    return n_listed * n_songs / np.maximum(n_songs - sizes[split], 1)


def trees(features: Sequence[Scores], training: TrainingPairs) -> np.ndarray:
    """Predict similarity by boosted regression trees, in which no feature that rises lowers the prediction.

    A song with a list more often has tags, so that a missing value would tell listed pairs from others by
    itself: it counts as the mean of the training pairs that have the value.

    Args:
        features: scores of the training pairs and of those to predict, NaN where missing; each is known for
            some training pair.
        training: the similarities to fit.

    Returns:
        Similarities in [0, 1], float64.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    filled = [_filled(scores, training.weight) for scores in features]
    train_scores, pair_scores = (np.column_stack(columns) for columns in zip(*filled, strict=True))
    if not len(pair_scores):
        return np.zeros(0)
    # On five real val folds, listed_auc and nDCG@10: 0.902 and 0.422; a single tree 0.868 and 0.379. Poisson
    # loss is worse; missing values as they are rank alike (a difference of 0.001).
    options: Any = {"max_leaf_nodes": 15, "early_stopping": False, "random_state": 0}
    model = HistGradientBoostingRegressor(monotonic_cst=[1] * len(filled), **options)
    weight = training.weight / training.weight.mean()
    with threadpool_limits(1):  # On a busy machine threads wait for each other: minutes in place of seconds.
        model.fit(train_scores, training.similarity, sample_weight=weight)
        predicted = model.predict(pair_scores)
    # Some are a little below 0; a millionth of another scale keeps the order of what is cut off there.
    return (1 - 1e-6) * np.clip(predicted, 0, 1) + 1e-6 * special.expit(predicted)


def _filled(scores: Scores, weight: np.ndarray) -> Scores:
    """Put the mean of the known training scores in place of missing ones."""
    known = ~np.isnan(scores[0])
    mean = np.average(scores[0][known], weights=weight[known])
    of_training, of_pairs = (np.where(np.isnan(own), mean, own) for own in scores)
    return of_training, of_pairs
