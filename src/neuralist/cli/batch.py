"""Commands predict and embed: csv or parquet in and out, one chunk of rows in memory at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from neuralist.cli import shell
from neuralist.cli.shell import Json, Model
from neuralist.console import exits

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
    guard_formulas: Annotated[
        bool,
        typer.Option(
            "--guard-formulas",
            help="Write ' before what a spreadsheet would run as a formula (= + - @); for a csv OUT.",
        ),
    ] = False,
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
        counts = predict_file(
            loaded, pairs, out, skip_bad=skip_bad, guard_formulas=guard_formulas, report=report
        )
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
    guard_formulas: bool = False,
    report: Callable[[int], None] = lambda rows: None,
) -> Counts:
    """Write the table `pairs` with its predictions to `out`.

    Args:
        model: the model.
        pairs: csv or parquet with the columns PAIR; other columns are copied.
        out: csv or parquet.
        chunk: rows at a time.
        skip_bad: write bad rows with an error, rather than stop.
        guard_formulas: write ' before texts that a spreadsheet would run; for a csv file alone.
        report: called with the number of rows done.

    Raises:
        ValueError: a column is missing or has the name of a result, or a row is bad.
    """
    import pyarrow as pa

    def compute(texts: dict[str, list[str]]) -> pa.Table:
        table = model.predict(*(texts[name] for name in PAIR), cleaned=True)
        return pa.Table.from_pandas(table, preserve_index=False)

    job = _Job(PAIR, (), model.encoder.clean, compute, skip_bad=skip_bad, guard_formulas=guard_formulas)
    return _convert(pairs, out, job, chunk, report)


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
        reading = model.read(texts_of[text], cleaned=True)
        faults = model.faults(reading.known, text)
        errors = [faults.get(row) for row in range(len(reading.known))]
        has_none = reading.known == 0
        columns = {
            f"v{number}": pa.array(values, mask=has_none)
            for number, values in enumerate(np.ascontiguousarray(reading.embeddings.T), start=1)
        }
        return pa.table(columns | {"error": pa.array(errors, pa.string())})

    job = _Job((text,), (name,), model.encoder.clean, compute, skip_bad=skip_bad)
    return _convert(texts, out, job, chunk, report)


@dataclass(frozen=True)
class _Job:
    """What becomes of each chunk of rows."""

    texts: tuple[str, ...]  # the columns that `compute` reads
    copied: tuple[str, ...]  # the columns to copy; empty for all
    clean: Callable[[str], str]  # cleans a text
    compute: Compute  # makes the results of the valid rows
    skip_bad: bool
    guard_formulas: bool = False


def _convert(source: Path, out: Path, job: _Job, at_once: int, report: Callable[[int], None]) -> Counts:
    """Read, compute and write `at_once` rows at a time; `report` is called with the number of rows done."""
    from neuralist.cli import streams
    from neuralist.ingest.columns import locate

    streams.check(source, out)
    if job.guard_formulas and out.suffix.lower() != ".csv":
        raise ValueError(f"--guard-formulas: {out} is no csv file, so nothing in it is run; leave it out")
    exits.goes_on(f"{out} was not written; call again to begin at the first row")
    n_rows = n_bad = 0
    with streams.writing(out) as write:
        for chunk in streams.read(source, at_once):
            try:
                names = locate(chunk.table.column_names, (*job.texts, *job.copied))
            except ValueError as error:
                others = "; --text-column and --id-column take other names" if job.copied else ""
                raise ValueError(f"{source}: {error}{others}") from None
            cleaned, faults = _cleaned(chunk, {name: names[name] for name in job.texts}, job.clean)
            if faults and not job.skip_bad:
                position = min(faults)
                raise ValueError(
                    f"{source}: row {chunk.first + position:,}, {faults[position]} "
                    "(--skip-bad writes such rows without a result)"
                )
            good = [position for position in range(len(chunk.table)) if position not in faults]
            results = job.compute({name: [column[row] for row in good] for name, column in cleaned.items()})
            table = chunk.table.select([names[name] for name in job.copied]) if job.copied else chunk.table
            written = _with_results(table, results, faults)
            write(streams.guard_formulas(written) if job.guard_formulas else written)
            n_rows += len(written)
            n_bad += len(written) - written["error"].null_count
            report(n_rows)
    return Counts(n_rows, n_bad)


def _cleaned(
    chunk: "Chunk", names: dict[str, str], clean: Callable[[str], str]
) -> tuple[dict[str, list[str]], dict[int, str]]:
    """Return the cleaned texts by column, "" where there is a fault, and the faults of rows by position.

    Args:
        chunk: the rows.
        names: of the columns in the file.
        clean: of the encoder.
    """
    from neuralist.serving import lyrics

    columns: dict[str, list[str]] = {}
    faults: dict[int, str] = {}
    for name, name_in_file in names.items():
        columns[name] = []
        for position, value in enumerate(chunk.table[name_in_file].to_pylist()):
            try:
                text = lyrics.cleaned(value, clean)
            except ValueError as error:
                text = ""
                faults.setdefault(position, f"column {name_in_file}: {error}")
            columns[name].append(text)
    return columns, faults | chunk.faults


def _with_results(table: "pa.Table", results: "pa.Table", faults: dict[int, str]) -> "pa.Table":
    """Return the rows with the results of those without a fault; others have nulls, and `error` says why."""
    import pyarrow as pa

    good = (position for position in range(len(table)) if position not in faults)
    result_row = {position: number for number, position in enumerate(good)}
    results = results.take(pa.array([result_row.get(position) for position in range(len(table))], pa.int64()))
    errors = results["error"].to_pylist()
    errors = pa.array([faults.get(row, error) for row, error in enumerate(errors)], pa.string())
    results = results.drop_columns("error").append_column("error", errors)
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
