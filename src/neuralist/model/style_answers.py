"""What the style of a text says of the heads' answers, beside the LSTM and the bag of words.

Input: texts, as much of them as a model reads. Output: what is added to their embeddings, float32 (n_texts,
width). It is the style's part of a kernel ridge regression, see `bag_of_words.fit`: a weighted sum of
Gaussians around the style of training songs. Computed by NumPy, beside the graph: style is read from lines
and marks, which token ids lack.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuralist.data import arrays
from neuralist.text import style

FILE = "style.npz"
_AT_ONCE = 1024  # texts: 40 MB of distances to 4,000 songs


class StyleAnswers(NamedTuple):
    """A function of the 17 features of `text.style`: sum over centres of coefficients times a Gaussian.

    Attributes:
        mean: of the training songs' features, float64 (17,).
        deviation: theirs, float64 (17,); infinite where a feature is constant.
        centres: float32 (n_centres, 17), standardised features of training songs.
        coefficients: float32 (n_centres, width).
    """

    mean: np.ndarray
    deviation: np.ndarray
    centres: np.ndarray
    coefficients: np.ndarray

    def __call__(
        self, texts: Sequence[str], foreign: np.ndarray | None = None, segmenter: str | None = None
    ) -> NDArray[np.float32]:
        """Return what is added to the embeddings of texts, float32 (n_texts, width).

        Args:
            texts: as much of them as is read.
            foreign: bool (n_texts,), which are of another language than the training songs: in what languages
                differ by, `style.BY_LANGUAGE`, they count as average songs; None: none is.
            segmenter: as in `tokenizer.words`.
        """
        features = style.features(texts, segmenter)
        if foreign is not None:
            features = np.where(foreign[:, None] & style.BY_LANGUAGE, self.mean, features)
        features = style.scaled(features, self.mean, self.deviation)
        parts = [
            gaussians(features[start : start + _AT_ONCE], self.centres) @ self.coefficients
            for start in range(0, len(texts), _AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, self.coefficients.shape[1])), *parts]).astype(np.float32)

    def times(self, factors: Sequence[np.ndarray]) -> "StyleAnswers":
        """Return the answers times factors, float (width,); of several factors one after the other."""
        columns = [self.coefficients * factor for factor in factors]
        return self._replace(coefficients=np.hstack(columns).astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write FILE; equal arrays give equal bytes."""
        arrays.save(folder / FILE, self._asdict())

    @classmethod
    def load(cls, folder: Path) -> "StyleAnswers":
        """Read FILE.

        Raises:
            ValueError: it is missing or damaged.
        """
        stored = cls(**arrays.load(folder / FILE, cls._fields))
        width = (len(style.NAMES),)
        fits = stored.mean.shape == stored.deviation.shape == stored.centres.shape[1:] == width
        if not fits or stored.coefficients.ndim != 2 or len(stored.coefficients) != len(stored.centres):
            raise ValueError(
                f"{folder / FILE}: its arrays do not fit each other; run `dvc repro` to train it again"
            )
        return stored


def gaussians(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return exp(-d^2 / (2 n_features)) of each text's distance d to each centre, float64 (n, n_centres)."""
    squares = (features**2).sum(axis=1)[:, None] + (centres.astype(np.float64) ** 2).sum(axis=1)
    apart = np.maximum(squares - 2 * features @ centres.T.astype(np.float64), 0)
    return np.exp(-apart / (2 * centres.shape[1]))
