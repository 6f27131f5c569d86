"""Graded pairs for pre-training, from a folder inside the raw folder.

Input: a folder with texts.csv and pairs.csv, whose corpus.yaml may name its own similarity_range. Output: the
tables pretraining_songs, pretraining_pairs and rejects of `neuralist.data.tables`. A column split is
ignored.
"""

import math
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from neuralist.config import corpus
from neuralist.data import tables
from neuralist.excerpts import excerpt
from neuralist.ingest import lyrics_check
from neuralist.ingest.sources import generic_csv


class PretrainingPairs(NamedTuple):
    """The tables of these names."""

    songs: pd.DataFrame
    pairs: pd.DataFrame
    rejects: pd.DataFrame

    def __str__(self) -> str:
        """Return the number of pairs and, by reason, of rejects."""
        reasons = self.rejects["reason"].value_counts()
        unused = [f"{n:,} not used: {why}" for why, n in reasons.items()]
        return "; ".join([f"{len(self.pairs):,} pairs", *unused])


def read(raw: Path, name: str | None, similarity_range: tuple[float, float]) -> PretrainingPairs:
    """Read the folder `name` of a raw folder; return empty tables where `name` is None.

    Args:
        raw: the raw folder.
        name: `pretrain_on`, a path relative to the raw folder.
        similarity_range: lowest and highest grade, for a folder whose corpus.yaml names none.

    Raises:
        ValueError: there is no such folder, it is not in the generic form, or nothing in it can be used.
    """
    if name is None:
        schemas = (tables.PRETRAINING_SONGS, tables.PRETRAINING_PAIRS, tables.REJECTS)
        return PretrainingPairs(*(schema.empty_table().to_pandas() for schema in schemas))
    folder = raw / name
    if not folder.is_dir():
        raise ValueError(
            f"pretrain_on: received {excerpt(repr(name))}, but {folder} is no folder; "
            "give the name of a folder inside the raw folder that holds texts.csv and pairs.csv"
        )
    try:
        tables_read = _read(folder, _similarity_range(folder) or similarity_range)
    except ValueError as error:
        raise ValueError(f"pretrain_on: {folder}: {error}") from error
    # The raw folder may hold files of the same names.
    where = f"{name}/" + tables_read.rejects["where"]
    return tables_read._replace(rejects=tables_read.rejects.assign(where=where))


def _read(folder: Path, similarity_range: tuple[float, float]) -> PretrainingPairs:
    all_records, faults, _ = generic_csv.read(folder)
    records, wordless = lyrics_check.usable(all_records, "texts", ())
    similar = generic_csv.read_pairs(folder, similarity_range, all_records, records["id"], gives_split=False)
    columns = {"source_id": "left_id", "target_id": "right_id"}
    return PretrainingPairs(
        records.rename(columns={"id": "song_id"}).filter(tables.PRETRAINING_SONGS.names),
        similar.listed.rename(columns=columns).filter(tables.PRETRAINING_PAIRS.names),
        pd.concat([faults, wordless, similar.rejects], ignore_index=True),
    )


def _similarity_range(folder: Path) -> tuple[float, float] | None:
    """Return the lowest and highest grade of the folder's own corpus.yaml; None where it names none."""
    bounds = corpus.read(folder).values.get("similarity_range")
    if bounds is None:
        return None
    try:
        low, high = (float(bound) for bound in bounds) if isinstance(bounds, list) else (math.nan, math.nan)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(
            f"{corpus.FILE}: similarity_range: received {excerpt(repr(bounds))}; "
            "give the lowest and highest grade"
        )
    return low, high
