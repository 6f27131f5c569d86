"""What `make repro` shows of DVC's output, and how it ends: pipelines/repro.py on a made-up `dvc`."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests import made_records
from tests.dvc_output import SECOND_CALL
from tests.waiting import wait_for

from neuralist.config import records

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "pipelines/repro.py"


@pytest.fixture
def repro() -> ModuleType:
    specification = importlib.util.spec_from_file_location("repro", SCRIPT)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def printed_by(
    repro: ModuleType,
    output: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """What is printed where DVC ends well and has this output."""

    def run_dvc(log: Any, view: Any) -> tuple[int, int]:
        for line in output.splitlines():
            view.line(line)
        return 0, 0

    monkeypatch.chdir(folder)
    monkeypatch.setattr(repro.pipeline, "run_dvc", run_dvc)
    monkeypatch.setattr(repro.pages, "runs_page", lambda: "http://here")
    repro.main()
    return capsys.readouterr().out.splitlines()


def write_evaluated(artifacts: Path, name: str, **settings: Any) -> None:
    """An experiment's record, and that it was evaluated."""
    record = made_records.trained(name, settings)
    records.save(record, artifacts / "experiments" / name / "experiment.json")
    (artifacts / "estimates").mkdir(exist_ok=True)
    (artifacts / "estimates" / f"{name}.json").touch()


def test_a_call_with_nothing_to_do_prints_two_lines(
    repro: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = printed_by(repro, SECOND_CALL, tmp_path, monkeypatch, capsys)

    assert printed == [
        "Nothing has changed: 2 stages stand as they are (0 s). Next: neuralist map,",
        "or mlflow ui and http://here",
    ]


def test_a_call_that_only_wrote_to_mlflows_store_says_so(
    repro: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = SECOND_CALL.replace("the runs, in", "words15: recorded in MLflow\nthe runs, in")
    printed = printed_by(repro, output, tmp_path, monkeypatch, capsys)

    assert printed == [
        "track               0 s  words15: recorded in MLflow",
        "MLflow's store alone was changed: 2 stages stand as they are (0 s). Next: neuralist map,",
        "or mlflow ui and http://here",
    ]


@pytest.mark.parametrize(("workspace", "lines"), [(None, 3), (Path("work/names"), 2)])
def test_a_call_compares_outputs_with_those_committed_but_in_a_workspace(
    repro: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    workspace: Path | None,
    lines: int,
) -> None:
    monkeypatch.setattr(repro.committed, "describe", lambda folder: f"compared {folder.name}")
    monkeypatch.setattr(repro.files, "workspace", lambda folder: workspace)
    printed = printed_by(repro, SECOND_CALL, tmp_path, monkeypatch, capsys)

    assert len(printed) == lines
    assert printed[2:] == [f"compared {tmp_path.name}"][: lines - 2]


def test_the_next_commands_are_those_that_neuralist_names_and_the_pages_of_mlflow(
    repro: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repro.pages, "runs_page", lambda: "http://runs")
    monkeypatch.setattr(repro.pages, "compare_page", lambda names, *_: f"http://{names}")
    (tmp_path / "params.yaml").write_text("register: {name: neuralist, metric: auto}\n")
    for name, max_tokens in {"words300": 300, "lyrics": 420, "words15": 15}.items():
        pooling = "mean" if name == "lyrics" else "last"
        write_evaluated(tmp_path / "artifacts", name, max_tokens=max_tokens, pooling=pooling)

    ready = [*repro.next_steps.READY, repro.next_steps.SERVE]
    shared = [f"  {command:33}  {purpose}" for command, purpose in ready]
    assert repro._next()[:-1] == [
        "Next:",
        *shared,
        "  mlflow ui                          the runs, at",
        "  http://runs",
        "  words15 beside words300, at",
        "  http://['words15', 'words300']",
    ]
    (tmp_path / "artifacts/estimates/words15.json").unlink()
    assert repro._next()[-2] == "  http://runs"


def test_after_a_run_in_a_workspace_the_commands_are_those_that_work_there(
    repro: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "work" / "names"
    for folder in (tmp_path, workspace):
        (folder / "pipelines").mkdir(parents=True)
        (folder / "dvc.yaml").touch()
    (workspace / "params.yaml").write_text("register: {name: neuralist-names, metric: auto}\n")
    write_evaluated(workspace / "artifacts", "lyrics")
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(repro.pages, "runs_page", lambda: "http://runs")

    printed = repro._next()
    assert printed[0] == "Next, in work/names:"
    assert any(
        "(cd ../.. && mlflow models serve -m models:/neuralist-names@champion" in line for line in printed
    )
    assert printed[-1] == (
        "All results: work/names/artifacts/results.html. All that the stages said: work/names/work/repro.log."
    )


# --- as a process ----------------------------------------------------------------------------------
FAILS = """
import sys
print("Running stage 'songs':\\n> a command\\n       307  records", flush=True)
print("error: data/msd: no such folder", file=sys.stderr, flush=True)
print("ERROR: failed to reproduce 'songs': failed to run: a command, exited with 1", file=sys.stderr)
sys.exit(7)
"""
# As DVC does, it leaves Ctrl-C to the stage that runs.
WAITS = """
import signal, subprocess, sys
stage = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("Running stage 'songs':\\nstage", stage.pid, flush=True)
sys.exit(stage.wait() and 255)
"""


# It leaves a part of a lock behind, and refuses that.
REFUSES = """
import pathlib, sys
lock, mark = pathlib.Path("dvc.lock"), pathlib.Path("called")
if not mark.exists():
    mark.touch()
    lock.write_text("sch")
if lock.exists():
    print("'./dvc.lock' validation failed: expected a dictionary.")
    sys.exit(255)
print("Stage 'songs' didn't change, skipping")
"""


@pytest.fixture
def process(tmp_path: Path, request: pytest.FixtureRequest) -> subprocess.Popen[str]:
    """repro.py, which runs a program in place of dvc."""
    (tmp_path / "fake/dvc").mkdir(parents=True)
    (tmp_path / "fake/dvc/__init__.py").touch()
    (tmp_path / "fake/dvc/__main__.py").write_text(request.param)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path / 'fake'}{os.pathsep}{ROOT / 'src'}"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A test run that a shell started in the background ignores SIGINT, and children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("process", [FAILS], indirect=True)
def test_a_stage_that_fails_is_printed_and_its_exit_code_is_dvcs(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    output = process.communicate(timeout=60)[0]

    assert process.returncode == 7
    assert output.splitlines() == [
        "> a command",
        "       307  records",
        "error: data/msd: no such folder",
        "ERROR: failed to reproduce 'songs': failed to run: a command, exited with 1",
        "Failed. All that DVC and the stages said is in work/repro.log.",
    ]
    assert (tmp_path / "work/repro.log").read_text().splitlines()[1] == "Running stage 'songs':"


@pytest.mark.parametrize("process", [REFUSES], indirect=True)
def test_a_lock_that_a_kill_cut_is_mended_and_dvc_called_again(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    output = process.communicate(timeout=60)[0].splitlines()

    assert process.returncode == 0
    assert output[0].startswith("dvc.lock was cut off by a kill")
    assert output[1].startswith("Nothing has changed: 1 stages stand as they are")


@pytest.mark.parametrize("process", [WAITS], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_dvc_and_the_stage_too(
    process: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "work/repro.log"
    found = wait_for(lambda: log.exists() and re.search(r"(?m)^stage (\d+)$", log.read_text()), 20)
    stage = found[1]
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]

    assert process.returncode == 128 + number
    assert output.startswith("Stopped.")
    wait_for(lambda: not Path(f"/proc/{stage}").exists(), 20)
