"""Kernel ridge regression from lyrics to metadata: a baseline, and the teacher of a model.

Input: songs (tables.SONGS) and the features of their style, the listed pairs, the training songs. Output:
TeacherPredictions, for every song the true year, tags and position in the graph of listed pairs, NaN where
unknown, and their predictions from the lyrics, by a fit without the song itself.

    teacher = ridge.answer(songs, listed, train, tokens, style.features(songs["lyrics"].tolist()))

The kernel is the similarity of two songs' words (TF-IDF) plus half that of their characters and half that of
their style (a Gaussian of the distance of their features). Predictions for training songs are leave-one-out,
in closed form: with a song's coefficient c and (K + penalty)^-1 = G, they are y - c / G_ii (Allen 1974,
Technometrics 16:125).

Tags are many, and most are rare: they are predicted as the leading dimensions of a singular value
decomposition of their TF-IDF (latent semantic analysis, Deerwester et al. 1990).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.spatial.distance import cdist

from neuralist.model import soft_labels
from neuralist.text import style
from neuralist.text.tfidf import tfidf

# Chosen, as the dimensions and weights are, on val of the Million Song subset, five folds.
PENALTY, CHARACTERS, STYLE = 1.0, 0.5, 0.5
N_TAG_DIMENSIONS, N_DIMENSIONS = 16, 9
MIN_SONGS = 3  # a tag of fewer training songs is ignored
WEIGHTS = {"year": 4.0, "tags": 0.5, "lastfm": 1.0, "graph": 1.0}
# Of more training songs a sample is drawn, with a fixed seed: 4,000 take 128 MB a kernel, and seconds.
MAX_SONGS = 4000
_BLOCK_ROWS = 4096
_SMALL = 1e-9  # of a singular value or an eigenvalue: no more than rounding


class TeacherPredictions(NamedTuple):
    """True metadata and their predictions from lyrics, both standardised over the training songs.

    Attributes:
        names: columns: year, tags 1 to tags 16, lastfm 1 to lastfm 16, graph 1 to graph 9; columns without
            data are left out.
        groups: `year`, `tags`, `lastfm` (Last.fm's tags) or `graph` for each column.
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
    tokens: str,
    features: np.ndarray | None,
    segmenter: str | None = None,
) -> TeacherPredictions:
    """Predict year, tags, Last.fm's tags and the place in the graph of listed pairs from lyrics.

    Args:
        songs: tables.SONGS, lyrics cut to what the model reads.
        listed: the listed pairs, two positions in `songs` each; only pairs of two training songs are used.
        train: positions of the training songs, also those in no pair; more than MAX_SONGS are sampled.
        tokens: "word" or "char", the tokens of TF-IDF.
        features: of the lyrics' style, float64 (n_songs, 17), from `style.features`; None: use TF-IDF of the
            tokens alone, and predict no place in the graph.
        segmenter: of words, as in `tokenizer.words`.
    """
    train = sample(np.unique(train))
    years = songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)[:, None]
    columns: Any = songs
    targets = [
        _Group("year", ["year"], years),
        _tags("tags", columns["tags"], None, train),
        _tags("lastfm", columns["lastfm_tags"], columns["lastfm_weights"], train),
    ]
    if features is not None:
        targets.append(_graph(songs, listed, train))
    names, groups, truth = _standardised(targets, train)
    if not names:
        return TeacherPredictions((), (), truth, truth.copy())
    kernel = _kernel(songs["lyrics"].tolist(), train, tokens, features, segmenter)
    answers = np.full(truth.shape, np.nan)
    for learned, columns in columns_by_known_rows(truth[train]):
        answers[:, columns] = _predicted(kernel, train, learned, truth[np.ix_(train[learned], columns)])
    return TeacherPredictions(names, groups, truth, answers)


def sample(songs: np.ndarray) -> np.ndarray:
    """Return ascending song positions; of more than MAX_SONGS a sample of that size, by a fixed seed."""
    return songs[soft_labels.sample(len(songs), MAX_SONGS)]


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


def _kernel(
    texts: Sequence[str],
    train: np.ndarray,
    tokens: str,
    features: np.ndarray | None,
    segmenter: str | None,
) -> np.ndarray:
    """Return the kernel of each text and each training text, float64 (n_texts, n_train).

    Without the features of style it is that of TF-IDF alone.
    """
    terms = [(1.0, tfidf(texts, train, tokens, min_texts=3, segmenter=segmenter).weights)]
    if features is not None and tokens == "word":
        characters = tfidf(texts, train, "char", min_texts=3, lengths=(3, 5)).weights
        terms.append((CHARACTERS, characters))
    styles = None if features is None else style.standardised(features, train)
    kernel = np.zeros((len(texts), len(train)))
    for start in range(0, len(texts), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        for weight, weights in terms:
            kernel[rows] += weight * (weights[rows] @ weights[train].T).toarray()
        if styles is not None:
            apart = cdist(styles[rows], styles[train], "sqeuclidean") / (2 * styles.shape[1])
            kernel[rows] += STYLE * np.exp(-apart)
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


def _tags(group: str, tags: pd.Series, weights: pd.Series | None, train: np.ndarray) -> _Group:
    """Return the songs' leading dimensions of their tags' TF-IDF; NaN for a song without any tag.

    Args:
        group: of the columns.
        tags: a list of names, or None, of each song.
        weights: of each song's tags, from 0 to 100; None: all the same.
        train: positions of the training songs, whose tags alone decide what the dimensions are.
    """
    listed = [() if of_song is None else tuple(of_song) for of_song in tags]
    is_tagged = np.array([len(of_song) > 0 for of_song in listed], dtype=bool)
    learned = train[is_tagged[train]]
    counts = Counter(tag for song in learned for tag in set(listed[song]))
    names = sorted(tag for tag, n_songs in counts.items() if n_songs >= MIN_SONGS)
    if not names:
        return _Group(group, [], np.zeros((len(tags), 0)))
    column = {tag: number for number, tag in enumerate(names)}
    idf = np.array([1 + np.log((1 + len(learned)) / (1 + counts[tag])) for tag in names])
    owners, columns, values = [], [], []
    for song, of_song in enumerate(listed):
        for number, tag in enumerate(of_song):
            if tag in column:
                weight = 1.0 if weights is None else weights.iloc[song][number] / 100
                owners.append(song)
                columns.append(column[tag])
                values.append(weight * idf[column[tag]])
    tfidf_weights = _unit_rows(sparse.csr_array((values, (owners, columns)), shape=(len(tags), len(names))))
    mean = tfidf_weights[learned].mean(axis=0)
    _, sizes, vectors = linalg.svd(tfidf_weights[learned].toarray() - mean, full_matrices=False)
    kept = np.flatnonzero(sizes[:N_TAG_DIMENSIONS] > _SMALL)
    directions = positive_largest(vectors[kept].T)
    positions = tfidf_weights @ directions - mean @ directions
    positions[~is_tagged] = np.nan
    return _Group(group, [f"{group} {number}" for number in range(1, 1 + len(kept))], positions)


def _unit_rows(weights: sparse.csr_array) -> sparse.csr_array:
    """Return rows scaled to length 1; a row of zeros stays one."""
    norms = np.sqrt(weights.multiply(weights).sum(axis=1))
    scale = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    return sparse.csr_array(sparse.diags_array(scale) @ weights)


def positive_largest(vectors: np.ndarray) -> np.ndarray:
    """Return vectors, in columns, of the sign that makes the largest entry positive; it is arbitrary."""
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return vectors * np.sign(largest)


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
    positive = values > _SMALL
    positions = np.full((len(songs), int(positive.sum())), np.nan)
    positions[observed] = (positive_largest(vectors) * np.sqrt(np.maximum(values, 0)))[:, positive]
    return _Group("graph", [f"graph {number}" for number in range(1, 1 + positions.shape[1])], positions)
