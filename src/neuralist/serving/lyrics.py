"""Check and clean lyrics that people send: columns of texts, each with a word and of bounded length."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import numpy as np
import pandas as pd

from neuralist.text import tokenizer
from neuralist.text.vocabulary import Vocabulary

MAX_CHARACTERS = 100_000  # of one text
# Below this share of known words, a score comes with a warning. At a half, four of a song's ten nearest stay,
# and listed AUC has lost a tenth of its lead over chance: docs/results/known_words.json.
LOW_KNOWN = 0.5


def texts(column: Any, name: str, clean: Callable[[str], str]) -> list[str]:
    """Return a text, or a column of texts, as a list of cleaned texts, each checked by `cleaned`.

    Args:
        column: the text or texts.
        name: of the column.
        clean: of the encoder.

    Raises:
        ValueError: `column` is no column of texts, or a value has a fault; the message names its row, from 1.
    """
    if isinstance(column, str):
        column = [column]
    if not isinstance(column, Iterable) or getattr(column, "ndim", 1) == 0:
        raise ValueError(f"{name}: received {kind_of(column)}; give a text or a list of texts")
    # Iterating these would give their names or keys, or an arbitrary order.
    if isinstance(column, Mapping | pd.DataFrame | Set | bytes | bytearray):
        raise ValueError(f"{name}: received {kind_of(column)}; give a text, a list of texts or a Series")
    to_list = getattr(column, "to_pylist", None)  # iterating pyarrow's columns gives scalars, not texts
    values = to_list() if to_list else list(column)
    cleaned_texts = []
    for row, value in enumerate(values, start=1):
        try:
            cleaned_texts.append(cleaned(value, clean))
        except ValueError as error:
            raise ValueError(f"row {row:,} of {len(values):,}, column {name}: {error}") from None
    return cleaned_texts


def cleaned(value: Any, clean: Callable[[str], str]) -> str:
    """Return lyrics as the encoder reads them.

    Args:
        value: as people sent it.
        clean: of the encoder; those of older models leave texts as they come.

    Raises:
        ValueError: the value is no text, is too long, or has no word after cleaning.
    """
    if not isinstance(value, str):
        raise ValueError(f"received {kind_of(value)}; give a text")
    if len(value) > MAX_CHARACTERS:
        raise ValueError(too_long(len(value)))
    text = clean(value)
    # Nearly every text has a word early; splitting it whole would be done twice, here and by the encoder.
    if tokenizer.words(text[:100]) or tokenizer.words(text):
        return text
    if text != value and tokenizer.words(value):
        kind = "a text of nothing but headers, times or notes"
    else:
        kind = "a text without any word" if value else "an empty text"
    raise ValueError(f"received {kind}; give the words of a song")


def too_long(n: int) -> str:
    """Return the fault of a text of `n` characters, more than MAX_CHARACTERS."""
    return f"received {n:,} characters; a text may have {MAX_CHARACTERS:,}"


def unknown(unit: str) -> str:
    """Return the fault of a text without a known token: all such texts look equal to the model.

    Args:
        unit: of tokens, word or character.
    """
    return f"a text of which the model knows no {unit}; give lyrics in a language whose words it knows"


def example(vocabulary: Vocabulary) -> str:
    """Return a text of frequent words that a model knows; in an order that is no line of a song."""
    return " ".join(reversed(vocabulary.words[:8]))


def kind_of(value: Any) -> str:
    """Name the type of a value for a message: null, a number, a list."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "null"
    if isinstance(value, bool | np.bool_):
        return "a truth value"
    if isinstance(value, int | float | np.number):
        return "a number"
    name = type(value).__name__
    return {"str": "a text", "dict": "an object", "bytes": "bytes", "ndarray": "an array"}.get(
        name, f"a {name}"
    )
