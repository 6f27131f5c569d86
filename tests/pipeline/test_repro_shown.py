"""What `make repro` shows of DVC's output, and how it ends: pipelines/repro.py on a made-up `dvc`."""

import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "pipelines/repro.py"
SECOND_CALL = """\
'data.dvc' didn't change, skipping
Stage 'songs' didn't change, skipping
Stage 'train@words15' didn't change, skipping
Running stage 'track':
> python pipelines/track.py data artifacts
the runs, in `mlflow ui`: http://here

Running stage 'register':
> python pipelines/register.py data artifacts
lyrics is version 1 already
Use `dvc push` to send your updates to remote storage.
"""
FIRST_CALL = """\
Verifying data sources in stage: 'data.dvc'

Running stage 'songs':
> python pipelines/songs.py data
       307  records
       294  songs
Updating lock file 'dvc.lock'

Stage 'pairs' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

Running stage 'train@words15':
> python pipelines/train.py words15
words15 epoch 1/10  loss 0.0889  accuracy 0.6256  val_loss 0.0728
words15: best epoch 1 of 10
Updating lock file 'dvc.lock'

Running stage 'track':
> python pipelines/track.py data artifacts
words15: recorded in MLflow
the runs, in `mlflow ui`: http://here
"""


@pytest.fixture
def repro() -> ModuleType:
    specification = importlib.util.spec_from_file_location("repro", SCRIPT)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_stages_that_run_each_time_are_those_of_dvc_yaml(repro: ModuleType) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {name for name, stage in stages.items() if stage.get("always_changed")} == repro.ALWAYS


def shown(repro: ModuleType, output: str, **terminal: Any) -> tuple[Any, str]:
    """What is left of a call's output at its end, and what was printed."""
    file = io.StringIO()
    with repro._bars(Console(file=file, width=100, **terminal)) as bars:
        stages = repro.Shown(bars)
        for line in output.splitlines():
            stages.line(line)
        bars.refresh()
        stages.end()
    return stages, file.getvalue()


def test_a_stage_is_one_line_with_its_time_and_what_it_said(repro: ModuleType) -> None:
    stages, text = shown(repro, FIRST_CALL)

    assert text.splitlines() == [
        "songs               0 s  307 records",
        "pairs                    from the cache of runs",
        "train@words15       0 s  words15: best epoch 1 of 10",
        "track               0 s  words15: recorded in MLflow",
    ]
    assert (stages.kept, stages.ran) == (0, ["songs", "pairs", "train@words15", "track"])


def test_on_a_terminal_a_training_shows_how_far_it_is_and_its_losses(repro: ModuleType) -> None:
    text = shown(repro, FIRST_CALL[: FIRST_CALL.index("words15: best")], force_terminal=True)[1]

    assert "epoch 1/10  loss 0.0889  val_loss 0.0728" in text


def test_stages_that_always_run_are_no_line_where_nothing_else_ran(repro: ModuleType) -> None:
    stages, text = shown(repro, SECOND_CALL)

    assert (stages.kept, stages.ran, text) == (2, ["track", "register"], "")


def test_a_call_with_nothing_to_do_prints_two_lines(
    repro: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(log: Any, stages: Any) -> tuple[int, int]:
        for line in SECOND_CALL.splitlines():
            stages.line(line)
        return 0, 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repro, "_run", run)
    monkeypatch.setattr(repro.pages, "runs_page", lambda: "http://here")
    repro.main()

    assert capsys.readouterr().out.splitlines() == [
        "Nothing has changed: 2 stages stand as they are (0 s). Next: neuralist map,",
        "or mlflow ui and http://here",
    ]


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


def wait_for(condition: Any) -> Any:
    for _ in range(400):
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come about in 20 s")


@pytest.mark.parametrize("process", [WAITS], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_dvc_and_the_stage_too(
    process: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "work/repro.log"
    stage = wait_for(lambda: log.exists() and re.search(r"(?m)^stage (\d+)$", log.read_text()))[1]
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]

    assert process.returncode == 128 + number
    assert output.startswith("Stopped.")
    wait_for(lambda: not Path(f"/proc/{stage}").exists())
