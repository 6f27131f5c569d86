"""The command line `neuralist`: ask the served model, look at its songs, get raw data, find what is missing.

Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 bad input or nothing found, with one
line `error: ...` on stderr; 2 wrong usage; 130 stopped by Ctrl-C, 143 by SIGTERM. What costs time to import
(pandas, ONNX Runtime, ...) is imported by the command that needs it, so that `--help` comes at once.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

# First, since the other imports take a while: from here on Ctrl-C is one line.
import neuralist.console  # noqa: F401

# isort: split
import typer

from neuralist import __version__
from neuralist.cli import batch, catalogue, corpus, doctor, imports, shell, songs
from neuralist.cli.drift import drift
from neuralist.cli.evaluate import evaluate
from neuralist.cli.extend import extend
from neuralist.cli.shell import Group
from neuralist.cli.translations import translations

app = typer.Typer(
    cls=Group,
    help="How alike are two songs by their lyrics? Ask the model that `dvc repro` trained and chose.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"neuralist {__version__}")
        raise typer.Exit


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Print what this package warns of by Python's means on one line of stderr."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if category.__module__.startswith("neuralist."):
                shell.warn(str(message))
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Without a command, say what comes next in this checkout."""
    context.with_resource(_one_line_warnings())
    if context.invoked_subcommand is None:
        doctor.show_next()


for command in (songs.compare, songs.recommend, songs.playlist):
    app.command(rich_help_panel="Songs")(command)
app.command("map", rich_help_panel="Songs")(songs.song_map)
app.add_typer(catalogue.app, name="catalogue", rich_help_panel="Songs")
for command in (batch.predict, batch.embed, evaluate, translations, drift):
    app.command(rich_help_panel="Tables")(command)
app.command(rich_help_panel="Data and health")(extend)
app.command("import", rich_help_panel="Data and health")(imports.import_)
for command in (corpus.demo, corpus.fetch, doctor.doctor):
    app.command(rich_help_panel="Data and health")(command)
