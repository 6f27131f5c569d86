"""Build the training data of one of several workers: its share of the training pairs, and their songs.

Input: the tables songs, rows, pairs, unlisted, word vectors. Output: `examples.TrainingData`, whose train
split has every n-th training pair, every n-th training song, and the songs of those pairs. Tables are read in
pieces of PIECE rows, and rows of other workers are dropped.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist import files
from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import COLUMNS, Listings
from neuralist.text.vocabulary import Windows
from neuralist.text.word_vectors import WordVectors
from neuralist.training import examples
from neuralist.training.examples import Examples, HeadTargets, Share, TablePaths, TrainingData

PIECE = 2**16


class Shard(NamedTuple):
    """A worker's share: of all pairs and songs those with index % of == number."""

    number: int
    of: int

    @property
    def chief(self) -> bool:
        """Whether it is the share of worker 0, which has the val split too."""
        return self.number == 0

    def owned(self, numbers: Any) -> Any:
        """Whether each index is in this share, bool."""
        return numbers % self.of == self.number


class WorkerGroup(Protocol):
    """The part of `workers.Workers` that sharding needs."""

    shard: Shard

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Add up arrays over all workers."""
        ...


def prepare(
    settings: params.Experiment,
    paths: TablePaths,
    words: WordVectors,
    workers: WorkerGroup,
) -> TrainingData:
    """Build the training data of one worker.

    Heads, characters, synonyms, `pretrain_on`, `augmentation` and `fusion` need all songs: with them a worker
    reads whole tables and keeps its share, and all songs' other transcriptions and texts.

    Args:
        settings: of the experiment.
        paths: of the tables.
        words: word vectors.
        workers: the worker group, which exchanges the lengths of songs.

    Raises:
        ValueError: settings that several workers cannot train, a table that is missing, no training pair.
    """
    if settings.heads and settings.batch_unit == "pairs":
        raise ValueError(
            "batch_unit: received 'pairs' with heads, which several workers do not share; choose songs, or "
            "train with one process"
        )
    shard = workers.shard
    needs_all = (
        settings.heads,
        settings.synonyms,
        settings.pretrain_on,
        settings.augmentation,
        settings.fusion,
    )
    if any(needs_all) or settings.tokens == "char":
        return cut(examples.load(settings, paths, words)[0], shard)
    pairs, pair_indices, n_pairs, pair_songs = _pairs(settings, paths, shard)
    songs, indices, n_songs = _songs(paths.songs, pairs, pair_songs, shard)
    is_own = indices >= 0
    # A worker's own songs count also where no pair names them.
    no_targets = HeadTargets.unknown({}, len(songs))._replace(songs=is_own)
    splits = examples.examples(settings, songs, pairs, words, no_targets)
    train = splits["train"]
    lengths = _exchange_lengths(train.songs, indices[is_own], n_songs, workers)
    owned = shard.owned(indices[is_own])
    splits["train"] = train._replace(share=Share(pair_indices, n_pairs, indices[is_own], owned, *lengths))
    return TrainingData(splits, words, {}, _fingerprint(settings, paths, words), {})


def cut(data: TrainingData, shard: Shard) -> TrainingData:
    """Return one worker's share of the training data of a single process."""
    cuts = {"train": _cut_train, "val": _cut_val}
    splits, pretraining_splits = (
        {split: cuts[split](of_split, shard) for split, of_split in by_split.items()}
        for by_split in (data.splits, data.pretraining_splits)
    )
    return data._replace(splits=splits, pretraining_splits=pretraining_splits)


def _cut_train(data: Examples, shard: Shard) -> Examples:
    pair_indices = np.flatnonzero(shard.owned(np.arange(len(data.left))))
    n_songs = len(data.songs.lengths)
    owned = shard.owned(np.arange(n_songs))
    is_own = owned.copy()
    is_own[data.left[pair_indices]] = is_own[data.right[pair_indices]] = True
    songs = np.flatnonzero(is_own)
    index_of_song = np.cumsum(is_own, dtype=np.int32) - 1
    lengths, starts = data.songs.lengths, data.songs.starts
    return data._replace(
        songs=data.songs.select(songs),
        left=index_of_song[data.left[pair_indices]],
        right=index_of_song[data.right[pair_indices]],
        similarity=data.similarity[pair_indices],
        listed=data.listed[pair_indices],
        weight=data.weight[pair_indices],
        # Head targets of a song count once, at the worker that owns it.
        head_targets=np.where(owned[songs, None], data.head_targets[songs], np.float32(np.nan)),
        share=Share(
            pair_indices, len(data.left), songs, owned[songs], lengths, starts, data.songs.n_truncated
        ),
    )


def _cut_val(data: Examples, shard: Shard) -> Examples:
    if shard.chief:
        return data
    fields = ("left", "right", "similarity", "listed", "weight", "head_targets")
    empty = {name: getattr(data, name)[:0] for name in fields}
    return data._replace(songs=data.songs.select(np.arange(0)), **empty)


def _pairs(
    settings: params.Experiment, paths: TablePaths, shard: Shard
) -> tuple[pd.DataFrame, np.ndarray, int, set[str]]:
    """Read a worker's pairs, their indices among all training pairs, the number and the songs of those."""
    own_pieces, indices, pair_songs, n_pairs = [], [], set[str](), 0
    for piece in _listing(settings, paths):
        is_train = (piece["split"] == "train").to_numpy()
        train = piece[is_train]
        index = n_pairs + np.arange(len(train))
        n_pairs += len(train)
        pair_songs.update(train["left_id"], train["right_id"])
        own_pieces.append(train[shard.owned(index)])
        indices.append(index[shard.owned(index)])
        if shard.chief:
            own_pieces.append(piece[piece["split"] == "val"])
    return pd.concat(own_pieces, ignore_index=True), np.concatenate(indices), n_pairs, pair_songs


def _listing(settings: params.Experiment, paths: TablePaths) -> Iterator[pd.DataFrame]:
    """Yield the listing of an experiment in pieces; see `Listings.of`."""
    empty = Listings(*(schema.empty_table().to_pandas() for schema in _PAIR_SCHEMAS))
    for name, schema in zip(Listings._fields, _PAIR_SCHEMAS, strict=True):
        for piece in parquet.pieces(getattr(paths, name), schema, PIECE):
            listing = empty._replace(**{name: piece}).of(settings)
            if len(listing):
                yield listing.filter(COLUMNS)


_PAIR_SCHEMAS: tuple[pa.Schema, ...] = (tables.ROWS, tables.PAIRS, tables.UNLISTED)


def _songs(
    path: Path, pairs: pd.DataFrame, pair_songs: set[str], shard: Shard
) -> tuple[pd.DataFrame, np.ndarray, int]:
    """Read a worker's songs, their indices among all training songs or -1, and the number of those."""
    of_train = pairs[pairs["split"] == "train"]
    train = {*of_train["left_id"], *of_train["right_id"]}
    val = {*pairs["left_id"], *pairs["right_id"]} - train
    own_pieces, indices, n_songs = [], [], 0
    for piece in parquet.pieces(path, tables.SONGS, PIECE):
        ids = piece["song_id"]
        is_train = ids.isin(list(pair_songs)).to_numpy()
        index = np.where(is_train, n_songs + np.cumsum(is_train) - 1, -1)
        n_songs += int(is_train.sum())
        is_own = is_train & (shard.owned(index) | ids.isin(list(train)).to_numpy())
        index[~is_own] = -1
        is_own |= ids.isin(list(val)).to_numpy()
        own_pieces.append(piece[is_own])
        indices.append(index[is_own])
    return pd.concat(own_pieces, ignore_index=True), np.concatenate(indices), n_songs


def _exchange_lengths(
    texts: Windows, songs: np.ndarray, n_songs: int, workers: WorkerGroup
) -> tuple[np.ndarray, np.ndarray, int]:
    """Sum lengths, starts and n_truncated of `Share` over the workers, each with its own songs."""
    owned = workers.shard.owned(songs)
    lengths, counts = np.zeros((2, n_songs), dtype=np.int64)
    lengths[songs[owned]] = texts.lengths[owned]
    counts[songs[owned]] = np.diff(texts.starts)[owned]
    n_truncated = np.array(texts.select(np.flatnonzero(owned)).n_truncated)
    lengths, counts, n_truncated = workers.sum([lengths, counts, n_truncated])
    return lengths, np.concatenate([[0], np.cumsum(counts)]), int(n_truncated)


def _fingerprint(settings: params.Experiment, paths: TablePaths, words: WordVectors) -> str:
    """Hash the settings of a training and the bytes of its tables; 64 hex digits."""
    digest = examples.start_digest(settings, words.coverage.segmenter)
    for path in (paths.songs, paths.rows, paths.pairs, paths.unlisted):
        digest.update(bytes.fromhex(files.digest(path)))
    digest.update("\n".join(words.vocabulary.words).encode() + words.matrix.tobytes())
    return digest.hexdigest()
