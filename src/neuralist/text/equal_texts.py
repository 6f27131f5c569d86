"""Which texts are equal: those of the same words in the same order, whatever their case and punctuation."""

from collections.abc import Iterable

import numpy as np

from neuralist.text import tokenizer


def first_equal(texts: Iterable[str]) -> np.ndarray:
    """Return the position of the first text that equals each, int64 (n_texts,)."""
    first: dict[str, int] = {}
    folded = (" ".join(tokenizer.words(text)) for text in texts)
    return np.array([first.setdefault(text, position) for position, text in enumerate(folded)], np.int64)
