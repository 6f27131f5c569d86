"""Word vectors: what is read from each file format, and what unknown words get."""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from neuralist.config import params
from neuralist.config.records import SplitCoverage
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors

WORD2VEC = "3 2\nmoss 1 2\nStone 3 4\n, 9 9\n"
GLOVE = WORD2VEC.split("\n", 1)[1]
EXPECTED = {"moss": [1, 2], "stone": [3, 4]}
SETTINGS = params.Vectors(
    source="train", most_frequent=100, length=1.0, dimensions=4, window=2, epochs=2, min_count=2, seed=1
)


def _binary() -> bytes:
    entries = [("moss", (1.0, 2.0)), ("Stone", (3.0, 4.0))]
    return b"2 2\n" + b"".join(
        word.encode() + b" " + struct.pack("<2f", *numbers) for word, numbers in entries
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("simple.vec", WORD2VEC.encode()),
        ("simple.vec.gz", gzip.compress(WORD2VEC.encode(), mtime=0)),
        ("glove.txt", GLOVE.encode()),
        ("google.bin", _binary()),
    ],
)
def test_each_format_gives_the_same_lower_cased_words(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = word_vectors.read_file(tmp_path / name, required=[], most_frequent=10)
    assert {word: vector.tolist() for word, vector in found.items()} == EXPECTED


def test_beyond_the_most_frequent_only_known_words_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "simple.vec"
    path.write_text("4 1\na 1\nb 2\nc 3\nd 4\n")
    assert list(word_vectors.read_file(path, required=["d"], most_frequent=2)) == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.vec", b"3 2\nmoss 1 2\nsto"),
        ("page.vec", b"<html>not found</html>\n<p>\n"),
        ("cut.bin", b"5 300\nmoss "),
        ("not.vec.gz", b"moss 1 2\n"),
        ("empty.vec", b""),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        word_vectors.read_file(tmp_path / name, required=[], most_frequent=10)


def test_auto_takes_the_raw_folders_file_else_trains(tmp_path: Path) -> None:
    assert word_vectors.find_file("auto", tmp_path) is None
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "a.vec").touch()
    (tmp_path / "vectors" / "readme.md").touch()
    assert word_vectors.find_file("auto", tmp_path) == tmp_path / "vectors" / "a.vec"
    assert word_vectors.find_file("train", tmp_path) is None
    (tmp_path / "vectors" / "b.bin").touch()
    with pytest.raises(ValueError, match=r"a\.vec, b\.bin"):
        word_vectors.find_file("auto", tmp_path)
    assert word_vectors.find_file("vectors/b.bin", tmp_path) == tmp_path / "vectors" / "b.bin"
    with pytest.raises(ValueError, match=r"nowhere\.vec"):
        word_vectors.find_file("nowhere.vec", tmp_path)


def test_vectors_get_one_length_padding_is_zero_and_an_unknown_word_the_mean() -> None:
    found = {"moss": np.array([2.0, 0.0]), "stone": np.array([30.0, 40.0])}
    made = word_vectors.assemble(found, 5.0, "by hand", {"train": ["moss moss fern"], "val": [""]})
    assert made.matrix.tolist() == [[0, 0], [4, 2], [5, 0], [3, 4]]
    # two of three tokens and one of two distinct words are known; an empty part has no share
    assert made.coverage.train == SplitCoverage(tokens=3, token_coverage=0.6667, word_coverage=0.5)
    assert made.coverage.val == SplitCoverage(tokens=0, token_coverage=None, word_coverage=None)


def test_each_language_has_a_coverage_of_its_own() -> None:
    texts = ["moss moss fern", "Moos und Moos", "moss stone", "la"]
    covered = word_vectors.coverage_by_language(texts, ["en", "de", "en", "?"], {"moss", "und"})
    assert list(covered.items()) == [
        ("en", SplitCoverage(tokens=5, token_coverage=0.6, word_coverage=0.3333)),
        ("de", SplitCoverage(tokens=3, token_coverage=0.3333, word_coverage=0.5)),
        ("?", SplitCoverage(tokens=1, token_coverage=0.0, word_coverage=0.0)),
    ]


def test_training_keeps_the_words_that_occur_often_enough_and_repeats_itself() -> None:
    texts = ["moss stone moss stone rare", "stone moss fern fern"]
    first, second = word_vectors.train(texts, SETTINGS), word_vectors.train(texts, SETTINGS)
    assert set(first) == {"moss", "stone", "fern"}
    assert all(np.array_equal(first[word], second[word]) for word in first)


def test_training_on_nothing_names_the_fix() -> None:
    with pytest.raises(ValueError, match=r"min_count"):
        word_vectors.train(["each word once"], SETTINGS)


def test_vectors_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    made = word_vectors.assemble({"moss": np.array([1.0, 2.0])}, 1.0, "by hand", {})
    made.save(tmp_path / "vectors")
    loaded = word_vectors.load(tmp_path / "vectors")
    assert loaded.vocabulary.words == ("moss",)
    assert np.array_equal(loaded.matrix, made.matrix)
    assert loaded.coverage == made.coverage
    with pytest.raises(ValueError, match=r"coverage\.json: missing; run `dvc repro`"):
        word_vectors.load(tmp_path / "elsewhere")


# --- scripts without spaces ----------------------------------------------------------------------------

ENGLISH, CHINESE = "moss stone", "我爱北京"  # ICU: 我, 爱, 北京


def fit(songs: list[str], tmp_path: Path, segmenter: str = "auto", source: str = "train") -> WordVectors:
    settings = SETTINGS.model_copy(update={"segmenter": segmenter, "source": source, "min_count": 1})
    return word_vectors.fit({"train": songs, "val": [CHINESE], "test": []}, [], settings, tmp_path)


def test_where_one_song_in_a_hundred_needs_it_words_are_cut_by_icu(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    made = fit([ENGLISH] * 99 + [CHINESE], tmp_path)
    assert set(made.vocabulary.words) == {"moss", "stone", "我", "爱", "北京"}
    assert made.coverage.segmenter == "icu"
    assert made.coverage.val == SplitCoverage(tokens=3, token_coverage=1.0, word_coverage=1.0)


def test_below_that_a_run_is_a_word_and_coverage_is_written_as_before(tmp_path: Path) -> None:
    made = fit([ENGLISH] * 100 + [CHINESE], tmp_path)
    assert set(made.vocabulary.words) == {"moss", "stone", CHINESE}
    made.save(tmp_path)
    assert "segmenter" not in (tmp_path / "coverage.json").read_text()


def test_the_segmenter_may_be_chosen(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    assert fit([CHINESE], tmp_path, "none").vocabulary.words == (CHINESE,)
    assert fit([ENGLISH], tmp_path, "icu").coverage.segmenter == "icu"


def test_words_of_a_file_count_as_songs_do_and_are_not_cut(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    (tmp_path / "own.vec").write_text(f"3 2\nmoss 1 2\n{CHINESE} 3 4\n北京 5 6\n", encoding="utf-8")
    made = fit([ENGLISH], tmp_path, source="own.vec")
    assert made.vocabulary.words == ("moss", CHINESE, "北京")
    assert made.coverage.segmenter == "icu"
    assert made.coverage.val == SplitCoverage(tokens=3, token_coverage=0.3333, word_coverage=0.3333)


def test_a_missing_icu4py_is_named_only_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert fit([ENGLISH], tmp_path).coverage.segmenter is None
    assert fit([CHINESE], tmp_path, "none").coverage.segmenter is None
    with pytest.raises(ValueError, match=r"'neuralist\[icu\]', or set vectors\.segmenter: none"):
        fit([CHINESE], tmp_path)


def test_coverage_is_read_back_with_its_segmenter(tmp_path: Path) -> None:
    word_vectors.assemble({"moss": np.ones(2)}, 1.0, "by hand", {}, segmenter="icu").save(tmp_path)
    assert word_vectors.load(tmp_path).coverage.segmenter == "icu"
