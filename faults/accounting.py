"""Whether every raw record of a folder was used or is named among the rejects, by readers of its own.

They read the raw files in the plainest way, in memory, and share no code with `neuralist.ingest`. Input: a
raw folder, and the tables that stage songs made of it. Output: sentences on what was lost or made up.
"""

import csv
import io
import json
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Tables(NamedTuple):
    """What stage songs made."""

    songs: pd.DataFrame
    listed: pd.DataFrame
    rejects: pd.DataFrame

    def rejected(self, source: str) -> pd.DataFrame:
        """Return the rejects of a source."""
        return self.rejects.loc[self.rejects["source"] == source]


def read(artifacts: Path) -> Tables:
    """Read the tables of a folder of artifacts."""
    return Tables(*(pd.read_parquet(artifacts / f"{name}.parquet") for name in Tables._fields))


def faults(raw: Path, made: Tables) -> list[str]:
    """Return what does not add up, a sentence each.

    Where a file cannot be read here at all, though stage songs used it, that is such a sentence too.
    """
    try:
        if (raw / "texts.csv").exists():
            return [*_generic(raw, made)]
        return [*_billboard(raw, made), *_tracks(raw, made), *_lists(raw, made), *_tags(raw, made)]
    except (ValueError, OSError, csv.Error, sqlite3.Error, RecursionError) as error:
        return [f"used, though it cannot be read: {type(error).__name__}: {str(error)[:150]}"]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def _adds_up(what: str, there: int, used: int, rejected: int) -> Iterator[str]:
    if there != used + rejected:
        yield f"{what}: {there:,} there, {used:,} used and {rejected:,} rejected"


def _generic(raw: Path, made: Tables) -> Iterator[str]:
    for name, used in (("texts", len(made.songs)), ("pairs", len(made.listed))):
        csv.field_size_limit(2**31 - 1)
        rows = list(csv.reader(io.StringIO(_text(raw / f"{name}.csv"), newline="")))
        yield from _adds_up(f"{name}.csv", sum(map(bool, rows[1:])), used, len(made.rejected(name)))


def _billboard(raw: Path, made: Tables) -> Iterator[str]:
    there = 0
    for path in sorted((raw / "billboard").glob("*.json")):
        if not path.name.startswith("."):
            there += len(json.loads(_text(path)))
    yield from _adds_up("billboard", there, len(made.songs), len(made.rejected("billboard")))


def _tracks(raw: Path, made: Tables) -> Iterator[str]:
    lines = [line for line in _text(raw / "msd/unique_tracks.txt").split("\n") if line.strip()]
    matched = sum(map(len, made.songs["track_ids"].tolist()))
    yield from _adds_up("unique_tracks.txt", len(lines), matched, len(made.rejected("unique_tracks")))
    per_year = raw / "msd/tracks_per_year.txt"
    if not per_year.exists():
        return
    known = {line.split("<SEP>")[0] for line in lines}
    named = set(made.rejected("tracks_per_year")["where"])
    for number, line in enumerate(_text(per_year).split("\n"), start=1):
        if line.strip() and f"msd/tracks_per_year.txt:{number}" not in named:
            year, *rest = line.rstrip("\r").split("<SEP>")
            if len(rest) != 3 or rest[0] not in known or not re.search(r"\d", year):
                yield f"tracks_per_year.txt:{number}: neither usable nor rejected: {line[:60]!r}"


class _List(NamedTuple):
    """A list of similar tracks: where it stands, whose it is, and how many entries it has."""

    where: str
    track: str
    entries: int


def _json_lists(raw: Path) -> Iterator[_List]:
    for path in sorted(raw.rglob("TR*.json")):
        name = path.relative_to(raw).as_posix()
        if name.split("/")[0] in ("billboard", "vectors"):
            continue
        content = json.loads(_text(path))
        content = content if isinstance(content, dict) else {}
        similars = content.get("similars")
        track = content.get("track_id")
        yield _List(
            name, track if isinstance(track, str) else "", len(similars) if isinstance(similars, list) else 0
        )


def _database_lists(raw: Path, path: Path) -> Iterator[_List]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        database.text_factory = lambda content: content.decode("utf-8", "replace")
        for table in ("similars_src", "similars_dest"):
            rows = database.execute(f"select cast(tid as text), cast(target as text) from {table}").fetchall()
            for tid, target in rows:
                track, entries = tid or "", (target.count(",") + 2) // 2 if target else 0
                yield _List(f"{path.relative_to(raw).as_posix()}:{table}:{track}", track, entries)
            if rows:
                return


def _lists(raw: Path, made: Tables) -> Iterator[str]:
    databases = list(raw.rglob("lastfm_similars.db"))
    lists = list(_database_lists(raw, databases[0]) if databases else _json_lists(raw))
    by_target = bool(lists) and ":similars_dest:" in lists[0].where
    listed = Counter(made.listed["target_id" if by_target else "source_id"].tolist())
    with_lyrics = {track for tracks in made.songs["track_ids"] for track in tracks}
    named = Counter[str]()
    whole, rejects = set[str](), made.rejected("lastfm")
    for where, value in zip(rejects["where"], rejects["value"], strict=True):
        place, _, rest = where.partition(", ")
        count = re.fullmatch(r"(\d+) of \d+ targets", value or "")
        if count and not rest:
            named[place] += int(count[1])
        elif rest.startswith("entry "):
            named[place] += 1
        elif not rest:
            whole.add(place)
    for track, of_track in _by_track(lists):
        places = {one.where for one in of_track}
        there = sum(one.entries for one in of_track)
        if whole & places or not there:
            continue  # named as a whole; of several, those that are not named are checked by their sum below
        if track not in with_lyrics:
            yield f"{of_track[0].where}: {there} entries of a track without lyrics, not rejected"
        else:
            rejected = sum(named[place] for place in places)
            yield from _adds_up(of_track[0].where, there, listed[track], rejected)


def _tags(raw: Path, made: Tables) -> Iterator[str]:
    """Tags of lastfm_tags.db whose track has lyrics: each is one of its song's, or rejected by its row."""
    songs = zip(made.songs["track_ids"], made.songs["lastfm_tags"], strict=True)
    names = {track: set(tags) for tracks, tags in songs for track in tracks}
    rejected = set(made.rejected("lastfm_tags")["where"])
    for path in raw.rglob("lastfm_tags.db"):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = lambda content: content.decode("utf-8", "replace")
            rows = database.execute(
                "select tid_tag.rowid, cast(tids.tid as text), cast(tags.tag as text) from tid_tag "
                "join tids on tids.rowid = tid_tag.tid left join tags on tags.rowid = tid_tag.tag"
            ).fetchall()
        for row, track, tag in rows:
            place = f"{path.relative_to(raw).as_posix()}:tid_tag:{row}"
            folded = unicodedata.normalize("NFC", " ".join((tag or "").split())).casefold()
            if track in names and folded not in names[track] and place not in rejected:
                yield f"{place}: tag {tag!r} of {track} neither used nor rejected"


def _by_track(lists: list[_List]) -> Iterator[tuple[str, list[_List]]]:
    tracks: dict[str, list[_List]] = {}
    for one in lists:
        tracks.setdefault(one.track, []).append(one)
    yield from tracks.items()
