"""Stage `validate`: check the tables, and stop the pipeline with a report where one is faulty.

    python pipelines/validate.py artifacts/songs.parquet artifacts/rows.parquet artifacts/pairs.parquet \
        artifacts/unlisted.parquet \
        --corpus artifacts/corpus.json --report artifacts/validation.json --page artifacts/validation.html \
        --verdict artifacts/validated.json

In: the tables songs, rows, pairs and unlisted; params `engine`, `expected`, `pairs` and `train.protocol`.
Out: the report as JSON and as a page, and the verdict alone, on which later stages depend; also where it
stops. Exit code 1 on a failed or broken expectation.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from neuralist import console, files
from neuralist.config import corpus, params
from neuralist.validation.derived_tables import CheckedTables
from neuralist.validation.report import Outcome
from neuralist.validation.suites import validate


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in CheckedTables._fields:
        parser.add_argument(name, type=Path)
    for name in ("corpus", "report", "page", "verdict"):
        parser.add_argument(
            f"--{name}", type=Path, required=True, metavar="HTML" if name == "page" else "JSON"
        )
    return parser.parse_args()


def show(outcomes: list[Outcome]) -> None:
    """Print outcomes as a table, 160 characters wide where stdout is no terminal."""
    table = Table("result", "table", "expectation", "column", "count", "examples")
    for outcome in outcomes:
        count = outcome.observed if outcome.unexpected is None else outcome.unexpected
        table.add_row(
            outcome.verdict,
            outcome.table,
            f"{outcome.expectation}\n{outcome.promise}",
            outcome.column,
            "" if count is None else f"{count:,}",
            "\n".join(outcome.examples),
        )
    width = None if sys.stdout.isatty() else 160
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def main() -> None:
    """Check the tables and write the report."""
    args = parse()
    settings = params.load()
    checked = CheckedTables(args.songs, args.rows, args.pairs, args.unlisted)
    report = validate(
        checked, settings.expected, settings.train.protocol, settings.pairs, engine_name=settings.engine
    )
    files.write_text(args.report, report.to_json())
    files.write_text(args.page, report.to_html(corpus.load(args.corpus).note))
    files.write_text(args.verdict, report.verdict(checked._asdict()))
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
