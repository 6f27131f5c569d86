"""`neuralist translations`: a trained model beside its baselines, its ranks known by hand (tests.trained)."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests import raw, trained
from tests.commands import answer, refusal, run

pytestmark = pytest.mark.slow  # each call fits TF-IDF, which imports scikit-learn

NUMBERS = {"moss": 0.0, "stone": 0.5, "fern": 1.0, "cliff": 2.0}
# The embedding is that of the last word: 0, 0.432, 0.642, 0.746; the model knows no word of f3.
TEXTS = [
    ["f1", "la moss", "fr"],
    ["e1", "the stone", "en"],
    ["f2", "fern", "fr"],
    ["e2", "a cliff", "en"],
    ["f3", "rien du tout", "fr"],
    ["e3", "moss, stone", "en"],
]
PAIRS = [["f1", "e1", "1"], ["f2", "e2", "1"], ["e3", "f3", "1"]]
# f1: e3 is as near as e1, so first or second, and three of four others are farther. e1: three are nearer,
# f3 is not read. f2, e2: nearest. f3 and e3: f3 cannot be read, so the answer comes after the four others.
RANKS = {"f1": 1.5, "e1": 4, "f2": 1, "e2": 1, "f3": 5, "e3": 5}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one experiment, and a raw folder beside it; the working folder."""
    folder = tmp_path / "home"
    trained.write_unserved_checkout(folder, NUMBERS)
    monkeypatch.chdir(folder)
    write_raw(folder / "raw")
    return folder


def write_raw(
    folder: Path,
    pairs: list[list[str]] = PAIRS,
    texts: list[list[str]] = TEXTS,
    header: str = "id,text,language",
) -> None:
    raw.texts(folder, texts, header)
    raw.pairs(folder, pairs, "left_id,right_id,similarity")


def values(said: dict[str, Any], predictor: str = "tiny", languages: str = "all") -> dict[str, float]:
    return {name: one["value"] for name, one in said["predictors"][predictor][languages]["mean"].items()}


def test_the_figures_are_those_of_the_models_ranks(home: Path) -> None:
    said = answer("translations", "tiny", "raw")

    assert said["queries"] == {"all": 6, "en→fr": 3, "fr→en": 3}
    assert (said["texts"], said["candidates"], said["songs"]) == (6, 5, {"A": 1, "B": 2})
    assert values(said) == pytest.approx(
        {
            "recall_at_1": 2.5 / 6,
            "recall_at_10": 1.0,
            "mrr": ((1 + 1 / 2) / 2 + 1 / 4 + 1 + 1 + 1 / 5 + 1 / 5) / 6,
            "auc": (3.5 / 4 + 1 / 4 + 1 + 1 + 0 + 0) / 6,
        },
        rel=1e-5,
    )
    assert values(said, languages="fr→en")["auc"] == pytest.approx((3.5 / 4 + 1 + 0) / 3, rel=1e-5)
    estimate = said["predictors"]["tiny"]["all"]["mean"]["auc"]
    assert estimate["low"] < estimate["value"] < estimate["high"]


def test_baselines_have_the_models_lead_on_the_same_resamples(home: Path) -> None:
    said = answer("translations", "tiny", "raw")
    names = list(said["predictors"])

    assert names == ["tiny", "TF-IDF", "TF-IDF of characters", "averaged word vectors"]
    lead = said["predictors"]["TF-IDF"]["all"]["lead"]["auc"]
    assert lead["value"] == pytest.approx(values(said)["auc"] - values(said, "TF-IDF")["auc"], rel=1e-4)
    assert "lead" not in said["predictors"]["tiny"]["all"]
    # By words only f1 and e3 have one in common, and e1 and e3: no text and its translation.
    assert values(said, "TF-IDF", "fr→en")["recall_at_1"] == pytest.approx(
        # f1: e3 is nearer. f2 shares no word: one of five places. f3 the same.
        (0 + 1 / 5 + 1 / 5) / 3,
        rel=1e-5,
    )


def test_texts_without_a_known_word_are_named_and_come_last(home: Path) -> None:
    said = answer("translations", "tiny", "raw")

    assert said["unread"] == {
        "tiny": ["f3"],
        "TF-IDF": [],
        "TF-IDF of characters": [],
        # The vector of moss is 0, and so is the mean of the others.
        "averaged word vectors": ["f1", "f3"],
    }
    assert "tiny knows no word of 1 text, which comes last: f3." in run("translations", "tiny", "raw").stdout


def test_a_text_without_any_word_is_a_candidate_that_comes_last(home: Path) -> None:
    write_raw(home / "marks", texts=[*TEXTS, ["x", "...", "en"]])
    said = answer("translations", "tiny", "marks")

    assert said["unread"]["tiny"] == ["f3", "x"]
    assert said["unread"]["TF-IDF"] == ["x"]
    assert values(said, languages="fr→en")["auc"] == pytest.approx((4.5 / 5 + 1 + 0) / 3, rel=1e-5)


def test_a_half_has_its_own_queries_among_all_candidates(home: Path) -> None:
    """By sha256sum, e1 ends in a: half A; e2 in b and e3 in 1: half B."""
    of_a, of_b = (answer("translations", "tiny", "raw", "--half", half) for half in "AB")

    assert (of_a["half"], of_a["queries"]["all"], of_a["candidates"]) == ("A", 2, 5)
    assert values(of_a)["auc"] == pytest.approx((3.5 / 4 + 1 / 4) / 2, rel=1e-5)
    assert values(of_b)["auc"] == pytest.approx((1 + 1 + 0 + 0) / 4, rel=1e-5)
    assert (
        "2 queries: texts of the 1 of 3 songs in half A, each with its translation among the other 5 texts."
        in run("translations", "tiny", "raw", "--half", "A").stdout
    )


def test_the_table_has_a_part_for_each_language_pair(home: Path) -> None:
    lines = run("translations", "tiny", "raw").stdout.splitlines()
    parts = [line for line in lines if line.endswith("queries")]

    assert parts == ["all: 6 queries", "en→fr: 3 queries", "fr→en: 3 queries"]
    of_all = lines[lines.index(parts[0]) + 1]
    assert of_all.startswith("  tiny                   0.417 [")
    assert lines[lines.index(parts[0]) + 2].startswith("  TF-IDF ")
    assert lines[-1] == "~: tiny shows no lead over this baseline; !: the baseline is better"


def test_what_is_no_translation_is_counted(home: Path) -> None:
    others = [["f1", "f2", "0.5"], ["f1", "f1", "1"], ["f1", "nobody", "1"]]
    write_raw(home / "more", [*PAIRS, *others])
    said = answer("translations", "tiny", "more")

    assert said["queries"]["all"] == 6
    assert said["notes"][:3] == [
        "1 not used: pairs: unknown id",
        "1 not used: pairs: a text beside itself",
        "1 not used: pairs: not of the highest grade, so no translation",
    ]
    # The highest grade is that of corpus.yaml.
    write_raw(home / "graded", [["f1", "e1", "5"], ["f2", "e2", "1"]])
    (home / "graded" / "corpus.yaml").write_text("similarity_range: [1, 5]\n")
    assert answer("translations", "tiny", "graded")["queries"]["all"] == 2


def test_a_language_that_is_not_given_is_detected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def detect(texts: list[str]) -> list[str]:
        asked.append(texts)
        return ["fr" if " " in text else "?" for text in texts]

    monkeypatch.setattr("neuralist.text.languages.detect", detect)
    texts = [[name, text, "" if language == "fr" else language] for name, text, language in TEXTS]
    write_raw(home / "unnamed", texts=texts)
    said = answer("translations", "tiny", "unnamed")

    assert asked == [["la moss", "fern", "rien du tout"]]
    assert said["queries"] == {"all": 6, "?→en": 1, "en→?": 1, "en→fr": 2, "fr→en": 2}
    assert "The language of 3 of 6 texts is detected, not given." in said["notes"]


class Words:
    """Stands for a sentence encoder: the embedding says which words of SAME a piece has."""

    SAME = ({"moss", "stone"}, {"fern", "cliff"}, {"rien"})
    pieces: list[str]

    def encode(self, texts: list[str]) -> np.ndarray:
        """(n_texts, 3)."""
        type(self).pieces = texts
        counts = [[len(set(text.split()) & words) for words in self.SAME] for text in texts]
        return np.array(counts, dtype=np.float32) + 0.001


def test_a_sentence_encoder_reads_pieces_of_at_most_24_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("peer")
    module.Encoder = Words  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "peer", module)
    trained.write_experiment(home / "artifacts/experiments/wide", NUMBERS, max_tokens=40)
    long = ["long", "fern " * 27 + "fern\ncliff", "de"]
    write_raw(home / "long", [*PAIRS, ["long", "f2", "1"]], [*TEXTS, long])
    said = answer("translations", "wide", "long", "--sentence-encoder", "peer:Encoder")

    assert [len(piece.split()) for piece in Words.pieces[-2:]] == [14, 15]
    assert Words.pieces[-1].endswith("fern cliff")
    # f2, e2 and long are of one song, and nearest to each other.
    for languages in ("de→fr", "fr→de"):
        assert values(said, "sentence encoder", languages)["recall_at_1"] == 1
    assert refusal("translations", "tiny", "long", "--sentence-encoder", "nowhere:Encoder").startswith(
        "--sentence-encoder: 'nowhere:Encoder' cannot be loaded"
    )


def test_bad_input_is_one_sentence(home: Path) -> None:
    assert "nowhere: no such folder" in refusal("translations", "tiny", "nowhere")
    assert refusal("translations", "huge", "raw").startswith("huge: no such model")
    write_raw(home / "alone", [["f1", "e1", "0.5"]])
    assert "no pair of the highest grade, 1" in refusal("translations", "tiny", "alone")
    write_raw(home / "one", [["f1", "e1", "1"]])
    assert refusal("translations", "tiny", "one", "--half", "B") == (
        "one: no song with a translation is in half B; choose the other, or all"
    )
    assert run("translations", "tiny", "raw", "--half", "C").exit_code == 2
