"""TF-IDF cosines of pairs of texts, by NumPy alone: for models that answer without scikit-learn.

Terms are those of `text.tfidf`. Each counts in one of BUCKETS buckets, by the CRC-32 of its UTF-8 bytes; a
pair of words by those of both. Terms of one bucket count as one: among 100,000 terms a third share theirs
with another, but two texts of 300 words meet once or twice in a bucket without a term in common. Only counts
of training texts by bucket are kept, and no term.
"""

import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from neuralist.config.experiment import TermKind
from neuralist.text.tokenizer import TokenWindowing, words

BUCKETS = 2**18
LONGEST = 4  # characters of an n-gram
_PARTNERS = 1024  # pairs of one text that are compared together
_PRIME = 1_000_003
_NONE = np.zeros(0, dtype=np.int64)


class TermRows(NamedTuple):
    """TF-IDF weights of texts: text t has the buckets[starts[t] : starts[t + 1]], ascending."""

    starts: np.ndarray  # int64 (n_texts + 1,)
    buckets: np.ndarray  # int64 (n,)
    weights: np.ndarray  # float64 (n,)

    def cosines(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair of texts, float64 (n_pairs,) in [0, 1].

        It is symmetric to the last bit, and 1 for equal texts, also for two without a term.

        Args:
            left: positions of the first texts, int64 (n_pairs,).
            right: those of the second.
        """
        counts, products = np.diff(self.starts), np.zeros(len(left))
        order = np.argsort(left, kind="stable")  # pairs of one left text are compared together
        is_first = np.diff(left[order], prepend=-1) > 0
        is_first[::_PARTNERS] = True
        firsts = np.flatnonzero(is_first)
        for pairs in np.split(order, firsts[1:]) if len(order) else ():
            products[pairs] = self._products(int(left[pairs[0]]), right[pairs])
        # Added in the order of the products, so that a text's product with itself is its square.
        squares = np.bincount(np.repeat(np.arange(len(counts)), counts), self.weights**2, len(counts))
        lengths = np.sqrt(squares[left] * squares[right])
        both_empty = (counts[left] == 0) & (counts[right] == 0)
        cosines = np.divide(products, lengths, out=both_empty.astype(np.float64), where=lengths > 0)
        return np.minimum(cosines, 1.0)

    def _products(self, left: int, right: np.ndarray) -> np.ndarray:
        """Return the inner products of a text's weights with those of others, float64 (n_others,)."""
        own = slice(self.starts[left], self.starts[left + 1])
        counts = self.starts[right + 1] - self.starts[right]
        if own.start == own.stop:
            return np.zeros(len(right))
        owners = np.repeat(np.arange(len(right)), counts)
        entries = np.arange(len(owners)) + (self.starts[right] - np.cumsum(counts) + counts)[owners]
        buckets = self.buckets[own]
        at = np.minimum(np.searchsorted(buckets, self.buckets[entries]), len(buckets) - 1)
        shared = np.where(buckets[at] == self.buckets[entries], self.weights[own][at], 0)
        # bincount adds one by one: buckets of one text alone add 0, and change no bit.
        return np.bincount(owners, shared * self.weights[entries], len(right))


@dataclass(frozen=True)
class HashedTfidf:
    """Sublinear TF-IDF of one kind of terms, over buckets, with smoothed idf.

    Attributes:
        kind: `word` for words and word bigrams; `char` for n-grams of 2 to 4 characters within words.
        windowing: which part of a text is read.
        n_texts: number of training texts.
        counts: how many of them have a term in each bucket, int32 (BUCKETS,).
    """

    kind: TermKind
    windowing: TokenWindowing
    n_texts: int
    counts: np.ndarray

    @classmethod
    def fit(cls, kind: TermKind, windowing: TokenWindowing, texts: Sequence[str]) -> "HashedTfidf":
        """Count the training texts of each bucket."""
        counts = np.zeros(BUCKETS, dtype=np.int32)
        for text in texts:
            counts[np.unique(_buckets(kind, windowing, text))] += 1
        return cls(kind, windowing, len(texts), counts)

    @cached_property
    def idf(self) -> np.ndarray:
        """The factor of each bucket, float64 (BUCKETS,): the largest where no training text has a term."""
        return 1 + np.log((1 + self.n_texts) / (1 + self.counts))

    def rows(self, texts: Sequence[str]) -> TermRows:
        """Return the weights of texts."""
        found = [_buckets(self.kind, self.windowing, text) for text in texts]
        owners = np.repeat(np.arange(len(found)), [len(buckets) for buckets in found])
        # Sorted once for all texts, which takes a fraction of sorting each.
        terms = owners * BUCKETS + np.concatenate([_NONE, *found])
        distinct, repeats = np.unique(terms, return_counts=True)
        owners, buckets = np.divmod(distinct, BUCKETS)
        starts = np.searchsorted(owners, np.arange(len(found) + 1))
        return TermRows(starts, buckets, (1 + np.log(repeats)) * self.idf[buckets])


def _buckets(kind: TermKind, windowing: TokenWindowing, text: str) -> np.ndarray:
    """Return the bucket of every term of the part of a text that is read, int64, repeated as they are."""
    tokens = list(itertools.chain.from_iterable(windowing.windows(windowing.split(text))))
    if windowing.tokens == "char":
        read = "".join(tokens)
        tokens = read.split() if kind == "char" else words(read, windowing.segmenter)
    if kind == "char":
        return np.concatenate([_NONE, *map(_buckets_of_word, tokens)])
    hashes = np.array([_hash(token) for token in tokens], dtype=np.int64)
    return np.concatenate([hashes, hashes[:-1] * _PRIME + hashes[1:]]) % BUCKETS


@lru_cache(maxsize=2**16)
def _buckets_of_word(word: str) -> np.ndarray:
    """Return the buckets of a word's n-grams of characters, a space at either edge included."""
    padded = f" {word} "
    grams = (
        padded[start : start + length]
        for length in range(2, min(LONGEST, len(padded)) + 1)
        for start in range(len(padded) - length + 1)
    )
    return np.array([_hash(gram) for gram in grams], dtype=np.int64) % BUCKETS


@lru_cache(maxsize=2**16)
def _hash(term: str) -> int:
    # A text sent by people may hold half of a surrogate pair, which plain UTF-8 refuses.
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))
