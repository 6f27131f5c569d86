"""Odd requests to the model's server: an answer, or HTTP 4xx with a short message that gives nothing away.

JSON in MLflow's four forms, CSV and parquet, whole and spoilt: odd texts, types, names, params, encodings,
bytes. A server of each registered model is started once. It must answer a plain request after each hundred.
"""

import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from faults import served
from faults.trials import Outcome, Run, Told, draws
from neuralist.serving.registered import COMPARE, RECOMMEND

SAMPLE, FULL = 1_000, 10_000
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
PLAIN = {
    COMPARE: {"lyrics_a": "moss on a stone", "lyrics_b": "a stone in the moss"},
    RECOMMEND: {"lyrics": "moss"},
}
PARAMS = (
    "k", "exclude_artist", "min_year", "max_year", "versions", "approximate", "contrast", "lyrics_only",
    "language",
)  # fmt: skip
TEXTS = (
    "", " ", "\n\n", "moss on a stone", "\x00", "a\x00b", "\ud800", "\udfff moss", "\u202emoss\u202c",
    "🎵" * 50, "e\u0301" * 99, "\u200d\u200d", "\ufeffmoss", "שלום עולם", "ข้าวผัด", "雨の屋根", "𝔪𝔬𝔰𝔰",
    "ﬁre", "\u0600" * 30, "=cmd()", "'; drop table songs; --", "<script>alert(1)</script>", "{{7*7}}", "%s%n",
    "../../etc/passwd", "a" * 99_999, "a" * 100_001, "la " * 30_000, "\r\r\r", "null", "NaN", "5", "[moss]",
    "\u2028moss\u2029", "\uffff", "\U0010ffff", "ａｂｃ", "’‘“”", "1" * 4_400,
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 5, 1.5, 1e308, -0.0, 2**63, 2**200, float("nan"), float("inf"), [], {}, [["a"]],
    {"a": {}}, "x", "", [None], {"lyrics": "a"}, "same", "other", "en", 10, 100, 101, "10", "true",
)  # fmt: skip
HEADERS = (
    {}, {"Content-Type": ""}, {"Content-Type": "text/plain"}, {"Content-Type": "a" * 3_000},
    {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": "\xff"},
    {"Content-Type": "APPLICATION/JSON;charset=UTF-8"}, {"Content-Type": JSON, "Content-Encoding": "gzip"},
    {"Content-Type": "application/json; format=pandas-split"}, {"Content-Type": "multipart/form-data"},
    {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": f"{JSON}, {CSV}"},
    {"Content-Type": JSON, "Accept": "text/html"}, {"Content-Type": CSV}, {"Content-Type": PARQUET},
    {"Content-Type": JSON},
)  # fmt: skip


class Request(NamedTuple):
    """A request: its body and headers, and the rows of a right answer, where that is known."""

    body: bytes
    headers: dict[str, str]
    rows: int | None = None


def _text(draw: random.Random) -> Any:
    # Half are plain: one odd text is enough for a refusal, and would hide what comes after it.
    return draw.choices(["moss on a stone", draw.choice(TEXTS), draw.choice(VALUES)], [0.6, 0.35, 0.05])[0]


def _records(draw: random.Random, kind: str) -> list[dict[str, Any]]:
    rows = [{name: _text(draw) for name in PLAIN[kind]} for _ in range(draw.choice([0, 1, 1, 2, 5, 50]))]
    for row in rows:
        if draw.random() < 0.1:
            row[draw.choice(["artist", "year", "tags", "error", "", "lyrics_c", "\ud800", "a" * 5_000])] = (
                draw.choice(VALUES)
            )
        if draw.random() < 0.05:
            row.pop(draw.choice(list(row)))
    return rows


def _params(draw: random.Random) -> Any:
    if draw.random() < 0.1:
        return draw.choice(VALUES)
    names = [
        *draw.sample(PARAMS, draw.randint(0, 3)),
        *(["q" * draw.choice([1, 9, 100_000])] if draw.random() < 0.1 else []),
    ]
    return {name: draw.choice(VALUES) for name in names}


def _json(draw: random.Random, kind: str) -> Request:
    rows, form = (
        _records(draw, kind),
        draw.choice(["dataframe_split", "dataframe_records", "inputs", "instances", "x"]),
    )
    columns = list(rows[0]) if rows else list(PLAIN[kind])
    content: Any = rows
    if form == "dataframe_split":
        content = {"columns": columns, "data": [[row.get(name) for name in columns] for row in rows]}
        if draw.random() < 0.2:
            content[draw.choice(["index", "columns", "data", "odd"])] = draw.choice(VALUES)
    elif form == "inputs" and draw.random() < 0.5:
        content = {name: [row.get(name) for row in rows] for name in columns}
    elif draw.random() < 0.1:
        content = draw.choice(VALUES)
    whole: Any = {form: content}
    if draw.random() < 0.3:
        whole["params"] = _params(draw)
    if draw.random() < 0.05:
        whole = draw.choice([rows, *VALUES])
    if draw.random() < 0.05:
        whole = {**whole, "instances": rows} if isinstance(whole, dict) else whole
    text = json.dumps(whole, ensure_ascii=draw.random() < 0.7)
    return Request(text.encode("utf-8", "surrogatepass"), {"Content-Type": JSON})


def _csv(draw: random.Random, kind: str) -> Request:
    rows, file = _records(draw, kind), io.StringIO()
    names = list(rows[0]) if rows else list(PLAIN[kind])
    lines = csv.writer(file, delimiter=draw.choice([",", ",", ",", ";", "\t"]))
    lines.writerows([names, *([row.get(name) for name in names] for row in rows)])
    body = file.getvalue().encode("utf-8", "surrogatepass")
    if draw.random() < 0.1:
        body = b"," * draw.choice([1, 5_000]) + body
    return Request(body, {"Content-Type": CSV})


def _parquet(draw: random.Random, kind: str) -> Request:
    columns: dict[str, Any] = {}
    rows = draw.choice([0, 1, 3, 20])
    for name in [*PLAIN[kind], *(["artist", "year"] if draw.random() < 0.2 else [])]:
        way = draw.choice(
            [
                "text",
                "text",
                "text",
                "number",
                "null",
                "binary",
                "list",
                "struct",
                "time",
                "dictionary",
                "large",
            ]
        )
        texts = [draw.choice(TEXTS).encode("utf-8", "replace").decode() for _ in range(rows)]
        columns[name] = {
            "text": lambda texts=texts: pa.array(texts, pa.string()),
            "number": lambda: pa.array(range(rows)),
            "null": lambda: pa.nulls(rows),
            "binary": lambda: pa.array([b"\xff\xfe"] * rows),
            "list": lambda: pa.array([["a", None]] * rows, pa.list_(pa.string())),
            "struct": lambda: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
            "time": lambda: pa.array([2**60] * rows, pa.timestamp("ns")),
            "dictionary": lambda texts=texts: pa.array(texts, pa.string()).dictionary_encode(),
            "large": lambda texts=texts: pa.array(texts, pa.large_string()),
        }[way]()
    table = pa.table(columns)
    if draw.random() < 0.3:
        odd = draw.choice(
            [b"{", b"{}", b'{"columns": []}', b'{"index_columns": ["gone"], "columns": []}', b"\xff", b"[1]"]
        )
        table = table.replace_schema_metadata({b"pandas": odd})
    file = io.BytesIO()
    pq.write_table(table, file, compression=draw.choice(["snappy", "zstd", "gzip", "none"]))
    return Request(file.getvalue(), {"Content-Type": PARQUET})


def _spoilt(draw: random.Random, kind: str) -> Request:
    request = draw.choice([_json, _csv, _parquet])(draw, kind)
    body = bytearray(request.body)
    way = draw.choice(["cut", "flip", "zeros", "noise", "empty", "deep", "wide number", "repeated keys"])
    if way == "cut":
        body = body[: draw.randint(0, len(body))]
    elif way == "flip" and body:
        for _ in range(draw.choice([1, 5, 50])):
            body[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
    elif way == "zeros":
        body = bytearray(draw.choice([1, 1_000]))
    elif way == "noise":
        body = bytearray(draw.randbytes(draw.choice([1, 100, 10_000])))
    elif way == "empty":
        body = bytearray()
    elif way == "deep":
        body = bytearray(draw.choice([b"[", b'{"inputs":', b'{"params":{"k":']) * draw.choice([10, 5_000]))
    elif way == "wide number":
        body = bytearray(b'{"inputs": ' + b"9" * draw.choice([300, 5_000]) + b"}")
    elif way == "repeated keys":
        body = bytearray(b'{"inputs": [], "inputs": {}, "params": {}, "params": null}')
    return Request(bytes(body), request.headers)


def _headers(draw: random.Random, kind: str) -> Request:
    request = draw.choice([_json, _csv, _parquet])(draw, kind)
    return Request(request.body, draw.choice(HEADERS))


def _valid(draw: random.Random, kind: str) -> Request:
    rows = [PLAIN[kind]] * draw.choice([1, 3, 100])
    params = {"k": 1} if kind == RECOMMEND else None
    body = {"dataframe_records": rows, **({"params": params} if params else {})}
    return Request(json.dumps(body).encode(), {"Content-Type": JSON}, len(rows))


FORMS: tuple[tuple[Callable[[random.Random, str], Request], int], ...] = (
    (_json, 8), (_csv, 4), (_parquet, 4), (_spoilt, 5), (_headers, 3), (_valid, 1),
)  # fmt: skip


def request(seed: int, number: int) -> tuple[str, Request]:
    """Return the request of a trial, and the kind of model that it goes to."""
    draw = draws("fuzz", seed, number)
    kind = draw.choice([COMPARE, RECOMMEND])
    [form] = draw.choices([form for form, _ in FORMS], [often for _, often in FORMS])
    return kind, form(draw, kind)


def measure(run: Run) -> Iterator[tuple[int, Told]]:
    """Send a request a trial."""
    with served.running(run.scratch, COMPARE, RECOMMEND) as (pairs, nearest):
        ports = {COMPARE: pairs.port, RECOMMEND: nearest.port}
        for number in run.numbers:
            kind, sent = request(run.seed, number)
            outcome, said = served.judged(
                served.ask(ports[kind], sent.body, sent.headers), sent.rows, sent.body
            )
            if outcome is not Outcome.WRONG and number % 100 == 99:
                plain = json.dumps({"dataframe_records": [PLAIN[kind]]}).encode()
                after = served.ask(ports[kind], plain, {"Content-Type": JSON})
                if after.status != 200:
                    outcome, said = (
                        Outcome.WRONG,
                        f"a plain request afterwards: {after.status} {after.body[:200]}",
                    )
            of_request = (
                f"{kind}, {sent.headers.get('Content-Type', 'no type')[:40]}, {len(sent.body):,} bytes"
            )
            yield number, (outcome, said if outcome is Outcome.REFUSED else f"{of_request}: {said}")
