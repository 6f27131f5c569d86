"""A bag-of-words ridge regression, to average with the LSTM's auxiliary heads.

Input: texts as token ids, and the true head targets of the training songs. Output: Bag, which a trained model
is combined with: its heads then predict the mean of both (a wide and a deep part, as in Cheng et al. 2016).

A song is the unit vector of the inverse document frequencies of its distinct words; ridge regression maps it
to the targets. With style, a second regression reads both, words and style, by the sum of their kernels, and
the answers are the mean of the two. Penalty, kernels and mean were chosen on val of the Million Song subset,
five folds; docs/results/not_worked.json has the figures.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from neuralist.model import representatives, ridge
from neuralist.model.representatives import Representatives
from neuralist.model.style_answers import StyleAnswers, gaussians
from neuralist.text import style
from neuralist.text.vocabulary import UNKNOWN, Windows
from neuralist.text.word_vectors import WordVectors

PENALTY, MIN_SONGS = 2.0, 3  # of the regression; a word in fewer training songs is ignored
STYLE = 0.5  # of the style's kernel in the sum with that of words, which is 1 of a song with itself


class Bag(NamedTuple):
    """A regression from words: prediction = sum of words' rows / root of the sum of their squares + bias.

    Attributes:
        table: float32 (n_tokens, n_heads), a word's coefficients times its inverse document frequency.
        squares: float32 (n_tokens, 1), the square of that frequency; 0 for ignored words.
        bias: float32 (n_heads,).
        representatives: int32 (n_tokens,), the word whose row counts in place of a word's; of a song each
            counts once.
    """

    table: np.ndarray
    squares: np.ndarray
    bias: np.ndarray
    representatives: np.ndarray


def fit(
    songs: Windows, vectors: WordVectors, truth: np.ndarray, features: np.ndarray | None = None
) -> tuple[Bag, Representatives, StyleAnswers | None]:
    """Fit the regression; with style both, and return what style says apart from the words.

    Also returns which word represents a word without a row.

    Args:
        songs: the training songs.
        vectors: of the vocabulary.
        truth: float64 (n_songs, n_heads), NaN where unknown; each head has a value for some song.
        features: of their style, float64 (n_songs, 17); None: only words are read.
    """
    sample = ridge.sample(np.arange(len(truth)))
    ids, truth, n_tokens = songs.distinct(sample, len(sample)), truth[sample], len(vectors.vocabulary)
    owners, columns = np.nonzero(ids > UNKNOWN)
    words = ids[owners, columns]
    n_songs = np.bincount(words, minlength=n_tokens)
    idf = np.where(n_songs >= MIN_SONGS, np.log((1 + len(sample)) / (1 + n_songs)) + 1, 0)
    lengths = np.sqrt(np.bincount(owners, idf[words] ** 2, minlength=len(sample)))
    # Only songs of ignored words have length 0.
    shares = idf[words] / np.maximum(lengths, 1)[owners]
    of_words = sparse.csr_array((shares, (owners, words)), shape=(len(sample), n_tokens))
    kernel = (of_words @ of_words.T).toarray()
    coefficients, bias, by_style = _coefficients(kernel, truth), _means(truth), None
    if features is not None:
        mean, deviation = style.scale_of(features[sample])
        centres = style.scaled(features[sample], mean, deviation)
        of_both = _coefficients(kernel + STYLE * gaussians(centres, centres), truth)
        coefficients = (coefficients + of_both) / 2
        stored = (array.astype(np.float32) for array in (centres, STYLE * of_both / 2))
        by_style = StyleAnswers(mean, deviation, *stored)
    table = (of_words.T @ coefficients) * idf[:, None]
    table, squares, bias = (array.astype(np.float32) for array in (table, idf[:, None] ** 2, bias))
    found = representatives.find(vectors.matrix, idf**2, vectors.of_words())
    return Bag(table, squares, bias, found.token), found, by_style


def _coefficients(kernel: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the coefficients of a kernel ridge regression (n_songs, n_heads), 0 where a value is unknown."""
    coefficients = np.zeros(truth.shape)
    for rows, heads in ridge.columns_by_known_rows(truth):
        targets = truth[np.ix_(rows, heads)]
        penalised = kernel[np.ix_(rows, rows)] + PENALTY * np.eye(len(rows))
        solved = linalg.solve(penalised, targets - targets.mean(axis=0), assume_a="pos")
        coefficients[np.ix_(rows, heads)] = solved
    return coefficients


def _means(truth: np.ndarray) -> np.ndarray:
    return np.nanmean(truth, axis=0) if truth.size else np.zeros(truth.shape[1])
