"""Draw the batches of an epoch from examples.

Input: `examples.Examples`. Output: batches, as the inputs of `malstm.MaLSTM` and its targets. A batch is
random pairs, or all pairs among random songs; it holds each of its songs and each distinct word once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neuralist.config import params
from neuralist.text.vocabulary import PADDING, Windows
from neuralist.training.examples import Examples

WORDS_A_STEP = 256
PAIRS_A_STEP = 256
# Takes a step: a batch's inputs and targets to (loss, accuracy), float64 (2,), and its n_pairs.
Step = Callable[[Any, Any], tuple[np.ndarray, float]]


def steps(data: Examples, settings: params.Experiment) -> int:
    """Number of batches in an epoch."""
    n = data.n_pairs if settings.batch_unit == "pairs" else len(data.lengths)
    return -(-n // settings.batch_size)


def draw(
    data: Examples, settings: params.Experiment, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Yield the shuffled batches of one epoch: inputs of the model, and its targets.

    Every epoch reads other songs in another transcription, where there are any, replaces other words by
    synonyms, and samples other windows, where `window_sample_rate` is below 1.
    Targets are `similarity`, float32 (n_pairs, 2): similarity and weight, 0 for padding pairs; with heads
    also `answers`, float32 (n_songs, n_heads), NaN where unknown.
    A worker with a share of the examples gets its share of each batch: the batches of all workers together
    are those of one process with all examples.
    """
    index_batches = _batches_of_pairs if settings.batch_unit == "pairs" else _batches_of_songs
    max_songs = 2 * settings.batch_size if settings.batch_unit == "pairs" else max(2, settings.batch_size)
    n_songs = min(max_songs, len(data.lengths))
    texts, starts = data.songs, (data.songs if data.share is None else data.share).starts
    if data.transcriptions is not None:
        texts, starts = _transcribed(data, data.transcriptions, settings, epoch)
    if data.synonyms is not None:
        rng = np.random.default_rng([settings.seed, epoch, 1])
        texts = texts._replace(ids=data.synonyms.replaced(texts.ids, settings.synonyms, rng))
    window_mask = None
    if settings.window_sample_rate < 1:
        rng = np.random.default_rng([settings.seed, epoch, 2])
        window_mask = _sample_windows(starts, settings.window_sample_rate, rng)
        if data.share is not None:
            window_mask = window_mask[texts._replace(starts=starts).rows(data.share.songs)[1]]
    n_words = 0  # of the previous batch: padded to as many, a small last batch has no shape of its own
    rng = np.random.default_rng([settings.seed, epoch])
    for songs, left, right, pair_targets in index_batches(data, settings.batch_size, rng):
        songs, left, right = _sort_by_length(songs, left, right, texts)
        if data.share is not None:
            # Padded to quarters of the largest batch, so that a share of it takes a share of the time.
            n_songs = max(1, -(-len(songs) // (quarter := -(-max_songs // 4)))) * quarter
        batch = {**inputs(texts, songs, n_songs, window_mask, n_words), "left": left, "right": right}
        n_words = len(batch["words"])
        targets = {"similarity": pair_targets}
        if data.head_targets.shape[1]:
            targets["answers"] = np.full((n_songs, data.head_targets.shape[1]), np.nan, dtype=np.float32)
            targets["answers"][: len(songs)] = data.head_targets[songs]
        yield batch, targets


def n_counted(targets: Mapping[str, np.ndarray]) -> float:
    """Number of pairs in a batch, without padding pairs."""
    return float(targets["similarity"][:, 1].sum())


Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # songs, left, right, target
Draw = Iterator[Batch]


def _batches_of_pairs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(data.n_pairs)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        own_pairs = batch if data.share is None else _find_positions(data.share.pairs, batch)
        ends = np.concatenate([data.left[own_pairs], data.right[own_pairs]])
        songs, rows = np.unique(ends, return_inverse=True)
        left, right = np.split(rows, 2)
        # The last batch, or a share of one, is padded too: a compiled step serves one number of pairs.
        yield songs, *_pad_pairs(left, right, data.similarity[own_pairs], size)


def _find_positions(sorted_values: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Positions in ascending `sorted_values` of those `values` that are among them."""
    positions = np.searchsorted(sorted_values, values)
    is_present = positions < len(sorted_values)
    is_present[is_present] = sorted_values[positions[is_present]] == values[is_present]
    return positions[is_present]


def _batches_of_songs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.lengths))
    row_of_song = np.full(len(data.songs.lengths), -1, dtype=np.int32)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        songs = np.sort(batch if data.share is None else _find_positions(data.share.songs, batch))
        row_of_song[songs] = np.arange(len(songs), dtype=np.int32)
        pairs_within = np.flatnonzero((row_of_song[data.left] >= 0) & (row_of_song[data.right] >= 0))
        if data.share is not None:  # songs of other workers are read only if a pair needs them
            row_of_song[songs] = -1
            used_songs = [data.left[pairs_within], data.right[pairs_within], songs[data.share.owned[songs]]]
            songs = np.unique(np.concatenate(used_songs))
            row_of_song[songs] = np.arange(len(songs), dtype=np.int32)
        left, right = row_of_song[data.left[pairs_within]], row_of_song[data.right[pairs_within]]
        yield songs, *_pad_pairs(left, right, data.similarity[pairs_within], PAIRS_A_STEP)
        row_of_song[songs] = -1


def _pad_pairs(
    left: np.ndarray, right: np.ndarray, similarity: np.ndarray, multiple: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pad pairs and their targets to a multiple, at least one, with pairs of weight 0."""
    n = len(similarity)
    n_padded = -(-max(n, 1) // multiple) * multiple
    ends, target = np.zeros((2, n_padded), dtype=np.int32), np.zeros((n_padded, 2), dtype=np.float32)
    ends[0, :n], ends[1, :n] = left, right
    target[:n, 0], target[:n, 1] = similarity, 1
    return ends[0], ends[1], target


def _sort_by_length(
    songs: np.ndarray, left: np.ndarray, right: np.ndarray, texts: Windows
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort a batch's songs by descending length, as `lstm_tensorflow.states` needs them."""
    order = np.argsort(-texts.lengths[songs], kind="stable")
    # A padding pair is song 0 with itself, also where a share holds no song of the batch.
    row_of_song = np.zeros(max(1, len(songs)), dtype=np.int32)
    row_of_song[order] = np.arange(len(songs), dtype=np.int32)
    return songs[order], row_of_song[left], row_of_song[right]


def _transcribed(
    data: Examples, versions: Windows, settings: params.Experiment, epoch: int
) -> tuple[Windows, np.ndarray]:
    """Return a transcription of each song, and where the windows of all workers' songs begin."""
    n_songs = len(data.lengths)
    rng = np.random.default_rng([settings.seed, epoch, 3])
    other = rng.integers(1, len(versions.lengths) // n_songs, n_songs)
    version = np.where(rng.random(n_songs) < settings.augmentation, other, 0)
    chosen = versions.select(version * n_songs + np.arange(n_songs))
    return chosen if data.share is None else chosen.select(data.share.songs), chosen.starts


def _sample_windows(starts: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Sample windows, bool (n_windows,): each with probability `share`, and at least one of every song."""
    uniform = rng.random(starts[-1])
    smallest_of_song = np.minimum.reduceat(uniform, starts[:-1])
    return (uniform < share) | (uniform == np.repeat(smallest_of_song, np.diff(starts)))


def inputs(
    texts: Windows, songs: np.ndarray, n_songs: int, window_mask: np.ndarray | None = None, n_words: int = 0
) -> dict[str, np.ndarray]:
    """Build the model's inputs from some songs.

    Args:
        texts: of all songs.
        songs: int64, indices into `texts`.
        n_songs: number of rows to pad to.
        window_mask: bool (n_windows,), the windows of `texts` to read; None for all.
        n_words: least number of distinct words to pad to.

    Returns:
        `words`, the distinct token ids; `tokens`, indices into them; `lengths`; where a song of `texts` has
        more than one window, also `average`, the windows' weights. Words are padded to one of few sizes and
        windows to a multiple of `n_songs`: a compiled step serves one shape, and compiling takes 2 s.
    """
    windowed = len(texts.ids) >= len(texts.starts)
    owners, windows = texts.rows(songs)
    if window_mask is not None:
        owners, windows = owners[window_mask[windows]], windows[window_mask[windows]]
    counts = np.bincount(owners, minlength=len(songs))
    n_rows = -(-len(windows) // n_songs) * n_songs
    filled = np.zeros((n_rows, texts.ids.shape[1]), dtype=np.int32)
    filled[: len(windows)] = texts.ids[windows]
    words, positions = np.unique(np.append(PADDING, filled), return_inverse=True)
    padded = np.full(max(n_words, _round_up(len(words))), PADDING, dtype=np.int32)
    padded[: len(words)] = words
    lengths = np.ones(n_songs, dtype=np.float32)
    lengths[: len(songs)] = texts.lengths[songs]
    tokens = positions[1:].reshape(filled.shape).astype(np.int32)
    model_inputs = {"words": padded, "tokens": tokens, "lengths": lengths}
    if windowed:
        model_inputs["average"] = np.zeros((n_songs, n_rows), dtype=np.float32)
        model_inputs["average"][owners, np.arange(len(owners))] = 1 / counts[owners]
    return model_inputs


def _round_up(n: int) -> int:
    """Round up to a multiple of 256, above 2,048 to one of four sizes between powers of two."""
    step = max(WORDS_A_STEP, 2 ** ((n - 1).bit_length() - 3))
    return -(-n // step) * step
