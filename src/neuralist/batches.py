"""Batches: what one step of training reads, drawn from examples.

Input: `examples.Examples`. Output: an epoch's batches as the inputs of `model.MaLSTM`, and its targets.
A batch holds each of its songs once and each distinct word once, whatever pairs it holds: pairs at random, or
all pairs among some songs.
"""

from collections.abc import Iterator

import numpy as np

from neuralist import params
from neuralist.examples import Examples
from neuralist.tokens import PADDING, Windows

WORDS_A_STEP = 1024
PAIRS_A_STEP = 256


def steps(data: Examples, settings: params.Experiment) -> int:
    """Batches of an epoch."""
    n = len(data.left) if settings.batch_of == "pairs" else len(data.songs.lengths)
    return -(-n // settings.batch_size)


def draw(
    data: Examples, settings: params.Experiment, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Yield one epoch of shuffled batches: inputs of the model, and its targets.

    Each text is read in other words every epoch where there are synonyms, and in other windows where
    `excerpts` is below 1.
    Targets are `similarity`, float32 (n_pairs, 2): similarity and weight, 0 for pairs that only fill a batch
    up; with heads also `answers`, float32 (n_songs, n_heads), NaN where unknown.
    """
    kind = _of_pairs if settings.batch_of == "pairs" else _of_songs
    most = 2 * settings.batch_size if settings.batch_of == "pairs" else max(2, settings.batch_size)
    n_songs = min(most, len(data.songs.lengths))
    texts = data.songs
    if data.synonyms is not None:
        rng = np.random.default_rng([settings.seed, epoch, 1])
        texts = texts._replace(ids=data.synonyms.replaced(texts.ids, settings.synonyms, rng))
    kept = None
    if settings.excerpts < 1:
        kept = _excerpts(texts, settings.excerpts, np.random.default_rng([settings.seed, epoch, 2]))
    for songs, left, right, target in kind(
        data, settings.batch_size, np.random.default_rng([settings.seed, epoch])
    ):
        made = {**inputs(texts, songs, n_songs, kept), "left": left, "right": right}
        targets = {"similarity": target}
        if data.answers.shape[1]:
            targets["answers"] = np.full((n_songs, data.answers.shape[1]), np.nan, dtype=np.float32)
            targets["answers"][: len(songs)] = data.answers[songs]
        yield made, targets


Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # songs, left, right, target
Draw = Iterator[Batch]


def _of_pairs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.left))
    for start in range(0, len(order), size):
        part = order[start : start + size]
        songs, rows = np.unique(np.concatenate([data.left[part], data.right[part]]), return_inverse=True)
        left, right = np.split(rows, 2)
        yield songs, *_filled(left, right, data.similarity[part], 1)


def _of_songs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.songs.lengths))
    place = np.full(len(order), -1, dtype=np.int32)
    for start in range(0, len(order), size):
        songs = np.sort(order[start : start + size])
        place[songs] = np.arange(len(songs), dtype=np.int32)
        among = np.flatnonzero((place[data.left] >= 0) & (place[data.right] >= 0))
        left, right = place[data.left[among]], place[data.right[among]]
        yield songs, *_filled(left, right, data.similarity[among], PAIRS_A_STEP)
        place[songs] = -1


def _filled(
    left: np.ndarray, right: np.ndarray, similarity: np.ndarray, multiple: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs and their targets, filled up to a multiple with pairs that have no weight; at least one of it."""
    n = len(similarity)
    n_filled = -(-max(n, 1) // multiple) * multiple
    ends, target = np.zeros((2, n_filled), dtype=np.int32), np.zeros((n_filled, 2), dtype=np.float32)
    ends[0, :n], ends[1, :n] = left, right
    target[:n, 0], target[:n, 1] = similarity, 1
    return ends[0], ends[1], target


def _excerpts(texts: Windows, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw windows, bool (n_windows,): each with this probability, and at least one of every song."""
    drawn = rng.random(len(texts.ids))
    lowest = np.minimum.reduceat(drawn, texts.starts[:-1])
    return (drawn < share) | (drawn == np.repeat(lowest, np.diff(texts.starts)))


def inputs(
    texts: Windows, songs: np.ndarray, n_songs: int, kept: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Some songs as the model takes them.

    Args:
        texts: of all songs.
        songs: int64, numbers of those wanted.
        n_songs: rows to fill up to with padding.
        kept: bool (n_windows,), windows of `texts` that are read; None: all.

    Returns:
        `words`, the distinct token ids; `tokens`, positions in them; `lengths`; where a song of `texts` has
        more than one window, also `average`. Words are filled with padding to a multiple of 1,024 and windows
        to one of `n_songs`: a compiled step serves one shape, and compiling takes two seconds.
    """
    windowed = len(texts.ids) >= len(texts.starts)
    owners, windows = texts.rows(songs)
    if kept is not None:
        owners, windows = owners[kept[windows]], windows[kept[windows]]
    counts = np.bincount(owners, minlength=len(songs))
    n_rows = -(-len(windows) // n_songs) * n_songs
    filled = np.zeros((n_rows, texts.ids.shape[1]), dtype=np.int32)
    filled[: len(windows)] = texts.ids[windows]
    words, positions = np.unique(np.append(PADDING, filled), return_inverse=True)
    padded = np.full(-(-len(words) // WORDS_A_STEP) * WORDS_A_STEP, PADDING, dtype=np.int32)
    padded[: len(words)] = words
    lengths = np.ones(n_songs, dtype=np.float32)
    lengths[: len(songs)] = texts.lengths[songs]
    tokens = positions[1:].reshape(filled.shape).astype(np.int32)
    made = {"words": padded, "tokens": tokens, "lengths": lengths}
    if windowed:
        made["average"] = np.zeros((n_songs, n_rows), dtype=np.float32)
        made["average"][owners, np.arange(len(owners))] = 1 / counts[owners]
    return made
