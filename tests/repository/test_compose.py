"""The compose file of a team's services, and the image of a served model."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "team" / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))


def test_every_image_is_pinned_by_a_version(compose: dict[str, Any]) -> None:
    text = PATH.read_text(encoding="utf-8")
    images = re.findall(r"^ *(?:image:|FROM) (\S+)$", text, flags=re.MULTILINE)
    assert len(images) == len(compose["services"])
    assert [image for image in images if not re.fullmatch(r"[\w/.-]+:v?\d[\w.-]+", image)] == []
    [packages] = re.findall(r"pip install --no-cache-dir (.+)$", text, flags=re.MULTILINE)
    assert [package for package in packages.split() if "==" not in package] == []


def test_the_server_is_the_release_of_mlflow_that_is_locked(compose: dict[str, Any]) -> None:
    locked = re.search(r"^mlflow==\S+", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)
    assert locked is not None
    assert locked[0] in compose["services"]["mlflow"]["build"]["dockerfile_inline"].split()


def test_what_a_service_waits_for_is_one_and_ports_are_this_machines_alone(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("depends_on", [])) <= compose["services"].keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    named = {
        volume.partition(":")[0] for one in compose["services"].values() for volume in one.get("volumes", [])
    }
    assert named == compose["volumes"].keys()


def test_no_password_stands_in_the_file(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY", key):
                assert value.startswith("${"), key


def docker_runs() -> bool:
    found = shutil.which("docker")
    return (
        found is not None
        and subprocess.run([found, "info"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.team
def test_the_image_of_the_champion_can_be_built(tmp_path: Path) -> None:
    if not docker_runs():
        pytest.skip("needs Docker, which does not run here")
    if not (ROOT / "mlflow.db").exists():
        pytest.skip("needs `make repro`")
    model = ["-m", "models:/neuralist@champion", "-d", str(tmp_path / "image")]
    command = [sys.executable, "-m", "mlflow", "models", "generate-dockerfile", *model]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["docker", "build", str(tmp_path / "image")], check=True)
