"""MLflow's own pages in a browser, on the store that `make repro` leaves: they show what the files say.

`make test-docs` runs it; it is skipped where Chromium is missing.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from benchmarks import browsers
from tests.waiting import free_port, wait_until_it_listens

from neuralist.config import records
from neuralist.config.metric_table import HEADLINE
from neuralist.tracking import pages, run_content, stamp
from neuralist.tracking.store import LAYOUT, in_layouts, store

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS, RAW = Path("artifacts"), Path("data")
LENGTHS = ["words15", "words300"]
CHROMIUM = browsers.find()
PATIENCE_S = 180

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(not (ROOT / "mlflow.db").exists(), reason="needs `make repro`"),
]


@contextmanager
def server(port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--port", str(port)]
    environment = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=nowhere, stderr=nowhere) as process:
        try:
            wait_until_it_listens(process, port)
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    port = free_port()
    with server(port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(ROOT)
    page = browser.new_page(viewport={"width": 2400, "height": 1200})
    page.set_default_timeout(PATIENCE_S * 1000)
    yield page
    page.close()


def here(address: str, site: str) -> str:
    """An address of the printed form, on the server of this test."""
    assert address.startswith(pages.LOCAL)
    return site + address.removeprefix(pages.LOCAL)


def evaluated(name: str) -> dict[str, float]:
    """Headline figures on test and val, as artifacts/estimates/ has them."""
    metrics = records.load(ARTIFACTS / "estimates" / f"{name}.json", records.ExperimentMetrics)
    return {
        f"{split}_{key}": value
        for split, of_split in metrics.splits.items()
        for key in HEADLINE
        if key in of_split.metrics and (value := of_split.metrics[key].value) is not None
    }


def run_id(name: str) -> str:
    found = stamp.run_id(store(), in_layouts(run_content.digest(ARTIFACTS, RAW, name)))
    assert found is not None, f"the store has no run of {name} as the files are; call `make repro`"
    return found


def rows(page: Any, first: str) -> dict[str, list[str]]:
    """Rows of all tables of a page by their first cell, once one of them begins with the link `first`."""
    page.get_by_role("link", name=first, exact=True).first.wait_for()
    script = """() => [...document.querySelectorAll('tr, [role=row]')].map(
        row => [...row.querySelectorAll('td, th, [role=cell]')].map(cell => cell.innerText.trim()))"""
    return {cells[0]: cells[1:] for cells in page.evaluate(script) if cells}


def test_words15_and_words300_stand_side_by_side_at_the_printed_address(page: Any, site: str) -> None:
    address = pages.compare_page(LENGTHS, ARTIFACTS, RAW)
    assert address is not None
    page.goto(here(address, site))
    page.get_by_role("link", name="test_spearman", exact=True).first.wait_for()
    shown = re.split(r"\s+", page.inner_text("body"))  # of figures the page has three digits after the point
    assert set(json.loads(parse_qs(address.partition("?")[2])["runs"][0])) <= set(shown)
    for name in LENGTHS:
        figures = {key: value for key, value in evaluated(name).items() if key.startswith("test_")}
        missing = {key for key, value in figures.items() if f"{round(value, 3):g}" not in shown}
        assert (missing, figures.keys() - set(shown)) == (set(), set())


@pytest.mark.parametrize("name", [*LENGTHS, "lyrics"])
def test_the_page_of_a_run_has_the_figures_of_its_file(page: Any, site: str, name: str) -> None:
    experiment = pages.runs_page().partition("experiments/")[2].partition("/")[0]
    page.goto(f"{site}/#/experiments/{experiment}/runs/{run_id(name)}")
    shown = rows(page, "test_spearman")
    figures = {metric: float(cells[0]) for metric, cells in shown.items() if re.match("test_|val_", metric)}
    assert figures == pytest.approx(evaluated(name), rel=1e-9)
    assert page.get_by_text("songs (").first.is_visible(), "the tables that it read"


def test_the_table_of_runs_has_the_headline_figures_in_front(page: Any, site: str) -> None:
    # A store that is older holds runs of an earlier layout too, whose intervals are metrics.
    of_now = f"&searchFilter=tags.layout+%3D+'{LAYOUT}'"
    page.goto(here(pages.runs_page() + of_now, site))
    page.get_by_text("Columns", exact=True).click()
    page.get_by_text("Metrics (", exact=False).first.wait_for()
    listed = [line for line in page.inner_text("body").splitlines() if re.match("test_|training/|val_", line)]
    front = sorted(f"test_{name}" for name in HEADLINE)
    assert listed[: len(front)] == front


def test_the_champion_is_in_the_registry_with_its_run_and_five_tags_at_most(page: Any, site: str) -> None:
    content = stamp.read(store())
    assert content is not None
    model = content.models["neuralist"]
    number = model.aliases["champion"]
    page.goto(f"{site}/#/models/neuralist/versions/{number}")
    page.get_by_text("@ champion").first.wait_for()
    name = model.versions[number]["experiment"]
    assert page.get_by_role("link", name=name).first.is_visible(), "its source run"
    assert page.get_by_text(f"Model card: {name}").first.is_visible()
