"""The averaged word vector of a text, as coordinates of its embedding.

Input: texts as token ids. Output: float32 (n_texts, width), rows of length 1, whose products are cosines.
Texts that say the same in other words are near, also in two languages whose word vectors are merged.

The words of a text are averaged with weights of smooth inverse frequency (Arora, Liang & Ma 2017, "A simple
but tough-to-beat baseline for sentence embeddings", ICLR, section 3). From the average that of the training
songs is taken, and what is left is seen along the directions in which these differ most (principal
components). So it is a sum of the words' rows, scaled to length 1. Computed by NumPy, beside the graph.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuralist.data import arrays
from neuralist.text.vector_files import unit
from neuralist.text.vocabulary import UNKNOWN, Windows
from neuralist.text.word_vectors import WordVectors

FILE = "averaged_vectors.npz"
# Of the cosine in a `PairRegression`. 0.05 to 0.3 were tried on val of the Million Song subset, five folds,
# and on half of the translations: docs/results/across_languages.md.
WEIGHT = 0.1
_SMOOTHING = 1e-3  # a word as frequent as this counts half; Arora et al. find 1e-4 to 1e-3 good
_ALL_RANKS = 7.6  # sum of 1 / (10 + rank) over 20,000 words: frequencies fall so, by Zipf's law
_TOKENS_AT_ONCE = 1_000_000  # 128 MB of rows of 32


class AveragedVectors(NamedTuple):
    """A sum of words' rows, scaled to length 1.

    Attributes:
        rows: float32 (n_tokens, width), zeros of padding and <unk>; a word's unit vector less `mean`, along
            `directions`, times the word's weight.
        mean: averaged vector of the training songs, float32 (dimensions,).
        directions: float32 (dimensions, width), orthonormal columns.
    """

    rows: np.ndarray
    mean: np.ndarray
    directions: np.ndarray

    @property
    def width(self) -> int:
        """Coordinates of an embedding."""
        return self.rows.shape[1]

    def __call__(self, songs: Windows) -> NDArray[np.float32]:
        """Return the coordinates of texts, float32 (n_texts, width); zeros of a text without a known word."""
        at_once = max(1, _TOKENS_AT_ONCE // songs.ids.shape[1])
        chunks = [songs.ids[start : start + at_once] for start in range(0, len(songs.ids), at_once)]
        sums = [np.zeros((0, self.width), np.float32), *(self.rows[ids].sum(axis=1) for ids in chunks)]
        of_windows = np.concatenate(sums)
        if not len(songs.lengths):
            return of_windows
        return unit(np.add.reduceat(of_windows, songs.starts[:-1])).astype(np.float32)

    def beside(self, embeddings: np.ndarray, songs: Windows, n_encoders: int) -> np.ndarray:
        """Return embeddings with the coordinates of their texts behind those of each encoder.

        Args:
            embeddings: float32 (n_texts, n_encoders * width of one).
            songs: the texts.
            n_encoders: above 1 for an ensemble.
        """
        own = self(songs)
        parts = np.split(embeddings, n_encoders, axis=1)
        return np.concatenate([array for part in parts for array in (part, own)], axis=1)

    def of_words(self, vectors: np.ndarray, weight: np.ndarray) -> "AveragedVectors":
        """Return the same function of other words.

        Args:
            vectors: of the tokens, float32 (n_tokens, dimensions), padding and <unk> first.
            weight: of the words, see `vector_files.Origins`.
        """
        return self._replace(rows=_rows(unit(vectors), _smoothed(weight), self.mean, self.directions))

    def save(self, folder: Path) -> None:
        """Write FILE, the rows in half precision; equal arrays give equal bytes."""
        arrays.save(folder / FILE, {**self._asdict(), "rows": self.rows.astype(np.float16)})

    @classmethod
    def load(cls, folder: Path, n_tokens: int) -> "AveragedVectors":
        """Read FILE.

        Raises:
            ValueError: it is missing or damaged, or of another vocabulary.
        """
        stored = cls(**arrays.load(folder / FILE, cls._fields))
        rows, width = stored.rows.astype(np.float32), stored.directions.shape[-1:]
        fits = rows.shape == (n_tokens, *width) and stored.directions.shape == (*stored.mean.shape, *width)
        if not fits or not np.isfinite(rows).all():
            raise ValueError(
                f"{folder / FILE}: its arrays do not fit {n_tokens} words; run `dvc repro` to train it again"
            )
        return stored._replace(rows=rows)


def fit(songs: Windows, vectors: WordVectors, width: int) -> AveragedVectors:
    """Learn which directions count: those in which the training songs differ most.

    Args:
        songs: the training songs; of many a sample is read.
        vectors: of the vocabulary.
        width: number of directions, at most: there are no more than songs, or dimensions.
    """
    from scipy import sparse  # only training needs SciPy

    from neuralist.model import ridge

    songs = songs.select(ridge.sample(np.arange(len(songs.lengths))))
    units, weight = unit(vectors.matrix), _smoothed(vectors.of_words().weight)
    owners, ids = _words(songs)
    shares = sparse.csr_array((weight[ids], (owners, ids)), shape=(len(songs.lengths), len(vectors.matrix)))
    total = np.maximum(shares.sum(axis=1), np.finfo(np.float64).tiny)
    averages = (shares @ units) / total[:, None]
    mean = averages.mean(axis=0)
    apart = unit(averages - mean)
    _, _, directions = np.linalg.svd(apart, full_matrices=False)
    directions = ridge.positive_largest(directions[:width].T)
    rows = _rows(units, weight, mean, directions)
    return AveragedVectors(rows, mean.astype(np.float32), directions.astype(np.float32))


def _words(songs: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return the song and the token id of each known word, each int (n_words,)."""
    owners, rows = songs.rows(np.arange(len(songs.lengths)))
    ids = songs.ids[rows]
    is_known = ids > UNKNOWN
    return np.broadcast_to(owners[:, None], ids.shape)[is_known], ids[is_known]


def _smoothed(weight: np.ndarray) -> np.ndarray:
    """Return the weight of each token in an average, float64 (n_tokens,): 0 of padding and <unk>.

    Args:
        weight: of the words, see `vector_files.Origins`.
    """
    frequency = weight.astype(np.float64) / _ALL_RANKS
    return np.concatenate([np.zeros(UNKNOWN + 1), _SMOOTHING / (_SMOOTHING + frequency)])


def _rows(units: np.ndarray, weight: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return `AveragedVectors.rows`.

    Args:
        units: the tokens' vectors at length 1, float64 (n_tokens, dimensions).
        weight: of each token in an average, float64 (n_tokens,).
        mean: float (dimensions,).
        directions: float (dimensions, width).
    """
    along = units @ directions - mean @ directions
    return (weight[:, None] * along).astype(np.float16).astype(np.float32)
