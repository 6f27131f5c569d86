"""The catalogue of the served model: nearest songs to lyrics or to a song, search by name, playlists.

Input: a served folder's catalogue.parquet and embeddings.npy. The search is exact unless `approximate` is
set; positions are row numbers of the catalogue, from 0. The versions and covers of a song have its group_id,
and of a group the nearest is shown, unless `versions` is set. A song without artist and title has its first
words for a title.

Where artist, year or tags of a query are known, `nearest` ranks by the score of `model.blend`, learned on val
when the folder was packed. It compares every song: half a second among half a million.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from neuralist.config import records
from neuralist.config.records import BlendRecord
from neuralist.data import parquet, tables
from neuralist.excerpts import excerpt
from neuralist.model import blend
from neuralist.model.blend import Weighing
from neuralist.model.encoder import Encoder
from neuralist.model.neighbours import Near, Neighbours
from neuralist.model.similarity import Similarity, sigmoid
from neuralist.serving import deadline, playlists
from neuralist.serving.facts import Facts, artist_numbers
from neuralist.serving.song_names import Match, SongNames
from neuralist.text import genres, languages, names

DECIMALS = 6  # of a similarity
_COLUMNS = ("song_id", "artist", "title", "year")
# Of two songs of val, 34 % are so far apart, and 1.7 % of those that Last.fm lists as similar.
FAR_YEARS = 20
_BY_LYRICS = "lyrics"
_SINCE_4, _SINCE_7, _SINCE_9 = {"group_id", "first_words"}, {"tags", "tag_weights"}, {"language"}
SAME, OTHER = "same", "other"  # languages, beside codes such as "en"
_BATCH = 32  # queries between two looks at the deadline: among 50,000 songs they may take two seconds
_ABSENT = -1  # the number of a language that no song is in


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
    since = {4: _SINCE_4, 7: _SINCE_7, 9: _SINCE_9}
    absent = {name for first, names_of in since.items() if number < first for name in names_of}
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
        if number < 9:
            songs = songs.assign(language=None)
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
        language: str | None = None,
        query_languages: Sequence[str] | None = None,
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
            language: only songs of this language: SAME as the query's, OTHER than the query's, or a code such
                as "fr"; songs of unknown language are left out. None for all songs.
            query_languages: of each query, as `text.languages` gives them; SAME and OTHER ask for them.

        Returns:
            query (position of the query, from 0), rank (from 1), song_id, artist, title, year, similarity (of
            the lyrics). With facts or contrast also score (in [0, 1], by which they are ranked; null where it
            is by the similarity) and used (what ranks, such as "lyrics, year"); and attrs["notes"], sentences
            on facts that do not take part. With `language` also language.

        Raises:
            ValueError: k is no whole number from 1 on, a year is none, min_year is after max_year,
                `approximate` with similarity euclidean or with facts; facts for a folder of a format before
                7; contrast, and neither genre nor year of a query are known; language for a folder of a
                format before 9, or one that is no code; or SAME or OTHER, and the language of a query is not
                known.
        """
        _check_options(k, min_year, max_year)
        groups = self._rows if versions else self._groups
        others = None if exclude_song is None else groups != groups[exclude_song]
        allowed = self._allowed(exclude_artist, min_year, max_year, others)
        search = self._neighbours.nearest
        if not versions and self._has_versions:
            search = partial(self._neighbours.nearest_of_groups, groups=groups)
        pools = [allowed] * len(embeddings)
        if language is not None:
            pools = self._pools(language, query_languages or [languages.UNKNOWN] * len(embeddings), allowed)
        columns = _COLUMNS if language is None else (*_COLUMNS, "language")
        known = facts or [Facts()] * len(embeddings)
        if not contrast and not any(of_query.known for of_query in known):
            by_similarity = partial(search, approximate=approximate)
            return self._table(_in_pools(by_similarity, embeddings, int(k), pools), columns)
        uses = [Use(of_query, None) if contrast or lyrics_only else self.use(of_query) for of_query in known]
        if approximate and any(use.weighing for use in uses):
            raise ValueError(
                "approximate: received with artist, year or tags, which compare every song; leave it out"
            )
        results, scores = [], []
        for query, use, pool in zip(embeddings, uses, pools, strict=True):
            deadline.check(len(results), len(embeddings), "queries were compared")
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
        table = self._table(results, columns)
        used = [", ".join(use.names) for use in uses]
        table["score"] = np.concatenate([*scores, np.empty(0)]).round(DECIMALS)
        table["used"] = [used[query] for query in table["query"]]
        table.attrs["notes"] = list(dict.fromkeys(note for use in uses for note in use.notes))
        return table

    def _table(self, results: Sequence[Near], columns: Sequence[str]) -> pd.DataFrame:
        counts = [len(near.positions) for near in results]
        rows = np.concatenate([near.positions for near in results] or [np.empty(0)]).astype(np.intp)
        similarity = np.concatenate([near.similarity for near in results] or [np.empty(0)])
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(len(results)), counts),
                "rank": np.concatenate([np.arange(1, count + 1) for count in counts] or [np.empty(0, int)]),
                **{name: self.songs[name].array.take(rows) for name in columns},
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
                f"{facts.known[0]}: an earlier version packed this model, which ranks by lyrics "
                "alone; run `dvc repro package` to pack it again"
            )
        notes = []
        unknown = [tag for tag in facts.tags if tag not in self.known.tags.rarity]
        if unknown:
            notes.append(
                f"tags that no song of the catalogue has are left out: {excerpt(', '.join(unknown))}"
            )
        artist = facts.artist
        if artist is not None and names.without_guests(artist) not in self._artist_numbers:
            notes.append(f"the catalogue has no song by {excerpt(artist)}; the artist is left out")
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
                "contrast: neither year nor genre of the query is known; leave it out, or give lyrics with "
                "their year, or with tags of which one is a genre, such as rock"
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

    def playlist(
        self, start: int, n: int, *, versions: bool = False, language: str | None = None
    ) -> list[int]:
        """Walk from song to nearest unplayed song, never two in a row by the same artist.

        Of a group one song is played, unless `versions` is set. The songs after `start` are of the language
        that `nearest` would choose for it.

        Returns:
            n positions, `start` first. Guests do not count: "A feat. B" is by A.

        Raises:
            ValueError: `start` is not a position, n is below 1, or every song left is by the last artist; or
                the language is one that `nearest` refuses.
        """
        self._check_position("start", start)
        if n < 1:
            raise ValueError(f"n: received {n}; give 1 or more")
        groups = self._rows if versions else self._groups
        walk, unplayed = [start], groups != groups[start]
        if language is not None:
            [unplayed] = self._pools(language, [str(self.songs["language"].iloc[start])], unplayed)
        while len(walk) < n:
            allowed = unplayed & (self._artists != self._artists[walk[-1]])
            if not allowed.any():
                artist = self.songs["artist"].iloc[walk[-1]]
                left = f"every song left is by {artist}" if unplayed.any() else "no song is left"
                why = "" if language is None else f" ({self.spoken})"
                raise ValueError(
                    f"n: {left} after {len(walk)} of {n} songs{why}; ask for {len(walk)} or begin elsewhere"
                )
            [near] = self._neighbours.nearest(self.embeddings[walk[-1]][None], 1, allowed)
            walk.append(int(near.positions[0]))
            unplayed &= groups != groups[walk[-1]]
        return walk

    def path(
        self, start: int, end: int, n: int, *, versions: bool = False, language: str | None = None
    ) -> list[int]:
        """Return a path of n songs from one to another in short, even steps; see `playlists.even_path`.

        No song comes twice, of a group one alone unless `versions` is set, and no artist twice in a row. The
        songs between are of the language that `nearest` would choose for `start`.

        Returns:
            n positions, `start` first and `end` last.

        Raises:
            ValueError: a position is none, both are one song or versions of one, n is below 2, or there is no
                such path; or the language is one that `nearest` refuses.
        """
        self._check_position("start", start)
        self._check_position("end", end)
        if n < 2:
            raise ValueError(f"n: received {n}; give 2 or more, for both ends of the path")
        groups = self._rows if versions else self._groups
        if groups[start] == groups[end]:
            raise ValueError(
                "end: received the song at which the path begins, or a version of it; name another one"
            )
        if n == 2:
            return [start, end]
        from_start, to_end = (
            playlists.distance(self._neighbours.compare(self.embeddings[song])) for song in (start, end)
        )
        between = self._first_of_groups(from_start + to_end, [start, end], groups, language)
        from_start[~between] = np.inf
        songs = np.array([start, *playlists.along(from_start, to_end), end])
        steps = [self._neighbours.compare(self.embeddings[song], songs) for song in songs]
        path = playlists.even_path(playlists.distance(np.array(steps)), self._artists[songs], n)
        if path is None:
            why = "" if language is None else f" ({self.spoken})"
            raise ValueError(
                f"n: {len(songs) - 2} songs lie between, and make no path of {n} in which no two in a row "
                f"are by one artist{why}; ask for fewer"
            )
        return songs[path].tolist()

    def like(
        self,
        likes: Sequence[int],
        nots: Sequence[int],
        n: int,
        *,
        versions: bool = False,
        language: str | None = None,
    ) -> tuple[list[int], np.ndarray]:
        """Return the n songs most like some songs and unlike others, the best first, and their scores.

        A song's score is the geometric mean of its similarities to `likes`, less the mean of those to `nots`:
        the rule of Rocchio (1971), "Relevance feedback in information retrieval", on similarities, since not
        every similarity is one of vectors' directions, as adding and taking away embeddings would need. Of
        several likes a sum, as there, would go by the nearest alone; the product asks for all of them (Levy &
        Goldberg 2014, "Linguistic regularities in sparse and explicit word representations").

        Neither these songs nor versions of them are returned, of a group one song unless `versions` is set,
        and no artist twice in a row.

        Returns:
            Positions, and float64 (n,) in [-1, 1].

        Raises:
            ValueError: a position is none, there are no likes, a song is liked and not, n is below 1, or
                fewer songs are left; or the language is one that `nearest` refuses.
        """
        for argument, songs in (("likes", likes), ("nots", nots)):
            for song in songs:
                self._check_position(argument, song)
        if n < 1:
            raise ValueError(f"n: received {n}; give 1 or more")
        if not likes:
            raise ValueError("likes: received no song; name one or more")
        groups = self._rows if versions else self._groups
        both = set(groups[[*likes]].tolist()) & set(groups[[*nots]].tolist())
        if both:
            song = next(song for song in likes if groups[song] in both)
            name = self.label(*self.songs.loc[song, ["song_id", "artist", "title"]].fillna(""))
            raise ValueError(f"nots: received {name}, or a version of it, which is liked too; name it once")
        liked, others = (
            np.array([self._neighbours.compare(self.embeddings[song]) for song in songs])
            for songs in (likes, nots)
        )
        score = np.exp(-playlists.distance(liked).mean(axis=0)) - (others.mean(axis=0) if nots else 0.0)
        pool = self._first_of_groups(-score, [*likes, *nots], groups, language)
        ranked = [int(song) for song in np.argsort(-score, kind="stable") if pool[song]]
        played = playlists.best_in_turn(ranked, self._artists, n)
        if len(played) < n:
            left = "no song is left" if len(played) == len(ranked) else "every song left is by one artist"
            why = "" if language is None else f" ({self.spoken})"
            raise ValueError(f"n: {left} after {len(played)} of {n} songs{why}; ask for fewer")
        return played, score[played]

    def _first_of_groups(
        self, cost: np.ndarray, named: Sequence[int], groups: np.ndarray, language: str | None
    ) -> np.ndarray:
        """Return a mask of songs, bool (n_songs,): of each group that of least cost, none of the named ones'.

        Only songs of the language that `nearest` would choose for the first named song count.
        """
        allowed = ~np.isin(groups, groups[[*named]])
        if language is not None:
            [allowed] = self._pools(language, [str(self.songs["language"].iloc[named[0]])], allowed)
        order = np.argsort(cost, kind="stable")
        order = order[allowed[order]]
        first = np.zeros(len(groups), dtype=bool)
        first[order[np.unique(groups[order], return_index=True)[1]]] = True
        return first

    def _check_position(self, argument: str, song: int) -> None:
        if not 0 <= song < len(self.songs):
            raise ValueError(f"{argument}: received song {song}; give 0 to {len(self.songs) - 1}")

    def _allowed(
        self,
        exclude_artist: str | None,
        min_year: int | None,
        max_year: int | None,
        others: np.ndarray | None,
    ) -> np.ndarray | None:
        """Return a mask of those of `others` that pass the filters, bool (n_songs,); None for all songs."""
        masks = [] if others is None else [others]
        if exclude_artist is not None:
            if not isinstance(exclude_artist, str):
                raise ValueError(
                    f"exclude_artist: received {excerpt(repr(exclude_artist))}; give a name, or None"
                )
            number = self._artist_numbers.get(names.without_guests(exclude_artist))
            masks += [] if number is None else [self._artists != number]
        if min_year is not None:
            masks.append((self.songs["year"] >= min_year).fillna(False).to_numpy(bool))
        if max_year is not None:
            masks.append((self.songs["year"] <= max_year).fillna(False).to_numpy(bool))
        return np.logical_and.reduce(masks) if masks else None

    def _pools(
        self, language: str, query_languages: Sequence[str], allowed: np.ndarray | None
    ) -> list[np.ndarray]:
        """Return for each query a mask of the allowed songs of the language, bool (n_songs,).

        Queries of one language share their mask.

        Raises:
            ValueError: see `nearest`.
        """
        numbers, codes = self._languages
        wanted = None if language in (SAME, OTHER) else self._code(language)
        pools: dict[str, np.ndarray] = {}
        for row, own in enumerate(query_languages, start=1):
            if wanted is None and own == languages.UNKNOWN:
                where = f"row {row:,} of {len(query_languages):,}, " if len(query_languages) > 1 else ""
                raise ValueError(
                    f"{where}language: received {excerpt(repr(language))}, but that of the query is unknown "
                    f"(under {languages.MIN_WORDS} words, or no language for sure); give a code such as en"
                )
            if own not in pools:
                pool = numbers == codes.get(wanted or own, _ABSENT)
                if language == OTHER:
                    pool = ~pool & (numbers != codes.get(languages.UNKNOWN, _ABSENT))
                pools[own] = pool if allowed is None else pool & allowed
        return [pools[own] for own in query_languages]

    def _code(self, language: Any) -> str:
        """Return the code of a language; a song may have one that a version before took for a code.

        Raises:
            ValueError: it is none.
        """
        found = languages.code(language)
        if found is None and isinstance(language, str) and language in self._languages[1]:
            found = None if language == languages.UNKNOWN else language
        if found is None:
            meant = languages.meant(language) if isinstance(language, str) else None
            raise ValueError(
                f"language: received {language!r:.100}, which is no code of a language"
                f"{f' (is {meant} meant?)' if meant else ''}; give {SAME}, {OTHER} or a code; "
                f"{self.spoken}"
            )
        return found

    @property
    def spoken(self) -> str:
        """Say in which languages the songs are: "the catalogue has en (3,980) and fr (4)"."""
        counts = languages.counted(Counter(self.songs["language"].fillna(languages.UNKNOWN)))
        shown = [
            f"{count:,} in other ones" if name == languages.OTHER else f"{name} ({count:,})"
            for name, count in counts.items()
            if name != languages.UNKNOWN
        ]
        return (
            f"the catalogue has {joined(shown)}" if shown else "the catalogue knows the language of no song"
        )

    @cached_property
    def _languages(self) -> tuple[np.ndarray, dict[str, int]]:
        """The number of each song's language, int64 (n_songs,), and that of each code.

        Raises:
            ValueError: the folder is of a format before 9.
        """
        numbers, codes = pd.factorize(self.songs["language"])
        if (numbers < 0).any():
            raise ValueError(
                "language: an earlier version packed this model, without the languages of its songs; run "
                "`dvc repro package` to pack it again"
            )
        return numbers, {str(code): number for number, code in enumerate(codes)}

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


def _check_options(k: Any, min_year: Any, max_year: Any) -> None:
    """Raise a ValueError where k is no whole number from 1 on, or a year is none, or both are exchanged."""
    if not is_integer(k) or k < 1:
        raise ValueError(f"k: received {excerpt(repr(k))}; give a whole number, 1 or more")
    for name, year in (("min_year", min_year), ("max_year", max_year)):
        if year is not None and not is_integer(year):
            raise ValueError(
                f"{name}: received {excerpt(repr(year))}; give a year as a whole number, or None"
            )
    if min_year is not None and max_year is not None and min_year > max_year:
        years = f"{excerpt(str(min_year))}, after the latest year, {excerpt(str(max_year))}"
        raise ValueError(f"min_year: received {years}; exchange them")


def _weighted(tags: Sequence[str] | None, weights: Sequence[float] | None) -> dict[str, float]:
    """Return a song's tags with their weights; None, of a song or a format without tags, is no tag."""
    if tags is None or weights is None:
        return {}
    return dict(zip(tags, map(float, weights), strict=True))


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: artist, year and tags."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _in_pools(
    search: Callable[..., list[Near]],
    embeddings: np.ndarray,
    k: int,
    pools: Sequence[np.ndarray | None],
) -> list[Near]:
    """Search for each query among the songs of its pool, in few calls: queries of one pool share them.

    Args:
        search: of `Neighbours`, by queries, k and the keyword `allowed`.
        embeddings: the queries, float32 (n_queries, units).
        k: songs per query.
        pools: of each query a mask, bool (n_songs,), the same object for the same songs; None for all songs.

    Raises:
        ValueError: the time of the deadline is over.
    """
    by_pool: dict[int, list[int]] = defaultdict(list)
    for query, pool in enumerate(pools):
        by_pool[id(pool)].append(query)
    near: dict[int, Near] = {}
    size = _BATCH if deadline.is_set() else max(1, len(embeddings))
    for rows in (of[at : at + size] for of in by_pool.values() for at in range(0, len(of), size)):
        deadline.check(len(near), len(embeddings), "queries were compared")
        near |= zip(rows, search(embeddings[rows], k, allowed=pools[rows[0]]), strict=True)
    return [near[query] for query in range(len(embeddings))]
