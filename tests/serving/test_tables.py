"""Tables of requests: CSV and parquet, read by column and within limits."""

import io
import struct
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.serving import bombs

from neuralist.serving import parquet_pages, tables

COLUMNS = ["lyrics"]
FACTS = ["artist", "year", "tags"]


def _parquet(columns: dict[str, Any], **options: Any) -> bytes:
    return bombs.table(columns, **options)


def test_a_csv_is_read_by_column_as_text() -> None:
    body = 'id,lyrics,year\n1,"moss, and ""fern""\nstone",1996\n\n2,NA,\n'.encode("utf-8-sig")
    expected = {"lyrics": ['moss, and "fern"\nstone', "NA"], "year": ["1996", ""]}
    assert tables.from_csv(body, COLUMNS, FACTS) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_csv_may_end_in_any_way(end: str) -> None:
    body = end.join(["lyrics", "moss", "fern"]).encode()
    assert tables.from_csv(body, COLUMNS, FACTS) == {"lyrics": ["moss", "fern"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("lyrics,b\nmoss,fern\nmoss,fern,stone\n", "Row #3: Expected 2 columns, got 3"),
        ("lyrics,b\nmoss\n", "Row #2: Expected 2 columns, got 1"),
        ('lyrics,b\nmoss,"fern\nmoss,stone\n', "a quotation mark is not closed"),
        ("lyrics,lyrics\nmoss,fern\n", "it has two columns lyrics"),
        ("", "column lyrics missing"),
        ("lyrics\n" + "moss\n" * 10_001, "received over 10,000 rows; send at most 10,000"),
        (",".join(["lyrics", *map(str, range(500))]), "received 501 columns; send at most 500"),
        ("lyrics" + "s" * 2_000_000, "column lyrics missing"),
        ('lyrics\nmoss\n"' + "moss\n" * 500_000 + '"', "a row has over 1,000,000 bytes"),
        ("lyrics,b\nmoss,b\n" + "m," * 1_000_001, "a row has over 1,000,000 bytes"),
    ],
)
def test_a_csv_beyond_a_limit_is_refused(body: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        tables.from_csv(body.encode(), COLUMNS, FACTS)


def test_a_row_of_two_of_the_longest_texts_is_read() -> None:
    text = "🌿" * 100_000
    body = "lyrics,b\n" + f"{text},{text}\n" * 5
    assert tables.from_csv(body.encode(), COLUMNS, FACTS) == {"lyrics": [text] * 5}


def test_blank_lines_of_a_csv_are_no_rows() -> None:
    assert tables.from_csv(b"\n\nlyrics\n\nmoss\n\n", COLUMNS, FACTS) == {"lyrics": ["moss"]}


def test_a_csv_may_have_no_rows() -> None:
    assert tables.from_csv(b"lyrics\n", COLUMNS, FACTS) == {"lyrics": []}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "none", "row_group_size": 1},
        {"column_encoding": {"lyrics": "DELTA_LENGTH_BYTE_ARRAY"}, "use_dictionary": False},
        {"store_schema": False},
    ],
)
def test_a_parquet_file_of_any_writing_is_read_by_column(options: dict[str, Any]) -> None:
    columns = {
        "lyrics": ["moss", "moss", None, "fern 🌿"],
        "year": [1996, None, 2000, 2001],
        "tags": [["soul", "70s"], None, [], ["soul"]],
        "other": ["a", "b", "c", "d"],
    }
    table = _parquet(columns, **options)
    del columns["other"]
    assert tables.from_parquet(table, COLUMNS, FACTS) == columns


def test_categories_and_an_index_of_pandas_are_read() -> None:
    frame = pd.DataFrame(
        {"lyrics": pd.Categorical(["moss", None, "fern"]), "year": [1.0, 2.0, None]}, index=[3, 1, 2]
    )
    file = io.BytesIO()
    frame.to_parquet(file)
    answer = tables.from_parquet(file.getvalue(), COLUMNS, FACTS)
    assert answer == {"lyrics": ["moss", None, "fern"], "year": [1.0, 2.0, None]}


def test_equal_texts_of_a_parquet_file_are_one_object() -> None:
    [first, second] = tables.from_parquet(_parquet({"lyrics": ["moss " * 9, "moss " * 9]}), COLUMNS, FACTS)[
        "lyrics"
    ]
    assert first is second


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"lyrics": ["moss"] * 10_001}, "received 10,001 rows; send at most 10,000"),
        ({"lyrics": ["moss"]} | {str(n): [1] for n in range(500)}, "received 501 columns; send at most 500"),
        ({"lyric": ["moss"]}, "column lyrics missing; send lyrics"),
        (
            {"lyrics": ["moss", "x" * 400_001]},
            "row 2 of 2, column lyrics: received 400,001 characters; a text may have 100,000",
        ),
        (
            {"lyrics": ["moss"] * 3, "tags": [[], ["a"], ["b", "é" * 200_001]]},
            "row 3 of 3, column tags: received 200,001 characters; a text may have 100,000",
        ),
        ({"lyrics": [{"a": 1}]}, "column lyrics: received struct<a: int64>; send texts"),
        (
            {"lyrics": ["moss"], "tags": [[["a"]]]},
            "column tags: received list<element: list<element: string>>;",
        ),
    ],
)
def test_a_parquet_file_beyond_a_limit_is_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tables.from_parquet(_parquet(columns), COLUMNS, FACTS)


def test_a_text_that_is_too_long_is_named_where_no_dictionary_holds_it() -> None:
    body = _parquet({"lyrics": ["moss", "x" * 400_001]}, use_dictionary=False)
    with pytest.raises(ValueError, match=r"^row 2 of 2, column lyrics: received 400,001 characters"):
        tables.from_parquet(body, COLUMNS, FACTS)


@pytest.mark.parametrize("indices", [[1, None, 3, 1], [3, 2, 1, 0], [None, None]])
def test_what_no_row_has_of_a_dictionary_is_left_out(indices: list[int | None]) -> None:
    texts = ["fern", "moss", "stone", "rain"]
    column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(texts))
    expected = [None if index is None else texts[index] for index in indices]
    assert tables.from_parquet(_parquet({"lyrics": column}), COLUMNS, FACTS) == {"lyrics": expected}
    unused = pa.array([*texts, "x" * 500_000])  # of any length
    column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), unused)
    assert tables.from_parquet(_parquet({"lyrics": column}), COLUMNS, FACTS) == {"lyrics": expected}


def test_two_columns_of_one_name_are_refused() -> None:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["lyrics", "lyrics"]), file)
    with pytest.raises(ValueError, match="it has two columns lyrics"):
        tables.from_parquet(file.getvalue(), COLUMNS, FACTS)


def _pages(*headers: bytes) -> list[parquet_pages.Page]:
    body = b"".join(headers)
    return list(parquet_pages.pages(body, 0, len(body)))


def test_pages_say_what_they_take_unpacked_and_how_many_values_they_hold() -> None:
    statistics = {1: b"moss", 2: b"fern", 3: bombs.I64(0)}
    dictionary = bombs.thrift({1: 2, 2: 800, 3: 3, 7: {1: 20, 2: 2}}) + b"abc"
    first = bombs.thrift({1: 0, 2: 2**31 - 1, 3: 0, 4: 77, 5: {1: 300, 2: 8, 3: 3, 4: 3, 5: statistics}})
    second = bombs.thrift({1: 3, 2: 5, 3: 1, 8: {1: 7, 2: 0, 3: 7, 4: 0, 5: 0, 6: 0}}) + b"x"
    assert _pages(dictionary, first, second) == [
        (800, 20, 2, True),
        (2**31 - 1, 300, 8, False),
        (5, 7, 0, False),
    ]


def _field(number: int, kind: int, content: bytes) -> bytes:
    return bytes([number << 4 | kind]) + content


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x15",
        bombs.thrift({1: 0, 2: 5}),
        bombs.thrift({1: 0, 2: bombs.I64(5), 3: 0}),  # of a type that pyarrow takes for no size
        _field(2, 5, b"\x0a") + _field(0, 5, b"\x04\x0a"),  # the size twice
        _field(2, 5, b"\x09") + b"\x15\x00\x00",  # -5 bytes
        _field(2, 5, b"\xff" * 11),
        _field(2, 9, b"\x05"),  # a list, which no header has
        b"\x1c" * 100,
        bombs.thrift({1: 0, 2: 1, 3: 1, 9: b"x" * 70_000}),
    ],
)
def test_a_damaged_page_header_is_refused(header: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid):
        list(parquet_pages.pages(header or b"\x00", 0, max(len(header), 1)))


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 9), (9, 1), (2, -1)])
def test_a_column_outside_of_the_file_is_refused(start: int, length: int) -> None:
    with pytest.raises(pa.ArrowInvalid, match="a column lies outside of the file"):
        list(parquet_pages.pages(b"12345", start, length))


def test_what_pyarrow_would_allocate_is_what_is_counted() -> None:
    # A page's header says 100 MB and its column's footer 20 bytes: pyarrow goes by the header.
    page = bombs.data_page(struct.pack("<I", 4) + b"moss", 1, 100 * bombs.MB)
    body = bombs.parquet_file(page, bombs.footer(COLUMNS, [bombs.chunk("lyrics", len(page), 1)], 1))
    with pytest.raises(ValueError, match="received over 67,108,864 bytes of columns, unpacked"):
        tables.from_parquet(body, COLUMNS, FACTS)


def test_a_page_behind_its_column_is_refused() -> None:
    """Of this writer's files pyarrow reads 100 bytes more than the footer says: room for 50 MB, packed."""
    page = bombs.data_page(struct.pack("<I", 4) + b"moss", 1, 8)
    footer = bombs.footer(COLUMNS, [bombs.chunk("lyrics", 0, 1)], 1) | {6: "parquet-mr version 1.2.8"}
    body = bombs.parquet_file(page, footer)
    assert pq.read_table(io.BytesIO(body)).to_pydict() == {"lyrics": ["moss"]}
    with pytest.raises(pa.ArrowInvalid, match="column lyrics lacks values that its footer tells of"):
        tables.from_parquet(body, COLUMNS, FACTS)


def test_a_file_written_byte_by_byte_is_read() -> None:
    """The bombs of tests.serving.bombs are files but for their sizes."""
    page = bombs.data_page(struct.pack("<I", 4) + b"moss", 1, 8)
    body = bombs.parquet_file(page, bombs.footer(COLUMNS, [bombs.chunk("lyrics", len(page), 1)], 1))
    assert tables.from_parquet(body, COLUMNS, FACTS) == {"lyrics": ["moss"]}
