"""A study in PostgreSQL, without a training: processes that race for it, and a server that goes away."""

import multiprocessing
import time
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from tests.study.test_search import run
from tests.team import services

from neuralist.study import queue, search

pytestmark = pytest.mark.team

SPACE = {"units": {"low": 1, "high": 100}}


def quick(asked: search.Search, trial: optuna.Trial, checkpoint: Path, report: Any) -> float:
    """Stands for a training."""
    units = trial.suggest_int("units", 1, 100)
    time.sleep(0.01)
    with checkpoint.with_suffix(".ran").open("a") as file:
        file.write("once ")
    report(trial.number)
    return float(units)


@pytest.mark.parametrize("round_", range(3))
def test_two_machines_on_an_empty_database_run_each_trial_once(
    postgres: services.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, round_: int
) -> None:
    monkeypatch.setattr(search, "_objective", quick)
    postgres.ask("postgres", f"CREATE DATABASE race{round_}")
    url = postgres.url(f"race{round_}", services.PASSWORD)
    fork = multiprocessing.get_context("fork")
    # Folders of their own, as two machines have: the lock file of one is nothing to the other.
    how = {"trials": 20, "space": SPACE, "storage": url}
    machines = [fork.Process(target=run, args=(tmp_path / name,), kwargs=how) for name in ("one", "two")]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(60)

    assert [machine.exitcode for machine in machines] == [0, 0]
    assert postgres.ask(f"race{round_}", "SELECT number, state FROM trials ORDER BY number") == [
        (number, "COMPLETE") for number in range(20)
    ]
    ran = Counter({path.stem: len(path.read_text().split()) for path in tmp_path.glob("one/*.ran")})
    ran.update({path.stem: len(path.read_text().split()) for path in tmp_path.glob("two/*.ran")})
    assert ran == Counter({f"trial-{number}": 1 for number in range(20)})


def test_a_connection_that_was_cut_is_made_again(
    postgres: services.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_objective", quick)
    postgres.ask("postgres", "CREATE DATABASE cut")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut'"
    done = run(
        tmp_path,
        lambda number: postgres.ask("postgres", cut),
        trials=3,
        space=SPACE,
        storage=postgres.url("cut", services.PASSWORD),
    )

    assert [trial.state.name for trial in done.trials] == ["COMPLETE"] * 3


def test_a_server_that_goes_away_is_one_line_and_the_study_goes_on_when_it_is_back(
    postgres: services.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_objective", quick)
    postgres.ask("postgres", "CREATE DATABASE away")
    how = {"trials": 3, "space": SPACE, "storage": postgres.url("away", services.PASSWORD)}

    def leave(number: int) -> None:
        if number == 1:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'"
            postgres.ask("postgres", cut)
            postgres.ask("postgres", "ALTER DATABASE away RENAME TO hidden")

    with pytest.raises(ValueError, match=r"study\.storage: .*does not exist.*goes on where it was") as told:
        run(tmp_path, leave, **how)
    assert services.PASSWORD not in str(told.value)
    postgres.ask("postgres", "ALTER DATABASE hidden RENAME TO away")
    done = run(tmp_path, **how)

    assert [(trial.number, trial.state.name) for trial in done.trials] == [(n, "COMPLETE") for n in range(3)]


def test_a_wrong_password_is_refused_and_not_shown(postgres: services.Postgres, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="password authentication failed") as told:
        queue.storage(postgres.url("optuna", "s3cret"), tmp_path)

    assert "s3cret" not in str(told.value)


def test_the_database_of_another_program_is_refused(postgres: services.Postgres, tmp_path: Path) -> None:
    postgres.ask("postgres", "CREATE DATABASE mixed")
    postgres.ask("mixed", "CREATE TABLE alembic_version (version_num varchar(32))")
    postgres.ask("mixed", "INSERT INTO alembic_version VALUES ('dc11669786a5')")

    with pytest.raises(ValueError, match="a database of its own"):
        queue.storage(postgres.url("mixed", services.PASSWORD), tmp_path)
