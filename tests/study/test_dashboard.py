"""pipelines/dashboard.py: Optuna's dashboard on whatever studies there are, on this machine alone."""

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from tests.waiting import free_port, wait_until_it_listens

from neuralist.study import queue

pytestmark = pytest.mark.slow  # Optuna takes a second, and each server two
pytest.importorskip("optuna_dashboard", reason="needs optuna-dashboard: pip install 'neuralist[dashboard]'")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "pipelines" / "dashboard.py"
CHECKPOINTS = "work/checkpoints"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with params.yaml alone."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def fill(storage: Any, name: str, values: list[float]) -> None:
    """Make a study of these trials."""
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    study.set_metric_names(["val_spearman"])
    for value in values:
        study.add_trial(optuna.trial.create_trial(value=value))


def refusal(
    checkout: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> str:
    with pytest.raises(SystemExit) as ended:
        run_script(checkout, "dashboard.py")
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_without_a_study_it_says_in_one_sentence_what_makes_one(
    checkout: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(checkout, run_script, capsys) == "error: there is no study yet; run `dvc repro study`\n"
    assert not (checkout / "work").exists()


def test_where_the_study_was_skipped_it_says_why(
    checkout: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "artifacts/study").mkdir(parents=True)
    (checkout / "artifacts/study/skipped.txt").write_text("study.trials is 0 in params.yaml\n")
    said = refusal(checkout, run_script, capsys)
    assert said == "error: there is no study: study.trials is 0 in params.yaml\n"


def test_where_results_were_pulled_it_names_their_page(
    checkout: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "artifacts/study").mkdir(parents=True)
    (checkout / "artifacts/study/trials.csv").touch()
    said = refusal(checkout, run_script, capsys)
    assert "open artifacts/study/study.html, or run `dvc repro -sf study`" in said


def test_a_journal_in_which_no_study_began_is_none(
    checkout: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / CHECKPOINTS).mkdir(parents=True)
    (checkout / CHECKPOINTS / queue.JOURNAL).touch()
    assert refusal(checkout, run_script, capsys) == "error: there is no study yet; run `dvc repro study`\n"


@contextmanager
def running(checkout: Path, *arguments: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = free_port()
    command = [sys.executable, str(SCRIPT), *arguments, "--listen", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until_it_listens(server, port)
        yield port, server
    finally:
        server.kill()
        server.wait()


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=60) as answer:
        return json.load(answer)


def test_it_shows_all_studies_of_the_journal_and_older_ones_and_ends_by_sigterm(checkout: Path) -> None:
    folder = checkout / CHECKPOINTS
    (folder / "study-old").mkdir(parents=True)
    backend = optuna.storages.journal.JournalFileBackend
    fill(optuna.storages.JournalStorage(backend(str(folder / "study-old/study.journal"))), "old", [0.5])
    fill(queue.storage(None, folder).trials, "new", [0.25, 0.75])

    with running(checkout.parent, checkout.name) as (port, server):
        studies = {
            study["study_name"]: study["study_id"] for study in ask(port, "studies")["study_summaries"]
        }
        assert set(studies) == {"old", "new"}
        detail = ask(port, f"studies/{studies['new']}")
        assert detail["objective_names"] == ["val_spearman"]
        assert [trial["values"] for trial in detail["trials"]] == [[0.25], [0.75]]
        server.send_signal(signal.SIGTERM)
        said, errors = server.communicate(timeout=60)

    assert f"2 studies at http://127.0.0.1:{port}/dashboard; Ctrl-C ends it\n" in said.decode()
    assert "  new: 2 of 2 trials, best val_spearman 0.7500\n" in said.decode()
    assert errors.decode() == "stopped by SIGTERM; `make dashboard` opens it again\n"
    assert server.returncode == 143


def test_it_shows_the_studies_of_a_storage_that_params_name(checkout: Path) -> None:
    fill(f"sqlite:///{checkout / 'study.db'}", "shared", [0.5])
    params = (checkout / "params.yaml").read_text()
    assert params.count("\n  storage: ") == 1
    named = params.replace("\n  storage: ", "\n  storage: sqlite:///study.db ", 1)
    (checkout / "params.yaml").write_text(named)
    with running(checkout) as (port, _):
        assert [study["study_name"] for study in ask(port, "studies")["study_summaries"]] == ["shared"]
        # Another one does not get the address.
        again = [sys.executable, str(SCRIPT), "--listen", f"127.0.0.1:{port}"]
        ended = subprocess.run(again, cwd=checkout, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: LISTEN=127.0.0.1:{port}: Address already in use; ")
