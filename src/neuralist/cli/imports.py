"""Command import: any file of graded pairs, or of songs, becomes a raw folder of the generic form."""

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json, counted, shown

if TYPE_CHECKING:
    from neuralist.ingest.importing.generic import Imported

_LEAST = 10  # texts and pairs that `expected` in params.yaml wants
_GAP = 5  # columns of the terminal between two columns of the table, and a bit more
_NAME = 30  # characters of a column's name that are shown


def import_(  # noqa: PLR0913 - each is an option
    *,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="A table, several of one form, or a folder of songs."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="A folder that is not there yet.")],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace the texts and pairs of an earlier import in FOLDER; corpus.yaml stays."
        ),
    ] = False,
    left: Annotated[str | None, typer.Option(help="The column of left texts, by name or place.")] = None,
    right: Annotated[str | None, typer.Option(help="The column of right texts.")] = None,
    score: Annotated[str | None, typer.Option(help="The column of their grades.")] = None,
    split: Annotated[str | None, typer.Option(help="The column that says train, val or test.")] = None,
    grades: Annotated[
        str | None, typer.Option("--range", metavar="LOW,HIGH", help="The lowest and highest grade possible.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="In a table of single texts: their column.")] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="There: the column that names them.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file that is not in UTF-8.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an .xlsx file that has several.")] = None,
    as_json: Json = False,
) -> None:
    """Make a raw folder of any file of graded pairs, or of songs.

    Reads Quora's, SICK's and STS-B's files, tables with any columns (.csv, .tsv, .txt, .xlsx, .json, .jsonl,
    .parquet), folders of .txt and .lrc files named "Artist - Title", and the JSON of LyricsGenius. Says what
    each column was read as, what was left out and why, and what to call next. Where two columns may be meant,
    it names them and stops: the options say which.
    """
    from neuralist.ingest.importing import generic, source
    from neuralist.ingest.importing.grades import parse_range
    from neuralist.ingest.importing.roles import Flags

    generic.check_out(out, replace=replace)
    scale = parse_range(grades) if grades is not None else None
    if replace and text is None and id_column is None:
        scale = generic.kept_range(out, scale)
    flags = Flags(left=left, right=right, score=score, split=split, text=text, id=id_column, range=scale)
    imported = source.read(paths, flags, encoding, sheet)
    names = ", ".join(path.resolve().name for path in paths)
    generic.write(imported, out, names, replace=replace)
    result = _result(imported, out, names)
    if as_json:
        shell.print_json(result)
    else:
        _print(result, imported)


def _result(imported: "Imported", out: Path, names: str) -> dict[str, Any]:
    """Return what the command prints, as --json has it."""
    splits = None
    if imported.pairs is not None and "split" in imported.pairs:
        counts = Counter(imported.pairs["split"].tolist())
        splits = {split: counts[split] for split in ("train", "val", "test")}
    first: dict[str, tuple[str, str]] = {}
    for place, reason, value in imported.left_out:
        first.setdefault(reason, (place, value))
    reasons = Counter(reason for _, reason, _ in imported.left_out)
    scale = imported.range
    return {
        "file": names,
        "form": imported.form,
        "columns": [column._asdict() for column in imported.columns],
        "folder": str(out),
        "texts": len(imported.texts),
        "pairs": None if imported.pairs is None else len(imported.pairs),
        "splits": splits,
        "similarity_range": None if scale is None else [scale.low, scale.high],
        "range_source": None if scale is None else scale.source,
        "left_out": [
            {"reason": reason, "rows": count, "first": first[reason][0], "value": first[reason][1]}
            for reason, count in reasons.most_common()
        ],
        "notes": [*imported.notes, *_advice(imported, out, splits)],
        "next": _next(imported, out, splits),
    }


def _advice(imported: "Imported", out: Path, splits: dict[str, int] | None) -> list[str]:
    """Return what the pipeline can and cannot do with it."""
    if imported.pairs is None:
        return [
            "no pairs, so no model can be trained on these texts alone: make repro needs pairs.csv (left_id, "
            "right_id, similarity) beside texts.csv; a trained model can embed them, or recommend them too: "
            f"neuralist catalogue add {_from_checkout(out / 'texts.csv')}, in the checkout"
        ]
    notes = []
    if len(imported.pairs) < _LEAST or len(imported.texts) < _LEAST:
        notes.append(
            f"the pipeline stops at fewer than {_LEAST} texts or pairs: see `expected` in params.yaml"
        )
    if splits is None:
        # 0.6 of the texts are in train, 0.2 in val, 0.2 in test: both of a pair are in one with 0.44.
        notes.append(
            "no split: texts are cut into folds, and pairs across folds, about half of all, are not used; a "
            "column of train, val and test keeps all"
        )
    elif not splits["train"]:
        notes.append("no pair is in split train: a trained model can be evaluated on these, none be trained")
    elif not splits["test"]:
        notes.append("no pair is in split test, so no figure would be measured: import the test file too")
    return notes


def _next(imported: "Imported", out: Path, splits: dict[str, int] | None) -> str:
    """Return the command that comes next."""
    folder = _from_checkout(out)
    if imported.pairs is None:
        return f"neuralist embed {shlex.quote(str(out / 'texts.csv'))} embeddings.csv"
    if splits is not None and not splits["train"]:
        return f"neuralist evaluate MODEL {folder}"
    # With two grades and no split, `workspace.prepare` cannot tell graded pairs from lists of songs.
    is_graded = splits is not None or len(set(imported.pairs["similarity"].tolist())) > 2
    return f"make repro RAW={folder}" + ("" if is_graded else " EXPERIMENTS=malstm2016,graded")


def _from_checkout(path: Path) -> str:
    """Return a path as a command in the checkout takes it."""
    return shlex.quote(str(path if files.is_checkout(Path.cwd()) else path.resolve()))


def _print(result: dict[str, Any], imported: "Imported") -> None:
    from neuralist.ingest.importing.generic import LEFT_OUT

    print(f"{shown(result['file'])}: {shown(result['form'])}\n")
    console, columns = shell.console(), imported.columns
    names = [_cut(shown(column.name), _NAME) for column in columns]
    free = console.width - max(len("column"), *map(len, names)) - max(len(column.role) for column in columns)
    each = max(12, free // len(imported.places) - _GAP)
    rows = [
        (name, column.role, *(_cut(example, each) for example in column.examples))
        for name, column in zip(names, columns, strict=True)
    ]
    heads = [_cut(_place(place), each) for place in imported.places]
    console.print(shell.table(["column", "read as", *heads], rows))
    print()
    counts = [counted(result["texts"], "text")]
    if result["pairs"] is not None:
        low, high = result["similarity_range"]
        counts.append(counted(result["pairs"], "pair"))
        counts.append(f"grades from {low:g} to {high:g} ({result['range_source']})")
    if result["splits"]:
        counts.append(", ".join(f"{count:,} in {split}" for split, count in result["splits"].items()))
    print(f"{shown(result['folder'])}: {'; '.join(counts)}")
    if result["left_out"]:
        total = sum(item["rows"] for item in result["left_out"])
        print(f"left out: {counted(total, 'row')}, listed in {shown(Path(result['folder'], LEFT_OUT))}")
        for item in result["left_out"]:
            value = f" ({_cut(item['value'], _NAME)})" if item["value"] else ""
            print(f"  {item['rows']:>7,}  {shown(item['reason'])}; the first: {shown(item['first'] + value)}")
    for note in result["notes"]:
        print(f"note: {shown(note)}")
    where = "" if result["next"].startswith("neuralist embed") else ", in the checkout"
    print(f"next{where}: {result['next']}")


def _place(place: str) -> str:
    """Return the place of an example row, its file and line, as a heading."""
    name, _, line = place.rpartition(":")
    return f"row {line}" if name else place


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
