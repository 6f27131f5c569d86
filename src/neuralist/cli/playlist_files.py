"""Write playlists as .m3u, JSON or CSV, and find the audio files of songs.

In: songs as `neuralist playlist --json` prints them. Out: a file that players or spreadsheets open. Extended
M3U has no standard; the form here is that of https://en.wikipedia.org/wiki/M3U#Extended_M3U, in UTF-8.
"""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuralist import files, html

Songs = Sequence[Mapping[str, Any]]

_COMMON = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wav", ".wma")
AUDIO = frozenset({*_COMMON, ".aif", ".aiff", ".alac", ".ape", ".mka", ".mpc", ".wv"})
_TRACK = re.compile(r"^(?:\d-)?\d{1,3}\s*[-.–—_]?\s+(?=\S)")  # "01 Title", "1-01 - Title"
_COLUMNS = ("rank", "similarity", "score", "artist", "title", "year", "song_id", "file")


def check(out: Path) -> None:
    """Check the path of a playlist, before any work is done.

    Raises:
        ValueError: it is a folder, or its ending is none of .m3u, .m3u8, .json and .csv.
    """
    if out.is_dir() or out.suffix.lower() not in _WRITERS:
        endings = ", ".join(_WRITERS)
        found = f"ends in {out.suffix}" if out.suffix else "has no ending"
        found = "is a folder" if out.is_dir() else found
        raise ValueError(f"{out}: {found}; name a file that ends in {endings}")


def write(out: Path, result: Mapping[str, Any], name: str) -> None:
    """Write a playlist in the form of its ending, whole or not at all.

    Args:
        out: the file; `check` has passed it.
        result: what --json prints, with "songs".
        name: of the playlist, for .m3u.
    """
    _WRITERS[out.suffix.lower()](out, result, name)


def m3u(songs: Songs, folder: Path, name: str) -> str:
    """Return an extended M3U playlist; of a song without a file it has #EXTINF alone, and says so.

    Paths are relative to `folder`, where the playlist is to stand, and begin with a dot, so that none is read
    as a comment or as an address. Characters that would end a line, or turn it around, are not shown.
    """
    entries, n_files = list[str](), 0
    for song in songs:
        names = (song["artist"], song["title"] or song["song_id"])
        entries.append(f"#EXTINF:-1,{_line(' - '.join(filter(None, names)))}")
        path = song.get("file") and _relative(Path(song["file"]), folder)
        if path:
            entries.append(path)
            n_files += 1
    n_without = len(entries) - 2 * n_files
    note = f"# {n_without} of {len(songs)} songs have no file here: #EXTINF names artist and title alone."
    if not n_files:
        note = (
            "# No song has a file here: #EXTINF names artist and title alone. "
            "neuralist playlist --files FOLDER names the audio files in FOLDER."
        )
    head = ["#EXTM3U", f"#PLAYLIST:{_line(name)}", *([note] if n_without else [])]
    return "\n".join([*head, *entries, ""])


class AudioFiles:
    """The audio files in a folder, by artist and title.

    A file is named "Artist - Title", also behind a track's number; or "Title" in a folder of the artist's; or
    the .lrc file beside it says both. Spelling counts as little as in `text.names.key`.

    Raises:
        ValueError: there is no such folder, or no audio file in it.
    """

    def __init__(self, folder: Path) -> None:
        from neuralist.ingest.importing import lyrics
        from neuralist.text import names

        if not folder.is_dir():
            raise ValueError(f"--files: {folder} is no folder; name the one with your audio files")
        self._by_name: dict[tuple[str, str], Path] = {}
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO and path.is_file())
        if not found:
            raise ValueError(f"--files: no audio file is in {folder}; name the folder of your audio files")
        for path in found:
            beside = path.with_suffix(".lrc")
            text = beside.read_bytes().decode("utf-8", "replace") if beside.is_file() else ""
            artist, title = lyrics.artist_and_title(path.stem, text)
            keys = [(artist, title)] if title else []
            if not title:
                track = _TRACK.sub("", path.stem)
                keys = [(part, track) for part in path.relative_to(folder).parent.parts]
            for key in keys:
                self._by_name.setdefault((names.key(key[0]), names.key(key[1])), path)

    def name(self, songs: Sequence[dict[str, Any]]) -> None:
        """Add the path of each song's file, as `file`; None where there is none."""
        for song in songs:
            path = self.find(song["artist"], song["title"])
            song["file"] = None if path is None else str(path)

    def find(self, artist: str | None, title: str | None) -> Path | None:
        """Return the file of a song, the first by path where there are several; None where there is none."""
        from neuralist.text import names

        return self._by_name.get((names.key(artist), names.key(title))) if artist and title else None


def _line(text: str) -> str:
    return " ".join(html.visible(text).split())


def _relative(path: Path, folder: Path) -> str:
    """Return a path as a line of a playlist; empty where no line can hold it."""
    relative = Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:  # a name in another encoding
        return ""
    if any(sign in relative for sign in "\r\n") or relative != relative.rstrip():
        return ""
    return relative if relative.startswith("../") else f"./{relative}"


def _write_m3u(out: Path, result: Mapping[str, Any], name: str) -> None:
    files.write_text(out, m3u(result["songs"], out.parent, name))


def _write_json(out: Path, result: Mapping[str, Any], _: str) -> None:
    files.write_text(out, json.dumps(result, indent=2, allow_nan=False) + "\n")


def _write_csv(out: Path, result: Mapping[str, Any], _: str) -> None:
    import pyarrow as pa

    from neuralist.cli import streams

    songs: Songs = result["songs"]
    names = [name for name in _COLUMNS if any(song.get(name) is not None for song in songs)]
    table = pa.table({name: [song.get(name) for song in songs] for name in names})
    with streams.writing(out) as write_table:
        write_table(streams.guard_formulas(table))


_WRITERS: dict[str, Callable[[Path, Mapping[str, Any], str], None]] = {
    ".m3u": _write_m3u,
    ".m3u8": _write_m3u,
    ".json": _write_json,
    ".csv": _write_csv,
}
