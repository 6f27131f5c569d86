"""Texts to token ids: the tokenizer and the vocabulary, saved as plain text beside the model."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import regex

from neuralist import tables

PADDING, UNKNOWN = 0, 1
# Letters with their marks, or digits; inner apostrophes belong to the word (don't, l'amour).
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:'[\p{L}\p{M}\p{N}]+)*")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})


def words(text: str) -> list[str]:
    """Split a text into lower-case words; punctuation, symbols and control characters only separate.

    Compatibility forms are folded first (Unicode NFKC), so that full-width letters and ligatures equal their
    plain forms. Scripts written without spaces come out as one token a run.
    """
    folded = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    return _WORD.findall(unicodedata.normalize("NFC", folded))


class Vocabulary:
    """The known words in a fixed order: word i has the token id i + 2, after padding and <unk>.

    Raises:
        ValueError: a word occurs twice.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.words = tuple(known)
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

    def ids(self, texts: Sequence[str], max_words: int) -> np.ndarray:
        """Token ids of each text's first words, int32 (n_texts, max_words), padded with 0 on the right."""
        ids = np.zeros((len(texts), max_words), dtype=np.int32)
        for row, text in zip(ids, texts, strict=True):
            found = [self._ids.get(word, UNKNOWN) for word in words(text)[:max_words]]
            row[: len(found)] = found
        return ids

    def save(self, path: Path) -> None:
        """Write one word a line, UTF-8."""
        tables.write_text(path, "".join(f"{word}\n" for word in self.words))

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
