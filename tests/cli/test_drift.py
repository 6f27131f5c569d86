"""`neuralist drift`: quiet on songs like those of training, exit status 1 on others, errors told apart."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests import made_records, served
from tests.commands import refusal, run

from neuralist.config import records
from neuralist.serving import drift
from neuralist.serving.model import Model

pytestmark = pytest.mark.slow  # each call runs Great Expectations

ROOT = Path(__file__).resolve().parents[2]


def songs(
    n: int, longest: int, seed: int, words: tuple[str, ...] = ("moss", "stone", "fern")
) -> pd.DataFrame:
    """Texts of 1 to `longest` words, all lengths as often."""
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(words, k=draw.randint(1, longest))) for _ in range(n)]
    return pd.DataFrame({"text": texts, "year": [draw.randint(1990, 2009) for _ in range(n)]})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose model was trained on 400 texts of up to 20 words; the working folder."""
    folder = tmp_path / "home"
    (folder / "pipelines").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {}\n")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    path = served.write(folder / "artifacts/served")
    training = songs(400, 20, seed=1)
    texts = training["text"].tolist()
    table = pd.DataFrame(
        {"year": training["year"].astype("Int64"), "language": None, "tags": [["folk"] for _ in texts]}
    )
    everything = np.ones(len(texts), dtype=bool)
    reading = Model.load(path).read(texts)
    records.save(
        drift.learn(drift.Songs(texts, table, reading), everything, ~everything), path / "drift.json"
    )
    monkeypatch.chdir(folder)
    return folder


def answer(*arguments: str, status: int) -> dict[str, Any]:
    result = run("drift", *arguments, "--json")
    assert (result.exit_code, result.stderr) == (status, "")
    return json.loads(result.stdout)


def verdicts(said: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in said["features"]:
        found.setdefault(row["feature"], set()).add(row["verdict"])
    return found


def test_songs_like_those_of_training_are_within_the_limits(home: Path) -> None:
    songs(300, 20, seed=2).to_csv("new.csv", index=False)
    said = answer("new.csv", status=0)

    assert (said["songs"], said["training_songs"], said["beyond_limits"]) == (300, 400, False)
    assert verdicts(said)["length"] == {"within"}
    assert verdicts(said)["year"] == {"no limit"}
    assert verdicts(said)["tags"] == {"too few"}  # none has a tag
    assert "language" not in verdicts(said)


def test_longer_songs_are_beyond_the_limit_of_length_alone(home: Path) -> None:
    songs(300, 40, seed=2).to_csv("new.csv", index=False)
    said = answer("new.csv", status=1)

    assert {name for name, verdict in verdicts(said).items() if "beyond" in verdict} == {"length"}
    [row] = [row for row in said["features"] if (row["feature"], row["statistic"]) == ("length", "KS")]
    # Half of the new songs are longer than any of training; the table and the page say so too.
    assert row["low"] < row["value"] < row["high"]
    assert row["value"] == pytest.approx(0.5, abs=0.07)
    assert row["limit"] == 0.2
    page = (home / "work/drift.html").read_text()
    assert "Drift: beyond the limits: length" in page
    result = run("drift", "new.csv")
    assert (result.exit_code, result.stderr) == (1, "")
    assert "beyond the limits: length\n" in result.stdout
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80  # the last names the page


def test_words_that_the_model_does_not_know_are_noticed(home: Path) -> None:
    songs(60, 20, seed=2, words=("moss", "lichen")).to_csv("new.csv", index=False)

    assert verdicts(answer("new.csv", status=1))["known_words"] == {"beyond"}


def test_twenty_songs_are_too_few_to_judge(home: Path) -> None:
    songs(20, 400, seed=2).to_csv("new.csv", index=False)
    said = answer("new.csv", status=0)

    assert set.union(*verdicts(said).values()) == {"too few"}
    assert "nothing was judged" in run("drift", "new.csv").stdout


def test_a_limit_of_params_decides(home: Path) -> None:
    songs(300, 40, seed=2).to_csv("new.csv", index=False)
    text = (home / "params.yaml").read_text()
    text = text.replace("    length: 0.25\n", "    length:\n").replace("    length: 0.2 ", "    length: 0.9 ")
    (home / "params.yaml").write_text(text)

    assert verdicts(answer("new.csv", status=0))["length"] == {"within", "no limit"}


def test_the_page_is_where_it_is_asked_for_and_opens_offline(home: Path) -> None:
    songs(40, 20, seed=2).to_csv("new & old.csv", index=False)

    assert answer("new & old.csv", "--page", "pages/one.html", status=0)["page"] == "pages/one.html"
    page = (home / "pages/one.html").read_text()
    assert "new &amp; old.csv against artifacts/served" in page
    assert "http" not in page


def test_songs_without_a_word_are_a_warning(home: Path) -> None:
    pd.concat([songs(40, 20, seed=2), pd.DataFrame({"text": ["..."]})]).to_csv("new.csv", index=False)
    result = run("drift", "new.csv")

    assert result.exit_code == 0
    assert result.stderr.startswith("warning: new.csv: 1 of the songs have no word")


def test_what_cannot_be_compared_is_one_line_that_begins_with_error(home: Path) -> None:
    assert refusal("drift", "no.csv").startswith("no.csv: no such file or folder;")
    (home / "new.csv").write_text("lines\nmoss\n")
    assert refusal("drift", "new.csv").endswith("--text-column takes another name")
    assert refusal("drift", "new.csv", "--against", "none").startswith("none: no such model;")
    records.save(made_records.served(format=7), home / "artifacts/served/served.json")
    assert "packed in format 7" in refusal("drift", "new.csv")
    assert run("drift").exit_code == 2
