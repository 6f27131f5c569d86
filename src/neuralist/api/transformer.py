"""Lyrics to embeddings as a scikit-learn transformer, for pipelines and column transformers.

Written by the rules of https://scikit-learn.org/stable/developers/develop.html. Needs scikit-learn, which the
extra `train` brings.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from neuralist.api import load


class LyricsEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Embeds a column of lyrics by a trained model; `fit` learns nothing.

    Args:
        model: as of `neuralist.load`.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        self.model = model

    def fit(self, X: Iterable[str], y: Any = None) -> "LyricsEncoder":  # noqa: N803 - scikit-learn's name
        """Load the model; the texts are not read.

        Raises:
            ValueError: there is no such model.
        """
        self.model_ = load(self.model)
        self._n_features_out = self.model_.encoder.width
        return self

    def transform(self, X: Iterable[str]) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Embed lyrics: float32 (n_texts, width).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X is no column of texts, such as a table, or a text has no word.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self.model_.encode([X] if isinstance(X, str) else X)
