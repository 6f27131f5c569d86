"""Graded pairs on which a model is trained before the task's own, from a folder inside the raw folder.

Input: a folder with texts.csv and pairs.csv, whose corpus.yaml may name its own similarity_range. Output: the
tables pretraining_songs, pretraining_pairs and rejects of `neuralist.data.tables`. A column split is not
read, whatever it says.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neuralist.config import corpus
from neuralist.data import tables
from neuralist.ingest import lyrics_check
from neuralist.ingest.sources import generic_csv


@dataclass(frozen=True)
class PretrainingPairs:
    """The tables of these names."""

    songs: pd.DataFrame
    pairs: pd.DataFrame
    rejects: pd.DataFrame

    def __str__(self) -> str:
        """How many pairs there are, and why records were not used."""
        reasons = self.rejects["reason"].value_counts()
        return "; ".join(
            [f"{len(self.pairs):,} pairs", *(f"{n:,} not used: {why}" for why, n in reasons.items())]
        )


def read(raw: Path, name: str | None, similarity_range: tuple[float, float]) -> PretrainingPairs:
    """Read the folder `name` of a raw folder; without a name, three empty tables.

    Args:
        raw: the raw folder.
        name: what `pretrain_on` names, relative to the raw folder.
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
            f"pretrain_on: received {name!r}, but {folder} is no folder; give the name of a folder inside "
            "the raw folder that holds texts.csv and pairs.csv"
        )
    try:
        found = _read(folder, _range(folder) or similarity_range)
    except ValueError as error:
        raise ValueError(f"pretrain_on: {folder}: {error}") from error
    # The raw folder may hold files of the same names.
    rejects = found.rejects.assign(where=f"{name}/" + found.rejects["where"])
    return PretrainingPairs(found.songs, found.pairs, rejects)


def _read(folder: Path, similarity_range: tuple[float, float]) -> PretrainingPairs:
    every, faults = generic_csv.read(folder)
    records, wordless = lyrics_check.usable(every, "texts", ())
    similar = generic_csv.read_pairs(folder, similarity_range, every, records["id"], given=False)
    columns = {"source_id": "left_id", "target_id": "right_id"}
    return PretrainingPairs(
        records.rename(columns={"id": "song_id"}).filter(tables.PRETRAINING_SONGS.names),
        similar.listed.rename(columns=columns).filter(tables.PRETRAINING_PAIRS.names),
        pd.concat([faults, wordless, similar.rejects], ignore_index=True),
    )


def _range(folder: Path) -> tuple[float, float] | None:
    """The lowest and the highest grade that the folder's corpus.yaml names, if it does."""
    own = corpus.read(folder).values.get("similarity_range")
    if own is None:
        return None
    try:
        low, high = (float(bound) for bound in own) if isinstance(own, list) else (math.nan, math.nan)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(
            f"{corpus.FILE}: similarity_range: received {own!r}; give the lowest and highest grade"
        )
    return low, high
