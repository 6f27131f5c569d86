"""A model as every command names it: an experiment of the checkout, a folder, or a registered model.

| named by | read from |
|---|---|
| nothing | artifacts/served |
| an experiment | artifacts/experiments/<name>; packed for a command that needs more than its encoder |
| a folder | itself |
| models:/<name>@<alias> or models:/<name>/<version> | its served folder, copied out of the store |

What is packed or copied lies in a temporary folder, which goes when the command ends.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from neuralist.cli import shell

KINDS = "an experiment of this checkout ({names}), a folder, or models:/<name>@<alias>"
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="An experiment's name, a folder, or models:/...; without it the checkout's artifacts/served.",
    ),
]


def served(model: str | None) -> Path:
    """The folder of a model that is packed to serve: encoder, threshold and catalogue.

    Raises:
        ValueError: there is no such model, or its folder is not packed.
    """
    folder = _named(model)
    if (folder / "served.json").is_file():
        return folder
    if _is_experiment(folder):
        return _packed(folder)
    why = f" ({folder / 'card.md'} says why)" if (folder / "card.md").is_file() else ""
    raise ValueError(
        f"{folder}: no served model there{why}; run `dvc repro`, or name one by --model: {_kinds()}"
    )


def trained(model: str | None) -> Path:
    """The folder of a model's encoder, packed or not.

    Raises:
        ValueError: there is no such model.
    """
    folder = _named(model)
    if not (folder / "encoder.onnx").is_file():
        raise ValueError(f"{folder}: no trained model, for it holds no encoder.onnx; give {_kinds()}")
    return folder


def _named(model: str | None) -> Path:
    if model is None:
        try:
            return shell.checkout() / "artifacts" / "served"
        except ValueError as error:
            raise ValueError(f"{error}, or name a model by --model: a folder, or models:/...") from None
    if model.startswith("models:/"):
        from neuralist.tracking.download import download  # imports mlflow, 3 s

        return download(model, _scratch())
    for folder in (Path(model).expanduser(), _experiments() / model):
        if folder.is_dir():
            return folder
    raise ValueError(f"{model}: no such model; give {_kinds()}")


def _experiments() -> Path:
    """Where experiments lie; outside a checkout a folder that holds none."""
    try:
        return shell.checkout() / "artifacts" / "experiments"
    except ValueError:
        return Path("artifacts", "experiments")


def _is_experiment(folder: Path) -> bool:
    return folder.resolve().parent == _experiments().resolve() and (folder / "encoder.onnx").is_file()


def _kinds() -> str:
    names = sorted(path.parent.name for path in _experiments().glob("*/encoder.onnx"))
    return KINDS.format(names=", ".join(names) or "none yet")


def _scratch() -> Path:
    return Path(shell.resources.enter_context(TemporaryDirectory()))


def _packed(source: Path) -> Path:
    """Pack an experiment of the checkout as the stage `package` packs the best one.

    Raises:
        ValueError: a table or its metrics are missing.
    """
    from neuralist.config import corpus, params, records
    from neuralist.data import parquet, tables
    from neuralist.evaluation import selection
    from neuralist.serving import package

    artifacts = source.parents[1]
    metrics = records.load_metrics(artifacts / "metrics")
    if source.name not in metrics:
        raise ValueError(
            f"{source.name}: no metrics of it in {artifacts / 'metrics'}; run `dvc repro evaluate`"
        )
    settings = params.load(artifacts.parent / "params.yaml")
    chosen = package.Chosen(
        records.load_experiment(source),
        metrics[source.name],
        selection.metric_of(metrics, settings.registration.metric),
        settings.evaluate.level,
        corpus.load(artifacts / "corpus.json").note,
    )
    out = _scratch() / source.name
    songs, pairs = (
        parquet.read(artifacts / f"{name}.parquet", schema)
        for name, schema in (("songs", tables.SONGS), ("pairs", tables.PAIRS))
    )
    package.save(chosen, source, songs, pairs, out)
    return out
