"""Synonyms: which words may stand for which, and what of a text is replaced."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.settings import experiment

from neuralist.text import synonyms, word_vectors
from neuralist.text.vocabulary import Vocabulary
from neuralist.text.word_vectors import WordVectors

CAR, AUTO, BOAT, SHIP, MOON = range(2, 7)  # after padding and <unk>
NAMES = Vocabulary(["car", "auto", "boat", "ship", "moon"])


def made(*angles: float) -> WordVectors:
    """Vectors of the five words at angles, in degrees, around a mean far from 0."""
    turned = np.radians(angles)
    around = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    matrix = np.vstack([np.zeros(2), [9.0, 9.0], around + 9.0]).astype(np.float32)
    return WordVectors(NAMES, matrix, {})


def found(table: synonyms.Synonyms, token: Any) -> list[int]:
    return table.ids[table.starts[token] : table.starts[token + 1]].tolist()


def test_near_words_are_those_within_the_cosine_from_the_mean_nearest_first() -> None:
    # cosines with car: auto, at 20 degrees, 0.94; boat, at 40, 0.77; ship, at 55, 0.57; moon, behind, -1
    table = synonyms.near(made(0, 20, 40, 55, 180), np.array([[CAR, MOON], [1, 0]]))

    assert found(table, CAR) == [AUTO, BOAT]
    assert found(table, MOON) == []
    assert [found(table, other) for other in (0, 1, AUTO, BOAT, SHIP)] == [[]] * 5, "not in the texts"


def test_at_most_five_near_words_are_kept() -> None:
    drawn = np.random.default_rng(1).normal(loc=[1, 0], scale=0.01, size=(10, 2))
    words = word_vectors.assemble({f"w{i}": vector for i, vector in enumerate(drawn)}, 1.0, "made", {})
    centred = words.matrix[2:] - words.matrix[1]
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(10)

    table = synonyms.near(words, np.arange(12))
    for word in range(10):
        expected = [other for other in np.argsort(-cosines[word]) if cosines[word, other] >= 0.65][:5]
        assert found(table, word + 2) == [other + 2 for other in expected]
    assert max(np.diff(table.starts)) == 5


def test_words_of_one_line_may_stand_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(
        "# transport\n\nCar, auto,  vehicle\nboat ship  # on water\nship, AUTO\n", encoding="utf-8"
    )
    table = synonyms.read(tmp_path / "list.txt", NAMES)

    assert [found(table, word) for word in (CAR, AUTO, BOAT, SHIP, MOON)] == [
        [AUTO], [CAR, SHIP], [SHIP], [AUTO, BOAT], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("car auto\nmoon\n", r"list\.txt:2: received 'moon' alone; give two or more"),
        ("car, car\n", r"list\.txt:1: received 'car' alone"),
        ("car, auto\n\ncar, sail boat\n", r"list\.txt:3: received 'sail boat', 2 words; give single words"),
        ("car, --\n", r"list\.txt:1: received '--', 0 words"),
        ("car lorry\nsun star\n", r"list\.txt: no line of its 2 holds two words of the vocabulary"),
        ("", r"list\.txt: no line of its 0 holds"),
        (b"car \xff", r"list\.txt: not readable as UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    (tmp_path / "list.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        synonyms.read(tmp_path / "list.txt", NAMES)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"synonym_list: .*absent\.txt: not readable"):
        synonyms.read(tmp_path / "absent.txt", NAMES)


@given(st.integers(0, 5), st.floats(0, 1))
def test_replaced_words_are_synonyms_and_padding_and_unknown_words_stay(seed: int, share: float) -> None:
    table = synonyms.near(made(0, 20, 40, 180, 200), np.arange(7))
    tokens = np.random.default_rng(seed).integers(0, 7, size=(6, 5)).astype(np.int32)
    before = tokens.copy()

    after = table.replaced(tokens, share, np.random.default_rng(seed))

    assert (tokens == before).all(), "the texts themselves stay"
    assert after.dtype == tokens.dtype
    assert (after[tokens < 2] == tokens[tokens < 2]).all()
    for old, new in zip(tokens.flat, after.flat, strict=True):
        assert new == old or new in found(table, old)
    assert (after == table.replaced(tokens, share, np.random.default_rng(seed))).all()


def test_the_share_is_that_of_the_words_that_have_synonyms() -> None:
    table = synonyms.near(made(0, 20, 40, 180, 100), np.arange(7))
    tokens = np.tile(np.array([0, 1, CAR, MOON], dtype=np.int32), 5000)
    after = table.replaced(tokens, 0.3, np.random.default_rng(2))

    assert found(table, MOON) == []
    # of 5,000 draws with 0.3, the share leaves 0.3 by more than 0.03 once in 300,000 times
    assert np.mean(after[tokens == CAR] != CAR) == pytest.approx(0.3, abs=0.03)
    assert sorted(set(after[tokens == CAR])) == [CAR, AUTO, BOAT]
    assert (table.replaced(tokens, 0.0, np.random.default_rng(2)) == tokens).all()
    assert (table.replaced(tokens, 1.0, np.random.default_rng(2))[tokens == CAR] != CAR).all()


def test_a_list_goes_before_the_vectors_and_characters_have_no_synonyms(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("moon ship\n", encoding="utf-8")
    words, tokens = made(0, 20, 40, 180, 200), np.array([CAR, MOON])
    listed = experiment(synonyms=0.1, synonym_list=str(tmp_path / "list.txt"))

    assert found(synonyms.of(listed, words, tokens), MOON) == [SHIP]
    assert found(synonyms.of(experiment(synonyms=0.1), words, tokens), CAR) == [AUTO, BOAT]
    with pytest.raises(ValueError, match=r"synonyms: received 0\.1 with tokens: char"):
        synonyms.of(experiment(synonyms=0.1, tokens="char"), words, tokens)
