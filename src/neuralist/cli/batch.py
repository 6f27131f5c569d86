"""Commands predict and embed: csv or parquet in and out, one chunk of rows in memory at a time."""

from collections.abc import Callable, Iterator
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
        "--skip-bad", help="Write bad rows too, with empty results and the reason in a column error."
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

    OUT holds all columns of PAIRS, and similarity, similar, decile, tokens_used_a, tokens_used_b. It appears
    when all rows are done; a bad row stops the command with its number, and leaves no OUT.
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

    OUT holds the id and the columns v1, v2, ... It appears when all rows are done; a bad row stops the
    command with its number, and leaves no OUT.
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
        embeddings = model.encode(texts_of[text])
        names = [f"v{number}" for number in range(1, embeddings.shape[1] + 1)]
        return pa.table([pa.array(values) for values in np.ascontiguousarray(embeddings.T)], names=names)

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

    (source, out), (texts, copied), (rows, skip_bad) = paths, columns, options
    streams.check(source, out)
    n_rows = n_bad = 0
    with streams.writing(out) as write:
        for chunk in streams.read(source, rows):
            names = chunk.table.column_names
            missing = [name for name in (*texts, *(copied or ())) if name not in names]
            if missing:
                raise ValueError(f"{source}: columns {missing} are missing; found {names}")
            faults = _faults(chunk, texts)
            if faults and not skip_bad:
                position = min(faults)
                raise ValueError(
                    f"{source}: row {chunk.first + position:,}, {faults[position]} "
                    "(--skip-bad writes such rows without a result)"
                )
            write(_with_results(chunk.table, columns, compute, faults if skip_bad else None))
            n_rows, n_bad = n_rows + len(chunk.table), n_bad + len(faults)
            report(n_rows)
    return Counts(n_rows, n_bad)


def _faults(chunk: "Chunk", texts: tuple[str, ...]) -> dict[int, str]:
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
    columns: tuple[tuple[str, ...], tuple[str, ...] | None],
    compute: Compute,
    faults: dict[int, str] | None,
) -> "pa.Table":
    """Return the copied columns and the results; a row with a fault has nulls, and the fault in `error`."""
    import pyarrow as pa

    texts, copied = columns
    bad = faults or {}
    good = [position for position in range(len(table)) if position not in bad]
    good_rows = table.take(pa.array(good, pa.int64()))
    results = compute({name: good_rows[name].to_pylist() for name in texts})
    result_row = {position: number for number, position in enumerate(good)}
    results = results.take(pa.array([result_row.get(position) for position in range(len(table))], pa.int64()))
    if faults is not None:
        error = pa.array([bad.get(position) for position in range(len(table))], pa.string())
        results = results.append_column("error", error)
    table = table if copied is None else table.select(copied)
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
    bad = f", {counts.bad:,} of them bad (see column error)" if counts.bad else ""
    print(f"{out}: {counts.rows:,} rows{bad}")
