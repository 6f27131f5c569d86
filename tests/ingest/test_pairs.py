"""Rows and pairs are cut exactly, repeatably and without leaks; unlisted pairs are drawn from all others."""

import hashlib
import itertools
import math
import random
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import raw

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.engine.connect import connect
from neuralist.ingest import pairs, songs
from neuralist.ingest.sources import formats

CHOICES = params.Pairs(test_fold=0, paper_shares=(0.72, 0.08, 0.2), unlisted_ratio=0, seed=7)


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
    (pair,) = pairs.pairs(rows, table, CHOICES, gives_split=False).to_dict("records")
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
    made = pairs.pairs(rows, table, choices, gives_split=False)
    parts = {
        left + right: split
        for left, right, split in zip(made.left_id, made.right_id, made.split, strict=True)
    }
    assert {pair for pair, split in parts.items() if split != "unused"} == {"ab", "cd", "ef"}
    assert (parts["ab"], parts["cd"], parts["ef"]) == ("test", "val", "train")


def test_a_given_split_is_kept_and_the_smallest_wins_where_rows_of_a_pair_disagree() -> None:
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
    made = pairs.pairs(rows, table, CHOICES, gives_split=True)
    assert made[["left_id", "right_id", "split"]].values.tolist() == [
        ["a", "b", "test"],
        ["a", "c", "val"],
        ["c", "d", "train"],
    ]


def test_a_test_that_repeats_all_of_train_and_val_keeps_its_other_pairs() -> None:
    """As a published file may: 2 rows of train and 1 of val are among the 5 of test."""
    table = song_table(dict.fromkeys("abcde", 0))
    train, val = [("a", "b", 0.1), ("b", "c", 0.2)], [("c", "d", 0.3)]
    other = [("d", "e", 0.4), ("a", "e", 0.5)]
    parts = {"train": train, "val": val, "test": [*train, *val, *other]}
    listed = listed_table([(*row, split) for split, listed in parts.items() for row in listed])
    made = pairs.pairs(pairs.rows(listed, table, CHOICES), table, CHOICES, gives_split=True)
    splits = {left + right: split for left, right, split in made[["left_id", "right_id", "split"]].values}
    assert splits == {"ab": "train", "bc": "train", "cd": "val", "de": "test", "ae": "test"}


def test_a_given_split_without_val_gets_a_tenth_of_the_pairs_of_train_as_val() -> None:
    """Of the 15 pairs of six songs, both rows each, five have a row in test: 10 stand in train alone."""
    table = song_table(dict.fromkeys("abcdef", 0))
    given_rows = [(*row, "test" if row[0] == "a" else "train") for row in complete("abcdef")]
    rows = pairs.rows(listed_table(given_rows), table, CHOICES)
    assert rows["split"].value_counts().to_dict() == {"train": 23, "test": 5, "val": 2}
    assert set(rows.loc[rows["left_id"] == "a", "split"]) == {"test"}
    made = pairs.pairs(rows, table, CHOICES, gives_split=True)
    assert made["split"].value_counts().to_dict() == {"train": 9, "test": 5, "val": 1}


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcde"),
            st.sampled_from("abcde"),
            st.sampled_from([0.1, 0.9]),
            st.sampled_from(["train", "train", "test"]),
        ),
        min_size=1,
    )
)
def test_the_val_that_is_cut_repeats_no_pair_of_train_or_test(listing: list[tuple]) -> None:
    table = song_table(dict.fromkeys("abcde", 0))
    rows = pairs.rows(listed_table(listing), table, CHOICES)
    parts: dict[frozenset, set] = {}
    for left, right, split in zip(rows["left_id"], rows["right_id"], rows["split"], strict=True):
        parts.setdefault(frozenset((left, right)), set()).add(split)
    before: dict[frozenset, set] = {}
    for left, right, _, split in listing:
        if left != right:
            before.setdefault(frozenset((left, right)), set()).add(split)
    val = [pair for pair, of_pair in parts.items() if "val" in of_pair]
    in_train_alone = sum(of_pair == {"train"} for of_pair in before.values())
    assert len(val) == (math.ceil(in_train_alone / 10) if in_train_alone > 1 else 0)
    for pair, of_pair in parts.items():
        assert of_pair == ({"val"} if pair in val else before[pair])


def test_an_id_that_no_song_has_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="1 rows name an id that no song has, the first 'a' with 'z'"):
        pairs.rows(listed_table([("a", "z", 0.1)]), song_table({"a": 0}), CHOICES)


def test_no_listed_similarity_makes_empty_tables() -> None:
    table = song_table({"a": 0})
    rows = pairs.rows(listed_table([]), table, CHOICES)
    assert len(rows) == len(pairs.pairs(rows, table, CHOICES, gives_split=False)) == 0


@pytest.mark.slow
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


@pytest.mark.slow
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
    made = pairs.pairs(rows, table, choices, gives_split=False)
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


def test_a_row_is_of_the_part_that_the_place_of_its_md5_number_gives() -> None:
    """700 rows, so that the bounds of the cut fall within buckets of places; sorted here in plain Python."""
    names = [f"s{number:02}" for number in range(36)]
    listing = [pair for pair in itertools.permutations(names, 2) if pair[1] < "s20"] + [("s00", "s01")] * 3
    rows = pairs.rows(
        listed_table([(*pair, 0.5) for pair in listing]), song_table(dict.fromkeys(names, 0)), CHOICES
    )
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for left, right in sorted(listing):
        seen[left, right] += 1
        text = f"7|{left}|{right}|{seen[left, right]}"
        places.append((hashlib.md5(text.encode()).hexdigest(), left, right, seen[left, right]))
    train, val = round(0.72 * len(places)), round(0.8 * len(places))
    parts = {row[1:]: "train" if at < train else "val" if at < val else "test"
             for at, row in enumerate(sorted(places))}  # fmt: skip
    assert rows["split"].tolist() == [parts[row[1:]] for row in sorted(places, key=lambda row: row[1:])]


@pytest.mark.parametrize("given", [False, True])
def test_tables_made_in_blocks_are_those_made_at_once(monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    table = song_table({name: number % 5 for number, name in enumerate("abcdefgh")})
    listing = [(*pair, 0.1 * (at % 7)) for at, pair in enumerate(itertools.permutations("abcdefgh", 2))]
    listed = listed_table([*listing, *listing[::3]], split="train" if given else None)

    def made() -> tuple[pd.DataFrame, pd.DataFrame]:
        rows = pairs.rows(listed, table, CHOICES)
        return rows, pairs.pairs(rows, table, CHOICES, gives_split=given)

    at_once = made()
    monkeypatch.setattr(pairs, "_BLOCK", 5)
    for whole, in_blocks in zip(at_once, made(), strict=True):
        pd.testing.assert_frame_equal(whole, in_blocks)


def test_the_stage_s_tables_are_those_of_the_library(tmp_path: Path) -> None:
    """From files to files, in more than one batch, against frames."""
    table = with_lists({name: number % 5 for number, name in enumerate("abcdefgh")}, "abcdefgh")
    listed = listed_table([(*pair, 0.5) for pair in itertools.permutations("abcdefgh", 2)])
    parquet.write(listed, tables.LISTED, tmp_path / "listed.parquet")
    rows = pairs.rows(listed, table, CHOICES)
    each_once = pairs.pairs(rows, table, CHOICES, gives_split=False)
    with connect() as on:
        on.read_parquet("listed", tmp_path / "listed.parquet", tables.LISTED)
        found = pairs.Listed(on, table, CHOICES)
        for name, batches, schema, expected in (
            ("rows", found.rows(), tables.ROWS, rows), ("pairs", found.pairs(), tables.PAIRS, each_once),
        ):  # fmt: skip
            written = pairs.BatchNaming(found.ids, schema, collect=True)
            parquet.write_batches(written.with_ids(batches), schema, tmp_path / f"{name}.parquet")
            again = parquet.read(tmp_path / f"{name}.parquet", schema)
            assert again.to_dict("list") == expected.to_dict("list")
            assert written.splits == Counter(expected["split"])
            kept = written.frame()
            pd.testing.assert_frame_equal(
                kept.astype("str"), expected[["left_id", "right_id", "split"]].astype("str")
            )
    chosen = CHOICES.model_copy(update={"unlisted_ratio": 0.4})
    pd.testing.assert_frame_equal(
        pairs.unlisted(kept, table, chosen), pairs.unlisted(each_once, table, chosen)
    )


def test_another_seed_cuts_other_rows() -> None:
    table = song_table(dict.fromkeys("abcdef", 0))
    cuts = [
        pairs.rows(listed_table(complete("abcdef")), table, CHOICES.model_copy(update={"seed": seed}))[
            "split"
        ].tolist()
        for seed in (1, 2)
    ]
    assert cuts[0] != cuts[1]


# --- unlisted pairs --------------------------------------------------------------------------------


def with_lists(folds: dict[str, int], has_list: str) -> pd.DataFrame:
    return song_table(folds).assign(has_list=[name in has_list for name in folds])


def drawn(table: pd.DataFrame, listing: list[tuple], ratio: float, **choices: int) -> pd.DataFrame:
    """The unlisted pairs; the test fold is 0, val is 1."""
    chosen = CHOICES.model_copy(update={"unlisted_ratio": ratio, **choices})
    rows = pairs.rows(listed_table(listing), table, chosen)
    return pairs.unlisted(pairs.pairs(rows, table, chosen, gives_split=False), table, chosen)


def test_the_pair_sets_of_a_fold_are_those_with_it_as_the_test_fold() -> None:
    table = with_lists({"a": 0, "b": 0, "c": 1, "d": 1, "e": 2, "f": 2, "g": 2}, "ae")
    chosen = CHOICES.model_copy(update={"unlisted_ratio": 9})
    listing = [("a", "b", 0.5), ("c", "d", 0.4), ("e", "f", 0.3), ("g", "a", 0.2)]
    rows = pairs.rows(listed_table(listing), table, chosen)
    made = pairs.of_fold(rows, table, chosen, 1)
    # Test is fold 1, and val the next, 2, where e has a list, in which g is not.
    assert made.rows is rows
    splits = dict(zip(names(made.pairs), made.pairs["split"], strict=True))
    assert splits == {"ab": "train", "ag": "unused", "cd": "test", "ef": "val"}
    assert names(made.unlisted) == ["eg"]


def names(made: pd.DataFrame) -> list[str]:
    return (made["left_id"] + made["right_id"]).tolist()


def test_a_pair_is_unlisted_when_no_row_lists_it_and_one_song_has_a_list() -> None:
    """In train a has a list, b and c stand in a listed pair, d is not observed: bc is unknown, xd no pair."""
    table = with_lists({"a": 2, "b": 3, "c": 4, "d": 2}, "a")
    made = drawn(table, [("a", "b", 0.5), ("c", "a", 0.4)], ratio=9)
    assert names(made) == []
    made = drawn(table, [("a", "b", 0.5), ("b", "c", 0.4)], ratio=9)
    assert names(made) == ["ac"]
    assert made[["split", "weight"]].values.tolist() == [["train", 1.0]]


def test_a_song_listed_by_a_song_of_another_part_alone_is_observed_too() -> None:
    table = with_lists({"a": 2, "b": 2, "c": 3, "z": 0}, "a")
    assert names(drawn(table, [("a", "b", 0.5), ("z", "c", 0.1)], ratio=9)) == ["ac"]


def test_unlisted_pairs_are_of_train_and_of_val_each_from_its_own_songs() -> None:
    table = with_lists({"a": 2, "b": 2, "c": 3, "d": 1, "e": 1, "f": 1, "s": 0, "t": 0, "u": 0}, "acdfstu")
    made = drawn(table, [("a", "b", 0.5), ("d", "e", 0.5), ("s", "t", 0.5)], ratio=9)
    assert {split: sorted(names(part)) for split, part in made.groupby("split")} == {
        "train": ["ac", "bc"],
        "val": ["df", "ef"],
    }


def test_the_weight_is_how_many_unlisted_pairs_a_drawn_one_stands_for() -> None:
    """Six songs with lists have 15 pairs, two of them listed: of the other 13, two times three are drawn."""
    table = with_lists(dict.fromkeys("abcdef", 2), "abcdef")
    made = drawn(table, [("a", "b", 0.5), ("c", "d", 0.5)], ratio=3)
    assert len(made) == 6
    assert made["weight"].tolist() == pytest.approx([13 / 6] * 6)
    assert len(drawn(table, [("a", "b", 0.5)], ratio=0.5)) == 1  # a half is rounded up
    assert drawn(table, [("a", "b", 0.5)], ratio=0).empty


def test_nothing_is_unlisted_where_no_song_has_a_list_or_the_split_is_given() -> None:
    table = with_lists(dict.fromkeys("abcd", 2), "")
    assert drawn(table, [("a", "b", 0.5)], ratio=5).empty
    listed = with_lists(dict.fromkeys("abcd", 2), "abcd")
    rows = pairs.rows(listed_table([("a", "b", 0.5, "train")]), listed, CHOICES)
    each_once = pairs.pairs(rows, listed, CHOICES, gives_split=True)
    chosen = CHOICES.model_copy(update={"unlisted_ratio": 5})
    assert pairs.unlisted(each_once, listed, chosen, gives_split=True).empty
    assert len(pairs.unlisted(each_once, listed, chosen)) == 5


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.just(0.5))),
    st.sets(st.sampled_from("abcdefgh")),
    st.sampled_from([0.3, 1, 4, 100]),
    st.randoms(use_true_random=False),
)
def test_unlisted_pairs_are_among_those_of_a_plain_loop_in_any_order_of_songs(
    listing: list[tuple], has_list: set[str], ratio: float, order: random.Random
) -> None:
    folds = {name: 2 + place % 3 for place, name in enumerate("abcdefgh")}  # all train
    made = drawn(with_lists(folds, "".join(has_list)), listing, ratio)
    listed = {frozenset(row[:2]) for row in listing if row[0] != row[1]}
    observed = has_list | {name for pair in listed for name in pair}
    every = {
        left + right
        for left, right in itertools.combinations(sorted(observed), 2)
        if {left, right} & has_list and frozenset((left, right)) not in listed
    }
    found = names(made)
    assert found == sorted(set(found))
    assert set(found) <= every
    assert len(found) == min(len(every), math.floor(ratio * len(listed) + 0.5))
    assert made["weight"].sum() == pytest.approx(len(every) if found else 0)
    mixed = dict(order.sample(list(folds.items()), len(folds)))
    pd.testing.assert_frame_equal(made, drawn(with_lists(mixed, "".join(has_list)), listing, ratio))


@pytest.mark.slow
def test_every_unlisted_pair_is_drawn_equally_often_and_another_seed_draws_others() -> None:
    """Of 14 pairs five are drawn, 300 times: each some 107 times, with a deviation of 8.3."""
    table = with_lists(dict.fromkeys("abcdef", 2), "abcdef")
    one = pd.DataFrame({"left_id": ["a"], "right_id": ["b"], "split": "train"})
    seeds = (CHOICES.model_copy(update={"unlisted_ratio": 5, "seed": seed}) for seed in range(300))
    counts = Counter(name for chosen in seeds for name in names(pairs.unlisted(one, table, chosen)))
    assert len(counts) == 14
    assert max(abs(count - 300 * 5 / 14) for count in counts.values()) < 4 * 8.3


def test_a_few_of_very_many_pairs_are_drawn_without_making_them_all() -> None:
    """60,000 songs have 1.8 thousand million pairs: 14 GB as numbers alone."""
    ids = [f"s{number:05}" for number in range(60_000)]
    table = pd.DataFrame({"song_id": ids, "fold": 2, "has_list": True})
    one = pd.DataFrame({"left_id": ids[:1], "right_id": ids[1:2], "split": "train"})
    made = pairs.unlisted(one, table, CHOICES.model_copy(update={"unlisted_ratio": 1000}))
    assert len(made) == 1000
    assert made["weight"].iloc[0] == pytest.approx((60_000 * 59_999 / 2 - 1) / 1000)
    assert (made["left_id"] < made["right_id"]).all()


def test_real_pairs_are_as_many_as_a_plain_join_finds_or_more(real: Path) -> None:
    made = raw.built(real)
    rows = pairs.rows(made.listed, made.songs, CHOICES)
    each_once = pairs.pairs(rows, made.songs, CHOICES, gives_split=False)
    assert len(rows) >= 38190
    assert len(each_once) >= 15928
    assert len({*each_once["left_id"], *each_once["right_id"]}) >= 1197


def test_generic_pairs_of_a_text_with_itself_are_left_out(tmp_path: Path) -> None:
    raw.texts(tmp_path, [["a", raw.lyrics("sea")], ["b", raw.lyrics("hail")]])
    raw.pairs(tmp_path, [["a", "a", "1"], ["a", "b", "0.5"]])
    made = songs.build(formats.read(tmp_path, (0, 1)), raw.CHOICES)
    assert (len(made.listed), len(pairs.rows(made.listed, made.songs, CHOICES))) == (2, 1)
