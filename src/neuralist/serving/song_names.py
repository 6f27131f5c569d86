"""Find songs by what people call them: an id, or "artist - title", in nearly the right spelling."""

from collections.abc import Container
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from neuralist.text import names

_SUGGESTIONS = 5
# "madona - like a prayer" scores 98 % with the right name; the title by another artist far less.
_MIN_SCORE, _MIN_LEAD = 90.0, 5.0


class Match(NamedTuple):
    """The result of a search for "artist - title".

    Attributes:
        position: the song's row; None where no name is close enough.
        suggestions: up to 5 songs of similar name, best first; none after an exact match or for a blank.
    """

    position: int | None
    suggestions: tuple[str, ...]


class SongNames:
    """The names of songs, to search.

    Args:
        songs: columns song_id, artist, title.
        unnamed: ids of songs whose title is made of first words.
    """

    def __init__(self, songs: pd.DataFrame, unnamed: Container[str] = ()) -> None:
        self._songs, self._unnamed = songs, unnamed

    def label(self, song_id: str, artist: str | None, title: str | None) -> str:
        """Return "artist - title", or what of both is there; without both the id, and first words."""
        name = " - ".join(part for part in (artist, title) if part)
        return f"{song_id}: {name}" if song_id in self._unnamed else name or song_id

    def find(self, text: str) -> Match:
        """Look up an id, or "artist - title": the song of this name, else the one of nearly this name."""
        from rapidfuzz import fuzz, process

        exact = self._by_id.get(text.strip(), self._by_key.get(names.key(text)))
        if exact is not None:
            return Match(exact, ())
        query = names.worded(text)
        if not query:  # all names would be equally far
            return Match(None, ())
        nearest = process.extract(query, self._worded, scorer=fuzz.WRatio, limit=_SUGGESTIONS)
        suggestions = tuple(self._labels[row] for _, _, row in nearest)
        best = process.extract(query, self._worded, scorer=fuzz.ratio, limit=2)
        nobody = ("", 0.0, -1)  # for a catalogue of one song
        (_, score, row), (_, next_score, _) = (*best, nobody, nobody)[:2]
        is_match = score >= _MIN_SCORE and score - next_score >= _MIN_LEAD
        return Match(row if is_match else None, suggestions)

    def exactly(self, text: str) -> list[int]:
        """Return the row of the song of this id, else those of all songs of this name, spelled so."""
        found = self._by_id.get(text.strip())
        if found is not None:
            return [found]
        key = names.key(text)
        return [row for row, own in enumerate(self._keys) if own == key]

    @cached_property
    def _labels(self) -> list[str]:
        texts = self._songs[["song_id", "artist", "title"]].astype(object)
        return [self.label(*song) for song in texts.where(texts.notna(), None).itertuples(index=False)]

    @cached_property
    def _worded(self) -> list[str]:
        return [names.worded(label) for label in self._labels]

    @cached_property
    def _keys(self) -> list[str]:
        return [names.key(label) for label in self._labels]

    @cached_property
    def _by_key(self) -> dict[str, int]:
        # Of songs of the same name the first counts.
        return {key: row for row, key in reversed(list(enumerate(self._keys)))}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {song_id: row for row, song_id in enumerate(self._songs["song_id"])}
