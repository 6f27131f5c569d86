"""What is learned on val from made-up songs whose lists are known to follow the year, and nothing else."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuralist.config import records
from neuralist.serving import blending

N = 40


def _songs(*, has_list: bool, n: int = N) -> pd.DataFrame:
    """Songs of val; years are spread over 30, artists and tags are drawn."""
    draw = np.random.default_rng(0)
    ids = [f"s{number:03}" for number in range(n)]
    return pd.DataFrame(
        {
            "song_id": ids,
            "artist": [f"Artist {number}" for number in draw.integers(10, size=n)],
            "year": pd.array(draw.integers(1980, 2010, size=n), dtype="Int64"),
            "tags": [[f"tag {number}"] for number in draw.integers(6, size=n)],
            "lastfm_tags": [[] for _ in ids],
            "lastfm_weights": [[] for _ in ids],
            "has_list": has_list,
            "group_id": ids,
            "fold": 1,
        }
    )


def _pairs(songs: pd.DataFrame, split: str = "val") -> pd.DataFrame:
    """Pairs at most 2 years apart, with similarity 1, and, without lists, all others with 0."""
    left, right = np.triu_indices(len(songs), 1)
    years = songs["year"].to_numpy(float)
    near = np.abs(years[left] - years[right]) <= 2
    ids = songs["song_id"].to_numpy()
    found = pd.DataFrame({"left_id": ids[left], "right_id": ids[right], "similarity": near.astype(float)})
    found = found.assign(lowest=found["similarity"], highest=found["similarity"], n_rows=1, split=split)
    return found[near].reset_index(drop=True) if songs["has_list"].all() else found


def _noise(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A similarity of lyrics that says nothing, equal in both directions."""
    return (np.sin(12.9 * (left + right)) + 1) / 2 * 0.8 + 0.1


def _learned(songs: pd.DataFrame, protocol: Any = "songs") -> dict[tuple[str, ...], records.BlendPart]:
    learned = blending.learn(songs, _pairs(songs), _noise, protocol, {})
    assert learned.is_listed == songs["has_list"].all()
    return {part.facts: part for part in learned.parts}


@pytest.mark.parametrize(("has_list", "protocol"), [(True, "songs"), (False, "songs"), (False, "given")])
def test_the_fact_that_decides_is_used_and_those_that_say_nothing_are_not(
    has_list: bool, protocol: str
) -> None:
    parts = _learned(_songs(has_list=has_list), protocol)
    assert set(parts) == {*blending.SETS}
    shown = {facts for facts, part in parts.items() if part.shown}
    assert shown == {facts for facts in blending.SETS if "year" in facts}
    assert set(parts["year",].alone) == set(blending.RANKED if has_list else blending.GRADED)


def test_songs_listed_by_year_alone_are_ranked_without_fault_by_it() -> None:
    year = _learned(_songs(has_list=True))["year",]
    assert year.blended["listed_auc"] > 0.99
    assert year.alone["listed_auc"] == pytest.approx(0.5, abs=0.05)
    assert year.lyrics < 0.2 < year.weights[0]


def test_the_average_nearness_is_that_of_all_pairs_that_know_it() -> None:
    songs = _songs(has_list=True)
    songs.loc[songs.index[:20], "year"] = pd.NA
    pairs = _pairs(songs.iloc[20:])
    [part] = [
        part for part in blending.learn(songs, pairs, _noise, "songs", {}).parts if part.facts == ("year",)
    ]
    years = songs["year"].iloc[20:].to_numpy(float)
    gaps = np.abs(years[:, None] - years)[np.triu_indices(N - 20, 1)]
    assert part.average[0] == pytest.approx(-gaps.mean(), rel=1e-4)


def test_a_song_of_which_a_fact_is_unknown_asks_for_nothing_by_it() -> None:
    songs = _songs(has_list=True)
    pairs = _pairs(songs)
    songs.loc[songs.index[:20], "year"] = pd.NA
    val = blending.val_pairs(songs, pairs, _noise, "songs", "val")
    asked = blending.ranked_by(("year",), val)
    queries = np.where(
        asked.query == val.queries.left[asked.pair], val.left[asked.pair], val.right[asked.pair]
    )
    assert np.unique(queries).tolist() == [*range(20, N)]


def test_of_few_pairs_nothing_is_learned() -> None:
    songs = _songs(has_list=True, n=14)  # 91 pairs
    assert blending.learn(songs, _pairs(songs), _noise, "songs", {"soul": "soul"}) == records.BlendRecord(
        n_pairs=91, is_listed=True, parts=(), genres={"soul": "soul"}
    )


def test_a_fact_that_no_song_has_is_in_no_set() -> None:
    parts = _learned(_songs(has_list=True).assign(artist=None))
    assert set(parts) == {("year",), ("tags",), ("year", "tags")}


def test_other_splits_and_songs_outside_of_the_catalogue_teach_nothing() -> None:
    songs = _songs(has_list=True)
    more = pd.concat([_pairs(songs), _pairs(songs.assign(song_id="x" + songs["song_id"]), "val")])
    expected = blending.learn(songs, _pairs(songs), _noise, "songs", {})
    assert blending.learn(songs, more.reset_index(drop=True), _noise, "songs", {}) == expected


def test_of_many_songs_a_sample_is_taken() -> None:
    songs = _songs(has_list=True)
    val = blending.val_pairs(songs, _pairs(songs), _noise, "songs", "val", max_songs=30)
    assert len(np.unique([val.left, val.right])) <= 30
    assert len(val.left) <= 30 * 29 / 2


def test_tags_of_both_sources_are_case_folded_and_keep_the_larger_weight() -> None:
    songs = pd.DataFrame(
        {
            "tags": [["Soul", "rock"], None, []],
            "lastfm_tags": [["soul", "70s", "odd"], ["pop"], None],
            "lastfm_weights": [[50.0, 25.0, 0.0], [100.0], None],
        }
    )
    assert blending.all_tags(songs) == [{"soul": 1.0, "rock": 1.0, "70s": 0.25}, {"pop": 1.0}, {}]
