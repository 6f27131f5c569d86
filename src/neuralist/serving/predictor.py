"""Predict the similarity of any number of pairs of lyrics, by a served folder's encoder and threshold.

Input: two columns of texts of equal length. Output: one row per pair, see `Predictor.predict`. One chunk of
pairs is encoded at a time, to bound the memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import records
from neuralist.model.encoder import Encoder
from neuralist.text import tokenizer

MAX_ROWS = 10_000  # of one request
MAX_CHARACTERS = 100_000  # of one text
# Texts encoded together; 512 sorted by length leave the LSTM little padding to run over.
CHUNK = 512
DECIMALS = 6


class Predictor:
    """The served model: an encoder, its similarity and the threshold chosen on val."""

    def __init__(self, encoder: Encoder, threshold: float) -> None:
        self.encoder, self.threshold = encoder, threshold

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Read a served folder, artifacts/served/.

        Raises:
            ValueError: a file of the folder is missing or damaged, or the folder is of a newer format.
        """
        return cls(Encoder.load(folder), records.load_served(folder).threshold)

    def predict(self, lyrics_a: Iterable[Any], lyrics_b: Iterable[Any]) -> pd.DataFrame:
        """Return the predictions of `compare` as a table."""
        return pd.DataFrame(self.compare(lyrics_a, lyrics_b))

    def compare(self, lyrics_a: Iterable[Any], lyrics_b: Iterable[Any]) -> dict[str, np.ndarray]:
        """Predict the similarity of the lyrics of each pair.

        Returns:
            Columns with one entry per pair, in input order: similarity (float64 in [0, 1], to 6 decimals),
            similar (bool, whether it reaches the threshold), decile (int64 in 0..9), tokens_used_a and
            tokens_used_b (int64, tokens of each text that the model read).

        Raises:
            ValueError: a value is not a text, has no word, or is longer than MAX_CHARACTERS; or the two
                columns differ in length.
        """
        left, right = texts(lyrics_a, "lyrics_a"), texts(lyrics_b, "lyrics_b")
        if len(left) != len(right):
            raise ValueError(
                f"received {len(left):,} texts as lyrics_a and {len(right):,} as lyrics_b; give pairs"
            )
        similarity = np.empty(len(left))
        n_tokens = np.empty((2, len(left)), dtype=np.int64)
        for start in range(0, len(left), CHUNK // 2):
            rows = slice(start, start + CHUNK // 2)
            compared = self.encoder.compare(left[rows], right[rows])
            similarity[rows] = compared.similarity
            n_tokens[:, rows] = compared.n_tokens_left, compared.n_tokens_right
        similarity = similarity.round(DECIMALS)
        return {
            "similarity": similarity,
            "similar": similarity >= self.threshold,
            "decile": metrics.decile(similarity),
            "tokens_used_a": n_tokens[0],
            "tokens_used_b": n_tokens[1],
        }


def texts(column: Iterable[Any], name: str) -> list[str]:
    """Return the column as a list, after checking each value by `fault`.

    Raises:
        ValueError: a value has a fault; the message names its row, from 1.
    """
    values = list(column)
    for row, value in enumerate(values, start=1):
        reason = fault(value)
        if reason:
            raise ValueError(f"row {row:,} of {len(values):,}, column {name}: received {reason}")
    return values


def kind_of(value: Any) -> str:
    """Name the type of a value for a message: null, a number, a list."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "null"
    if isinstance(value, bool | np.bool_):
        return "a truth value"
    if isinstance(value, int | float | np.number):
        return "a number"
    return {"str": "a text", "dict": "an object"}.get(type(value).__name__, f"a {type(value).__name__}")


def embed(encoder: Encoder, lyrics: list[str]) -> Iterator[np.ndarray]:
    """Yield the embeddings of lyrics by chunk: float32 (at most CHUNK, units)."""
    for start in range(0, len(lyrics), CHUNK):
        yield encoder.encode(lyrics[start : start + CHUNK])


def fault(value: Any) -> str | None:
    """Return why a value cannot be used as lyrics, with the fix; None where it can."""
    if not isinstance(value, str):
        return f"{kind_of(value)}; give a text"
    if len(value) > MAX_CHARACTERS:
        return f"{len(value):,} characters; a text may have {MAX_CHARACTERS:,}"
    # Nearly every text has a word early; splitting it whole would be done twice, here and by the encoder.
    if tokenizer.words(value[:100]) or tokenizer.words(value):
        return None
    return f"{'a text without any word' if value else 'an empty text'}; give the words of a song"
