"""Parse requests to MLflow's scoring server into columns and params; write rows as a response body.

The formats are MLflow's (https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally): JSON with one
of dataframe_split, dataframe_records, inputs and instances, and params; or CSV; or parquet. MLflow's parser
is not used: it turns numbers and null into texts ("5", "None"), widens every text of a request to its longest
one (40 GB for 10,000 rows, one of a million characters), and puts the request into the message of an error.
"""

import codecs
import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic_core import from_json

from neuralist.console.error_messages import first_line
from neuralist.excerpts import excerpt
from neuralist.serving import tables
from neuralist.serving.lyrics import kind_of
from neuralist.serving.tables import MAX_BYTES, check_columns, check_rows, present

# Of JSON: 50 columns of 10,000 rows. An object of one value takes 200 bytes in memory, and 7 in a body.
MAX_VALUES = 500_000
_NO_MARKS = bytes(set(range(256)) - set(b'",[{'))
# JavaScript that cuts a text in the middle of an emoji sends the half of it.
_HIGH, _LOW = (rb"\\u[dD]" + half + rb"[0-9a-fA-F]{2}" for half in (rb"[89abAB]", rb"[c-fC-F]"))
_HALF = re.compile(_HIGH + rb"(?!" + _LOW + rb")|" + _LOW + rb"(?<!" + _HIGH + _LOW + rb")")
_MAX_HALVES = 100_000
FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
# How gzip, deflate (RFC 1950, two levels) and zstd begin, as neither UTF-8 nor parquet does.
_COMPRESSED = (b"\x1f\x8b", b"\x78\x9c", b"\x78\xda", b"\x28\xb5\x2f\xfd")
_ONE_FORM = f"give a JSON object with one of {', '.join(FORMS)}"


class Request(NamedTuple):
    """A parsed request.

    Attributes:
        columns: the model's input columns by name, of equal length; others are dropped, as MLflow does.
        params: as sent, unchecked.
    """

    columns: dict[str, list[Any]]
    params: dict[str, Any]


def parse(
    body: bytes, content_type: str | None, required: Sequence[str], optional: Sequence[str] = ()
) -> Request:
    """Parse the body of a request.

    Args:
        body: as sent; JSON and CSV in UTF-8, also behind a byte order mark.
        content_type: the header; None means JSON.
        required: names of the model's input columns.
        optional: names of columns that a request may lack, and a record, whose value is then None.

    Raises:
        ValueError: the body cannot be parsed, lacks a column, or is beyond a limit.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"received {len(body):,} bytes; send at most {MAX_BYTES:,} in a request")
    kind, *parameters = (part.strip() for part in (content_type or JSON).lower().split(";"))
    if kind not in (JSON, CSV, PARQUET):
        raise ValueError(
            f"content type: received {excerpt(repr(content_type))}; send {JSON}, {CSV} or {PARQUET}"
        )
    charsets = [parameter for parameter in parameters if parameter.startswith("charset")]
    if not {charset.replace('"', "") for charset in charsets} <= {"charset=utf-8", "charset=utf8"}:
        raise ValueError(f"content type: received {excerpt(repr(content_type))}; send UTF-8")
    if body.startswith(_COMPRESSED):  # Content-Encoding, which MLflow does not look at
        raise ValueError("received a compressed body; send it as it is, without Content-Encoding")
    if b"\0" in body[:4] and kind != PARQUET:  # Windows' programs write UTF-16
        raise ValueError("received a text in UTF-16 or UTF-32; send UTF-8")
    if kind == JSON:
        return _from_json(body, required, optional)
    read = tables.from_csv if kind == CSV else tables.from_parquet
    try:
        return Request(read(body, required, optional), {})
    except (OSError, csv.Error, pa.ArrowException) as error:
        limit = "" if kind == CSV else f" of at most {tables.MAX_COLUMNS} columns"
        reason = excerpt(first_line(error))
        raise ValueError(f"the body cannot be read as {kind} ({reason}); send a table{limit}") from error


def answer(columns: Mapping[str, Any]) -> str:
    """Return the response body, as MLflow writes it: {"predictions": [{column: value, ...}, ...]}.

    Args:
        columns: arrays or pandas columns of equal length; arrays make a small response ten
            times as fast.
    """
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    predictions = ", ".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    return f'{{"predictions": [{predictions}]}}'


def _from_json(body: bytes, required: Sequence[str], optional: Sequence[str]) -> Request:
    _check_size(body)
    try:
        content = _parsed(body.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        raise ValueError(
            f"the body cannot be read as JSON in UTF-8 ({excerpt(first_line(error))}); {_ONE_FORM}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"the body is {kind_of(content)}; {_ONE_FORM}")
    forms = [form for form in FORMS if form in content]
    if len(forms) != 1:
        raise ValueError(f"the body has {' and '.join(forms) or 'no rows'}; {_ONE_FORM}")
    params = content.get("params")
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise ValueError(f"params: received {kind_of(params)}; give a JSON object")
    rows = content[forms[0]]
    if forms[0] == "dataframe_split":
        return Request(_from_split(rows, required, optional), params)
    if forms[0] == "inputs" and isinstance(rows, dict):
        return Request(_from_inputs(rows, required, optional), params)
    if not isinstance(rows, list):
        raise ValueError(f"{forms[0]}: received {kind_of(rows)}; give a list of rows")
    return Request(_from_records(forms[0], rows, required, optional), params)


def _parsed(body: bytes) -> Any:
    """Return what a JSON body holds, with U+FFFD in place of each half of an emoji.

    Not by Python's parser, which makes one text of the body, four times as large where one emoji is in it.

    Raises:
        ValueError: it is no JSON in UTF-8, or has more than _MAX_HALVES.
    """
    try:
        return from_json(body)
    except ValueError:
        # While a byte that no JSON has stands for escaped backslashes, each backslash begins an escape.
        mended, n = _HALF.subn(rb"\\ufffd", body.replace(rb"\\", b"\x01"), _MAX_HALVES)
        if not n or b"\x01" in body:
            raise
        return from_json(mended.replace(b"\x01", rb"\\"))


def _check_size(body: bytes) -> None:
    """Check how many values a JSON body holds, before it is parsed.

    Of a body that is no JSON, what stands before its first fault is counted as the parser would read it.
    """
    marks = body
    if rb"\"" in marks:
        # Backslashes and quotes that belong to a text go first; then each quote begins or ends one.
        marks = marks.replace(rb"\\", b"").replace(rb"\"", b"")
    marks = marks.translate(None, _NO_MARKS)
    n_values = marks.count(b'"') // 2  # at least as many as there are texts
    if n_values <= 2 * MAX_VALUES:
        marks = b"".join(marks.split(b'"')[::2])
        n_values = 1 + sum(map(marks.count, (b",", b"[", b"{")))
    if n_values > MAX_VALUES:
        raise ValueError(f"received over {MAX_VALUES:,} values; send fewer rows, or only the model's columns")


def _from_split(split: Any, required: Sequence[str], optional: Sequence[str]) -> dict[str, list[Any]]:
    names, rows = (split.get(key) if isinstance(split, dict) else None for key in ("columns", "data"))
    if not isinstance(names, list) or not isinstance(rows, list):
        raise ValueError("dataframe_split: give an object with the lists columns and data")
    check_columns(names, required)
    check_rows(len(rows))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            shape = f"a list of {len(row)}" if isinstance(row, list) else kind_of(row)
            raise ValueError(f"row {number:,} of {len(rows):,}: received {shape}; give {len(names)} values")
    wanted = present(names, required, optional)
    for name in wanted:
        if names.count(name) > 1:
            raise ValueError(f"dataframe_split: received two columns {name}; send each once")
    return {name: [row[names.index(name)] for row in rows] for name in wanted}


def _from_inputs(
    columns_sent: Mapping[str, Any], required: Sequence[str], optional: Sequence[str]
) -> dict[str, list[Any]]:
    check_columns(columns_sent, required)
    values = {name: columns_sent[name] for name in present(columns_sent, required, optional)}
    columns = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        counts = " and ".join(f"{len(column):,} of {name}" for name, column in columns.items())
        raise ValueError(f"inputs: received {counts}; give equally many")
    check_rows(max(lengths))
    return columns


def _from_records(
    form: str, rows: list[Any], required: Sequence[str], optional: Sequence[str]
) -> dict[str, list[Any]]:
    check_rows(len(rows))
    if len(required) == 1 and rows and not any(isinstance(row, dict) for row in rows):
        return {required[0]: rows}
    for number, row in enumerate(rows, start=1):
        row_label = f"row {number:,} of {len(rows):,}"
        if not isinstance(row, dict):
            raise ValueError(
                f"{row_label}: received {kind_of(row)}; give an object with {' and '.join(required)}"
            )
        check_columns(row, required, f"{row_label}: ")
    sent = {name for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in present(sent, required, optional)}
