"""Shards: what one of several workers reads of the tables, its share of the training pairs and their songs.

Input: the tables songs, rows, pairs, unlisted, word vectors. Output: `examples.TrainingData`, whose train
holds every n-th training pair, every n-th training song, and the songs that those pairs name. Tables are read
in pieces of PIECE rows, and what is of another worker is let go.
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
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Windows
from neuralist.text.word_vectors import WordVectors
from neuralist.training import examples
from neuralist.training.examples import Examples, HeadTargets, Share, TablePaths, TrainingData

PIECE = 2**16


class Shard(NamedTuple):
    """Which share: the pairs and songs number, number + of, number + 2 of, ... of all."""

    number: int
    of: int

    @property
    def chief(self) -> bool:
        """Whether it is the share of worker 0, who has the val part too."""
        return self.number == 0

    def owned(self, numbers: Any) -> Any:
        """Which of some numbers are this share's, bool."""
        return numbers % self.of == self.number


class Together(Protocol):
    """What the share of a worker needs of `workers.Workers`."""

    shard: Shard

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Add up arrays over all workers."""
        ...


def prepare(
    settings: params.Experiment,
    paths: TablePaths,
    words: WordVectors,
    together: Together,
) -> TrainingData:
    """Make the examples of one worker.

    Heads, characters, synonyms and `pretrain_on` are made from all songs: there a worker reads the tables
    whole, keeps its share and forgets the rest.

    Args:
        settings: of the experiment.
        paths: of the tables.
        words: word vectors.
        together: the workers, which tell each other the lengths of the songs that only one reads.

    Raises:
        ValueError: settings that several workers cannot train, a table that is missing, no training pair.
    """
    _check(settings)
    shard = together.shard
    if settings.heads or settings.tokens == "char" or settings.synonyms or settings.pretrain_on:
        return cut(examples.load(settings, paths, words)[0], shard)
    pairs, numbers, n_pairs, named = _pairs(settings, paths, shard)
    songs, of_all, n_songs = _songs(paths.songs, pairs, named, shard)
    held = of_all >= 0
    nothing = np.zeros((len(songs), 0), dtype=np.float32)
    no_targets = HeadTargets({}, nothing, nothing, held)
    parts = examples.examples(songs, pairs, words.vocabulary, TokenWindowing.of(settings), no_targets)
    train = parts["train"]
    told = _told(train.songs, of_all[held], n_songs, together)
    owned = shard.owned(of_all[held])
    parts["train"] = train._replace(share=Share(numbers, n_pairs, of_all[held], owned, *told))
    return TrainingData(parts, words, {}, _fingerprint(settings, paths, words), {})


def _check(settings: params.Experiment) -> None:
    if settings.heads and settings.batch_unit == "pairs":
        raise ValueError(
            "batch_unit: received 'pairs' with heads, which several workers do not share; choose songs, or "
            "train with one process"
        )


def cut(whole: TrainingData, shard: Shard) -> TrainingData:
    """One worker's share of what one process would train on."""
    parts, before = (
        {split: (_cut if split == "train" else _val)(part, shard) for split, part in of_all.items()}
        for of_all in (whole.parts, whole.before)
    )
    return whole._replace(parts=parts, before=before)


def _cut(whole: Examples, shard: Shard) -> Examples:
    numbers = np.flatnonzero(shard.owned(np.arange(len(whole.left))))
    n_songs = len(whole.songs.lengths)
    owned = shard.owned(np.arange(n_songs))
    held = owned.copy()
    held[whole.left[numbers]] = held[whole.right[numbers]] = True
    songs = np.flatnonzero(held)
    place = np.cumsum(held, dtype=np.int32) - 1
    lengths, starts = whole.songs.lengths, whole.songs.starts
    return whole._replace(
        songs=_of(whole.songs, songs),
        left=place[whole.left[numbers]],
        right=place[whole.right[numbers]],
        similarity=whole.similarity[numbers],
        listed=whole.listed[numbers],
        weight=whole.weight[numbers],
        # What a song's heads answer is counted once, by the worker whose song it is.
        head_targets=np.where(owned[songs, None], whole.head_targets[songs], np.float32(np.nan)),
        share=Share(numbers, len(whole.left), songs, owned[songs], lengths, starts, whole.songs.n_truncated),
    )


def _val(whole: Examples, shard: Shard) -> Examples:
    if shard.chief:
        return whole
    of_pairs = ("left", "right", "similarity", "listed", "weight", "head_targets")
    nothing = {name: getattr(whole, name)[:0] for name in of_pairs}
    return whole._replace(songs=_of(whole.songs, np.arange(0)), **nothing)


def _of(texts: Windows, songs: np.ndarray) -> Windows:
    """Some of the texts."""
    owners, rows = texts.rows(songs)
    counts = np.bincount(owners, minlength=len(songs))
    return Windows(texts.ids[rows], np.cumsum([0, *counts]), texts.lengths[songs])


def _pairs(
    settings: params.Experiment, paths: TablePaths, shard: Shard
) -> tuple[pd.DataFrame, np.ndarray, int, set[str]]:
    """This worker's pairs, their numbers among all training pairs, how many those are, all their songs."""
    kept, numbers, named, n_pairs = [], [], set[str](), 0
    for piece in _listing(settings, paths):
        is_train = (piece["split"] == "train").to_numpy()
        train = piece[is_train]
        number = n_pairs + np.arange(len(train))
        n_pairs += len(train)
        named.update(train["left_id"], train["right_id"])
        kept.append(train[shard.owned(number)])
        numbers.append(number[shard.owned(number)])
        if shard.chief:
            kept.append(piece[piece["split"] == "val"])
    return pd.concat(kept, ignore_index=True), np.concatenate(numbers), n_pairs, named


def _listing(settings: params.Experiment, paths: TablePaths) -> Iterator[pd.DataFrame]:
    """The listing of an experiment in pieces; see `Listings.of`."""
    empty = Listings(*(schema.empty_table().to_pandas() for schema in _PAIR_SCHEMAS))
    for name, schema in zip(Listings._fields, _PAIR_SCHEMAS, strict=True):
        for piece in parquet.pieces(getattr(paths, name), schema, PIECE):
            listing = empty._replace(**{name: piece}).of(settings)
            if len(listing):
                yield listing.filter(COLUMNS)


_PAIR_SCHEMAS: tuple[pa.Schema, ...] = (tables.ROWS, tables.PAIRS, tables.UNLISTED)


def _songs(
    path: Path, pairs: pd.DataFrame, named: set[str], shard: Shard
) -> tuple[pd.DataFrame, np.ndarray, int]:
    """The songs that a worker holds, their numbers among all training songs or -1, and how many those are."""
    of_train = pairs[pairs["split"] == "train"]
    train = {*of_train["left_id"], *of_train["right_id"]}
    val = {*pairs["left_id"], *pairs["right_id"]} - train
    kept, numbers, n_songs = [], [], 0
    for piece in parquet.pieces(path, tables.SONGS, PIECE):
        ids = piece["song_id"]
        is_train = ids.isin(list(named)).to_numpy()
        number = np.where(is_train, n_songs + np.cumsum(is_train) - 1, -1)
        n_songs += int(is_train.sum())
        held = is_train & (shard.owned(number) | ids.isin(list(train)).to_numpy())
        number[~held] = -1
        held |= ids.isin(list(val)).to_numpy()
        kept.append(piece[held])
        numbers.append(number[held])
    return pd.concat(kept, ignore_index=True), np.concatenate(numbers), n_songs


def _told(
    held: Windows, songs: np.ndarray, n_songs: int, together: Together
) -> tuple[np.ndarray, np.ndarray, int]:
    """Lengths, starts and n_truncated of `Share`: workers put together what each knows of its own songs."""
    owned = together.shard.owned(songs)
    lengths, counts = np.zeros((2, n_songs), dtype=np.int64)
    lengths[songs[owned]] = held.lengths[owned]
    counts[songs[owned]] = np.diff(held.starts)[owned]
    n_truncated = np.array(_of(held, np.flatnonzero(owned)).n_truncated)
    lengths, counts, n_truncated = together.sum([lengths, counts, n_truncated])
    return lengths, np.concatenate([[0], np.cumsum(counts)]), int(n_truncated)


def _fingerprint(settings: params.Experiment, paths: TablePaths, words: WordVectors) -> str:
    """Name a training by its settings and the bytes of the tables, read in pieces; 64 hex digits."""
    digest = examples.begun(settings)
    for path in (paths.songs, paths.rows, paths.pairs, paths.unlisted):
        digest.update(bytes.fromhex(files.digest(path)))
    digest.update("\n".join(words.vocabulary.words).encode() + words.matrix.tobytes())
    return digest.hexdigest()
