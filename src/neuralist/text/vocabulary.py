"""Map tokens to ids: the vocabulary, saved as plain text beside the model, and texts as rows of ids."""

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files
from neuralist.text.tokenizer import TokenWindowing

PADDING, UNKNOWN = 0, 1


class Windows(NamedTuple):
    """Texts as token ids: text t has the windows ids[starts[t] : starts[t + 1]], at least one."""

    ids: np.ndarray  # int32 (n_windows, longest window), padded with 0 on the right
    starts: np.ndarray  # int64 (n_texts + 1,)
    lengths: np.ndarray  # int64 (n_texts,), tokens of the whole text, read or not

    def rows(self, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows of some texts: positions in `texts` and rows of `ids`, each int64 (n,)."""
        counts = np.diff(self.starts)[texts]
        owners = np.repeat(np.arange(len(texts)), counts)
        # A window has the same offset from the first window of its text in `ids` and in the result.
        return owners, np.arange(len(owners)) + np.repeat(
            self.starts[texts] - np.cumsum(counts) + counts, counts
        )

    def select(self, texts: np.ndarray) -> "Windows":
        """Return some of the texts, int64 (n,), in that order."""
        owners, rows = self.rows(texts)
        counts = np.bincount(owners, minlength=len(texts))
        return Windows(self.ids[rows], np.cumsum([0, *counts]), self.lengths[texts])

    def distinct(
        self, texts: np.ndarray, n_rows: int, representatives: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the distinct ids of some texts: int32 (n_rows, max_distinct), ascending, then padding.

        Args:
            texts: their positions, int64 (n,).
            n_rows: rows of the result, n at least.
            representatives: int32 (n_tokens,), the id that counts in place of each; None: its own.
        """
        owners, rows = self.rows(texts)
        ids = self.ids[rows] if representatives is None else representatives[self.ids[rows]]
        n_ids = int(ids.max(initial=0)) + 1
        numbers = (owners[:, None] * n_ids + ids)[ids != PADDING]
        owners, ids = np.divmod(np.unique(numbers), n_ids)
        counts = np.bincount(owners, minlength=n_rows)
        filled = np.full((n_rows, max(1, counts.max(initial=0))), PADDING, dtype=np.int32)
        filled[owners, np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)] = ids
        return filled

    def per_text(self, is_counted: np.ndarray) -> np.ndarray:
        """Return how many tokens of each text are counted: int64 (n_texts,).

        Args:
            is_counted: bool, of the shape of `ids`.
        """
        counts = np.count_nonzero(is_counted, axis=1)  # of each window
        return np.add.reduceat(counts, self.starts[:-1], dtype=np.int64) if len(self.lengths) else counts

    @property
    def n_truncated(self) -> int:
        """The number of texts that are read in part only."""
        return int(np.sum(self.per_text(self.ids != PADDING) < self.lengths))


class Vocabulary:
    """Words (or characters) in a fixed order: word i has the id i + 2, after padding and <unk>.

    Raises:
        ValueError: a word occurs twice.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        if len(self._ids) != len(self.words):
            raise ValueError(
                f"vocabulary: {len(self.words) - len(self._ids)} words occur twice; list each word once"
            )

    def __len__(self) -> int:
        """The number of token ids, padding and <unk> included."""
        return len(self.words) + 2

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words, start=2)}

    def windows(self, texts: Sequence[str], windowing: TokenWindowing) -> Windows:
        """Return the token ids of the windows of each text."""
        tokens = [windowing.split(text) for text in texts]
        pieces = [windowing.windows(of_text) for of_text in tokens]
        flat = [piece for of_text in pieces for piece in of_text]
        sizes = np.array([len(piece) for piece in flat], dtype=np.int64)
        ids = np.zeros((len(flat), sizes.max(initial=0) or 1), dtype=np.int32)
        flat_ids = map(self._ids.get, itertools.chain.from_iterable(flat), itertools.repeat(UNKNOWN))
        ids[np.arange(ids.shape[1]) < sizes[:, None]] = np.fromiter(
            flat_ids, dtype=np.int32, count=sizes.sum()
        )
        lengths = np.array([len(of_text) for of_text in tokens], dtype=np.int64)
        return Windows(ids, np.cumsum([0, *map(len, pieces)]), lengths)

    def save(self, path: Path) -> None:
        """Write one word a line, UTF-8."""
        files.write_text(path, "".join(f"{word}\n" for word in self.words))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a file written by `save`.

        Raises:
            ValueError: the file is missing or is not UTF-8 text.
        """
        try:
            return cls(path.read_text(encoding="utf-8").split("\n")[:-1])
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path}: not a vocabulary ({error}); expected UTF-8, one word a line"
            ) from error
