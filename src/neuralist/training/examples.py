"""Build the examples of a training: songs as token ids, pairs as song indices, targets.

Input: the songs table, a listing (see `neuralist.data.pair_sets`), word vectors. Output: `Examples` of train
and val.
"""

import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import Listings, positions
from neuralist.data.splits import songs_of
from neuralist.model import averaged_vectors, bag_of_words, ridge
from neuralist.model.averaged_vectors import AveragedVectors
from neuralist.model.bag_of_words import Bag
from neuralist.model.representatives import Representatives
from neuralist.model.similarity import PairRegression
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import style, synonyms, transcriptions
from neuralist.text.synonyms import Synonyms
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Windows
from neuralist.text.word_vectors import WordVectors, of_characters
from neuralist.training import pair_regression, pretraining
from neuralist.training.pretraining import Graded

# Of the training code: raise it when the same settings and tables give other weights, so that no checkpoint,
# trial or run of the earlier code is reused.
VERSION = 6
# What the teacher knows of a song. Not its answers, whose last bits depend on the number of threads.
KNOWN = ["song_id", "lyrics", "year", "tags", "lastfm_tags", "lastfm_weights", "has_list"]
CHARACTER_LENGTH = 3.0  # norm, as of word vectors by default: at 1 an LSTM learns too slowly


class Share(NamedTuple):
    """The training pairs and songs that one worker has; see `neuralist.training.distributed.shards`.

    Attributes:
        pairs: int64 (own pairs,), their indices among all training pairs, ascending.
        n_pairs: number of all training pairs.
        songs: int64 (own songs,), their indices among all training songs, ascending.
        owned: bool (own songs,), false for songs of other workers that pairs of this one contain.
        lengths: int64 (n_songs,), number of tokens of every training song.
        starts: int64 (n_songs + 1,), where the windows of every training song begin.
        n_truncated: number of training songs that are cut.
    """

    pairs: np.ndarray
    n_pairs: int
    songs: np.ndarray
    owned: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    n_truncated: int


class Examples(NamedTuple):
    """The songs and pairs of a split with their targets; `left` and `right` are indices into `songs`."""

    songs: Windows
    left: np.ndarray  # int32 (n_pairs,)
    right: np.ndarray  # int32 (n_pairs,)
    similarity: np.ndarray  # float32 (n_pairs,)
    listed: np.ndarray  # bool (n_pairs,), whether a row lists the pair
    weight: np.ndarray  # float64 (n_pairs,), how many pairs each stands for
    head_targets: np.ndarray  # float32 (n_songs, n_heads), NaN where unknown
    synonyms: Synonyms | None = None  # that batches replace words by
    # The songs, then in the same order their first other transcription, and so on; of all workers' songs.
    transcriptions: Windows | None = None
    share: Share | None = None  # of one worker; None: these are all examples
    texts: Sequence[str] = ()  # of the songs, where `fusion` or `style` reads them; of all workers' songs

    @property
    def n_pairs(self) -> int:
        """Number of pairs, those of other workers included."""
        return len(self.left) if self.share is None else self.share.n_pairs

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each song, int64 (n_songs,), songs of other workers included."""
        return self.songs.lengths if self.share is None else self.share.lengths

    @property
    def n_truncated(self) -> int:
        """Number of songs that are cut, those of other workers included."""
        return self.songs.n_truncated if self.share is None else self.share.n_truncated


class HeadTargets(NamedTuple):
    """The targets of a model's auxiliary heads.

    Attributes:
        heads: group (year, tags, lastfm, graph) to its number of heads, in the order of the columns.
        targets: float32 (n_songs, n_heads), NaN where unknown.
        truth: the metadata alone, without the teacher's predictions, float64 (n_songs, n_heads).
        answers: the teacher's predictions alone, float64 (n_songs, n_heads).
        songs: bool (n_songs,), the training songs.
        style: features of the songs' style, which the teacher has read, float64 (n_songs, 17).
    """

    heads: dict[str, int]
    targets: np.ndarray
    truth: np.ndarray
    answers: np.ndarray
    songs: np.ndarray
    style: np.ndarray

    @classmethod
    def unknown(cls, heads: dict[str, int], n_songs: int) -> "HeadTargets":
        """Return targets that are unknown, of no training song."""
        values = np.full((n_songs, sum(heads.values())), np.nan, dtype=np.float32)
        return cls(heads, values, values, values, np.zeros(n_songs, dtype=bool), np.zeros((n_songs, 0)))


class TrainingData(NamedTuple):
    """Everything that a training depends on, and its fingerprint."""

    splits: dict[str, Examples]  # train, val
    vectors: WordVectors
    heads: dict[str, int]
    fingerprint: str
    pretraining_splits: dict[str, Examples]  # train, val of `pretrain_on`; else empty
    bag_of_words: Bag | None = None  # to combine the trained model with
    representatives: Representatives | None = None  # of words in the bag
    style: StyleAnswers | None = None  # that join the bag's
    pair_regression: PairRegression | None = None  # of the heads' answers, to judge pairs by
    averaged_vectors: AveragedVectors | None = None  # that join it


class TablePaths(NamedTuple):
    """Paths of the tables, and of the folder of the pretraining tables."""

    songs: Path
    rows: Path
    pairs: Path
    unlisted: Path
    pretraining: Path


def load(
    settings: params.Experiment, paths: TablePaths, words: WordVectors
) -> tuple[TrainingData, Graded | None]:
    """Read the tables and build the training data of an experiment; see `prepare`.

    Returns:
        The training data, and the pretraining pairs if the experiment has any.

    Raises:
        ValueError: a table is missing, there is no training pair.
    """
    listing = Listings.load(paths.rows, paths.pairs, paths.unlisted).of(settings)
    songs = parquet.read(paths.songs, tables.SONGS)
    graded = pretraining.load(paths.pretraining, settings, songs, listing, words.coverage.segmenter)
    return prepare(settings, songs, listing, words, graded), graded


def prepare(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    words: WordVectors,
    graded: Graded | None = None,
) -> TrainingData:
    """Build the training data of an experiment, with initial vectors of words or of characters.

    Args:
        settings: of the experiment.
        songs: tables.SONGS.
        listing: left_id, right_id, similarity, split, listed, weight; from `pair_sets.Listings.of`.
        words: word vectors.
        graded: the pretraining pairs, from `pretraining.load`.

    Raises:
        ValueError: there is no training pair.
    """
    vectors = words
    train: Any = listing[listing["split"] == "train"]
    if settings.tokens == "char":
        is_used = songs["song_id"].isin([*train["left_id"], *train["right_id"]])
        texts = [*songs.loc[is_used, "lyrics"], *(graded.songs["lyrics"] if graded else [])]
        vectors = of_characters(texts, settings.char_dimensions, CHARACTER_LENGTH, settings.seed)
    head_targets = HeadTargets.unknown({}, len(songs))
    if settings.heads:
        windowing = TokenWindowing.of(settings, vectors.coverage.segmenter)
        head_targets = build_head_targets(settings, songs, listing, windowing)
    heads = head_targets.heads
    splits, pretraining_splits = examples(settings, songs, listing, vectors, head_targets), {}
    if graded is not None:
        no_targets = HeadTargets.unknown(heads, len(graded.songs))
        pretraining_splits = examples(settings, graded.songs, graded.listing, vectors, no_targets)
    all_splits = splits | {f"{name} pretraining": data for name, data in pretraining_splits.items()}
    bag = representatives = style_answers = None
    if settings.heads and settings.bag_of_words:
        is_train = head_targets.songs
        truth = head_targets.truth[is_train]
        features = head_targets.style[is_train] if heads and settings.style else None
        bag, representatives, style_answers = bag_of_words.fit(
            splits["train"].songs, vectors, truth, features
        )
    regression = None
    if heads and settings.pair_regression:
        regression = pair_regression.fit(
            head_targets.answers,
            *positions(songs, train),
            train["similarity"].to_numpy(np.float64),
            train["weight"].to_numpy(np.float64),
        )
    averages = None
    if regression is not None and settings.averaged_vectors:
        averages = averaged_vectors.fit(splits["train"].songs, vectors, settings.averaged_vectors)
    known = _known(songs, train, head_targets.songs) if heads else b""
    digest = fingerprint(settings, all_splits, vectors, known)
    return TrainingData(
        splits,
        vectors,
        heads,
        digest,
        pretraining_splits,
        bag_of_words=bag,
        representatives=representatives,
        style=style_answers,
        pair_regression=regression,
        averaged_vectors=averages,
    )


def build_head_targets(
    settings: params.Experiment, songs: pd.DataFrame, listing: pd.DataFrame, windowing: TokenWindowing
) -> HeadTargets:
    """Build head targets: a blend of true metadata and the ridge teacher's leave-one-out predictions.

    The teacher's weight is `distillation_weight`. Its predictions are leave-one-out for training songs. They
    contain what can be read from lyrics, so the model need not memorise the noise in the metadata.
    Training songs are those of the training folds; where a corpus has its own split, those in training pairs.
    """
    is_train = songs_of(songs, listing, by_fold=settings.protocol == "songs")["train"]
    listed: Any = listing[listing["listed"] & (listing["split"] == "train")]
    texts = [windowing.excerpt(text) for text in songs["lyrics"]]
    features, read = style.features(texts, windowing.segmenter), songs.assign(lyrics=texts)
    sides, train = positions(songs, listed), np.flatnonzero(is_train)
    teacher = ridge.answer(read, sides, train, windowing.tokens, features, windowing.segmenter)
    has_head = np.array([group in settings.heads for group in teacher.groups], dtype=bool)
    share = settings.distillation_weight
    targets = share * teacher.answers + (1 - share) * teacher.truth
    groups = [group for group in teacher.groups if group in settings.heads]
    heads = {group: groups.count(group) for group in dict.fromkeys(groups)}
    truth, answers = teacher.truth[:, has_head], teacher.answers[:, has_head]
    return HeadTargets(heads, targets[:, has_head].astype(np.float32), truth, answers, is_train, features)


def examples(
    settings: params.Experiment,
    songs: pd.DataFrame,
    listing: pd.DataFrame,
    vectors: WordVectors,
    head_targets: HeadTargets,
) -> dict[str, Examples]:
    """Build the train and val examples of a listing, with their songs; for heads, all training songs.

    Raises:
        ValueError: there is no training pair.
    """
    splits, windowing = {}, TokenWindowing.of(settings, vectors.coverage.segmenter)
    for split in ("train", "val"):
        pairs: Any = listing[listing["split"] == split]
        left, right = positions(songs, pairs)
        head_songs = np.flatnonzero(head_targets.songs) if split == "train" else []
        numbers = np.unique(np.concatenate([left, right, head_songs])).astype(np.int64)
        texts = songs["lyrics"].iloc[numbers].tolist()
        splits[split] = Examples(
            vectors.vocabulary.windows(texts, windowing),
            np.searchsorted(numbers, left).astype(np.int32),
            np.searchsorted(numbers, right).astype(np.int32),
            pairs["similarity"].to_numpy(np.float32),
            pairs["listed"].to_numpy(bool),
            pairs["weight"].to_numpy(np.float64),
            head_targets.targets[numbers],
            texts=texts if settings.fusion or settings.style else (),
        )
        if split == "train" and settings.augmentation:
            rng = np.random.default_rng(settings.seed)
            others = zip(*(transcriptions.others(text, rng) for text in texts), strict=True)
            versions = vectors.vocabulary.windows([*texts, *itertools.chain(*others)], windowing)
            splits[split] = splits[split]._replace(transcriptions=versions)
    if not len(splits["train"].left):
        raise ValueError(
            f"no pair in split train among {len(listing)}; give more songs or another pairs.test_fold"
        )
    if settings.synonyms:
        replacements = synonyms.of(settings, vectors, splits["train"].songs.ids)
        splits["train"] = splits["train"]._replace(synonyms=replacements)
    return splits


def fingerprint(
    settings: params.Experiment, splits: dict[str, Examples], vectors: WordVectors, known: bytes = b""
) -> str:
    """Hash everything that decides the result of a training; 64 hex digits.

    What is computed from these inputs is not hashed: another number of threads gives a ridge regression's
    answers other last bits, and the same training would have two runs and two folders of checkpoints.

    Args:
        settings: of the experiment.
        splits: its examples.
        vectors: its initial vectors.
        known: what the heads are taught from.
    """
    digest = start_digest(settings, vectors.coverage.segmenter)
    for data in splits.values():
        arrays = [*data.songs, data.left, data.right, data.similarity, data.listed, data.weight]
        # Those of a file; near words follow from the vectors.
        arrays += data.synonyms or () if settings.synonym_list is not None else ()
        arrays += data.transcriptions or ()
        for array in arrays:
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        digest.update("".join(data.texts).encode())
    digest.update(known)
    for array in (vectors.matrix, *(vectors.origins or ())):
        digest.update(str(array.shape).encode() + array.tobytes())
    return digest.hexdigest()


def _known(songs: pd.DataFrame, pairs: pd.DataFrame, is_train: np.ndarray) -> bytes:
    """Return what the teacher, the bag of words and the regression are fitted on, in one form, as bytes.

    Args:
        songs: tables.SONGS.
        pairs: the training pairs.
        is_train: bool (n_songs,), the training songs.
    """
    rows: Any = songs.loc[is_train, KNOWN]
    listed: Any = pairs[["left_id", "right_id", "listed"]]
    return b"".join(table.to_json(orient="values", double_precision=15).encode() for table in (rows, listed))


def start_digest(settings: params.Experiment, segmenter: str | None) -> Any:
    """Start a fingerprint, a SHA-256, with the settings, the version of the code and any segmenter."""
    deciding = settings.model_dump(exclude={"histograms"})
    start = [VERSION, deciding, *([] if segmenter is None else [segmenter])]
    return hashlib.sha256(json.dumps(start, sort_keys=True).encode())
