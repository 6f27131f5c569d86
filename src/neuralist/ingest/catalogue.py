"""Songs and the changes of the folder catalogue/ -> the songs of the catalogue and of the map.

Input: tables.SONGS, songs to add (`neuralist.ingest.changes`) and ids to leave out. Output: tables.SONGS of
what may be recommended, and rejects. A song that is added passes what a raw record passes: cleaning, notices,
another song's text, and the groups of covers. One whose id is there already is a correction: it takes that
song's place, keeps its tracks and their tags, and has what the file leaves empty from it.
"""

from collections.abc import Container
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import splits, tables
from neuralist.ingest import changes, covers, lyrics_check
from neuralist.ingest.sources import common
from neuralist.text import equal_texts, genres, languages

_KEPT = ("artist", "title", "year", "language")  # of a correction's own fields, if the file has none


class Catalogue(NamedTuple):
    """The songs of the catalogue (tables.SONGS), rejects of those to add, and how many there are of each."""

    songs: pd.DataFrame
    rejects: pd.DataFrame
    n_new: int
    n_corrected: int
    n_removed: int


def build(
    songs: pd.DataFrame, added: changes.Additions, removed: Container[str], choices: params.Songs
) -> Catalogue:
    """Return the songs, changed; without a change they stay as they are.

    Args:
        songs: tables.SONGS.
        added: songs to add.
        removed: ids of songs to leave out, which are not added either.
        choices: `songs` of params.yaml.
    """
    is_removed = songs["song_id"].map(removed.__contains__).astype(bool)
    accepted, rejects = accept(songs, added, removed, choices)
    is_corrected = songs["song_id"].isin(accepted["id"])
    n_corrected, n_removed = (int(np.sum(mask.to_numpy())) for mask in (is_corrected, is_removed))
    kept = songs.loc[~is_removed & ~is_corrected]
    counts = (len(accepted) - n_corrected, n_corrected, n_removed)
    if not any(counts):
        return Catalogue(songs, rejects, *counts)
    whole = pd.concat([kept, _rows(accepted, songs, choices)], ignore_index=True)
    folded = whole["lyrics"].map(equal_texts.folded).astype("str")
    # Anew, since a group has the id of a song that may be gone.
    whole["group_id"] = covers.group_ids(whole.assign(folded=folded), choices.cover_overlap)
    whole["fold"] = whole["fold"].fillna(whole["group_id"].map(splits.fold)).astype("Int64")
    whole = whole.sort_values("song_id", ignore_index=True).filter(tables.SONGS.names)
    return Catalogue(whole, rejects, *counts)


def accept(
    songs: pd.DataFrame, added: changes.Additions, removed: Container[str], choices: params.Songs
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the usable records to add, and the rejects of all; see `build`.

    The records have the columns of `lyrics_check.usable`, and those of a correction what it keeps.
    """
    records = added.records
    is_removed = records["id"].map(removed.__contains__).astype(bool)
    gone = common.rejected(changes.FOLDER, records.loc[is_removed], "was removed from the catalogue", "id")
    records = _completed(records.loc[~is_removed].reset_index(drop=True), songs)
    others = songs.loc[~songs["song_id"].isin(records["id"])]
    others = others.assign(folded=others["lyrics"].map(equal_texts.folded).astype("str"))
    usable, wrong = lyrics_check.sift(records, changes.FOLDER, choices.placeholders, others)
    return usable, pd.concat([added.rejects, gone, wrong], ignore_index=True)


def current_names(songs: pd.DataFrame, records: pd.DataFrame, removed: Container[str]) -> pd.DataFrame:
    """Return song_id, artist and title of the songs that there are after the changes.

    Args:
        songs: tables.SONGS.
        records: songs to add or to correct, usable or not, each with an id.
        removed: ids of songs to leave out.
    """
    others = songs.loc[~songs["song_id"].isin(records["id"])]
    added = _completed(records, songs).rename(columns={"id": "song_id"})
    columns = ["song_id", "artist", "title"]
    names = pd.concat([others[columns], added[columns]], ignore_index=True)
    is_there = np.array([song_id not in removed for song_id in names["song_id"]], dtype=bool)
    return names.loc[is_there].reset_index(drop=True)


def _completed(records: pd.DataFrame, songs: pd.DataFrame) -> pd.DataFrame:
    """Return records in which a correction has from its song what the file leaves empty."""
    known = songs.loc[songs["song_id"].isin(records["id"])].set_index("song_id")
    filled = {}
    for name in _KEPT:
        before = records["id"].map(known[name].to_dict()).astype(known[name].dtype)
        own = records[name].astype(known[name].dtype)
        filled[name] = own.where(own.notna(), before)
    tags = [
        own or list(known["tags"].get(song_id, []))
        for own, song_id in zip(records["tags"], records["id"], strict=True)
    ]
    return records.assign(**filled, tags=pd.Series(tags, index=records.index, dtype=object))


def _rows(accepted: pd.DataFrame, songs: pd.DataFrame, choices: params.Songs) -> pd.DataFrame:
    """Return the accepted records as tables.SONGS; group and fold of new ones are null."""
    known = songs.set_index("song_id")
    ids = accepted["id"].tolist()
    lists = {
        name: [known[name].get(song_id, []) for song_id in ids]
        for name in ("track_ids", "lastfm_tags", "lastfm_weights")
    }
    genre_by_tag = genres.by_tag(choices.genres)
    return accepted.assign(
        song_id=accepted["id"],
        **lists,
        genre=[genres.of_song(tags, genre_by_tag) for tags in accepted["tags"]],
        language=languages.of_songs(accepted["lyrics"], accepted["language"]),
        has_list=[bool(known["has_list"].get(song_id, False)) for song_id in ids],
        fold=pd.array([known["fold"].get(song_id, pd.NA) for song_id in ids], dtype="Int64"),
        group_id=None,
    ).filter(tables.SONGS.names)
