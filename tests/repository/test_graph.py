"""dvc.yaml against the code: DVC follows no imports, so what a stage runs must be listed as its deps."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuralist.config.params import Params

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "neuralist"
# They show, report or read the command line, and decide no output: a change of theirs need not run a stage (a
# training!) again.
REPORTING = {PACKAGE / "__init__.py", PACKAGE / "arguments.py"}
REPORTING |= {*PACKAGE.glob("console/*.py"), *PACKAGE.glob("tracking/*.py")}
WORKING = {"work/checkpoints"}  # neither dep nor out: DVC deletes a stage's outs before it runs
# Where the trials are kept decides none of them, so dvc.yaml does not list it.
UNTRACKED = {"study": {"study"}}
HEAVY = {"tensorflow", "keras", "mlflow", "great_expectations", "sklearn", "gensim"}

STAGES: dict[str, dict[str, Any]] = {
    name: stage.get("do", stage)
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
}


def words(stage: str) -> list[str]:
    return STAGES[stage]["cmd"].split()


def script(stage: str) -> Path:
    (found,) = (word for word in words(stage) if word.startswith("pipelines/"))
    return ROOT / found


def paths(stage: str, *kinds: str) -> set[str]:
    entries = [entry for kind in kinds for entry in STAGES[stage].get(kind, [])]
    return {next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries}


def imported(path: Path) -> Iterator[Path]:
    """Files of this package that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "neuralist":
                module = PACKAGE.joinpath(*parts[1:])
                candidates = (module.with_suffix(".py"), module / "__init__.py")
                yield from (candidate for candidate in candidates if candidate.exists())


def closure(start: Path) -> set[Path]:
    """Every file of this package that a script reaches by imports, those that only report left out."""
    found, waiting = set(), [start]
    while waiting:
        new = set(imported(waiting.pop())) - found - REPORTING
        found |= new
        waiting += new
    return found


def listed(path: Path) -> str:
    """The dep that stands for a file: itself, or the package's folder."""
    part = path.relative_to(PACKAGE).parts[0]
    return (PACKAGE / part).relative_to(ROOT).as_posix()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_the_packages_its_script_reaches(stage: str) -> None:
    sources = {dep for dep in paths(stage, "deps") if dep.startswith("src/")}

    assert sources == {listed(path) for path in closure(script(stage))}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_its_script_and_what_it_lists_exists(stage: str) -> None:
    sources = {dep for dep in paths(stage, "deps") if dep.startswith(("src/", "pipelines/"))}

    assert script(stage).relative_to(ROOT).as_posix() in sources
    assert {dep for dep in sources if not (ROOT / dep).exists()} == set()


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_of_a_command_is_a_dep_or_an_out(stage: str) -> None:
    given = {word for word in words(stage) if "/" in word or word == "data"} - WORKING

    assert given <= paths(stage, "deps", "outs", "metrics", "plots")


@pytest.mark.parametrize("stage", STAGES)
def test_every_out_is_named_in_the_command(stage: str) -> None:
    assert paths(stage, "outs", "metrics", "plots") <= set(words(stage))


def test_deps_are_raw_data_sources_or_outs_of_an_earlier_stage() -> None:
    made = {"data", "catalogue"}
    for stage in STAGES:
        inputs = {dep for dep in paths(stage, "deps") if not dep.startswith(("src/", "pipelines/"))}
        # A folder stands for the outs within it, and an out for the files within it.
        outside = {
            dep
            for dep in inputs
            if not any(f"{out}/".startswith(f"{dep}/") or f"{dep}/".startswith(f"{out}/") for out in made)
        }
        assert outside == set(), stage
        made |= paths(stage, "outs", "metrics", "plots")


def sections_read(path: Path) -> set[str]:
    """Sections of params.yaml that a script takes from what `params.load()` returns."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    load, loaded = "params.load()", set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            paired = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            both = zip(target.elts, value.elts, strict=True) if paired else [(target, value)]
            loaded |= {ast.unparse(name) for name, given in both if ast.unparse(given) == load}
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in loaded | {load}
    }
    read |= {"experiments", "train"} if "experiment" in read else set()
    return {field.alias or name for name, field in Params.model_fields.items() if name in read}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_the_sections_of_params_its_script_reads(stage: str) -> None:
    read = sections_read(script(stage)) - UNTRACKED.get(stage, set())
    assert read <= {key.split(".")[0] for key in STAGES[stage].get("params", [])}


@pytest.mark.parametrize(
    "stage", ["songs", "catalogue", "pairs", "settings", "pretraining", "track", "register"]
)
def test_a_stage_that_does_not_train_starts_without_heavy_imports(stage: str) -> None:
    code = f"import runpy, sys; runpy.run_path({str(script(stage))!r}); print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )

    assert HEAVY & set(answer.stdout.split()) == set()


def drawn() -> set[tuple[str, str]]:
    """Arrows of the picture in README, `tables & model --> stage` being two."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", text, flags=re.S)
    arrows = set()
    for line in picture.splitlines():
        ends = [re.findall(r"[\w/]+", re.sub(r"\[.*?\)?\]", "", part)) for part in line.split("-->")]
        arrows |= {(a, b) for i in range(len(ends) - 1) for a in ends[i] for b in ends[i + 1]}
    return arrows


def reached(start: str, arrows: set[tuple[str, str]]) -> set[str]:
    """What can be reached along arrows."""
    ends = {b for a, b in arrows if a == start}
    return ends.union(*(reached(end, arrows) for end in ends))


def test_the_picture_in_readme_has_the_arrows_that_no_longer_way_implies() -> None:
    makers = {"data": "data", **{out: stage for stage in STAGES for out in paths(stage, "outs", "metrics")}}
    makers["artifacts/experiments"] = "train"
    in_dvc = {
        (maker, stage)
        for stage in STAGES
        for dep in paths(stage, "deps")
        for out, maker in makers.items()
        if maker != stage and (dep == out or dep.startswith(f"{out}/") or out.startswith(f"{dep}/"))
    }

    assert drawn() == {(a, b) for a, b in in_dvc if b not in reached(a, in_dvc - {(a, b)})}
