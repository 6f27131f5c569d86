"""The demo corpus' artists, songs, tracks and similarities.

Similarity follows from hidden themes, years and artists, and noise. Lyrics reveal a song's themes and hint at
its era, so a model of lyrics can learn most of what determines similarity, but never all of it.
"""

import math
from string import ascii_uppercase
from typing import NamedTuple

from neuralist.demo.draws import Draws
from neuralist.demo.lyrics import compose, sing_again
from neuralist.demo.names import ARTISTS
from neuralist.demo.words import THEMES

FIRST_YEAR, LAST_YEAR = 1960, 2015
SONGS_A_YEAR, SONGS_LAST_YEAR = 5, 18
COVERS = 8
# Songs that have tracks but are in no chart, so without lyrics.
UNCHARTED = 90


class Artist(NamedTuple):
    """An artist with the theme of most of its songs and its years of activity."""

    name: str
    theme: int
    first_year: int
    last_year: int


class Song(NamedTuple):
    """A song; `themes` pairs the number of a theme with its share of the lines; the text may be empty."""

    artist: int
    title: str
    year: int
    themes: tuple[tuple[int, float], ...]
    text: str


class Track(NamedTuple):
    """A recording of a song, by the song's number."""

    track_id: str
    song: int


def artists(draws: Draws) -> list[Artist]:
    """Return all artists, active for 16 years each, their first years evenly spaced."""
    span = LAST_YEAR - FIRST_YEAR
    starts = [FIRST_YEAR - 8 + span * number // len(ARTISTS) for number in range(len(ARTISTS))]
    names = draws.sample(ARTISTS, len(ARTISTS))
    return [
        Artist(name, draws.between(0, len(THEMES) - 1), start, start + 16)
        for name, start in zip(names, starts, strict=True)
    ]


def songs(draws: Draws, artists: list[Artist]) -> list[Song]:
    """Return charted songs by year, then covers of them, then songs without lyrics that are in no chart."""
    written: list[Song] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for _ in range(SONGS_A_YEAR if year < LAST_YEAR else SONGS_LAST_YEAR):
            written.append(_song(draws, artists, year, {_plain(song.title) for song in written}))
    originals = [song for song in written if song.year < 2000 and len(song.text.split()) >= 100]
    for song in draws.sample(originals, COVERS):
        year = song.year + draws.between(3, 12)
        written.append(
            song._replace(artist=_active(draws, artists, year), year=year, text=sing_again(draws, song.text))
        )
    for _ in range(UNCHARTED):
        year = draws.between(FIRST_YEAR, LAST_YEAR)
        taken = {_plain(song.title) for song in written}
        written.append(_song(draws, artists, year, taken)._replace(text=""))
    return written


def _song(draws: Draws, artists: list[Artist], year: int, taken: set[str]) -> Song:
    artist = _active(draws, artists, year)
    usual = artists[artist].theme
    main = usual if draws.chance(0.5) else draws.between(0, len(THEMES) - 1)
    other = draws.between(0, len(THEMES) - 1)
    themes = ((main, 0.7), (other, 0.3)) if draws.chance(0.1) and other != main else ((main, 1.0),)
    while _plain((lyrics := compose(draws, themes, year)).title) in taken:
        pass
    return Song(artist, lyrics.title, year, themes, lyrics.text)


def _plain(title: str) -> str:
    """Return a title such that & and "and", and titles with and without The, are equal."""
    return title.lower().replace("&", "and").removeprefix("the ")


def _active(draws: Draws, artists: list[Artist], year: int) -> int:
    active = [i for i, artist in enumerate(artists) if artist.first_year <= year <= artist.last_year]
    return draws.choice(active)


def similarities(draws: Draws, songs: list[Song]) -> dict[tuple[int, int], float]:
    """Return the similarity, in (0, 1), of each two songs by their numbers, in both orders."""
    similarity = {}
    for left, song in enumerate(songs):
        for right in range(left):
            logit = affinity(song, songs[right]) + 0.5 * draws.normal()
            similarity[left, right] = similarity[right, left] = squash(logit)
    return similarity


def affinity(left: Song, right: Song) -> float:
    """Return what themes, artists and years contribute to two songs' similarity, before noise; any number."""
    shares = dict(right.themes)
    themes = math.fsum(share * shares.get(theme, 0.0) for theme, share in left.themes)
    years = abs(left.year - right.year) / (LAST_YEAR - FIRST_YEAR)
    return -2.4 + 3.0 * themes - 0.6 * years + 4.5 * (left.artist == right.artist)


def squash(value: float) -> float:
    """Map any number into (0, 1), and 0 to 0.5, by operations that IEEE 754 rounds equally everywhere."""
    return 0.5 + 0.5 * value / math.sqrt(3 + value * value)


def tracks(draws: Draws, songs: list[Song]) -> list[Track]:
    """Return one to three tracks for most songs; none for the last year's and some others."""
    ids: dict[str, int] = {}
    for number, song in enumerate(songs):
        if song.year == LAST_YEAR or (song.text and draws.chance(0.06)):
            continue
        for _ in range(draws.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 3))):
            ids[identifier(draws, "TR")] = number
    return [Track(track_id, number) for track_id, number in ids.items()]


def identifier(draws: Draws, prefix: str) -> str:
    """Return an id in the Million Song Dataset's format: prefix, 5 letters, 128F, 7 hexadecimal digits."""
    # The first three letters name folders: few of them, so that the corpus stays small on disk.
    letters = "".join(draws.choice(allowed) for allowed in ("AB", "ABC", "ABCDE", *2 * (ascii_uppercase,)))
    return f"{prefix}{letters}128F{''.join(draws.choice('0123456789ABCDEF') for _ in range(7))}"
