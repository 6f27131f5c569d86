"""The catalogue of the served model: nearest songs to lyrics or to a song, search by name, playlists.

Input: a served folder's catalogue.parquet and embeddings.npy. The search is exact unless `approximate` is
set; positions are row numbers of the catalogue, from 0. The versions and covers of a song have its group_id,
and of a group the nearest is shown, unless `versions` is set. A song without artist and title has its first
words for a title.

Where artist, year or tags of a query are known, `nearest` ranks by the score of `model.blend`, learned on val
when the folder was packed. It compares every song: half a second among half a million.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config import records
from neuralist.config.records import BlendRecord
from neuralist.data import parquet, tables
from neuralist.model import blend
from neuralist.model.blend import Weighing
from neuralist.model.encoder import Encoder
from neuralist.model.neighbours import Near, Neighbours
from neuralist.model.similarity import Similarity, sigmoid
from neuralist.serving.facts import Facts, artist_numbers
from neuralist.serving.song_names import Match, SongNames
from neuralist.text import genres, names

DECIMALS = 6  # of a similarity
_COLUMNS = ("song_id", "artist", "title", "year")
# Of two songs of val, 34 % are so far apart, and 1.7 % of those that Last.fm lists as similar.
FAR_YEARS = 20
_BY_LYRICS = "lyrics"
_SINCE_4, _SINCE_7 = {"group_id", "first_words"}, {"tags", "tag_weights"}


class Use(NamedTuple):
    """What of a query's facts takes part in the ranking.

    Attributes:
        facts: those that the catalogue knows.
        weighing: of lyrics and these facts; None where lyrics rank alone.
        notes: what does not take part, and why, a sentence each.
    """

    facts: Facts
    weighing: Weighing | None
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What ranks: lyrics, then facts."""
        return (_BY_LYRICS, *(() if self.weighing is None else self.weighing.used))


def catalogue_schema(number: int) -> pa.Schema:
    """Return the schema of catalogue.parquet in a served folder of this format."""
    absent = (_SINCE_4 if number < 4 else set()) | (_SINCE_7 if number < 7 else set())
    return pa.schema([field for field in tables.CATALOGUE if field.name not in absent])


def is_integer(value: object) -> bool:
    """Return whether a value is a whole number; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class Catalogue:
    """Songs and their embeddings, to search.

    Args:
        songs: tables.CATALOGUE, a row for each song.
        embeddings: float32 (n_songs, units).
        similarity: the similarity of the model.
        blend: how artist, year and tags of a query take part; None where they do not.

    Raises:
        ValueError: songs and embeddings differ in number.
    """

    def __init__(
        self,
        songs: pd.DataFrame,
        embeddings: np.ndarray,
        similarity: Similarity,
        blend: BlendRecord | None = None,
    ) -> None:
        if len(songs) != len(embeddings):
            raise ValueError(f"catalogue: {len(songs)} songs and {len(embeddings)} embeddings; give one each")
        self._tags = songs[["tags", "tag_weights"]]
        self.songs = songs.drop(columns=self._tags.columns).assign(
            title=songs["title"].fillna(songs["first_words"])
        )
        self.similarity, self.blend = similarity, blend
        unnamed = frozenset(songs.loc[songs["first_words"].notna(), "song_id"])
        self._names = SongNames(self.songs, unnamed)
        self._neighbours = Neighbours(embeddings, similarity)
        self.embeddings = self._neighbours.embeddings

    @classmethod
    def load(cls, folder: Path, similarity: Similarity | None = None) -> "Catalogue":
        """Read a served folder, artifacts/served/; passing `similarity` spares loading the encoder.

        Raises:
            ValueError: a file is missing or invalid, or the folder is of a newer format.
        """
        number = records.load_served(folder).format
        songs = parquet.read(folder / "catalogue.parquet", catalogue_schema(number))
        if number < 4:
            songs = songs.assign(group_id=songs["song_id"], first_words=None)
        if number < 7:
            songs = songs.assign(tags=None, tag_weights=None)
        try:
            embeddings = np.load(folder / "embeddings.npy", allow_pickle=False)
        except FileNotFoundError as error:
            raise ValueError(f"{folder}: embeddings.npy missing; run `dvc repro` to make it") from error
        similarity = similarity or Encoder.load(folder).similarity
        return cls(songs, embeddings, similarity, records.load_blend(folder))

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
        facts: Sequence[Facts] | None = None,
        contrast: bool = False,
        lyrics_only: bool = False,
    ) -> pd.DataFrame:
        """Return the k nearest songs to each query; ties go to the earlier row of the catalogue.

        They are ranked by the similarity of their lyrics, or by the score where facts of the query take part.
        Of each group the nearest song that passes the filters is returned.

        Args:
            embeddings: the queries, float32 (n_queries, units).
            k: songs per query; fewer where the filters leave fewer.
            exclude_artist: leave out this artist's songs, however the name is spelled.
            min_year: leave out earlier songs, and songs of unknown year.
            max_year: leave out later songs, and songs of unknown year.
            exclude_song: leave out the song at this position, with its group unless `versions` is set.
            versions: return every song of a group.
            approximate: faster, but may miss some; worth it from half a million songs, see `Neighbours`.
            facts: what is known of each query; None for nothing.
            contrast: only songs of another genre than the query's, or FAR_YEARS years or more away, and never
                the song itself.
            lyrics_only: rank by lyrics, whatever is known.

        Returns:
            query (position of the query, from 0), rank (from 1), song_id, artist, title, year, similarity (of
            the lyrics). With facts or contrast also score (in [0, 1], by which they are ranked; null where it
            is by the similarity) and used (what ranks, such as "lyrics, year"); and attrs["notes"], sentences
            on facts that do not take part.

        Raises:
            ValueError: k is no whole number from 1 on, a year is none, min_year is after max_year,
                `approximate` with similarity euclidean or with facts; facts for a folder of a format before
                7; or contrast, and neither genre nor year of a query are known.
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
        known = facts or [Facts()] * len(embeddings)
        if not contrast and not any(of_query.known for of_query in known):
            return self._table(search(embeddings, int(k), allowed=allowed, approximate=approximate))
        uses = [Use(of_query, None) if contrast or lyrics_only else self.use(of_query) for of_query in known]
        if approximate and any(use.weighing for use in uses):
            raise ValueError(
                "approximate: received with artist, year or tags, which compare every song; leave it out"
            )
        results, scores = [], []
        for query, use in zip(embeddings, uses, strict=True):
            pool = allowed
            if contrast:
                far = self._far(use.facts) & ~self._same(query)
                pool = far if pool is None else pool & far
            if use.weighing is None:
                [near] = search(query[None], int(k), allowed=pool, approximate=approximate)
                score = np.full(len(near.positions), np.nan)
            else:
                near, score = self._blended(query, use, use.weighing, int(k), groups, pool)
            results.append(near)
            scores.append(score)
        table = self._table(results)
        used = [", ".join(use.names) for use in uses]
        table["score"] = np.concatenate([*scores, np.empty(0)]).round(DECIMALS)
        table["used"] = [used[query] for query in table["query"]]
        table.attrs["notes"] = list(dict.fromkeys(note for use in uses for note in use.notes))
        return table

    def _table(self, results: Sequence[Near]) -> pd.DataFrame:
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

    def facts(self, song: int) -> Facts:
        """Return what the catalogue knows of the song at a position."""
        artist, year, genre = (self.songs[name].iloc[song] for name in ("artist", "year", "genre"))
        return Facts(
            None if pd.isna(artist) else artist,
            None if pd.isna(year) else int(year),
            _weighted(*self._tags.iloc[song]),
            None if pd.isna(genre) else genre,
        )

    def use(self, facts: Facts) -> Use:
        """Return what of a query's facts takes part in the ranking.

        A tag or an artist that no song of the catalogue has is left out; so are all facts where val shows no
        gain from them.

        Raises:
            ValueError: facts are given, and the folder is of a format before 7.
        """
        if not facts.known:
            return Use(facts, None)
        if self.blend is None:
            raise ValueError(
                f"{joined(facts.known)}: an earlier version packed this model, which ranks by lyrics "
                "alone; run `dvc repro package` to pack it again"
            )
        notes = []
        unknown = [tag for tag in facts.tags if tag not in self.known.tags.rarity]
        if unknown:
            notes.append(f"tags that no song of the catalogue has are left out: {', '.join(unknown)}")
        artist = facts.artist
        if artist is not None and names.without_guests(artist) not in self._artist_numbers:
            notes.append(f"the catalogue has no song by {artist}; the artist is left out")
            artist = None
        tags = {tag: weight for tag, weight in facts.tags.items() if tag not in unknown}
        kept = replace(facts, artist=artist, tags=tags)
        if not kept.known:
            return Use(kept, None, tuple(notes))
        part = next((part for part in self.blend.parts if part.facts == kept.known), None)
        if part is None or not part.shown:
            why = "are too few to learn from" if part is None else "show no gain from"
            notes.append(f"validation songs {why} {joined(kept.known)}; lyrics rank alone")
            return Use(kept, None, tuple(notes))
        weighing = Weighing.of(part)
        unused = [fact for fact in kept.known if fact not in weighing.used]
        if unused:
            notes.append(f"beside the rest, validation songs show no gain from {joined(unused)}; left out")
        return Use(kept, weighing, tuple(notes))

    def genres(self, facts: Facts) -> list[str]:
        """Return the genre of a song of the catalogue, or every genre that a query's tags name."""
        found = [facts.genre]
        if facts.genre is None and self.blend is not None:
            found = [genres.of_song([tag], self.blend.genres) for tag in facts.tags]
        return [genre for genre in dict.fromkeys(found) if genre not in (None, genres.OTHER)]

    def _far(self, facts: Facts) -> np.ndarray:
        """Return a mask of the songs far in genre or year from a query, bool (n_songs,).

        Raises:
            ValueError: neither genre nor year of the query is known.
        """
        own = self.genres(facts)
        if not own and facts.year is None:
            raise ValueError(
                "contrast: neither year nor genre of the query is known; give its year, or tags of which one "
                "is a genre, such as rock"
            )
        far = np.zeros(len(self.songs), dtype=bool)
        if own:
            far |= ~self.songs["genre"].fillna(genres.OTHER).isin([*own, genres.OTHER]).to_numpy(bool)
        if facts.year is not None:
            far |= np.abs(self.known.year - facts.year) >= FAR_YEARS
        return far

    def _same(self, query: np.ndarray) -> np.ndarray:
        """Return a mask of the songs with the query's own text, and their versions, bool (n_songs,)."""
        [nearest] = self._neighbours.nearest(query[None], 1)
        is_same = nearest.similarity >= self.similarity(query[None], query[None]) - 0.1**DECIMALS
        return np.isin(self._groups, self._groups[nearest.positions[is_same]])

    def _blended(
        self,
        query: np.ndarray,
        use: Use,
        weighing: Weighing,
        k: int,
        groups: np.ndarray,
        allowed: np.ndarray | None,
    ) -> tuple[Near, np.ndarray]:
        """Return the k songs of highest score, the first of each group, with their scores."""
        facts = use.facts
        artist = None if facts.artist is None else self._artist_numbers[names.without_guests(facts.artist)]
        nearness = self.known.nearness(artist, facts.year, facts.tags)
        similarity = self._neighbours.compare(query)
        log_odds = weighing.log_odds(similarity, nearness)
        if allowed is not None:
            log_odds[~allowed] = -np.inf
        n_allowed, n = int(np.sum(log_odds > -np.inf)), 4 * k
        while True:
            n = min(n, n_allowed)
            lowest = np.partition(log_odds, -n)[-n] if n else np.inf
            best = np.flatnonzero(log_odds >= lowest)
            best = best[np.argsort(-log_odds[best], kind="stable")]
            best = best[np.sort(np.unique(groups[best], return_index=True)[1])][:k]
            if len(best) == k or n == n_allowed:
                return Near(best, similarity[best]), sigmoid(log_odds[best])
            n *= 4  # few groups hold many of the best songs

    def label(self, song_id: str, artist: str | None, title: str | None) -> str:
        """Return what a song is called; see `SongNames.label`."""
        return self._names.label(song_id, artist, title)

    def find(self, text: str) -> Match:
        """Look up an id, or "artist - title"; see `SongNames.find`."""
        return self._names.find(text)

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
    def known(self) -> blend.Songs:
        """What is known of the songs, to compare with queries: half a million take seconds to sort."""
        years = self.songs["year"].to_numpy(np.float64, na_value=np.nan)
        counts = np.array([0 if tags is None else len(tags) for tags in self._tags["tags"]], dtype=np.int64)
        tags, weights = (
            np.concatenate([np.empty(0, dtype), *(one for one in self._tags[name] if one is not None)])
            for name, dtype in (("tags", object), ("tag_weights", np.float64))
        )
        return blend.Songs(self._artists, years, blend.Tags(counts, tags, weights))

    @cached_property
    def _numbered_artists(self) -> tuple[np.ndarray, dict[str, int]]:
        """The artist number of each song: comparing half a million names would take 20 ms."""
        return artist_numbers(list(self.songs["artist"]))

    @property
    def _artists(self) -> np.ndarray:
        return self._numbered_artists[0]

    @property
    def _artist_numbers(self) -> dict[str, int]:
        return self._numbered_artists[1]


def _weighted(tags: Sequence[str] | None, weights: Sequence[float] | None) -> dict[str, float]:
    """Return a song's tags with their weights; None, of a song or a format without tags, is no tag."""
    if tags is None or weights is None:
        return {}
    return dict(zip(tags, map(float, weights), strict=True))


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: artist, year and tags."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
