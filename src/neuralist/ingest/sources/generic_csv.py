"""The generic form: any texts with graded pairs, as two CSV files (commas, double quotes, UTF-8).

| file | columns |
|---|---|
| texts.csv | id, text; may have artist, title, year, tags (between ; or |), language, has_list (1, 0) |
| pairs.csv | left_id, right_id, similarity (within similarity_range); may have split (train, val, test) |

has_list (1 or true, 0 or false) says that pairs.csv holds all that is similar to this text; without the
column no text has a list. A column split without any value is no split. Other columns are ignored. Places are
`file:line`, the line where a row begins, quoted line ends counted.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from neuralist.data import tables
from neuralist.ingest.sources import common

_SPLITS = {"train", "val", "test"}
_OUTSIDE = "similarity is not a number within similarity_range"
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read texts.csv.

    Returns:
        records, with a column has_list, and rejects; see `neuralist.ingest.sources.common`.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, lacks a column, or has no usable row.
    """
    records, faults, seen = [], [], set()
    for where, fields in _rows(folder, "texts.csv", ["id", "text"]):
        fault = _row_fault(fields) or _text_fault(fields, seen)
        if fault:
            faults.append(("texts", where, *fault))
        else:
            seen.add(fields["id"].strip())
            records.append(_record(fields, where))
    if not records:
        raise common.all_unusable("texts.csv", len(faults), common.rejects(faults))
    return pd.DataFrame(records, columns=[*common.RECORDS, "has_list"]), common.rejects(faults)


def read_pairs(
    folder: Path,
    similarity_range: tuple[float, float],
    records: pd.DataFrame,
    known: Iterable[str],
    *,
    given: bool,
) -> common.Similarities:
    """Read pairs.csv.

    Args:
        folder: the raw folder.
        similarity_range: lowest and highest grade, mapped to [0, 1].
        records: of texts.csv, as `read` gives them.
        known: ids of those that became songs.
        given: whether a column split is read.

    Raises:
        ValueError: the file is missing, empty, not UTF-8, lacks a column, has no usable row, or most of its
            grades are outside the range.
    """
    low, high = similarity_range
    texts, known = set(records["id"]), set(known)
    listed, faults = [], []
    for where, fields in _rows(folder, "pairs.csv", ["left_id", "right_id", "similarity"]):
        fault = _row_fault(fields) or _pair_fault(fields, similarity_range, given=given)
        left, right = fields.get("left_id", "").strip(), fields.get("right_id", "").strip()
        unknown = [name for name in (left, right) if name not in known]
        if not fault and unknown:
            reason = "its text is not used" if unknown[0] in texts else "unknown id"
            fault = reason, common.shortened(unknown[0])
        if fault:
            faults.append(("pairs", where, *fault))
        else:
            similarity = (float(fields["similarity"]) - low) / (high - low)
            listed.append((left, right, similarity, fields.get("split", "").strip() or None))
    _check_range(faults, len(faults) + len(listed), similarity_range)
    if not listed:
        raise common.all_unusable("pairs.csv", len(faults), common.rejects(faults))
    frame = pd.DataFrame(listed, columns=tables.LISTED.names)
    with_list = frozenset(known & set(records.loc[records["has_list"], "id"]))
    return common.Similarities(frame, with_list, {}, common.rejects(faults))


def _rows(folder: Path, place: str, required: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row's place and fields by column; a row of another length has a field for each number only.

    Raises:
        ValueError: the file, its header or its quoting is not as the module says.
    """
    csv.field_size_limit(2**31 - 1)
    # newline="": the reader itself must see the line ends within quotes.
    reader = csv.reader(io.StringIO(common.text(folder / place, place), newline=""), strict=True)
    line = 1
    try:
        header = [name.strip().lower() for name in next(reader)]
        _check_header(header, required, place)
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                yield f"{place}:{line}", dict(zip(header, row, strict=True))
            elif row:
                yield f"{place}:{line}", {"fields": f"{len(row)} instead of {len(header)}"}
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{place}:{line}: the row beginning here is no CSV ({error}); "
            "close its quotes and double those within"
        ) from error


def _check_header(header: list[str], required: list[str], place: str) -> None:
    missing = [name for name in required if name not in header]
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if missing or repeated:
        problem = f"columns {missing} are missing" if missing else f"columns {repeated} stand twice"
        raise ValueError(
            f"{place}:1: {problem}; found {header}; expected commas between columns, {required} among them"
        )


def _row_fault(fields: dict[str, str]) -> tuple[str, str] | None:
    return ("wrong number of fields", fields["fields"]) if len(fields) == 1 else None


def _text_fault(fields: dict[str, str], seen: set[str]) -> tuple[str, str] | None:
    name, year = fields["id"].strip(), fields.get("year", "").strip()
    if not name:
        return "id is empty", ""
    if name in seen:
        return "repeat of an earlier id", common.shortened(name)
    if year and not re.fullmatch(r"[0-9]{1,4}(\.0*)?", year):
        return "year is not a whole number", common.shortened(year)
    if _has_list(fields) is None:
        return "has_list is not 1, 0, true or false", common.shortened(fields["has_list"])
    return None


def _has_list(fields: dict[str, str]) -> bool | None:
    return _TRUTH.get(fields.get("has_list", "0").strip().lower())


def _pair_fault(
    fields: dict[str, str], similarity_range: tuple[float, float], *, given: bool
) -> tuple[str, str] | None:
    grade, split = fields["similarity"], fields.get("split", "")
    try:
        value = float(grade.replace("_", "?"))
    except ValueError:
        value = math.nan
    low, high = similarity_range
    if not low <= value <= high:
        return _OUTSIDE, common.shortened(grade)
    if given and split.strip() not in _SPLITS:
        return "split is not train, val or test", common.shortened(split)
    return None


def _check_range(
    faults: list[tuple[str, str, str, str]], n_rows: int, similarity_range: tuple[float, float]
) -> None:
    # Grades from 1 to 5, read as if from 0 to 1, would leave those of 1: the least alike, as the most alike.
    outside = [(where, value) for _, where, reason, value in faults if reason == _OUTSIDE]
    if 2 * len(outside) > n_rows:
        low, high = similarity_range
        where, value = outside[0]
        raise ValueError(
            f"pairs.csv: {len(outside):,} of {n_rows:,} grades are no number from {low:g} to {high:g}, the "
            f"first, {where}: {value!r}; name the lowest and the highest grade as similarity_range in "
            "corpus.yaml"
        )


def _record(fields: dict[str, str], where: str) -> dict[str, object]:
    year = fields.get("year", "").strip()
    return {
        "where": where,
        "id": fields["id"].strip(),
        "artist": " ".join(fields.get("artist", "").split()) or None,
        "title": " ".join(fields.get("title", "").split()) or None,
        "year": (int(float(year)) or None) if year else None,
        "tags": [tag.strip() for tag in re.split("[;|]", fields.get("tags", "")) if tag.strip()],
        "language": fields.get("language", "").strip() or None,
        "lyrics": fields["text"],
        "has_list": bool(_has_list(fields)),
    }
