"""Bootstrap resamples of songs, which all intervals are computed from.

A resample draws as many songs as there are, with replacement, and weighs each pair by the product of its
songs' counts: pairs that share a song are not independent, and drawing pairs alone gives intervals 2.2
times too narrow.
"""

from collections.abc import Iterator

import numpy as np

# 1.6 MB, so that a chunk of resamples stays in a core's cache (twice as fast as 8 MB).
_WEIGHTS_PER_CHUNK = 200_000


def pair_weights(left: np.ndarray, right: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the weight of each pair in each resample, float64 (chunk, n_pairs); the first row is of ones.

    Args:
        left: int64 (n_pairs,), any numbering of the songs.
        right: as left.
        draws: number of resamples of the songs in left and right.
        seed: of the draws; draw k does not depend on the number of draws.
    """
    songs, positions = np.unique(np.concatenate([left, right]), return_inverse=True)
    left, right = positions[: len(left)], positions[len(left) :]
    for counts in song_counts(len(songs), len(left), draws, seed):
        yield (counts[:, left] * counts[:, right]).astype(np.float64)


def song_counts(n_songs: int, n_weights: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each song is drawn, int64 (chunk, n_songs); 1 + draws rows in all, the first of ones.

    Args:
        n_songs: number of songs to draw from, with replacement, and number of songs in a draw.
        n_weights: number of weights that the caller computes from a row; it limits the rows of a chunk.
        draws: number of resamples.
        seed: of the draws; draw k does not depend on the number of draws.
    """
    chunk_size = max(1, _WEIGHTS_PER_CHUNK // max(1, n_weights))
    for start in range(0, draws + 1, chunk_size):
        numbers = range(start, min(start + chunk_size, draws + 1))
        yield np.stack([_draw_songs(n_songs, draw, seed) for draw in numbers])


def _draw_songs(n_songs: int, draw: int, seed: int) -> np.ndarray:
    if draw == 0:
        return np.ones(n_songs, dtype=np.int64)
    drawn = np.random.default_rng([seed, draw]).integers(n_songs, size=n_songs)
    return np.bincount(drawn, minlength=n_songs)
