"""The command line `neuralist`: ask the served model, look at its songs, get raw data, find what is missing.

Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 bad input or nothing found, with one
line `error: ...` on stderr; 2 wrong usage; 130 stopped by Ctrl-C. What costs time to import (pandas,
ONNX Runtime, ...) is imported by the command that needs it, so that `--help` comes at once.
"""

import typer

from neuralist.cli import batch, corpus, doctor, songs
from neuralist.cli.evaluate import evaluate
from neuralist.cli.shell import Group

app = typer.Typer(
    cls=Group,
    help="How alike are two songs by their lyrics? Ask the model that `dvc repro` trained and chose.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (songs.compare, songs.recommend, songs.playlist):
    app.command(rich_help_panel="Songs")(command)
app.command("map", rich_help_panel="Songs")(songs.song_map)
for command in (batch.predict, batch.embed, evaluate):
    app.command(rich_help_panel="Tables")(command)
for command in (corpus.demo, corpus.fetch, doctor.doctor):
    app.command(rich_help_panel="Data and health")(command)
