"""What the commands share: options, where things lie, how errors and results are shown.

Every text of a user or a raw file passes `shown` before it reaches a terminal: escape sequences must not act,
and rich's markup and emoji codes stay the text they are.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from neuralist import files

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
# What a command opens is closed when it ends.
resources = ExitStack()

# Control characters, line ends, halves of surrogate pairs; and what turns the writing direction round.
_UNSEEN = {"Cc", "Zl", "Zp", "Cs"}
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Group(TyperGroup):
    """Bad input, by our convention a ValueError, and files out of reach become one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            with resources:
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `neuralist ... | head`: typer ends quietly
        except (ValueError, OSError, ModuleNotFoundError) as error:
            print(f"error: {shown(told(error))}", file=sys.stderr)
            raise typer.Exit(1) from error


def told(error: Exception) -> str:
    """An error as one sentence with its mend."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; run `make setup` in the checkout"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}; mend that and call again"
    return str(error)


def shown(text: object) -> str:
    """A text on one line, with nothing in it that a terminal would act upon."""
    line = " ".join(str(text).split())
    return "".join(
        "�" if unicodedata.category(sign) in _UNSEEN or sign in _TURNING else sign for sign in line
    )


def checkout() -> Path:
    """The checkout or workspace around the working folder.

    Raises:
        ValueError: there is none.
    """
    here = Path.cwd()
    for folder in files.checkouts(here):
        return folder
    raise ValueError(
        f"{here} lies in no checkout of Neuralist (no dvc.yaml here or above); change into one first"
    )


def print_json(value: object) -> None:
    """Print JSON in ASCII, which every pipe can carry."""
    print(json.dumps(value, indent=2, allow_nan=False))


def console(*, stderr: bool = False) -> "Console":
    """A console that takes text as it is; without colours where no terminal listens."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """A table of texts as they are; numbers stand right, and long texts fold rather than being cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = [tuple(row) for row in rows]
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for number, name in enumerate(columns):
        is_number = all(isinstance(row[number], int | float | None) for row in rows)
        made.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(_cell(value)) for value in row))
    return made


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else shown(value)
