"""`neuralist fetch` from a server of its own process, which has small files of the official forms.

Command: python -m faults.publisher FOLDER
"""

import io
import json
import sys
import zipfile

from tests import server

from neuralist.cli import app
from neuralist.console import exits
from neuralist.fetch import table

TRACKS = 4_000
# The same at every call: a download goes on only from the address that it began at.
PORT = 5471


def _track(number: int) -> str:
    letters = "".join(chr(65 + number // 26**place % 26) for place in range(3))
    return f"TR{letters}{number:013d}"


def files() -> dict[str, bytes]:
    """Return what there is to fetch, by path."""
    tracks = [_track(number) for number in range(TRACKS)]
    unique = "".join(f"{track}<SEP>SO{track[2:]}<SEP>Artist<SEP>Song {track}\n" for track in tracks)
    years = "".join(f"1985<SEP>{track}<SEP>Artist<SEP>Song {track}\n" for track in tracks)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for track in tracks:
            path = f"lastfm_subset/{'/'.join(track[2:5])}/{track}.json"
            content = {"track_id": track, "similars": [[tracks[0], 0.5]], "tags": []}
            members.writestr(zipfile.ZipInfo(path), json.dumps(content))
    songs = [{"artist": "Artist", "title": "Song", "lyrics": "paper lanterns"}]
    charts = {
        f"/b/{year}.json": json.dumps([{**songs[0], "year": year}]).encode() for year in range(1950, 2016)
    }
    return charts | {
        "/m/AdditionalFiles/unique_tracks.txt": unique.encode() * 50,
        "/m/AdditionalFiles/tracks_per_year.txt": years.encode() * 50,
        "/m/lastfm/lastfm_subset.zip": archive.getvalue(),
    }


def main() -> None:
    """Serve the files, and fetch them into the folder."""
    exits.install()  # as the program `neuralist` does
    with server.running(PORT) as web:
        web.content = files()
        table.CHECKSUMS.clear()  # of the publishers' own files
        table.HOSTS |= {"msd": f"{web.url}/m", "billboard": f"{web.url}/b"}
        only = "billboard,unique_tracks,tracks_per_year,lastfm_subset"
        app(["fetch", sys.argv[1], "--accept-licence", "--only", only])


if __name__ == "__main__":
    main()
