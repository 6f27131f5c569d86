"""Examples: all that a training starts from, pairs of songs as numbers.

Input: the songs table, a listing (see `neuralist.data.pair_sets`), word vectors. Output: for train and val,
songs as token ids, pairs as numbers of songs, and what heads are to answer.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import Listings
from neuralist.data.splits import songs_of
from neuralist.model import bag_of_words, ridge
from neuralist.model.bag_of_words import Bag
from neuralist.text import synonyms
from neuralist.text.synonyms import Synonyms
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary, Windows
from neuralist.text.word_vectors import WordVectors, of_characters
from neuralist.training import pretraining
from neuralist.training.pretraining import Graded

# Of the code that trains: raised where the same settings and tables come to give other weights, so that no
# checkpoint, trial or run of before stands for one of now.
VERSION = 3
CHARACTER_LENGTH = 3.0  # that of word vectors by default: at 1 an LSTM learns too slowly


class Share(NamedTuple):
    """Which of all training pairs and songs a worker holds; see `neuralist.training.distributed.shards`.

    Attributes:
        pairs: int64 (own pairs,), their numbers among all, ascending.
        n_pairs: of all.
        songs: int64 (own songs,), their numbers among all, ascending.
        owned: bool (own songs,), false where only pairs of this worker name them.
        lengths: int64 (n_songs,), tokens of each song of all.
        starts: int64 (n_songs + 1,), where the windows of each song of all begin.
        n_truncated: songs of all of which something is not read.
    """

    pairs: np.ndarray
    n_pairs: int
    songs: np.ndarray
    owned: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    n_truncated: int


class Examples(NamedTuple):
    """Pairs as numbers of songs, with the similarity to learn, and what songs' heads are to answer."""

    songs: Windows
    left: np.ndarray  # int32 (n_pairs,)
    right: np.ndarray  # int32 (n_pairs,)
    similarity: np.ndarray  # float32 (n_pairs,)
    listed: np.ndarray  # bool (n_pairs,), whether some row lists the pair
    weight: np.ndarray  # float64 (n_pairs,), how many pairs it stands for
    head_targets: np.ndarray  # float32 (n_songs, n_heads), NaN where unknown
    synonyms: Synonyms | None = None  # what may stand for what in batches
    share: Share | None = None  # of a worker that holds a part of them; None: these are all

    @property
    def n_pairs(self) -> int:
        """How many pairs there are, those of other workers included."""
        return len(self.left) if self.share is None else self.share.n_pairs

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each song, int64 (n_songs,), those of other workers included."""
        return self.songs.lengths if self.share is None else self.share.lengths

    @property
    def n_truncated(self) -> int:
        """Songs of which something is not read, those of other workers included."""
        return self.songs.n_truncated if self.share is None else self.share.n_truncated


class HeadTargets(NamedTuple):
    """What the auxiliary heads of a model learn.

    Attributes:
        heads: group (year, tags, graph) to its number of heads, in the order of the columns.
        targets: float32 (n_songs, n_heads), NaN where unknown.
        truth: the same without the teacher's part, float64.
        songs: bool (n_songs,), the training songs.
    """

    heads: dict[str, int]
    targets: np.ndarray
    truth: np.ndarray
    songs: np.ndarray


class TrainingData(NamedTuple):
    """All that a training starts from, and its name."""

    parts: dict[str, Examples]  # train, val
    vectors: WordVectors
    heads: dict[str, int]
    fingerprint: str
    before: dict[str, Examples]  # train, val of `pretrain_on`; empty without
    bag_of_words: Bag | None = None  # what is added to the trained model


class TablePaths(NamedTuple):
    """Where the tables of these names are, and the folder of those of pretraining."""

    songs: Path
    rows: Path
    pairs: Path
    unlisted: Path
    pretraining: Path


def load(
    settings: params.Experiment, paths: TablePaths, words: WordVectors
) -> tuple[TrainingData, Graded | None]:
    """Read the tables and make the examples of an experiment; see `prepare`.

    Returns:
        The examples, and what the experiment is trained on before its task, if it is.

    Raises:
        ValueError: a table is missing, there is no training pair.
    """
    listing = Listings.load(paths.rows, paths.pairs, paths.unlisted).of(settings)
    songs = parquet.read(paths.songs, tables.SONGS)
    graded = pretraining.load(paths.pretraining, settings, songs, listing)
    return prepare(settings, songs, listing, words, graded), graded


def prepare(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    words: WordVectors,
    graded: Graded | None = None,
) -> TrainingData:
    """Make the examples of an experiment, and the vectors it starts from: of words, or of characters.

    Args:
        settings: of the experiment.
        songs: tables.SONGS.
        listing: left_id, right_id, similarity, split, listed, weight; of `pair_sets.Listings.of`.
        words: word vectors.
        graded: of `pretraining.load`.

    Raises:
        ValueError: there is no training pair.
    """
    vectors = words
    if settings.tokens == "char":
        train: Any = listing[listing["split"] == "train"]
        named = songs["song_id"].isin([*train["left_id"], *train["right_id"]])
        texts = [*songs.loc[named, "lyrics"], *(graded.songs["lyrics"] if graded else [])]
        vectors = of_characters(texts, settings.char_dimensions, CHARACTER_LENGTH, settings.seed)
    head_targets = (
        make_head_targets(settings, songs, listing, TokenWindowing.of(settings)) if settings.heads else None
    )
    heads = head_targets.heads if head_targets else {}
    parts, before = _parts(settings, songs, listing, vectors, head_targets), {}
    if graded is not None:
        unknown = np.full((len(graded.songs), sum(heads.values())), np.nan, dtype=np.float32)
        no_targets = HeadTargets(heads, unknown, unknown, np.zeros(len(unknown), dtype=bool))
        before = _parts(settings, graded.songs, graded.listing, vectors, no_targets)
    every = parts | {f"{name} before": part for name, part in before.items()}
    bag = None
    if head_targets is not None and settings.bag_of_words:
        bag = bag_of_words.fit(
            parts["train"].songs, len(vectors.vocabulary), head_targets.truth[head_targets.songs]
        )
    return TrainingData(parts, vectors, heads, fingerprint(settings, every, vectors, bag), before, bag)


def _parts(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    vectors: WordVectors,
    head_targets: HeadTargets | None,
) -> dict[str, Examples]:
    parts = examples(songs, listing, vectors.vocabulary, TokenWindowing.of(settings), head_targets)
    if settings.synonyms:
        found = synonyms.of(settings, vectors, parts["train"].songs.ids)
        parts["train"] = parts["train"]._replace(synonyms=found)
    return parts


def make_head_targets(
    settings: params.Experiment, songs: pd.DataFrame, listing: pd.DataFrame, windowing: TokenWindowing
) -> HeadTargets:
    """Build head targets: a blend of true metadata and the ridge teacher's leave-one-out predictions.

    The metadata are year, tags and place in the graph of listed pairs; the teacher's share is the setting
    `distillation_weight`. The teacher says what of the truth is in the lyrics, which spares the model from
    learning noise by heart. Training songs are all in the folds of the training pairs; where a corpus gives
    its own split, those that its training pairs name.
    """
    is_train = songs_of(songs, listing, by_fold=settings.protocol == "songs")["train"]
    index = pd.Index(songs["song_id"])
    listed: Any = listing[listing["listed"] & (listing["split"] == "train")]
    left, right = (index.get_indexer(pd.Index(listed[side])) for side in ("left_id", "right_id"))
    teacher = ridge.answer(songs, (left, right), np.flatnonzero(is_train), windowing)
    wanted = np.array([group in settings.heads for group in teacher.groups], dtype=bool)
    weight = settings.distillation_weight
    targets = weight * teacher.answers + (1 - weight) * teacher.truth
    groups = [group for group in teacher.groups if group in settings.heads]
    heads = {group: groups.count(group) for group in dict.fromkeys(groups)}
    return HeadTargets(heads, targets[:, wanted].astype(np.float32), teacher.truth[:, wanted], is_train)


def examples(
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    vocabulary: Vocabulary,
    windowing: TokenWindowing,
    head_targets: HeadTargets | None = None,
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
        more = np.flatnonzero(head_targets.songs) if head_targets and split == "train" else []
        numbers = np.unique(np.concatenate([left, right, more])).astype(np.int64)
        parts[split] = Examples(
            vocabulary.windows(songs["lyrics"].iloc[numbers].tolist(), windowing),
            np.searchsorted(numbers, left).astype(np.int32),
            np.searchsorted(numbers, right).astype(np.int32),
            part["similarity"].to_numpy(np.float32),
            part["listed"].to_numpy(bool),
            part["weight"].to_numpy(np.float64),
            head_targets.targets[numbers] if head_targets else np.zeros((len(numbers), 0), dtype=np.float32),
        )
    if not len(parts["train"].left):
        raise ValueError(
            f"no pair in split train among {len(listing)}; give more songs or another pairs.test_fold"
        )
    return parts


def fingerprint(
    settings: params.Experiment,
    parts: dict[str, Examples],
    vectors: WordVectors,
    bag: Bag | None = None,
) -> str:
    """Name a training by all that decides its result, as 64 hex digits."""
    digest = begun(settings)
    for part in parts.values():
        of_pairs = (part.left, part.right, part.similarity, part.listed, part.weight)
        for array in (*part.songs, *of_pairs, part.head_targets, *(part.synonyms or ())):
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    for array in bag or ():
        digest.update(array.tobytes())
    digest.update(str(vectors.matrix.shape).encode() + vectors.matrix.tobytes())
    return digest.hexdigest()


def begun(settings: params.Experiment) -> Any:
    """Begin the name of a training, a SHA-256, with its settings and the version of the code."""
    return hashlib.sha256(json.dumps([VERSION, settings.model_dump()], sort_keys=True).encode())
