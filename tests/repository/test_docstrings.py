"""What docstrings and comments name exists: a module that moved takes its mentions along."""

import ast
import re
from pathlib import Path

import neuralist

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "neuralist"
MENTIONED = re.compile(r"`(?:neuralist\.)?([a-z_]+(?:\.[A-Za-z_]+)+)`")
# Of other programs, of params.yaml, or files.
ELSEWHERE = re.compile(
    r"(keras|mlflow|train|vectors|params|rows|pairs|register|study|tests|benchmarks|faults)\."
    r"|.*\.(py|md|csv|txt|json|yaml|parquet|onnx|keras|npy|npz|db|css|html|png|lock|cfg|vec|bin)$"
)
SOURCES = [path for folder in ("src", "pipelines") for path in (ROOT / folder).rglob("*.py")]


def names_of(module: Path) -> set[str]:
    """What a module defines at its top, and the attributes of its classes as Class.name."""
    names = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        targets = getattr(node, "targets", [getattr(node, "target", node)])
        names |= {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [
                getattr(part, "name", None) or ast.unparse(getattr(part, "target", part))
                for part in node.body
            ]
            names |= {f"{node.name}.{member}" for member in members}
    return names


EXISTING = {
    f"{prefix}{name}"
    for path in PACKAGE.rglob("*.py")
    for module in [path.relative_to(PACKAGE).with_suffix("").parts]
    # A mention may leave out the packages around a module.
    for prefix in {".".join(module[start:]) + "." for start in range(len(module))}
    for name in names_of(path)
} | {f"neuralist.{name}" for name in neuralist.__all__}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts[start:])
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*")]
    for start in range(len(path.relative_to(PACKAGE).parts))
}


def test_every_module_and_function_that_a_text_names_exists() -> None:
    gone = {}
    for path in SOURCES:
        mentioned = set(MENTIONED.findall(path.read_text(encoding="utf-8")))
        names = {name for name in mentioned if not ELSEWHERE.match(name)} - EXISTING - MODULES
        if names:
            gone[path.relative_to(ROOT).as_posix()] = names

    assert gone == {}
