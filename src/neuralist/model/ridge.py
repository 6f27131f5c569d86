"""Kernel ridge regression from lyrics to metadata: a baseline, and the teacher of a model.

Input: songs (tables.SONGS), the listed pairs, the training songs. Output: TeacherPredictions, for every song
the true year, tags and position in the graph of listed pairs, NaN where unknown, and their predictions from
the lyrics, by a fit without the song itself.

    teacher = ridge.answer(songs, listed, train, windowing)

The kernel is the similarity of two songs' words (TF-IDF) plus, with a weight of a fifth, that of their style
(a Gaussian of the distance of their features). Predictions for training songs are leave-one-out, in closed
form: with a song's coefficient c and (K + penalty)^-1 = G, they are y - c / G_ii (Allen 1974, Technometrics
16:125).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.spatial.distance import cdist

from neuralist.text import style
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import TokenWindowing

PENALTY, STYLE = 1.0, 0.2
N_TAGS, N_DIMENSIONS = 60, 9
WEIGHTS = {"year": 6.0, "tags": 1.0, "graph": 2.0}
# Of more training songs a sample is drawn, with a fixed seed: 4,000 take 128 MB a kernel, and seconds.
MAX_SONGS = 4000
_BLOCK_ROWS = 4096


class TeacherPredictions(NamedTuple):
    """True metadata and their predictions from lyrics, both standardised over the training songs.

    Attributes:
        names: columns: year, the tags, graph 1 to graph 9; columns without data are left out.
        groups: `year`, `tags` or `graph` for each column.
        truth: float64 (n_songs, n_columns); NaN where unknown, in graph for all but training songs. It holds
            years and tags of val and test songs: never train on those rows.
        answers: float64 (n_songs, n_columns): predictions from lyrics, each by a fit without the song.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    truth: np.ndarray
    answers: np.ndarray

    @property
    def positions(self) -> np.ndarray:
        """Predictions times their group's weight, float64 (n_songs, n_columns), to compare by L1 distance."""
        return self.answers * [WEIGHTS[group] for group in self.groups]


def answer(
    songs: pd.DataFrame,
    listed: tuple[np.ndarray, np.ndarray],
    train: np.ndarray,
    windowing: TokenWindowing,
    *,
    plain: bool = False,
) -> TeacherPredictions:
    """Predict year, the 60 commonest tags and nine graph dimensions from lyrics.

    Args:
        songs: tables.SONGS.
        listed: the listed pairs, two positions in `songs` each; only pairs of two training songs are used.
        train: positions of the training songs, also those in no pair; more than MAX_SONGS are sampled.
        windowing: selects the part of each text to read.
        plain: use TF-IDF without style, and predict year and tags only.
    """
    texts = [windowing.excerpt(text) for text in songs["lyrics"]]
    train = sample(np.unique(train))
    years = songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)[:, None]
    targets = [_Group("year", ["year"], years), _tags(songs, train)]
    if not plain:
        targets.append(_graph(songs, listed, train))
    names, groups, truth = _standardised(targets, train)
    if not names:
        return TeacherPredictions((), (), truth, truth.copy())
    kernel = _kernel(texts, train, windowing.tokens, 0.0 if plain else STYLE)
    answers = np.full(truth.shape, np.nan)
    for learned, columns in columns_by_known_rows(truth[train]):
        answers[:, columns] = _predicted(kernel, train, learned, truth[np.ix_(train[learned], columns)])
    return TeacherPredictions(names, groups, truth, answers)


def sample(songs: np.ndarray) -> np.ndarray:
    """Return ascending song positions; of more than MAX_SONGS a sample of that size, by a fixed seed."""
    if len(songs) <= MAX_SONGS:
        return songs
    return np.sort(np.random.default_rng(0).choice(songs, MAX_SONGS, replace=False))


def columns_by_known_rows(truth: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield row numbers, and the columns of `truth` that are known (not NaN) in exactly these rows."""
    known = ~np.isnan(truth)
    for pattern in np.unique(known, axis=1).T:
        yield np.flatnonzero(pattern), np.flatnonzero((known == pattern[:, None]).all(axis=0))


def _predicted(kernel: np.ndarray, train: np.ndarray, learned: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Predict for all songs by ridge regression on the training songs `learned`; leave-one-out for these."""
    matrix = kernel[np.ix_(train[learned], learned)]
    inverse = linalg.inv(matrix + PENALTY * np.eye(len(learned)), assume_a="pos", overwrite_a=True)
    mean = truth.mean(axis=0)
    coefficients = inverse @ (truth - mean)
    answers = kernel[:, learned] @ coefficients + mean
    answers[train[learned]] = truth - coefficients / np.diag(inverse)[:, None]
    return answers


def _kernel(texts: Sequence[str], train: np.ndarray, tokens: str, share: float) -> np.ndarray:
    """Return the kernel of each text and each training text, float64 (n_texts, n_train)."""
    terms = tfidf(texts, train, tokens, min_texts=3).weights
    learned = sparse.csc_array(terms[train].T)
    kernel = np.empty((len(texts), len(train)))
    features = style.standardised(texts, train) if share else np.zeros((len(texts), 0))
    for start in range(0, len(texts), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        kernel[rows] = (terms[rows] @ learned).toarray()
        if share:
            apart = cdist(features[rows], features[train], "sqeuclidean") / (2 * features.shape[1])
            kernel[rows] += share * np.exp(-apart)
    return kernel


class _Group(NamedTuple):
    """Targets of a kind: names, and columns float64 (n_songs, n_names), NaN where unknown."""

    group: str
    names: list[str]
    columns: np.ndarray


def _standardised(
    targets: Sequence[_Group], train: np.ndarray
) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Stack columns, standardised over `train`; constant columns are left out."""
    names, groups, columns = [], [], [targets[0].columns[:, :0]]
    for group, group_names, values in targets:
        for name, column in zip(group_names, values.T, strict=True):
            in_train = column[train][~np.isnan(column[train])]
            deviation = in_train.std() if len(in_train) else 0.0
            if deviation > 1e-12:
                names.append(name)
                groups.append(group)
                columns.append(((column - in_train.mean()) / deviation)[:, None])
    return tuple(names), tuple(groups), np.hstack(columns)


def _tags(songs: pd.DataFrame, train: np.ndarray) -> _Group:
    """Return indicators of the commonest tags of `train`; NaN for a song without any tag."""
    tags = [frozenset() if song_tags is None else frozenset(song_tags) for song_tags in songs["tags"]]
    counts = Counter(tag for song in train for tag in tags[song])
    names = sorted(counts, key=lambda tag: (-counts[tag], tag))[:N_TAGS]
    has = np.array([[tag in song_tags for tag in names] for song_tags in tags], dtype=np.float64)
    has = has.reshape(len(tags), len(names))
    has[[not song_tags for song_tags in tags]] = np.nan
    return _Group("tags", names, has)


def _graph(songs: pd.DataFrame, listed: tuple[np.ndarray, np.ndarray], train: np.ndarray) -> _Group:
    """Return leading eigenvectors of D^-1/2 A D^-1/2, D = degree + 1, times the root of their eigenvalue.

    A holds the listed pairs among the training songs that have a list or are in such a pair. Without any
    list, pairs that are not listed are unknown, and there is no column.
    """
    has_list = np.zeros(len(songs), dtype=bool)
    has_list[train] = songs["has_list"].to_numpy(dtype=bool)[train]
    left, right = listed
    inside = np.isin(left, train) & np.isin(right, train)
    left, right = left[inside], right[inside]
    observed = np.union1d(np.flatnonzero(has_list), np.union1d(left, right))
    if not len(left) or not has_list.any():
        return _Group("graph", [], np.zeros((len(songs), 0)))
    adjacency = np.zeros((len(observed), len(observed)))
    rows, columns = np.searchsorted(observed, left), np.searchsorted(observed, right)
    adjacency[rows, columns] = adjacency[columns, rows] = 1
    degree = adjacency.sum(axis=1) + 1
    adjacency /= np.sqrt(np.outer(degree, degree))
    first = max(0, len(observed) - N_DIMENSIONS)
    values, vectors = linalg.eigh(adjacency, subset_by_index=[first, len(observed) - 1], overwrite_a=True)
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = values > 1e-9
    # An eigenvector's sign is arbitrary: here its largest entry is positive.
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    positions = np.full((len(songs), int(positive.sum())), np.nan)
    positions[observed] = (vectors * np.sign(largest) * np.sqrt(np.maximum(values, 0)))[:, positive]
    return _Group("graph", [f"graph {number}" for number in range(1, 1 + positions.shape[1])], positions)
