"""Whether every raw record of a folder was used or is named among the rejects, by readers of its own.

They read the raw files in the plainest way, in memory, and share no code with `neuralist.ingest`. Input: a
raw folder, and the tables that stage songs made of it; or files, and the folder that `import` made of them.
Output: sentences on what was lost or made up.
"""

import csv
import io
import itertools
import json
import re
import sqlite3
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
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
        of_tracks = (*_tracks(raw, made), *_duplicates(raw, made))
        return [*_billboard(raw, made), *of_tracks, *_lists(raw, made), *_tags(raw, made)]
    except _UNREADABLE as error:
        return [_unreadable(error)]


def faults_of_import(sources: Sequence[Path], made: Path) -> list[str]:
    """Return what does not add up of what `import` made of files, or of a folder of songs."""
    try:
        texts, pairs, left_out = (_rows(made / f"{name}.csv") for name in ("texts", "pairs", "left_out"))
        used = len(pairs if (made / "pairs.csv").exists() else texts)
        there = [sum(counts) for counts in itertools.product(*map(_records, sources))]
    except _UNREADABLE as error:
        return [_unreadable(error)]
    lost = [] if used + len(left_out) in there else [*_adds_up("import", there[0], used, len(left_out))]
    ids = [row["id"] for row in texts]
    lost += [f"texts.csv: id {name} {count} times" for name, count in Counter(ids).items() if count > 1]
    sides = {row[side] for row in pairs for side in ("left_id", "right_id")}
    return lost + [f"pairs.csv: {name} is in no row of texts.csv" for name in sorted(sides - set(ids))]


_NO_YEAR = ("", "nan", "none", "null", "n/a", "na", "<na>", "nat")  # says that none is known: docs/data.md
_UNREADABLE = (ValueError, KeyError, OSError, csv.Error, sqlite3.Error, RecursionError, zipfile.BadZipFile)


def _unreadable(error: Exception) -> str:
    return f"used, though it cannot be read: {type(error).__name__}: {str(error)[:150]}"


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file that `import` made; none where it made none."""
    return list(csv.DictReader(io.StringIO(_text(path), newline=""))) if path.exists() else []


def _records(path: Path) -> list[int]:
    """Return how many records a file that is imported holds; several numbers where it can be read so."""
    if path.is_dir():
        return [sum(one.suffix in (".txt", ".lrc") and one.name[0] != "." for one in path.rglob("*"))]
    if path.suffix in (".parquet", ".xlsx"):
        return [len(pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_excel(path))]
    content = path.read_bytes()
    marks = {b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    # Without a mark: what ends fields and rows is the same in all others.
    text = content.decode(next((name for mark, name in marks.items() if content.startswith(mark)), "latin-1"))
    text = text.lstrip("\ufeff")  # of one that was encoded twice
    if path.suffix == ".json" and len(list(filter(str.strip, text.split("\n")))) == 1:
        whole = json.loads(text)
        return [len(whole["songs"] if isinstance(whole, dict) else whole)]
    lines = [line for line in re.split("\r\n|\r|\n", text) if line]
    if path.suffix in (".json", ".jsonl"):
        return [sum(map(bool, map(str.strip, lines)))]
    csv.field_size_limit(2**31 - 1)
    quoted = list(filter(None, csv.reader(io.StringIO(text.replace("\0", ""), newline=""))))
    rows = {len(lines), sum(map(bool, map(str.strip, lines))), len(quoted)}
    has_header = "sentence1" in text[:100]
    return sorted({count - is_header for count in rows for is_header in ({1} if has_header else {0, 1})})


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
            says = re.search(r"\d", year) or year.strip().lower() in _NO_YEAR
            if len(rest) != 3 or rest[0] not in known or not says:
                yield f"tracks_per_year.txt:{number}: neither usable nor rejected: {line[:60]!r}"


def _duplicates(raw: Path, made: Tables) -> Iterator[str]:
    """Each line of a list of duplicates joins its track's song with those of its group, or is rejected."""
    songs = zip(made.songs["track_ids"], made.songs["group_id"], strict=True)
    group_of = {track: group for tracks, group in songs for track in tracks}
    for source in ("lastfm_duplicates", "msd_duplicates"):
        path = raw / "msd" / f"{source}.txt"
        named = set(made.rejected(source)["where"])
        first: str | None = None  # the group of the first song of this list's group
        is_in_group = False
        for number, line in enumerate(_text(path).split("\n") if path.exists() else (), start=1):
            entry, place = line.strip(), f"msd/{path.name}:{number}"
            if entry.startswith("%"):
                first, is_in_group = None, True
            elif entry and not entry.startswith("#") and place not in named:
                group = group_of.get(entry)
                first = first or group
                if not is_in_group or not re.fullmatch(r"TR[A-Z0-9]+", entry):
                    yield f"{place}: neither usable nor rejected: {line[:60]!r}"
                elif group not in (None, first):
                    yield f"{place}: the song of {entry} is not joined with those before it"


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
