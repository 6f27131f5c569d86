"""The wheel, installed without the source tree beside it, has every module, template and list of genres."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests import made_records

from neuralist.config import records

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# Every template is filled or compiled, the genres are read; a model from code is found by its path.
USE = """
import jinja2, pathlib, sys, neuralist
from neuralist.text import genres
from neuralist.serving import mlflow_model
from neuralist.validation.report import Report

assert pathlib.Path(neuralist.__file__).is_relative_to(sys.argv[1]), neuralist.__file__
assert "<html" in Report({}, []).to_html()
environment = jinja2.Environment(loader=jinja2.PackageLoader("neuralist.songmap"))
[environment.get_template(name) for name in environment.list_templates()]
assert genres.by_tag(None)["motown"] == "soul"
served = pathlib.Path("served")
served.mkdir(exist_ok=True)
(served / "vocabulary.txt").write_text("moss" + chr(10))
arguments = mlflow_model.model_arguments("neuralist", served)
assert pathlib.Path(arguments["python_model"]).is_file()
assert arguments["code_paths"] == [str(pathlib.Path(neuralist.__file__).parent)]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # setuptools leaves a folder `build` beside the source, from which later wheels would take removed files.
    shutil.copytree(ROOT / "src", folder / "checkout/src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "checkout")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "checkout")]
    subprocess.run(build, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(made)], check=True)
    return made


def test_the_wheel_holds_every_source_file(wheel: Path) -> None:
    folder = ROOT / "src" / "neuralist"
    files = {path.relative_to(ROOT / "src").as_posix() for path in folder.rglob("*") if path.is_file()}
    wanted = {name for name in files if "__pycache__" not in name}

    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("neuralist/")}

    assert held == wanted


def test_an_installed_wheel_fills_its_templates_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    records.save(made_records.trained(), tmp_path / "served" / "experiment.json")
    environment = {"PYTHONPATH": str(wheel.parent / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE, str(wheel.parent / "site")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
