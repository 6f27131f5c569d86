"""The demo corpus in the official raw formats: Billboard years, Million Song track list, Last.fm JSON files.

Each function returns file contents by path in the corpus' folder. The faults of real data are imitated: names
spelled in other ways, songs charted twice, notices or other songs' words in place of lyrics, tracks without a
list, scores that differ by direction.
"""

import json
import math
from collections import Counter
from typing import Any

from neuralist.demo.draws import Draws
from neuralist.demo.measures import measure
from neuralist.demo.names import COUNTRIES, spell_artist, spell_title
from neuralist.demo.world import LAST_YEAR, Artist, Song, Track, identifier

Files = dict[str, str]
# fmt: off
GENRES = (
    "soul", "folk", "country", "jazz", "rock", "pop",
    "electronic", "blues", "disco", "hip hop", "metal", "latin",
)
FIELDS = (
    "lyrics", "tags", "num_syllables", "pos", "year", "fog_index", "flesch_index", "num_words", "num_lines",
    "sentiment", "title", "f_k_grade", "artist", "difficult_words", "num_dupes",
)
# fmt: on
NOTICE = "We are not licensed to display the lyrics of this song at the moment"
# Numbers of records charted again a year later; with a notice for lyrics; that all have the same lyrics.
CHARTED_TWICE, NOTICES, MIXED_UP = 6, 4, 3


def billboard(draws: Draws, artists: list[Artist], songs: list[Song]) -> Files:
    """Return the year files: JSON lists of the year's songs with lyrics, best position first."""
    records = [_record(draws, artists[song.artist], song) for song in songs if song.text]
    titles = Counter(record["title"] for record in records)
    unique = [record for record in records if record["year"] < LAST_YEAR - 1 and titles[record["title"]] == 1]
    changed = draws.sample(unique, CHARTED_TWICE + NOTICES + MIXED_UP)
    twice, notices, mixed_up = changed[:CHARTED_TWICE], changed[CHARTED_TWICE:-MIXED_UP], changed[-MIXED_UP:]
    for record in twice:
        records.append(record | {"artist": spell_artist(draws, record["artist"]), "year": record["year"] + 1})
    for record in notices:
        record.update(measure(NOTICE))
    for record in mixed_up:
        record.update(measure(mixed_up[-1]["lyrics"]))
    return {
        f"billboard/{year}.json": _chart(draws, [record for record in records if record["year"] == year])
        for year in sorted({record["year"] for record in records})
    }


def _record(draws: Draws, artist: Artist, song: Song) -> dict[str, Any]:
    tags = [f"{song.year // 10 * 10}s", draws.choice(COUNTRIES), _genre(draws, artist), "demo"]
    return {"artist": artist.name, "title": song.title, "year": song.year, "tags": tags, **measure(song.text)}


def _genre(draws: Draws, artist: Artist) -> str:
    """Draw a genre: in two of three cases one of the two of the artist's theme, else any."""
    return GENRES[2 * artist.theme + draws.between(0, 1)] if draws.chance(0.67) else draws.choice(GENRES)


def _chart(draws: Draws, records: list[dict[str, Any]]) -> str:
    positions = sorted(draws.sample(range(1, 101), len(records)))
    ranked = draws.sample(records, len(records))
    listed = [record | {"pos": position} for record, position in zip(ranked, positions, strict=True)]
    return json.dumps([{field: record[field] for field in FIELDS} for record in listed], ensure_ascii=False)


def million_songs(draws: Draws, artists: list[Artist], songs: list[Song], tracks: list[Track]) -> Files:
    """Return unique_tracks.txt by track id, and half the tracks in tracks_per_year.txt by year."""
    names = {}
    song_ids = [identifier(draws, "SO") for _ in songs]
    for track in tracks:
        artist, title = artists[songs[track.song].artist].name, songs[track.song].title
        names[track.track_id] = (
            spell_artist(draws, artist) if draws.chance(0.25) else artist,
            spell_title(draws, title) if draws.chance(0.25) else title,
        )
    unique = sorted((track.track_id, song_ids[track.song], *names[track.track_id]) for track in tracks)
    years = sorted(
        (str(songs[track.song].year), track.track_id, *names[track.track_id])
        for track in tracks
        if draws.chance(0.5)
    )
    return {"msd/unique_tracks.txt": _lines(unique), "msd/tracks_per_year.txt": _lines(years)}


def _lines(rows: list[tuple[str, ...]]) -> str:
    return "".join("<SEP>".join(row) + "\n" for row in rows)


def lastfm(
    draws: Draws,
    artists: list[Artist],
    songs: list[Song],
    tracks: list[Track],
    similarity: dict[tuple[int, int], float],
) -> Files:
    """Return JSON files of most tracks, in folders by letters 3 to 5 of the id; a tenth list nothing."""
    files = {}
    for track in tracks:
        if draws.chance(0.2):
            continue
        song = songs[track.song]
        content = {
            "artist": artists[song.artist].name,
            "timestamp": f"2011-08-0{draws.between(1, 9)} 12:{draws.between(10, 59)}:00.000000",
            "similars": [] if draws.chance(0.1) else _similars(draws, track, tracks, similarity),
            "tags": [[_genre(draws, artists[song.artist]), "100"], [f"{song.year // 10 * 10}s", "54"]],
            "track_id": track.track_id,
            "title": song.title,
        }
        path = f"lastfm/{'/'.join(track.track_id[2:5])}/{track.track_id}.json"
        files[path] = json.dumps(content, ensure_ascii=False)
    return files


def _similars(
    draws: Draws, track: Track, tracks: list[Track], similarity: dict[tuple[int, int], float]
) -> list[list[Any]]:
    """Draw about 40 to 60 tracks, similar ones more often, best first; some scores are shifted."""
    scores = {
        other.track_id: similarity.get((track.song, other.song), 1.0) for other in tracks if other != track
    }
    density = draws.between(40, 60) / math.fsum(0.05 + score for score in scores.values())
    listed = []
    for track_id, score in scores.items():
        if draws.chance(density * (0.05 + score)):
            shift = 0.3 * draws.normal() * score * (1 - score) if draws.chance(0.3) else 0.0
            value = round(min(1.0, max(0.0, score + shift)), 6)
            listed.append([track_id, 1 if value == 1 else value])
    return sorted(listed, key=lambda entry: (-entry[1], entry[0]))
