"""Read and write csv and parquet tables in chunks, so that they need not fit in memory.

Input: a .csv file (UTF-8, a header, commas) or a .parquet file. A chunk is a pyarrow table and the faults
of its rows; rows are numbered from 1, the header not counted. Every field of a csv file is text.
"""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from neuralist import files
from neuralist.excerpts import excerpt

Write = Callable[[pa.Table], None]
# What a spreadsheet runs as a formula (https://owasp.org/www-community/attacks/CSV_Injection); -3 is none.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


class Chunk(NamedTuple):
    """Consecutive rows of a file.

    Attributes:
        table: the rows.
        first: the number of the first row, from 1.
        faults: what is malformed in a row, by position in `table`.
    """

    table: pa.Table
    first: int
    faults: dict[int, str]


def check(source: Path, out: Path) -> None:
    """Check the paths, before any work is done.

    Raises:
        ValueError: an unknown file ending, no input file, or the same file for both.
    """
    for path in (source, out):
        _check_ending(path)
    check_source(source)
    if out.exists() and out.samefile(source):
        raise ValueError(f"{out}: is the input itself; name another output")


def check_source(path: Path) -> None:
    """Check the path of a table to read.

    Raises:
        ValueError: an unknown file ending, or no such file.
    """
    _check_ending(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give a .csv or a .parquet file")


def _check_ending(path: Path) -> None:
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise ValueError(f"{path}: ends in {path.suffix or 'nothing'}; give a .csv or a .parquet file")


def read(path: Path, rows: int) -> Iterator[Chunk]:
    """Yield the file in chunks of at most `rows` rows; an empty table is one chunk without rows.

    Raises:
        ValueError: the file cannot be parsed, or two columns have the same name.
    """
    return _read_csv(path, rows) if path.suffix.lower() == ".csv" else _read_parquet(path, rows)


def _read_parquet(path: Path, rows: int) -> Iterator[Chunk]:
    try:
        with pq.ParquetFile(path) as file:
            _check_names(path, file.schema_arrow.names)
            first, chunk = 1, None
            for batch in file.iter_batches(batch_size=rows):
                chunk = pa.Table.from_batches([batch])
                yield Chunk(chunk, first, {})
                first += len(chunk)
            if chunk is None:
                yield Chunk(file.schema_arrow.empty_table(), 1, {})
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: no readable parquet file ({error}); write it again") from error


def _read_csv(path: Path, rows: int) -> Iterator[Chunk]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        row = 0
        try:
            header = next(reader, [])
            _check_names(path, header)
            rows_read: list[list[str]] = []
            for fields in reader:
                if not fields:
                    continue  # an empty line is not a row
                row += 1
                rows_read.append(fields)
                if len(rows_read) == rows:
                    yield _csv_chunk(header, rows_read, row - len(rows_read) + 1)
                    rows_read = []
            if rows_read or not row:
                yield _csv_chunk(header, rows_read, row - len(rows_read) + 1)
        except csv.Error as error:
            raise ValueError(f"{path}: row {row + 1:,} is no CSV ({error}); correct its quotes") from error
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: not UTF-8 some way after row {row:,} ({error.reason}); save the file as UTF-8"
            ) from error


def _csv_chunk(header: list[str], rows_read: list[list[str]], first: int) -> Chunk:
    width = len(header)
    faults = {
        position: f"received {len(fields)} fields for {width} columns; quote texts that hold commas"
        for position, fields in enumerate(rows_read)
        if len(fields) != width
    }
    columns = [
        pa.array([fields[number] if number < len(fields) else None for fields in rows_read], pa.string())
        for number in range(width)
    ]
    return Chunk(pa.table(columns, names=header), first, faults)


def _check_names(path: Path, header: list[str]) -> None:
    if not header:
        raise ValueError(f"{path}: the file is empty; give a table with a header")
    separators = {"\t": "tabs", ";": "semicolons", "|": "bars"}
    separator = next((name for sign, name in separators.items() if sign in header[0]), None)
    if len(header) == 1 and separator:
        raise ValueError(
            f"{path}: columns are separated by {separator}, received the header {excerpt(header[0])!r}; "
            "write the file with commas between columns, and texts in double quotes"
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: columns {repeated} stand twice; rename one of each")


def guard_formulas(table: pa.Table) -> pa.Table:
    """Return the table with an apostrophe before names and texts that a spreadsheet would run as formulas."""
    columns = [_guarded(column) for column in table.columns]
    return pa.table(columns, names=[_guarded_text(name) for name in table.column_names])


def _guarded(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if kind not in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        return column
    texts = column.cast(pa.large_string()).to_pylist()
    return pa.array([text and _guarded_text(text) for text in texts], pa.large_string())


def _guarded_text(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


@contextmanager
def writing(path: Path) -> Iterator[Write]:
    """Yield a function that writes a chunk to a new file; `path` appears only when the block succeeds.

    Raises:
        ValueError: a column of lists is to be written to a csv file.
    """
    writer: pq.ParquetWriter | pacsv.CSVWriter | None = None
    with files.unfinished(path) as temporary:

        def write(chunk: pa.Table) -> None:
            nonlocal writer
            if writer is None:
                writer = _writer(path, temporary, chunk.schema)
            writer.write_table(chunk)

        try:
            yield write
        finally:
            if writer is not None:
                writer.close()


def _writer(path: Path, temporary: Path, schema: pa.Schema) -> "pq.ParquetWriter | pacsv.CSVWriter":
    if path.suffix.lower() == ".parquet":
        return pq.ParquetWriter(temporary, schema, compression="zstd")
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise ValueError(f"{path}: columns {nested} hold lists, which csv cannot; name a .parquet file")
    return pacsv.CSVWriter(temporary, schema)
