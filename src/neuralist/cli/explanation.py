"""What `compare --explain` says: the lines and words of two songs that their similarity rests on."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from neuralist.cli import shell
from neuralist.console.error_messages import shown
from neuralist.excerpts import excerpt

if TYPE_CHECKING:
    from neuralist import api

# Shown of each text: lines, or words, that speak for the similarity, and against it.
_FOR, _AGAINST = 3, 2
_LEAST = 0.00005  # less is shown as 0.0000

Part = dict[str, Any]  # a row of `Model.explain`


def of_texts(model: "api.Model", a: str, b: str) -> dict[str, Any]:
    """Return what lines and words of two texts, cleaned already, contribute to their similarity."""
    from neuralist.serving.explanation import CAVEAT

    table = model.explain(a, b, cleaned=True)
    rows = table.itertuples(index=False, name=None)
    parts = [dict(zip(table.columns, row, strict=True)) for row in rows]
    for part in parts:
        part["contribution"] = None if math.isnan(part["contribution"]) else part["contribution"]
    return {"caveat": CAVEAT, "parts": parts} | {name: table.attrs[name] for name in ("similarity", "notes")}


def show(explanation: dict[str, Any]) -> None:
    """Print the lines and words of each text that contribute most, what was not tried, and the caveat."""
    for unit in ("line", "word"):
        rows = [
            (name.upper(), f"{part['contribution']:+.4f}", _times(part))
            for name in ("a", "b")
            for part in _leading(explanation["parts"], name, unit)
        ]
        if rows:
            print()
            shell.console().print(shell.table(["", "contribution", unit], rows))
    print()
    for note in [*explanation["notes"], *_silent(explanation["parts"])]:
        shell.console().print(shown(f"{note[0].upper()}{note[1:]}."))
    shell.console().print(explanation["caveat"])


def _leading(parts: Sequence[Part], name: str, unit: str) -> list[Part]:
    """Return the lines or words of a text that speak most for the similarity, and those most against it."""
    scored = [part for part in _scored(parts, name) if part["unit"] == unit]
    speak_for = [part for part in scored if part["contribution"] >= _LEAST][:_FOR]
    return speak_for + [part for part in scored if part["contribution"] <= -_LEAST][-_AGAINST:]


def _scored(parts: Sequence[Part], name: str) -> list[Part]:
    """Return the lines and words of a text whose contribution is known."""
    return [part for part in parts if part["text"] == name and part["contribution"] is not None]


def _silent(parts: Sequence[Part]) -> Iterator[str]:
    """Yield why a text has nothing to show."""
    for name in ("a", "b"):
        scored = _scored(parts, name)
        if not scored:
            yield f"{name}: it has one word that the model knows, and without it cannot be compared"
        elif all(abs(part["contribution"]) < _LEAST for part in scored):
            yield f"{name}: no line or word by itself changes the similarity by 0.0001"


def _times(part: Part) -> str:
    text = excerpt(part["part"])
    return text if part["times"] == 1 else f"{text} ({part['times']} times)"
