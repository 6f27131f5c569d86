"""Bodies of requests of at most 64 MB that a careless reader grows to gigabytes, or reads for minutes.

Also small ones whose answers are large.

The nastiest parquet files are written byte by byte, for no library writes a footer of a million columns, or a
page that says another size than the footer. https://parquet.apache.org/docs/file-format names the fields.
"""

import io
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
MB = 10**6
LONG = 200 * MB  # of a text that is packed into less than one
LARGE = 62 * MB  # of a body that fills what the proxy lets through, 64 MiB
# Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_BYTE_ARRAY, _PLAIN, _RLE, _ZSTD = 6, 0, 3, 6  # of parquet

Bombs = dict[str, tuple[Callable[[], bytes], str]]


class I64(int):
    """A number that is written as i64; an int is written as i32."""


class List(bytes):
    """A list that is written already."""


def thrift(fields: dict[int, Any]) -> bytes:
    """A struct by the numbers of its fields: numbers, texts, structs, and lists of one of these."""
    out, last = b"", 0
    for number, value in sorted(fields.items()):
        out += bytes([(number - last) << 4 | _kind(value)]) + _value(value)
        last = number
    return out + b"\x00"


def list_of(n: int, kind: int, content: bytes) -> List:
    """A list of `n` values of a kind, whose bytes are given."""
    head = bytes([n << 4 | kind]) if n < 15 else bytes([15 << 4 | kind]) + _varint(n)
    return List(head + content)


def _kind(value: Any) -> int:
    return {I64: _I64, int: _I32, bytes: _BINARY, str: _BINARY, dict: _STRUCT}.get(type(value), _LIST)


def _value(value: Any) -> bytes:
    if isinstance(value, List):
        return value
    if isinstance(value, int):
        return _varint(value << 1)  # zigzag; none is below 0
    if isinstance(value, bytes | str):
        content = value if isinstance(value, bytes) else value.encode()
        return _varint(len(content)) + content
    if isinstance(value, dict):
        return thrift(value)
    return list_of(len(value), _kind(value[0]), b"".join(map(_value, value)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def parquet_file(pages: bytes, footer: dict[int, Any]) -> bytes:
    """A file of pages, the first of which begins at byte 4, and a footer."""
    written = thrift(footer)
    return b"PAR1" + pages + written + struct.pack("<I", len(written)) + b"PAR1"


def footer(
    names: Sequence[str], chunks: list[dict[int, Any]], n_rows: int, groups: int = 1
) -> dict[int, Any]:
    """A footer of columns of texts without nulls; all row groups have the same chunks."""
    leaves = [{1: _BYTE_ARRAY, 3: 0, 4: name, 6: 0} for name in names]
    group = {1: chunks, 2: I64(100), 3: I64(n_rows)}
    return {1: 2, 2: [{4: "schema", 5: len(names)}, *leaves], 3: I64(n_rows * groups), 4: [group] * groups}


def chunk(name: str, size: int, n_values: int, codec: int = 0) -> dict[int, Any]:
    """A column's chunk at byte 4, as a footer has it; it says that it takes as much unpacked as packed."""
    sizes = {5: I64(n_values), 6: I64(size), 7: I64(size), 9: I64(4)}
    return {2: I64(4), 3: {1: _BYTE_ARRAY, 2: [_PLAIN, _RLE], 3: [name], 4: codec} | sizes}


def data_page(content: bytes, n_values: int, unpacked: int, encoding: int = _PLAIN) -> bytes:
    """A page of values without nulls, behind its header."""
    values = {1: n_values, 2: encoding, 3: _RLE, 4: _RLE}
    return thrift({1: 0, 2: unpacked, 3: len(content), 5: values}) + content


def table(columns: dict[str, Any], **options: Any) -> bytes:
    """A parquet file, as pyarrow writes it."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def repeated(value: Any, n: int) -> pa.DictionaryArray:
    """A column of one value in `n` rows, which is held once."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([value]))


def filled(start: bytes, item: bytes, end: bytes) -> bytes:
    """A body of 62 MB: the item as often as it fits."""
    return start + item * ((LARGE - len(start) - len(end)) // len(item)) + end


def small(columns: Sequence[str]) -> Bombs:
    """Bodies of at most 7 MB: what makes each, and its content type.

    Args:
        columns: the columns of texts that the model asks for.
    """
    rain = {name: ["rain"] for name in columns}
    record = json.dumps({"dataframe_records": [dict.fromkeys(columns, "rain")]}).encode()[:-1]

    def of_all(column: Any, **options: Any) -> bytes:
        return table(
            dict.fromkeys(columns, column), **{"compression": "zstd", "store_schema": False} | options
        )

    def many_long() -> bytes:
        texts = pa.array([f"{number:05}" + "a" * 98_000 for number in range(500)])
        return of_all(texts, use_dictionary=False, write_statistics=False)

    def long_page() -> bytes:
        text = struct.pack("<I", LONG) + b"a" * LONG
        page = data_page(pa.Codec("zstd").compress(text, asbytes=True), 1, len(text))
        chunks = [chunk(name, len(page), 1, _ZSTD) for name in columns]
        return parquet_file(page, footer(columns, chunks, 1))

    def shared_chunk() -> bytes:
        page = data_page(struct.pack("<I", 98_000) + b"a" * 98_000, 1, 98_004)
        chunks = [chunk(name, len(page), 1) for name in columns]
        return parquet_file(page, footer(columns, chunks, 1, groups=900))

    def many_values() -> bytes:
        lists = pa.ListArray.from_arrays(pa.array([0, 20 * MB], pa.int32()), repeated("soul", 20 * MB))
        return table(rain | {"tags": lists}, store_schema=False)

    def deep_schema(levels: int) -> bytes:
        # pyarrow calls itself for each level: 3,900 of them, in 60 kB, end the process.
        leaves = [{1: _BYTE_ARRAY, 3: 0, 4: name, 6: 0} for name in columns]
        groups = [{3: 2, 4: "tags", 5: 1}] * levels
        schema = [{4: "schema", 5: len(columns) + 1}, *leaves, *groups, {1: _BYTE_ARRAY, 3: 0, 4: "tags"}]
        chunks = [chunk(name, 0, 0) for name in columns]
        deep = chunk("tags", 0, 0)
        deep[3][3] = ["tags"] * (levels + 1)
        group = {1: [*chunks, deep], 2: I64(0), 3: I64(0)}
        return parquet_file(b"", {1: 2, 2: schema, 3: I64(0), 4: [group]})

    def deep_lists(depth: int) -> bytes:
        column: Any = pa.array(["soul"])
        for _ in range(depth):
            column = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), column)
        return table(rain | {"tags": column}, store_schema=False)

    def odd_pandas() -> bytes:
        odd = {"index_columns": ["no such"], "columns": [], "column_indexes": [{}]}
        noted = pa.table(rain).replace_schema_metadata({b"pandas": json.dumps(odd).encode()})
        file = io.BytesIO()
        pq.write_table(noted, file)
        return file.getvalue()

    def many_names() -> bytes:
        return record + b', "params": {' + b",".join(b'"%07x":1' % n for n in range(100_000)) + b"}}"

    wide = ",".join([*columns, *map(str, range(300_000))]).encode() + b"\nrain,rain\n"
    deep = 100_000
    tags = ",".join(f"{number:x}" for number in range(20_000))
    return {
        "parquet: one text in 10,000 rows": (lambda: of_all(repeated("a" * 98_000, 10_000)), PARQUET),
        "parquet: bytes of a fixed length": (
            lambda: of_all(pa.array([b"a" * MB] * 50, pa.binary(MB))),
            PARQUET,
        ),
        "parquet: 500 long texts": (many_long, PARQUET),
        "parquet: a page of 200 MB that the footer does not tell of": (long_page, PARQUET),
        "parquet: each text as the one before": (
            lambda: of_all(
                pa.array(["a" * 98_000] * 1_000),
                use_dictionary=False,
                column_encoding=dict.fromkeys(columns, "DELTA_BYTE_ARRAY"),
            ),
            PARQUET,
        ),
        "parquet: 900 row groups of one page": (shared_chunk, PARQUET),
        "parquet: a list of 20,000,000 tags": (many_values, PARQUET),
        "parquet: 20,000 tags in 10,000 rows": (
            lambda: table(
                {name: repeated("rain", 10_000) for name in columns} | {"tags": repeated(tags, 10_000)}
            ),
            PARQUET,
        ),
        "parquet: 3,000 columns": (lambda: table(rain | {str(n): [1] for n in range(3_000)}), PARQUET),
        "parquet: a schema of 900 levels": (lambda: deep_schema(900), PARQUET),
        "parquet: a schema of 3,900 levels": (lambda: deep_schema(3_900), PARQUET),
        "parquet: a schema of 50,000 levels": (lambda: deep_schema(50_000), PARQUET),
        "parquet: lists of 300 levels": (lambda: deep_lists(300), PARQUET),
        "parquet: odd notes of pandas": (odd_pandas, PARQUET),
        "csv: a header of 300,000 columns": (lambda: wide, CSV),
        "json: lists of 100,000 levels": (lambda: b"[" * deep + b"]" * deep, JSON),
        "json: objects of 100,000 levels": (
            lambda: b'{"inputs":' + b'{"a":' * deep + b"1" + b"}" * deep + b"}",
            JSON,
        ),
        "json: a param of 900 levels": (
            lambda: record + b', "params": {"k":' + b"[" * 900 + b"]" * 900 + b"}}",
            JSON,
        ),
        "json: 100,000 names of params": (many_names, JSON),
    }


def large(columns: Sequence[str]) -> Bombs:
    """Bodies of 62 MB: what makes each, and its content type.

    Args:
        columns: the columns of texts that the model asks for.
    """
    first, header = columns[0].encode(), ",".join(columns).encode() + b"\n"
    record = json.dumps({"dataframe_records": [dict.fromkeys(columns, "rain")]}).encode()[:-1]
    text = b'{"dataframe_records": [{"%s": "' % first

    def many_chunks() -> bytes:
        one = thrift({2: I64(4)})
        group = b"\x19" + list_of(900_000, _STRUCT, one * 900_000) + b"\x16\x02\x16\x02\x00"
        n = LARGE // len(group)
        schema = [{4: "schema", 5: 1}, {1: _BYTE_ARRAY, 3: 0, 4: first}]
        return parquet_file(b"", {1: 2, 2: schema, 3: I64(1), 4: list_of(n, _STRUCT, group * n)})

    def many_pages() -> bytes:
        page = data_page(b"", 0, 0)
        pages = page * (LARGE // len(page))
        return parquet_file(pages, footer(columns, [chunk(name, len(pages), 1) for name in columns], 1))

    def wide_rows(escaped: str = "") -> bytes:
        row = dict.fromkeys(columns, f"🌧{escaped}" + "a " * 45000)
        return filled(
            b'{"dataframe_records": [', json.dumps(row, ensure_ascii=False).encode() + b",", b"{}]}"
        )

    def long_text() -> bytes:
        column = repeated("a" * 30 * MB, 10_000)
        return table(dict.fromkeys(columns, column), compression="none", write_statistics=False)

    rain = "\N{CLOUD WITH RAIN}".encode()  # a text with one such character takes four bytes for each
    items = {
        "numbers": b"1,",
        "floats": b"1.5,",
        "lists": b"[],",
        "objects": b'{"":0},',
        "texts": b'"ab",',
        "objects of objects": b'{"a":{}},',
    }
    return {
        "parquet: one text of 30 MB in 10,000 rows": (long_text, PARQUET),
        "parquet: a footer of millions of chunks": (many_chunks, PARQUET),
        "parquet: millions of empty pages": (many_pages, PARQUET),
        "parquet: nothing": (lambda: b"PAR1" + bytes(LARGE) + b"PAR1", PARQUET),
        "csv: a header": (lambda: filled(b"", b"ab,", b"\n"), CSV),
        "csv: rows": (lambda: filled(header, b"a,b\n", b""), CSV),
        "csv: one row": (lambda: filled(header, b"ab,", b"\n"), CSV),
        "csv: one row of many lines": (lambda: filled(header, b'"a\n",', b"\n"), CSV),
        "csv: one cell": (lambda: filled(header, b"a", b"\n"), CSV),
        "csv: one quoted cell": (lambda: filled(header + b'"', b"a\n", b'"\n'), CSV),
        "csv: one cell with an emoji": (lambda: filled(header + rain, b"a", b"\n"), CSV),
        **{
            f"json: {name}": (lambda item=item: filled(b'{"inputs": [', item, b"1]}"), JSON)
            for name, item in items.items()
        },
        "json: names": (
            lambda: b'{"inputs": [{' + b",".join(b'"%07x":1' % n for n in range(LARGE // 12)) + b"}]}",
            JSON,
        ),
        "json: one text": (lambda: filled(text, b"a", b'"}]}'), JSON),
        "json: one text with an emoji": (lambda: filled(text + rain, b"a", b'"}]}'), JSON),
        "json: one text with an emoji and an escape": (
            lambda: filled(text + rain + rb"\n", b"a", b'"}]}'),
            JSON,
        ),
        "json: texts with an emoji": (wide_rows, JSON),
        "json: texts with an emoji, and headers that are removed": (lambda: wide_rows("\n[Chorus]\n"), JSON),
        "json: one number": (lambda: filled(b'{"inputs": [', b"1", b"]}"), JSON),
        "json: one fraction": (lambda: filled(b'{"inputs": [0.', b"1", b"]}"), JSON),
        "json: a param": (lambda: filled(record + b', "params": {"k": "', b"a", b'"}}'), JSON),
        "json: quotes": (lambda: filled(b"", b'"', b""), JSON),
        "json: halves of emojis": (lambda: filled(text, rb"\udf3f", b'"}]}'), JSON),
        "json: a half of an emoji, and backslashes": (
            lambda: filled(text + rb"\udf3f", rb"\\", b'"}]}'),
            JSON,
        ),
        "json: backslashes": (lambda: filled(b'{"inputs": "', b"\\", b""), JSON),
        "json: spaces": (lambda: filled(b"", b" ", b""), JSON),
    }


def large_answers(columns: Sequence[str]) -> Bombs:
    """Bodies of many rows whose answers are as large as they may be; with facts or filters for one column.

    Each is another text that ends in moss.
    """
    is_pairs = len(columns) > 1
    texts = [f"word{number} moss" for number in range(10_000)]
    facts = {"year": [1990 + number % 20 for number in range(1_000)], "tags": ["folk; quiet"] * 1_000}
    some = dict.fromkeys(columns, texts[:1_000]) | ({} if is_pairs else facts)

    def in_json(n: int, params: dict[str, Any]) -> bytes:
        content = {"inputs": dict.fromkeys(columns, texts[:n]), "params": {} if is_pairs else params}
        return json.dumps(content).encode()

    def in_csv(rows: dict[str, Any]) -> bytes:
        cells = zip(*(map(str, column) for column in rows.values()), strict=True)
        return "\n".join([",".join(rows), *map(",".join, cells)]).encode()

    filters = {"min_year": 1990, "exclude_artist": "Anna", "language": "de"}
    return {
        "json: 10,000 rows": (lambda: in_json(10_000, {}), JSON),
        "json: 1,000 rows and the most songs": (lambda: in_json(1_000, {"k": 100} | filters), JSON),
        "csv: 10,000 rows": (lambda: in_csv(dict.fromkeys(columns, texts)), CSV),
        "csv: 1,000 rows with facts": (lambda: in_csv(some), CSV),
        "parquet: 10,000 rows": (lambda: table(dict.fromkeys(columns, texts)), PARQUET),
        "parquet: 1,000 rows with facts": (lambda: table(some), PARQUET),
    }


def bombs(columns: Sequence[str]) -> Bombs:
    """All bodies."""
    return small(columns) | large(columns)
