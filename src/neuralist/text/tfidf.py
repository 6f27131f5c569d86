"""TF-IDF: texts as unit vectors over their words and word pairs, or over runs of characters."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import sparse

from neuralist.text.tokenizer import split


class Terms(NamedTuple):
    """What terms weigh in texts.

    Attributes:
        weights: float64 (n_texts, n_terms), rows of length 1, or 0 of a text without a term.
        names: the terms, in the order of the columns.
    """

    weights: sparse.csr_array
    names: list[str]

    def of(self, texts: np.ndarray) -> "Terms":
        """The same for some of the texts, chosen by bool (n_texts,)."""
        return Terms(self.weights[np.flatnonzero(texts)], self.names)


def tfidf(
    texts: Sequence[str],
    train: np.ndarray,
    tokens: str,
    *,
    least: int = 1,
    most: float = np.inf,
    longest: int = 2,
) -> Terms:
    """Sublinear TF-IDF of texts, fitted on the texts `train`.

    Args:
        texts: as read.
        train: positions of the texts that terms and their frequencies are taken from.
        tokens: `word`: terms are words and runs of neighbours; `char`: runs of 2 to 4 characters, those at
            the edge of a word with a space.
        least: training texts that a term stands in, or it is left out.
        most: likewise.
        longest: words of a run.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # 1 s to import

    read = [("" if tokens == "char" else " ").join(split(text, tokens)) for text in texts]
    fitted = [read[text] for text in train]
    if not any(fitted):
        return Terms(sparse.csr_array((len(texts), 0)), [])
    make = partial(TfidfVectorizer, lowercase=False, sublinear_tf=True)
    if tokens == "char":
        vectorizer = make(analyzer="char_wb", ngram_range=(2, 4))
    else:
        vectorizer = make(token_pattern=r"\S+", ngram_range=(1, longest))
    held = np.ravel((vectorizer.fit_transform(fitted) > 0).sum(axis=0))
    kept = np.flatnonzero((held >= least) & (held <= most))
    vectors = sparse.csr_array(vectorizer.transform(read))[:, kept]
    lengths = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    names = vectorizer.get_feature_names_out()[kept].tolist()
    return Terms(sparse.csr_array(sparse.diags_array(scale) @ vectors), names)
