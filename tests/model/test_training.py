"""Training: what a batch holds, when it stops, and that a killed run loses nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist import params, training, vectors
from neuralist.tokens import Vocabulary
from neuralist.vectors import WordVectors

Parts = dict[str, training.Examples]

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
SETTINGS = params.Experiment(
    protocol="songs",
    max_words=6,
    units=4,
    similarity="manhattan",
    batch_size=8,
    learning_rate=0.02,
    dropout=0.2,
    epochs=4,
    patience=4,
    seed=7,
)


@pytest.fixture(scope="module")
def words() -> WordVectors:
    rng = np.random.default_rng(8)
    return vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})


@pytest.fixture(scope="module")
def parts(words: WordVectors) -> Parts:
    """Two worlds, moss and wires: songs of one world are alike."""
    rng = np.random.default_rng(9)
    lyrics = [" ".join(rng.choice(WORDS[:3] if i % 2 else WORDS[3:], size=5)) for i in range(20)]
    songs = pd.DataFrame({"song_id": [f"s{i:02}" for i in range(20)], "lyrics": lyrics})
    listed = pd.DataFrame(
        [
            (f"s{i:02}", f"s{j:02}", 0.9 if (i - j) % 2 == 0 else 0.1, "train" if j < 16 else "val")
            for j in range(20)
            for i in range(j)
        ],
        columns=["left_id", "right_id", "similarity", "split"],
    )
    return training.examples(songs, listed, words.vocabulary, SETTINGS.max_words)


def _quiet(record: training.Epoch, at: tuple[int, int] | None) -> None:
    """Report to nobody."""


def _fit(
    words: WordVectors,
    parts: Parts,
    checkpoint: Path,
    report: Any = _quiet,
    **kw: Any,
) -> tuple[list[training.Epoch], list[np.ndarray]]:
    settings = SETTINGS.model_copy(update=kw)
    model = training.make_model(settings, words, len(parts["train"].left))
    history = training.fit(model, parts, settings, checkpoint, report)
    return history, model.get_weights()


def test_examples_point_at_the_tokens_of_their_songs() -> None:
    songs = pd.DataFrame({"song_id": ["a", "b", "c"], "lyrics": ["moss", "fern fern", "stone"]})
    rows = pd.DataFrame(
        [("c", "a", 0.5, "train"), ("a", "c", 0.25, "train"), ("b", "a", 1.0, "val")],
        columns=["left_id", "right_id", "similarity", "split"],
    )
    made = training.examples(songs, rows, Vocabulary(["moss", "stone", "fern"]), 2)
    assert made["train"].tokens.tolist() == [[2], [3]], "cut to the longest song"
    assert (made["train"].left.tolist(), made["train"].right.tolist()) == ([1, 0], [0, 1])
    assert made["train"].similarity.tolist() == [0.5, 0.25]
    assert made["val"].tokens[made["val"].left[0]].tolist() == [4, 4]


def test_no_training_pair_is_refused() -> None:
    songs = pd.DataFrame({"song_id": ["a", "b"], "lyrics": ["moss", "fern"]})
    rows = pd.DataFrame([("a", "b", 0.5, "test")], columns=["left_id", "right_id", "similarity", "split"])
    with pytest.raises(ValueError, match="no pair in split train among 1"):
        training.examples(songs, rows, Vocabulary(["moss"]), 2)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 5), st.integers(1, 5))
def test_an_epoch_holds_each_pair_once_and_a_batch_each_song_and_word_once(
    n: int, size: int, seed: int, epoch: int
) -> None:
    rng = np.random.default_rng(n)
    # song i's tokens are i + 1, so that a row of a batch tells which song it holds
    tokens = np.repeat(np.arange(1, 11, dtype=np.int32)[:, None], 3, axis=1)
    left, right = rng.integers(0, 10, size=(2, n)).astype(np.int32)
    data = training.Examples(tokens, left, right, np.arange(n, dtype=np.float32))
    seen = []
    for batch, target in training.batches(data, size, seed, epoch):
        songs = batch["words"][batch["tokens"][:, 0]] - 1
        held = songs[songs >= 0]
        assert len(np.unique(held)) == len(held)
        words = batch["words"][batch["words"] > 0]
        assert len(np.unique(words)) == len(words)
        assert len(target) <= size
        assert (songs[batch["left"]] == left[target.astype(int)]).all()
        assert (songs[batch["right"]] == right[target.astype(int)]).all()
        seen += target.tolist()
    assert sorted(seen) == list(range(n))


def test_epochs_are_shuffled_differently_and_repeatably() -> None:
    data = training.Examples(
        np.ones((5, 1), np.int32), *np.zeros((2, 50), np.int32), np.arange(50, dtype=np.float32)
    )
    first, again, second = (next(training.batches(data, 50, 7, epoch))[1].tolist() for epoch in (1, 1, 2))
    assert first == again
    assert first != second


def test_two_worlds_are_told_apart(words: WordVectors, parts: Parts, tmp_path: Path) -> None:
    history, _ = _fit(words, parts, tmp_path / "epoch.npz", epochs=25, patience=25, dropout=0.0)
    # the mean of the val similarities, 0.5, alone would leave a mean squared error of 0.16
    assert min(record["val_loss"] for record in history) < 0.05
    assert max(record["val_accuracy"] for record in history) > 0.9


def test_training_stops_patience_epochs_after_the_best(
    words: WordVectors, parts: Parts, tmp_path: Path
) -> None:
    history, _ = _fit(words, parts, tmp_path / "epoch.npz", epochs=60, patience=2, learning_rate=0.3)
    assert len(history) < 60
    assert len(history) == training.best_epoch(history) + 2


def test_the_best_epochs_weights_are_kept(words: WordVectors, parts: Parts, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 60, "patience": 3, "learning_rate": 0.3})
    model = training.make_model(settings, words, len(parts["train"].left))
    by_epoch = []

    def keep(record: training.Epoch, at: tuple[int, int] | None) -> None:
        if at is None:
            by_epoch.append(model.get_weights())

    history = training.fit(model, parts, settings, tmp_path / "epoch.npz", keep)
    best = training.best_epoch(history)
    assert best < len(history) == len(by_epoch)
    for got, wanted in zip(model.get_weights(), by_epoch[best - 1], strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_without_val_pairs_all_epochs_run(words: WordVectors, parts: Parts, tmp_path: Path) -> None:
    alone = {"train": parts["train"], "val": training.Examples(*(array[:0] for array in parts["val"]))}
    history, _ = _fit(words, alone, tmp_path / "epoch.npz", patience=1)
    assert len(history) == SETTINGS.epochs
    assert set(history[0]) == {"epoch", "loss", "accuracy"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing cleans up."""


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("moment", ["in", "after"])
def test_a_run_killed_in_any_epoch_resumes_to_the_same_weights(
    words: WordVectors, parts: Parts, tmp_path: Path, epoch: int, moment: str
) -> None:
    _, undisturbed = _fit(words, parts, tmp_path / "whole.npz")

    def kill(record: training.Epoch, at: tuple[int, int] | None) -> None:
        if record["epoch"] == epoch and (
            at == (2, at[1]) if at and moment == "in" else not at and moment == "after"
        ):
            raise Killed

    with pytest.raises(Killed):
        _fit(words, parts, tmp_path / "killed.npz", kill)
    epochs = []
    _, resumed = _fit(
        words, parts, tmp_path / "killed.npz", lambda record, at: epochs.append(record["epoch"])
    )
    assert min(epochs, default=SETTINGS.epochs) == min(epoch + (moment == "after"), SETTINGS.epochs)
    for got, wanted in zip(resumed, undisturbed, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_checkpoint_is_named(
    words: WordVectors, parts: Parts, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "epoch.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"epoch\.npz: no checkpoint of this training"):
        _fit(words, parts, tmp_path / "epoch.npz")


def test_a_fingerprint_changes_with_settings_pairs_and_vectors(words: WordVectors, parts: Parts) -> None:
    other = words._replace(matrix=words.matrix + 1)
    fewer = parts | {"train": training.Examples(*parts["train"][:3], parts["train"].similarity / 2)}
    prints = [
        training.fingerprint(SETTINGS, parts, words),
        training.fingerprint(SETTINGS.model_copy(update={"units": 5}), parts, words),
        training.fingerprint(SETTINGS, parts, other),
        training.fingerprint(SETTINGS, fewer, words),
    ]
    assert len(set(prints)) == 4
    assert training.fingerprint(SETTINGS, parts, words) == prints[0]
