"""Commands catalogue add, remove, restore and list: change what is recommended, and train nothing.

They change the folder catalogue/ of the checkout or workspace, and run the stages that depend on it. So a
change outlasts the next training, and a command that was killed is completed by the same one, or `dvc repro`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Group, Json, shown
from neuralist.excerpts import excerpt

if TYPE_CHECKING:
    import pandas as pd

    from neuralist.ingest.changes import Additions, Removal

# Those that the folder catalogue/ changes, in the order in which they run; none trains.
STAGES = ("catalogue", "songmap", "package", "register")
_MAX_SHOWN = 20  # songs or rows named one by one

app = typer.Typer(
    cls=Group,
    help="Add songs to the catalogue, or remove some, without training.",
    no_args_is_help=True,
)


class _Checkout(NamedTuple):
    """A checkout or workspace: its folder, and its table of songs (tables.SONGS)."""

    root: Path
    songs: "pd.DataFrame"

    @property
    def folder(self) -> Path:
        """The folder of changes."""
        from neuralist.ingest import changes

        return self.root / changes.FOLDER


class _Refused(NamedTuple):
    """A row that is not added: file and line, the reason, and the value."""

    where: str
    reason: str
    value: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}, received {excerpt(repr(self.value))}"


class _Sorted(NamedTuple):
    """A person's rows: ids of new and of corrected songs, how many stay, and rejects of the rest."""

    new: list[str]
    corrected: list[str]
    n_same: int
    refused: list[_Refused]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A csv: id, text, artist, title, year, tags.")],
    as_json: Json = False,
) -> None:
    """Add songs to the catalogue, or correct some: the champion encodes them, nothing is trained.

    A row needs a text, and an id or artist and title; the column of texts may be called lyrics. A row of a
    song that is there already takes its place, and what it leaves empty stays. Rows that cannot be used are
    named with their line, and the others are added.
    """
    from neuralist.ingest import changes

    given = changes.read_file(file)
    checkout = _checkout_alone()
    result = _add(checkout, given, file.name)
    for line, count in given.unread.items():
        shell.warn(f"{count} column{'s are' if count > 1 else ' is'} not read: {line}")
    for where, year in given.records[["where", "unread_year"]].itertuples(index=False, name=None):
        if isinstance(year, str):
            shell.warn(f"{where}: {excerpt(repr(year))} is no year; left empty")
    if not (result.new or result.corrected or result.n_same):
        raise ValueError(
            f"{file}: none of its {len(result.refused):,} songs can be added; the first, {result.refused[0]}"
        )
    outcome = {"new": result.new, "corrected": result.corrected, "unchanged": result.n_same}
    counts = f"{len(result.new):,} new, {len(result.corrected):,} corrected, {result.n_same:,} unchanged"
    lines = [f"{file}: {counts}, {len(result.refused):,} refused"]
    lines += [f"  {row}" for row in result.refused]
    _finish(checkout, outcome | {"refused": [row._asdict() for row in result.refused]}, lines, as_json)


@app.command()
def remove(
    songs: Annotated[
        list[str], typer.Argument(metavar="SONG...", help="A song: its id, or 'artist - title'.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for catalogue/removed.csv.")] = "",
    as_json: Json = False,
) -> None:
    """Remove songs from the catalogue and the map, for good: no later data or training brings them back.

    Of a song that was added the text is deleted too. What the model's weights learned from a song of the
    training data stays; docs/serving.md says how to take it out of these.
    """
    from neuralist.ingest import catalogue, changes

    checkout = _checkout_alone()
    removed = changes.read_removed(checkout.folder)
    added = changes.read_added(checkout.folder).records
    current = catalogue.current_names(checkout.songs, added, removed)
    with_removed = catalogue.current_names(checkout.songs, added, {})
    chosen, before = _resolve(songs, with_removed, removed)
    removal = changes.Removal(date.today().isoformat(), " ".join(reason.split()))
    # First what leaves the song out, whatever is killed after it.
    changes.write_removed(checkout.folder, removed | dict.fromkeys(chosen, removal))
    kept = added.loc[~added["id"].isin([*chosen, *before])]
    if len(kept) < len(added):
        changes.write_added(checkout.folder, kept)
    _pin(checkout.root)
    lines = [f"{song}: removed" for song in chosen]
    lines += [f"{song}: was removed already{_when(removed[song])}" for song in before]
    versions = _versions(checkout, current, chosen)
    if len(versions):
        shell.warn(f"other versions or covers of them stay: {', '.join(versions)}")
    outcome = {"removed": chosen, "already_removed": before, "other_versions": versions}
    _finish(checkout, outcome, lines, as_json)


@app.command()
def restore(
    songs: Annotated[list[str], typer.Argument(metavar="ID...", help="The id of a song that was removed.")],
    as_json: Json = False,
) -> None:
    """Take back a removal: the song comes back as the data have it."""
    from neuralist.ingest import changes

    checkout = _checkout_alone()
    removed = changes.read_removed(checkout.folder)
    unknown = [song for song in songs if song not in removed]
    if unknown:
        near = "; ".join(sorted(removed)[:_MAX_SHOWN]) or "none"
        raise ValueError(f"no song {excerpt(repr(unknown[0]))} was removed; removed are: {near}")
    left = {song: removal for song, removal in removed.items() if song not in songs}
    changes.write_removed(checkout.folder, left)
    there = set(checkout.songs["song_id"])
    for song in songs:
        if song not in there:
            shell.warn(f"{song}: is not in the data, and its text was deleted; add it again")
    _finish(checkout, {"restored": songs}, [f"{song}: restored" for song in songs], as_json)


@app.command("list")
def show(as_json: Json = False) -> None:
    """Show what was added, corrected and removed."""
    from neuralist.ingest import changes

    checkout = _checkout()
    records = changes.read_added(checkout.folder).records
    removed = changes.read_removed(checkout.folder) if checkout.folder.exists() else {}
    there = set(checkout.songs["song_id"])
    texts = records[["id", "artist", "title"]].astype(object)
    added = [
        {"id": song, "what": "corrected" if song in there else "new", "artist": artist, "title": title}
        for song, artist, title in texts.where(texts.notna(), None).itertuples(index=False, name=None)
        if song not in removed
    ]
    gone = [{"id": song, **removal._asdict()} for song, removal in removed.items()]
    if as_json:
        shell.print_json({"added": added, "removed": gone})
        return
    if not added and not gone:
        print("The catalogue is that of the data: nothing was added or removed.")
        return
    rows = [(row["id"], row["what"], row["artist"], row["title"]) for row in added]
    rows += [(song, "removed", removal.date, removal.reason) for song, removal in removed.items()]
    shell.console().print(shell.table(["id", "", "artist, or date", "title, or reason"], rows))


def _checkout() -> _Checkout:
    """Return the checkout around the working folder.

    Raises:
        ValueError: there is none, or its stage songs has not run.
    """
    from neuralist.data import parquet, tables

    root = files.checkout()
    return _Checkout(root, parquet.read(root / "artifacts" / "songs.parquet", tables.SONGS))


def _checkout_alone() -> _Checkout:
    """Return the checkout around the working folder, whose catalogue no other call changes until this ends.

    Also while the stages run: DVC, which has a lock of its own, would fail in the other call.

    Raises:
        ValueError: there is none, or its stage songs has not run.
    """
    from neuralist.ingest import changes

    checkout = _checkout()
    waiting = "another call of neuralist catalogue is at work here; this one waits until it ends"
    shell.resources.enter_context(changes.alone(checkout.folder, lambda: shell.warn(waiting)))
    return checkout


def _add(checkout: _Checkout, given: "Additions", name: str) -> _Sorted:
    """Write the usable ones of a person's rows to added.csv; returns how they were sorted."""
    import pandas as pd

    from neuralist.config import params
    from neuralist.ingest import catalogue, changes

    before, removed = changes.read_added(checkout.folder), changes.read_removed(checkout.folder)
    there = catalogue.current_names(checkout.songs, before.records, {})
    records, set_apart = _set_apart(changes.with_ids(given.records, there), removed, name)
    # Beside the songs that were added before: no two may have one text under unrelated names.
    stay = before.records.loc[~before.records["id"].isin(records["id"])].assign(where="")
    offered = pd.concat([stay, records], ignore_index=True)
    choices = params.load(checkout.root / "params.yaml").songs
    additions = changes.Additions(offered, given.rejects, {})
    accepted, rejects = catalogue.accept(checkout.songs, additions, removed, choices)
    usable = offered.loc[offered["id"].isin(accepted["id"]) & offered["id"].isin(records["id"])]
    is_of_file = rejects["where"].str.startswith(f"{name}:")
    refused = pd.concat([rejects.loc[is_of_file], set_apart])
    same = set(_rows(before.records))
    changed = usable.loc[[row not in same for row in _rows(usable)]]
    if not changed.empty:
        kept = before.records.loc[~before.records["id"].isin(changed["id"])]
        changes.write_added(checkout.folder, pd.concat([kept, changed], ignore_index=True))
    _pin(checkout.root)
    is_there = changed["id"].isin([*checkout.songs["song_id"], *before.records["id"]])
    return _Sorted(
        changed.loc[~is_there, "id"].tolist(),
        changed.loc[is_there, "id"].tolist(),
        len(usable) - len(changed),
        sorted(
            (_Refused(*row) for row in refused[[*_Refused._fields]].itertuples(index=False, name=None)),
            key=lambda row: int(row.where.rpartition(":")[2]),
        ),
    )


def _set_apart(
    records: "pd.DataFrame", removed: "Mapping[str, Removal]", name: str
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return the records without repeats and songs that were removed, and rejects of these."""
    import pandas as pd

    from neuralist.ingest.sources import common

    is_repeat, is_gone = records["id"].duplicated(), records["id"].isin(list(removed))
    repeats = common.rejected(name, records.loc[is_repeat], "repeat of an earlier song", "id")
    gone = records.loc[is_gone & ~is_repeat]
    whens = [
        f"was removed{_when(removed[song])}; `neuralist catalogue restore {song}` takes that back"
        for song in gone["id"]
    ]
    gone = common.rejected(name, gone, pd.Series(whens, index=gone.index, dtype="str"), "id")
    return records.loc[~is_repeat & ~is_gone], pd.concat([repeats, gone])


def _rows(records: "pd.DataFrame") -> list[tuple[Any, ...]]:
    """Return what added.csv holds of each record, to compare."""
    columns = ("id", "lyrics", "artist", "title", "year", "language")
    texts = records[list(columns)].astype(object)
    rows = texts.where(texts.notna(), None).itertuples(index=False, name=None)
    return [(*row, tuple(tags)) for row, tags in zip(rows, records["tags"], strict=True)]


def _resolve(
    songs: Sequence[str], known: "pd.DataFrame", removed: "Mapping[str, Removal]"
) -> tuple[list[str], list[str]]:
    """Return ids of the songs to remove, and of those that are removed already.

    Args:
        songs: ids or names.
        known: song_id, artist and title, also of songs that are removed.
        removed: removals by id.

    Raises:
        ValueError: no song has an id or name, or several have it: nothing else is removed then.
    """
    from neuralist.serving.song_names import SongNames

    names, ids = SongNames(known), known["song_id"].tolist()
    chosen, before = [], []
    for song in dict.fromkeys(songs):
        if song.strip() in removed:  # its id, which as a name may be another song's
            before.append(song.strip())
            continue
        found = [ids[row] for row in names.exactly(song)]
        left = [song_id for song_id in found if song_id not in removed]
        if len(left) > 1:
            several = ", ".join(left)
            raise ValueError(
                f"{excerpt(repr(song))} is the name of {len(left)} songs; name one or more by id: {several}"
            )
        if left:
            chosen += left
        elif found:
            before += found
        else:
            raise ValueError(_unknown(song, known.loc[~known["song_id"].isin(list(removed))]))
    return list(dict.fromkeys(chosen)), list(dict.fromkeys(before))


def _unknown(song: str, current: "pd.DataFrame") -> str:
    from neuralist.serving.song_names import SongNames

    near = "; ".join(f"'{label}'" for label in SongNames(current).find(song).suggestions)
    return f"no song '{song}' among the {len(current):,} of the catalogue, and nothing was removed" + (
        f"; did you mean {near}?" if near else "; give an id, or 'artist - title'"
    )


def _versions(checkout: _Checkout, current: "pd.DataFrame", chosen: Sequence[str]) -> list[str]:
    """Return ids of songs that stay, and are versions or covers of those that are removed."""
    songs = checkout.songs
    groups = songs.loc[songs["song_id"].isin(chosen), "group_id"]
    others = songs.loc[songs["group_id"].isin(groups) & ~songs["song_id"].isin(chosen), "song_id"]
    there = set(current["song_id"])
    return [song for song in others.tolist() if song in there][:_MAX_SHOWN]


def _when(removal: "Removal") -> str:
    """Return date and reason of a removal, as far as they are known."""
    day = f" on {removal.date}" if removal.date else ""
    return day + (f" ({removal.reason})" if removal.reason else "")


def _pin(root: Path) -> None:
    """Let DVC version added.csv; what it holds is then shared by `dvc push`.

    Raises:
        ValueError: DVC cannot.
    """
    from neuralist.ingest import changes

    path = f"{changes.FOLDER}/{changes.ADDED}"
    if (root / path).exists():
        added = _dvc(root, "add", path)
        if added.returncode:
            raise ValueError(
                f"{path} is written, and `dvc add {path}` failed: {_error_line(added.stderr)}; correct that "
                "and call again"
            )


def _finish(checkout: _Checkout, outcome: dict[str, Any], lines: Sequence[str], as_json: bool) -> None:
    """Run the stages that the change is about, and print the outcome.

    Raises:
        ValueError: a stage before them is out of date, so that they would not show the change, or one fails.
    """
    stale = _stale(checkout.root)
    applied = not stale and _run_stages(checkout.root)
    if as_json:
        shell.print_json(outcome | {"applied": applied, "next": None if applied else "dvc repro"})
    else:
        print("\n".join(map(_shown_line, lines)))
    if stale:
        raise ValueError(
            f"the change is in catalogue/, and not yet in the model: out of date is {', '.join(stale[:3])}"
            f"{' and more' if stale[3:] else ''}; `dvc repro` runs that and brings the change, and may train"
        )
    if not applied:
        raise ValueError(
            "the change is in catalogue/, and a stage failed, as it says above; correct that and call "
            "again, or `dvc repro`"
        )


def _run_stages(root: Path) -> bool:
    """Run STAGES, their lines on standard error, for they are no result; returns whether all went well."""
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", *STAGES]
    return not subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode


def _shown_line(line: str) -> str:
    """Return a line as it may be printed, with its indent."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + shown(line)


def _stale(root: Path) -> list[str]:
    """Return the stages out of date before those that are run: they would be given old tables.

    Raises:
        ValueError: DVC cannot tell.
    """
    from neuralist.ingest import changes

    status = _dvc(root, "status", "--json")
    if status.returncode:
        raise ValueError(
            f"the change is in catalogue/, and `dvc status` failed: {_error_line(status.stderr)}; correct "
            "that and call again"
        )
    # Stage track, which always runs, reads what these make, and register does what it would.
    own = {*STAGES, "track", f"{changes.FOLDER}/{changes.PIN}"}
    return [stage for stage in json.loads(status.stdout) if stage not in own]


def _dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(
        command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _error_line(text: str) -> str:
    """Return DVC's error; what follows it is advice, such as to delete a lock."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ").rstrip(":") for line in lines if line.startswith("ERROR: ")]
    return shown((errors or lines)[-1]) if lines else "it said nothing"
