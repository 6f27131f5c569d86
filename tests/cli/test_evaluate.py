"""`neuralist evaluate`: a trained model on any raw folder, its scores known by hand (tests.trained)."""

import itertools
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from tests import raw, trained
from tests.commands import answer, refusal, run

from neuralist.tracking.store import Store

pytestmark = pytest.mark.slow  # most fit the baselines, some of them in a process of their own

NUMBERS = {"moss": 0.0, "stone": 0.5, "fern": 1.0, "cliff": 2.0}
TEXTS = [
    ["a", "grey moss"],
    ["b", "a stone"],
    ["c", "the fern"],
    ["d", "unheard of"],
    ["e", " ".join(["moss"] * 19 + ["cliff"])],
    ["f", "..."],
]
# The model reads 15 words, of `e` the first ones, so moss; the unknown word of `d` has the vector 0, as moss.
NUMBER_OF = {"a": 0.0, "b": 0.5, "c": 1.0, "d": 0.0, "e": 0.0}
TEST = [("a", "b", 0.75), ("b", "c", 0.5), ("a", "c", 0.25), ("c", "d", 0.0), ("a", "e", 1.0)]
TRAIN = [("b", "d", 0.5), ("c", "e", 0.25), ("d", "e", 1.0)]
VAL = [("b", "e", 0.75), ("a", "d", 0.25)]


def similarities(pairs: list[tuple[str, str, float]]) -> tuple[list[float], list[float]]:
    """True and predicted."""
    predicted = [trained.similarity(NUMBER_OF[left], NUMBER_OF[right]) for left, right, _ in pairs]
    return [grade for _, _, grade in pairs], predicted


def rows(split: str, pairs: list[tuple[str, str, float]]) -> list[list[str]]:
    return [[left, right, str(grade), split] for left, right, grade in pairs]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one experiment, and a raw folder beside it; the working folder."""
    folder = tmp_path / "home"
    trained.write_unserved_checkout(folder, NUMBERS)
    monkeypatch.chdir(folder)
    write_raw(folder / "raw", [*rows("train", TRAIN), *rows("val", VAL), *rows("test", TEST)])
    return folder


def write_raw(
    folder: Path, pairs: list[list[str]], header: str = "left_id,right_id,similarity,split"
) -> None:
    raw.texts(folder, TEXTS)
    raw.pairs(folder, pairs, header)


def found(*arguments: str) -> dict[str, Any]:
    [entry] = answer("evaluate", *arguments)["metrics"].values()
    return entry


@pytest.mark.parametrize(("split", "pairs"), [("test", TEST), ("val", VAL), ("all", [*TEST, *TRAIN, *VAL])])
def test_the_metrics_are_those_of_the_models_similarities(
    home: Path, split: str, pairs: list[tuple[str, str, float]]
) -> None:
    true, predicted = similarities(pairs)
    test = found("tiny", "raw", "--split", split)["splits"]["test"]
    assert (test["n_pairs"], test["n_songs"]) == (len(pairs), len({*sum((pair[:2] for pair in pairs), ())}))
    values = {name: metric["value"] for name, metric in test["metrics"].items()}
    assert values["mse"] == pytest.approx(
        sum((one - other) ** 2 for one, other in zip(true, predicted, strict=True)) / len(pairs), rel=1e-5
    )
    assert values["pearson"] == pytest.approx(stats.pearsonr(true, predicted).statistic, rel=1e-4)
    assert values["spearman"] == pytest.approx(stats.spearmanr(true, predicted).statistic, rel=1e-4)
    assert values["roc_auc"] == pytest.approx(roc_auc_score([grade >= 0.5 for grade in true], predicted))


def test_baselines_are_learned_on_the_folders_own_training_pairs(home: Path) -> None:
    test = found("tiny", "raw")["splits"]["test"]
    mean = sum(grade for *_, grade in TRAIN) / len(TRAIN)
    mse = sum((grade - mean) ** 2 for *_, grade in TEST) / len(TEST)
    assert test["baselines"]["constant"]["mse"]["value"] == pytest.approx(mse, rel=1e-5)
    assert {"lookup", "tfidf", "averaged_vectors"} <= set(test["baselines"])
    # No text has an artist, a year, tags or a list.
    assert not {"same_artist", "year_gap", "tags", "artist_year_tags", "has_list"} & set(test["baselines"])
    # Of the songs a to e in test, b to e are in train; no pair is. Their texts are all different.
    assert test["seen_in_train"] == {"pairs": 0.0, "songs": 0.8, "texts": 0.8}


def test_without_training_pairs_the_baselines_from_texts_give_their_plain_score(home: Path) -> None:
    write_raw(home / "test only", rows("test", TEST))
    said = answer("evaluate", "tiny", "test only")
    assert any("No training pair" in note for note in said["notes"])
    assert "Train also holds" not in run("evaluate", "tiny", "test only").stdout
    [entry] = said["metrics"].values()
    baselines = entry["splits"]["test"]["baselines"]
    assert list(baselines) == ["tfidf", "tfidf_characters", "averaged_vectors"]
    # Averages of one-dimensional vectors: a and d have length 0, so cosine 0 with all; moss is 0 too.
    grades = [grade for *_, grade in TEST]
    plain = [0.5, 1.0, 0.5, 0.5, 0.5]
    mse = sum((one - other) ** 2 for one, other in zip(grades, plain, strict=True)) / len(plain)
    assert baselines["averaged_vectors"]["mse"]["value"] == pytest.approx(mse, rel=1e-5)
    model = found("tiny", "raw")["splits"]["test"]["metrics"]
    assert entry["splits"]["test"]["metrics"]["mse"] == model["mse"]


def test_a_folder_without_a_split_is_scored_whole(home: Path) -> None:
    pairs = [[*row[:3]] for row in rows("", [*TEST, *TRAIN])]
    write_raw(home / "whole", pairs, "left_id,right_id,similarity")
    entry = found("tiny", "whole")
    assert entry["note"] == "All pairs are scored, for no split is given."
    assert entry["splits"]["test"]["n_pairs"] == len(TEST) + len(TRAIN)


def test_the_official_form_is_scored_too(home: Path) -> None:
    folder = raw.two_songs(home / "official")
    raw.database(folder, [("TRAAA1", "TRBBB1,0.5"), ("TRBBB1", "TRAAA1,0.5")])
    assert found("tiny", "official")["splits"]["test"]["n_pairs"] == 1


def test_what_is_not_read_known_or_used_is_told(home: Path) -> None:
    notes = answer("evaluate", "tiny", "raw")["notes"]
    assert notes == [
        "1 not used: texts: lyrics without a word",
        "1 of 5 texts are longer than the 15 words read; the rest of them is not read.",
        # grey, a, the, unheard and of, of 2 + 2 + 2 + 2 + 15 words
        "The model does not know 21.7% of the words read.",
    ]


def test_a_model_of_characters_has_the_baselines_that_need_no_word_vectors(home: Path) -> None:
    """The last character alone counts: s, e or n."""
    folder = home / "artifacts/experiments/spelt"
    trained.write_experiment(folder, {"s": 0.0, "e": 1.0}, tokens="char", max_tokens=6)
    raw.texts(home / "names", [["1", "Moss"], ["2", "moSS"], ["3", "stone"], ["4", "a stonemason"]])
    grades = [["1", "2", "1"], ["1", "3", "0.5"], ["2", "4", "0"]]
    raw.pairs(home / "names", [[*grade, "test"] for grade in grades], "left_id,right_id,similarity,split")
    said = answer("evaluate", "spelt", "names")
    test = said["metrics"]["spelt"]["splits"]["test"]
    assert list(test["baselines"]) == ["tfidf"]
    # Moss and moss; moss and stone; moss and "a ston", whose n is unknown and has the vector 0.
    predicted = [1.0, trained.similarity(0, 1), 1.0]
    mse = sum((one - grade) ** 2 for one, grade in zip(predicted, [1, 0.5, 0], strict=True)) / 3
    assert test["metrics"]["mse"]["value"] == pytest.approx(mse, rel=1e-5)
    assert "1 of 4 texts are longer than the 6 characters read" in said["notes"][0]


def test_the_table_names_the_pairs_and_gives_intervals(home: Path) -> None:
    (home / "raw" / "corpus.yaml").write_text("note: Stones and plants.\n")
    lines = run("evaluate", "tiny", "raw").stdout.splitlines()
    assert "Stones and plants." in lines
    assert "The pairs of split test are scored." in lines
    assert any(line.startswith("Test: 5 pairs of 5 texts.") for line in lines)
    [pearson] = [line for line in lines if line.startswith("  a tiny (15 words)")][:1]
    value = stats.pearsonr(*similarities(TEST)).statistic
    assert pearson.split()[4] == f"{value:.3f}"
    assert pearson.split()[5].startswith("[")
    assert any(line.startswith("  TF-IDF (15 words)") for line in lines)


def test_the_range_of_grades_is_the_corpus_or_the_commands(home: Path) -> None:
    graded = [[left, right, str(1 + 4 * grade), "test"] for left, right, grade in TEST]
    write_raw(home / "graded", graded)
    expected = found("tiny", "raw")["splits"]["test"]["metrics"]["mse"]
    assert "grades are no number from 0 to 1" in refusal("evaluate", "tiny", "graded")
    by_option = found("tiny", "graded", "--similarity-range", "1", "5")["splits"]["test"]["metrics"]["mse"]
    (home / "graded" / "corpus.yaml").write_text("similarity_range: [1, 5]\n")
    assert by_option == found("tiny", "graded")["splits"]["test"]["metrics"]["mse"] == expected
    assert "give the lower one first" in refusal("evaluate", "tiny", "graded", "--similarity-range", "5", "1")


def test_a_model_is_named_or_given_by_its_folder(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "artifacts/experiments/tiny", tmp_path / "elsewhere")
    assert found(str(tmp_path / "elsewhere"), "raw") == found("tiny", "raw")
    assert refusal("evaluate", "huge", "raw").startswith(
        "huge: no such model; give an experiment of this checkout (tiny), a folder"
    )


def test_a_registered_model_is_fetched_from_the_store(
    mlflow_store: Store, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    shutil.copytree(home / "artifacts/experiments/tiny", tmp_path / "version/artifacts/served")
    (tmp_path / "version/MLmodel").touch()
    shutil.copy(tmp_path / "mlflow.db", home)
    client = MlflowClient(f"sqlite:///{home}/mlflow.db", f"sqlite:///{home}/mlflow.db")
    client.create_registered_model("neuralist")
    client.create_model_version("neuralist", source=str(tmp_path / "version"))
    client.set_registered_model_alias("neuralist", "champion", "1")
    expected = found("tiny", "raw")
    assert found("models:/neuralist@champion", "raw") == expected == found("models:/neuralist/1", "raw")
    for uri in ("models:/neuralist@nobody", "models:/nothing/1"):
        assert refusal("evaluate", uri, "raw").startswith(f"{uri}: Registered ")
    # The store is that of the checkout, wherever in it the command is called.
    monkeypatch.chdir(home / "artifacts")
    assert found("models:/neuralist@champion", "../raw") == expected
    assert not Path("mlflow.db").exists()
    monkeypatch.chdir(home)
    (home / "mlflow.db").unlink()
    assert "no mlflow.db; run `dvc repro`" in refusal("evaluate", "models:/neuralist/1", "raw")


def test_bad_input_is_one_sentence(home: Path) -> None:
    write_raw(home / "test only", rows("test", TEST))
    assert refusal("evaluate", "tiny", "test only", "--split", "val") == (
        "test only: no pair is in split val, but 5 in test; choose another by --split"
    )
    assert "nowhere: no such folder" in refusal("evaluate", "tiny", "nowhere")
    assert "expected either billboard" in refusal("evaluate", "tiny", "pipelines")
    assert run("evaluate", "tiny", "raw", "--split", "dev").exit_code == 2


def test_a_thousand_pairs_take_seconds_and_no_tensorflow(home: Path) -> None:
    """Processor time, since a test machine may be busy."""
    draw = random.Random(2017)
    words = ["".join(letters) for letters in itertools.product("bdfklm", "aeiou", "nprst")]
    texts = [[f"t{n}", " ".join(draw.choices(words, k=12))] for n in range(500)]
    pairs = [[*draw.sample([name for name, _ in texts], 2), str(draw.random())] for _ in range(1_000)]
    raw.texts(home / "many", texts)
    raw.pairs(
        home / "many",
        [[*pair, draw.choice(["train", "test"])] for pair in pairs],
        "left_id,right_id,similarity,split",
    )
    code = """
import sys, time
from neuralist.cli import app
try:
    app(["evaluate", "tiny", "many", "--json"])
except SystemExit:
    print(time.process_time(), *sys.modules, file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    [line] = ended.stderr.splitlines()
    seconds, *modules = line.split()
    assert json.loads(ended.stdout)["metrics"]["tiny"]["splits"]["test"]["n_pairs"] > 400
    assert not {"tensorflow", "keras", "mlflow", "great_expectations"} & set(modules)
    assert float(seconds) < 10
