"""A made raw folder in the official form and of the official size, or of a share of it.

python -m benchmarks.made_lastfm FOLDER [--scale 1.0]

At scale 1, as in the official files, unique_tracks.txt has 1,000,000 tracks and similars_src of
lastfm_similars.db 584,897 tracks with 56,506,688 listed tracks (2 GB); similars_dest, which would hold the
same from the other end and is not read, stays empty. Other than in any real folder, every track with a list
has lyrics, so that all that is listed becomes pairs: eight made words each, in billboard/YYYY.json. Lengths
of lists and scores are spread as in a real subset of 1,223 lists, the lists longer by a factor, how often a
track is listed by a power; 3 of 10 listings are returned, at another score. One song in fifty has a second
track.
"""

import argparse
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

TRACKS, WITH_LIST, LISTED = 1_000_000, 584_897, 56_506_688
NOTE = "Synthetic data: a corpus of Last.fm's size, made up by a program (benchmarks.made_lastfm)."
YEARS = range(1950, 2016)
RETURNED, SECOND_TRACKS, OTHER_SPELLING = 0.3, 0.02, 0.05  # shares
# Of the 5 %, 25 %, ... of the shortest lists, and of the lowest scores.
_SHARES = [0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
_LENGTHS = [1, 1, 4, 32, 87, 125, 145, 192, 223]
_SCORES = [2e-5, 0.0021, 0.0517, 0.108, 0.198, 0.325, 0.447, 0.867, 1]
_CHUNK = 20_000  # lists written at once
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"
_LISTS = """
    select own.id as tid,
           string_agg(names.id || ',' || score, ',' order by score desc, other) as target
    from listed join names on names.position = other join names own on own.position = one
    group by one, own.id order by one
"""


def main() -> None:
    """Make a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    write(args.folder, args.scale)


def write(folder: Path, scale: float, seed: int = 2017, unlisted_ratio: float = 0.1) -> None:
    """Write a raw folder: the same bytes of text for the same arguments.

    Args:
        folder: a new one.
        scale: share of the official numbers, in (0, 1].
        seed: of every draw.
        unlisted_ratio: for its corpus.yaml; the 10 of params.yaml would ask for 300 M pairs.

    Raises:
        ValueError: the folder exists.
    """
    if folder.exists():
        raise ValueError(f"{folder}: exists already; a made corpus is written to a new folder only")
    draw = np.random.default_rng(seed)
    n_tracks, n_lists, n_listed = (round(scale * count) for count in (TRACKS, WITH_LIST, LISTED))
    ids = _identifiers(draw, n_tracks)
    (folder / "msd").mkdir(parents=True)
    (folder / "billboard").mkdir()
    songs = np.arange(n_tracks)
    second = draw.random(n_tracks) < SECOND_TRACKS
    songs[second] = draw.integers(0, n_lists, second.sum())
    _write_songs(folder / "billboard", draw, np.unique(songs[:n_lists]))
    _write_tracks(folder / "msd" / "unique_tracks.txt", draw, ids, songs)
    with_list = draw.permutation(n_lists).astype(np.int32)
    _write_lists(folder / "msd" / "lastfm_similars.db", ids, _listed(draw, with_list, n_listed))
    (folder / "corpus.yaml").write_text(f"note: >-\n  {NOTE}\npairs: {{unlisted_ratio: {unlisted_ratio}}}\n")


def _identifiers(draw: np.random.Generator, count: int) -> list[str]:
    numbers = draw.choice(16**7, count, replace=False)
    letters = "".join(chr(65 + letter) for letter in draw.integers(0, 26, 5 * count))
    return [f"TR{letters[5 * at : 5 * at + 5]}128F{number:07X}" for at, number in enumerate(numbers)]


def _word(number: int) -> str:
    """A word for each number, of as many syllables as it takes."""
    word = ""
    while True:
        number, syllable = divmod(number, 80)
        word = _CONSONANTS[syllable // 5] + _VOWELS[syllable % 5] + word
        if not number:
            return word


def _names(song: int) -> tuple[str, str]:
    """Artist and title; twelve songs an artist."""
    artist = f"The {_word(6400 + song // 12).title()} {_word(80 + song // 12 % 97).title()}"
    return artist, f"{_word(512_000 + song).title()} {_word(80 + song % 89).title()}"


def _write_songs(folder: Path, draw: np.random.Generator, songs: np.ndarray) -> None:
    words = [_word(number) for number in range(6400, 26400)]
    texts = draw.integers(0, len(words), (len(songs), 8))
    years = draw.integers(YEARS.start, YEARS.stop, len(songs))
    charts: dict[int, list[dict[str, object]]] = {year: [] for year in YEARS}
    for song, text, year in zip(songs.tolist(), texts.tolist(), years.tolist(), strict=True):
        artist, title = _names(song)
        lyrics = " ".join(words[number] for number in text)
        own = {"artist": artist, "title": title, "year": year, "tags": ["made"], "lyrics": lyrics}
        charts[year].append({"pos": len(charts[year]) + 1, **own})
    for year, records in charts.items():
        if records:
            folder.joinpath(f"{year}.json").write_text(json.dumps(records), encoding="utf-8")


def _write_tracks(path: Path, draw: np.random.Generator, ids: list[str], songs: np.ndarray) -> None:
    spelled_otherwise = draw.random(len(ids)) < OTHER_SPELLING
    with path.open("w", encoding="utf-8") as file:
        for track, song, other in zip(ids, songs.tolist(), spelled_otherwise.tolist(), strict=True):
            artist, title = _names(song)
            title = f"{title} (Album Version)" if other else title
            file.write(f"{track}<SEP>SO{track[2:]}<SEP>{artist}<SEP>{title}\n")


def _listed(draw: np.random.Generator, tracks: np.ndarray, count: int) -> pa.Table:
    """Exactly `count` different (one, other), each track as `one` once or more, and scores, by `one`."""
    n_tracks = len(tracks)
    longer = np.interp(np.arange(n_tracks) / n_tracks, _SHARES, _LENGTHS)
    own = tracks.astype(np.int64)
    kept = own * n_tracks + np.roll(own, 1)  # each track has a list
    while len(kept) < count:
        number = 1 + int(1.1 * (count - len(kept)) / (1 + RETURNED))
        one = tracks[draw.choice(n_tracks, number, p=longer / longer.sum())].astype(np.int64)
        other = (n_tracks * draw.random(number) ** 1.5).astype(np.int64)
        returned = draw.random(number) < RETURNED
        more = np.concatenate([one * n_tracks + other, other[returned] * n_tracks + one[returned]])
        kept = np.unique(np.concatenate([kept, more[more // n_tracks != more % n_tracks]]))
    surplus = draw.permutation(np.flatnonzero(np.diff(kept // n_tracks, prepend=-1) == 0))
    kept = np.delete(kept, surplus[: len(kept) - count])
    scores = np.interp(draw.random(count), _SHARES, _SCORES)
    scores[draw.random(count) < 0.0056] = 1.0
    return pa.table(
        {
            "one": (kept // n_tracks).astype(np.int32),
            "other": (kept % n_tracks).astype(np.int32),
            "score": scores.round(7).astype(np.float32),
        }
    )


def _write_lists(path: Path, ids: list[str], listed: pa.Table) -> None:
    names = pa.table({"position": range(len(ids)), "id": ids})
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode = off")
        database.execute("pragma synchronous = off")
        for end in ("src", "dest"):
            database.execute(f"create table similars_{end} (tid text, target text)")
        database.executemany("insert into similars_src values (?, ?)", _lists(names, listed))
        for end in ("src", "dest"):
            database.execute(f"create index idx_{end} on similars_{end} (tid)")
        database.commit()


def _lists(names: pa.Table, listed: pa.Table) -> Iterator[tuple[str, str]]:
    ones = listed["one"].to_numpy()
    with duckdb.connect() as engine:
        engine.execute("create table names as from names")
        for start in range(0, len(names), _CHUNK):
            low, high = np.searchsorted(ones, [start, start + _CHUNK])
            engine.register("listed", listed.slice(low, high - low))
            yield from engine.execute(_LISTS).fetchall()


if __name__ == "__main__":
    main()
