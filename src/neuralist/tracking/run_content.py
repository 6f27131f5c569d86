"""What the MLflow run of an experiment shows, read from the stages' files; no mlflow here.

Input: artifacts/ (metrics/<name>.json, experiments/<name>/, figures/, pages), params.yaml and dvc.lock of the
working folder, corpus.yaml of the raw folder. Output: names, numbers and files, and one digest of them all.
"""

import csv
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralist.files import digest_all

if TYPE_CHECKING:
    from neuralist.config.records import ExperimentMetrics

# The fingerprint in experiment.json stands for these: they need not be read to tell two runs apart.
MODEL_FILES = ("model.keras", "encoder.onnx", "vocabulary.txt")
REPORTS = ("results.md", "validation.html", "validation.json", "songmap.html", "songmap.png", "figures/*")


@dataclass(frozen=True)
class RunContent:
    """What the run of one experiment shows."""

    name: str
    params: dict[str, Any]
    tags: dict[str, str]
    epochs: dict[int, dict[str, float]]  # epoch from 1 -> loss, accuracy, val_loss, ...
    scores: dict[str, float]  # test_spearman, test_spearman_low, test_spearman_high, ..., val_mse, ...
    metrics: "ExperimentMetrics"  # baselines included
    files: dict[str, Path]  # name within the run -> file


def names(artifacts: Path) -> list[str]:
    """The experiments that stage evaluate measured, in alphabetical order.

    Raises:
        ValueError: there are none.
    """
    measured = sorted(path.stem for path in (artifacts / "metrics").glob("*.json"))
    if not measured:
        raise ValueError(f"{artifacts / 'metrics'}: no metrics there; run `dvc repro`")
    return measured


def read(artifacts: Path, raw: Path, name: str) -> RunContent:
    """Gather what the run of experiment `name` shows.

    Raises:
        ValueError: the experiment's files are missing or damaged.
    """
    from neuralist.config import records  # pydantic takes 0.1 s: only when a run is written

    folder = artifacts / "experiments" / name
    trained = records.load_experiment(folder)
    metrics = records.load(artifacts / "metrics" / f"{name}.json", records.ExperimentMetrics)
    tags = {
        "fingerprint": trained.fingerprint,
        "protocol": trained.params.protocol,
        "data": data_hash(raw),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME", ""),
        "mlflow.source.name": "pipelines/train.py",
        "mlflow.source.git.commit": _git_commit(),
    }
    return RunContent(
        name=name,
        params=trained.params.model_dump() | _corpus_params(),
        tags={key: value for key, value in tags.items() if value},
        epochs=_epochs(folder / "history.csv"),
        scores=_scores(metrics),
        metrics=metrics,
        files=_files(artifacts, raw, name),
    )


def digest(artifacts: Path, raw: Path, name: str) -> str:
    """Name all that the run of experiment `name` shows by 64 hex digits."""
    shown = _files(artifacts, raw, name).items()
    return digest_all({artifact: path for artifact, path in shown if artifact not in MODEL_FILES})


def _files(artifacts: Path, raw: Path, name: str) -> dict[str, Path]:
    folder = artifacts / "experiments" / name
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for pattern in (f"metrics/{name}.json", *REPORTS):
        found |= {path.relative_to(artifacts).as_posix(): path for path in artifacts.glob(pattern)}
    corpus = raw / "corpus.yaml"
    if corpus.exists():
        found[corpus.name] = corpus
    return dict(sorted(found.items()))


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
    for split, part in metrics.splits.items():
        scores |= {f"{split}_n_pairs": part.n_pairs, f"{split}_n_songs": part.n_songs}
        for name, estimate in part.metrics.items():
            scores[f"{split}_{name}"] = estimate.value
            scores |= {f"{split}_{name}_low": estimate.low, f"{split}_{name}_high": estimate.high}
    # An undefined value is no metric of the run.
    return {key: float(value) for key, value in scores.items() if value is not None}


def _corpus_params() -> dict[str, Any]:
    from neuralist.config import params

    settings = params.load()
    nested = settings.model_dump(mode="json", include={"pairs", "vectors"})
    flat = {f"{section}.{key}": value for section, keys in nested.items() for key, value in keys.items()}
    return flat | {"similarity_range": list(settings.similarity_range)}


def data_hash(raw: Path) -> str:
    """DVC's md5 of the raw folder, from dvc.lock; "" where the pipeline runs without DVC.

    Raises:
        ValueError: dvc.lock is no YAML.
    """
    import yaml

    try:
        text = Path("dvc.lock").read_text(encoding="utf-8")
        # libyaml's loader, where there is one, is ten times as fast; `register` waits for it at every call.
        stages = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)).get("stages", {})
    except FileNotFoundError:
        return ""
    except yaml.YAMLError as error:
        raise ValueError(f"dvc.lock: not readable as YAML: {error}") from error
    deps = (dep for stage in stages.values() for dep in stage.get("deps", []))
    return next((dep["md5"] for dep in deps if dep["path"] == str(raw) and "md5" in dep), "")


def _git_commit() -> str:
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
