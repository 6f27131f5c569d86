"""Parse requests to MLflow's scoring server into columns and params; write rows as a response body.

The formats are MLflow's (https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally): JSON with one
of dataframe_split, dataframe_records, inputs and instances, and params; or CSV; or parquet. MLflow's parser
is not used: it turns numbers and null into texts ("5", "None"), widens every text of a request to its longest
one (40 GB for 10,000 rows, one of a million characters), and puts the request into the message of an error.
"""

import io
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from neuralist.serving.lyrics import kind_of

MAX_ROWS = 10_000  # of one request
# So many pairs of 300 words have 40 MB, or 220 MB in a script whose every letter JSON escapes. Parsing takes
# three times as much memory.
MAX_BYTES = 256 * 2**20
FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
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
        body: as sent.
        content_type: the header; None means JSON.
        required: names of the model's input columns.
        optional: names of columns that a request may lack, and a record, whose value is then None.

    Raises:
        ValueError: the body cannot be parsed, lacks a column, or has more than MAX_BYTES or MAX_ROWS.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"received {len(body):,} bytes; send at most {MAX_BYTES:,} in a request")
    kind, _, charset = (content_type or JSON).lower().replace('"', "").partition(";")
    if charset.strip() not in ("", "charset=utf-8"):
        raise ValueError(f"content type: received {content_type!r}; send UTF-8")
    if kind.strip() == JSON:
        return _from_json(body, required, optional)
    if kind.strip() not in (CSV, PARQUET):
        raise ValueError(f"content type: received {content_type!r}; send {JSON}, {CSV} or {PARQUET}")
    frame = _table(body, kind.strip())
    check_columns(frame.columns, required)
    _check_rows(len(frame))
    return Request({name: frame[name].tolist() for name in _present(frame.columns, required, optional)}, {})


def answer(columns: Mapping[str, Any]) -> str:
    """Return the response body, as MLflow writes it: {"predictions": [{column: value, ...}, ...]}.

    Args:
        columns: arrays or pandas columns of equal length; arrays make a small response ten
            times as fast.
    """
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    predictions = ", ".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    return f'{{"predictions": [{predictions}]}}'


def _table(body: bytes, kind: str) -> pd.DataFrame:
    try:
        if kind == CSV:
            # Every cell is text, also "NA" and "5".
            return pd.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False)
        return pd.read_parquet(io.BytesIO(body))
    except (ValueError, OSError, pa.ArrowException) as error:
        raise ValueError(f"the body cannot be read as {kind} ({_first_line(error)}); send a table") from error


def _from_json(body: bytes, required: Sequence[str], optional: Sequence[str]) -> Request:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body cannot be read as JSON ({_first_line(error)}); {_ONE_FORM}") from error
    if not isinstance(content, dict):
        raise ValueError(f"the body is {kind_of(content)}; {_ONE_FORM}")
    forms = [form for form in FORMS if form in content]
    if len(forms) != 1:
        raise ValueError(f"the body has {' and '.join(forms) or 'no rows'}; {_ONE_FORM}")
    params = content.get("params") or {}
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


def _from_split(split: Any, required: Sequence[str], optional: Sequence[str]) -> dict[str, list[Any]]:
    names, rows = (split.get(key) if isinstance(split, dict) else None for key in ("columns", "data"))
    if not isinstance(names, list) or not isinstance(rows, list):
        raise ValueError("dataframe_split: give an object with the lists columns and data")
    check_columns(names, required)
    _check_rows(len(rows))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            shape = f"a list of {len(row)}" if isinstance(row, list) else kind_of(row)
            raise ValueError(f"row {number:,} of {len(rows):,}: received {shape}; give {len(names)} values")
    present = _present(names, required, optional)
    return {
        name: [row[index] for row in rows] for name, index in ((name, names.index(name)) for name in present)
    }


def _from_inputs(
    columns_sent: Mapping[str, Any], required: Sequence[str], optional: Sequence[str]
) -> dict[str, list[Any]]:
    check_columns(columns_sent, required)
    values = {name: columns_sent[name] for name in _present(columns_sent, required, optional)}
    columns = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        counts = " and ".join(f"{len(column):,} of {name}" for name, column in columns.items())
        raise ValueError(f"inputs: received {counts}; give equally many")
    _check_rows(max(lengths))
    return columns


def _from_records(
    form: str, rows: list[Any], required: Sequence[str], optional: Sequence[str]
) -> dict[str, list[Any]]:
    _check_rows(len(rows))
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
    return {name: [row.get(name) for row in rows] for name in _present(sent, required, optional)}


def _present(sent: Collection[str], required: Sequence[str], optional: Sequence[str]) -> list[str]:
    """Return the required columns, and those of the optional ones that were sent."""
    return [*required, *(name for name in optional if name in sent)]


def check_columns(names: Any, required: Sequence[str], prefix: str = "") -> None:
    """Check that a table has all input columns.

    Raises:
        ValueError: columns are missing; the message starts with `prefix`.
    """
    missing = [name for name in required if name not in names]
    if missing:
        raise ValueError(f"{prefix}column {' and '.join(missing)} missing; send {' and '.join(required)}")


def _check_rows(n: int) -> None:
    if n > MAX_ROWS:
        raise ValueError(f"received {n:,} rows; send at most {MAX_ROWS:,} in a request")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
