"""Stage `validate`: check the tables, and stop the pipeline with a report where one is faulty.

    python pipelines/validate.py artifacts/songs.parquet artifacts/rows.parquet artifacts/pairs.parquet \
        artifacts/unlisted.parquet \
        --corpus artifacts/corpus.json --report artifacts/validation.json --page artifacts/validation.html \
        --suites artifacts/suites --verdict artifacts/validated.json

In: the tables songs, rows, pairs and unlisted; params `engine`, `expected`, `pairs` and `train.protocol`.
Out: the report as JSON and as a page, the suites in Great Expectations' own format, and the verdict alone,
on which later stages depend; also where it stops. Exit code 1 on a failed or broken expectation.
"""

import neuralist.reproducible  # noqa: F401

import sys

from rich.console import Console
from rich.table import Column, Table

from neuralist import console, files, html
from neuralist.arguments import path_parser
from neuralist.config import corpus, params
from neuralist.validation.derived_tables import CheckedTables
from neuralist.validation.report import Example, Outcome
from neuralist.validation.suites import all_suites, as_json, validate


def show(outcomes: list[Outcome]) -> None:
    """Print outcomes as a table, 160 characters wide where stdout is no terminal."""
    table = Table("result", "table", "expectation", "column", "count", Column("examples", overflow="fold"))
    for outcome in outcomes:
        count = outcome.observed if outcome.unexpected is None else outcome.unexpected
        table.add_row(
            outcome.verdict,
            outcome.table,
            f"{outcome.expectation}\n{outcome.promise}",
            outcome.column,
            "" if count is None else f"{count:,}",
            outcome.error or "\n".join(map(_line, outcome.examples)),
        )
    width = None if sys.stdout.isatty() else 160
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _line(example: Example) -> str:
    """Return a row as column=value; a terminal acts upon no character of it."""
    values = (f"{column}={'(none)' if value is None else value}" for column, value in example.items())
    return html.visible(" ".join(", ".join(values).split()))


def main() -> None:
    """Check the tables and write the report."""
    options = ("corpus", "report", "page", "suites", "verdict")
    args, settings = path_parser(__doc__, CheckedTables._fields, options).parse_args(), params.load()
    checked = CheckedTables(args.songs, args.rows, args.pairs, args.unlisted)
    report = validate(
        checked, settings.expected, settings.train.protocol, settings.pairs, engine_name=settings.engine
    )
    hashes = {name: files.digest(path) for name, path in checked._asdict().items()}
    files.write_text(args.report, report.to_json())
    files.write_text(args.page, report.to_html(corpus.load(args.corpus).note, hashes))
    files.write_text(args.verdict, report.verdict(hashes))
    suites = all_suites(settings.expected, gives_split=settings.train.protocol == "given")
    for name, suite in as_json(suites).items():
        files.write_text(args.suites / f"{name}.json", suite)
    not_passed = [outcome for outcome in report.outcomes if outcome.verdict != "passed"]
    if not_passed:
        show(not_passed)
    if not report.success:
        raise ValueError(
            f"{report.tally['failed']} of {len(report.outcomes)} expectations failed, "
            f"{report.tally['broken']} are broken; see {args.page}"
        )
    warnings = report.tally["warning"]
    ending = "" if warnings == 1 else "s"
    print(f"{len(report.outcomes)} expectations, none failed, {warnings} warning{ending}")


if __name__ == "__main__":
    console.run(main)
