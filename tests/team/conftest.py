"""A team's services, up while these tests run. What is missing fails them: they run only when asked for."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.team import services

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {"psycopg": "psycopg[binary]", "moto": "moto[s3]", "dvc_s3": "dvc-s3"}


class Team(NamedTuple):
    """The services, and the environment that a member of the team works in."""

    postgres: services.Postgres
    mlflow: str
    store: str
    environment: dict[str, str]

    def run(self, folder: Path, *command: str, ok: bool = True, **own: str) -> str:
        """Run a command in a checkout; all that it said."""
        answer = subprocess.run(
            command,
            cwd=folder,
            env=self.environment | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (answer.returncode == 0) is ok, f"{' '.join(command)}: {answer.returncode}\n{answer.stdout}"
        assert services.PASSWORD not in answer.stdout
        return answer.stdout


@pytest.fixture(scope="session")
def postgres() -> Iterator[services.Postgres]:
    """PostgreSQL with a database for MLflow and one for Optuna."""
    missing = [need for module, need in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} not installed: pip install -e '.[team]'", pytrace=False)
    if services.programs() is None:
        pytest.fail("PostgreSQL not installed: apt-get install postgresql", pytrace=False)
    with services.postgres() as server:
        for database in ("mlflow", "optuna"):
            server.ask("postgres", f"CREATE DATABASE {database}")
        yield server


@pytest.fixture(scope="session")
def team(postgres: services.Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """All services; passwords are given by the environment alone."""
    folder = tmp_path_factory.mktemp("services")
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "MLFLOW_", "DVC_", "AWS_"))
    }
    someone = {
        f"GIT_{role}_{field}": "someone@here"
        for role in ("AUTHOR", "COMMITTER")
        for field in ("NAME", "EMAIL")
    }
    with services.store(folder) as store:
        environment = kept | someone | services.KEYS
        environment |= {
            "PATH": f"{services.BESIDE}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": "src",  # the checkout's own code, wherever the environment's neuralist lies
            "PGPASSWORD": services.PASSWORD,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        for_server = environment | {
            "MLFLOW_S3_ENDPOINT_URL": store,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with services.mlflow(postgres.url("mlflow"), folder, for_server) as address:
            # As a server behind a login is named; this one lets everybody in.
            named = address.replace("//", f"//{services.USER}:{services.PASSWORD}@")
            yield Team(postgres, address, store, environment | {"MLFLOW_TRACKING_URI": named})
    for log in folder.glob("*.log"):
        assert services.PASSWORD not in log.read_text(errors="replace"), log.name
