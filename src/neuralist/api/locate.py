"""Find the folder of a model by what people call it.

| model | read from |
|---|---|
| nothing | artifacts/served of the checkout around the working folder |
| an experiment | artifacts/experiments/<name> there; packed where more than its encoder is needed |
| a folder | this folder |
| models:/<name>@<alias> or models:/<name>/<version> | its served folder, copied out of the store |

Packed and copied files are in temporary folders, which the caller's ExitStack deletes.
"""

from contextlib import ExitStack, suppress
from pathlib import Path

from neuralist import files
from neuralist.excerpts import excerpt


def find(model: str | Path | None, resources: ExitStack) -> Path:
    """Return the folder of a model's encoder, packed or not.

    Raises:
        ValueError: there is no such model.
    """
    folder = _named(model, resources)
    if (folder / "encoder.onnx").is_file():
        return folder
    why = f" ({folder / 'card.md'} says why)" if (folder / "card.md").is_file() else ""
    raise ValueError(f"{folder}: no trained model there{why}; run `dvc repro`, or name {_kinds()}")


def served(folder: Path, resources: ExitStack) -> Path:
    """Return a trained model's folder packed for serving: with its threshold and catalogue.

    Raises:
        ValueError: the folder is neither packed nor an experiment of a checkout.
    """
    if (folder / "served.json").is_file():
        return folder
    source = folder.resolve()
    checkout = source.parent.parent.parent
    if source.parent == checkout / "artifacts" / "experiments" and files.is_checkout(checkout):
        return _packed(source, checkout, resources)
    raise ValueError(
        f"{folder}: not packed for serving, so it has no threshold and no catalogue; name {_kinds()}"
    )


def _named(model: str | Path | None, resources: ExitStack) -> Path:
    if model is None:
        try:
            return files.checkout() / "artifacts" / "served"
        except ValueError as error:
            raise ValueError(f"{error}, or name a model: a folder, or models:/...") from None
    if not isinstance(model, str | Path):
        raise ValueError(f"model: received {excerpt(repr(model))}; give {_kinds()}")
    name = str(model)
    if name.startswith("models:/"):
        try:
            from neuralist.tracking.download import download

            return download(name, _scratch(resources))  # imports mlflow, 3 s
        except ModuleNotFoundError as error:
            raise ValueError(
                f"{name}: a registered model needs MLflow ({error}); pip install 'neuralist[train]', "
                "or give the folder of a served model"
            ) from error
    with suppress(RuntimeError):  # ~name of a user that is not on this machine
        model = Path(model).expanduser()
    folders = [path for path in (Path(model), _experiments() / name) if path.is_dir()]
    if not folders:
        raise ValueError(f"{name}: no such model; give {_kinds()}")
    # A folder of the experiment's name that holds no model does not hide the experiment.
    return next((folder for folder in folders if (folder / "encoder.onnx").is_file()), folders[0])


def _experiments() -> Path:
    """Return the folder of the checkout's experiments; outside a checkout it need not exist."""
    return next(iter(files.checkouts(Path.cwd())), Path()) / "artifacts" / "experiments"


def _kinds() -> str:
    names = sorted(path.parent.name for path in _experiments().glob("*/encoder.onnx"))
    experiments = ", ".join(names) or "none yet"
    return f"an experiment of this checkout ({experiments}), a folder, or models:/<name>@<alias>"


def _scratch(resources: ExitStack) -> Path:
    return resources.enter_context(files.temporary_folder())


def _packed(source: Path, checkout: Path, resources: ExitStack) -> Path:
    """Pack an experiment of a checkout, as stage `package` packs the best; returns its folder.

    Raises:
        ValueError: a table or the experiment's metrics are missing.
    """
    from neuralist.config import params, records
    from neuralist.evaluation import selection
    from neuralist.serving import package

    artifacts = checkout / "artifacts"
    metrics = records.load_estimates(artifacts / "estimates")
    if source.name not in metrics:
        raise ValueError(
            f"{source.name}: no estimates of it in {artifacts / 'estimates'}; run `dvc repro evaluate`"
        )
    settings = params.load(checkout / "params.yaml")
    evaluated = metrics[source.name]
    metric = selection.resolve_metric(metrics, settings.registration.metric)
    if metric not in evaluated.splits["val"].metrics:  # of protocol paper, or without lists of songs
        metric = "spearman"
    out = _scratch(resources) / source.name
    package.pack(
        source,
        evaluated,
        package.Inputs.of(artifacts),
        out,
        metric=metric,
        level=settings.evaluate.level,
        genre_lists=settings.songs.genres,
    )
    return out
