"""Which format a raw folder has, and its reader: the official files, or the generic texts.csv and pairs.csv.

A new format is a module beside this one that gives `common.Raw`, and a case of `read`.
"""

from pathlib import Path

import pandas as pd

from neuralist.config import corpus
from neuralist.config.params import EngineName
from neuralist.ingest.sources import billboard, generic_csv, lastfm, msd
from neuralist.ingest.sources.common import TRACKS, Raw

_OFFICIAL = "billboard/YYYY.json, msd/unique_tracks.txt and Last.fm similarities"
_GENERIC = "texts.csv and pairs.csv"


def read(folder: Path, similarity_range: tuple[float, float], on: EngineName = "duckdb") -> Raw:
    """Read a raw folder in whichever form it holds.

    Args:
        folder: the raw folder; corpus.yaml, vectors/ and unknown files in it are left alone.
        similarity_range: lowest and highest similarity in its files, mapped to [0, 1].
        on: the engine that takes Last.fm's lists apart.

    Raises:
        ValueError: the folder holds neither form or both, or a file of its form is missing or at fault.
    """
    official = [name for name in ("billboard", "msd/unique_tracks.txt") if (folder / name).exists()]
    generic = [name for name in ("texts.csv", "pairs.csv") if (folder / name).exists()]
    if bool(official) == bool(generic):
        raise ValueError(
            f"{folder}: expected either {_OFFICIAL}, or {_GENERIC}; "
            f"found {', '.join(official + generic) or 'none of them'}"
        )
    if len(official) == 1 or len(generic) == 1:
        raise ValueError(
            f"{folder}: found {(official + generic)[0]} alone; expected {_OFFICIAL if official else _GENERIC}"
        )
    return _official(folder, similarity_range, on) if official else _generic(folder, similarity_range)


def _official(folder: Path, similarity_range: tuple[float, float], on: EngineName) -> Raw:
    files = lastfm.find(folder)
    records, record_faults = billboard.read(folder)
    tracks, track_faults = msd.read(folder)
    return Raw(
        source="billboard",
        records=records,
        tracks=tracks,
        rejects=pd.concat([record_faults, track_faults], ignore_index=True),
        similarities=lambda known: lastfm.read(folder, files, similarity_range, known, on),
    )


def _generic(folder: Path, similarity_range: tuple[float, float]) -> Raw:
    records, faults = generic_csv.read(folder)
    return Raw(
        source="texts",
        records=records,
        tracks=pd.DataFrame(columns=TRACKS, dtype="str").astype({"year": "Int64"}),
        rejects=faults,
        similarities=lambda known: generic_csv.read_pairs(
            folder, similarity_range, records, known, given=corpus.gives_split(folder)
        ),
    )
