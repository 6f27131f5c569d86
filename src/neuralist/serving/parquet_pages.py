"""What the pages of a parquet file take once unpacked, read from their headers before anything is unpacked.

pyarrow unpacks a page of any size, and the sizes in the footer bind nobody: a megabyte may be a page of
gigabytes. pyarrow goes by each page's own header, and does not show it. It is a struct in Thrift's compact
protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), PageHeader of
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _BINARY, _STRUCT = 1, 2, 3, 4, 5, 6, 8, 12
_DATA, _DICTIONARY, _DATA_2 = 5, 7, 8  # the fields of a page header that describe its values
_ENCODING = {_DATA: 2, _DICTIONARY: 2, _DATA_2: 4}
_LONGEST_HEADER = 2**16  # it holds a few numbers, and perhaps the least and greatest value, cut
_DEEPEST = 4


class Page(NamedTuple):
    """A page, as its header describes it."""

    unpacked: int  # bytes, of which pyarrow allocates as many
    n_values: int  # with nulls
    encoding: int | None  # by parquet's numbers; None of a page that holds no values
    is_dictionary: bool


def pages(body: bytes, start: int, length: int) -> Iterator[Page]:
    """Yield the pages of a column chunk.

    Args:
        body: the file.
        start: of the chunk, in bytes.
        length: of the chunk, in bytes.

    Raises:
        pa.ArrowInvalid: a header is damaged, or the chunk lies outside of the file.
    """
    if not 0 <= start <= start + length <= len(body):
        raise pa.ArrowInvalid("a column lies outside of the file")
    at, end = start, start + length
    while at < end:
        header, at = _Header(body, at, min(end, at + _LONGEST_HEADER)).read()
        unpacked, packed = header.get(2), header.get(3)
        if not isinstance(unpacked, int) or not isinstance(packed, int) or min(unpacked, packed) < 0:
            raise pa.ArrowInvalid("a page without a size")
        kind = next((kind for kind in _ENCODING if isinstance(header.get(kind), dict)), None)
        values = {} if kind is None else header[kind]
        n_values = values.get(1) or 0
        if n_values < 0:
            raise pa.ArrowInvalid("a page of fewer than no values")
        encoding = None if kind is None else values.get(_ENCODING[kind])
        yield Page(unpacked, n_values, encoding, kind == _DICTIONARY)
        at += packed


class _Header:
    """Reads a struct of Thrift's compact protocol; the fields that no page header has are refused."""

    def __init__(self, body: bytes, at: int, end: int) -> None:
        self._body, self._at, self._end = body, at, end

    def read(self) -> tuple[dict[int, Any], int]:
        """Return the fields by number, and the place behind the struct.

        Numbers are int, structs dict, and what a binary field or a truth value holds is left out.
        """
        return self._struct(1), self._at

    def _struct(self, depth: int) -> dict[int, Any]:
        if depth > _DEEPEST:
            raise pa.ArrowInvalid("a page header of too many levels")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            # pyarrow would take one of two, perhaps the other one.
            if number in fields:
                raise pa.ArrowInvalid("a page header that says a thing twice")
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_I32, _I64, _I16):
            value = self._integer()
            # As a number of another width it is none of the fields that are looked at.
            return value if kind == _I32 else None
        if kind == _STRUCT:
            return self._struct(depth + 1)
        if kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind == _BYTE:
            self._byte()
        elif kind not in (_TRUE, _FALSE):
            raise pa.ArrowInvalid("a page header with an unknown field")
        return None

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)  # zigzag: 0, -1, 1, -2, ...

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise pa.ArrowInvalid("a page header with a number of too many bytes")

    def _byte(self) -> int:
        if self._at >= self._end:
            raise pa.ArrowInvalid("a page header without an end")
        self._at += 1
        return self._body[self._at - 1]
