"""Read the table of a request from CSV or parquet: the columns asked for, within limits.

A body of a few hundred bytes may stand for gigabytes, and one of 64 MB for tens of them. So sizes are looked
at before what they describe is read, and a table is read by rows, or as the dictionary that it came with.
"""

import csv
import io
import itertools
import struct
from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from neuralist.excerpts import excerpt
from neuralist.serving import parquet_pages
from neuralist.serving.lyrics import MAX_CHARACTERS, too_long

MAX_ROWS = 10_000  # of a request
MAX_COLUMNS = 500  # of a table, with those that are not read
MAX_BYTES = 64 * 2**20  # of a request, and of the columns of a parquet file, unpacked
# Of CSV, which is read by as many: a pair of the longest texts, of four bytes a character, and other columns.
MAX_ROW_BYTES = 1_000_000
# A footer describes each column of each row group in some 200 bytes. For the shortest one pyarrow takes
# 200 times its size.
MAX_FOOTER_BYTES = 2**20
# Of a list in it: row groups, columns, parts of the schema. pyarrow calls itself for each level of a schema,
# and 3,900 levels end the process.
MAX_FOOTER_ITEMS = 1_000
MAX_PAGES = 10_000
MAX_VALUES = 1_000_000  # of a column with lists of texts, and of a dictionary
_PLAIN = 0
_DELTA_LENGTH = 6  # texts in a row, behind their lengths
_DELTA_BYTE_ARRAY = 7  # texts as what each shares with the one before, which may be all of it
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)


def check_columns(names: Any, required: Sequence[str], prefix: str = "") -> None:
    """Check that a table has all input columns.

    Raises:
        ValueError: columns are missing; the message starts with `prefix`.
    """
    missing = [name for name in required if name not in names]
    if missing:
        raise ValueError(f"{prefix}column {' and '.join(missing)} missing; send {' and '.join(required)}")


def check_rows(n: int) -> None:
    """Check the number of rows of a request.

    Raises:
        ValueError: there are more than MAX_ROWS.
    """
    if n > MAX_ROWS:
        raise ValueError(f"received {n:,} rows; send at most {MAX_ROWS:,} in a request")


def present(sent: Collection[str], required: Sequence[str], optional: Sequence[str]) -> list[str]:
    """Return the required columns, and those of the optional ones that were sent."""
    return [*required, *(name for name in optional if name in sent)]


def _check_number_of_columns(n: int) -> None:
    if n > MAX_COLUMNS:
        raise ValueError(
            f"received {n:,} columns; send at most {MAX_COLUMNS:,}, for others than those of the "
            "model are not read"
        )


def from_csv(body: bytes, required: Sequence[str], optional: Sequence[str]) -> dict[str, list[Any]]:
    """Read columns of a CSV file in UTF-8 whose first line names them; every cell is text, also NA and 5.

    Args:
        body: the file.
        required: columns that it must have.
        optional: columns that it may have.

    Returns:
        The columns by name.

    Raises:
        ValueError: the file lacks a column, or is beyond a limit.
        csv.Error: it cannot be read; likewise pa.ArrowInvalid, also where a row lacks a cell or is too long.
    """
    if body.count(b'"') % 2:  # pyarrow would take what follows for the cell
        raise csv.Error("a quotation mark is not closed; in a cell it is written twice, and the cell quoted")
    names = _csv_names(body)
    _check_number_of_columns(len(names))
    check_columns(names, required)
    wanted = present(names, required, optional)
    for name in wanted:
        _check_once(names, name)
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    try:
        for batch in arrow_csv.open_csv(
            pa.BufferReader(body),
            arrow_csv.ReadOptions(use_threads=False, block_size=MAX_ROW_BYTES),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted),
        ):
            for name in wanted:
                columns[name] += batch.column(name).to_pylist()
            if len(columns[wanted[0]]) > MAX_ROWS:  # the rest is not worth counting
                raise ValueError(f"received over {MAX_ROWS:,} rows; send at most {MAX_ROWS:,} in a request")
    except pa.ArrowInvalid as error:
        # A row that ends neither in the block where it begins nor in the next one.
        if "straddl" in str(error):
            raise pa.ArrowInvalid(f"a row has over {MAX_ROW_BYTES:,} bytes") from error
        raise
    return columns


def _csv_names(body: bytes) -> list[str]:
    """Return the names of a CSV file's columns, of which MAX_ROW_BYTES are read."""
    csv.field_size_limit(2**31 - 1)  # other readers of this process set it too
    head = io.TextIOWrapper(io.BytesIO(body[:MAX_ROW_BYTES]), "utf-8-sig", errors="replace", newline="")
    return next(filter(None, csv.reader(head)), [])


def _check_once(names: Sequence[str], name: str) -> None:
    if names.count(name) > 1:
        raise pa.ArrowInvalid(f"it has two columns {name}")


def from_parquet(body: bytes, required: Sequence[str], optional: Sequence[str]) -> dict[str, list[Any]]:
    """Read columns of a parquet file; equal texts of a dictionary are one object.

    The notes that pandas leaves in a file are not read.

    Args:
        body: the file.
        required: columns that it must have.
        optional: columns that it may have.

    Returns:
        The columns by name: texts, numbers, lists of texts, None.

    Raises:
        ValueError: the file cannot be read, lacks a column, has one of another type, or is beyond a limit.
        OSError: pyarrow cannot read it; likewise pa.ArrowException.
    """
    n_footer = struct.unpack("<I", body[-8:-4])[0] if len(body) >= 12 else 0
    if n_footer > MAX_FOOTER_BYTES:
        raise pa.ArrowInvalid(f"its footer has {n_footer:,} bytes, and may have {MAX_FOOTER_BYTES:,}")
    limits: dict[str, Any] = {
        "thrift_container_size_limit": MAX_FOOTER_ITEMS,
        "thrift_string_size_limit": MAX_FOOTER_BYTES,
    }
    described = pq.ParquetFile(pa.BufferReader(body), **limits)
    metadata = described.metadata
    _check_number_of_columns(metadata.num_columns)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    check_rows(max(metadata.num_rows, sum(group.num_rows for group in groups)))
    schema = described.schema_arrow
    check_columns(schema.names, required)
    wanted = present(schema.names, required, optional)
    for name in wanted:
        _check_type(schema, name)
    leaves = [
        (leaf, path)
        for leaf, path in enumerate(metadata.schema.column(at).path for at in range(metadata.num_columns))
        if any(path == name or path.startswith(f"{name}.") for name in wanted)
    ]
    encodings = _checked_encodings(body, groups, leaves)
    texts = [
        path
        for leaf, path in leaves
        # In pages of these kinds each text takes its bytes, which are counted; to make a dictionary of them
        # takes a quarter of the time, and of the second kind pyarrow can make none.
        if metadata.schema.column(leaf).physical_type == "BYTE_ARRAY"
        and not encodings[path] <= {_PLAIN, _DELTA_LENGTH}
    ]
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    with pq.ParquetFile(pa.BufferReader(body), metadata=metadata, read_dictionary=texts, **limits) as file:
        # A row group is one batch: its dictionary is read once, and pyarrow reads no lists of two at once.
        for group in range(len(groups)):
            for batch in file.iter_batches(MAX_ROWS, [group], wanted, use_threads=False):
                n_before = len(columns[wanted[0]])
                check_rows(n_before + batch.num_rows)
                for name in wanted:
                    _check_lengths(batch.column(name), name, n_before, metadata.num_rows)
                    columns[name] += _values(batch.column(name))
    return columns


def _check_type(schema: pa.Schema, name: str) -> None:
    _check_once(schema.names, name)
    kind = given = schema.field(name).type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    if not _is(kind.value_type if pa.types.is_dictionary(kind) else kind, _TEXTS + _NUMBERS):
        raise ValueError(
            f"column {name}: received {excerpt(str(given))}; send texts, numbers or lists of texts"
        )


def _is(kind: pa.DataType, kinds: Sequence[Any]) -> bool:
    return any(is_kind(kind) for is_kind in kinds)


def _checked_encodings(
    body: bytes, groups: Sequence[Any], leaves: Sequence[tuple[int, str]]
) -> dict[str, set[int | None]]:
    """Check what the pages of some columns take once unpacked; return how they are encoded, by path.

    Args:
        body: the file.
        groups: metadata of the row groups.
        leaves: number and path of each column.

    Raises:
        ValueError: they take more than MAX_BYTES, or are beyond another limit.
    """
    encodings: dict[str, set[int | None]] = {path: set() for _, path in leaves}
    unpacked = n_pages = 0
    for leaf, path in leaves:
        n_values = 0
        for group in groups:
            chunk = group.column(leaf)
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < start:
                start = chunk.dictionary_page_offset
            n_left = chunk.num_values
            for page in parquet_pages.pages(body, start, chunk.total_compressed_size):
                n_pages += 1
                unpacked += page.unpacked
                n_values += page.n_values
                n_left -= 0 if page.is_dictionary else page.n_values
                encodings[path].add(page.encoding)
                if page.encoding == _DELTA_BYTE_ARRAY:
                    raise ValueError(
                        f"column {path}: received DELTA_BYTE_ARRAY; write it as pandas does, plain"
                    )
                if unpacked > MAX_BYTES:
                    raise ValueError(
                        f"received over {MAX_BYTES:,} bytes of columns, unpacked; send fewer rows"
                    )
                if n_pages > MAX_PAGES:
                    raise ValueError(
                        f"received over {MAX_PAGES:,} pages of columns; write fewer and larger ones"
                    )
                if n_values > MAX_VALUES:
                    raise ValueError(f"column {path}: received over {MAX_VALUES:,} values; send fewer rows")
            if n_left > 0:  # pyarrow would look for them behind the chunk, in files of some old writers
                raise pa.ArrowInvalid(f"column {path} lacks values that its footer tells of")
    return encodings


def _check_lengths(column: Any, name: str, n_before: int, n_rows: int) -> None:
    """Check pyarrow's column for texts that are surely too long, before they are Python's.

    Raises:
        ValueError: there is one; the message names its row; the column is of `n_rows`, from `n_before` on.
    """
    fault = _overlong(column)
    if fault is not None:
        row, n_characters = fault
        place = f"row {n_before + row + 1:,} of {n_rows:,}, column {name}"
        raise ValueError(f"{place}: {too_long(n_characters)}")


def _overlong(array: Any) -> tuple[int, int] | None:
    """Return the row, from 0, and the characters of a text that is surely too long; None if there is none.

    Args:
        array: pyarrow's column, or the items of its lists.
    """
    if isinstance(array, pa.ListArray | pa.LargeListArray):
        fault = _overlong(array.values)
        return fault and (bisect_right(array.offsets.to_pylist(), fault[0]) - 1, fault[1])
    is_shared = isinstance(array, pa.DictionaryArray)
    if not _is(array.dictionary.type if is_shared else array.type, _TEXTS):
        return None
    lengths = pc.call_function("binary_length", [array.dictionary if is_shared else array])
    lengths = lengths.take(array.indices) if is_shared else lengths
    longest = pc.call_function("max", [lengths]).as_py()
    if longest is None or longest <= 4 * MAX_CHARACTERS:  # a character has at most 4 bytes
        return None
    row = pc.index(lengths, longest).as_py()
    text = array.dictionary[array.indices[row].as_py()] if is_shared else array[row]
    return row, pc.call_function("utf8_length", [text]).as_py()


def _values(array: Any) -> list[Any]:
    """Return a column, or the items of its lists, as Python's values."""
    if isinstance(array, pa.DictionaryArray):
        shared, places = array.dictionary, array.indices
        used = places.unique().drop_null()
        if len(used) < len(shared):  # what no row has may be of any size
            shared = shared.take(used)
            places = pc.call_function("index_in", [places], pc.SetLookupOptions(used))
        values = shared.to_pylist()
        return [None if place is None else values[place] for place in places.to_pylist()]
    if isinstance(array, pa.ListArray | pa.LargeListArray):
        items = _values(array.values)
        bounds = zip(itertools.pairwise(array.offsets.to_pylist()), array.is_valid().to_pylist(), strict=True)
        return [items[start:end] if is_valid else None for (start, end), is_valid in bounds]
    return array.to_pylist()
