"""The demo corpus' world: artists, the songs they wrote, their tracks, and how similar each two songs are.

Similarity follows hidden themes, years and artists, and noise. Words show a song's themes and hint at its
era, so that a model of words may come to know most of what decides similarity, and never all of it.
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
# Songs that have tracks, and no lyrics in any chart.
UNHEARD = 90


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
    """Every artist, active for 16 years, from years that are spread evenly."""
    span = LAST_YEAR - FIRST_YEAR
    starts = [FIRST_YEAR - 8 + span * number // len(ARTISTS) for number in range(len(ARTISTS))]
    names = draws.some(ARTISTS, len(ARTISTS))
    return [
        Artist(name, draws.between(0, len(THEMES) - 1), start, start + 16)
        for name, start in zip(names, starts, strict=True)
    ]


def songs(draws: Draws, known: list[Artist]) -> list[Song]:
    """Charted songs year by year, then covers of them, then songs that no chart has."""
    written: list[Song] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for _ in range(SONGS_A_YEAR if year < LAST_YEAR else SONGS_LAST_YEAR):
            written.append(_song(draws, known, year, {_plain(song.title) for song in written}))
    originals = [song for song in written if song.year < 2000 and len(song.text.split()) >= 100]
    for song in draws.some(originals, COVERS):
        year = song.year + draws.between(3, 12)
        written.append(
            song._replace(artist=_active(draws, known, year), year=year, text=sing_again(draws, song.text))
        )
    for _ in range(UNHEARD):
        year = draws.between(FIRST_YEAR, LAST_YEAR)
        taken = {_plain(song.title) for song in written}
        written.append(_song(draws, known, year, taken)._replace(text=""))
    return written


def _song(draws: Draws, known: list[Artist], year: int, taken: set[str]) -> Song:
    artist = _active(draws, known, year)
    home = known[artist].theme
    main = home if draws.chance(0.5) else draws.between(0, len(THEMES) - 1)
    other = draws.between(0, len(THEMES) - 1)
    themes = ((main, 0.7), (other, 0.3)) if draws.chance(0.1) and other != main else ((main, 1.0),)
    while _plain((lyrics := compose(draws, themes, year)).title) in taken:
        pass
    return Song(artist, lyrics.title, year, themes, lyrics.text)


def _plain(title: str) -> str:
    """What is left of a title where & and "and", with and without The, are one."""
    return title.lower().replace("&", "and").removeprefix("the ")


def _active(draws: Draws, known: list[Artist], year: int) -> int:
    return draws.one([i for i, artist in enumerate(known) if artist.first_year <= year <= artist.last_year])


def similarities(draws: Draws, written: list[Song]) -> dict[tuple[int, int], float]:
    """The similarity, in (0, 1), of each two songs, by their numbers in both orders."""
    found = {}
    for left, song in enumerate(written):
        for right in range(left):
            found[left, right] = found[right, left] = squash(
                nearness(song, written[right]) + 0.5 * draws.normal()
            )
    return found


def nearness(left: Song, right: Song) -> float:
    """What themes (0 to 1 in common), artists and years say about two songs' similarity, before noise."""
    shares = dict(right.themes)
    themes = math.fsum(share * shares.get(theme, 0.0) for theme, share in left.themes)
    years = abs(left.year - right.year) / (LAST_YEAR - FIRST_YEAR)
    return -2.4 + 3.0 * themes - 0.6 * years + 4.5 * (left.artist == right.artist)


def squash(value: float) -> float:
    """Map any number into (0, 1), 0 to 0.5; only operations that IEEE 754 rounds alike everywhere."""
    return 0.5 + 0.5 * value / math.sqrt(3 + value * value)


def tracks(draws: Draws, written: list[Song]) -> list[Track]:
    """One to three tracks for most songs; none for the last year's and for some others."""
    ids: dict[str, int] = {}
    for number, song in enumerate(written):
        if song.year == LAST_YEAR or (song.text and draws.chance(0.06)):
            continue
        for _ in range(draws.one((1, 1, 1, 1, 1, 1, 1, 1, 2, 3))):
            ids[identifier(draws, "TR")] = number
    return [Track(track_id, number) for track_id, number in ids.items()]


def identifier(draws: Draws, prefix: str) -> str:
    """An id of the Million Song Dataset's form: a prefix, five letters, and what follows 128F there."""
    # The first three letters name folders: few, so that the corpus stays small on disk.
    letters = "".join(draws.one(allowed) for allowed in ("AB", "ABC", "ABCDE", *2 * (ascii_uppercase,)))
    return f"{prefix}{letters}128F{''.join(draws.one('0123456789ABCDEF') for _ in range(7))}"
