"""Commands that come next, and what each does: `make repro`, `neuralist` alone and `doctor` end with them."""

from collections.abc import Iterable
from typing import NamedTuple


class Step(NamedTuple):
    """A command, and what it does; one that fixes something says nothing more."""

    command: str
    purpose: str = ""


READY = [
    Step("neuralist map", "the songs on a plane, in the browser"),
    Step("neuralist compare A B", "how alike two lyrics are, and which of their lines"),
    Step("neuralist recommend --lyrics FILE", "songs like these lyrics"),
    Step("make serve", "the champion behind HTTP, on port 5001"),
]
NO_DATA = [
    Step("make data", "the demo corpus, or what data.dvc pins"),
    Step("neuralist fetch", "real songs and similarities, in place of the demo"),
    Step("neuralist demo FOLDER", "the demo corpus in a folder, for make repro RAW=FOLDER"),
]


def lines(steps: Iterable[Step]) -> list[str]:
    """Return the steps as indented lines in two columns, under the heading Next."""
    return ["Next:", *(f"  {step.command:33}  {step.purpose}".rstrip() for step in steps)]
