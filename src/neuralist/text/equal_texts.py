"""Which texts are equal: those of the same words in the same order, whatever their case and punctuation."""

import hashlib
from collections.abc import Iterable

import numpy as np

from neuralist.text import tokenizer


def folded(text: str) -> str:
    """Return the words of a text between single spaces: equal texts fold to the same."""
    return " ".join(tokenizer.words(text))


def digest(text: str) -> str:
    """Return a digest of a text, 16 hex digits: that of every text which equals it."""
    return hashlib.sha256(folded(text).encode()).hexdigest()[:16]


def first_equal(folded_texts: Iterable[str]) -> np.ndarray:
    """Return the position of the first of the folded texts that equals each, int64 (n_texts,)."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(text, row) for row, text in enumerate(folded_texts)], np.int64)
