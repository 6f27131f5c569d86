"""The body of a request to MLflow's scoring server as columns and params, and rows as the body of an answer.

The forms are MLflow's own (https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally): JSON with one
of dataframe_split, dataframe_records, inputs and instances, and params; or CSV; or parquet. MLflow's parser
is not used: it turns numbers and null into texts ("5", "None"), widens every text of a request to its longest
one (40 GB for 10,000 rows, one of a million characters), and puts the request into the message of an error.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from neuralist.serving.predictor import MAX_ROWS, kind_of

# MAX_ROWS pairs of 300 words have 40 MB, or 220 MB in a script of which JSON escapes every letter. Parsing
# takes three times that.
MAX_BYTES = 256 * 2**20
FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
_ONE_FORM = f"give a JSON object with one of {', '.join(FORMS)}"


class Request(NamedTuple):
    """What a request asks.

    Attributes:
        columns: the wanted columns by name, of equal length; other columns are left out, as MLflow does.
        params: as they were sent.
    """

    columns: dict[str, list[Any]]
    params: dict[str, Any]


def parse(body: bytes, content_type: str | None, wanted: Sequence[str]) -> Request:
    """Read a request's body.

    Args:
        body: as it was sent.
        content_type: the header; JSON when there is none.
        wanted: the columns that the model reads.

    Raises:
        ValueError: the body cannot be read, lacks a column, or has more than MAX_BYTES or MAX_ROWS.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"received {len(body):,} bytes; send at most {MAX_BYTES:,} in a request")
    kind, _, charset = (content_type or JSON).lower().replace('"', "").partition(";")
    if charset.strip() not in ("", "charset=utf-8"):
        raise ValueError(f"content type: received {content_type!r}; send UTF-8")
    if kind.strip() == JSON:
        return _from_json(body, wanted)
    if kind.strip() not in (CSV, PARQUET):
        raise ValueError(f"content type: received {content_type!r}; send {JSON}, {CSV} or {PARQUET}")
    frame = _table(body, kind.strip())
    check_columns(frame.columns, wanted)
    _check_rows(len(frame))
    return Request({name: frame[name].tolist() for name in wanted}, {})


def answer(columns: Mapping[str, Any]) -> str:
    """Rows as MLflow answers them: {"predictions": [{column: value, ...}, ...]}.

    Args:
        columns: arrays or pandas columns of equal length; without pandas a small answer takes a tenth of
            the time.
    """
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    predictions = ", ".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    return f'{{"predictions": [{predictions}]}}'


def _table(body: bytes, kind: str) -> pd.DataFrame:
    try:
        if kind == CSV:
            # Every cell is a text, "NA" and "5" too.
            return pd.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False)
        return pd.read_parquet(io.BytesIO(body))
    except (ValueError, OSError, pa.ArrowException) as error:
        raise ValueError(f"the body cannot be read as {kind} ({_line(error)}); send a table") from error


def _from_json(body: bytes, wanted: Sequence[str]) -> Request:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body cannot be read as JSON ({_line(error)}); {_ONE_FORM}") from error
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
        return Request(_from_split(rows, wanted), params)
    if forms[0] == "inputs" and isinstance(rows, dict):
        return Request(_from_inputs(rows, wanted), params)
    if not isinstance(rows, list):
        raise ValueError(f"{forms[0]}: received {kind_of(rows)}; give a list of rows")
    return Request(_from_records(forms[0], rows, wanted), params)


def _from_split(split: Any, wanted: Sequence[str]) -> dict[str, list[Any]]:
    names, rows = (split.get(key) if isinstance(split, dict) else None for key in ("columns", "data"))
    if not isinstance(names, list) or not isinstance(rows, list):
        raise ValueError("dataframe_split: give an object with the lists columns and data")
    check_columns(names, wanted)
    _check_rows(len(rows))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(names):
            shape = f"a list of {len(row)}" if isinstance(row, list) else kind_of(row)
            raise ValueError(f"row {number:,} of {len(rows):,}: received {shape}; give {len(names)} values")
    return {
        name: [row[index] for row in rows] for name, index in ((name, names.index(name)) for name in wanted)
    }


def _from_inputs(inputs: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, list[Any]]:
    check_columns(inputs, wanted)
    columns = {name: inputs[name] if isinstance(inputs[name], list) else [inputs[name]] for name in wanted}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        counts = " and ".join(f"{len(column):,} of {name}" for name, column in columns.items())
        raise ValueError(f"inputs: received {counts}; give equally many")
    _check_rows(max(lengths))
    return columns


def _from_records(form: str, rows: list[Any], wanted: Sequence[str]) -> dict[str, list[Any]]:
    _check_rows(len(rows))
    if len(wanted) == 1 and rows and not any(isinstance(row, dict) for row in rows):
        return {wanted[0]: rows}
    for number, row in enumerate(rows, start=1):
        place = f"row {number:,} of {len(rows):,}"
        if not isinstance(row, dict):
            raise ValueError(f"{place}: received {kind_of(row)}; give an object with {' and '.join(wanted)}")
        check_columns(row, wanted, f"{place}: ")
    return {name: [row[name] for row in rows] for name in wanted}


def check_columns(names: Any, wanted: Sequence[str], place: str = "") -> None:
    """Refuse a table that lacks a wanted column.

    Raises:
        ValueError: naming the columns that are missing.
    """
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f"{place}column {' and '.join(missing)} missing; send {' and '.join(wanted)}")


def _check_rows(n: int) -> None:
    if n > MAX_ROWS:
        raise ValueError(f"received {n:,} rows; send at most {MAX_ROWS:,} in a request")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
