"""Read the results of the working tree or a commit: dvc.lock, headline.json, and files of DVC's cache."""

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import ValidationError

from neuralist.config import renamed
from neuralist.config.records import ExperimentMetrics
from neuralist.data import parquet, tables
from neuralist.files import parse_yaml, read_json

HEADLINE = "artifacts/headline.json"


@dataclass(frozen=True)
class Out:
    """A stage's output in dvc.lock, a file or a folder; a folder's md5 ends in .dir."""

    stage: str
    md5: str


@dataclass(frozen=True)
class Revision:
    """The results of a commit or of the working tree.

    Attributes:
        title: short hash and subject of the commit.
        outs: outs by path, in the order of dvc.lock.
        headline: value on test by experiment and metric: of the served experiment, in older commits of all.
        cache: DVC's folder of files by md5.
    """

    title: str
    outs: dict[str, Out]
    headline: dict[str, dict[str, float | None]]
    cache: Path

    def cached(self, md5: str) -> Path | None:
        """Return the file in the cache with this md5; None if it is missing or damaged."""
        path = self.cache / md5[:2] / md5[2:]
        if not path.is_file():
            return None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        return path if digest == md5.removesuffix(".dir") else None

    @cached_property
    def files(self) -> dict[str, str]:
        """Md5 by path of all files of the outs, except in folders whose list is not in the cache."""
        files: dict[str, str] = {}
        for path, out in self.outs.items():
            if not out.md5.endswith(".dir"):
                files[path] = out.md5
            elif listing := self.cached(out.md5):
                # The list of a folder: [{"md5": ..., "relpath": ...}, ...].
                entries = json.loads(listing.read_text(encoding="utf-8"))
                files |= {f"{path}/{entry['relpath']}": entry["md5"] for entry in entries}
        return files

    def contents(self, stem: str, suffix: str) -> dict[str, Path]:
        """Return cached files by path: <stem><suffix>, or those in folder <stem>; empty if one is missing."""
        files = {
            path: self.cached(md5)
            for path, md5 in self.files.items()
            if path == stem + suffix or (path.startswith(f"{stem}/") and path.endswith(suffix))
        }
        cached = {path: file for path, file in files.items() if file}
        return cached if len(cached) == len(files) else {}

    @cached_property
    def _metrics_content(self) -> dict[str, Any]:
        """Content of the files with estimates by experiment.

        Older commits have them in artifacts/metrics/, still older ones in one file, artifacts/metrics.json.
        """
        apart = any(path.startswith("artifacts/estimates") for path in self.outs)
        contents: dict[str, Any] = {}
        for path, file in self.contents(f"artifacts/{'estimates' if apart else 'metrics'}", ".json").items():
            content = read_json(file)
            contents |= content if path == "artifacts/metrics.json" else {Path(path).stem: content}
        return contents

    @cached_property
    def metrics(self) -> dict[str, ExperimentMetrics]:
        """Metrics by experiment, except those of `unread`; empty without the cache."""
        metrics = {}
        for name, content in self._metrics_content.items():
            with suppress(ValidationError):
                metrics[name] = ExperimentMetrics.model_validate(renamed.current(content), extra="ignore")
        return metrics

    @property
    def unread(self) -> list[str]:
        """Experiments whose file of estimates lacks fields that it has today."""
        return [name for name in self._metrics_content if name not in self.metrics]

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """The predictions (tables.PREDICTIONS) of all experiments; None without the cache."""
        cached = self.contents("artifacts/predictions", ".parquet").values()
        frames = [parquet.read(file, tables.PREDICTIONS) for file in cached]
        return pd.concat(frames, ignore_index=True) if frames else None


def of_working_tree(cache: Path) -> Revision:
    """Read the results in the working folder.

    Raises:
        ValueError: it has no dvc.lock, or its results cannot be read.
    """
    lock, headline = Path("dvc.lock"), Path(HEADLINE)
    if not lock.is_file():
        raise ValueError("dvc.lock: not in the working folder; run `dvc repro` first")
    if _git("rev-parse", "--show-prefix"):
        raise ValueError("compare: this folder lies inside a repository; run it in the checkout's own folder")
    changed = (_git("diff", "--name-only", "--relative", "HEAD", "--", "dvc.lock", HEADLINE) or "").split()
    mark = f" (* with changes in {', '.join(changed)})" if changed else ""
    commit, _, subject = (_git("log", "-1", "--format=%h %s") or "").partition(" ")
    title = f"working tree at {commit}{'*' if changed else ''} {subject}{mark}"
    figures = headline.read_text(encoding="utf-8") if headline.is_file() else None
    return _revision(title, lock.read_text(encoding="utf-8"), figures, cache)


def of_commit(name: str, cache: Path) -> Revision:
    """Read the results of a commit.

    Args:
        name: hash, tag or branch.
        cache: DVC's folder of files by md5.

    Raises:
        ValueError: no name is given, it is no commit, or the commit has no dvc.lock or an unreadable one.
    """
    if not name:
        raise ValueError("AGAINST: no commit is given; name one: make compare AGAINST=<commit>")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None:
        raise ValueError(f"AGAINST={name}: no commit of this repository; name one that `git log` shows")
    title = _git("log", "-1", "--format=%h %s", commit) or commit
    lock = _git("show", f"{commit}:./dvc.lock")
    if lock is None:
        raise ValueError(f"AGAINST={name}: commit {title} has no dvc.lock; name a later one, which has")
    return _revision(title, lock, _git("show", f"{commit}:./{HEADLINE}"), cache)


def cache_folder() -> Path:
    """Return DVC's folder of files by md5, as configured.

    Raises:
        ValueError: the working folder is no DVC repository.
    """
    return Path(_dvc("cache", "dir").strip()) / "files" / "md5"


def changed_stages() -> list[str]:
    """Return the stages whose code, settings or inputs differ from dvc.lock, without those that always run.

    Raises:
        ValueError: the working folder is no DVC repository.
    """
    status = json.loads(_dvc("status", "--json"))
    return [stage for stage, reasons in status.items() if reasons != ["always changed"]]


def _dvc(*arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    answer = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if answer.returncode:
        message = " ".join(answer.stderr.split())
        raise ValueError(f"dvc {' '.join(arguments)}: {message}; run this in the checkout")
    return answer.stdout


def _git(*arguments: str) -> str | None:
    """Return what git prints, without white space around it; None if it fails."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError as error:
        raise ValueError("compare: git is not installed; install it, since commits are read by it") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"git {' '.join(arguments)}: not UTF-8; run `dvc repro` there") from error
    return answer.stdout.strip() if answer.returncode == 0 else None


def _revision(title: str, lock: str, headline: str | None, cache: Path) -> Revision:
    try:
        stages = parse_yaml(lock)["stages"]
        outs = {
            out["path"]: Out(name, out["md5"] or "")
            for name, stage in stages.items()
            for out in stage.get("outs") or []
        }
        figures = {
            experiment: {metric: None if value is None else float(value) for metric, value in values.items()}
            for experiment, values in _by_experiment(json.loads(headline or "{}")).items()
        }
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"dvc.lock or {HEADLINE} of {title}: not readable ({reason}); run `dvc repro` there"
        ) from error
    return Revision(title, outs, figures, cache)


def _by_experiment(content: Any) -> dict[str, dict[str, Any]]:
    """Return figures by experiment, as headline.json of older commits has them; today's is of one alone."""
    served = content.get("served", {})
    if isinstance(served, dict):  # no such key, or an experiment of this name
        return content
    figures = {metric: value for metric, value in content.items() if metric != "served"}
    return {} if served is None else {served: figures}
