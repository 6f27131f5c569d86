"""Command doctor: report what is present, what is missing, and the command that fixes it.

Its checks are cheap and change nothing: file names rather than hashes, MLflow's registry, one prediction.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from neuralist import __version__, files
from neuralist.cli import shell
from neuralist.cli.shell import Json
from neuralist.console.error_messages import message
from neuralist.excerpts import excerpt

if TYPE_CHECKING:
    from neuralist.console.next_steps import Step
    from neuralist.tracking.stamp import Registered
    from neuralist.tracking.store import Store

PYTHONS = ((3, 11), (3, 12), (3, 13))  # TensorFlow and gensim have no wheels for 3.14
DOCTOR = ("workspace", "Python", "packages", "data", "stages", "model", "registry")
_MAX_NAMES = 3  # missing items named in one finding


class Finding(NamedTuple):
    """The outcome of a check, as --json prints it; `fix` is the command that fixes it, or empty."""

    check: str
    found: str
    fix: str = ""


def doctor(as_json: Json = False) -> None:
    """Check the environment, the data and the model, and say the next command.

    Exit code 1 when something is missing.
    """
    root = files.checkout()
    findings = list(examine(root))
    next_command = next_commands(findings, root)[0].command
    if as_json:
        checks = [{"ok": not finding.fix, **finding._asdict()} for finding in findings]
        shell.print_json({"checks": checks, "next": next_command})
    else:
        rows = [
            (finding.check, "missing" if finding.fix else "ok", finding.found, finding.fix)
            for finding in findings
        ]
        shell.console().print(shell.table(["check", "", "found", "fix"], rows))
        print(f"next: {next_command}")
    if any(finding.fix for finding in findings):
        raise typer.Exit(1)


def show_next() -> None:
    """Print what is missing in this checkout, and the commands that come next; takes half a second."""
    print(f"neuralist {__version__}: how alike are two songs by their lyrics?")
    try:
        root = files.checkout()
    except ValueError:
        print("This folder is in no checkout of Neuralist: change into one, or name a model with --model.")
    else:
        findings = []
        for finding in examine(root, ("workspace", "data", "stages", "champion")):
            findings.append(finding)
            print(f"  {finding.check:9} {finding.found}")
            if finding.fix:
                break
        from neuralist.console import next_steps

        print("\n".join(next_steps.lines(next_commands(findings, root))))
    print("All commands: neuralist --help")


def next_commands(findings: Iterable[Finding], root: Path) -> list["Step"]:
    """Return commands that come next and what each does: those that fix the first thing that is missing."""
    from neuralist.console import next_steps  # rich's bars, which come with it, take 0.06 s

    first = next((finding for finding in findings if finding.fix), None)
    if first is None:
        return next_steps.ready(files.workspace(root), _model_name(root))
    no_data = first.fix == next_steps.NO_DATA[0].command
    return next_steps.NO_DATA if no_data else [next_steps.Step(first.fix)]


def examine(root: Path, names: Container[str] = DOCTOR) -> Iterator[Finding]:
    """Yield the findings of these checks on a checkout or workspace, in the order in which to fix them."""
    from neuralist.console.addresses import without_passwords

    checks = {
        "workspace": _workspace,
        "Python": _python,
        "packages": _packages,
        "data": _data,
        "stages": _stages,
        "model": _model,
        "registry": _registry,
        "champion": _champion,
    }
    checks = {name: check for name, check in checks.items() if name in names}
    if files.workspace(root) is None:
        checks.pop("workspace", None)
    for name, check in checks.items():
        try:
            state, fix = check(root)
        except (ImportError, OSError, ValueError) as error:
            state, _, fix = (message(error) or str(error)).partition("; ")
            fix = fix or "correct that and call again"  # without a fix the check would count as passed
        yield Finding(name, without_passwords(state), without_passwords(fix))


def _workspace(root: Path) -> tuple[str, str]:
    """Say which workspace it is, and of which checkout."""
    return f"{files.workspace(root)} of {files.checkouts(root)[-1]}, model {_model_name(root)}", ""


def _model_name(root: Path) -> str:
    from neuralist.config import params

    return params.model_name(root / "params.yaml")


def _python(root: Path) -> tuple[str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    is_right = sys.version_info[:2] in PYTHONS
    return version, "" if is_right else "install Python 3.11, 3.12 or 3.13, then make setup"


def _inherited(root: Path, name: str) -> Path:
    """Return the path of a file of the checkout, which a workspace two folders below does not repeat."""
    folders = [root, *root.parents]
    return next((folder / name for folder in folders if (folder / name).is_file()), root / name)


def _packages(root: Path) -> tuple[str, str]:
    """Compare installed versions with the lock, by this machine's markers."""
    lock = _inherited(root, "requirements.txt")
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
    return (_summarize(wrong), "make setup") if wrong else (f"{count} as locked", "")


def _locked(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each requirement whose markers fit this machine."""
    from packaging.requirements import Requirement

    for line in text.splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement.name, next(iter(requirement.specifier)).version


def _data(root: Path) -> tuple[str, str]:
    """Check that data/ is present, and that number and size of its files are those in data.dvc."""
    data, pin = root / "data", root / "data.dvc"
    if data.is_symlink() and not data.exists():
        fix = f"put it back, or rm {shlex.quote(str(data))} and make repro RAW=<its place> NAME={root.name}"
        return f"data leads to {data.readlink()}, which is not there", fix
    if not (data.is_dir() and any(data.iterdir())):
        return "data/ is missing or empty", "make data"
    sizes = [path.stat().st_size for path in data.rglob("*") if path.is_file()]
    summary = f"{len(sizes):,} files, {sum(sizes) / 1e6:,.1f} MB"
    if data.is_symlink():  # of a workspace, which pins nothing
        return f"{summary} in {data.resolve()}", ""
    if not pin.is_file():
        return f"{summary}, but no data.dvc", "git checkout data.dvc"
    [pinned] = _yaml(pin)["outs"]
    if (pinned.get("nfiles"), pinned.get("size")) != (len(sizes), sum(sizes)):
        return f"{summary}, not what data.dvc pins", "dvc checkout data.dvc"
    return f"{summary}, as data.dvc pins", ""


def _stages(root: Path) -> tuple[str, str]:
    """Check that each stage of dvc.yaml has run once and its outputs exist; `dvc status` tells more.

    dvc.lock keeps stages of experiments that params.yaml no longer runs: they do not count.
    """
    lock = root / "dvc.lock"
    run = _yaml(lock).get("stages", {}) if lock.is_file() else {}
    names = list(_stage_names(root))
    # A workspace, which has no Makefile, holds a pipeline that is set up.
    is_checkout = (root / "Makefile").exists()
    try:
        outs = [out["path"] for name in names if name in run for out in run[name].get("outs", [])]
    except (AttributeError, TypeError, LookupError):  # DVC writes it in place
        return "dvc.lock is cut off", "make repro" if is_checkout else "rm dvc.lock && dvc repro"
    missing = [f"{name} has not run" for name in names if name not in run]
    missing += [f"{path} missing" for path in outs if not (root / path).exists()]
    fix = "make repro" if is_checkout else "dvc repro"
    return (_summarize(missing), fix) if missing else (f"outputs of {len(names)} are there", "")


def _stage_names(root: Path) -> Iterator[str]:
    """Yield the names of the stages as dvc.lock has them: train@songs15 for an experiment that is run."""
    for name, stage in _yaml(root / "dvc.yaml")["stages"].items():
        items = stage.get("foreach")
        if items is None:
            yield name
            continue
        if isinstance(items, str):  # ${run}
            from neuralist.config import params

            key, path = items.strip("${}"), root / "params.yaml"
            items = params.read_yaml(path).get(key)
            if not isinstance(items, list):
                raise ValueError(
                    f"{path}: {key}: received {excerpt(repr(items))}; give a list of experiments' names"
                )
        yield from (f"{name}@{item}" for item in items)


def _model(root: Path) -> tuple[str, str]:
    """Make one prediction, in a process of its own, which a damaged model may crash."""
    folder = root / "artifacts" / "served"
    if not folder.is_dir():
        return "artifacts/served is missing", "dvc repro"
    from neuralist.serving import lyrics
    from neuralist.text.vocabulary import Vocabulary

    try:
        text = lyrics.example(Vocabulary.load(folder / "vocabulary.txt"))
    except ValueError:
        text = "a song"  # compare says what is missing or damaged
    command = ["compare", "--json", "--text", "--model", str(folder), text, text]
    result = subprocess.run(
        [sys.executable, "-c", "from neuralist.cli import app; app()", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"ended with {result.returncode}"]
        return lines[-1].removeprefix("error: "), "dvc repro"
    return f"{json.loads(result.stdout)['model']} answers", ""


def _registry(root: Path) -> tuple[str, str]:
    """Check the champions and their files in MLflow's default store; 3 s without its stamp."""
    from neuralist.serving import registered
    from neuralist.tracking import stamp
    from neuralist.tracking.store import opened, store

    into = store(root)
    if into.checkout is None:
        return f"not looked into: MLFLOW_TRACKING_URI is {into.uri!r}", ""  # quoted: it may hold spaces
    names = registered.names(_model_name(root))
    models = _models_without_mlflow(into, names)
    if models is None:
        with opened(into) as client:
            models = stamp.models(client, into, names)
    return _champions(models)


def _champion(root: Path) -> tuple[str, str]:
    """Check the same without MLflow, which takes 3 s to import: what the stamp cannot tell is not missing."""
    from neuralist.serving import registered
    from neuralist.tracking.store import store

    models = _models_without_mlflow(store(root), registered.names(_model_name(root)))
    return ("not looked up in MLflow: neuralist doctor does", "") if models is None else _champions(models)


def _models_without_mlflow(into: "Store", names: Iterable[str]) -> "Mapping[str, Registered] | None":
    """Return the registered models, by the stamp or as there is no store; None where MLflow must tell."""
    from neuralist.tracking import stamp

    if content := stamp.read(into):
        return content.models_of(names)
    if into.checkout is not None and not (into.checkout / "mlflow.db").exists():
        return dict.fromkeys(names, stamp.NOT_REGISTERED)  # opening the store would create it
    return None


def _champions(models: "Mapping[str, Registered]") -> tuple[str, str]:
    champions = {name: model.aliases.get("champion") for name, model in models.items()}
    missing = [f"no champion of {name}" for name, version in champions.items() if not version]
    if missing:
        return ", ".join(missing), "dvc repro"
    lost = [
        f"{name} version {version}" for name, version in champions.items() if models[name].has_lost_champion
    ]
    if lost:
        return f"the files of {' and '.join(lost)} are gone", "dvc repro"
    return ", ".join(f"{name} version {version}" for name, version in champions.items()), ""


def _yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of DVC.

    Raises:
        ValueError: it is in conflict, not YAML, or not a mapping.
    """
    import yaml

    text = path.read_text(encoding="utf-8")
    files.refuse_conflict(path, text)
    try:
        content = files.parse_yaml(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: no YAML; restore it with `git checkout {path.name}`") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: no file of DVC's; restore it with `git checkout {path.name}`")
    return content


def _summarize(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
