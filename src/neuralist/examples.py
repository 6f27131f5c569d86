"""Examples: pairs of songs as numbers, and the batches that training draws from them.

Input: tables songs and pairs (or rows), a vocabulary. Output: for train and val, songs as token ids and pairs
as numbers of songs; an epoch's batches as the inputs of `model.MaLSTM`.
A batch holds `batch_size` pairs, each of their songs once and each distinct word once.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist import params
from neuralist.tokens import PADDING, Reads, Vocabulary, Windows
from neuralist.vectors import WordVectors, of_characters

WORDS_A_STEP = 1024
CHARACTER_LENGTH = 3.0  # that of word vectors by default: at 1 an LSTM learns too slowly


class Examples(NamedTuple):
    """Pairs as numbers of songs, with the similarity to learn."""

    songs: Windows
    left: np.ndarray  # int32 (n_pairs,)
    right: np.ndarray  # int32 (n_pairs,)
    similarity: np.ndarray  # float32 (n_pairs,)


def examples(
    songs: pd.DataFrame, pairs: pd.DataFrame, vocabulary: Vocabulary, reads: Reads
) -> dict[str, Examples]:
    """Cut pairs (table pairs or rows) into their train and val examples, over the songs they name.

    Raises:
        ValueError: there is no training pair.
    """
    parts = {}
    for split in ("train", "val"):
        part: Any = pairs[pairs["split"] == split]
        ids = pd.Index(sorted({*part["left_id"], *part["right_id"]}))
        lyrics = songs.set_index("song_id")["lyrics"].reindex(ids)
        parts[split] = Examples(
            vocabulary.windows(lyrics.tolist(), reads),
            ids.get_indexer(part["left_id"]).astype(np.int32),
            ids.get_indexer(part["right_id"]).astype(np.int32),
            part["similarity"].to_numpy(np.float32),
        )
    if not len(parts["train"].left):
        raise ValueError(
            f"no pair in split train among {len(pairs)}; give more songs or another pairs.test_fold"
        )
    return parts


class Prepared(NamedTuple):
    """All that a training starts from, and its name."""

    parts: dict[str, Examples]  # train, val
    vectors: WordVectors
    fingerprint: str


def prepare(
    settings: params.Experiment, songs: pd.DataFrame, pairs: pd.DataFrame, words: WordVectors
) -> Prepared:
    """Make the examples of an experiment, and the vectors it starts from: of words, or of characters.

    Raises:
        ValueError: there is no training pair.
    """
    vectors = words
    if settings.tokens == "char":
        train: Any = pairs[pairs["split"] == "train"]
        named = songs["song_id"].isin([*train["left_id"], *train["right_id"]])
        vectors = of_characters(
            songs.loc[named, "lyrics"], settings.char_dimensions, CHARACTER_LENGTH, settings.seed
        )
    reads = Reads(settings.tokens, settings.max_words, settings.long_text)
    parts = examples(songs, pairs, vectors.vocabulary, reads)
    return Prepared(parts, vectors, fingerprint(settings, parts, vectors))


def fingerprint(settings: params.Experiment, parts: dict[str, Examples], vectors: WordVectors) -> str:
    """Name a training by all that decides its result: settings, examples and word vectors; 64 hex digits."""
    digest = hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode())
    for part in parts.values():
        for array in (*part.songs, *part[1:]):
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    digest.update(str(vectors.matrix.shape).encode() + vectors.matrix.tobytes())
    return digest.hexdigest()


def batches(
    data: Examples, size: int, seed: int, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yield one epoch of shuffled batches, each of its songs and words once."""
    order = np.random.default_rng([seed, epoch]).permutation(len(data.left))
    n_songs = min(2 * size, len(data.songs.starts) - 1)
    for start in range(0, len(order), size):
        part = order[start : start + size]
        songs, rows = np.unique(np.concatenate([data.left[part], data.right[part]]), return_inverse=True)
        left, right = np.split(rows.astype(np.int32), 2)
        yield {**inputs(data.songs, songs, n_songs), "left": left, "right": right}, data.similarity[part]


def inputs(texts: Windows, songs: np.ndarray, n_songs: int) -> dict[str, np.ndarray]:
    """Some songs as the model takes them.

    Args:
        texts: of all songs.
        songs: int64, numbers of those wanted.
        n_songs: rows to fill up to with padding.

    Returns:
        `words`, the distinct token ids; `tokens`, positions in them; where a song of `texts` has more than
        one window, also `average`. Words are filled with padding to a multiple of 1,024 and windows to one
        of `n_songs`: a compiled step serves one shape, and compiling takes two seconds.
    """
    counts = np.diff(texts.starts)[songs]
    windowed = len(texts.ids) >= len(texts.starts)
    owners = np.repeat(np.arange(len(songs)), counts)
    # The first window of each owner, and how far each window is from it.
    offsets = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    windows = texts.starts[songs][owners] + offsets
    n_rows = -(-len(windows) // n_songs) * n_songs
    filled = np.zeros((n_rows, texts.ids.shape[1]), dtype=np.int32)
    filled[: len(windows)] = texts.ids[windows]
    words, positions = np.unique(np.append(PADDING, filled), return_inverse=True)
    padded = np.full(-(-len(words) // WORDS_A_STEP) * WORDS_A_STEP, PADDING, dtype=np.int32)
    padded[: len(words)] = words
    made = {"words": padded, "tokens": positions[1:].reshape(filled.shape).astype(np.int32)}
    if windowed:
        made["average"] = np.zeros((n_songs, n_rows), dtype=np.float32)
        made["average"][owners, np.arange(len(owners))] = 1 / counts[owners]
    return made
