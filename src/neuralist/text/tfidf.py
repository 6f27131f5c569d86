"""TF-IDF: texts as unit vectors over their words and word pairs, or over runs of characters."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy import sparse

from neuralist.text.tokenizer import characters, words


def tfidf(texts: Sequence[str], train: np.ndarray, tokens: str, least: int = 1) -> sparse.csr_array:
    """Unit vectors (n_texts, n_terms), float64: sublinear TF-IDF fitted on the texts `train`.

    Args:
        texts: as read.
        train: positions of the texts that terms and their frequencies are taken from.
        tokens: `word`: terms are words and pairs of neighbours; `char`: runs of 2 to 4 characters, those at
            the edge of a word with a space.
        least: training texts that a term stands in, or it is left out; a text without any has a zero vector.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    split = characters if tokens == "char" else words
    read = [("" if tokens == "char" else " ").join(split(text)) for text in texts]
    fitted = [read[text] for text in train]
    if not any(fitted):
        return sparse.csr_array((len(texts), 0))
    make = partial(TfidfVectorizer, lowercase=False, sublinear_tf=True)
    if tokens == "char":
        vectorizer = make(analyzer="char_wb", ngram_range=(2, 4))
    else:
        vectorizer = make(token_pattern=r"\S+", ngram_range=(1, 2))
    held = (vectorizer.fit_transform(fitted) > 0).sum(axis=0)
    vectors = sparse.csr_array(vectorizer.transform(read))[:, np.flatnonzero(np.ravel(held) >= least)]
    lengths = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_array(sparse.diags_array(scale) @ vectors)
