"""Rows and pairs are cut exactly, repeatably and without leaks."""

import itertools
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import raw

from neuralist import pairs, params, songs, sources

CHOICES = params.Pairs(test_fold=0, paper_shares=(0.72, 0.08, 0.2), seed=7)


def song_table(folds: dict[str, int], tracks: dict[str, list[str]] | None = None) -> pd.DataFrame:
    ids = list(folds)
    own = [(tracks or {}).get(name, [name]) for name in ids]
    return pd.DataFrame({"song_id": ids, "fold": list(folds.values()), "track_ids": own})


def listed_table(rows: list[tuple], split: str | None = None) -> pd.DataFrame:
    full = [row if len(row) == 4 else (*row, split) for row in rows]
    frame = pd.DataFrame(full, columns=["source_id", "target_id", "similarity", "split"])
    return frame.astype({"split": "str", "source_id": "str", "target_id": "str", "similarity": "float64"})


def complete(names: str) -> list[tuple]:
    return [(left, right, 0.5) for left, right in itertools.permutations(names, 2)]


def test_tracks_become_songs_and_rows_stay_directed_and_repeated() -> None:
    table = song_table({"a": 2, "b": 2}, {"a": ["A1", "A2"], "b": ["B1"]})
    listed = listed_table([("A1", "B1", 0.2), ("A2", "B1", 0.4), ("B1", "A1", 0.9), ("A1", "A2", 1.0)])
    rows = pairs.rows(listed, table, CHOICES)
    assert rows.values[:, :3].tolist() == [["a", "b", 0.2], ["a", "b", 0.4], ["b", "a", 0.9]]
    (pair,) = pairs.pairs(rows, table, CHOICES, given=False).to_dict("records")
    assert pair["similarity"] == pytest.approx(0.5)
    del pair["similarity"]
    assert pair == {
        "left_id": "a",
        "right_id": "b",
        "lowest": 0.2,
        "highest": 0.9,
        "n_rows": 3,
        "split": "train",
    }


def test_a_pair_belongs_to_a_part_when_both_songs_do() -> None:
    choices = CHOICES.model_copy(update={"test_fold": 4})
    table = song_table({"a": 4, "b": 4, "c": 0, "d": 0, "e": 1, "f": 3})
    rows = pairs.rows(listed_table(complete("abcdef")), table, choices)
    made = pairs.pairs(rows, table, choices, given=False)
    parts = {
        left + right: split
        for left, right, split in zip(made.left_id, made.right_id, made.split, strict=True)
    }
    assert {pair for pair, split in parts.items() if split != "unused"} == {"ab", "cd", "ef"}
    assert (parts["ab"], parts["cd"], parts["ef"]) == ("test", "val", "train")


def test_a_given_split_is_kept_and_test_wins_where_rows_of_a_pair_disagree() -> None:
    table = song_table(dict.fromkeys("abcd", 0))
    listed = listed_table(
        [
            ("a", "b", 0.1, "train"),
            ("b", "a", 0.2, "test"),
            ("a", "c", 0.1, "val"),
            ("c", "a", 0.1, "train"),
            ("c", "d", 0.1, "train"),
        ]
    )
    rows = pairs.rows(listed, table, CHOICES)
    assert sorted(rows["split"]) == ["test", "train", "train", "train", "val"]
    made = pairs.pairs(rows, table, CHOICES, given=True)
    assert made[["left_id", "right_id", "split"]].values.tolist() == [
        ["a", "b", "test"],
        ["a", "c", "val"],
        ["c", "d", "train"],
    ]


def test_a_given_split_without_val_gets_a_tenth_of_train_as_val() -> None:
    table = song_table(dict.fromkeys("abcdef", 0))
    given_rows = [(*row, "test" if row[0] == "a" else "train") for row in complete("abcdef")]
    rows = pairs.rows(listed_table(given_rows), table, CHOICES)
    assert rows["split"].value_counts().to_dict() == {"train": 22, "test": 5, "val": 3}
    assert set(rows.loc[rows["left_id"] == "a", "split"]) == {"test"}


def test_an_id_that_no_song_has_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="1 rows name an id that no song has, the first 'a' with 'z'"):
        pairs.rows(listed_table([("a", "z", 0.1)]), song_table({"a": 0}), CHOICES)


def test_no_listed_similarity_makes_empty_tables() -> None:
    table = song_table({"a": 0})
    rows = pairs.rows(listed_table([]), table, CHOICES)
    assert len(rows) == len(pairs.pairs(rows, table, CHOICES, given=False)) == 0


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from([0.0, 0.3, 1 / 3, 1.0]))
    ),
    st.randoms(use_true_random=False),
)
def test_the_paper_cut_is_exact_and_does_not_hang_on_the_order_of_rows(
    listing: list[tuple], order: random.Random
) -> None:
    table = song_table(dict.fromkeys("abcd", 1))
    rows = pairs.rows(listed_table(listing), table, CHOICES)
    n_rows = sum(left != right for left, right, _ in listing)
    in_train, in_val = int(0.72 * n_rows + 0.5), int(0.8 * n_rows + 0.5)
    assert sorted(rows["split"]) == sorted(
        ["train"] * in_train + ["val"] * (in_val - in_train) + ["test"] * (n_rows - in_val)
    )
    pd.testing.assert_frame_equal(
        rows, pairs.rows(listed_table(order.sample(listing, len(listing))), table, CHOICES)
    )


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij"), st.floats(0, 1))),
    st.integers(0, 4),
)
def test_pairs_are_ordered_unique_bounded_and_share_no_song_between_parts(
    listing: list[tuple], test_fold: int
) -> None:
    choices = CHOICES.model_copy(update={"test_fold": test_fold})
    table = song_table({name: number % 5 for number, name in enumerate("abcdefghij")})
    rows = pairs.rows(listed_table(listing), table, choices)
    made = pairs.pairs(rows, table, choices, given=False)
    assert (made["left_id"] < made["right_id"]).all()
    assert not made[["left_id", "right_id"]].duplicated().any()
    assert made["similarity"].between(made["lowest"], made["highest"]).all()
    assert made["n_rows"].sum() == len(rows)
    used = {
        split: {*part["left_id"], *part["right_id"]}
        for split, part in made.groupby("split")
        if split != "unused"
    }
    assert all(left.isdisjoint(right) for left, right in itertools.combinations(used.values(), 2))


def test_another_seed_cuts_other_rows() -> None:
    table = song_table(dict.fromkeys("abcdef", 0))
    cuts = [
        pairs.rows(listed_table(complete("abcdef")), table, CHOICES.model_copy(update={"seed": seed}))[
            "split"
        ].tolist()
        for seed in (1, 2)
    ]
    assert cuts[0] != cuts[1]


def test_real_pairs_are_as_many_as_a_plain_join_finds_or_more(real: Path) -> None:
    made = raw.built(real)
    rows = pairs.rows(made.listed, made.songs, CHOICES)
    each_once = pairs.pairs(rows, made.songs, CHOICES, given=False)
    assert len(rows) >= 38190
    assert len(each_once) >= 15928
    assert len({*each_once["left_id"], *each_once["right_id"]}) >= 1197


def test_generic_pairs_of_a_text_with_itself_are_left_out(tmp_path: Path) -> None:
    raw.texts(tmp_path, [["a", raw.lyrics("sea")], ["b", raw.lyrics("hail")]])
    raw.pairs(tmp_path, [["a", "a", "1"], ["a", "b", "0.5"]])
    made = songs.build(sources.read(tmp_path, (0, 1)), raw.CHOICES)
    assert (len(made.listed), len(pairs.rows(made.listed, made.songs, CHOICES))) == (2, 1)
