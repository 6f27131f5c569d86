"""Shares of the examples: together they are all of them, in the batches that one process draws."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import trained
from tests.settings import experiment

from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import Listings
from neuralist.text import word_vectors
from neuralist.text.vocabulary import Windows
from neuralist.text.word_vectors import WordVectors
from neuralist.training import batches, examples
from neuralist.training.distributed import shards
from neuralist.training.distributed.shards import Shard
from neuralist.training.examples import Examples, TablePaths, TrainingData

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
Pair = tuple[int, int, float]


class Lone(NamedTuple):
    """A worker that hears from no other: what only others read stays 0."""

    shard: Shard

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Of this worker's alone."""
        return list(arrays)


def whole(n_pairs: int, n_windows: Sequence[int], seed: int) -> Examples:
    """Pairs among some songs; each token tells its window, and the answer of a song its number."""
    rng = np.random.default_rng(seed)
    n_songs = len(n_windows)
    starts = np.cumsum([0, *n_windows])
    texts = Windows(np.arange(1, starts[-1] + 1, dtype=np.int32)[:, None], starts, np.array(n_windows))
    left, right = rng.integers(0, n_songs, size=(2, n_pairs)).astype(np.int32)
    similarity = rng.random(n_pairs).astype(np.float32)
    answers = np.arange(n_songs, dtype=np.float32)[:, None]
    made = Examples(texts, left, right, similarity, np.ones(n_pairs, bool), np.ones(n_pairs), answers)
    # In its other transcription a song has one window, whose token is above those of all songs.
    others = np.arange(1, n_songs + 1, dtype=np.int32)[:, None] + starts[-1]
    versions = np.concatenate([texts.ids, others])
    ends = np.concatenate([starts, starts[-1] + np.arange(1, n_songs + 1)])
    return made._replace(
        transcriptions=Windows(versions, ends, np.append(texts.lengths, np.ones(n_songs, int)))
    )


def read(batch: dict[str, np.ndarray], targets: dict[str, np.ndarray]) -> tuple[list[Pair], list[float]]:
    """The pairs of a batch, each song told by the first window that is read of it, and the answers."""
    shown = batch["words"][batch["tokens"][:, 0]]
    n_songs = len(batch["lengths"])
    average = batch.get("average", np.eye(n_songs, len(shown)))
    song = [int(shown[row > 0].min(initial=10**6)) for row in average]
    pairs = [
        (song[left], song[right], float(similarity))
        for left, right, (similarity, weight) in zip(
            batch["left"], batch["right"], targets["similarity"], strict=True
        )
        if weight
    ]
    known = targets["answers"][~np.isnan(targets["answers"])]
    return pairs, known.tolist()


@pytest.mark.slow
@given(
    n_pairs=st.integers(2, 40),
    n_windows=st.lists(st.integers(1, 3), min_size=2, max_size=12),
    n_workers=st.integers(1, 4),
    size=st.integers(2, 9),
    epoch=st.integers(1, 3),
    kind=st.sampled_from(["pairs", "songs"]),
    read_of_songs=st.fixed_dictionaries(
        {"window_sample_rate": st.sampled_from([0.4, 1.0]), "augmentation": st.sampled_from([0.0, 0.6])}
    ),
)
def test_batches_of_all_shares_are_those_of_one_process(
    n_pairs: int,
    n_windows: list[int],
    n_workers: int,
    size: int,
    epoch: int,
    kind: str,
    read_of_songs: dict[str, float],
) -> None:
    settings = experiment(batch_unit=kind, batch_size=size, **read_of_songs)
    of_all = whole(n_pairs, n_windows, epoch)
    prepared = TrainingData({"train": of_all, "val": of_all}, _words(), {}, "", {})
    cuts = [shards.cut(prepared, Shard(number, n_workers)).splits["train"] for number in range(n_workers)]
    drawn = [list(batches.draw(part, settings, epoch)) for part in (of_all, *cuts)]
    assert {len(of_one) for of_one in drawn} == {batches.steps(of_all, settings)}
    for one, *shares in zip(*drawn, strict=True):
        pairs, answers = read(*one)
        found = [read(*share) for share in shares]
        assert sorted(pair for of_share, _ in found for pair in of_share) == sorted(pairs)
        if kind == "songs":
            assert sorted(answer for _, of_share in found for answer in of_share) == sorted(answers)


def _words() -> WordVectors:
    rng = np.random.default_rng(8)
    return word_vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> TablePaths:
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(5)
    ids = [f"s{i:02}" for i in range(24)]
    lyrics = [" ".join(rng.choice(WORDS, size=1 + i % 7)) for i in range(24)]
    songs = trained.songs(dict(zip(ids, lyrics, strict=True))).assign(fold=2)
    # 15 to 17 are named by no pair, 18 and later by val pairs
    pairs = pd.DataFrame(
        [
            (ids[i], ids[j], float(rng.random()), "train" if j < 15 else "val")
            for j in (*range(15), *range(18, 24))
            for i in range(j)
            if (i >= 18) == (j >= 18) and rng.random() < 0.4
        ],
        columns=["left_id", "right_id", "similarity", "split"],
    ).sample(frac=1, random_state=1)
    made = TablePaths(*(folder / f"{name}.parquet" for name in TablePaths._fields[:4]), folder / "none")
    parquet.write(songs, tables.SONGS, made.songs)
    parquet.write(pairs, tables.ROWS, made.rows)
    parquet.write(trained.pairs(pairs.itertuples(index=False, name=None)), tables.PAIRS, made.pairs)
    unlisted = pairs.iloc[::5].drop(columns="similarity").assign(weight=3.0)
    parquet.write(unlisted, tables.UNLISTED, made.unlisted)
    return made


@pytest.mark.parametrize("n_workers", [1, 3])
@pytest.mark.parametrize(
    "own", [{"protocol": "songs", "target": "observable", "window": 3}, {"protocol": "paper"}]
)
def test_tables_read_by_shard_give_what_cutting_all_gives(
    paths: TablePaths, own: dict[str, Any], n_workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "PIECE", 7)
    settings = experiment(max_tokens=6, **own)
    listing = Listings.load(paths.rows, paths.pairs, paths.unlisted).of(settings)
    of_all = examples.prepare(settings, parquet.read(paths.songs, tables.SONGS), listing, _words())
    for number in range(n_workers):
        shard = Shard(number, n_workers)
        got, wanted = shards.prepare(settings, paths, _words(), Lone(shard)), shards.cut(of_all, shard)
        for split in ("train", "val"):
            _assert_same(got.splits[split], wanted.splits[split])
        share, known = got.splits["train"].share, wanted.splits["train"].share
        assert share is not None
        assert known is not None
        assert share.n_pairs == known.n_pairs
        for name in ("pairs", "songs", "owned"):
            np.testing.assert_array_equal(getattr(share, name), getattr(known, name))
        own_songs = share.songs[share.owned]
        np.testing.assert_array_equal(share.lengths[own_songs], known.lengths[own_songs])


def _assert_same(got: Examples, wanted: Examples) -> None:
    assert got.similarity.tolist() == wanted.similarity.tolist()
    assert got.weight.tolist() == wanted.weight.tolist()
    texts = [
        [row[row > 0].tolist() for row in part.songs.ids[part.songs.rows(ends)[1]]]
        for part in (got, wanted)
        for ends in (part.left, part.right)
    ]
    assert texts[:2] == texts[2:]
    assert got.songs.starts.tolist() == wanted.songs.starts.tolist()


def test_a_worker_reads_its_share_of_the_texts_and_no_others(paths: TablePaths) -> None:
    """Of many songs with a pair each, a worker holds little more than its share."""
    settings = experiment(protocol="paper", max_tokens=6)
    parts = shards.prepare(settings, paths, _words(), Lone(Shard(1, 8))).splits
    train = parts["train"]
    named = {*train.left.tolist(), *train.right.tolist()}
    assert len(train.left) == -(-(train.n_pairs - 1) // 8)
    assert train.share is not None
    assert len(train.songs.lengths) == len(named | set(np.flatnonzero(train.share.owned).tolist()))
    assert len(train.songs.lengths) < len(train.lengths)
    assert len(parts["val"].left) == len(parts["val"].songs.lengths) == 0, "val is the chief's"


def test_heads_with_pairs_at_random_are_refused(paths: TablePaths) -> None:
    settings: params.Experiment = experiment(heads={"year": 1.0})
    with pytest.raises(ValueError, match=r"batch_unit: received 'pairs' with heads, .* choose songs"):
        shards.prepare(settings, paths, _words(), Lone(Shard(0, 2)))
