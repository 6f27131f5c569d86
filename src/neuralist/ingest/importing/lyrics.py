"""Songs from a folder of text files, and from the JSON that LyricsGenius saves, as a table.

| source | a song |
|---|---|
| folder | a .txt or .lrc file named "Artist - Title"; an .lrc file may say them as [ar:...] and [ti:...] |
| LyricsGenius, an artist's songs | an object of the list "songs", with title, artist and lyrics |
| LyricsGenius, an album | the object "song" of an object of the list "tracks" |
| LyricsGenius, a song | an object with title, artist and lyrics |

Form: lyricsgenius, the methods save_lyrics and to_json. Lyrics stay as they are: headers, times and notes go
when the pipeline, or a trained model, reads them (`neuralist.text.cleaning`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from neuralist.ingest.importing import encodings
from neuralist.ingest.importing.files import Fault, Table
from neuralist.ingest.importing.roles import Roles
from neuralist.ingest.sources import folders
from neuralist.ingest.sources.common import SONG_ENDINGS, shortened

_COLUMNS = ("artist", "title", "year", "language", "lyrics")
_DASH = re.compile(r"\s+[-–—]\s+")
_TRACK_NUMBER = re.compile(r"\d{1,3}\s*[-.–—]\s+(?=.*\s[-–—]\s)")  # "01 - Artist - Title"
_NUMBER_ALONE = re.compile(r"(?:\d-)?\d{1,2}\.?")  # "01 - Title", in a folder of the artist's
_TAG = re.compile(r"^\s*\[(ar|ti):([^\]\n]*)\]", re.IGNORECASE | re.MULTILINE)
_NO_NAME = "its name is not 'Artist - Title'"


def roles(table: Table, form: str) -> Roles:
    """Return what the columns of a table of songs are."""
    columns = {"text": "lyrics"} | {name: name for name in _COLUMNS[:-1] if name in table.rows}
    return Roles(columns, form)


def files(folder: Path) -> list[Path]:
    """Return files, and folders, that are named as song files in a folder, sorted; hidden ones are none."""
    named = (path for path in folders.found(folder, "*") if path.suffix.lower() in SONG_ENDINGS)
    found = (path for path in named if path.is_file() or path.is_dir())
    return sorted(
        path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def has_songs(folder: Path) -> bool:
    """Return whether a folder holds an .lrc file, or a .txt file with the name of a song."""
    return any(path.suffix.lower() == ".lrc" or artist_and_title(path.stem, "")[1] for path in files(folder))


def read_folder(folder: Path, encoding: str | None = None) -> Table:
    """Read the song files of a folder.

    Raises:
        ValueError: an encoding is unknown, or no file is a song.
    """
    rows, where, faults = [], [], list[Fault]()
    labels = dict[str, None]()
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            faults.append((name, "a folder, named as a song file", ""))
            continue
        content = path.read_bytes()
        if not content.strip():
            faults.append((name, "the file is empty", ""))
            continue
        try:
            text, label = encodings.decode(content, name, encoding)
        except ValueError as error:
            faults.append((name, str(error).removeprefix(f"{name}: "), ""))
            continue
        artist, title = artist_and_title(path.stem, text if path.suffix.lower() == ".lrc" else "")
        if not title:
            faults.append((name, _NO_NAME, shortened(text)))
            continue
        labels[label] = None
        rows.append((artist, title, text))
        where.append(name)
    if not rows:
        place, reason, _ = faults[0]
        raise ValueError(
            f"{folder}: none of its {len(faults):,} .txt and .lrc files is a song; of the first, {place}, "
            f"{reason}"
        )
    frame = pd.DataFrame(rows, columns=["artist", "title", "lyrics"], dtype=object)
    return Table(folder.name, f"folder of songs, {' and '.join(labels)}", frame, where, faults, [])


def artist_and_title(stem: str, lrc: str) -> tuple[str, str]:
    """Return artist and title by a file's name, else by the tags of an LRC file; both empty where unknown."""
    parts = _DASH.split(_TRACK_NUMBER.sub("", stem.strip(), count=1), maxsplit=1)
    if len(parts) == 2 and all(part.strip() for part in parts) and not _NUMBER_ALONE.fullmatch(parts[0]):
        return parts[0].strip(), parts[1].strip()
    tags = {key.lower(): value.strip() for key, value in _TAG.findall(lrc)}
    return tags.get("ar", ""), tags.get("ti", "")


def genius_songs(content: Any) -> list[Any] | None:
    """Return the songs in JSON of LyricsGenius, or None where it is something else."""
    if not isinstance(content, dict):
        return None
    songs = content.get("songs")
    if songs is None and isinstance(content.get("tracks"), list):
        songs = [track.get("song") if isinstance(track, dict) else track for track in content["tracks"]]
    if songs is None and "lyrics" in content and isinstance(content.get("title"), str):
        songs = [content]
    is_list = isinstance(songs, list) and any(isinstance(song, dict) and "lyrics" in song for song in songs)
    return songs if is_list else None


def from_genius(songs: list[Any], name: str, encoding: str, artist: str = "") -> Table:
    """Return a table of LyricsGenius' songs.

    Args:
        songs: as `genius_songs` returns them.
        name: of the file.
        encoding: of the file, for the form.
        artist: of songs that name none.
    """
    rows, where, faults = [], [], list[Fault]()
    for index, song in enumerate(songs):
        place = f"{name}:{index}"
        if not isinstance(song, dict) or not isinstance(song.get("title"), str):
            faults.append((place, "no song with a title", shortened(song)))
            continue
        lyrics = song.get("lyrics")
        rows.append([*_facts(song, artist), lyrics if isinstance(lyrics, str) else ""])
        where.append(place)
    frame = pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object)
    return Table(name, f"JSON, {encoding}", frame, where, faults, [])


def _facts(song: dict[str, Any], artist: str) -> Iterator[str]:
    """Yield artist, title, year and language of a song."""
    primary = song.get("primary_artist")
    candidates = [song.get("artist"), primary.get("name") if isinstance(primary, dict) else primary, artist]
    yield next((value for value in candidates if isinstance(value, str) and value.strip()), "")
    yield song["title"]
    components = song.get("release_date_components")
    year = components.get("year") if isinstance(components, dict) else None
    yield str(year or song.get("release_date") or song.get("year") or "")
    yield song["language"] if isinstance(song.get("language"), str) else ""
