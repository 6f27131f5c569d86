"""Commands that bring raw data: demo and fetch."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json
from neuralist.console import exits
from neuralist.excerpts import excerpt

if TYPE_CHECKING:
    from neuralist.fetch import Report


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    as_json: Json = False,
) -> None:
    """Write the demo corpus, synthetic songs in the official raw forms."""
    from neuralist import demo as corpus

    if folder.exists():
        raise ValueError(f"{folder}: exists already; name a new folder")
    exits.goes_on(f"{folder} was not written; call again")
    with files.named(folder), files.temporary_folder(folder.parent, ".demo-") as unfinished:
        written = unfinished / "demo"
        corpus.write(written)
        sizes = [path.stat().st_size for path in written.rglob("*") if path.is_file()]
        written.rename(folder)
    command = f"make repro RAW={folder}"
    if as_json:
        shell.print_json({"folder": str(folder), "files": len(sizes), "bytes": sum(sizes), "next": command})
    else:
        print(f"{folder}: {len(sizes)} files of synthetic songs\nnext, in the checkout: {command}")


def fetch(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Without it the checkout's data/.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A source of --list; may be given more than once.")
    ] = None,
    years: Annotated[str, typer.Option(help="Of the Billboard files.")] = "1950-2015",
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Accept without asking.")] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Where a publisher's https fails: without encryption.")
    ] = False,
    only_list: Annotated[bool, typer.Option("--list", help="List the sources, download nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Download the official Million Song, Last.fm and Billboard files.

    Without --only: all that the pipeline needs. A download that was cut goes on where it stopped when the
    command is called again; what is there already stays. The files are for research, not for commerce:
    the command shows the terms and downloads after you accept them.
    """
    from neuralist import fetch as official
    from neuralist.fetch import table

    if only_list:
        _list(as_json)
        return
    span = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", years)
    if not span:
        raise typer.BadParameter(f"--years: received {excerpt(repr(years))}; give 1950-2015 or one year")
    first, last = span[1], span[2] or span[1]
    names = [name for option in only or table.USUAL for name in option.split(",")]
    downloads = official.plan(names, (int(first), int(last)), encrypted=not http)
    is_checkout_data = folder is None
    folder = files.checkout() / "data" if folder is None else folder
    official.check_folder(folder, downloads)
    _accept(accept_licence)
    exits.goes_on("what has arrived is kept; call again to go on from there")
    with _progress() as report:
        results = official.fetch(downloads, folder, report)
    command = "dvc add data && dvc repro" if is_checkout_data else f"make repro RAW={folder}"
    if as_json:
        shell.print_json({"folder": str(folder), "files": results, "next": command})
        return
    new = [result for result in results if result["state"] == "fetched"]
    size = sum(int(result["bytes"]) for result in new) / 1e6
    print(f"{folder}: {len(new)} files fetched ({size:,.1f} MB), {len(results) - len(new)} were there")
    print(f"next, in the checkout: {command}")


def _list(as_json: bool) -> None:
    from neuralist.fetch import table

    sources = [
        {
            "source": source.name,
            "megabytes": source.megabytes,
            "usual": source.name in table.USUAL,
            "path": source.path,
            "url": f"{table.HOSTS[source.host]}/{source.remote}",
            "holds": source.holds,
        }
        for source in table.SOURCES.values()
    ]
    if as_json:
        shell.print_json(sources)
        return
    rows = [
        (
            source["source"] + (" *" if source["usual"] else ""),
            f"{source['megabytes']:,.0f} MB",
            source["path"],
            source["holds"],
        )
        for source in sources
    ]
    shell.console().print(shell.table(["source", "about", "place", "holds"], rows))
    print("* comes without --only. Sizes are estimates; what the server says is checked.")


def _accept(accepted: bool) -> None:
    """Print the terms, and ask for acceptance on a terminal.

    Raises:
        ValueError: the terms are not accepted.
    """
    from neuralist.fetch import table

    print(table.LICENCE, file=sys.stderr)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise ValueError("nothing is downloaded before the terms above are accepted; give --accept-licence")
    if not typer.confirm("Do you accept these terms?", err=True):
        raise ValueError("the terms are not accepted; nothing is downloaded")


@contextmanager
def _progress() -> "Iterator[Report]":
    """Yield a function that shows the progress of the current file, on a terminal only."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = shell.console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {}

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=done, total=total)

        yield report
