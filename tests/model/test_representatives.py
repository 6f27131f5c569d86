"""Whose row of the bag of words a word takes, and which songs are foreign: by hand on a few words."""

from pathlib import Path

import numpy as np
import pytest

from neuralist.data import arrays
from neuralist.model import representatives
from neuralist.model.representatives import FILE, Representatives
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vector_files import Origins
from neuralist.text.vocabulary import PADDING, UNKNOWN, Vocabulary

WORDS = ("stone", "sea", "rock", "pierre", "de", "qubit")
STONE, SEA, ROCK, PIERRE, DE, QUBIT = range(2, 8)


def idf(share: float) -> float:
    """The inverse document frequency of a word that this share of many songs holds."""
    return 1 - float(np.log(share))


def find(
    vectors: dict[int, list[float]],
    counted: list[int],
    own: dict[int, float] | None = None,
    share: float = 0.01,
) -> Representatives:
    """Representatives of the words, whose vectors are 0 and which are all own ones where nothing is said.

    Those that are counted stand in this share of the training songs.
    """
    matrix = np.zeros((8, 2), dtype=np.float32)
    for token, vector in vectors.items():
        matrix[token] = vector
    shares = np.array([(own or {}).get(token, 1.0) for token in range(2, 8)], dtype=np.float32)
    squares = np.where(np.isin(np.arange(8), counted), idf(share) ** 2, 0)
    return representatives.find(matrix, squares, Origins(shares, shares, shares))


def test_a_word_without_a_row_takes_that_of_the_nearest_trained_word_by_cosine() -> None:
    # (1, 2) has the cosine 0.45 to (1, 0), and 0.89 to (0, 1), however long these are.
    found = find({STONE: [9, 0], SEA: [0, 0.1], PIERRE: [1, 2]}, [STONE, SEA])
    assert found.token[[STONE, SEA, PIERRE]].tolist() == [STONE, SEA, SEA]
    assert found.token.dtype == np.int32


def test_a_word_without_a_row_far_from_all_counts_as_unknown() -> None:
    # Cosines 0.31 and 0.29 to stone; the limit is 0.3. A vector of 0 has no direction.
    near, far = ([cosine, -((1 - cosine**2) ** 0.5)] for cosine in (0.31, 0.29))
    found = find({STONE: [1, 0], ROCK: near, PIERRE: far}, [STONE])
    assert found.token.tolist() == [PADDING, UNKNOWN, STONE, UNKNOWN, STONE, UNKNOWN, UNKNOWN, UNKNOWN]


def test_unknown_words_stay_what_they_are_however_near_their_mean_vector_is() -> None:
    assert find({UNKNOWN: [1, 0], STONE: [1, 0]}, [STONE]).token[UNKNOWN] == UNKNOWN


def test_an_own_word_with_a_row_keeps_it_whatever_is_nearer() -> None:
    assert find({STONE: [1, 0], ROCK: [1, 0]}, [STONE, ROCK]).token[ROCK] == ROCK


def test_a_foreign_word_with_a_row_takes_that_of_an_own_one_else_its_own() -> None:
    near = find({STONE: [1, 0], PIERRE: [2, 0], DE: [0, 1]}, [STONE, PIERRE, DE], {PIERRE: 0.0, DE: 0.0})
    assert near.token[[PIERRE, DE]].tolist() == [STONE, DE]
    # A foreign word represents no other, however near: rock is as DE is.
    assert find({ROCK: [0, 1], DE: [0, 1], STONE: [1, 0]}, [STONE, DE], {DE: 0.0}).token[ROCK] == UNKNOWN


def test_a_word_is_own_from_half_of_its_weight() -> None:
    found = find({}, [STONE], {SEA: 0.5, ROCK: 0.49, PIERRE: 0.0})
    assert found.is_own.tolist() == [True, True, True, True, False, False, True, True]


@pytest.mark.parametrize(("share", "representative"), [(0.09, DE), (0.07, STONE)])
def test_a_word_that_many_training_songs_hold_is_theirs_whatever_its_weight(
    share: float, representative: int
) -> None:
    found = find({STONE: [1, 0], DE: [1, 0]}, [STONE, DE], {DE: 0.0}, share)
    assert found.token[DE] == representative
    assert found.is_own[DE] == (representative == DE)


def test_where_no_own_word_has_a_row_nothing_is_replaced() -> None:
    found = find({STONE: [1, 0], DE: [1, 0]}, [DE], {DE: 0.0})
    assert found.token[[STONE, DE]].tolist() == [UNKNOWN, DE]
    assert find({STONE: [1, 0]}, []).token.tolist() == [PADDING, *[UNKNOWN] * 7]


def test_many_words_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = {STONE: [1, 0], SEA: [0, 1], ROCK: [2, 1], PIERRE: [1, 2], DE: [3, 1], QUBIT: [-1, 0]}
    whole = find(vectors, [STONE, SEA])
    assert whole.token[[ROCK, PIERRE, DE, QUBIT]].tolist() == [STONE, SEA, STONE, UNKNOWN]
    monkeypatch.setattr(representatives, "_AT_ONCE", 3)
    np.testing.assert_array_equal(find(vectors, [STONE, SEA]).token, whole.token)


def test_a_song_is_foreign_with_most_of_its_words_read_also_over_windows() -> None:
    found = find({}, [STONE], {PIERRE: 0.0, DE: 0.0})
    songs = [
        "stone sea",
        "stone pierre",  # half
        "stone pierre de",
        "de de de stone stone",  # as often as they stand there
        "pierre unheard",  # what no file knows is of no other language
        "pierre",
        "stone sea rock de pierre de",  # windows of 2, 2 and 2
        "",
    ]
    windows = Vocabulary(WORDS).windows(songs, TokenWindowing("word", 20, "head", window=3))
    expected = [False, False, True, True, False, True, False, False]
    assert found.foreign(windows).tolist() == expected
    assert len(windows.ids) > len(songs)


def test_two_words_with_one_representative_count_once() -> None:
    windows = Vocabulary(WORDS).windows(
        ["rock stone sea pierre", "qubit"], TokenWindowing("word", 20, "head")
    )
    tokens = np.arange(8)
    tokens[[ROCK, PIERRE]], tokens[QUBIT] = STONE, UNKNOWN
    assert windows.distinct(np.arange(2), 2, tokens).tolist() == [[STONE, SEA], [UNKNOWN, PADDING]]
    assert windows.distinct(np.arange(1), 1).tolist() == [[STONE, SEA, ROCK, PIERRE]]


def test_they_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    made = find({STONE: [1, 0], ROCK: [1, 0]}, [STONE], {DE: 0.0})
    made.save(tmp_path)
    loaded = Representatives.load(tmp_path, 8)
    assert (loaded.token.dtype, loaded.is_own.dtype) == (np.int32, np.bool_)
    for read, written in zip(loaded, made, strict=True):
        np.testing.assert_array_equal(read, written)
    with pytest.raises(ValueError, match=r"representatives\.npz: not of 9 words; run `dvc repro`"):
        Representatives.load(tmp_path, 9)
    arrays.save(tmp_path / FILE, {"token": made.token})
    with pytest.raises(ValueError, match=r"representatives\.npz: not readable"):
        Representatives.load(tmp_path, 8)


def test_in_a_folder_of_an_earlier_format_every_word_stands_for_itself(tmp_path: Path) -> None:
    loaded = Representatives.load(tmp_path, 3)
    assert loaded.token.tolist() == [0, 1, 2]
    assert loaded.is_own.tolist() == [True] * 3
