"""What an experiment learns from and is scored on, by protocol and target."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.settings import experiment

from neuralist.data import parquet, splits, tables
from neuralist.data.pair_sets import COLUMNS, Listings, observable

# Fold 0 is test, 1 val, 2 train. Songs with a list are written in capitals; u is in a pair with train alone.
SONGS = pd.DataFrame(
    [(name, fold, name.isupper()) for fold, names in enumerate(("Abcu", "DEf", "GHix")) for name in names],
    columns=["song_id", "fold", "has_list"],
)
PAIRS = pd.DataFrame(
    [
        ("A", "b", 0.9, 0.9, 0.9, 1, "test"),
        ("b", "c", 0.2, 0.2, 0.2, 1, "test"),
        ("D", "E", 0.3, 0.3, 0.3, 1, "val"),
        ("E", "f", 0.0, 0.0, 0.0, 1, "val"),
        ("G", "H", 0.4, 0.4, 0.4, 1, "train"),
        ("H", "i", 0.5, 0.5, 0.5, 1, "train"),
        ("G", "u", 0.6, 0.6, 0.6, 1, "unused"),
    ],
    columns=tables.PAIRS.names,
)
UNLISTED = pd.DataFrame([("G", "i", "train", 2.5), ("D", "f", "val", 1.0)], columns=tables.UNLISTED.names)
ROWS = pd.DataFrame(
    [("b", "A", 0.8, "train"), ("A", "b", 1.0, "test"), ("G", "H", 0.4, "val")], columns=tables.ROWS.names
)
LISTINGS = Listings(ROWS, PAIRS, UNLISTED)


def names(frame: pd.DataFrame) -> list[str]:
    return (frame["left_id"] + frame["right_id"]).tolist()


def test_the_target_observable_learns_from_listed_and_from_drawn_unlisted_pairs() -> None:
    made = LISTINGS.of(experiment(protocol="songs", target="observable"))
    assert list(made.columns) == COLUMNS
    assert names(made) == [*names(PAIRS), "Gi", "Df"]
    assert made["similarity"].tolist() == [*PAIRS["similarity"], 0, 0]
    assert made["weight"].tolist() == [1] * 7 + [2.5, 1.0]
    assert made["listed"].tolist() == [True] * 7 + [False] * 2
    assert made["split"].tolist() == [*PAIRS["split"], "train", "val"]


@pytest.mark.parametrize("protocol", ["songs", "given"])
def test_listed_only_and_a_given_split_learn_from_pairs_alone(protocol: str) -> None:
    target = "listed_only" if protocol == "songs" else "observable"
    made = LISTINGS.of(experiment(protocol=protocol, target=target))
    assert names(made) == names(PAIRS)
    assert made["listed"].all()


@pytest.mark.parametrize("target", ["observable", "listed_only"])
def test_protocol_paper_learns_from_rows_as_they_are_listed(target: str) -> None:
    made = LISTINGS.of(experiment(protocol="paper", target=target))
    assert names(made) == ["bA", "Ab", "GH"]
    assert (made["weight"] == 1).all()


def test_observable_pairs_are_the_listed_ones_and_all_that_a_list_could_hold() -> None:
    """In test A alone has a list; b and c are in pairs there and u in one with train: cu, bu are unknown."""
    made = observable(SONGS, PAIRS, "test")
    assert list(made.columns) == COLUMNS
    assert names(made) == ["Ab", "bc", "Ac", "Au"]
    assert made["listed"].tolist() == [True, True, False, False]
    assert made["similarity"].tolist() == [0.9, 0.2, 0, 0]
    assert set(made["split"]) == {"test"}
    assert names(observable(SONGS, PAIRS, "val")) == ["DE", "Ef", "Df"]
    # x is in no list and in no pair: it is not observed.
    assert names(observable(SONGS, PAIRS, "train")) == ["GH", "Hi", "Gi"]


def test_without_lists_all_that_is_observable_is_listed() -> None:
    made = observable(SONGS.assign(has_list=False), PAIRS, "test")
    assert names(made) == ["Ab", "bc"]
    assert made["listed"].all()


def test_a_part_without_a_listed_pair_has_no_observable_one() -> None:
    made = observable(SONGS, PAIRS.loc[PAIRS["split"] != "val"], "val")
    assert (len(made), list(made.columns)) == (0, COLUMNS)


def test_what_is_drawn_for_training_is_among_the_observable_pairs() -> None:
    for part, drawn in UNLISTED.groupby("split"):
        made = observable(SONGS, PAIRS, str(part))
        assert set(names(drawn)) <= set(names(made.loc[~made["listed"]]))


def test_scored_are_val_and_test_under_songs_with_all_that_is_observable() -> None:
    made = LISTINGS.scored(SONGS, "songs")
    assert names(made) == ["DE", "Ef", "Df", "Ab", "bc", "Ac", "Au"]
    assert names(LISTINGS.scored(SONGS, "paper")) == ["Ab", "GH"]
    assert names(LISTINGS.scored(SONGS, "given")) == ["Ab", "bc", "DE", "Ef"]
    assert LISTINGS.scored(SONGS, "given")["listed"].all()


def test_songs_are_of_a_split_by_their_fold_or_by_the_pairs_that_name_them() -> None:
    def ids(pairs: pd.DataFrame, *, by_fold: bool) -> dict[str, str]:
        masks = splits.songs_of(SONGS, pairs, by_fold=by_fold)
        return {split: "".join(SONGS.loc[mask, "song_id"]) for split, mask in masks.items()}

    assert ids(PAIRS, by_fold=True) == {"train": "GHix", "val": "DEf", "test": "Abcu"}
    assert ids(PAIRS, by_fold=False) == {"train": "GHi", "val": "DEf", "test": "Abc"}
    # A and b stand in a train and in a test row.
    assert ids(ROWS, by_fold=False) == {"train": "Ab", "val": "GH", "test": "Ab"}


def test_lyrics_of_songs_in_no_split_are_of_train() -> None:
    songs = SONGS.assign(lyrics=SONGS["song_id"] + " sings")

    def initials(*, by_fold: bool) -> dict[str, str]:
        lyrics = splits.lyrics_of(songs, PAIRS, by_fold=by_fold)
        return {split: "".join(text[0] for text in texts) for split, texts in lyrics.items()}

    assert initials(by_fold=True) == {"train": "GHix", "val": "DEf", "test": "Abcu"}
    # u stands in an unused pair alone, x in none.
    assert initials(by_fold=False) == {"train": "uGHix", "val": "DEf", "test": "Abc"}


def test_the_tables_are_read_as_stage_pairs_wrote_them(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in ("rows", "pairs", "unlisted")]
    for frame, schema, path in zip(
        LISTINGS, (tables.ROWS, tables.PAIRS, tables.UNLISTED), paths, strict=True
    ):
        parquet.write(frame, schema, path)
    read = Listings.load(*paths)
    settings = experiment(protocol="songs", target="observable")
    assert names(read.of(settings)) == names(LISTINGS.of(settings))
    assert np.array_equal(read.of(settings)["weight"], LISTINGS.of(settings)["weight"])
