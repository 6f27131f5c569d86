"""Command evaluate: a trained model on any raw folder."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neuralist import files
from neuralist.cli import shell
from neuralist.cli.shell import Json, Trust, shown


class Split(StrEnum):
    """Which pairs to score."""

    train = "train"
    val = "val"
    test = "test"
    all = "all"


def evaluate(
    model: Annotated[str, typer.Argument(help="An experiment's name, a folder, or models:/...")],
    raw: Annotated[Path, typer.Argument(metavar="RAW", help="A raw folder of either form.")],
    split: Annotated[
        Split, typer.Option(help="The pairs to score; all where RAW gives no split.")
    ] = Split.test,
    similarity_range: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="Of RAW's grades, where its corpus.yaml does not say it."),
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """How good a trained model is on any graded pairs, beside its baselines.

    Nothing is trained but baselines, on RAW's own training pairs. RAW may hold test pairs alone.
    """
    from neuralist.api import locate

    checkout, folder = files.checkout(), locate.find(model, shell.resources)
    if not raw.is_dir():
        raise ValueError(f"{raw}: no such folder; give one with texts.csv and pairs.csv, or official files")
    from neuralist import workspace
    from neuralist.cli import scoring
    from neuralist.config import corpus
    from neuralist.evaluation import results

    settings = workspace.settings(raw, checkout, trust=trust)
    if similarity_range is not None:
        low, high = similarity_range
        if not low < high:
            raise ValueError(f"--similarity-range: received {low:g} {high:g}; give the lower one first")
        settings = settings.model_copy(update={"similarity_range": similarity_range})
    scores = scoring.score(folder, raw, settings, split.value)
    if as_json:
        metrics = {name: evaluated.model_dump() for name, evaluated in scores.metrics.items()}
        shell.print_json({"model": model, "raw": str(raw), "notes": scores.notes, "metrics": metrics})
        return
    for note in scores.notes:
        print(shown(note))
    print(results.pair_metrics_table(scores.metrics, shown(corpus.read(raw).note), scores.things))
