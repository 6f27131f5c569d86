"""Shared by the commands: options, the checkout, printing of errors and results.

Every text of a user or a raw file passes `shown` before it is printed on a terminal: escape sequences must
not act, and rich's markup and emoji codes must stay text.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from neuralist import files, html

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="An experiment's name, a folder, or models:/...; without it the checkout's artifacts/served.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Let RAW's corpus.yaml and links name what lies outside of RAW, and run an encoder."
    ),
]
# Closed when the command ends.
resources = ExitStack()


class Group(TyperGroup):
    """Turns bad input (a ValueError) and unreadable files into one line on stderr and exit code 1."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; in a workspace also its paths and the name of its model."""
        super().format_help(ctx, formatter)
        print("".join(f" {line}\n" for line in _of_workspace()), end="")

    def invoke(self, ctx: Any) -> Any:
        """Run the command; prints its error."""
        try:
            with resources:
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `neuralist ... | head`: typer ends quietly
        except (ValueError, OSError, ModuleNotFoundError) as error:
            print(f"error: {without_secrets(message(error))}", file=sys.stderr)
            raise typer.Exit(1) from error


def _of_workspace() -> list[str]:
    """Return what a workspace around the working folder has of its own; nothing outside of one."""
    workspace = files.workspace(Path.cwd())
    if workspace is None:
        return []
    from neuralist.config import params

    root = files.checkouts(Path.cwd())[-1] / workspace
    with suppress(ValueError):
        return [
            shown(f"Workspace {workspace} of {root.parents[1]}"),
            f"  raw files     {shown((root / 'data').resolve())}",
            f"  served model  {workspace}/artifacts/served",
            f"  in MLflow     models:/{params.model_name(root / 'params.yaml')}@champion",
        ]
    return []


def message(error: Exception) -> str:
    """Return an error as one sentence that ends in the fix."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; run `make setup` in a checkout, or pip install 'neuralist[train]'"
    if isinstance(error, OSError) and error.strerror:
        prefix = f"{error.filename}: " if error.filename else ""
        return f"{prefix}{error.strerror}; correct that and call again"
    return str(error)


def warn(text: str) -> None:
    """Print a warning on stderr, on one line."""
    print(f"warning: {without_secrets(text)}", file=sys.stderr)


def without_secrets(text: str) -> str:
    """Return a message on one line, as `shown` does, with *** in place of passwords and tokens."""
    from neuralist.console.addresses import without_passwords  # rich's bars come with it: 0.06 s

    return shown(without_passwords(text))


def shown(text: object) -> str:
    """Return a text on one line, without characters that a terminal would act upon."""
    return html.visible(" ".join(str(text).split()))


def print_json(value: object) -> None:
    """Print JSON in ASCII, which every pipe can carry."""
    print(json.dumps(value, indent=2, allow_nan=False))


def console(*, stderr: bool = False) -> "Console":
    """Return a console that prints text unchanged, without colours where it is not a terminal."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """Return a table of unchanged texts: numbers are right-aligned, long texts wrap."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = [tuple(row) for row in rows]
    result = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, name in enumerate(columns):
        is_number = all(isinstance(row[number], int | float | None) for row in rows)
        result.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        result.add_row(*(Text(_cell(value)) for value in row))
    return result


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else shown(value)
