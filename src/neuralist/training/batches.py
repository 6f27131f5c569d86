"""Batches: what one step of training reads, drawn from examples.

Input: `examples.Examples`. Output: an epoch's batches as the inputs of `malstm.MaLSTM`, and its targets.
A batch holds each of its songs once and each distinct word once, whatever pairs it holds: pairs at random, or
all pairs among some songs.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neuralist.config import params
from neuralist.text.vocabulary import PADDING, Windows
from neuralist.training.examples import Examples

WORDS_A_STEP = 256
PAIRS_A_STEP = 256
# Takes a step: inputs and targets of a batch to its loss and accuracy, float64 (2,), and its number of pairs.
Step = Callable[[Any, Any], tuple[np.ndarray, float]]


def steps(data: Examples, settings: params.Experiment) -> int:
    """Batches of an epoch."""
    n = data.n_pairs if settings.batch_unit == "pairs" else len(data.lengths)
    return -(-n // settings.batch_size)


def draw(
    data: Examples, settings: params.Experiment, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Yield one epoch of shuffled batches: inputs of the model, and its targets.

    Each text is read in other words every epoch where there are synonyms, and in other windows where
    `window_sample_rate` is below 1.
    Targets are `similarity`, float32 (n_pairs, 2): similarity and weight, 0 for pairs that only fill a batch
    up; with heads also `answers`, float32 (n_songs, n_heads), NaN where unknown.
    A worker that holds a share of the examples gets of each batch what it holds: the batches of all workers
    together are those of one process that holds everything.
    """
    kind = _of_pairs if settings.batch_unit == "pairs" else _of_songs
    most = 2 * settings.batch_size if settings.batch_unit == "pairs" else max(2, settings.batch_size)
    n_songs = min(most, len(data.lengths))
    texts = data.songs
    if data.synonyms is not None:
        rng = np.random.default_rng([settings.seed, epoch, 1])
        texts = texts._replace(ids=data.synonyms.replaced(texts.ids, settings.synonyms, rng))
    kept = None
    if settings.window_sample_rate < 1:
        kept = _sampled_windows(
            data, settings.window_sample_rate, np.random.default_rng([settings.seed, epoch, 2])
        )
    n_words = 0  # of the batches before: with no fewer, a last, small one has no shape of its own
    for songs, left, right, target in kind(
        data, settings.batch_size, np.random.default_rng([settings.seed, epoch])
    ):
        songs, left, right = _by_length(songs, left, right, texts)
        if data.share is not None:
            # To quarters of the largest batch, so that a share of it takes a share of the time.
            n_songs = max(1, -(-len(songs) // (quarter := -(-most // 4)))) * quarter
        made = {**inputs(texts, songs, n_songs, kept, n_words), "left": left, "right": right}
        n_words = len(made["words"])
        targets = {"similarity": target}
        if data.head_targets.shape[1]:
            targets["answers"] = np.full((n_songs, data.head_targets.shape[1]), np.nan, dtype=np.float32)
            targets["answers"][: len(songs)] = data.head_targets[songs]
        yield made, targets


def n_counted(targets: Mapping[str, np.ndarray]) -> float:
    """How many pairs of a batch count: those that do not only fill it up."""
    return float(targets["similarity"][:, 1].sum())


Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # songs, left, right, target
Draw = Iterator[Batch]


def _of_pairs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(data.n_pairs)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        part = batch if data.share is None else _held(data.share.pairs, batch)
        songs, rows = np.unique(np.concatenate([data.left[part], data.right[part]]), return_inverse=True)
        left, right = np.split(rows, 2)
        # Also the last one, or a share of one, is a whole batch: a compiled step serves one number of pairs.
        yield songs, *_filled(left, right, data.similarity[part], size)


def _held(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where in `numbers`, ascending, those wanted stand that are there."""
    places = np.searchsorted(numbers, wanted)
    found = places < len(numbers)
    found[found] = numbers[places[found]] == wanted[found]
    return places[found]


def _of_songs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.lengths))
    place = np.full(len(data.songs.lengths), -1, dtype=np.int32)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        songs = np.sort(batch if data.share is None else _held(data.share.songs, batch))
        place[songs] = np.arange(len(songs), dtype=np.int32)
        among = np.flatnonzero((place[data.left] >= 0) & (place[data.right] >= 0))
        if data.share is not None:  # songs of other workers are read for a pair's sake alone
            place[songs] = -1
            needed = [data.left[among], data.right[among], songs[data.share.owned[songs]]]
            songs = np.unique(np.concatenate(needed))
            place[songs] = np.arange(len(songs), dtype=np.int32)
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


def _by_length(
    songs: np.ndarray, left: np.ndarray, right: np.ndarray, texts: Windows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch with its longest songs first, which are then read together; see `lstm_tensorflow.states`."""
    order = np.argsort(-texts.lengths[songs], kind="stable")
    # What fills a batch up is song 0 with itself, also where a share holds no song of the batch.
    place = np.zeros(max(1, len(songs)), dtype=np.int32)
    place[order] = np.arange(len(songs), dtype=np.int32)
    return songs[order], place[left], place[right]


def _sampled_windows(data: Examples, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw windows, bool (n_windows,): each with this probability, and at least one of every song."""
    starts = data.songs.starts if data.share is None else data.share.starts
    drawn = rng.random(starts[-1])
    lowest = np.minimum.reduceat(drawn, starts[:-1])
    kept = (drawn < share) | (drawn == np.repeat(lowest, np.diff(starts)))
    return kept if data.share is None else kept[data.songs._replace(starts=starts).rows(data.share.songs)[1]]


def inputs(
    texts: Windows,
    songs: np.ndarray,
    n_songs: int,
    kept: np.ndarray | None = None,
    n_words: int = 0,
) -> dict[str, np.ndarray]:
    """Some songs as the model takes them.

    Args:
        texts: of all songs.
        songs: int64, numbers of those wanted.
        n_songs: rows to fill up to with padding.
        kept: bool (n_windows,), windows of `texts` that are read; None: all.
        n_words: distinct words to fill up to at least.

    Returns:
        `words`, the distinct token ids; `tokens`, positions in them; `lengths`; where a song of `texts` has
        more than one window, also `average`. Words are filled with padding to one of few numbers and windows
        to a multiple of `n_songs`: a compiled step serves one shape, and compiling takes two seconds.
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
    padded = np.full(max(n_words, _rounded(len(words))), PADDING, dtype=np.int32)
    padded[: len(words)] = words
    lengths = np.ones(n_songs, dtype=np.float32)
    lengths[: len(songs)] = texts.lengths[songs]
    tokens = positions[1:].reshape(filled.shape).astype(np.int32)
    made = {"words": padded, "tokens": tokens, "lengths": lengths}
    if windowed:
        made["average"] = np.zeros((n_songs, n_rows), dtype=np.float32)
        made["average"][owners, np.arange(len(owners))] = 1 / counts[owners]
    return made


def _rounded(n: int) -> int:
    """Round up to a multiple of 256, above 2,048 to one of four numbers from one power of two to the next."""
    step = max(WORDS_A_STEP, 2 ** ((n - 1).bit_length() - 3))
    return -(-n // step) * step
