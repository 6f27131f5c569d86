"""Bodies of requests as text: UTF-8, whatever their size, and what stands for half of an emoji."""

import codecs
import gzip
import json
import re
import zlib

import pyarrow as pa
import pytest

from neuralist.serving import requests

CSV = "text/csv"
ZSTD = pa.Codec("zstd").compress(b"moss", asbytes=True)
# Python's parser of JSON would take all of these, and others would not: what is taken must not hang on size.
SIZES = pytest.mark.parametrize("n_spaces", [0, 17 * 2**20], ids=["small", "large"])


def _texts(body: bytes, kind: str = requests.JSON) -> list[str]:
    return requests.parse(body, kind, ["lyrics"]).columns["lyrics"]


def _body(texts: bytes, n_spaces: int = 0) -> bytes:
    return b'{"inputs": [%s]}' % texts + b" " * n_spaces


@SIZES
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf_8_is_read_with_and_without_a_byte_order_mark(mark: bytes, n_spaces: int) -> None:
    text = json.dumps("moss 苔 мох 🌿", ensure_ascii=False).encode()
    assert _texts(mark + _body(text, n_spaces)) == ["moss 苔 мох 🌿"]


@SIZES
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf_16_and_utf_32_are_refused(encoding: str, n_spaces: int) -> None:
    body = _body(b'"moss"').decode().encode(encoding) + b" " * n_spaces
    for kind in (requests.JSON, CSV):
        with pytest.raises(ValueError, match=r"^received a text in UTF-16 or UTF-32; send UTF-8$"):
            requests.parse(body, kind, ["lyrics"])


@SIZES
@pytest.mark.parametrize(
    "text",
    [
        "Björn".encode("latin-1"),
        "мох".encode("cp1251"),
        b"\xed\xa0\xbd",  # half an emoji, which UTF-8 has no bytes for
        b"\xf0\x9f\x8c",  # an emoji that was cut in its bytes
        b"\xc0\xaf",  # "/", longer than it has to be
    ],
)
def test_what_is_no_utf_8_is_refused(text: bytes, n_spaces: int) -> None:
    with pytest.raises(ValueError, match=r"^the body cannot be read as JSON in UTF-8 "):
        _texts(_body(b'"%s"' % text, n_spaces))
    with pytest.raises(ValueError, match=r"^the body cannot be read as text/csv .*UTF8"):
        _texts(b"lyrics\n%s\n" % text, CSV)


@SIZES
@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"moss \ud83c", "moss �"),
        (rb"\uDF3F moss", "� moss"),
        (rb"\ud83c\ud83c\udf3f\udf3f", "�🌿�"),
        (rb"\udf3f\ud83c", "��"),
        (rb"\ud83c\u0041\ud83c\n", "�A�\n"),
        (rb"\\ud83c\\\ud83c\\", "\\ud83c\\�\\"),  # behind an escaped backslash stand letters
    ],
)
def test_half_an_emoji_is_read_as_no_character(escaped: bytes, text: str, n_spaces: int) -> None:
    assert _texts(_body(b'"%s", "\\ud83c\\udf3f"' % escaped, n_spaces)) == [text, "🌿"]


def test_more_halves_of_emojis_than_a_request_may_have_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("read as JSON in UTF-8 (lone leading surrogate")):
        _texts(_body(b'"' + rb"\udf3f" * 100_001 + b'"'))
    assert _texts(_body(b'"' + rb"\udf3f" * 100_000 + b'"')) == ["�" * 100_000]


def test_half_an_emoji_mends_no_other_fault() -> None:
    for fault in (b"\x01", b'", ', rb"\x", b"\xff"):
        with pytest.raises(ValueError, match=r"^the body cannot be read as JSON"):
            _texts(_body(rb'"\ud83c' + fault + b'"'))


def test_a_value_is_read_as_python_reads_json() -> None:
    """Of texts, numbers and names that come twice; json.loads is the independent reader."""
    body = _body(rb'"\"\\\/\b\f\n\r\t\u00e9\u0000", "", -0, 1.5e3, 12345678901234567890123, true, null')
    columns = requests.parse(body, requests.JSON, ["lyrics"]).columns
    assert columns == {"lyrics": json.loads(body)["inputs"]}
    twice = b'{"inputs": [], "inputs": ["moss"]}'
    assert _texts(twice) == json.loads(twice)["inputs"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8; x=y",
        "application/json;odata=verbose;charset=UTF-8",
        "application/json; charset=UTF8",
        "APPLICATION/JSON;",
    ],
)
def test_a_content_type_is_known_among_other_parameters(kind: str) -> None:
    assert _texts(_body(b'"moss"'), kind) == ["moss"]


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("application/json; x=y; charset=latin-1", "send UTF-8"),
        ("application/json; charset=utf-8; charset=utf-16", "send UTF-8"),
        ("application/json; charset*=latin-1''x", "send UTF-8"),
        ("multipart/form-data; boundary=x", "send application/json, text/csv or"),
        ("application/json, text/csv", "send application/json, text/csv or"),
    ],
)
def test_another_content_type_or_charset_is_refused_with_the_fix(kind: str, fix: str) -> None:
    with pytest.raises(ValueError, match=r"^content type: received ") as refused:
        _texts(_body(b'"moss"'), kind)
    assert f"; {fix}" in str(refused.value)


@pytest.mark.parametrize("kind", [requests.JSON, CSV, requests.PARQUET])
@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"moss"), zlib.compress(b"moss"), zlib.compress(b"moss", 9), ZSTD],
    ids=["gzip", "deflate", "deflate at its best", "zstd"],
)
def test_a_compressed_body_is_named_as_such(packed: bytes, kind: str) -> None:
    message = r"^received a compressed body; send it as it is, without Content-Encoding$"
    with pytest.raises(ValueError, match=message):
        _texts(packed, kind)


@pytest.mark.parametrize("params", ["false", "0", '""', "[]"])
def test_params_that_are_no_object_are_refused_even_where_they_are_nothing(params: str) -> None:
    with pytest.raises(ValueError, match=r"^params: received .*; give a JSON object$"):
        requests.parse(b'{"inputs": ["moss"], "params": %s}' % params.encode(), None, ["lyrics"])


def test_a_column_that_is_sent_twice_is_not_chosen_by_chance() -> None:
    split = b'{"columns": ["lyrics", "id", "lyrics"], "data": [["moss", 1, "fern"]]}'
    with pytest.raises(ValueError, match=r"^dataframe_split: received two columns lyrics; send each once$"):
        requests.parse(b'{"dataframe_split": %s}' % split, None, ["lyrics"])
