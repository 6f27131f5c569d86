"""Read the songs that `neuralist drift` compares: of a raw folder, a songs.parquet or any table of texts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.cli import streams
from neuralist.config import params
from neuralist.data import tables
from neuralist.ingest import columns, songs
from neuralist.ingest.sources import formats
from neuralist.ingest.sources.common import year_columns
from neuralist.serving import lyrics
from neuralist.text import languages

ROWS = 10_000  # at a time
COLUMNS = ("lyrics", "year", "language", "tags")
PAIR = ("lyrics_a", "lyrics_b")
Clean = Callable[[str], str]


class NewSongs(NamedTuple):
    """Songs with a word.

    Attributes:
        texts: cleaned lyrics.
        facts: columns year, language and tags, of each text. A language that the source does not give as a
            code is detected.
        n_given: songs of the source, read or not.
        n_unusable: of the texts that were looked at, those without a word, and malformed rows.
    """

    texts: list[str]
    facts: pd.DataFrame
    n_given: int
    n_unusable: int


def read(source: Path, settings: params.Params, clean: Clean, text_column: str) -> NewSongs:
    """Read songs; of more than `drift.most`, so many are drawn at random.

    Args:
        source: a raw folder, with or without pairs.csv; a songs.parquet of a checkout; or a csv or parquet
            with a column of texts and perhaps year, language and tags, or with lyrics_a and lyrics_b, whose
            texts are each read once.
        settings: params.yaml, with the raw folder's corpus.yaml laid over it.
        clean: of the encoder.
        text_column: the column of texts.

    Raises:
        ValueError: a file is missing or faulty, or no text has a word.
    """
    choices = settings.drift
    # As `neuralist import` makes it of songs: texts alone are enough here.
    if (source / "texts.csv").is_file() and not (source / "pairs.csv").exists():
        source = source / "texts.csv"
    if source.is_dir():
        built = songs.build(formats.read(source, settings.similarity_range, settings.engine), settings.songs)
        pieces = iter([built.songs.rename(columns={"lyrics": "text"})])
    else:
        streams.check_source(source)
        pieces = _pieces(source, text_column)
    chosen, n_given = _sample(pieces, choices.most, choices.seed)
    texts = [_cleaned(text, clean) for text in chosen["text"].tolist()]
    has_words = np.array([text is not None for text in texts], dtype=bool)
    if not has_words.any():
        raise ValueError(f"{source}: no text with a word among {n_given:,}; give a table of lyrics")
    kept = [text for text in texts if text is not None]
    facts = chosen.loc[has_words, ["year", "language", "tags"]].reset_index(drop=True)
    return NewSongs(
        kept,
        facts.assign(language=languages.of_songs(kept, facts["language"].tolist())),
        n_given,
        int((~has_words).sum()),
    )


def _cleaned(text: Any, clean: Clean) -> str | None:
    try:
        return lyrics.cleaned(text, clean)
    except ValueError:
        return None


def _pieces(path: Path, text_column: str) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table, with the columns text, year, language and tags."""
    seen: set[str] = set()
    for chunk in streams.read(path, ROWS):
        table = chunk.table
        if path.suffix.lower() == ".parquet" and {"song_id", *COLUMNS} <= set(table.column_names):
            yield (
                table.select([*COLUMNS]).cast(_songs_schema()).to_pandas().rename(columns={"lyrics": "text"})
            )
            continue
        names = _text_columns(path, table.column_names, text_column)
        texts = [text for name in names for text in table[name].to_pylist()]
        # A song of many pairs counts once.
        if len(names) == 2:
            texts = [text for text in dict.fromkeys(texts) if text not in seen]
            seen.update(texts)
            yield _frame(texts, None, None, None)
            continue
        texts = [None if row in chunk.faults else text for row, text in enumerate(texts)]
        others = dict(zip(columns.header(table.column_names), table.column_names, strict=True))
        yield _frame(texts, *(_values(table, others.get(name)) for name in ("year", "language", "tags")))


def _songs_schema() -> pa.Schema:
    return pa.schema([tables.SONGS.field(name) for name in COLUMNS])


def _values(table: pa.Table, name: str | None) -> list[Any] | None:
    return None if name is None else table[name].to_pylist()


def _text_columns(path: Path, names: list[str], text_column: str) -> list[str]:
    try:
        return [columns.locate(names, [text_column])[text_column]]
    except ValueError as error:
        try:
            return list(columns.locate(names, PAIR).values())
        except ValueError:
            raise ValueError(f"{path}: {error}; --text-column takes another name") from None


def _frame(
    texts: list[Any], years: list[Any] | None, languages: list[Any] | None, tags: list[Any] | None
) -> pd.DataFrame:
    nothing = [None] * len(texts)
    return pd.DataFrame(
        {
            "text": pd.Series(texts, dtype=object),
            "year": pd.array([year_columns(year)["year"] for year in years or nothing], dtype="Int64"),
            "language": pd.Series(
                [str(name).strip() or None if name is not None else None for name in languages or nothing],
                dtype=object,
            ),
            "tags": pd.Series([_tags(value) for value in tags or nothing], dtype=object),
        }
    )


def _tags(value: Any) -> list[str]:
    """Return tags from a list of them, or from a text that has ; or | between them."""
    if isinstance(value, str):
        value = re.split("[;|]", value)
    return [] if value is None else [str(tag).strip() for tag in value if tag and str(tag).strip()]


def _sample(pieces: Iterator[pd.DataFrame], most: int, seed: int) -> tuple[pd.DataFrame, int]:
    """Return at most `most` rows, in their order, and the number of all; memory holds twice that and a piece.

    Each row gets a random key, and the smallest keys stay.
    """
    draw = np.random.default_rng(seed)
    kept, n_rows = pd.DataFrame(), 0
    for piece in pieces:
        keyed = piece[["text", "year", "language", "tags"]].assign(
            key=draw.random(len(piece)), row=np.arange(n_rows, n_rows + len(piece))
        )
        n_rows += len(piece)
        kept = pd.concat([kept, keyed]) if len(kept) else keyed
        if len(kept) > 2 * most:
            kept = kept.nsmallest(most, "key")
    if len(kept) > most:
        kept = kept.nsmallest(most, "key")
    return kept.sort_values("row", ignore_index=True), n_rows
