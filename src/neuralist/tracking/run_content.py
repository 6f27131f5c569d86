"""Gather the content of an experiment's MLflow run from the stages' files, without mlflow.

Input: artifacts/ (estimates/ and metrics/<name>.json, experiments/<name>/, figures/, pages), params.yaml and
dvc.lock of the working folder, corpus.yaml of the raw folder. Output: params, tags, metrics, files and their
digest.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.files import digest_all, read_json
from neuralist.tracking import inputs, metric_names, trainings

if TYPE_CHECKING:
    from neuralist.config.records import ExperimentMetrics
    from neuralist.tracking.trainings import Training

# All files of a training but experiment.json, history.csv and histograms.npz. The digest leaves these out:
# they follow from the fingerprint in experiment.json, and are slow to read. Histograms, which may be switched
# on later, do not follow from it.
MODEL_FILES = (
    "model.keras",
    "encoder.onnx",
    "similarity.npz",
    "fusion.npz",
    "style.npz",
    "averaged_vectors.npz",
    "representatives.npz",
    "vocabulary.txt",
    "origins.npz",
)
REPORTS = (
    "results.md",
    "results.html",
    "validation.html",
    "validation.json",
    "songmap.html",
    "songmap.png",
    "figures/*",
)


@dataclass(frozen=True)
class RunContent:
    """The content of the run of one experiment."""

    name: str
    params: dict[str, Any]
    tags: dict[str, str]
    epochs: dict[int, dict[str, float]]  # epoch from 1 -> loss, accuracy, val_loss, ..., as in history.csv
    scores: dict[str, float]  # of the kept model: test_spearman, ..., val_mse, ...
    metrics: "ExperimentMetrics"  # baselines included
    files: dict[str, Path]  # name within the run -> file
    tables: "list[inputs.Table]"  # that the training read
    training: "Training | None"  # None where this machine did not train it


def names(artifacts: Path) -> list[str]:
    """Return the names of the evaluated experiments, in alphabetical order.

    Raises:
        ValueError: there are none.
    """
    evaluated = sorted(path.stem for path in (artifacts / "estimates").glob("*.json"))
    if not evaluated:
        raise ValueError(f"{artifacts / 'estimates'}: no estimates there; run `dvc repro`")
    return evaluated


def of_unlike_lengths(artifacts: Path) -> list[list[str]]:
    """Return the evaluated experiments that differ in max_tokens alone, in groups of two or more.

    Those that read least come first.

    Raises:
        ValueError: nothing is evaluated, or an experiment's record is missing or damaged.
    """
    by_settings: dict[str, list[tuple[int, str]]] = {}
    for name in names(artifacts):
        # Without its pydantic model, whose import takes as long as all else that a call with no news does.
        record = artifacts / "experiments" / name / "experiment.json"
        params = read_json(record).get("params", {})
        if "max_tokens" not in params:
            raise ValueError(f"{record}: no params with max_tokens; run `dvc repro` to train again")
        max_tokens = params.pop("max_tokens")
        by_settings.setdefault(json.dumps(params, sort_keys=True), []).append((max_tokens, name))
    groups = [[name for _, name in sorted(group)] for group in by_settings.values() if len(group) > 1]
    return sorted(groups)


def read(artifacts: Path, raw: Path, name: str) -> RunContent:
    """Read the content of the run of experiment `name`.

    Raises:
        ValueError: the experiment's files are missing or damaged.
    """
    from neuralist.config import records  # pydantic takes 0.1 s: only when a run is written

    folder = artifacts / "experiments" / name
    experiment = records.load_experiment(folder)
    metrics = records.load(artifacts / "estimates" / f"{name}.json", records.ExperimentMetrics)
    training, locked = trainings.read(name, experiment.fingerprint), inputs.stages()
    tags = {
        "fingerprint": experiment.fingerprint,
        "protocol": experiment.params.protocol,
        "data": _md5(locked, raw),
        "dvc_experiment": training.dvc_experiment if training else "",
        "resumed": _times(training.resumed) if training else "",
        "mlflow.source.name": "pipelines/train.py",
        "mlflow.source.git.commit": training.git_commit if training else trainings.git_commit(),
    }
    return RunContent(
        name=name,
        params=experiment.params.model_dump() | corpus_params(),
        tags={key: value for key, value in tags.items() if value},
        epochs=_epochs(folder / "history.csv"),
        scores=metric_names.figures(metrics),
        metrics=metrics,
        files=_files(artifacts, raw, name),
        tables=inputs.of_training(locked, folder),
        training=training if training and training.end else None,
    )


def _times(number: int) -> str:
    return {0: "", 1: "once"}.get(number, f"{number} times")


def digest(artifacts: Path, raw: Path, name: str) -> str:
    """Return a digest of the files of experiment `name`, except MODEL_FILES."""
    files = _files(artifacts, raw, name).items()
    return digest_all({artifact: path for artifact, path in files if path.name not in MODEL_FILES})


def _files(artifacts: Path, raw: Path, name: str) -> dict[str, Path]:
    folder = artifacts / "experiments" / name
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for pattern in (f"metrics/{name}.json", f"estimates/{name}.json", *REPORTS):
        files |= {path.relative_to(artifacts).as_posix(): path for path in artifacts.glob(pattern)}
    corpus = raw / "corpus.yaml"
    if corpus.exists():
        files[corpus.name] = corpus
    return dict(sorted(files.items()))


def _epochs(path: Path) -> dict[int, dict[str, float]]:
    if not path.exists():
        raise ValueError(f"{path}: no such file; run `dvc repro`")
    with path.open(encoding="utf-8", newline="") as file:
        return {
            int(row["epoch"]): {key: float(value) for key, value in row.items() if key != "epoch" and value}
            for row in csv.DictReader(file)
        }


def corpus_params() -> dict[str, Any]:
    """Return what params.yaml says for all experiments: of pairs, of vectors, and the range."""
    from neuralist.config import params

    settings = params.load()
    nested = settings.model_dump(mode="json", include={"pairs", "vectors"})
    flat = {f"{section}.{key}": value for section, keys in nested.items() for key, value in keys.items()}
    return flat | {"similarity_range": list(settings.similarity_range)}


def data_hash(raw: Path) -> str:
    """Return DVC's md5 of the raw folder, from dvc.lock; "" where the pipeline runs without DVC.

    Raises:
        ValueError: dvc.lock is not YAML.
    """
    return _md5(inputs.stages(), raw)


def _md5(locked: Mapping[str, Any], raw: Path) -> str:
    deps = (dep for stage in locked.values() for dep in stage.get("deps", []))
    return next((dep["md5"] for dep in deps if dep["path"] == str(raw) and "md5" in dep), "")
