"""The generic form: any texts with graded pairs, as two CSV files (commas, double quotes, UTF-8).

| file | columns |
|---|---|
| texts.csv | id, text; may have artist, title, year, tags (between ; or |), language, has_list (1, 0) |
| pairs.csv | left_id, right_id, similarity (within similarity_range); may have split (train, val, test) |

has_list (1 or true, 0 or false) says that pairs.csv lists every text similar to this one; without the column
no text has a list. A column split without any value counts as missing. Other columns are not read, and named
by the songs stage. `where` is `file:line`, the line where a row begins; line ends within quotes count.
"""

import contextlib
import csv
import io
import math
import re
import statistics
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd

from neuralist.data import tables
from neuralist.ingest import columns
from neuralist.ingest.sources import common

_TEXT_COLUMNS = ("id", "text", "artist", "title", "year", "tags", "language", "has_list")
_PAIR_COLUMNS = ("left_id", "right_id", "similarity", "split")
_SPLITS = {"train", "val", "test"}
_OUTSIDE = "similarity is not a number within similarity_range"
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Read texts.csv.

    Returns:
        records, with a column has_list, rejects and unread; see `neuralist.ingest.sources.common`.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, lacks a column, has no usable row, or two of its
            columns are swapped.
    """
    records, faults, seen = [], [], set()
    names: Collection[str] = ()
    for where, fields in rows(folder, "texts.csv", ["id", "text"]):
        fault = row_fault(fields) or common.too_long(fields) or _text_fault(fields, seen)
        if fault:
            faults.append(("texts", where, *fault))
        else:
            names = fields.keys()
            seen.add(fields["id"].strip())
            records.append(record(fields, where))
    table, rejects = common.entries("texts.csv", records, [*common.RECORDS, "has_list"], faults)
    common.check_swapped("texts.csv", table, "text")
    return table, rejects, common.unread("texts.csv", names, _TEXT_COLUMNS)


def read_pairs(
    folder: Path,
    similarity_range: tuple[float, float],
    records: pd.DataFrame,
    song_ids: Iterable[str],
    *,
    gives_split: bool,
) -> common.Similarities:
    """Read pairs.csv.

    Args:
        folder: the raw folder.
        similarity_range: lowest and highest grade, mapped to [0, 1].
        records: of texts.csv, as `read` returns them.
        song_ids: ids of the records that became songs.
        gives_split: whether the column split is read.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, lacks a column, has no usable row, or most of its
            grades are outside the range.
    """
    low, high = similarity_range
    text_ids, song_ids = set(records["id"]), set(song_ids)
    names: Collection[str] = ()
    listed, faults = [], []
    for where, fields in rows(folder, "pairs.csv", ["left_id", "right_id", "similarity"]):
        fault = row_fault(fields) or common.too_long(fields)
        fault = fault or _pair_fault(fields, similarity_range, gives_split=gives_split)
        left, right = fields.get("left_id", "").strip(), fields.get("right_id", "").strip()
        unknown = [text_id for text_id in (left, right) if text_id not in song_ids]
        if not fault and unknown:
            reason = "its text is not used" if unknown[0] in text_ids else "unknown id"
            fault = reason, common.shortened(unknown[0])
        if fault:
            faults.append(("pairs", where, *fault))
        else:
            names = fields.keys()
            similarity = (float(fields["similarity"]) - low) / (high - low)
            listed.append((left, right, similarity, fields.get("split", "").strip() or None))
    _check_range(faults, len(faults) + len(listed), similarity_range)
    frame, rejects = common.entries("pairs.csv", listed, tables.LISTED.names, faults)
    with_list = frozenset(song_ids & set(records.loc[records["has_list"], "id"]))
    unread = common.unread("pairs.csv", names, _PAIR_COLUMNS)
    return common.Similarities(frame, with_list, {}, rejects, unread)


def gives_split(folder: Path) -> bool:
    """Return whether pairs.csv has a column split with a value in it; usually the first row decides.

    False also for a file that cannot be read so far; `read_pairs` says what is wrong with it.
    """
    try:
        for _, fields in rows(folder, "pairs.csv", []):
            if not row_fault(fields) and "split" not in fields:
                return False  # nor do other rows have the column: the rest need not be read
            if fields.get("split", "").strip():
                return True
    except ValueError:
        pass
    return False


def is_graded(folder: Path) -> bool:
    """Return whether pairs.csv grades texts: it has a split or more than two grades, and no text has a list.

    False also for files that cannot be read so far.
    """
    try:
        if any(_has_list(fields) for _, fields in rows(folder, "texts.csv", [])):
            return False
        grades: set[float] = set()
        for _, fields in rows(folder, "pairs.csv", ["similarity"]):
            with contextlib.suppress(ValueError):
                grades.add(float(fields.get("similarity", "")))
            if len(grades) > 2:
                return True
        return gives_split(folder)
    except ValueError:
        return False


def median_words(folder: Path) -> float:
    """Return how many words half of the texts of texts.csv have at most; 0 without a text.

    Raises:
        ValueError: the file cannot be read.
    """
    counts = [len(fields.get("text", "").split()) for _, fields in rows(folder, "texts.csv", ["text"])]
    return statistics.median(counts or [0])


def rows(folder: Path, file_name: str, required: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield `where` and the fields by column of each row; a row of another length has only a field "fields".

    That field states how many fields the row has and how many the header has.

    Raises:
        ValueError: the file cannot be read, a column is missing or repeated, or a quote is not closed.
    """
    csv.field_size_limit(2**31 - 1)
    text = common.text(folder / file_name, file_name)
    # newline="": the reader itself must see the line ends within quotes.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, strict=True)
    line = 1
    try:
        header = columns.header(next(reader))
        _check_header(header, required, file_name)
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                yield f"{file_name}:{line}", dict(zip(header, row, strict=True))
            elif 0 < len(row) < len(header) and lines.tell() == len(text) and text[-1] not in "\r\n":
                raise common.cut_short(file_name, line)
            elif row:
                yield f"{file_name}:{line}", {"fields": f"{len(row)} instead of {len(header)}"}
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{file_name}:{line}: the row beginning here is no CSV ({error}); "
            "close its quotes and double those within"
        ) from error


def _check_header(header: list[str], required: list[str], file_name: str) -> None:
    missing = [name for name in required if name not in header]
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if missing or repeated:
        problem = (
            columns.missing(header, missing) if missing else f"columns {columns.shown(repeated)} stand twice"
        )
        raise ValueError(f"{file_name}:1: {problem}; expected commas between columns, {required} among them")


def row_fault(fields: dict[str, str]) -> tuple[str, str] | None:
    """Return reason and value of a row of another length than the header; None for any other."""
    return ("wrong number of fields", fields["fields"]) if fields.keys() == {"fields"} else None


def _text_fault(fields: dict[str, str], seen: set[str]) -> tuple[str, str] | None:
    text_id = fields["id"].strip()
    if not text_id:
        return "id is empty", ""
    if text_id in seen:
        return "repeat of an earlier id", common.shortened(text_id)
    if _has_list(fields) is None:
        return "has_list is not 1, 0, true or false", common.shortened(fields["has_list"])
    return None


def _has_list(fields: dict[str, str]) -> bool | None:
    return _TRUTH.get(fields.get("has_list", "0").strip().lower())


def _pair_fault(
    fields: dict[str, str], similarity_range: tuple[float, float], *, gives_split: bool
) -> tuple[str, str] | None:
    grade, split = fields["similarity"], fields.get("split", "")
    try:
        value = float(grade.replace("_", "?"))
    except ValueError:
        value = math.nan
    low, high = similarity_range
    if not low <= value <= high:
        return _OUTSIDE, common.shortened(grade)
    if gives_split and split.strip() not in _SPLITS:
        return "split is not train, val or test", common.shortened(split)
    return None


def _check_range(
    faults: list[tuple[str, str, str, str]], n_rows: int, similarity_range: tuple[float, float]
) -> None:
    # Grades from 1 to 5 read in the range 0 to 1 would keep only the grade 1, the least similar pairs, as
    # the most similar ones.
    outside = [(where, value) for _, where, reason, value in faults if reason == _OUTSIDE]
    if 2 * len(outside) > n_rows:
        low, high = similarity_range
        where, value = outside[0]
        raise ValueError(
            f"pairs.csv: {len(outside):,} of {n_rows:,} grades are no number from {low:g} to {high:g}, the "
            f"first, {where}: {value!r}; name the lowest and the highest grade as similarity_range in "
            "corpus.yaml"
        )


def record(fields: dict[str, str], where: str) -> dict[str, object]:
    """Return the record of a row with id and text; see `neuralist.ingest.sources.common`."""
    return {
        "where": where,
        "id": fields["id"].strip(),
        "artist": " ".join(fields.get("artist", "").split()) or None,
        "title": " ".join(fields.get("title", "").split()) or None,
        **common.year_columns(fields.get("year", "")),
        "tags": [tag.strip() for tag in re.split("[;|]", fields.get("tags", "")) if tag.strip()],
        "language": fields.get("language", "").strip() or None,
        "lyrics": fields["text"],
        "has_list": bool(_has_list(fields)),
    }
