"""Stages compute with the same instructions and numbers of threads on every processor with AVX2."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
COMMANDS = [stage.get("do", stage) for stage in STAGES]
# What writes outputs that DVC compares, and the script of `make splits` and `make variants`.
SCRIPTS = sorted(
    {word for stage in COMMANDS if stage.get("outs") for word in stage["cmd"].split() if word.endswith(".py")}
    | {"pipelines/splits.py"}
)
CPU_INFO = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
NEW = "flags : fpu avx2 avx512f avx512_vnni fma sse2"
OLD = "flags : fpu avx fma4 sse2"
FIXED = {
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "NPY_DISABLE_CPU_FEATURES",
    "TF_ENABLE_ONEDNN_OPTS",
    "ONEDNN_MAX_CPU_ISA",
    "TF_NUM_INTRAOP_THREADS",
    "XLA_FLAGS",
}


def run(program: str, **variables: str) -> str:
    """What a new process prints, whose environment holds none of the variables but those given."""
    kept = {name: value for name, value in os.environ.items() if name not in FIXED}
    environment = kept | {"PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"} | variables
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def settings() -> dict[str, dict[str, str]]:
    """What is added to four environments; in another process, since the import changes that of its own."""
    program = f"""
import json
from neuralist.reproducible import settings
given = {{"OPENBLAS_NUM_THREADS": "8", "XLA_FLAGS": "--xla_dump_to=x"}}
print(json.dumps({{
    "new": settings({NEW!r}, {{}}),
    "old": settings({OLD!r}, {{}}),
    "given": settings({NEW!r}, given),
    "given_isa": settings({NEW!r}, {{"XLA_FLAGS": "--xla_cpu_max_isa=AVX512"}}),
}}))
"""
    return json.loads(run(program))


def test_on_a_newer_processor_every_choice_is_made(settings: dict[str, dict[str, str]]) -> None:
    assert set(settings["new"]) == FIXED
    assert settings["new"]["XLA_FLAGS"] == "--xla_cpu_max_isa=AVX2"


def test_without_avx2_only_numbers_of_threads_are_fixed(settings: dict[str, dict[str, str]]) -> None:
    # OpenBLAS' kernels for Haswell would end such a process.
    assert set(settings["old"]) == {"OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"}


def test_what_the_environment_says_stays(settings: dict[str, dict[str, str]]) -> None:
    assert "OPENBLAS_NUM_THREADS" not in settings["given"]
    assert settings["given"]["XLA_FLAGS"] == "--xla_dump_to=x --xla_cpu_max_isa=AVX2"
    assert "XLA_FLAGS" not in settings["given_isa"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_makes_the_choices_before_anything_loads(script: str) -> None:
    tree = ast.parse((ROOT / script).read_text(encoding="utf-8"))
    imported = [
        name
        for node in tree.body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    before = imported[: imported.index("neuralist.reproducible")]
    assert [name for name in before if name.split(".")[0] not in sys.stdlib_module_names] == []


@pytest.mark.skipif("avx2" not in CPU_INFO, reason="needs Linux and AVX2")
def test_numpy_and_openblas_follow() -> None:
    program = """
import json
import neuralist.reproducible
import numpy, scipy.linalg, threadpoolctl
from numpy._core._multiarray_umath import __cpu_features__ as features
blas = [pool for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"]
print(json.dumps([features["X86_V4"], [[pool["architecture"], pool["num_threads"]] for pool in blas]]))
"""
    wide, blas = json.loads(run(program))

    assert not wide
    assert blas
    assert all(pool == ["Haswell", 1] for pool in blas)
    # The check can fail: a variable that is given stays, and OpenBLAS follows that one.
    assert json.loads(run(program, OPENBLAS_CORETYPE="Nehalem"))[1][0] == ["Nehalem", 1]
