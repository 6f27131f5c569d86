"""Resolve the option --model: an experiment of the checkout, a folder, or a registered model.

| --model | read from |
|---|---|
| nothing | artifacts/served |
| an experiment | artifacts/experiments/<name>; packed where the command needs more than its encoder |
| a folder | this folder |
| models:/<name>@<alias> or models:/<name>/<version> | its served folder, copied out of the store |

Packed and copied files are in a temporary folder, deleted when the command ends.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from neuralist.cli import shell

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="An experiment's name, a folder, or models:/...; without it the checkout's artifacts/served.",
    ),
]


def served(model: str | None) -> Path:
    """Return the folder of a model packed for serving: encoder, threshold and catalogue.

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
    """Return the folder of a model's encoder, packed or not.

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
    folders = [folder for folder in (Path(model).expanduser(), _experiments() / model) if folder.is_dir()]
    if not folders:
        raise ValueError(f"{model}: no such model; give {_kinds()}")
    # A folder of the experiment's name that holds no model does not hide the experiment.
    return next((folder for folder in folders if (folder / "encoder.onnx").is_file()), folders[0])


def _experiments() -> Path:
    """Return the folder of the experiments; outside a checkout it need not exist."""
    try:
        return shell.checkout() / "artifacts" / "experiments"
    except ValueError:
        return Path("artifacts", "experiments")


def _is_experiment(folder: Path) -> bool:
    return folder.resolve().parent == _experiments().resolve() and (folder / "encoder.onnx").is_file()


def _kinds() -> str:
    names = sorted(path.parent.name for path in _experiments().glob("*/encoder.onnx"))
    experiments = ", ".join(names) or "none yet"
    return f"an experiment of this checkout ({experiments}), a folder, or models:/<name>@<alias>"


def _scratch() -> Path:
    return Path(shell.resources.enter_context(TemporaryDirectory()))


def _packed(source: Path) -> Path:
    """Pack an experiment of the checkout, as stage `package` packs the best; returns its folder.

    Raises:
        ValueError: a table or the experiment's metrics are missing.
    """
    from neuralist.config import params, records
    from neuralist.evaluation import selection
    from neuralist.serving import package

    artifacts = source.parents[1]
    metrics = records.load_metrics(artifacts / "metrics")
    if source.name not in metrics:
        raise ValueError(
            f"{source.name}: no metrics of it in {artifacts / 'metrics'}; run `dvc repro evaluate`"
        )
    settings = params.load(artifacts.parent / "params.yaml")
    metric, level = selection.metric_of(metrics, settings.registration.metric), settings.evaluate.level
    inputs = package.Inputs(
        artifacts / "songs.parquet", artifacts / "pairs.parquet", artifacts / "corpus.json"
    )
    out = _scratch() / source.name
    package.pack(source, metrics[source.name], inputs, out, metric=metric, level=level)
    return out
