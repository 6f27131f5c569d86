"""What the MLflow run of an experiment shows, read from the stages' files; no mlflow here.

Input: artifacts/ (metrics.json, experiments/<name>/, figures/, pages), params.yaml and dvc.lock of the
working folder, corpus.yaml of the raw folder. Output: names, numbers and files, and one digest of them all.
"""

import csv
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralist.files import read_json

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
    evaluation: dict[str, Any]  # the experiment's part of metrics.json, baselines included
    files: dict[str, Path]  # name within the run -> file


def evaluations(artifacts: Path) -> dict[str, Any]:
    """Read metrics.json: experiment name -> its scores, for exactly the experiments of params.yaml.

    Raises:
        ValueError: the file is missing or no JSON.
    """
    return read_json(artifacts / "metrics.json")


def read(artifacts: Path, raw: Path, name: str, evaluation: dict[str, Any]) -> RunContent:
    """Gather what the run of experiment `name` shows.

    Raises:
        ValueError: the experiment's files are missing or damaged.
    """
    folder = artifacts / "experiments" / name
    described = read_json(folder / "experiment.json")
    tags = {
        "fingerprint": described["fingerprint"],
        "protocol": described["params"]["protocol"],
        "data": data_hash(raw),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME", ""),
        "mlflow.source.name": "pipelines/train.py",
        "mlflow.source.git.commit": _git_commit(),
    }
    return RunContent(
        name=name,
        params=described["params"] | _corpus_params(),
        tags={key: value for key, value in tags.items() if value},
        epochs=_epochs(folder / "history.csv"),
        scores=_scores(evaluation),
        evaluation=evaluation,
        files=_files(artifacts, raw, name),
    )


def digest(artifacts: Path, raw: Path, name: str, evaluation: dict[str, Any]) -> str:
    """Name all that the run of experiment `name` shows by 64 hex digits."""
    whole = hashlib.sha256(json.dumps([name, evaluation], sort_keys=True).encode())
    for artifact, path in _files(artifacts, raw, name).items():
        if artifact not in MODEL_FILES:
            whole.update(artifact.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _files(artifacts: Path, raw: Path, name: str) -> dict[str, Path]:
    folder = artifacts / "experiments" / name
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for pattern in REPORTS:
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


def _scores(evaluation: dict[str, Any]) -> dict[str, float]:
    scores = {}
    for split, part in evaluation["splits"].items():
        scores |= {f"{split}_{count}": part[count] for count in ("n_pairs", "n_songs")}
        for name, metric in part["metrics"].items():
            for bound, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
                scores[f"{split}_{name}{suffix}"] = metric.get(bound)
    # An undefined value is null in metrics.json, and no metric of the run.
    return {key: float(value) for key, value in scores.items() if value is not None}


def _corpus_params() -> dict[str, Any]:
    from neuralist.config import params  # pydantic takes 0.2 s: only when a run is written

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
