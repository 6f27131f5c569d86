"""Commands that come next, and what each does: `make repro`, `neuralist` alone and `doctor` end with them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """A command, and what it does; one that fixes something says nothing more."""

    command: str
    purpose: str = ""


READY = [
    Step("neuralist map", "the songs on a plane, in the browser"),
    Step("neuralist compare A B", "how alike two lyrics are, and which of their lines"),
    Step("neuralist recommend --lyrics FILE", "songs like these lyrics"),
]
SERVE = Step("make serve", "the champion behind HTTP, on port 5001")
NO_DATA = [
    Step("make data", "the demo corpus, or what data.dvc pins"),
    Step("neuralist fetch", "real songs and similarities, in place of the demo"),
    Step("neuralist demo FOLDER", "the demo corpus in a folder, for make repro RAW=FOLDER"),
]


def ready(workspace: Path | None, model: str) -> list[Step]:
    """Return what can be done where all is there.

    Args:
        workspace: of the pipeline, see `files.workspace`; None for the checkout itself.
        model: the name of its registered model.
    """
    if workspace is None:
        return [*READY, SERVE]
    # A workspace has no Makefile, and MLflow's store is in the checkout.
    serve = f"mlflow models serve -m models:/{model}@champion --env-manager local -p 5001"
    return [*READY, Step(f"(cd ../.. && {serve})", SERVE.purpose)]


def lines(steps: Iterable[Step], workspace: Path | None = None) -> list[str]:
    """Return the steps as indented lines in two columns, under the heading Next.

    Args:
        steps: the commands.
        workspace: where they are called, for the heading.
    """
    return [
        f"Next, in {workspace}:" if workspace else "Next:",
        *(f"  {step.command:33}  {step.purpose}".rstrip() for step in steps),
    ]
