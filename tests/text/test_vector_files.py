"""Word vector files: what is read of each format, whether files are of one space, and how they are merged."""

import codecs
import gzip
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from neuralist.text import vector_files
from neuralist.text.vector_files import LEAST_SHARED, Merged, VectorFile, in_one_space, merge

WORD2VEC = "3 2\nmoss 1 2\nStone 3 4\n, 9 9\n"
GLOVE = WORD2VEC.split("\n", 1)[1]


def binary(*words: str) -> bytes:
    """A file of these words, in word2vec's binary format; a word that comes again has other numbers."""
    numbers = {"moss": (1.0, 2.0), "Stone": (3.0, 4.0)}
    entries = [(word, numbers[word] if word not in words[:row] else (9, 9)) for row, word in enumerate(words)]
    return b"%d 2\n" % len(words) + b"".join(
        word.encode() + b" " + struct.pack("<2f", *vector) for word, vector in entries
    )


def of(name: str, vectors: Mapping[str, Sequence[float]]) -> VectorFile:
    """A file of these words in this order."""
    weights = 1 / (10 + np.arange(len(vectors)))
    return VectorFile(name, tuple(vectors), np.array([*vectors.values()], np.float32), weights, weights)


# --- reading --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("simple.vec", WORD2VEC.encode()),
        ("simple.vec.gz", gzip.compress(WORD2VEC.encode(), mtime=0)),
        ("glove.txt", GLOVE.encode()),
        ("google.bin", binary("moss", "Stone")),
    ],
)
def test_each_format_gives_the_same_lower_cased_words(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = vector_files.read(tmp_path / name)
    assert (found.name, found.words) == (name, ("moss", "stone"))
    assert found.vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("windows.vec", WORD2VEC.replace("\n", "\r\n").encode()),
        ("mark.vec", codecs.BOM_UTF8 + WORD2VEC.encode()),
        ("mark.txt", codecs.BOM_UTF8 + GLOVE.encode()),
        ("spaced.vec", WORD2VEC.replace("\n", " \n\n").encode()),
        ("phrases.txt", (GLOVE + ". . . 1 2\ngreen moss 1 2\n").encode()),
        ("unended.vec", WORD2VEC.removesuffix("\n").encode()),
        ("again.vec", b"5 2\nmoss 1 2\nmoss 5 6\nStone 3 4\nStone 7 8\n, 9 9\n"),
        ("again.bin", binary("moss", "moss", "Stone", "Stone")),
    ],
)
def test_what_other_tools_write_is_read_too(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = vector_files.read(tmp_path / name)
    assert found.words == ("moss", "stone")
    assert found.vectors.tolist() == [[1, 2], [3, 4]]


def test_of_several_spellings_the_first_counts_and_ranks_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_text("5 1\n, 1\nMoss 2\nmoss 3\ngrey_stone 4\nfern 5\n")
    found = vector_files.read(tmp_path / "a.vec")
    assert (found.words, found.vectors.ravel().tolist()) == (("moss", "fern"), [2, 5])
    assert found.weights.tolist() == pytest.approx([1 / 11, 1 / 14])
    assert found.norms.tolist() == found.weights.tolist()


PACKED = gzip.compress(b"".join(b"word%d %d 1\n" % (number, number) for number in range(1, 5_000)), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "cut.vec",
            b"3 2\nmoss 1 2\nsto",
            r", line 3: .*0 numbers behind a word, not 2 as in its first line",
        ),
        ("short.txt", b"moss 1 2\nstone 1\n", r", line 2: .*1 numbers behind a word, not 2"),
        ("letters.vec", b"2 1\nmoss 1\nstone 1,5\n", r", line 3: .*1,5"),
        ("latin.vec", b"2 1\nmoss 1\nro\xdfe 2\n", r", line 3: 'ro.e' is not UTF-8"),
        (
            "page.vec",
            b"<html>not found</html>\n<p>\n",
            r", line 1: .*'<html>not found</html>', not two counts",
        ),
        ("cut.vec.gz", PACKED[: len(PACKED) // 2], r", line [\d,]+: .*ended before"),
        ("damaged.vec.gz", PACKED[:200] + b"\xff" * 200 + PACKED[400:], r", line [\d,]+: .*not readable"),
        ("not.vec.gz", b"moss 1 2\n", ", line 1: .*[Nn]ot a gzipped file"),
        ("more.vec", b"9 1\nmoss 1\n", "counts 9 words, but 1 follow; get the file anew"),
        ("fewer.vec", b"1 1\nmoss 1\nstone 2\n", "counts 1 words, but 2 follow"),
        ("huge.vec", b"99999999999 300\nmoss" + b" 1" * 300, "counts 99,999,999,999 words, but 1 follow"),
        ("wide.vec", b"1 2\nmoss 1 2 3\n", ", line 2: .*3 numbers behind a word, not 2"),
        ("flat.vec", b"1 0\nmoss\n", ", line 1: .*counts 1 words of 0 dimensions"),
        ("bare.vec", b"moss\n", ", line 1: .*0 numbers behind a word, not a vector"),
        ("empty.vec", b"", "none of its 0 entries is a word"),
        ("signs.vec", b"2 1\n, 1\n! 2\n", "none of its 2 entries is a word"),
        ("infinite.vec", b"1 1\nmoss 1e39\n", "the vector of 'moss' holds NaN or infinity"),
        ("cut.bin", b"5 300\nmoss ", "counts 5 vectors, more than it holds"),
        ("huge.bin", b"999999999 300\nmoss ", "counts 999,999,999 vectors, more than it holds"),
        ("text.bin", GLOVE.encode(), r"its first line is 'moss 1 2', not two counts"),
        ("fasttext.bin", struct.pack("<2i", 793712314, 12) + bytes(99), "a model of fastText; give the file"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_damaged_file_is_refused_by_its_name_and_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / name))}.*{message}") as caught:
        vector_files.read(tmp_path / name)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Is a directory"):
        vector_files.read(tmp_path)


def test_a_message_shows_the_beginning_of_a_long_word(tmp_path: Path) -> None:
    (tmp_path / "long.vec").write_text(f"{'m' * 10_000} nan 1\n")
    with pytest.raises(ValueError, match=r"long\.vec: the vector of 'm{40}' holds"):
        vector_files.read(tmp_path / "long.vec")


# --- merging --------------------------------------------------------------------------------------------

ENGLISH = of("en.vec", {"moss": [3, 0], "die": [0, 2]})
GERMAN = of("de.vec", {"die": [4, 0], "stein": [0, -1]})


def test_a_word_of_two_files_has_the_weighed_mean_of_its_unit_vectors() -> None:
    merged = merge([ENGLISH, GERMAN])
    assert merged.words == ("moss", "die", "stein")
    assert merged.is_shared.tolist() == [False, True, False]
    # `die`: (0, 1) weighs 1/11 in English, (1, 0) weighs 1/10 in German; that is 10 to 11 in 21.
    mean = np.array([11, 10]) / 21
    assert merged.vectors[1] / np.linalg.norm(merged.vectors[1]) == pytest.approx(
        mean / np.hypot(*mean), abs=1e-6
    )
    assert merged.shares == pytest.approx(np.array([[1, 0], [10 / 21, 11 / 21], [0, 1]]))
    origins = merged.origins(merged.shares[:, 0])
    assert origins.weight == pytest.approx([1 / 10, 1 / 10 + 1 / 11, 1 / 11])
    assert origins.norm == pytest.approx([1 / 10, np.hypot(1 / 10, 1 / 11), 1 / 11])
    assert origins.own == pytest.approx([1, 10 / 21, 0])


def test_a_word_of_one_file_keeps_its_vector_as_it_stands() -> None:
    merged = merge([ENGLISH, GERMAN])
    assert merged.vectors[[0, 2]].tolist() == [[3, 0], [0, -1]]
    assert merge([ENGLISH]).vectors.tolist() == [[3, 0], [0, 2]]


def test_opposite_vectors_of_one_weight_leave_none() -> None:
    merged = merge([of("a", {"die": [2, 0]}), of("b", {"die": [-1, 0]})])
    assert (merged.vectors.tolist(), merged.norms.tolist()) == ([[0, 0]], [0])


def as_file(merged: Merged) -> VectorFile:
    """What a trained model keeps of merged words."""
    return VectorFile("merged", merged.words, merged.vectors, merged.weights.sum(axis=1), merged.norms)


NUMBERS = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
FILES = st.lists(st.dictionaries(st.sampled_from("abcde"), NUMBERS, min_size=1), min_size=3, max_size=3).map(
    lambda files: [of(str(number), vectors) for number, vectors in enumerate(files)]
)


@given(FILES)
def test_merging_step_by_step_is_merging_at_once(files: list[VectorFile]) -> None:
    first, second, third = files
    at_once, stepwise = merge(files), merge([as_file(merge([first, second])), third])
    assert at_once.words == stepwise.words
    np.testing.assert_allclose(at_once.weights.sum(axis=1), stepwise.weights.sum(axis=1))
    np.testing.assert_allclose(at_once.norms, stepwise.norms, atol=1e-7)
    sums = [vector_files.unit(made.vectors) * made.norms[:, None] for made in (at_once, stepwise)]
    np.testing.assert_allclose(*sums, atol=1e-7)


@given(FILES)
def test_the_sum_of_a_words_unit_vectors_is_at_most_its_weight(files: list[VectorFile]) -> None:
    merged = merge(files)
    assert (merged.norms <= merged.weights.sum(axis=1) + 1e-9).all()


# --- one space, or several ------------------------------------------------------------------------------

N_WORDS, DIMENSIONS = 200, 20


def spelled_alike(n: int) -> list[str]:
    return [f"name{number}" for number in range(n)]


def drawn(seed: int, n: int = N_WORDS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIMENSIONS))


def named(name: str, vectors: np.ndarray) -> VectorFile:
    """A file of so many words that other languages spell alike."""
    rows = vectors.tolist()
    return of(name, dict(zip(spelled_alike(len(rows)), rows, strict=True)))


BASE = named("en.vec", drawn(1))
TURN = ortho_group.rvs(DIMENSIONS, random_state=7)
# Twice as long, turned, with noise: as the same words of another training are.
TURNED = named("de.vec", 2 * (drawn(1) + 0.3 * drawn(2)) @ TURN)


def test_a_file_of_the_same_space_stays_as_it_is() -> None:
    near = named("fr.vec", drawn(1) + 0.5 * drawn(2))
    found, note = in_one_space(BASE, near, align=True)
    assert found is near
    told, lead = note.rsplit(" ", 1)
    assert (
        told == "fr.vec is of the space of en.vec: 200 words in common are nearer than chance by a cosine of"
    )
    # With noise of half its length, a vector has the cosine 1 / sqrt(1 + 1/4) to itself; chance has about 0.
    assert float(lead) == pytest.approx(1.25**-0.5, abs=0.03)


def test_a_file_of_another_space_is_refused_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^de\.vec and en\.vec are of two spaces: .*align: true, or --align$"
    ):
        in_one_space(BASE, TURNED, align=False)


def test_a_known_turn_is_found_again_when_asked() -> None:
    exact = named("de.vec", drawn(1) @ TURN)
    found, note = in_one_space(BASE, exact, align=True)
    np.testing.assert_allclose(found.vectors, BASE.vectors, atol=1e-5)
    assert found.words == exact.words
    assert note.startswith("de.vec was aligned to en.vec by 200 words in common")
    assert float(note.rsplit(" ", 1)[1]) == pytest.approx(1, abs=0.03)


def test_all_words_are_turned_by_procrustes_on_the_common_ones() -> None:
    alone = drawn(3, n=1).astype(np.float32)
    other = of("de.vec", dict(zip(TURNED.words, TURNED.vectors.tolist(), strict=True)) | {"nur": alone[0]})
    found, _ = in_one_space(BASE, other, align=True)
    lengths = [np.linalg.norm(file.vectors, axis=1, keepdims=True) for file in (TURNED, BASE)]
    turn, _ = orthogonal_procrustes(TURNED.vectors / lengths[0], BASE.vectors / lengths[1])
    np.testing.assert_allclose(found.vectors, np.vstack([TURNED.vectors, alone]) @ turn, atol=1e-5)


@pytest.mark.parametrize("dimensions", [5, 20])
def test_unrelated_files_are_refused_also_when_aligned(dimensions: int) -> None:
    base, other = (named(f"{seed}.vec", drawn(seed)[:, :dimensions]) for seed in (1, 4))
    with pytest.raises(ValueError, match=r"^4\.vec and 1\.vec: of two spaces also when aligned: held-out"):
        in_one_space(base, other, align=True)


@pytest.mark.parametrize("align", [False, True])
def test_a_direction_that_all_words_share_is_no_sign_of_one_space(*, align: bool) -> None:
    # Cosines of any two words are about 4^2 / (4^2 + 20) = 0.44.
    alike = np.eye(DIMENSIONS)[0] * 4
    base, other = (named(f"{seed}.vec", drawn(seed) + alike) for seed in (1, 4))
    with pytest.raises(ValueError, match="of two spaces"):
        in_one_space(base, other, align=align)


def test_a_map_that_fits_the_words_it_was_fitted_to_alone_is_refused() -> None:
    # As many dimensions as fitted words: the map brings those near, whatever they are.
    wide = [np.random.default_rng(seed).normal(size=(2 * LEAST_SHARED, LEAST_SHARED)) for seed in (5, 6)]
    with pytest.raises(ValueError, match="also when aligned"):
        in_one_space(named("a.vec", wide[0]), named("b.vec", wide[1]), align=True)


def test_files_of_different_dimensions_are_refused() -> None:
    other = named("de.vec", drawn(1)[:, :19])
    with pytest.raises(ValueError, match=r"de\.vec and en\.vec: vectors of 19 and of 20 dimensions; give"):
        in_one_space(BASE, other, align=True)


def test_too_few_words_in_common_tell_nothing() -> None:
    enough = named("de.vec", drawn(1)[:LEAST_SHARED])
    assert in_one_space(BASE, enough, align=False)[0] is enough
    few = named("de.vec", drawn(1)[: LEAST_SHARED - 1])
    # As of another script: taken as given, and said.
    file, told = in_one_space(BASE, few, align=False)
    assert file is few
    assert told.startswith("de.vec was not checked against en.vec: 29 words in common, of which 30 tell")
    with pytest.raises(ValueError, match=r"de\.vec and en\.vec: 29 words in common, .* leave align out"):
        in_one_space(BASE, few, align=True)


def test_a_vector_that_is_no_numbers_is_refused_by_its_word(tmp_path: Path) -> None:
    path = tmp_path / "nan.vec"
    path.write_text("3 2\nmoss 1 2\nstone nan 1\nfern 1 1\n")
    with pytest.raises(ValueError, match=r"nan\.vec: the vector of 'stone' holds NaN or infinity; leave"):
        vector_files.read(path)


def test_more_words_than_a_model_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = named("en.vec", drawn(1))
    n_bytes = 4 * file.vectors.size
    monkeypatch.setattr(vector_files, "MOST_BYTES", n_bytes)
    assert merge([file]).words == file.words
    monkeypatch.setattr(vector_files, "MOST_BYTES", n_bytes - 1)
    with pytest.raises(ValueError, match=r"en\.vec: .* of which a model holds .* cut each file"):
        merge([file])
