"""Bootstrap resamples of songs, which all intervals are computed from.

A resample draws as many songs as there are, with replacement, and weighs each pair by the product of its
songs' counts: pairs that share a song are not independent, and drawing pairs alone gives intervals 2.2
times too narrow.
"""

from collections.abc import Iterator

import numpy as np

# 1.6 MB, so that a chunk of resamples stays in a core's cache (twice as fast as 8 MB).
_WEIGHTS_PER_CHUNK = 200_000


def pair_weights(left: np.ndarray, right: np.ndarray, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the weight of each pair in each resample, float64 (chunk, n_pairs); the first row is of ones.

    Args:
        left: int64 (n_pairs,), any numbering of the songs.
        right: as left.
        n_resamples: number of resamples of the songs in left and right.
        seed: of the random numbers; resample k does not depend on how many there are.
    """
    songs, positions = np.unique(np.concatenate([left, right]), return_inverse=True)
    left, right = positions[: len(left)], positions[len(left) :]
    for counts in song_counts(len(songs), len(left), n_resamples, seed):
        yield (counts[:, left] * counts[:, right]).astype(np.float64)


def song_counts(n_songs: int, n_weights: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each song is drawn, int64 (chunk, n_songs): 1 + n_resamples rows, the first of ones.

    Args:
        n_songs: number of songs to draw from, with replacement, and number of songs in a resample.
        n_weights: number of weights that the caller computes from a row; it limits the rows of a chunk.
        n_resamples: number of resamples.
        seed: of the random numbers; resample k does not depend on how many there are.
    """
    chunk_size = max(1, _WEIGHTS_PER_CHUNK // max(1, n_weights))
    for start in range(0, n_resamples + 1, chunk_size):
        numbers = range(start, min(start + chunk_size, n_resamples + 1))
        yield np.stack([_resample(n_songs, k, seed) for k in numbers])


def _resample(n_songs: int, k: int, seed: int) -> np.ndarray:
    if k == 0:
        return np.ones(n_songs, dtype=np.int64)
    drawn = np.random.default_rng([seed, k]).integers(n_songs, size=n_songs)
    return np.bincount(drawn, minlength=n_songs)
