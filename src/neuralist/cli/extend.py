"""Command extend: add the words of further vector files to a trained model, without training."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json, shown

if TYPE_CHECKING:
    from neuralist.model.extension import Extension

_REGISTERED = re.compile(r"models:/([^/@]+)[/@]")


def extend(
    vectors: Annotated[
        list[Path],
        typer.Option("--vectors", metavar="FILE", help="A word vector file; give it once for each language."),
    ],
    model: Annotated[
        str | None,
        typer.Argument(help="An experiment's name, a folder, or models:/...; without it artifacts/served."),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align", help="Turn a file of another space into the model's, not refuse it.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write; without it one in work/extended/.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a trained model read further languages, by word vectors of the same space.

    Nothing is trained: a word that is near to an English one in meaning is read as that. The songs of the
    catalogue are read anew. The new model is written as a folder, and registered as challenger where the
    model that it extends is registered.
    """
    from neuralist.api import locate

    root = files.checkout()
    songs = root / "artifacts" / "catalogue_songs.parquet"
    _check_files(songs, vectors, out)
    folder = locate.served(locate.find(model, shell.resources), shell.resources)
    from neuralist.config import params, records
    from neuralist.tracking import extended_version

    corpus = params.model_name(root / "params.yaml")
    match = _REGISTERED.match(model or "")
    if match and match.group(1).removesuffix(params.RECOMMENDER) != corpus:
        raise ValueError(
            f"{model}: not of {corpus}, the corpus here, whose catalogue would be read anew; call it in the "
            "checkout or workspace of that model"
        )
    before = records.load_served(folder)
    beside = root / "work" / "extended" if out is None else out.absolute().parent
    target, added = _write(folder, vectors, songs, beside, out, align=align)
    try:
        line = extended_version.register(target, before, corpus, added.files)
    except ValueError as error:
        raise ValueError(
            f"written to {target}, but not registered: {error}; then call it again, which registers it"
        ) from error
    if as_json:
        shell.print_json({"folder": str(target), "registered": line} | added._asdict())
        return
    for note in added.spaces:
        print(shown(note))
    print(f"{before.experiment} knows {added.n_words:,} words more; {added.n_merged:,} have merged vectors")
    print(f"written to {shown(target)}")
    print(shown(f"{before.experiment} is {line}"))


def _check_files(songs: Path, vectors: Sequence[Path], out: Path | None) -> None:
    """Check what is read and where it is written, before any work is done.

    Raises:
        ValueError: a file is missing, or another folder than a served one is at `out`.
    """
    if not songs.is_file():
        raise ValueError(f"{songs}: not there yet; run `dvc repro`, which writes the catalogue's songs")
    for path in vectors:
        if not path.is_file():
            raise ValueError(f"{path}: no such file; give a word vector file")
    # A served folder may be of an earlier call that was stopped before it registered.
    if out is not None and out.exists() and not (out / "served.json").is_file():
        raise ValueError(f"{out}: there already; give --out another folder")


def _write(
    folder: Path, vectors: Sequence[Path], songs: Path, beside: Path, out: Path | None, *, align: bool
) -> tuple[Path, "Extension"]:
    """Write the extended model, whole or not at all; returns its folder, and what was added.

    Raises:
        ValueError: the vectors do not fit the model, or another model is there already.
    """
    from neuralist.config import records
    from neuralist.data import parquet, tables
    from neuralist.serving import package

    beside.mkdir(parents=True, exist_ok=True)
    with files.temporary_folder(beside, files.UNFINISHED) as temporary:
        whole = temporary / "served"
        catalogue = parquet.read(songs, tables.SONGS)
        served, added = package.extend(folder, vectors, catalogue, whole, align=align)
        target = out or beside / f"{served.experiment}-{served.content[:12]}"
        if not target.exists():
            whole.rename(target)
        elif records.load_served(target).content != served.content:
            raise ValueError(f"{target}: there already, with another model; give --out another folder")
    return target, added
