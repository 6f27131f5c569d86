"""Detect the format of a raw folder and read it: the official files, or the generic texts.csv and pairs.csv.

A new format is a module beside this one that returns `common.Raw`, and a case in `read`.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from neuralist.config.params import EngineName
from neuralist.ingest.sources import billboard, folders, generic_csv, lastfm, lastfm_tags, msd
from neuralist.ingest.sources.common import SONG_ENDINGS, TABLE_ENDINGS, TRACKS, Raw, Similarities

_OFFICIAL = "billboard/YYYY.json, msd/unique_tracks.txt and Last.fm similarities"
_GENERIC = "texts.csv and pairs.csv"


def read(folder: Path, similarity_range: tuple[float, float], engine: EngineName = "duckdb") -> Raw:
    """Read a raw folder of either format.

    Args:
        folder: the raw folder; its corpus.yaml, vectors/ and unknown files are ignored.
        similarity_range: lowest and highest similarity in its files, mapped to [0, 1].
        engine: the one that parses Last.fm's lists.

    Raises:
        ValueError: the folder holds neither form or both, or a file is missing or faulty.
        OSError: a folder in it cannot be read.
    """
    if folder.is_dir():
        folders.check(folder)
    official = [name for name in ("billboard", "msd/unique_tracks.txt") if (folder / name).exists()]
    generic = [name for name in ("texts.csv", "pairs.csv") if (folder / name).exists()]
    if not official and not generic:
        raise _neither(folder)
    if official and generic:
        raise ValueError(
            f"{folder}: expected either {_OFFICIAL}, or {_GENERIC}; found {', '.join(official + generic)}"
        )
    if len(official) == 1 or len(generic) == 1:
        raise ValueError(
            f"{folder}: found {(official + generic)[0]} alone; expected {_OFFICIAL if official else _GENERIC}"
        )
    return _official(folder, similarity_range, engine) if official else _generic(folder, similarity_range)


def _neither(folder: Path) -> ValueError:
    """Return the error for a folder of neither form; it names what `neuralist import` may read of it."""
    others = sorted(
        path.name for path in folder.glob("[!.]*") if path.suffix.lower() in {*TABLE_ENDINGS, *SONG_ENDINGS}
    )
    if not others:
        return ValueError(f"{folder}: expected either {_OFFICIAL}, or {_GENERIC}; found none of them")
    # In a workspace the raw folder is a link called data.
    place = folder.resolve()
    are_songs = all(name.lower().endswith(SONG_ENDINGS) for name in others) and len(others) > 1
    source = place if are_songs else place / others[0]
    found = ", ".join(others[:3]) + (", ..." if others[3:] else "")
    command = shlex.join(["neuralist", "import", str(source), "--out", f"{place}-imported"])
    return ValueError(
        f"{folder}: found {found}, which is not read as it is; make {_GENERIC} of it by `{command}`, then "
        "give that folder"
    )


def _official(folder: Path, similarity_range: tuple[float, float], engine: EngineName) -> Raw:
    files, tags = lastfm.find(folder), lastfm_tags.find(folder)
    records, record_faults, unread = billboard.read(folder)
    tracks, track_faults = msd.read(folder)
    duplicates, duplicate_faults = msd.read_duplicates(folder)

    def similarities(ids: Iterable[str]) -> Similarities:
        lists = lastfm.read(folder, files, similarity_range, ids, engine)
        return lastfm_tags.add(lists, folder, tags, ids) if tags else lists

    return Raw(
        source="billboard",
        records=records,
        tracks=tracks,
        rejects=pd.concat([record_faults, track_faults, *duplicate_faults], ignore_index=True),
        unread=unread,
        unended=_unended(folder, [f"msd/{name}.txt" for name in msd.FILES]),
        similarities=similarities,
        duplicates=duplicates,
    )


def _generic(folder: Path, similarity_range: tuple[float, float]) -> Raw:
    records, faults, unread = generic_csv.read(folder)
    return Raw(
        source="texts",
        records=records,
        tracks=pd.DataFrame(columns=TRACKS, dtype="str").astype({"year": "Int64"}),
        rejects=faults,
        unread=unread,
        unended=_unended(folder, ["texts.csv", "pairs.csv"]),
        similarities=lambda ids: generic_csv.read_pairs(
            folder, similarity_range, records, ids, gives_split=generic_csv.gives_split(folder)
        ),
    )


def _unended(folder: Path, names: Iterable[str]) -> dict[str, int]:
    """Return those of these files whose last line has no line end, with 1 for each."""
    return {name: 1 for name in names if (folder / name).is_file() and not _is_ended(folder / name)}


def _is_ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return file.read() in (b"\n", b"\r")
