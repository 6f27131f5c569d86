"""Small corpora through every stage, as dvc.yaml calls them one after the other, in one process."""

import json
import random
import runpy
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import raw

from neuralist.config import corpus, params
from neuralist.ingest.sources import generic_csv

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
THEMES = [[f"{first}{vowel}{last}" for first in "bdfk" for vowel in "aeiou"] for last in "lmnr"]
TINY: dict[str, Any] = {
    "vectors": {"source": "train", "dimensions": 8, "epochs": 2, "min_count": 1},
    "train": {"epochs": 2},
    "experiments": {
        "whole": {"heads": {"year": 1.0, "tags": 1.0, "lastfm": 1.0, "graph": 1.0}, "bag_of_words": True,
                  "style": True, "pair_regression": True, "units": 4,
                  "distillation_weight": 0.5, "calibration": True, "batch_unit": "songs", "pooling": "mean"},
    },
    "run": ["whole"],
    "study": {"experiment": None, "trials": 1, "epochs": 1, "space": {"units": [4, 8]}, "spaces": {}},
    "songmap": {"experiment": None},
    "evaluate": {"draws": 20},
}  # fmt: skip
ANYTHING = {"songs": [0, None], "rows": [0, None], "pairs": [0, None], "similar_share": [0, 1]}


def write_texts(folder: Path, number: int) -> None:
    """Texts of 30 made words each, by turns of four themes."""
    draw = random.Random(2017)
    texts = [[f"t{at:02}", " ".join(draw.choices(THEMES[at % 4], k=30))] for at in range(number)]
    raw.texts(folder, texts)


def pairs_of_themes(number: int, split: Sequence[str] = ()) -> list[list[str]]:
    """Pairs of 40 texts, similar within a theme; of each the split, in turns."""
    draw = random.Random(2018)
    drawn = draw.sample([(left, right) for right in range(40) for left in range(right)], number)
    return [
        [
            f"t{left:02}",
            f"t{right:02}",
            "0.9" if left % 4 == right % 4 else "0.1",
            *split[at % 7 : at % 7 + 1],
        ]
        for at, (left, right) in enumerate(drawn)
    ]


class Pipeline:
    """A working folder with data, params and an MLflow store, and its stages."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.data, self._capsys, self._monkeypatch = folder / "data", capsys, monkeypatch
        self.folder, self.output = folder, dict[str, str]()
        shutil.copytree(ROOT / "catalogue", folder / "catalogue", ignore=shutil.ignore_patterns("added*"))
        monkeypatch.chdir(folder)
        # MLflow keeps a store by its address, and would take the mlflow.db of one folder for that of another.
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")

    def run(self, **own: Any) -> str | None:
        """Run all stages; return the one that stopped, if any, with all its output kept."""
        values = params.overlay(params.overlay(params.read_yaml(ROOT / "params.yaml"), TINY), own)
        if generic_csv.gives_split(self.data):
            values, _ = corpus.with_given_protocol(values)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        # As DVC leaves it: stage register tells corpora apart by the hash there.
        lock = {"stages": {"songs": {"deps": [{"path": "data", "md5": "0" * 32}]}}}
        (self.folder / "dvc.lock").write_text(yaml.safe_dump(lock))
        for stage, definition in STAGES.items():
            for item in values["run"] if "foreach" in definition else [""]:
                command = definition.get("do", definition)["cmd"].replace("${item}", item)
                failed = self._fails(shlex.split(command)[2:])
                self.output[stage] = "".join(self._capsys.readouterr())
                if failed:
                    return stage
        return None

    def _fails(self, arguments: list[str]) -> bool:
        """Run a script; return whether it ends with an error, which is the last line it prints."""
        self._monkeypatch.setattr(sys, "argv", arguments)
        try:
            runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
        except SystemExit as stop:
            return bool(stop.code)
        return False


@pytest.fixture
def pipeline(
    tmp_path: Path,
    empty_database: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Pipeline:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return Pipeline(tmp_path, capsys, monkeypatch)


def test_a_corpus_of_40_texts_and_250_pairs_runs_to_the_end(pipeline: Pipeline) -> None:
    write_texts(pipeline.data, 40)
    raw.pairs(pipeline.data, pairs_of_themes(250))

    assert pipeline.run() is None, pipeline.output
    assert "Traceback" not in "".join(pipeline.output.values())
    assert "study: trial 0 of 1, val_spearman" in pipeline.output["study"]
    assert (pipeline.folder / "artifacts/served/served.json").exists()
    table = (pipeline.folder / "artifacts/results.md").read_text()
    # Eight of 40 texts, a fold, have 28 of 780 pairs between them, of which 9 are among the 250.
    assert "**Warning: val has fewer than 30 listed pairs" in table
    assert "val and test have 30 listed pairs or more" in pipeline.output["validate"]


def test_where_val_has_one_grade_the_study_is_skipped_and_the_rest_runs(pipeline: Pipeline) -> None:
    """As a corpus with few similar pairs: those of val are all dissimilar."""
    write_texts(pipeline.data, 40)
    rows = pairs_of_themes(250, ["train"] * 5 + ["val", "test"])
    rows = [[*row[:2], "0.1", "val"] if row[3] == "val" else row for row in rows]
    raw.pairs(pipeline.data, rows, "left_id,right_id,similarity,split")

    assert pipeline.run() is None, pipeline.output
    reason = (
        "no settings were searched, for all val pairs of whole have the similarity 0.1; add other grades\n"
    )
    assert pipeline.output["study"] == f"study: {reason}"
    assert pipeline.output["tuned"] == f"tuned: not trained: {reason}"
    folder = pipeline.folder / "artifacts"
    assert sorted(path.name for path in (folder / "study").iterdir()) == ["skipped.txt", "tuned.json"]
    for name in ("metrics", "estimates"):
        assert sorted(path.name for path in (folder / name).iterdir()) == ["whole.json"]
    sentence = "**Warning: val has one grade only, 0.1: it tells no model from another.**"
    assert sentence in (folder / "results.md").read_text()
    row = "".join(f"<td><bdi>{value}</bdi></td>" for value in ("val", 35, 1))  # split, n_pairs, n_grades
    assert row in (folder / "validation.html").read_text()
    # Without a figure on val none is chosen, and none served.
    assert json.loads((folder / "headline.json").read_text())["served"] is None
    assert "val has one grade only, 0.1" in (folder / "results.html").read_text()


def test_three_songs_and_a_pair_end_with_the_counts_that_are_too_small(pipeline: Pipeline) -> None:
    write_texts(pipeline.data, 3)
    raw.pairs(pipeline.data, [["t00", "t01", "0.5"]])

    assert pipeline.run() == "validate"
    assert "error: 5 of 63 expectations failed, 0 are broken; see" in pipeline.output["validate"]
    assert "their number is within expected.songs: [10, null]" in pipeline.output["validate"]
    assert "Traceback" not in pipeline.output["validate"]


@pytest.mark.parametrize(
    ("rows", "stopped"),
    [
        ([["t00", "t01", "0.5"]], "validate"),  # one grade
        ([["t00", "t01", "0.9"], ["t01", "t02", "0.1"]], None),
        ([["t00", "t01", "0.9", "val"], ["t01", "t02", "0.1", "test"]], "songs"),  # nothing to train on
    ],
)
def test_three_songs_that_params_yaml_allows_end_without_a_traceback(
    pipeline: Pipeline, rows: list[list[str]], stopped: str | None
) -> None:
    write_texts(pipeline.data, 3)
    header = "left_id,right_id,similarity,split" if len(rows[0]) == 4 else "left_id,right_id,similarity"
    raw.pairs(pipeline.data, rows, header)

    ended = pipeline.run(expected=ANYTHING)
    assert ended == stopped, pipeline.output
    assert "Traceback" not in "".join(pipeline.output.values())
    if ended is not None:
        assert pipeline.output[ended].splitlines()[-1].startswith("error: ")
