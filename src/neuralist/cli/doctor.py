"""The command doctor: what is there, what is missing, and the command that mends it.

It only looks: file names rather than hashes, MLflow's registry, one answer of the model.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import typer

from neuralist.cli import shell
from neuralist.cli.shell import Json

PYTHON = (3, 11)
_SHOWN = 3  # names of what is missing


class Finding(NamedTuple):
    """What a check found; `mend` is the command that puts it right, empty where nothing is to be done."""

    check: str
    found: str
    mend: str = ""


def doctor(as_json: Json = False) -> None:
    """Check the environment, the data and the model, and say the next command.

    Exit code 1 when something is missing.
    """
    findings = list(examine(shell.checkout()))
    following = next((finding.mend for finding in findings if finding.mend), "neuralist map")
    if as_json:
        checks = [{"ok": not finding.mend, **finding._asdict()} for finding in findings]
        shell.print_json({"checks": checks, "next": following})
    else:
        rows = [
            (finding.check, "missing" if finding.mend else "ok", finding.found, finding.mend)
            for finding in findings
        ]
        shell.console().print(shell.table(["check", "", "found", "mend"], rows))
        print(f"next: {following}")
    if any(finding.mend for finding in findings):
        raise typer.Exit(1)


def examine(root: Path) -> Iterator[Finding]:
    """The findings on a checkout or workspace, in the order in which they are to be mended."""
    checks = {
        "Python": _python,
        "packages": _packages,
        "data": _data,
        "stages": _stages,
        "model": _model,
        "registry": _registry,
    }
    for name, check in checks.items():
        try:
            found, mend = check(root)
        except (ModuleNotFoundError, ValueError) as error:
            found, _, mend = shell.told(error).partition("; ")
        yield Finding(name, found, mend)


def _python(root: Path) -> tuple[str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    right = sys.version_info[:2] == PYTHON
    return version, "" if right else "install Python 3.11, then make setup"


def _beside(root: Path, name: str) -> Path:
    """A file of the checkout that a workspace, two folders below, does not repeat."""
    homes = [root, *root.parents]
    return next((home / name for home in homes if (home / name).is_file()), root / name)


def _packages(root: Path) -> tuple[str, str]:
    """Installed versions against the lock, for this machine's markers."""
    lock = _beside(root, "requirements.txt")
    if not lock.is_file():
        return "no requirements.txt", "git checkout requirements.txt"
    wrong, count = [], 0
    for name, version in _locked(lock.read_text(encoding="utf-8")):
        count += 1
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} missing")
            continue
        if installed != version:
            wrong.append(f"{name} {installed} instead of {version}")
    return (_some(wrong), "make setup") if wrong else (f"{count} as locked", "")


def _locked(text: str) -> Iterator[tuple[str, str]]:
    """Name and version of each requirement that is for this machine."""
    from packaging.requirements import Requirement

    for line in text.splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            wanted = Requirement(line.rstrip("\\ "))
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name, next(iter(wanted.specifier)).version


def _data(root: Path) -> tuple[str, str]:
    """Presence, and the number and size of files against what data.dvc pins."""
    data, pin = root / "data", root / "data.dvc"
    if not (data.is_dir() and any(data.iterdir())):
        return "data/ is missing or empty", "make data"
    sizes = [path.stat().st_size for path in data.rglob("*") if path.is_file()]
    found = f"{len(sizes):,} files, {sum(sizes) / 1e6:,.1f} MB"
    if data.is_symlink():  # of a workspace, which pins nothing
        return f"{found} in {data.resolve()}", ""
    if not pin.is_file():
        return f"{found}, but no data.dvc", "git checkout data.dvc"
    [pinned] = _yaml(pin)["outs"]
    if (pinned.get("nfiles"), pinned.get("size")) != (len(sizes), sum(sizes)):
        return f"{found}, not what data.dvc pins", "dvc checkout data.dvc"
    return f"{found}, as data.dvc pins", ""


def _stages(root: Path) -> tuple[str, str]:
    """Whether each stage of dvc.yaml has run once and its outputs are there; `dvc status` tells more."""
    defined, lock = _yaml(root / "dvc.yaml")["stages"], root / "dvc.lock"
    run = _yaml(lock).get("stages", {}) if lock.is_file() else {}
    ran = {name.split("@")[0] for name in run}
    missing = [f"{name} has not run" for name in defined if name not in ran]
    missing += [
        f"{out['path']} missing"
        for name, stage in run.items()
        if name.split("@")[0] in defined
        for out in stage.get("outs", [])
        if not (root / out["path"]).exists()
    ]
    return (_some(missing), "dvc repro") if missing else (f"outputs of {len(run)} are there", "")


def _model(root: Path) -> tuple[str, str]:
    """One answer, in a process of its own: a damaged model may end it in any way."""
    folder = root / "artifacts" / "served"
    if not folder.is_dir():
        return "artifacts/served is missing", "dvc repro"
    command = ["compare", "--json", "--model", str(folder), "a song of the sea", "a song of the stars"]
    answer = subprocess.run(
        [sys.executable, "-c", "from neuralist.cli import app; app()", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or [f"ended with {answer.returncode}"]
        return said[-1].removeprefix("error: "), "dvc repro"
    return f"{json.loads(answer.stdout)['model']} answers", ""


def _registry(root: Path) -> tuple[str, str]:
    """Whether the registered models have a champion in MLflow's default store; without its stamp, in 3 s."""
    from neuralist.serving import registered
    from neuralist.tracking import stamp
    from neuralist.tracking.store import opened, store

    into = store(root)
    if into.checkout is None:
        return f"not looked into: MLFLOW_TRACKING_URI is {into.uri}", ""
    if held := stamp.read(into):
        models = held.models
    elif (into.checkout / "mlflow.db").exists():
        with opened(into) as client:
            models = stamp.models(client)
    else:
        models = {}  # and none is made
    champions = {name: model.aliases.get("champion") for name, model in models.items()}
    missing = [f"no champion of {name}" for name in registered.MODELS if not champions.get(name)]
    if missing:
        return ", ".join(missing), "dvc repro"
    return ", ".join(f"{name} version {version}" for name, version in champions.items()), ""


def _yaml(path: Path) -> dict[str, Any]:
    """A file of DVC's.

    Raises:
        ValueError: it is none.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: no YAML; restore it with `git checkout {path.name}`") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: no file of DVC's; restore it with `git checkout {path.name}`")
    return content


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
