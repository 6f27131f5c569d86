"""What a served folder keeps of its training songs, and new songs in the same bins: all by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuralist.model.encoder import Reading
from neuralist.serving import drift


def songs(
    lengths: list[int],
    embeddings: list[tuple[float, ...]] | None = None,
    known: list[float] | None = None,
    **facts: list[Any],
) -> drift.Songs:
    """Songs of so many words; without more they are of one embedding, all known, and of no year or tag."""
    n = len(lengths)
    table = pd.DataFrame(
        {
            "year": pd.array(facts.get("year", [None] * n), dtype="Int64"),
            "language": pd.Series(facts.get("language", [None] * n), dtype=object),
            "tags": pd.Series(facts.get("tags", [[] for _ in range(n)]), dtype=object),
        }
    )
    shares = np.array(known or [1.0] * n)
    rows = np.array(embeddings or [(0.0, 0.0)] * n, dtype=np.float32)
    return drift.Songs(["la " * length for length in lengths], table, Reading(rows, np.ones(n, int), shares))


def learned(of: drift.Songs, n_unseen: int = 0) -> drift.DriftReference:
    """The reference of all songs but the last ones, which are unseen."""
    is_unseen = np.arange(len(of.texts)) >= len(of.texts) - n_unseen
    return drift.learn(of, ~is_unseen, is_unseen)


def counted(reference: drift.DriftReference, of: drift.Songs, name: str) -> drift.Feature:
    [feature] = [feature for feature in drift.count(reference, of) if feature.name == name]
    return feature


def test_each_tenth_of_the_training_songs_is_a_bin_and_none_is_beyond_both_ends() -> None:
    # Lengths 1 to 21: every second is an edge, and the last one above all of them.
    bins = learned(songs([*range(1, 22)])).numbers["length"]

    assert bins.edges == (*range(1, 20, 2), 22)
    assert bins.counts == (0, *[2] * 9, 3, 0)
    assert bins.median == 11


def test_new_songs_are_counted_in_the_bins_of_training() -> None:
    feature = counted(learned(songs([*range(1, 22)])), songs([1, 2, 3, 21, 22, 500]), "length")

    assert feature.new.tolist() == [0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert feature.bins[:2] == ("below 1", "1 to 3")
    assert feature.bins[-1] == "22 and above"
    assert (feature.n_songs, feature.usual) == ((21, 6), ("11", "12"))


def test_songs_of_one_year_tell_earlier_and_later_ones() -> None:
    feature = counted(
        learned(songs([1] * 3, year=[2009] * 3)), songs([1] * 4, year=[2008, 2009, 2010, None]), "year"
    )

    assert feature.reference.tolist() == [0, 3, 0]
    assert feature.new.tolist() == [1, 1, 1]
    assert feature.n_songs == (3, 3)


def test_known_words_are_of_songs_that_the_model_was_not_trained_on() -> None:
    # Thirty training songs are known whole; of thirty others one word in ten is not.
    known = [1.0] * 30 + [0.9] * 30
    assert learned(songs([9] * 60, known=known), 30).numbers["known_words"].counts == (0, 0, 0, 30, 0)
    # Fewer say too little, so those of training must do.
    assert learned(songs([9] * 59, known=known[:59]), 29).numbers["known_words"].counts == (0, 0, 0, 0, 30)


def test_known_languages_are_counted_by_song_and_without_case() -> None:
    reference = learned(songs([1] * 5, language=["en", "EN", "fr", None, "?"]))
    assert (reference.names["language"].names, reference.names["language"].counts) == (
        ("en", "fr"),
        (2, 1, 0),
    )

    feature = counted(reference, songs([1] * 4, language=["de", "en", None, "?"]), "language")
    assert feature.bins == ("en", "fr", "other")
    assert feature.new.tolist() == [1, 0, 1]
    assert (feature.n_songs, feature.usual) == ((3, 2), ("en 67%", "de 50%"))


def test_a_song_counts_once_for_each_of_its_tags() -> None:
    reference = learned(songs([1] * 3, tags=[["Folk", "quiet", "folk"], ["folk"], []]))

    bins = reference.names["tags"]
    assert (bins.names, bins.counts, bins.n_songs) == (("folk", "quiet"), (2, 1, 0), 2)


def test_tags_beyond_the_thirty_commonest_are_one_bin() -> None:
    tags = [[f"t{number:02}", "all"] for number in range(40)]
    bins = learned(songs([1] * 40, tags=tags)).names["tags"]

    assert bins.names == ("all", *(f"t{number:02}" for number in range(29)))
    assert bins.counts == (40, *[1] * 29, 11)


def test_a_fact_that_no_training_song_has_is_not_compared() -> None:
    reference = learned(songs([1, 2]))

    assert {*reference.numbers} == {"length", "known_words"}
    assert not reference.names


def test_the_first_direction_is_that_in_which_embeddings_differ_most() -> None:
    # On a line along (3, 4) / 5 around (1, 2), and a little across it.
    along, across = np.array([0.6, 0.8]), np.array([0.8, -0.6])
    rows = [(1, 2) + step * along + side * across for step in (-5, 0, 5) for side in (-0.5, 0.5)]
    reference = learned(songs([1] * 6, [tuple(row.tolist()) for row in rows]))

    assert reference.mean == pytest.approx((1, 2))
    assert np.array(reference.directions) == pytest.approx(np.array([along, across]), abs=1e-5)
    # 7 along the first: beyond all training songs.
    new = songs([1], [tuple(((1, 2) + 7 * along).tolist())])
    assert counted(reference, new, "embedding 1").new.tolist()[-1] == 1
    assert counted(reference, new, "embedding 1").usual[1] == "7.00"


def test_songs_without_a_known_word_have_no_embedding() -> None:
    reference = learned(songs([1] * 3, [(0, 0), (1, 0), (50, 50)], known=[1, 1, 0]))

    assert reference.mean == (0.5, 0)
    assert reference.directions == ((1, 0),)
    assert sum(reference.numbers["embedding 1"].counts) == 2


def test_equal_embeddings_have_no_direction() -> None:
    assert learned(songs([1, 1, 1])).directions == ()
    assert {feature.name for feature in drift.count(learned(songs([1, 1])), songs([1]))} == {
        "length",
        "known_words",
    }
