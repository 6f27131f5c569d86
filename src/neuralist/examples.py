"""Examples: pairs of songs as numbers, and the batches that training draws from them.

Input: the songs table, a listing (see `neuralist.listings`), word vectors. Output: for train and val, songs
as token ids and pairs as numbers of songs; an epoch's batches as the inputs of `model.MaLSTM`.
A batch holds each of its songs once and each distinct word once: `batch_size` pairs with their songs, or
`batch_size` songs with all pairs among them.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist import params, ridge, synonyms
from neuralist.pretraining import Graded
from neuralist.synonyms import Synonyms
from neuralist.tokens import PADDING, Reads, Vocabulary, Windows
from neuralist.vectors import WordVectors, of_characters

WORDS_A_STEP = 1024
PAIRS_A_STEP = 256
CHARACTER_LENGTH = 3.0  # that of word vectors by default: at 1 an LSTM learns too slowly


class Examples(NamedTuple):
    """Pairs as numbers of songs, with the similarity to learn, and what songs' heads are to answer."""

    songs: Windows
    left: np.ndarray  # int32 (n_pairs,)
    right: np.ndarray  # int32 (n_pairs,)
    similarity: np.ndarray  # float32 (n_pairs,)
    listed: np.ndarray  # bool (n_pairs,), whether some row lists the pair
    weight: np.ndarray  # float64 (n_pairs,), how many pairs it stands for
    answers: np.ndarray  # float32 (n_songs, n_heads), NaN where unknown
    synonyms: Synonyms | None = None  # what may stand for what in batches


class Taught(NamedTuple):
    """What the heads of a model learn.

    Attributes:
        heads: group (year, tags, graph) to its number of heads, in the order of the columns.
        answers: float32 (n_songs, n_heads), NaN where unknown.
        songs: bool (n_songs,), the training songs.
    """

    heads: dict[str, int]
    answers: np.ndarray
    songs: np.ndarray


class Prepared(NamedTuple):
    """All that a training starts from, and its name."""

    parts: dict[str, Examples]  # train, val
    vectors: WordVectors
    heads: dict[str, int]
    fingerprint: str
    before: dict[str, Examples]  # train, val of `pretrain_on`; empty without


def prepare(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    words: WordVectors,
    graded: Graded | None = None,
) -> Prepared:
    """Make the examples of an experiment, and the vectors it starts from: of words, or of characters.

    Args:
        settings: of the experiment.
        songs: tables.SONGS.
        listing: left_id, right_id, similarity, split, listed, weight; of `listings.Listings.of`.
        words: word vectors.
        graded: of `pretraining.of`.

    Raises:
        ValueError: there is no training pair.
    """
    vectors = words
    if settings.tokens == "char":
        train: Any = listing[listing["split"] == "train"]
        named = songs["song_id"].isin([*train["left_id"], *train["right_id"]])
        texts = [*songs.loc[named, "lyrics"], *(graded.songs["lyrics"] if graded else [])]
        vectors = of_characters(texts, settings.char_dimensions, CHARACTER_LENGTH, settings.seed)
    taught = teach(settings, songs, listing, Reads.of(settings)) if settings.heads else None
    heads = taught.heads if taught else {}
    parts, before = _parts(settings, songs, listing, vectors, taught), {}
    if graded is not None:
        unknown = np.full((len(graded.songs), sum(heads.values())), np.nan, dtype=np.float32)
        untold = Taught(heads, unknown, np.zeros(len(unknown), dtype=bool))
        before = _parts(settings, graded.songs, graded.listing, vectors, untold)
    every = parts | {f"{name} before": part for name, part in before.items()}
    return Prepared(parts, vectors, heads, fingerprint(settings, every, vectors), before)


def _parts(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    vectors: WordVectors,
    taught: Taught | None,
) -> dict[str, Examples]:
    parts = examples(songs, listing, vectors.vocabulary, Reads.of(settings), taught)
    if settings.synonyms:
        found = synonyms.of(settings, vectors, parts["train"].songs.ids)
        parts["train"] = parts["train"]._replace(synonyms=found)
    return parts


def teach(settings: params.Experiment, songs: pd.DataFrame, listing: pd.DataFrame, reads: Reads) -> Taught:
    """What songs' year, tags and place in the graph of listed pairs are, in part by the ridge's word.

    `distil` of a target is the ridge's answer, leave-one-out for training songs, and the rest the truth: the
    ridge says what of the truth is in the lyrics, which spares the model from learning noise by heart.
    Training songs are all in the folds of the training pairs; where a corpus gives its own split, those that
    its training pairs name.
    """
    train: Any = listing[listing["split"] == "train"]
    is_train = songs["song_id"].isin([*train["left_id"], *train["right_id"]]).to_numpy(bool)
    if settings.protocol == "songs":
        is_train = songs["fold"].isin(songs.loc[is_train, "fold"]).to_numpy(bool)
    index = pd.Index(songs["song_id"])
    listed = train[train["listed"]]
    left, right = (index.get_indexer(pd.Index(listed[side])) for side in ("left_id", "right_id"))
    told = ridge.answer(songs, (left, right), np.flatnonzero(is_train), reads)
    wanted = np.array([group in settings.heads for group in told.groups], dtype=bool)
    answers = settings.distil * told.answers + (1 - settings.distil) * told.truth
    groups = [group for group in told.groups if group in settings.heads]
    heads = {group: groups.count(group) for group in dict.fromkeys(groups)}
    return Taught(heads, answers[:, wanted].astype(np.float32), is_train)


def examples(
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    vocabulary: Vocabulary,
    reads: Reads,
    taught: Taught | None = None,
) -> dict[str, Examples]:
    """Cut a listing into its train and val examples, over the songs they name; for heads, all training songs.

    Raises:
        ValueError: there is no training pair.
    """
    parts = {}
    index = pd.Index(songs["song_id"])
    for split in ("train", "val"):
        part: Any = listing[listing["split"] == split]
        left, right = (index.get_indexer(pd.Index(part[side])) for side in ("left_id", "right_id"))
        more = np.flatnonzero(taught.songs) if taught and split == "train" else []
        numbers = np.unique(np.concatenate([left, right, more])).astype(np.int64)
        parts[split] = Examples(
            vocabulary.windows(songs["lyrics"].iloc[numbers].tolist(), reads),
            np.searchsorted(numbers, left).astype(np.int32),
            np.searchsorted(numbers, right).astype(np.int32),
            part["similarity"].to_numpy(np.float32),
            part["listed"].to_numpy(bool),
            part["weight"].to_numpy(np.float64),
            taught.answers[numbers] if taught else np.zeros((len(numbers), 0), dtype=np.float32),
        )
    if not len(parts["train"].left):
        raise ValueError(
            f"no pair in split train among {len(listing)}; give more songs or another pairs.test_fold"
        )
    return parts


def fingerprint(settings: params.Experiment, parts: dict[str, Examples], vectors: WordVectors) -> str:
    """Name a training by all that decides its result: settings, examples and word vectors; 64 hex digits."""
    digest = hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode())
    for part in parts.values():
        for array in (*part.songs, *part[1:-1], *(part.synonyms or ())):
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    digest.update(str(vectors.matrix.shape).encode() + vectors.matrix.tobytes())
    return digest.hexdigest()


def steps(data: Examples, settings: params.Experiment) -> int:
    """Batches of an epoch."""
    n = len(data.left) if settings.batch_of == "pairs" else len(data.songs.lengths)
    return -(-n // settings.batch_size)


def batches(
    data: Examples, settings: params.Experiment, epoch: int
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Yield one epoch of shuffled batches: inputs of the model, and its targets.

    Each text is read in other words every epoch where there are synonyms, and in other windows where
    `excerpts` is below 1.
    Targets are `similarity`, float32 (n_pairs, 2): similarity and weight, 0 for pairs that only fill a batch
    up; with heads also `answers`, float32 (n_songs, n_heads), NaN where unknown.
    """
    draw = _of_songs if settings.batch_of == "songs" else _of_pairs
    size = settings.batch_size * (1 if settings.batch_of == "songs" else 2)
    n_songs = min(size, len(data.songs.lengths))
    texts = data.songs
    if data.synonyms is not None:
        rng = np.random.default_rng([settings.seed, epoch, 1])
        texts = texts._replace(ids=data.synonyms.replaced(texts.ids, settings.synonyms, rng))
    kept = None
    if settings.excerpts < 1:
        kept = _excerpts(texts, settings.excerpts, np.random.default_rng([settings.seed, epoch, 2]))
    for songs, left, right, target in draw(
        data, settings.batch_size, np.random.default_rng([settings.seed, epoch])
    ):
        made = {**inputs(texts, songs, n_songs, kept), "left": left, "right": right}
        targets = {"similarity": target}
        if data.answers.shape[1]:
            targets["answers"] = np.full((n_songs, data.answers.shape[1]), np.nan, dtype=np.float32)
            targets["answers"][: len(songs)] = data.answers[songs]
        yield made, targets


Draw = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


def _of_pairs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.left))
    for start in range(0, len(order), size):
        part = order[start : start + size]
        songs, rows = np.unique(np.concatenate([data.left[part], data.right[part]]), return_inverse=True)
        left, right = np.split(rows.astype(np.int32), 2)
        yield songs, left, right, _weighed(data.similarity[part], len(part))


def _of_songs(data: Examples, size: int, rng: np.random.Generator) -> Draw:
    order = rng.permutation(len(data.songs.lengths))
    place = np.full(len(order), -1, dtype=np.int32)
    for start in range(0, len(order), size):
        songs = np.sort(order[start : start + size])
        place[songs] = np.arange(len(songs), dtype=np.int32)
        among = np.flatnonzero((place[data.left] >= 0) & (place[data.right] >= 0))
        n_filled = -(-max(len(among), 1) // PAIRS_A_STEP) * PAIRS_A_STEP
        left, right = (np.zeros(n_filled, dtype=np.int32) for _ in range(2))
        left[: len(among)], right[: len(among)] = place[data.left[among]], place[data.right[among]]
        yield songs, left, right, _weighed(data.similarity[among], n_filled)
        place[songs] = -1


def _weighed(similarity: np.ndarray, n_filled: int) -> np.ndarray:
    target = np.zeros((n_filled, 2), dtype=np.float32)
    target[: len(similarity), 0], target[: len(similarity), 1] = similarity, 1
    return target


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
    counts = np.diff(texts.starts)[songs]
    windowed = len(texts.ids) >= len(texts.starts)
    owners = np.repeat(np.arange(len(songs)), counts)
    # The first window of each owner, and how far each window is from it.
    offsets = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    windows = texts.starts[songs][owners] + offsets
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
