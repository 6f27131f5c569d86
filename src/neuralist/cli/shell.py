"""Shared by the commands: options, the checkout, printing of errors and results.

Every text of a user or a raw file passes `shown` before it is printed on a terminal: escape sequences must
not act, and rich's markup and emoji codes must stay text.
"""

import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from neuralist import files
from neuralist.console import exits
from neuralist.console.error_messages import shown

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
    """Runs commands so that each fault is one line on stderr and an exit code, see `console.exits`."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; its help fills the terminal: rich would keep the line ends of the docstring."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            paragraphs = inspect.cleandoc(command.help).split("\n\n")
            command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help; in a workspace also its paths and the name of its model."""
        super().format_help(ctx, formatter)
        print("".join(f" {line}\n" for line in _of_workspace()), end="")

    def make_context(self, *args: Any, **others: Any) -> Any:
        """Read the command line."""
        with exits.one_line():
            return super().make_context(*args, **others)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; prints its error, and ends with its exit code."""
        with exits.one_line(), resources:
            try:
                return super().invoke(ctx)
            except typer.Abort as stop:  # at a question: its input has ended, or Ctrl-C
                if isinstance(stop.__context__, EOFError):
                    raise ValueError("a question got no answer; type y or n") from stop
                raise KeyboardInterrupt from stop


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


def warn(text: str) -> None:
    """Print a warning on stderr, on one line."""
    print(f"warning: {shown(text)}", file=sys.stderr)


@contextmanager
def named_options(options: Mapping[str, str]) -> Iterator[None]:
    """Let a message that begins with an argument of Python's name the option that a person typed.

    Args:
        options: option by argument, such as "-n" by "n".
    """
    try:
        yield
    except ValueError as error:
        argument, _, said = str(error).partition(": ")
        if argument not in options:
            raise
        raise ValueError(f"{options[argument]}: {said}") from error


def counted(count: int, what: str) -> str:
    """Return a number of things, such as "1 text" or "2,000 texts"."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


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
