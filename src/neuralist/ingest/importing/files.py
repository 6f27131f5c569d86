"""Tables in any usual file -> a table of text fields, with the place of each row.

| ending | read as |
|---|---|
| .csv, .tsv, .tab, .txt | fields between commas, semicolons, tabs or bars; quotes and header may be absent |
| .xlsx, .xlsm | a sheet, by openpyxl |
| .json | pandas' to_json in any orient, or a list of objects |
| .jsonl, .ndjson | an object a line |
| .parquet | by pyarrow |

A missing value is an empty field. Line ends within a field stay as they are.
"""

import csv
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from neuralist.ingest.importing import encodings, grades
from neuralist.ingest.sources.common import TABLE_ENDINGS, shortened

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_TEXT = {"text", "texts", "lyrics", "sentence", "sentences"}  # may be the only column
_SAMPLE = 100_000  # characters that csv.Sniffer sees
_NUMBER = re.compile(rf"\s*{grades.NUMBER}\s*")
_TRUTH = {"yes", "no", "true", "false"}
_ROW_LABEL = re.compile(r"\d+")
# What openpyxl lets through of a damaged archive and its XML, whose ParseError is a SyntaxError.
_DAMAGED = (ValueError, KeyError, OSError, EOFError, SyntaxError, zlib.error, zipfile.BadZipFile)
# STS-B as its authors publish it: no header, tabs, quotes as plain characters. Some rows name more behind.
STSB_HEADER = ("genre", "filename", "year", "number", "score", "sentence1", "sentence2")
# Columns of known files between tabs, whose quotes are plain characters as well.
_PLAIN = ({"genre", "sentence1", "sentence2"}, {"sentence_a", "sentence_b", "relatedness_score"})

Fault = tuple[str, str, str]  # where, reason, value


class Table(NamedTuple):
    """The content of a file.

    Attributes:
        name: of the file.
        form: how it is written, in words: "table with tabs, UTF-8".
        rows: a column of texts for each column of the file; their names are distinct.
        where: the place of each row, file:line (or file:index from 0, of JSON).
        faults: rows that are not in `rows`.
        notes: what else a reader should know.
    """

    name: str
    form: str
    rows: pd.DataFrame
    where: list[str]
    faults: list[Fault]
    notes: list[str]


def read(path: Path, encoding: str | None = None, sheet: str | None = None) -> Table:
    """Read a file by its ending.

    Args:
        path: the file.
        encoding: of its text; without it, see `encodings.decode`.
        sheet: of an .xlsx file.

    Raises:
        ValueError: the ending is unknown, the file is damaged or holds no table; or a library is missing.
    """
    ending = path.suffix.lower()
    if not path.is_file():
        what = "neither a file nor a folder" if path.exists() else "no such file"
        raise ValueError(f"{path}: {what}; give a file or a folder that is there")
    if ending in (".xlsx", ".xlsm"):
        table = _sheet(path, sheet)
    elif ending == ".parquet":
        table = _parquet(path)
    elif ending in TABLE_ENDINGS:
        text, label = encodings.decode(path.read_bytes(), path.name, encoding)
        if ending == ".json":
            table = _json(text, path.name, label)
        elif ending in (".jsonl", ".ndjson"):
            table = _json_lines(text, path.name, label)
        else:
            table = _delimited(text, path.name, label)
    else:
        endings = ", ".join(TABLE_ENDINGS)
        raise ValueError(
            f"{path}: ends in {path.suffix or 'nothing'}; give a file that ends in {endings}, or "
            "a folder of songs (an archive must be unpacked first)"
        )
    if table.rows.empty:
        raise _no_row(path.name)
    return table


def _no_row(name: str) -> ValueError:
    return ValueError(f"{name}: no row in it; give a file with rows")


def column(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of a table whose names are distinct."""
    return cast("pd.Series", rows[name])


# --- fields between separators -------------------------------------------------------------------------


class _Parsed(NamedTuple):
    """The rows of a text with the line where each begins, and how many have another width than the first."""

    rows: list[list[str]]
    lines: list[int]
    n_faulty: int


def _delimited(text: str, name: str, encoding: str) -> Table:
    # Excel's first line of its own; as a blank line it keeps its number.
    text = re.sub(r'\A"?sep=.?"?(?=\r?\n)', "", text, count=1)
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise _no_row(name)
    separator = _separator(text, first, name)
    head = [field.strip().strip('"').casefold() for field in first.split(separator)]
    is_stsb = _is_stsb(first.split("\t"))
    is_plain = separator == "\t" and (is_stsb or any(known <= {*head} for known in _PLAIN))
    parsed, quotes = _parse(text, separator, name, is_plain=is_plain, at_least=len(STSB_HEADER) * is_stsb)
    rows, lines, notes = parsed.rows, parsed.lines, []
    if is_stsb:
        width = len(STSB_HEADER)
        n_longer = sum(any(row[width:]) for row in rows)
        header, rows = list(STSB_HEADER), [row[:width] for row in rows]
        notes.append("no header: the columns are those of STS-B as its authors publish it")
        if n_longer:
            notes.append(f"{n_longer:,} rows have more than {width} columns, sources and licences: not read")
    else:
        header, rows, lines, notes = _headed(rows, lines)
    width = len(header)
    if rows and len(header) + 1 == min(map(len, rows)) == max(map(len, rows)):
        header, width = ["", *header], width + 1  # R names no column of row names
    kept, places, faults = [], [], []
    for row, line in zip(rows, lines, strict=True):
        fields = row[:width] if not any(row[width:]) else row
        if len(fields) == width and any(map(str.strip, fields)):
            kept.append(fields)
            places.append(f"{name}:{line}")
        else:
            same = len(fields) == width
            reason = "an empty row" if same else f"not {width} fields, as the header has"
            faults.append((f"{name}:{line}", reason, "" if same else shortened(separator.join(row))))
    if encoding == "cp1252":
        notes.append("not UTF-8, so read as cp1252; if letters look wrong, name another by --encoding")
    form = ", ".join(filter(None, [f"table with {_SEPARATORS[separator]}", quotes, encoding]))
    return Table(name, form, _frame(kept, header), places, faults, notes)


def _separator(text: str, first: str, name: str) -> str:
    """Return what separates the fields: a tab, or what splits the first line; of several, csv.Sniffer's."""
    if "\t" in first:
        return "\t"
    if first.strip().strip('"').casefold() in _TEXT:
        return ","
    able = [sign for sign in ",;|" if len(next(csv.reader([first], delimiter=sign))) > 1]
    if not able:
        raise ValueError(
            f"{name}: its first line {shortened(first, 60)!r} is one column; give a table with commas, "
            "semicolons, tabs or bars between columns (songs, each a text file: give their folder)"
        )
    if len(able) == 1:
        return able[0]
    try:
        return csv.Sniffer().sniff(text[:_SAMPLE], delimiters="".join(able)).delimiter
    except csv.Error:
        raise ValueError(
            f"{name}: commas, semicolons or bars may separate its columns; write it with tabs between them"
        ) from None


def _parse(text: str, separator: str, name: str, *, is_plain: bool, at_least: int) -> tuple[_Parsed, str]:
    """Return the rows by the way of quoting that leaves the fewest faulty ones, and what it is called."""
    plain = "quotes as plain characters" if '"' in text else ""
    if is_plain:
        return _rows(text, separator, {"quoting": csv.QUOTE_NONE}, at_least), plain
    best: tuple[_Parsed, str] | None = None
    refusal = ""
    ways: list[tuple[dict[str, Any], str]] = [({}, "")]
    if '\\"' in text:  # without a sign of it not, for the reader is then strict about no quote
        ways.append(({"doublequote": False, "escapechar": "\\"}, "quotes escaped by backslashes"))
    for options, label in ways:
        try:
            parsed = _rows(text, separator, options, at_least)
        except _QuoteError as error:
            refusal = refusal or str(error)
            continue
        if best is None or parsed.n_faulty < best[0].n_faulty:
            best = parsed, label
    if best is None or best[0].n_faulty:
        parsed = _rows(text, separator, {"quoting": csv.QUOTE_NONE}, at_least)
        is_better = best is None or parsed.n_faulty < best[0].n_faulty
        if is_better and _may_be_plain(parsed, separator):
            best = parsed, plain
    if best is None or 2 * best[0].n_faulty > len(best[0].rows):
        what = refusal or "most of its rows have another number of fields than the first"
        raise ValueError(f"{name}: {what}; correct its quotes and separators")
    return best


def _may_be_plain(parsed: _Parsed, separator: str) -> bool:
    """Return whether quotes are plain characters, and none of a CSV file of which one quote is not closed."""
    allowed = len(parsed.rows) // 100 if separator == "\t" else 0
    n_wrapped = sum(
        any(len(field) > 1 and field[0] == field[-1] == '"' for field in row) for row in parsed.rows
    )
    return parsed.n_faulty <= allowed and 2 * n_wrapped < len(parsed.rows)


class _QuoteError(Exception):
    """A text is no CSV when its quotes are read in some way."""


def _rows(text: str, separator: str, options: dict[str, Any], at_least: int) -> _Parsed:
    csv.field_size_limit(2**31 - 1)
    # newline="": the reader itself must see the line ends within quotes.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, **options)
    rows, lines, line = [], [], 1
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip()):
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _QuoteError(f"the row that begins in line {line} is no CSV ({error})") from None
    widths = [len(row) for row in rows]
    if at_least:
        return _Parsed(rows, lines, sum(width < at_least for width in widths))
    usual = widths[1] if len(widths) > 1 and widths[1] == widths[0] + 1 else widths[0]
    return _Parsed(rows, lines, sum(width != usual for width in widths[1:]))


def _headed(
    rows: list[list[str]], lines: list[int]
) -> tuple[list[str], list[list[str]], list[int], list[str]]:
    """Return the header, the rows below it and their lines, and a note where there is none."""
    if not _is_content(rows):
        return rows[0], rows[1:], lines[1:], []
    places = [str(number) for number, _ in enumerate(rows[0], start=1)]
    note = "no header, for the first row holds a number: columns are named by their place"
    return places, rows, lines, [note]


def _is_content(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row is no header: none is called 3.5, nor yes where the next row says no."""
    answers = zip(*rows[:2], strict=False)
    return any(map(_NUMBER.fullmatch, rows[0])) or (
        len(rows) > 1 and any({field.strip().casefold() for field in fields} <= _TRUTH for fields in answers)
    )


def _is_stsb(fields: Sequence[str]) -> bool:
    is_row = len(fields) >= len(STSB_HEADER) and re.match(r"(?:19|20)\d\d", fields[2]) is not None
    return is_row and _NUMBER.fullmatch(fields[4]) is not None and fields[3].strip().isalnum()


# --- sheets, parquet, JSON -----------------------------------------------------------------------------


def _sheet(path: Path, sheet: str | None) -> Table:
    """Read a sheet: the one that is named, or the only one that is not empty."""
    try:
        from openpyxl.utils.exceptions import InvalidFileException
    except ModuleNotFoundError:
        raise ValueError(
            f"{path.name}: sheets need openpyxl: pip install 'neuralist[excel]', or save the sheet as .csv"
        ) from None
    try:
        sheets = pd.read_excel(
            path, sheet_name=None, header=None, dtype=object, keep_default_na=False, engine="openpyxl"
        )
    except (*_DAMAGED, InvalidFileException) as error:
        raise ValueError(
            f"{path.name}: no readable sheet ({shortened(error)}); save it as .xlsx again"
        ) from None
    filled = {str(name): rows for name, rows in sheets.items() if not rows.empty}
    if sheet is not None:
        if sheet not in filled:
            raise ValueError(f"{path.name}: --sheet: no {sheet!r} that holds rows, but {', '.join(filled)}")
        filled = {sheet: filled[sheet]}
    if len(filled) != 1:
        found = ", ".join(map(repr, filled)) or "none"
        raise ValueError(f"{path.name}: sheets with rows: {found}; name one by --sheet")
    [(title, frame)] = filled.items()
    rows = [[_field(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    lines = [number for number, row in enumerate(rows, start=1) if any(row)]
    rows = [row for row in rows if any(row)]
    header, rows, lines, notes = _headed(rows, lines)
    where = [f"{path.name}:{line}" for line in lines]
    return Table(path.name, f"sheet {title!r}", _frame(rows, header), where, [], notes)


def _parquet(path: Path) -> Table:
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise ValueError(
            f"{path.name}: no readable parquet file ({shortened(error)}); write it again"
        ) from None
    return _from_frame(frame, path.name, "parquet")


def _json(text: str, name: str, encoding: str) -> Table:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _json_lines(text, name, encoding)  # to_json(lines=True) goes into .json files as well
        raise ValueError(
            f"{name}:{error.lineno}: cut short or no JSON ({error.msg}); give the whole file"
        ) from None
    except RecursionError:
        raise ValueError(f"{name}: brackets nested too deep; give a table of records") from None
    except ValueError:
        raise ValueError(f"{name}: a number of more than 4,300 digits; write it shorter") from None
    return _from_json(content, name, encoding)


def _from_json(content: Any, name: str, encoding: str) -> Table:
    """Return the table in the JSON that pandas' to_json writes with any orient.

    Raises:
        ValueError: the content is no such table, or its rows and columns cannot be told apart.
    """
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return _from_frame(pd.DataFrame(content, dtype=object), name, f"JSON records, {encoding}")
    if isinstance(content, list) and content and all(isinstance(row, list) for row in content):
        rows = [[_field(value) for value in row] for row in content]
        header = [str(number) for number in range(1, max(map(len, rows)) + 1)]
        note = "no header in this orient: columns are named by their place"
        kept = [row + [""] * (len(header) - len(row)) for row in rows]
        where = [f"{name}:{index}" for index in range(len(rows))]
        return Table(name, f"JSON rows, {encoding}", _frame(kept, header), where, [], [note])
    if isinstance(content, dict) and content:
        return _from_object(content, name, encoding)
    raise ValueError(f"{name}: received JSON of {type(content).__name__}; give a list of objects, a row each")


def _from_object(content: dict[str, Any], name: str, encoding: str) -> Table:
    if isinstance(content.get("data"), list) and isinstance(content.get("columns"), list):
        try:
            frame = pd.DataFrame(content["data"], columns=content["columns"], dtype=object)
        except ValueError as error:
            raise ValueError(f"{name}: its data do not fit its columns ({error})") from None
        return _from_frame(frame, name, f"JSON split, {encoding}")
    if isinstance(content.get("data"), list) and all(isinstance(row, dict) for row in content["data"]):
        return _from_frame(pd.DataFrame(content["data"], dtype=object), name, f"JSON table, {encoding}")
    inner = list(content.values())
    if all(isinstance(values, list) for values in inner) and len({len(values) for values in inner}) == 1:
        return _from_frame(pd.DataFrame(content, dtype=object), name, f"JSON columns, {encoding}")
    if not all(isinstance(values, dict) and values for values in inner):
        raise ValueError(
            f"{name}: an object with {', '.join(map(repr, list(content)[:5]))} is no table; give what "
            "pandas' to_json writes, a list of objects, or songs of LyricsGenius"
        )
    are_labels = [all(map(_ROW_LABEL.fullmatch, keys)) for keys in (content, inner[0])]
    if are_labels[0] == are_labels[1]:
        raise ValueError(
            f"{name}: rows and columns cannot be told apart; write it by to_json(orient='records')"
        )
    if are_labels[0]:
        rows, form = list(content.values()), "JSON index"
    else:
        labels = dict.fromkeys(label for values in inner for label in values)
        rows = [{key: values.get(label) for key, values in content.items()} for label in labels]
        form = "JSON columns"
    return _from_frame(pd.DataFrame(rows, dtype=object), name, f"{form}, {encoding}")


def _json_lines(text: str, name: str, encoding: str) -> Table:
    rows, where, faults = [], [], []
    # Not splitlines: texts may hold other line ends of Unicode.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            rows.append(value)
            where.append(place)
        else:
            faults.append((place, "no JSON object", shortened(line)))
    if not rows or len(faults) > len(rows):
        raise ValueError(f"{name}: most of its lines are no JSON objects; the first: {faults[0][0]}")
    table = _from_frame(pd.DataFrame(rows, dtype=object), name, f"JSON lines, {encoding}")
    return table._replace(where=where, faults=faults)


def _from_frame(frame: pd.DataFrame, name: str, form: str) -> Table:
    rows = [[_field(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    where = [f"{name}:{index}" for index in range(len(rows))]
    return Table(name, form, _frame(rows, list(map(str, frame.columns))), where, [], [])


def _field(value: Any) -> str:
    """Return a value as a field: nothing for a missing one, names between ; for a list, else JSON or text."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _frame(rows: list[list[str]], header: Iterable[str]) -> pd.DataFrame:
    """Return rows as a table with distinct names of columns."""
    names: list[str] = []
    for number, given in enumerate(header, start=1):
        name = " ".join(given.split()) or f"column {number}"
        while name in names:
            name += f" ({number})"
        names.append(name)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pd.DataFrame(
        {name: pd.Series(column, dtype=object) for name, column in zip(names, columns, strict=True)}
    )
