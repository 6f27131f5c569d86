"""Word vectors: which files are read, which of their words are kept, and what unknown words get."""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ortho_group

from neuralist.config import params
from neuralist.config.records import SplitCoverage
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors

SETTINGS = params.Vectors(
    source="train", most_frequent=100, length=1.0, dimensions=4, window=2, epochs=2, min_count=2, seed=1
)


def test_auto_takes_the_raw_folders_file_else_trains(tmp_path: Path) -> None:
    assert word_vectors.find_files("auto", tmp_path) == []
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "a.vec").touch()
    (tmp_path / "vectors" / "readme.md").touch()
    assert word_vectors.find_files("auto", tmp_path) == [tmp_path / "vectors" / "a.vec"]
    assert word_vectors.find_files("train", tmp_path) == []
    (tmp_path / "vectors" / "b.bin").touch()
    with pytest.raises(ValueError, match=r"a\.vec, b\.bin; name one .* or list files of one space"):
        word_vectors.find_files("auto", tmp_path)


def test_files_are_named_by_paths_in_the_raw_folder_or_elsewhere_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw, there = tmp_path / "raw", tmp_path / "raw" / "a.vec"
    raw.mkdir()
    there.touch()
    (tmp_path / "b.vec").touch()
    assert word_vectors.find_files("a.vec", raw) == [there]
    assert word_vectors.find_files(("b.vec", "a.vec"), raw) == [Path("b.vec"), there]
    assert word_vectors.find_files([str(there)], tmp_path / "elsewhere") == [there]
    with pytest.raises(ValueError, match=r"no file 'nowhere\.vec'"):
        word_vectors.find_files(["a.vec", "nowhere.vec"], raw)
    with pytest.raises(ValueError, match=r"a\.vec, raw/a\.vec name a file twice; list each file once"):
        word_vectors.find_files(["a.vec", "raw/a.vec"], raw)


def test_beyond_the_most_frequent_only_words_of_the_training_songs_are_kept(tmp_path: Path) -> None:
    # The comma has a rank, but is no word.
    (tmp_path / "own.vec").write_text("5 1\na 1\n, 2\nb 3\nc 4\nd 5\n")
    settings = SETTINGS.model_copy(update={"source": "own.vec", "most_frequent": 2})
    made = word_vectors.fit({"train": ["d"], "val": ["c"], "test": ["b"]}, [], settings, tmp_path)
    assert made.vocabulary.words == ("a", "d")
    assert (made.coverage.source, made.coverage.spaces) == ("own.vec", None)
    origins = made.of_words()
    assert origins.weight == pytest.approx([1 / 10, 1 / 14])
    assert origins.norm == pytest.approx(origins.weight)
    assert origins.own.tolist() == [1, 1]


def test_a_file_of_which_no_word_would_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.vec").write_text("1 1\na 1\n")
    settings = SETTINGS.model_copy(update={"source": "own.vec", "most_frequent": 0})
    with pytest.raises(ValueError, match=r"own\.vec: none of its 1 words .* raise vectors\.most_frequent"):
        word_vectors.fit({"train": ["b"], "val": [], "test": []}, [], settings, tmp_path)


def test_vectors_get_one_length_padding_is_zero_and_an_unknown_word_the_mean() -> None:
    found = {"moss": np.array([2.0, 0.0]), "stone": np.array([30.0, 40.0])}
    made = word_vectors.assemble(found, 5.0, "by hand", {"train": ["moss moss fern"], "val": [""]})
    assert made.matrix.tolist() == [[0, 0], [4, 2], [5, 0], [3, 4]]
    # two of three tokens and one of two distinct words are known; an empty part has no share
    assert made.coverage.train == SplitCoverage(tokens=3, token_coverage=0.6667, word_coverage=0.5)
    assert made.coverage.val == SplitCoverage(tokens=0, token_coverage=None, word_coverage=None)


def test_each_language_has_a_coverage_of_its_own() -> None:
    texts = ["moss moss fern", "Moos und Moos", "moss stone", "la"]
    covered = word_vectors.coverage_by_language(texts, ["en", "de", "en", "?"], {"moss", "und"}, None)
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


# --- files of several languages ------------------------------------------------------------------------

ALIKE = [f"name{number}" for number in range(60)]


def write(path: Path, vectors: Mapping[str, np.ndarray]) -> None:
    lines = [f"{word} {' '.join(map(str, vector.tolist()))}\n" for word, vector in vectors.items()]
    path.write_text(f"{len(vectors)} {len(next(iter(vectors.values())))}\n{''.join(lines)}")


def write_two(folder: Path, turn: np.ndarray | None = None) -> None:
    """An English file, and a German one of its space; names are common to both, `die` is in both."""
    names = dict(zip(ALIKE, np.random.default_rng(3).normal(size=(60, 12)), strict=True))
    turn = np.eye(12) if turn is None else turn
    axes = np.eye(12)
    write(folder / "en.vec", {"moss": 3 * axes[0], "die": axes[1]} | names)
    german = {"die": 2 * axes[2], "stein": axes[3]} | names
    write(folder / "de.vec", {word: vector @ turn for word, vector in german.items()})


def merge(folder: Path, *, align: bool = False, songs: tuple[str, ...] = ("moss die",)) -> WordVectors:
    update = {"source": ("en.vec", "de.vec"), "most_frequent": 0, "length": 2.0, "align": align}
    texts = {"train": songs, "val": ["stein grey"], "test": []}
    return word_vectors.fit(texts, [], SETTINGS.model_copy(update=update), folder)


def test_of_listed_files_all_words_are_kept_and_common_ones_merged(tmp_path: Path) -> None:
    write_two(tmp_path)
    made = merge(tmp_path)
    assert made.vocabulary.words == ("moss", "die", *ALIKE, "stein")
    by_word = dict(zip(made.vocabulary.words, made.matrix[2:], strict=True))
    axes = np.eye(12)
    assert by_word["moss"] == pytest.approx(2 * axes[0])
    assert by_word["stein"] == pytest.approx(2 * axes[3])
    # `die`, second in English and first in German, weighs 1/11 there and 1/10 here.
    assert by_word["die"] == pytest.approx(2 * (10 * axes[1] + 11 * axes[2]) / np.hypot(10, 11), abs=1e-6)
    assert made.coverage.source == "en.vec + de.vec"
    assert made.coverage.words == 63
    assert made.coverage.val == SplitCoverage(tokens=2, token_coverage=0.5, word_coverage=0.5)
    assert made.coverage.spaces is not None
    [note] = made.coverage.spaces
    assert note.startswith("de.vec is of the space of en.vec: 61 words in common")


def test_of_a_list_of_a_single_file_all_words_are_kept_too(tmp_path: Path) -> None:
    write_two(tmp_path)
    settings = SETTINGS.model_copy(update={"source": ("en.vec",), "most_frequent": 0})
    made = word_vectors.fit({"train": ["moss"], "val": [], "test": []}, [], settings, tmp_path)
    assert made.vocabulary.words == ("moss", "die", *ALIKE)
    assert (made.coverage.source, made.coverage.spaces) == ("en.vec", None)


def test_own_is_the_language_of_the_training_songs_whichever_file_is_first(tmp_path: Path) -> None:
    write_two(tmp_path)
    for songs, of_moss, of_die, of_stein in (
        (("moss",), 1, 10 / 21, 0),
        (("stein",), 0, 11 / 21, 1),
    ):
        own = merge(tmp_path, songs=songs).of_words().own
        assert own[[0, 1, -1]] == pytest.approx([of_moss, of_die, of_stein])


def test_files_of_two_spaces_are_aligned_only_when_asked(tmp_path: Path) -> None:
    write_two(tmp_path)
    one_space = merge(tmp_path)
    write_two(tmp_path, ortho_group.rvs(12, random_state=5))
    with pytest.raises(ValueError, match=r"de\.vec and en\.vec are of two spaces"):
        merge(tmp_path)
    aligned = merge(tmp_path, align=True)
    assert aligned.coverage.spaces is not None
    assert aligned.coverage.spaces[0].startswith("de.vec was aligned to en.vec")
    # `die`, of two meanings, is one of the 61 words that the map is fitted to: it is found nearly.
    assert np.sum(aligned.matrix * one_space.matrix, axis=1)[2:] == pytest.approx(np.full(63, 4), abs=0.1)


def test_what_is_known_of_files_is_read_back(tmp_path: Path) -> None:
    write_two(tmp_path)
    made = merge(tmp_path)
    made.save(tmp_path / "vectors")
    loaded = word_vectors.load(tmp_path / "vectors")
    assert loaded.coverage == made.coverage
    for stored, own in zip(loaded.of_words(), made.of_words(), strict=True):
        np.testing.assert_array_equal(stored, own)
    (tmp_path / "vectors" / "origins.npz").unlink()
    with pytest.raises(ValueError, match=r"origins\.npz: missing; run `dvc repro`"):
        word_vectors.load(tmp_path / "vectors")


def test_characters_have_no_origins(tmp_path: Path) -> None:
    made = word_vectors.of_characters(["ab"], 3, 1.0, 1)
    made.save(tmp_path)
    assert not (tmp_path / "origins.npz").exists()
    with pytest.raises(ValueError, match="received characters"):
        made.of_words()


# --- scripts without spaces ----------------------------------------------------------------------------

ENGLISH, CHINESE = "moss stone", "我爱北京"  # ICU: 我, 爱, 北京


def fit(songs: list[str], tmp_path: Path, segmenter: str = "auto", source: str = "train") -> WordVectors:
    settings = SETTINGS.model_copy(update={"segmenter": segmenter, "source": source, "min_count": 1})
    return word_vectors.fit({"train": songs, "val": [CHINESE], "test": []}, [], settings, tmp_path)


def test_where_one_song_in_a_hundred_needs_it_words_are_cut_by_icu(tmp_path: Path) -> None:
    icu4py = pytest.importorskip("icu4py")
    made = fit([ENGLISH] * 99 + [CHINESE], tmp_path)
    assert set(made.vocabulary.words) == {"moss", "stone", "我", "爱", "北京"}
    assert (made.coverage.segmenter, made.coverage.segmenter_version) == ("icu", icu4py.icu_version)
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


def test_words_of_both_languages_of_bilingual_training_songs_are_theirs(tmp_path: Path) -> None:
    # Half of the songs' words are of each file, none of the third.
    for name, words in {"en": ("moss", "stone"), "fr": ("mousse", "pierre"), "de": ("moos", "stein")}.items():
        rows = "".join(f"{word} {number} 1\n" for number, word in enumerate(words))
        (tmp_path / f"{name}.vec").write_text(f"2 2\n{rows}")
    settings = SETTINGS.model_copy(update={"source": ("en.vec", "fr.vec", "de.vec")})
    texts = {"train": ["moss stone", "mousse pierre"], "val": [], "test": []}
    made = word_vectors.fit(texts, [], settings, tmp_path)
    own = dict(zip(made.vocabulary.words, made.of_words().own.tolist(), strict=True))
    assert own == {"moss": 1, "stone": 1, "mousse": 1, "pierre": 1, "moos": 0, "stein": 0}
