"""Raw records and track names -> songs, listed similarities and rejected records.

Input: `neuralist.ingest.sources.common.Raw`. Output: tables songs, listed and rejects of
`neuralist.data.tables`, and counts.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config import params
from neuralist.data import splits, tables
from neuralist.ingest import covers, lyrics_check
from neuralist.ingest.sources import common, lastfm_tags
from neuralist.text import genres, languages, matching, names


class Tables(NamedTuple):
    """The tables of these names, and counts to print: a number, or a number by sub-name."""

    songs: pd.DataFrame
    listed: pd.DataFrame
    rejects: pd.DataFrame
    counts: dict[str, int | dict[str, int]]


def build(raw: common.Raw, choices: params.Songs) -> Tables:
    """Join records, track ids and similarity lists.

    In the generic form each text is a song whose id is its only track id. In the official form, repeated
    records of a song are merged and the track ids of unique_tracks.txt are joined to it by artist and title.
    """
    records, wrong = lyrics_check.usable(raw.records, raw.source, choices.placeholders)
    if raw.source == "texts":
        songs, repeats = records.assign(song_id=records["id"]), raw.rejects[:0]
        matches = pd.DataFrame({"track_id": songs["id"], "song_id": songs["id"], "kind": "same id"})
        unmatched = raw.rejects[:0]
    else:
        songs, repeats = merge(records, raw.source)
        matches, unmatched = match(songs, raw.tracks)
    similar = raw.similarities(matches["track_id"])
    songs = _add_track_columns(songs, matches, raw.tracks, similar, choices)
    songs["language"] = languages.of_songs(songs["lyrics"], songs["language"])
    links = None
    if raw.duplicates is not None:
        links = covers.duplicate_links(songs["track_ids"].tolist(), raw.duplicates)
    songs["group_id"] = covers.group_ids(songs, choices.cover_overlap, links)
    songs["fold"] = [splits.fold(group) for group in songs["group_id"].tolist()]
    rejects = pd.DataFrame(pd.concat([raw.rejects, wrong, repeats, unmatched, similar.rejects]))
    counts = _counts(raw, songs, matches, similar, rejects, links)
    songs = songs.sort_values("song_id", ignore_index=True).filter(tables.SONGS.names)
    return Tables(songs, similar.listed, rejects, counts)


def check_train(listed: pd.DataFrame, folder: Path) -> None:
    """Refuse listed similarities (tables.LISTED) whose given split has no training row.

    Raises:
        ValueError: the split is given, and no row is in train.
    """
    counts = Counter(listed["split"].dropna())
    if counts and not counts["train"]:
        rest = " and ".join(f"{count:,} in {split}" for split, count in sorted(counts.items()))
        raise ValueError(
            f"{folder / 'pairs.csv'}: no usable row is in split train, {rest}; add training pairs, or score "
            f"a trained model on these: neuralist evaluate MODEL {folder}"
        )


def merge(records: pd.DataFrame, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the record of the earliest year of each song, and add its song_id.

    Returns:
        songs, the earliest first, and rejects (the later records).
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
    """Join tracks to songs by artist and title, the strictest of `matching.KINDS` first.

    Args:
        songs: columns song_id, artist, title; where two match a track, the first row gets it, if the kind of
            match is sure, and else none.
        tracks: columns track_id, artist, title, where.

    Returns:
        matches (track_id, song_id, kind), each track once, and rejects (the tracks without a song).
    """
    # Only titles of artists that have songs are folded: a small part of the full file's million tracks.
    artists: set[str] = set()
    for of_track, of_song in {(kind.track[0], kind.song[0]) for kind in matching.KINDS}:
        artists.update(_matching(tracks.artist, of_track, songs.artist, of_song))
    left, matches = tracks.loc[tracks.artist.isin(artists)], []
    for kind in matching.KINDS:
        of_track, of_song = kind.track[0], kind.song[0]
        candidates = songs.loc[songs.artist.isin(_matching(songs.artist, of_song, left.artist, of_track))]
        ids = pd.Series(candidates.song_id.to_numpy(), index=_keys(candidates, *kind.song))
        ids = ids.loc[~ids.index.duplicated(keep="first" if kind.is_sure else False)]
        song_ids = _keys(left, *kind.track).map(ids)
        matches.append(left.assign(song_id=song_ids, kind=kind.name).loc[song_ids.notna()])
        left = left.loc[song_ids.isna()]
    matched = pd.concat(matches).sort_index().filter(["track_id", "song_id", "kind"])
    rest = tracks.drop(index=matched.index)
    rest = rest.assign(value=rest.artist + " - " + rest.title)
    unmatched = common.rejected("unique_tracks", rest, "no lyrics for this track", "value")
    return matched.reset_index(drop=True), unmatched


def _keys(songs: pd.DataFrame, artist: matching.Fold, title: matching.Fold) -> pd.Series:
    return _folded(songs.artist, artist) + "\t" + _folded(songs.title, title)


def _matching(some: pd.Series, fold: matching.Fold, others: pd.Series, other: matching.Fold) -> list[str]:
    """Return the distinct names of `some` that, folded, equal one of `others`, folded their own way."""
    folded_others = {other(name) for name in others.unique().tolist()}
    return [name for name in some.unique().tolist() if fold(name) in folded_others]


def _folded(column: pd.Series, fold: matching.Fold) -> pd.Series:
    folded = {name: fold(name) for name in column.unique().tolist()}
    return pd.Series([folded[name] for name in column.tolist()], index=column.index, dtype="str")


def _add_track_columns(
    songs: pd.DataFrame,
    matches: pd.DataFrame,
    tracks: pd.DataFrame,
    similar: common.Similarities,
    choices: params.Songs,
) -> pd.DataFrame:
    """Add track_ids, has_list, the tags of tracks, and the year of a track where the record has none.

    `tags` are the record's own, then those that stand in its tracks' lists; `lastfm_tags` are Last.fm's
    alone. A song has the tags of all its tracks.
    """
    by_song = matches.groupby("song_id")["track_id"].agg(list).to_dict()
    track_ids = [by_song.get(song_id, []) for song_id in songs.song_id.tolist()]
    genre_by_tag = genres.by_tag(choices.genres)
    years = matches.merge(tracks, on="track_id").groupby("song_id").year.min()
    tags = [
        list(dict.fromkeys([*own, *(tag for track in ids for tag in similar.tags.get(track, []))]))
        for own, ids in zip(songs.tags, track_ids, strict=True)
    ]
    weights = [
        lastfm_tags.merged(tag for track in ids for tag in similar.lastfm_tags.get(track, []))
        for ids in track_ids
    ]
    return songs.assign(
        track_ids=track_ids,
        has_list=[not similar.with_list.isdisjoint(ids) for ids in track_ids],
        year=songs.year.astype("Int64").fillna(songs.song_id.map(years).astype("Int64")),
        tags=tags,
        lastfm_tags=[list(of_song) for of_song in weights],
        lastfm_weights=[list(of_song.values()) for of_song in weights],
        genre=[genres.of_song(song_tags, genre_by_tag) for song_tags in tags],
    )


def _counts(
    raw: common.Raw,
    songs: pd.DataFrame,
    matches: pd.DataFrame,
    similar: common.Similarities,
    rejects: pd.DataFrame,
    links: np.ndarray | None,
) -> dict[str, int | dict[str, int]]:
    kinds = Counter(matches.kind)
    reasons = Counter(rejects.source + ": " + rejects.reason)
    removed = sum((Counter(removed) for removed in songs.removed.tolist()), Counter[str]())
    without_year = raw.records.loc[raw.records.year.isna(), "where"]
    return {
        "records": len(raw.records) + Counter(raw.rejects.source)[raw.source],
        "songs": len(songs),
        "songs with track id": sum(map(bool, songs.track_ids)),
        "songs with list": sum(songs.has_list),
        "songs with tags of Last.fm": sum(map(bool, songs.lastfm_tags)),
        "columns not read in": raw.unread | similar.unread,
        "last lines without a line end in": raw.unended,
        "years not read": int(raw.records.unread_year.notna().sum()),
        "songs with the year of a track": sum(songs["where"].isin(without_year) & songs.year.notna()),
        "groups of covers": sum(count > 1 for count in Counter(songs.group_id).values()),
        **_duplicate_counts(raw, links),
        "tracks": len(raw.tracks),
        "tracks matched": len(matches),
        "matched by": {kind.name: kinds[kind.name] for kind in matching.KINDS if kind.name in kinds},
        "listed": len(similar.listed),
        "songs cleaned": sum(map(bool, songs.removed)),
        "removed": dict(sorted(removed.items())),
        "language": languages.counted(Counter(songs.language)),
        "rejects": dict(sorted(reasons.items())),
    }


def _duplicate_counts(raw: common.Raw, links: np.ndarray | None) -> dict[str, int | dict[str, int]]:
    """Return counts of the lists of duplicates; nothing without such a list."""
    if raw.duplicates is None or links is None:
        return {}
    known = set(raw.tracks["track_id"])
    return {
        "duplicates": {
            "groups": len(set(raw.duplicates["group"])),
            "songs joined": len(np.unique(links)),
            "track ids not in unique_tracks.txt": len(set(raw.duplicates["track_id"]) - known),
        }
    }
