"""Commands predict and embed: csv or parquet in and out, one chunk of rows in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from neuralist.cli import shell
from neuralist.cli.shell import Json, Model

if TYPE_CHECKING:
    import pyarrow as pa

    from neuralist import api
    from neuralist.cli.streams import Chunk

CHUNK = 1_000  # rows
PAIR = ("lyrics_a", "lyrics_b")

# Texts of the valid rows, by column -> a table of as many rows.
Compute = Callable[[dict[str, list[str]]], "pa.Table"]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad", help="Write all bad rows, with empty results and the reason in the column error."
    ),
]


class Counts(NamedTuple):
    """The number of rows written, and of those among them without a result."""

    rows: int
    bad: int


def predict(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="csv or parquet with lyrics_a, lyrics_b.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="csv or parquet to write.")],
    skip_bad: SkipBad = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Similarities of any number of pairs of lyrics.

    OUT holds all columns of PAIRS, and similarity, similar, decile, tokens_used_a, tokens_used_b, known_a,
    known_b (the shares of these that the model knows) and error. It appears when all rows are done. A row
    with a text of which the model knows no word has no similarity, and the reason in error. Any other bad
    row stops the command with its number, and leaves no OUT.
    """
    from neuralist import api

    loaded = api.load(model)
    with _counting("predict") as report:
        counts = predict_file(loaded, pairs, out, skip_bad=skip_bad, report=report)
    _print_counts(out, counts, as_json)


def embed(
    texts: Annotated[Path, typer.Argument(metavar="IN", help="csv or parquet with texts.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="csv or parquet to write.")],
    text_column: Annotated[str, typer.Option(help="The column of texts.")] = "text",
    id_column: Annotated[str, typer.Option(help="The column that names them.")] = "id",
    skip_bad: SkipBad = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Embeddings of any number of texts: the model's vector of each.

    OUT holds the id, the columns v1, v2, ... and error. It appears when all rows are done. A text of which
    the model knows no word has no embedding, and the reason in error. Any other bad row stops the command
    with its number, and leaves no OUT.
    """
    from neuralist import api

    loaded = api.load(model)
    with _counting("embed") as report:
        counts = embed_file(
            loaded,
            texts,
            out,
            columns=(text_column, id_column),
            skip_bad=skip_bad,
            report=report,
        )
    _print_counts(out, counts, as_json)


def predict_file(
    model: "api.Model",
    pairs: Path,
    out: Path,
    *,
    chunk: int = CHUNK,
    skip_bad: bool = False,
    report: Callable[[int], None] = lambda rows: None,
) -> Counts:
    """Write the table `pairs` with its predictions to `out`.

    Args:
        model: the model.
        pairs: csv or parquet with the columns PAIR; other columns are copied.
        out: csv or parquet.
        chunk: rows at a time.
        skip_bad: write bad rows with an error, rather than stop.
        report: called with the number of rows done.

    Raises:
        ValueError: a column is missing or has the name of a result, or a row is bad.
    """
    import pyarrow as pa

    def compute(texts: dict[str, list[str]]) -> pa.Table:
        return pa.Table.from_pandas(model.predict(*(texts[name] for name in PAIR)), preserve_index=False)

    return _convert((pairs, out), (PAIR, None), compute, (chunk, skip_bad), report)


def embed_file(
    model: "api.Model",
    texts: Path,
    out: Path,
    *,
    columns: tuple[str, str] = ("text", "id"),
    chunk: int = CHUNK,
    skip_bad: bool = False,
    report: Callable[[int], None] = lambda rows: None,
) -> Counts:
    """Write the id and the embedding of each text of `texts` to `out`; `columns` names text and id.

    Raises:
        ValueError: a column is missing or has the name of a result, or a row is bad.
    """
    import numpy as np
    import pyarrow as pa

    text, name = columns

    def compute(texts_of: dict[str, list[str]]) -> pa.Table:
        reading = model.read(texts_of[text])
        faults = model.faults(reading.known, text)
        errors = [faults.get(row) for row in range(len(reading.known))]
        has_none = reading.known == 0
        columns = {
            f"v{number}": pa.array(values, mask=has_none)
            for number, values in enumerate(np.ascontiguousarray(reading.embeddings.T), start=1)
        }
        return pa.table(columns | {"error": pa.array(errors, pa.string())})

    return _convert((texts, out), ((text,), (name,)), compute, (chunk, skip_bad), report)


def _convert(
    paths: tuple[Path, Path],
    columns: tuple[tuple[str, ...], tuple[str, ...] | None],
    compute: Compute,
    options: tuple[int, bool],
    report: Callable[[int], None],
) -> Counts:
    """Read, compute and write by chunk.

    Args:
        paths: input and output.
        columns: those that `compute` reads; those to copy, None for all.
        compute: makes the results of the valid rows.
        options: rows of a chunk; whether to skip bad rows.
        report: called with the number of rows done.
    """
    from neuralist.cli import streams
    from neuralist.ingest.columns import locate

    (source, out), (texts, copied), (rows, skip_bad) = paths, columns, options
    streams.check(source, out)
    n_rows = n_bad = 0
    with streams.writing(out) as write:
        for chunk in streams.read(source, rows):
            try:
                names = locate(chunk.table.column_names, (*texts, *(copied or ())))
            except ValueError as error:
                others = "; --text-column and --id-column take other names" if copied else ""
                raise ValueError(f"{source}: {error}{others}") from None
            faults = _faults(chunk, [names[name] for name in texts])
            if faults and not skip_bad:
                position = min(faults)
                raise ValueError(
                    f"{source}: row {chunk.first + position:,}, {faults[position]} "
                    "(--skip-bad writes such rows without a result)"
                )
            written = _with_results(chunk.table, names, columns, compute, faults)
            write(written)
            n_rows += len(written)
            n_bad += len(written) - written["error"].null_count
            report(n_rows)
    return Counts(n_rows, n_bad)


def _faults(chunk: "Chunk", texts: Sequence[str]) -> dict[int, str]:
    """Return the faults of rows, by position in the chunk."""
    from neuralist.serving import lyrics

    faults = {}
    for name in texts:
        for position, value in enumerate(chunk.table[name].to_pylist()):
            fault = lyrics.fault(value)
            if fault:
                faults.setdefault(position, f"column {name}: received {fault}")
    return faults | chunk.faults


def _with_results(
    table: "pa.Table",
    names: dict[str, str],
    columns: tuple[tuple[str, ...], tuple[str, ...] | None],
    compute: Compute,
    faults: dict[int, str],
) -> "pa.Table":
    """Return the copied columns and the results; a row with a fault has nulls, and the fault in `error`.

    Args:
        table: the rows.
        names: of its columns, by those of `columns`.
        columns: see `_convert`.
        compute: see `_convert`.
        faults: of rows, by position.
    """
    import pyarrow as pa

    texts, copied = columns
    good = [position for position in range(len(table)) if position not in faults]
    good_rows = table.take(pa.array(good, pa.int64()))
    results = compute({name: good_rows[names[name]].to_pylist() for name in texts})
    result_row = {position: number for number, position in enumerate(good)}
    results = results.take(pa.array([result_row.get(position) for position in range(len(table))], pa.int64()))
    errors = results["error"].to_pylist()
    errors = pa.array([faults.get(row, error) for row, error in enumerate(errors)], pa.string())
    results = results.drop_columns("error").append_column("error", errors)
    table = table if copied is None else table.select([names[name] for name in copied])
    clash = [name for name in results.column_names if name in table.column_names]
    if clash:
        raise ValueError(f"columns {clash} of the input have names that the results need; rename them")
    for name in results.column_names:
        table = table.append_column(name, results[name])
    return table


@contextmanager
def _counting(name: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows the number of rows done, on a terminal only."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = shell.console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name)
        yield lambda rows: bar.update(task, description=f"{name}: {rows:,} rows")


def _print_counts(out: Path, counts: Counts, as_json: bool) -> None:
    if as_json:
        shell.print_json({"out": str(out), **counts._asdict()})
        return
    bad = f", {counts.bad:,} of them without a result (see column error)" if counts.bad else ""
    print(f"{out}: {counts.rows:,} rows{bad}")
