"""Whose row of the bag of words a word takes: its own, or that of the training word nearest in meaning.

The bag of words has rows for words that training songs hold. Another word takes the row of the training word
whose vector has the highest cosine to its own: a synonym's, or, where word vectors of several languages are
merged, its translation's. So do words of another language that few training songs hold: in English lyrics
`de` and `le` tell the songs with a foreign line, and every French song would be one of these.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.data import arrays
from neuralist.text.vector_files import Origins, unit
from neuralist.text.vocabulary import PADDING, UNKNOWN, Windows

FILE = "representatives.npz"
# Least cosine: below, words keep their own row. Of 0.3 to 0.7 on val of the Million Song subset, five folds,
# and on half of the translations: docs/results/across_languages.md.
NEAR = 0.3
# A word is of the training songs' language where its file has this share of the word's weight, or where this
# share of the songs holds it: by its weights `on` is a French word.
OWN, COMMON = 0.5, 0.08
_AT_ONCE = 4096  # words: 200 MB of cosines to 6,000 training words


class Representatives(NamedTuple):
    """For each token id, whose row of the bag counts.

    Attributes:
        token: int32 (n_tokens,), the id of that word; of most words their own.
        is_own: bool (n_tokens,), whether it is a word of the training songs' language; so is <unk>.
    """

    token: np.ndarray
    is_own: np.ndarray

    def foreign(self, songs: Windows) -> np.ndarray:
        """Return which songs are of another language: with most of the words read, bool (n_songs,)."""
        n_own = songs.per_text(self.is_own[songs.ids] & (songs.ids != PADDING))
        return 2 * n_own < songs.per_text(songs.ids != PADDING)

    def save(self, folder: Path) -> None:
        """Write FILE; equal arrays give equal bytes."""
        arrays.save(folder / FILE, {"token": self.token, "is_own": self.is_own.astype(np.int8)})

    @classmethod
    def load(cls, folder: Path, n_tokens: int) -> "Representatives":
        """Read FILE; without it, as in folders of an earlier format, every word stands for itself.

        Raises:
            ValueError: it is damaged, or of another vocabulary.
        """
        if not (folder / FILE).exists():
            return cls(np.arange(n_tokens, dtype=np.int32), np.ones(n_tokens, dtype=bool))
        stored = arrays.load(folder / FILE, cls._fields)
        if any(array.shape != (n_tokens,) for array in stored.values()):
            raise ValueError(f"{folder / FILE}: not of {n_tokens} words; run `dvc repro` to train it again")
        return cls(stored["token"].astype(np.int32), stored["is_own"].astype(bool))


def find(vectors: np.ndarray, squares: np.ndarray, origins: Origins) -> Representatives:
    """Find each word's representative.

    Args:
        vectors: of the tokens, float (n_tokens, dimensions), padding and <unk> first.
        squares: of the words that the bag of words has a row for their squared inverse document frequency,
            see `bag_of_words.Bag`; 0 of others; float (n_tokens,).
        origins: of the words, without padding and <unk>.
    """
    is_own = np.concatenate([np.ones(UNKNOWN + 1, dtype=bool), origins.own >= OWN])
    is_counted = squares > 0
    # An inverse document frequency is 1 - log(share of the songs), but for one song.
    is_own |= is_counted & (np.sqrt(squares) < 1 - np.log(COMMON))
    is_trained = is_own & is_counted
    # A word that has no row counts for nothing, as <unk> does.
    token = np.where(is_counted, np.arange(len(vectors)), UNKNOWN).astype(np.int32)
    token[PADDING] = PADDING
    trained, others = np.flatnonzero(is_trained), np.flatnonzero(~is_trained)
    others = others[others > UNKNOWN]
    directions = unit(vectors).astype(np.float32)
    targets = directions[trained].T
    for start in range(0, len(others) if len(trained) else 0, _AT_ONCE):
        some = others[start : start + _AT_ONCE]
        cosines = directions[some] @ targets
        nearest = cosines.argmax(axis=1)
        is_near = cosines[np.arange(len(some)), nearest] > NEAR
        token[some[is_near]] = trained[nearest[is_near]]
    return Representatives(token, is_own)
