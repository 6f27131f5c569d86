"""Kernel ridge regression from lyrics to what songs' metadata say: a baseline, and the teacher of a model.

Input: songs (tables.SONGS), the listed pairs, the training songs. Output: TeacherPredictions, for every song
the true year, tags and position in the graph of listed pairs as far as known, and what the lyrics alone say
of them, where the song itself took no part in the fit.

    teacher = ridge.answer(songs, listed, train, windowing)

Two songs are as alike as their words (TF-IDF) and, a fifth as much, their style (a Gaussian of the distance
of their features). Answers to training songs are leave-one-out predictions in closed form: with a song's
coefficient c and (K + penalty)^-1 = G, they are y - c / G_ii (Allen 1974, Technometrics 16:125).
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
# More training songs than this are drawn from, with a fixed seed: 4,000 take 128 MB a kernel and seconds.
MOST_SONGS = 4000
_ROWS_AT_ONCE = 4096


class TeacherPredictions(NamedTuple):
    """What metadata say of songs, and what lyrics say of the same; both in deviations of the training songs.

    Attributes:
        names: of the columns: year, the tags, graph 1 to graph 9; columns that a corpus lacks are left out.
        groups: `year`, `tags` or `graph` for each column.
        truth: float64 (n_songs, n_columns); NaN where unknown, in graph for all but training songs. Years
            and tags of val and test songs are in it: leave those rows out of anything that learns.
        answers: float64 (n_songs, n_columns): predictions from lyrics, none from a fit that held the song.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    truth: np.ndarray
    answers: np.ndarray

    @property
    def positions(self) -> np.ndarray:
        """Answers times their group's weight, float64 (n_songs, n_columns): near in L1 is alike."""
        return self.answers * [WEIGHTS[group] for group in self.groups]


def answer(
    songs: pd.DataFrame,
    listed: tuple[np.ndarray, np.ndarray],
    train: np.ndarray,
    windowing: TokenWindowing,
    *,
    plain: bool = False,
) -> TeacherPredictions:
    """Predict year, the 60 commonest tags and nine graph dimensions from the lyrics that are read.

    Args:
        songs: tables.SONGS.
        listed: the listed pairs, two positions in `songs` each; only pairs of two training songs are used.
        train: positions of the training songs, those in no pair included; of more than 4,000, as many drawn
            with a fixed seed are learned from.
        windowing: what of each text is read.
        plain: whether to learn from TF-IDF alone, and year and tags alone.
    """
    texts = [windowing.excerpt(text) for text in songs["lyrics"]]
    train = at_most(np.unique(train))
    found = [_year(songs), _tags(songs, train)] + ([] if plain else [_graph(songs, listed, train)])
    names, groups, truth = _standardised(found, train)
    if not names:
        return TeacherPredictions((), (), truth, truth.copy())
    kernel = _kernel(texts, train, windowing.tokens, 0.0 if plain else STYLE)
    answers = np.full(truth.shape, np.nan)
    for learned, columns in known_alike(truth[train]):
        answers[:, columns] = _predicted(kernel, train, learned, truth[np.ix_(train[learned], columns)])
    return TeacherPredictions(names, groups, truth, answers)


def at_most(songs: np.ndarray) -> np.ndarray:
    """The songs, ascending as they come; of more than MOST_SONGS as many, drawn with a fixed seed."""
    if len(songs) <= MOST_SONGS:
        return songs
    return np.sort(np.random.default_rng(0).choice(songs, MOST_SONGS, replace=False))


def known_alike(truth: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows, and the columns of `truth` that are known in just these rows; NaN is unknown."""
    known = ~np.isnan(truth)
    for pattern in np.unique(known, axis=1).T:
        yield np.flatnonzero(pattern), np.flatnonzero((known == pattern[:, None]).all(axis=0))


def _predicted(kernel: np.ndarray, train: np.ndarray, learned: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Answers of ridge regression on the training songs `learned` to all songs; leave-one-out to these."""
    matrix = kernel[np.ix_(train[learned], learned)]
    inverse = linalg.inv(matrix + PENALTY * np.eye(len(learned)), assume_a="pos", overwrite_a=True)
    mean = truth.mean(axis=0)
    coefficients = inverse @ (truth - mean)
    answers = kernel[:, learned] @ coefficients + mean
    answers[train[learned]] = truth - coefficients / np.diag(inverse)[:, None]
    return answers


def _kernel(texts: Sequence[str], train: np.ndarray, tokens: str, share: float) -> np.ndarray:
    """Likeness of each text to each training text, float64 (n_texts, n_train)."""
    terms = tfidf(texts, train, tokens, least=3).weights
    learned = sparse.csc_array(terms[train].T)
    kernel = np.empty((len(texts), len(train)))
    features = style.standardised(texts, train) if share else np.zeros((len(texts), 0))
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        kernel[rows] = (terms[rows] @ learned).toarray()
        if share:
            apart = cdist(features[rows], features[train], "sqeuclidean") / (2 * features.shape[1])
            kernel[rows] += share * np.exp(-apart)
    return kernel


class _Group(NamedTuple):
    """One kind of answers: a name and a column, float64 (n_songs, n), for each; NaN is unknown."""

    group: str
    names: list[str]
    columns: np.ndarray


def _standardised(
    found: Sequence[_Group], train: np.ndarray
) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Columns side by side, less their mean, in their deviations on `train`; constant ones are left out."""
    names, groups, columns = [], [], [found[0].columns[:, :0]]
    for group, own, values in found:
        for name, column in zip(own, values.T, strict=True):
            known = column[train][~np.isnan(column[train])]
            spread = known.std() if len(known) else 0.0
            if spread > 1e-12:
                names.append(name)
                groups.append(group)
                columns.append(((column - known.mean()) / spread)[:, None])
    return tuple(names), tuple(groups), np.hstack(columns)


def _year(songs: pd.DataFrame) -> _Group:
    return _Group("year", ["year"], songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)[:, None])


def _tags(songs: pd.DataFrame, train: np.ndarray) -> _Group:
    """Whether each song has each of the commonest tags of `train`; NaN for a song without any tag."""
    tags = [frozenset() if found is None else frozenset(found) for found in songs["tags"]]
    counts = Counter(tag for song in train for tag in tags[song])
    names = sorted(counts, key=lambda tag: (-counts[tag], tag))[:N_TAGS]
    has = np.array([[tag in found for tag in names] for found in tags], dtype=np.float64)
    has = has.reshape(len(tags), len(names))
    has[[not found for found in tags]] = np.nan
    return _Group("tags", names, has)


def _graph(songs: pd.DataFrame, listed: tuple[np.ndarray, np.ndarray], train: np.ndarray) -> _Group:
    """Leading eigenvectors of D^-1/2 A D^-1/2, D = degree + 1, times the root of their eigenvalue.

    A holds the listed pairs among the training songs that have a list or stand in such a pair. Without any
    list, what is not listed is unknown, and there is no column.
    """
    has_list = np.zeros(len(songs), dtype=bool)
    has_list[train] = songs["has_list"].to_numpy(dtype=bool)[train]
    left, right = listed
    inside = np.isin(left, train) & np.isin(right, train)
    left, right = left[inside], right[inside]
    observed = np.union1d(np.flatnonzero(has_list), np.union1d(left, right))
    if not len(left) or not has_list.any():
        return _Group("graph", [], np.zeros((len(songs), 0)))
    among = np.zeros((len(observed), len(observed)))
    rows, columns = np.searchsorted(observed, left), np.searchsorted(observed, right)
    among[rows, columns] = among[columns, rows] = 1
    degree = among.sum(axis=1) + 1
    among /= np.sqrt(np.outer(degree, degree))
    first = max(0, len(observed) - N_DIMENSIONS)
    values, vectors = linalg.eigh(among, subset_by_index=[first, len(observed) - 1], overwrite_a=True)
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > 1e-9
    # An eigenvector's sign is arbitrary: here its largest entry is positive.
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    positions = np.full((len(songs), int(kept.sum())), np.nan)
    positions[observed] = (vectors * np.sign(largest) * np.sqrt(np.maximum(values, 0)))[:, kept]
    return _Group("graph", [f"graph {number}" for number in range(1, 1 + positions.shape[1])], positions)
