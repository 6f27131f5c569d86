"""What is killed and stopped: stages and commands, each in a copy of the checkout as `make repro` leaves it.

Targets are every stage of dvc.yaml, what DVC restores, MLflow's store, the demo corpus, a workspace,
`predict`, `import`, `fetch` and `make setup`.
"""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from faults import commands, raw_folders, stages
from faults.commands import NEURALIST, PYTHON
from faults.trials import ROOT, Outcome, Told

# A lock of few packages, for `make setup`: what the editable installation needs, uv, and one to import.
SMALL_LOCK = ("setuptools", "uv", "pyyaml")


def nothing(_: Path) -> None:
    """Leave a copy as it is."""


class Target(NamedTuple):
    """Something that is killed.

    Attributes:
        name: of it.
        command: its program and arguments.
        outs: the files or folders that it makes.
        seconds: about how long it takes on two cores.
        prepare: makes a copy of the checkout ready for it.
        digest: returns what must be the same after a kill as without one; None: the bytes of `outs`.
        codes: the exit statuses with which it may end.
    """

    name: str
    command: tuple[str, ...]
    outs: tuple[str, ...]
    seconds: float
    prepare: Callable[[Path], None] = nothing
    digest: Callable[[Path], object] | None = None
    codes: tuple[int, ...] = (0,)


def stage(name: str, seconds: float, *outs: str) -> Target:
    """Return a stage of dvc.yaml, which DVC is made to run again; `outs` in place of all that it makes."""
    # Not with -q: it would also silence the stage's own error.
    command = ("dvc", "repro", "--force", "--single-item", name)
    return Target(name, command, outs or stages.outs(name, ROOT), seconds)


def _without(*paths: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        for path in paths:
            if (folder / path).is_dir():
                shutil.rmtree(folder / path)
            else:
                (folder / path).unlink(missing_ok=True)

    return prepare


def write_pairs(folder: Path) -> None:
    """Write pairs.csv of the lyrics of the demo, for `predict`."""
    songs = pd.read_parquet(folder / "artifacts" / "songs.parquet")["lyrics"]
    pairs = [
        pd.DataFrame({"lyrics_a": songs, "lyrics_b": songs.shift(shift).fillna("moss")})
        for shift in range(20)
    ]
    pd.concat(pairs).to_csv(folder / "pairs.csv", index=False)


def write_graded(folder: Path) -> None:
    """Write graded.csv of sentences with grades, for `import`."""
    rows = [f"a fox sees {row} hens;{row} hens see a fox;{row % 5 + 1}\n" for row in range(30_000)]
    (folder / "graded.csv").write_text("said;meant;agreement\n" + "".join(rows), encoding="utf-8")


def write_small_lock(folder: Path) -> None:
    """Leave the small lock's packages in requirements.txt, with their hashes."""
    entries = (folder / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", "\\\0").splitlines()
    kept = [entry for entry in entries if entry.partition("==")[0].lower() in SMALL_LOCK]
    (folder / "requirements.txt").write_text("\n".join(kept).replace("\0", "\n") + "\n", encoding="utf-8")


def _installed(folder: Path) -> object:
    """Return whether the environment is whole: its mark is there, and what it holds can be imported."""
    code = "import neuralist, setuptools, yaml; print(neuralist.__file__)"
    ended = commands.run((str(folder / ".venv" / "bin" / "python"), "-c", code), folder, 60)
    return ended.code, (folder / ".venv" / ".complete").exists()


def in_store(folder: Path) -> object:
    """Return the runs and versions in MLflow's store: names, states and aliases, without ids and times."""
    code = """
import json, mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
experiments = client.search_experiments()
runs = [client.search_runs([one.experiment_id], max_results=1000) for one in experiments]
models = client.search_registered_models()
print(json.dumps({
    "runs": sorted((run.info.run_name, run.info.status) for of_one in runs for run in of_one),
    "versions": sorted((one.name, one.version) for one in client.search_model_versions()),
    "aliases": sorted((model.name, sorted(model.aliases.items())) for model in models),
}))
"""
    ended = commands.run((PYTHON, "-c", code), folder, 120)
    return json.loads(ended.out.splitlines()[-1]) if ended.code == 0 else ended.said


STORE = "python pipelines/track.py data artifacts && python pipelines/register.py data artifacts"
TARGETS = (
    stage("songs", 7),
    stage("catalogue", 5),
    stage("pairs", 6),
    stage("validate", 10),
    stage("settings", 5),
    stage("pretraining", 6),
    stage("vectors", 12),
    stage("train@words15", 25),
    stage("train@songs300", 40),
    stage("train@lyrics", 60),
    stage("study", 60, "artifacts/study/best.yaml", "artifacts/study/trials.csv"),
    stage("tuned", 40),
    stage("evaluate", 40),
    stage("songmap", 12),
    stage("package", 15),
    Target("repro", (PYTHON, "pipelines/repro.py"), ("artifacts",), 30, _without("artifacts"), None),
    Target("MLflow's store", ("bash", "-c", STORE), (), 25, nothing, in_store),
    Target("make data", (PYTHON, "pipelines/data.py"), ("data",), 4, _without("data")),
    Target(
        "workspace",
        (PYTHON, "pipelines/workspace.py", "raw"),
        ("work/raw/params.yaml", "work/raw/.dvc/config", "work/raw/catalogue"),
        2,
        lambda folder: raw_folders.generic(folder / "raw", random.Random(1)),
    ),
    Target(
        "predict",
        (NEURALIST, "predict", "pairs.csv", "out.csv", "--skip-bad"),
        ("out.csv",),
        20,
        write_pairs,
    ),
    Target(
        "predict parquet", (NEURALIST, "predict", "pairs.csv", "o.parquet"), ("o.parquet",), 20, write_pairs
    ),
    Target("import", (NEURALIST, "import", "graded.csv", "--out", "new"), ("new",), 4, write_graded),
    Target("fetch", (PYTHON, "-m", "faults.publisher", "fetched"), ("fetched",), 6),
    Target("make setup", ("make", "setup"), (), 10, write_small_lock, _installed),
)


def fresh(target: Target, template: Path, folder: Path) -> None:
    """Make a copy of the checkout that is ready for a target, in place of what is in the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(template, folder, symlinks=True)
    target.prepare(folder)


def digest(target: Target, folder: Path) -> object:
    """Return what must be the same with a fault as without one."""
    if target.digest is not None:
        return target.digest(folder)
    return {out: commands.contents(folder / out) for out in target.outs}


def again(target: Target, template: Path, folder: Path, expected: dict[str, object], what: str) -> Told:
    """Call a target that was cut short again, and judge what is then there.

    Args:
        target: of the trial.
        template: the checkout, whose copy `folder` is.
        folder: where the target was cut short.
        expected: by target, what is right; a target that is not there yet is added.
        what: was done, for the line that tells of it.
    """
    ended = commands.run(target.command, folder, commands.PATIENCE)
    if ended.code not in target.codes:
        return Outcome.WRONG, f"{what}: the next call ended with {ended.code}: {ended.said}"
    seen = digest(target, folder)
    # What `make repro` left; where that differs, or it left none, what an undisturbed call leaves.
    left_by_repro = {out: commands.contents(template / out) for out in target.outs}
    if seen != expected.setdefault(target.name, left_by_repro):
        fresh(target, template, folder)
        undisturbed = commands.run(target.command, folder, commands.PATIENCE)
        expected[target.name] = digest(target, folder)
        if undisturbed.code not in target.codes:
            return Outcome.WRONG, f"{what}: {target.name} fails undisturbed: {undisturbed.said}"
    changed = difference(expected[target.name], seen)
    return (Outcome.WRONG, f"{what}: {changed}") if changed else (Outcome.RECOVERED, what)


def difference(expected: object, seen: object) -> str:
    """Return in what two digests differ, in a line."""
    if expected == seen:
        return ""
    if isinstance(expected, dict) and isinstance(seen, dict):
        names = [name for name in {**expected, **seen} if expected.get(name) != seen.get(name)]
        first = names[0]
        inner = expected.get(first), seen.get(first)
        if all(isinstance(one, dict) for one in inner):
            return f"{first}: {difference(*inner)}"
        if any(isinstance(one, bytes) for one in inner):
            sizes = ["absent" if one is None else f"{len(one):,} bytes" for one in inner]
            return f"{first} differs: {sizes[0]} without a kill, {sizes[1]} after it"
        return f"{first}: expected {str(inner[0])[:300]}, seen {str(inner[1])[:300]}"
    return f"expected {str(expected)[:300]}, seen {str(seen)[:300]}"
