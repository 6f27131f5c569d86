"""Every way out of a command and of a stage hides the passwords and tokens of addresses."""

import io
import stat
import sys
from pathlib import Path

import pytest
from rich.console import Console
from tests.commands import refusal

from neuralist import console
from neuralist.cli import shell
from neuralist.console import pipeline

SECRET = "http://team:s3cret@host/?token=s3cret&x=1"
SHOWN = "http://team:***@host/?token=***&x=1"


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "--model", SECRET, "a", "b"],
        ["evaluate", SECRET, "."],
        ["translations", SECRET, "."],
        ["recommend", "--model", SECRET, "--lyrics", "song.txt"],
        ["predict", "--model", SECRET, "a.csv", "b.csv"],
        ["drift", "--against", SECRET, "new.csv"],
        ["extend", "--vectors", SECRET],
        ["import", SECRET, "--out", "raw"],
        ["fetch", "--only", SECRET],
    ],
    ids=lambda command: command[0],
)
def test_no_command_says_it_in_its_error(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(tmp_path)
    said = refusal(*command)
    assert "s3cret" not in said


def test_a_settings_file_that_is_refused_is_shown_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text()
    text = text.replace("  storage:", f"  storage: [{SECRET}] #")
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "dvc.yaml").write_text("stages: {a: {foreach: '${run}'}}\n")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "raw").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model/encoder.onnx").touch()
    monkeypatch.chdir(tmp_path)
    said = refusal("evaluate", "model", "raw")
    assert said.startswith("params.yaml: study.storage: ")
    assert SHOWN in said


def test_a_stage_ends_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    def stage() -> None:
        raise ValueError(f"{SECRET}: no answer")

    with pytest.raises(SystemExit) as ended:
        console.run(stage)
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"error: {SHOWN}: no answer\n"


def test_a_warning_is_given_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    shell.warn(f"{SECRET} is slow")
    assert capsys.readouterr().err == f"warning: {SHOWN} is slow\n"


def test_neither_the_log_nor_the_lines_of_the_pipeline_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho 'ERROR: cannot reach {SECRET}'\nexit 1\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(python))
    log, screen = io.StringIO(), Console(file=io.StringIO())
    view = pipeline.PipelineView(pipeline.progress(screen))
    assert pipeline.run_dvc(log, view) == (1, 0)
    assert log.getvalue() == f"ERROR: cannot reach {SHOWN}\n"
    assert view.output == [f"ERROR: cannot reach {SHOWN}"]
