"""Small raw folders in the official forms and in the generic one. All texts are invented."""

import csv
import json
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

from neuralist.config import params
from neuralist.ingest import songs
from neuralist.ingest.sources import formats

CHOICES = params.Songs(
    cover_overlap=0.4,
    placeholders=("not licensed to display",),
    genres={"rock": ("rock", "hard rock"), "soul": ("soul",)},
)


# The ids of the songs of `two_songs`.
LANTERNS, OLA = "the-lanterns--harbour-lights", "ola-brandt--tin-roof"


def build(folder: Path) -> songs.Tables:
    """The tables of a folder under CHOICES, its similarities from 0 to 1."""
    return songs.build(formats.read(folder, (0, 1)), CHOICES)


@cache
def built(folder: Path) -> songs.Tables:
    """The tables of a folder under the checkout's own params.yaml, made once in a test run."""
    choices = params.load(Path(__file__).parents[1] / "params.yaml")
    return songs.build(formats.read(folder, choices.similarity_range), choices.songs)


def lyrics(subject: str, lines: int = 12) -> str:
    """An invented text, in which no other subject's text shares a four-word phrase."""
    return "\n".join(f"{subject}{line} hums {subject}{line} beside {subject}" for line in range(lines))


def record(artist: str, title: str, **others: Any) -> dict[str, Any]:
    """A Billboard record of 1985 whose text is that of its title, unless said otherwise."""
    own_text = lyrics("".join(filter(str.isalnum, title)).lower() or "none")
    return {"artist": artist, "title": title, "year": 1985, "tags": ["rock"], "lyrics": own_text} | others


def billboard(folder: Path, records: list[Any], year: int = 1985) -> None:
    """Write a year file."""
    _write(folder / "billboard" / f"{year}.json", json.dumps(records))


def tracks(folder: Path, lines: list[tuple[str, str, str]]) -> None:
    """Write unique_tracks.txt of (track id, artist, title)."""
    text = "".join(f"{track}<SEP>SO{track[2:]}<SEP>{artist}<SEP>{title}\n" for track, artist, title in lines)
    _write(folder / "msd" / "unique_tracks.txt", text)


def database(folder: Path, lists: list[tuple[Any, Any]], table: str = "similars_src") -> Path:
    """Write lastfm_similars.db with lists (track id, "id,score,id,score") in one of its tables."""
    path = folder / "msd" / "lastfm_similars.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as engine:
        for name in ("similars_src", "similars_dest"):
            engine.execute(f"create table {name} (tid text, target text)")
        engine.executemany(f"insert into {table} values (?, ?)", lists)
    engine.close()
    return path


def tags_database(
    folder: Path, tracks: list[Any], tags: list[Any], weights: list[tuple[Any, Any, Any]]
) -> Path:
    """Write lastfm_tags.db: track ids, names of tags, and (row of a track, row of a tag, weight), from 1."""
    path = folder / "msd" / "lastfm_tags.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as engine:
        engine.execute("create table tids (tid text)")
        engine.execute("create table tags (tag text)")
        engine.execute("create table tid_tag (tid int, tag int, val float)")
        engine.executemany("insert into tids values (?)", [(track,) for track in tracks])
        engine.executemany("insert into tags values (?)", [(tag,) for tag in tags])
        engine.executemany("insert into tid_tag values (?, ?, ?)", weights)
    engine.close()
    return path


def track_file(folder: Path, track: str, similars: Any, tags: Any = ()) -> Path:
    """Write a track's Last.fm JSON file where the official archive has it."""
    path = folder / "lastfm" / track[2] / track[3] / track[4] / f"{track}.json"
    content = {"track_id": track, "similars": similars, "tags": tags, "artist": "", "title": ""}
    _write(path, json.dumps(content))
    return path


def two_songs(folder: Path) -> Path:
    """Two songs with one track each (TRAAA1 and TRBBB1), and no similarities yet."""
    billboard(folder, [record("The Lanterns", "Harbour Lights"), record("Ola Brandt", "Tin Roof")])
    tracks(folder, [("TRAAA1", "The Lanterns", "Harbour Lights"), ("TRBBB1", "Ola Brandt", "Tin Roof")])
    return folder


def texts(folder: Path, rows: list[list[str]], header: str = "id,text") -> None:
    """Write texts.csv."""
    _write_csv(folder / "texts.csv", header, rows)


def pairs(folder: Path, rows: list[list[str]], header: str = "left_id,right_id,similarity") -> None:
    """Write pairs.csv."""
    _write_csv(folder / "pairs.csv", header, rows)


def _write_csv(path: Path, header: str, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
