"""Graded pairs of another folder, on which a model is trained before the task's own (`pretrain_on`).

Input: a raw folder with texts.csv and pairs.csv. Output: songs (song_id, lyrics) and a listing as
`neuralist.data.pair_sets` makes it, all pairs in train but every tenth in val; whatever split the folder
gives. Mueller & Thyagarajan (2016) begin with the pairs of SemEval 2013's task on similarity.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import corpus, params
from neuralist.data import tables
from neuralist.ingest import lyrics_check, sources
from neuralist.ingest.sources import generic_csv
from neuralist.text.tokenizer import Reads, words

VAL_SHARE = 0.1


class Graded(NamedTuple):
    """A folder's texts and pairs, and what of it is not used.

    Attributes:
        songs: song_id, lyrics.
        listing: left_id, right_id, similarity, split, weight, listed.
        rejects: tables.REJECTS.
    """

    songs: pd.DataFrame
    listing: pd.DataFrame
    rejects: pd.DataFrame

    def told(self) -> str:
        """How many pairs there are, and what is not used, for people."""
        reasons = self.rejects["reason"].value_counts()
        lines = [f"{count:,} not used: {reason}" for reason, count in reasons.items()]
        return "\n".join([f"pretraining: {len(self.listing):,} pairs", *lines])


def of(
    settings: params.Experiment,
    similarity_range: tuple[float, float],
    songs: pd.DataFrame,
    listing: pd.DataFrame,
) -> Graded | None:
    """What an experiment is trained on before its task, if it is; see `read` and `apart`."""
    if settings.pretrain_on is None:
        return None
    found = read(Path(settings.pretrain_on).expanduser(), similarity_range, settings.seed)
    return apart(found, songs, listing, Reads.of(settings))


def read(folder: Path, similarity_range: tuple[float, float], seed: int) -> Graded:
    """Read a folder.

    Args:
        folder: its corpus.yaml may name a similarity_range.
        similarity_range: for a folder that names none.
        seed: of the choice of val pairs.

    Raises:
        ValueError: there is no such folder, it is not in the generic form, or nothing in it can be used.
    """
    if not folder.is_dir():
        raise ValueError(f"pretrain_on: no folder {str(folder)!r}; give one with texts.csv and pairs.csv")
    found = sources.read(folder, _range(folder) or similarity_range)
    if found.source != "texts":
        raise ValueError(f"pretrain_on: {folder} has no texts.csv and pairs.csv; give a folder that has")
    records, wordless = lyrics_check.usable(found.records, found.source, ())
    similar = found.similarities(records["id"])
    listing = similar.listed.rename(columns={"source_id": "left_id", "target_id": "right_id"})
    is_val = np.random.default_rng(seed).permutation(len(listing)) < int(VAL_SHARE * len(listing))
    listing = listing.assign(split=np.where(is_val, "val", "train"), weight=1.0, listed=True)
    songs = records.rename(columns={"id": "song_id"}).filter(["song_id", "lyrics"])
    rejects = pd.concat([found.rejects, wordless, similar.rejects], ignore_index=True)
    return Graded(songs, listing, rejects)


def _range(folder: Path) -> tuple[float, float] | None:
    """The lowest and the highest grade that the folder's corpus.yaml names, if it does."""
    own = corpus.read(folder).values.get("similarity_range")
    if own is None:
        return None
    try:
        low, high = map(float, own)
    except (TypeError, ValueError):
        low = high = 0.0
    if not low < high:
        raise ValueError(
            f"{folder / corpus.FILE}: similarity_range: received {own!r}; give the lowest and highest grade"
        )
    return low, high


def texts(experiments: Iterable[params.Experiment], held: Iterable[str]) -> list[str]:
    """The texts that experiments are trained on before the task, whose words are to have vectors too.

    Args:
        experiments: some of which may name a folder.
        held: the task's val and test texts, which are left out.

    Raises:
        ValueError: see `sources.texts.read`.
    """
    barred = {tuple(words(text)) for text in held}
    folders = dict.fromkeys(one.pretrain_on for one in experiments if one.pretrain_on is not None)
    found = [generic_csv.read(Path(folder).expanduser())[0]["lyrics"] for folder in folders]
    return [text for of_one in found for text in of_one if tuple(words(text)) not in barred]


def apart(graded: Graded, songs: pd.DataFrame, listing: pd.DataFrame, reads: Reads) -> Graded:
    """Leave out pairs that hold a text of the task's val or test, its tokens compared; they become rejects.

    Args:
        graded: from `read`.
        songs: the task's, tables.SONGS.
        listing: the task's.
        reads: how texts become tokens.

    Raises:
        ValueError: no pair is left.
    """
    held = listing[listing["split"].isin(["val", "test"])]
    is_held = songs["song_id"].isin([*held["left_id"], *held["right_id"]])
    barred = {tuple(reads.split(text)) for text in songs.loc[is_held, "lyrics"]}
    same = graded.songs.loc[
        [tuple(reads.split(text)) in barred for text in graded.songs["lyrics"]], "song_id"
    ]
    left_out = np.isin(graded.listing[["left_id", "right_id"]], same).any(axis=1)
    if left_out.all():
        raise ValueError(
            f"pretrain_on: each of the {len(graded.listing):,} pairs holds a text of the task's val or test; "
            "give other pairs"
        )
    dropped: Any = graded.listing[left_out]
    kept: Any = graded.listing[~left_out]
    rejects = pd.DataFrame(
        {
            "source": "pairs",
            "where": "pairs.csv",
            "reason": "a text of the task's val or test",
            "value": dropped["left_id"] + " - " + dropped["right_id"],
        }
    ).filter(tables.REJECTS.names)
    rejects = pd.concat([graded.rejects, rejects], ignore_index=True)
    return Graded(graded.songs, kept, rejects)
