"""Gather the content of an experiment's MLflow run from the stages' files, without mlflow.

Input: artifacts/ (estimates/ and metrics/<name>.json, experiments/<name>/, figures/, pages), params.yaml and
dvc.lock of the working folder, corpus.yaml of the raw folder. Output: params, tags, metrics, files and their
digest.
"""

import csv
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.files import digest_all, parse_yaml
from neuralist.tracking.store import LAYOUT

if TYPE_CHECKING:
    from neuralist.config.records import ExperimentMetrics

# The digest leaves these out: they follow from the fingerprint in experiment.json, and are slow to read.
MODEL_FILES = (
    "model.keras",
    "encoder.onnx",
    "similarity.npz",
    "fusion.npz",
    "style.npz",
    "averaged_vectors.npz",
    "vocabulary.txt",
)
REPORTS = ("results.md", "validation.html", "validation.json", "songmap.html", "songmap.png", "figures/*")


@dataclass(frozen=True)
class RunContent:
    """The content of the run of one experiment."""

    name: str
    params: dict[str, Any]
    tags: dict[str, str]
    epochs: dict[int, dict[str, float]]  # epoch from 1 -> loss, accuracy, val_loss, ..., as in history.csv
    scores: dict[str, float]  # of the kept model: test_spearman, test_spearman_low, ..., val_mse, ...
    metrics: "ExperimentMetrics"  # baselines included
    files: dict[str, Path]  # name within the run -> file


def names(artifacts: Path) -> list[str]:
    """Return the names of the evaluated experiments, in alphabetical order.

    Raises:
        ValueError: there are none.
    """
    evaluated = sorted(path.stem for path in (artifacts / "estimates").glob("*.json"))
    if not evaluated:
        raise ValueError(f"{artifacts / 'estimates'}: no estimates there; run `dvc repro`")
    return evaluated


def read(artifacts: Path, raw: Path, name: str) -> RunContent:
    """Read the content of the run of experiment `name`.

    Raises:
        ValueError: the experiment's files are missing or damaged.
    """
    from neuralist.config import records  # pydantic takes 0.1 s: only when a run is written

    folder = artifacts / "experiments" / name
    experiment = records.load_experiment(folder)
    metrics = records.load(artifacts / "estimates" / f"{name}.json", records.ExperimentMetrics)
    tags = {
        "fingerprint": experiment.fingerprint,
        "protocol": experiment.params.protocol,
        "data": data_hash(raw),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME", ""),
        "mlflow.source.name": "pipelines/train.py",
        "mlflow.source.git.commit": _git_commit(),
    }
    return RunContent(
        name=name,
        params=experiment.params.model_dump() | _corpus_params(),
        tags={key: value for key, value in tags.items() if value},
        epochs=_epochs(folder / "history.csv"),
        scores=_scores(metrics),
        metrics=metrics,
        files=_files(artifacts, raw, name),
    )


def digest(artifacts: Path, raw: Path, name: str) -> str:
    """Return LAYOUT and a digest of the files of experiment `name`, except MODEL_FILES."""
    files = _files(artifacts, raw, name).items()
    digest = digest_all({artifact: path for artifact, path in files if path.name not in MODEL_FILES})
    return f"{LAYOUT}-{digest}"


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


def _scores(metrics: "ExperimentMetrics") -> dict[str, float]:
    scores: dict[str, float | None] = {}
    for split, split_metrics in metrics.splits.items():
        scores[f"{split}_n_pairs"] = split_metrics.n_pairs
        scores[f"{split}_n_songs"] = split_metrics.n_songs
        for name, estimate in split_metrics.metrics.items():
            scores[f"{split}_{name}"] = estimate.value
            scores |= {f"{split}_{name}_low": estimate.low, f"{split}_{name}_high": estimate.high}
    # MLflow has no undefined values.
    return {key: float(value) for key, value in scores.items() if value is not None}


def _corpus_params() -> dict[str, Any]:
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
    import yaml

    try:
        stages = parse_yaml(Path("dvc.lock").read_text(encoding="utf-8")).get("stages", {})
    except FileNotFoundError:
        return ""
    except yaml.YAMLError as error:
        raise ValueError(f"dvc.lock: not readable as YAML: {error}") from error
    deps = (dep for stage in stages.values() for dep in stage.get("deps", []))
    return next((dep["md5"] for dep in deps if dep["path"] == str(raw) and "md5" in dep), "")


def _git_commit() -> str:
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
