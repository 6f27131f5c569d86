"""TF-IDF vectors of texts, over words and word bigrams or over character n-grams."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from neuralist.text.tokenizer import split


class TermWeights(NamedTuple):
    """TF-IDF weights of texts.

    Attributes:
        weights: float64 (n_texts, n_terms); rows are unit vectors, or zero for a text without terms.
        terms: the columns' words, runs of words or runs of characters.
    """

    weights: sparse.csr_array
    terms: list[str]

    def rows(self, mask: np.ndarray) -> "TermWeights":
        """Return the rows where `mask`, bool (n_texts,), holds."""
        return TermWeights(self.weights[np.flatnonzero(mask)], self.terms)


def tfidf(
    texts: Sequence[str],
    train: np.ndarray,
    tokens: str,
    *,
    min_texts: int = 1,
    max_texts: float = np.inf,
    lengths: tuple[int, int] | None = None,
    segmenter: str | None = None,
) -> TermWeights:
    """Return sublinear TF-IDF weights, fitted on the texts `train`.

    Args:
        texts: the part of each text that a model reads.
        train: positions of the texts to fit terms and document frequencies on.
        tokens: `word` for words and n-grams of words; `char` for n-grams of characters within words, padded
            with a space at the edges.
        min_texts: terms in fewer training texts are dropped.
        max_texts: terms in more training texts are dropped.
        lengths: of the shortest and the longest n-gram; None: 1 and 2 words, or 2 and 4 characters.
        segmenter: of words, as in `tokenizer.words`.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer  # 1 s to import

    joined = [("" if tokens == "char" else " ").join(split(text, tokens, segmenter)) for text in texts]
    if not any(joined[text] for text in train):
        return TermWeights(sparse.csr_array((len(texts), 0)), [])
    by_words = {"token_pattern": r"\S+", "ngram_range": lengths or (1, 2)}
    options: Any = {"analyzer": "char_wb", "ngram_range": lengths or (2, 4)} if tokens == "char" else by_words
    vectorizer = CountVectorizer(lowercase=False, **options)
    # All texts are counted at once, which takes most of the time; terms and frequencies are those of `train`.
    counts: Any = sparse.csr_array(vectorizer.fit_transform(joined), dtype=np.float64)
    n_texts = np.bincount(counts[train].indices, minlength=counts.shape[1])
    columns = np.flatnonzero((n_texts >= max(min_texts, 1)) & (n_texts <= max_texts))
    if not len(columns):
        return TermWeights(sparse.csr_array((len(texts), 0)), [])
    counts = counts[:, columns]
    weights = TfidfTransformer(sublinear_tf=True).fit(counts[train]).transform(counts)
    return TermWeights(sparse.csr_array(weights), vectorizer.get_feature_names_out()[columns].tolist())
