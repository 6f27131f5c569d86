"""Raw records and track names -> songs, what their sources list as similar, and every record not used.

Input: `neuralist.ingest.sources.common.Raw`. Output: tables songs, listed and rejects of
`neuralist.data.tables`, and counts.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from neuralist.config import params
from neuralist.data import splits, tables
from neuralist.ingest import covers, genres, lyrics_check
from neuralist.ingest.sources.common import Raw, Similarities, shortened
from neuralist.text import names


class Tables(NamedTuple):
    """What the stage makes: three tables, and numbers for people (a name each, or a name and its parts)."""

    songs: pd.DataFrame
    listed: pd.DataFrame
    rejects: pd.DataFrame
    counts: dict[str, int | dict[str, int]]


def build(raw: Raw, choices: params.Songs) -> Tables:
    """Join records, track ids and similarity lists.

    In the generic form a text is its own only track. In the official one, the records of a song become one
    and the track ids of unique_tracks.txt are joined to it by name.
    """
    records, wrong = lyrics_check.usable(raw.records, raw.source, choices.placeholders)
    if raw.source == "texts":
        songs, repeats = records.assign(song_id=records["id"]), raw.rejects[:0]
        claims = pd.DataFrame({"track_id": songs["id"], "song_id": songs["id"], "kind": "same id"})
        unmatched = raw.rejects[:0]
    else:
        songs, repeats = merge(records, raw.source)
        claims, unmatched = match(songs, raw.tracks)
    similar = raw.similarities(claims["track_id"])
    songs = _described(songs, claims, raw.tracks, similar, choices)
    songs["group_id"] = covers.groups(songs, choices.cover_overlap)
    songs["fold"] = [splits.fold(group) for group in songs["group_id"].tolist()]
    rejects = pd.DataFrame(pd.concat([raw.rejects, wrong, repeats, unmatched, similar.rejects]))
    counts = _counts(raw, songs, claims, similar, rejects)
    songs = songs.sort_values("song_id", ignore_index=True).filter(tables.SONGS.names)
    return Tables(songs, similar.listed, rejects, counts)


def check_train(listed: pd.DataFrame, folder: Path) -> None:
    """Refuse similarities (tables.LISTED) of a raw folder whose own split leaves nothing to train on.

    Raises:
        ValueError: the split is given, and no row is in train.
    """
    parts = Counter(listed["split"].dropna())
    if parts and not parts["train"]:
        found = " and ".join(f"{count:,} in {part}" for part, count in sorted(parts.items()))
        raise ValueError(
            f"{folder / 'pairs.csv'}: no usable row is in split train, {found}; add training pairs, or score "
            f"a trained model on these: neuralist evaluate MODEL {folder}"
        )


def merge(records: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep of all records of a song the one of the earliest year, and give it its song_id.

    Returns:
        songs, the earliest first, and rejects.
    """
    keys = _folded(records.artist, names.key) + "\t" + _folded(records.title, names.key)
    slugs = _folded(records.artist, names.slug_part) + "--" + _folded(records.title, names.slug_part)
    ordered = records.assign(key=keys, song_id=slugs).sort_values("year", kind="stable", na_position="last")
    # By slug too: the keys of names without any letter may differ where the slugs do not.
    is_repeat = ordered.key.duplicated() | ordered.song_id.duplicated()
    reasons = is_repeat.map({True: "repeat of an earlier record", False: ""})
    songs = ordered.loc[~is_repeat].sort_values(["year", "song_id"], na_position="last", ignore_index=True)
    return songs, lyrics_check.rejected(ordered, source, reasons)


def match(songs: pd.DataFrame, tracks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join tracks to songs by artist and title, the strictest of `names.KINDS` first.

    Args:
        songs: columns song_id, artist, title; of two that fit, the first row gets the track.
        tracks: columns track_id, artist, title, where.

    Returns:
        claims (track_id, song_id, kind), each track once, and a reject for each track without song.
    """
    # The titles of other artists need no folding: of the million in the full file, few are left.
    folds, near = {kind.artist for kind in names.KINDS}, set()
    for fold in folds:
        near.update(_alike(tracks.artist, songs.artist, fold))
    left, claims = tracks.loc[tracks.artist.isin(near)], []
    for kind in names.KINDS:
        asked = songs.loc[songs.artist.isin(_alike(songs.artist, left.artist, kind.artist))]
        ids = pd.Series(asked.song_id.to_numpy(), index=_keys(asked, kind))
        song_ids = _keys(left, kind).map(ids.loc[~ids.index.duplicated()])
        claims.append(left.assign(song_id=song_ids, kind=kind.name).loc[song_ids.notna()])
        left = left.loc[song_ids.isna()]
    claimed = pd.concat(claims).sort_index().filter(["track_id", "song_id", "kind"])
    rest = tracks.drop(index=claimed.index)
    unmatched = pd.DataFrame(
        {
            "source": "unique_tracks",
            "where": rest["where"],
            "reason": "no lyrics for this track",
            "value": [shortened(name) for name in (rest.artist + " - " + rest.title).tolist()],
        },
        dtype="str",
    )
    return claimed.reset_index(drop=True), unmatched


def _keys(named: pd.DataFrame, kind: names.Kind) -> pd.Series:
    return _folded(named.artist, kind.artist) + "\t" + _folded(named.title, kind.title)


def _alike(some: pd.Series, others: pd.Series, fold: names.Fold) -> list[str]:
    """Those of `some` names that one of `others` is equal to, folded."""
    known = {fold(name) for name in others.unique().tolist()}
    return [name for name in some.unique().tolist() if fold(name) in known]


def _folded(column: pd.Series, fold: names.Fold) -> pd.Series:
    folded = {name: fold(name) for name in column.unique().tolist()}
    return pd.Series([folded[name] for name in column.tolist()], index=column.index, dtype="str")


def _described(
    songs: pd.DataFrame,
    claims: pd.DataFrame,
    tracks: pd.DataFrame,
    similar: Similarities,
    choices: params.Songs,
) -> pd.DataFrame:
    """Add what a song's track ids bring: the ids, has_list, tags, and the year where the record has none."""
    by_song: dict[str, list[str]] = {}
    for song_id, track in zip(claims.song_id.tolist(), claims.track_id.tolist(), strict=True):
        by_song.setdefault(song_id, []).append(track)
    track_ids = [by_song.get(song_id, []) for song_id in songs.song_id.tolist()]
    genre_by_tag = genres.by_tag(choices.genres)
    years = claims.merge(tracks, on="track_id").groupby("song_id").year.min()
    tags = [
        list(dict.fromkeys([*own, *(tag for track in ids for tag in similar.tags.get(track, []))]))
        for own, ids in zip(songs.tags, track_ids, strict=True)
    ]
    return songs.assign(
        track_ids=track_ids,
        has_list=[not similar.with_list.isdisjoint(ids) for ids in track_ids],
        year=songs.year.astype("Int64").fillna(songs.song_id.map(years).astype("Int64")),
        tags=tags,
        genre=[genres.of_song(own, genre_by_tag) for own in tags],
    )


def _counts(
    raw: Raw, songs: pd.DataFrame, claims: pd.DataFrame, similar: Similarities, rejects: pd.DataFrame
) -> dict[str, int | dict[str, int]]:
    kinds = Counter(claims.kind)
    reasons = Counter(rejects.source + ": " + rejects.reason)
    without_year = raw.records.loc[raw.records.year.isna(), "where"]
    return {
        "records": len(raw.records) + Counter(raw.rejects.source)[raw.source],
        "songs": len(songs),
        "songs with track id": sum(map(bool, songs.track_ids)),
        "songs with list": sum(songs.has_list),
        "songs with the year of a track": sum(songs["where"].isin(without_year) & songs.year.notna()),
        "groups of covers": sum(count > 1 for count in Counter(songs.group_id).values()),
        "tracks": len(raw.tracks),
        "tracks matched": len(claims),
        "matched by": {kind.name: kinds[kind.name] for kind in names.KINDS if kind.name in kinds},
        "listed": len(similar.listed),
        "rejects": dict(sorted(reasons.items())),
    }
