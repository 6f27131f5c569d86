"""The catalogue of the served model: nearest songs to lyrics or to a song, search by name, playlists.

Input: a served folder's catalogue.parquet and embeddings.npy. The search is exact unless `approximate` is
set; positions are row numbers of the catalogue, from 0. The versions and covers of a song have its group_id,
and of a group the nearest is shown, unless `versions` is set. A song without artist and title has its first
words for a title.
"""

from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.model.encoder import Encoder
from neuralist.model.neighbours import Neighbours
from neuralist.model.similarity import Similarity
from neuralist.text import names

DECIMALS = 6  # of a similarity
_SUGGESTIONS = 5
_COLUMNS = ("song_id", "artist", "title", "year")
# Of the formats before 4.
_OLDER = pa.schema([field for field in tables.CATALOGUE if field.name not in {"group_id", "first_words"}])
# "madona - like a prayer" scores 98 % with the right name; the title by another artist far less.
_MIN_SCORE, _MIN_LEAD = 90.0, 5.0


class Match(NamedTuple):
    """The result of a search for "artist - title".

    Attributes:
        position: the song's row in the catalogue; None where no name is close enough.
        suggestions: up to 5 songs of similar name, best first; none after an exact match.
    """

    position: int | None
    suggestions: tuple[str, ...]


def is_integer(value: object) -> bool:
    """Return whether a value is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class Catalogue:
    """Songs and their embeddings, to search.

    Args:
        songs: tables.CATALOGUE, a row for each song.
        embeddings: float32 (n_songs, units).
        similarity: the similarity of the model.

    Raises:
        ValueError: songs and embeddings differ in number.
    """

    def __init__(self, songs: pd.DataFrame, embeddings: np.ndarray, similarity: Similarity) -> None:
        if len(songs) != len(embeddings):
            raise ValueError(f"catalogue: {len(songs)} songs and {len(embeddings)} embeddings; give one each")
        self.songs = songs.assign(title=songs["title"].fillna(songs["first_words"]))
        self.similarity = similarity
        self._unnamed = frozenset(songs.loc[songs["first_words"].notna(), "song_id"])
        self._neighbours = Neighbours(embeddings, similarity)
        self.embeddings = self._neighbours.embeddings

    @classmethod
    def load(cls, folder: Path, similarity: Similarity | None = None) -> "Catalogue":
        """Read a served folder, artifacts/served/; passing `similarity` spares loading the encoder.

        Raises:
            ValueError: a file is missing or invalid, or the folder is of a newer format.
        """
        path = folder / "catalogue.parquet"
        if records.load_served(folder).format < 4:
            songs = parquet.read(path, _OLDER)
            songs = songs.assign(group_id=songs["song_id"], first_words=None)
        else:
            songs = parquet.read(path, tables.CATALOGUE)
        try:
            embeddings = np.load(folder / "embeddings.npy", allow_pickle=False)
        except FileNotFoundError as error:
            raise ValueError(f"{folder}: embeddings.npy missing; run `dvc repro` to make it") from error
        return cls(songs, embeddings, similarity or Encoder.load(folder).similarity)

    def nearest(  # noqa: PLR0913 - each is an option
        self,
        embeddings: np.ndarray,
        k: int,
        *,
        exclude_artist: str | None = None,
        min_year: int | None = None,
        max_year: int | None = None,
        exclude_song: int | None = None,
        versions: bool = False,
        approximate: bool = False,
    ) -> pd.DataFrame:
        """Return the k most similar songs to each query; ties go to the earlier row of the catalogue.

        Of each group the most similar song that passes the filters is returned.

        Args:
            embeddings: the queries, float32 (n_queries, units).
            k: songs per query; fewer where the filters leave fewer.
            exclude_artist: leave out this artist's songs, however the name is spelled.
            min_year: leave out earlier songs, and songs of unknown year.
            max_year: leave out later songs, and songs of unknown year.
            exclude_song: leave out the song at this position, with its group unless `versions` is set.
            versions: return every song of a group.
            approximate: faster, but may miss some; worth it from half a million songs, see `Neighbours`.

        Returns:
            query (position of the query, from 0), rank (from 1), song_id, artist, title, year, similarity.

        Raises:
            ValueError: k is no whole number from 1 on, a year is none, min_year is after max_year, or
                `approximate` with similarity euclidean.
        """
        if not is_integer(k) or k < 1:
            raise ValueError(f"k: received {k!r}; give a whole number, 1 or more")
        for name, year in (("min_year", min_year), ("max_year", max_year)):
            if year is not None and not is_integer(year):
                raise ValueError(f"{name}: received {year!r}; give a year as a whole number, or None")
        if min_year is not None and max_year is not None and min_year > max_year:
            raise ValueError(f"min_year: received {min_year}, after max_year {max_year}; exchange them")
        groups = self._rows if versions else self._groups
        allowed = self._allowed(exclude_artist, min_year, max_year)
        if exclude_song is not None:
            others = groups != groups[exclude_song]
            allowed = others if allowed is None else allowed & others
        search = self._neighbours.nearest
        if not versions and self._has_versions:
            search = partial(self._neighbours.nearest_of_groups, groups=groups)
        results = search(embeddings, int(k), allowed=allowed, approximate=approximate)
        counts = [len(near.positions) for near in results]
        rows = np.concatenate([near.positions for near in results] or [np.empty(0)]).astype(np.intp)
        similarity = np.concatenate([near.similarity for near in results] or [np.empty(0)])
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(len(results)), counts),
                "rank": np.concatenate([np.arange(1, count + 1) for count in counts] or [np.empty(0, int)]),
                **{name: self.songs[name].array.take(rows) for name in _COLUMNS},
                "similarity": similarity.round(DECIMALS),
            }
        )

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
        nearest = process.extract(query, self._worded, scorer=fuzz.WRatio, limit=_SUGGESTIONS)
        suggestions = tuple(self._labels[row] for _, _, row in nearest)
        best = process.extract(query, self._worded, scorer=fuzz.ratio, limit=2)
        nobody = ("", 0.0, -1)  # for a catalogue of one song
        (_, score, row), (_, next_score, _) = (*best, nobody, nobody)[:2]
        is_match = score >= _MIN_SCORE and score - next_score >= _MIN_LEAD
        return Match(row if is_match else None, suggestions)

    def playlist(self, start: int, n: int, *, versions: bool = False) -> list[int]:
        """Walk from song to nearest unplayed song, never two in a row by the same artist.

        Of a group one song is played, unless `versions` is set.

        Returns:
            n positions, `start` first. Guests do not count: "A feat. B" is by A.

        Raises:
            ValueError: `start` is not a position, n is below 1, or every song left is by the last artist.
        """
        if not 0 <= start < len(self.songs):
            raise ValueError(f"playlist: received song {start}; give 0 to {len(self.songs) - 1}")
        if n < 1:
            raise ValueError(f"playlist: received n = {n}; give 1 or more")
        groups = self._rows if versions else self._groups
        walk, unplayed = [start], groups != groups[start]
        while len(walk) < n:
            allowed = unplayed & (self._artists != self._artists[walk[-1]])
            if not allowed.any():
                artist = self.songs["artist"].iloc[walk[-1]]
                left = f"every song left is by {artist}" if unplayed.any() else "no song is left"
                raise ValueError(
                    f"playlist: {left} after {len(walk)} of {n} songs; ask for {len(walk)} or begin elsewhere"
                )
            [near] = self._neighbours.nearest(self.embeddings[walk[-1]][None], 1, allowed)
            walk.append(int(near.positions[0]))
            unplayed &= groups != groups[walk[-1]]
        return walk

    def _allowed(
        self, exclude_artist: str | None, min_year: int | None, max_year: int | None
    ) -> np.ndarray | None:
        """Return a mask of the songs that pass the filters, bool (n_songs,); None for all songs."""
        masks = []
        if exclude_artist is not None:
            if not isinstance(exclude_artist, str):
                raise ValueError(f"exclude_artist: received {exclude_artist!r}; give a name, or None")
            number = self._artist_numbers.get(names.without_guests(exclude_artist))
            masks += [] if number is None else [self._artists != number]
        if min_year is not None:
            masks.append((self.songs["year"] >= min_year).fillna(False).to_numpy(bool))
        if max_year is not None:
            masks.append((self.songs["year"] <= max_year).fillna(False).to_numpy(bool))
        return np.logical_and.reduce(masks) if masks else None

    @cached_property
    def _rows(self) -> np.ndarray:
        return np.arange(len(self.songs))

    @cached_property
    def _groups(self) -> np.ndarray:
        """The number of each song's group, int64 (n_songs,)."""
        return pd.factorize(self.songs["group_id"])[0]

    @cached_property
    def _has_versions(self) -> bool:
        return bool(self.songs["group_id"].duplicated().any())

    @cached_property
    def _artists(self) -> np.ndarray:
        """The artist number of each song: comparing half a million names would take 20 ms."""
        unknown = -1 - np.arange(len(self.songs))  # two songs of unknown artist are not by the same one
        known = self.songs["artist"].notna().to_numpy()
        folded = {artist: names.without_guests(artist) for artist in set(self.songs["artist"][known])}
        unknown[known] = [self._artist_numbers[folded[artist]] for artist in self.songs["artist"][known]]
        return unknown

    @cached_property
    def _artist_numbers(self) -> dict[str, int]:
        folded = dict.fromkeys(map(names.without_guests, dict.fromkeys(self.songs["artist"].dropna())))
        return {artist: number for number, artist in enumerate(folded)}

    @cached_property
    def _labels(self) -> list[str]:
        texts = self.songs[["song_id", "artist", "title"]].astype(object)
        return [self.label(*song) for song in texts.where(texts.notna(), None).itertuples(index=False)]

    @cached_property
    def _worded(self) -> list[str]:
        return [names.worded(label) for label in self._labels]

    @cached_property
    def _by_key(self) -> dict[str, int]:
        # Of songs of the same name the first counts.
        return {names.key(label): row for row, label in reversed(list(enumerate(self._labels)))}

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {song_id: row for row, song_id in enumerate(self.songs["song_id"])}
