"""Training: what a batch holds, when it stops, and that a killed run loses nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.settings import experiment

from neuralist.model import histograms, losses
from neuralist.text import word_vectors
from neuralist.text.vocabulary import PADDING, UNKNOWN, Windows
from neuralist.text.word_vectors import WordVectors
from neuralist.training import batches, examples, loop

pytestmark = pytest.mark.tensorflow

Parts = dict[str, examples.Examples]

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
SETTINGS = experiment(
    protocol="songs",
    max_tokens=6,
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
    return word_vectors.assemble({word: rng.normal(size=8) for word in WORDS}, 3.0, "made", {})


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
    ).assign(listed=True, weight=1.0)
    return examples.prepare(SETTINGS, songs, listed, words).splits


def _quiet(record: loop.Epoch, at: tuple[int, int] | None) -> None:
    """Report to nobody."""


def _fit(
    words: WordVectors,
    parts: Parts,
    checkpoint: Path,
    report: Any = _quiet,
    **kw: Any,
) -> tuple[list[loop.Epoch], list[np.ndarray]]:
    settings = SETTINGS.model_copy(update=kw)
    model = loop.make_model(settings, examples.TrainingData(parts, words, {}, "", {}))
    history = loop.fit(model, parts, settings, checkpoint, report)
    return history, model.get_weights()


@pytest.mark.parametrize("heads", [{}, {"year": 1, "tags": 2}])
def test_a_step_is_the_one_that_keras_own_loop_takes(
    words: WordVectors, parts: Parts, heads: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = np.random.default_rng(3).normal(size=(len(parts["train"].lengths), sum(heads.values())))
    answers[::3] = np.nan
    train = parts["train"]._replace(head_targets=answers.astype(np.float32))
    settings = SETTINGS.model_copy(update={"dropout": 0.0, "heads": dict.fromkeys(heads, 0.5)})
    prepared = examples.TrainingData({"train": train}, words, heads, "", {})
    models = [loop.make_model(settings, prepared) for _ in range(2)]
    own = loop.trainer(models[0], settings)
    with monkeypatch.context() as patched:
        patched.setattr(keras.backend, "backend", lambda: "another")
        by_keras = loop.trainer(models[1], settings)
    for batch, targets in batches.draw(train, settings, 1):
        (figures, n), (expected, m) = own(batch, targets), by_keras(batch, targets)
        np.testing.assert_allclose(figures, expected, atol=1e-6)
        assert n == m
    for weights, expected in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-5)


def made(songs: Windows, left: np.ndarray, right: np.ndarray) -> examples.Examples:
    """Listed pairs of the similarities 0, 1, 2, ..., by which a batch tells which pair it holds."""
    n, no_answers = len(left), np.zeros((len(songs.lengths), 0), dtype=np.float32)
    similarity = np.arange(n, dtype=np.float32)
    return examples.Examples(songs, left, right, similarity, np.ones(n, bool), np.ones(n), no_answers)


def test_examples_point_at_the_tokens_of_their_songs() -> None:
    songs = pd.DataFrame({"song_id": ["a", "b", "c"], "lyrics": ["moss", "fern fern", "stone"]})
    rows = pd.DataFrame(
        [("c", "a", 0.5, "train"), ("a", "c", 0.25, "train"), ("b", "a", 1.0, "val")],
        columns=["left_id", "right_id", "similarity", "split"],
    ).assign(listed=True, weight=1.0)
    known = word_vectors.assemble(dict.fromkeys(("moss", "stone", "fern"), np.ones(8)), 3.0, "made", {})
    made = examples.prepare(SETTINGS.model_copy(update={"max_tokens": 2}), songs, rows, known).splits
    moss, stone, fern = range(2, 5)
    assert made["train"].songs.ids.tolist() == [[moss], [stone]], "cut to the longest song"
    assert (made["train"].left.tolist(), made["train"].right.tolist()) == ([1, 0], [0, 1])
    assert made["train"].similarity.tolist() == [0.5, 0.25]
    assert made["val"].songs.ids[made["val"].left[0]].tolist() == [fern, fern]


def test_no_training_pair_is_refused(words: WordVectors) -> None:
    songs = pd.DataFrame({"song_id": ["a", "b"], "lyrics": ["moss", "fern"]})
    rows = pd.DataFrame([("a", "b", 0.5, "test")], columns=["left_id", "right_id", "similarity", "split"])
    rows = rows.assign(listed=True, weight=1.0)
    with pytest.raises(ValueError, match="no pair in split train among 1"):
        examples.prepare(SETTINGS, songs, rows, words)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 5), st.integers(1, 5))
def test_an_epoch_holds_each_pair_once_and_a_batch_each_song_and_word_once(
    n: int, size: int, seed: int, epoch: int
) -> None:
    rng = np.random.default_rng(n)
    # song i's tokens are i + 1, so that a row of a batch tells which song it holds
    tokens = np.repeat(np.arange(1, 11, dtype=np.int32)[:, None], 3, axis=1)
    left, right = rng.integers(0, 10, size=(2, n)).astype(np.int32)
    data = made(Windows(tokens, np.arange(11), np.full(10, 3)), left, right)
    settings = SETTINGS.model_copy(update={"batch_size": size, "seed": seed})
    seen = []
    for batch, targets in batches.draw(data, settings, epoch):
        target, weight = targets["similarity"].T
        assert len(target) == size  # the last one is filled up with pairs of no weight
        assert set(weight) <= {0.0, 1.0}
        assert (np.diff(weight) <= 0).all()
        target = target[weight > 0]
        songs = batch["words"][batch["tokens"][:, 0]] - 1
        held = songs[songs >= 0]
        assert len(np.unique(held)) == len(held)
        words = batch["words"][batch["words"] > 0]
        assert len(np.unique(words)) == len(words)
        assert (songs[batch["left"]][: len(target)] == left[target.astype(int)]).all()
        assert (songs[batch["right"]][: len(target)] == right[target.astype(int)]).all()
        seen += target.tolist()
    assert sorted(seen) == list(range(n))


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 5))
def test_a_batch_of_songs_holds_all_pairs_among_them_and_an_epoch_each_song_once(
    n: int, size: int, epoch: int
) -> None:
    rng = np.random.default_rng(n)
    tokens = np.repeat(np.arange(1, 11, dtype=np.int32)[:, None], 3, axis=1)
    left, right = rng.integers(0, 10, size=(2, n)).astype(np.int32)
    data = made(Windows(tokens, np.arange(11), np.full(10, 3)), left, right)
    data = data._replace(head_targets=np.arange(10, dtype=np.float32)[:, None])
    settings = SETTINGS.model_copy(update={"batch_unit": "songs", "batch_size": size})
    seen: list[int] = []
    for batch, targets in batches.draw(data, settings, epoch):
        songs = batch["words"][batch["tokens"][:, 0]] - 1
        held = songs[songs >= 0].tolist()
        target, weight = targets["similarity"].T
        filled = weight > 0
        found = zip(songs[batch["left"]][filled], songs[batch["right"]][filled], target[filled], strict=True)
        among = [(a, b, k) for k, (a, b) in enumerate(zip(left, right, strict=True)) if {a, b} <= set(held)]
        assert list(found) == among
        assert len(target) % batches.PAIRS_A_STEP == 0
        assert targets["answers"][: len(held), 0].tolist() == held
        assert np.isnan(targets["answers"][len(held) :]).all()
        seen += held
    assert sorted(seen) == list(range(10))


@pytest.mark.parametrize(
    ("n_words", "filled"),
    [(1, 256), (255, 256), (256, 512), (1024, 1280), (2047, 2048), (2048, 2560), (4095, 4096), (6000, 6144)],
)
def test_distinct_words_and_padding_are_filled_up_to_one_of_few_numbers(n_words: int, filled: int) -> None:
    texts = Windows(np.arange(1, n_words + 1, dtype=np.int32)[None], np.array([0, 1]), np.array([n_words]))
    words = batches.inputs(texts, np.array([0]), 1)["words"]
    assert words.tolist() == [0, *range(1, n_words + 1), *[0] * (filled - n_words - 1)]


def test_a_small_last_batch_has_the_shapes_of_those_before() -> None:
    tokens = np.arange(1, 601, dtype=np.int32).reshape(2, 300)  # both songs: 600 words; one song: 300
    data = made(Windows(tokens, np.arange(3), np.full(2, 300)), *np.array([[0, 1, 0], [1, 0, 0]], np.int32))
    settings = SETTINGS.model_copy(update={"batch_size": 2})
    epochs = [list(batches.draw(data, settings, epoch)) for epoch in range(1, 9)]
    last_alone = [
        drawn for drawn in epochs if drawn[1][1]["similarity"][0].tolist() == [2, 1]
    ]  # made's similarity is the pair's number: pair 2, of song 0 with itself, is left for the last
    assert last_alone
    for drawn in last_alone:
        first, last = ({name: array.shape for name, array in batch.items()} for batch, _ in drawn)
        assert first == last
        assert first["words"] == (768,)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=9), st.integers(0, 3), st.data())
def test_a_batch_holds_all_windows_of_its_songs_and_averages_them(
    counts: list[int], more: int, data: st.DataObject
) -> None:
    # window w's only token is w + 1
    starts = np.cumsum([0, *counts])
    texts = Windows(np.arange(1, starts[-1] + 1, dtype=np.int32)[:, None], starts, np.array(counts))
    songs = np.array(data.draw(st.lists(st.integers(0, len(counts) - 1), min_size=1, unique=True)))
    batch = batches.inputs(texts, songs, len(songs) + more)

    tokens = batch["words"][batch["tokens"][:, 0]]
    assert len(tokens) % (len(songs) + more) == 0
    average = batch.get("average", np.eye(len(songs) + more, len(tokens)))
    assert average.shape == (len(songs) + more, len(tokens))
    for place, song in enumerate(songs):
        shares = dict(
            zip(tokens[average[place] > 0].tolist(), average[place][average[place] > 0], strict=True)
        )
        windows = range(starts[song] + 1, starts[song + 1] + 1)
        assert shares == pytest.approx(dict.fromkeys(windows, 1 / counts[song]))
    if "average" in batch:
        assert not average[len(songs) :].any(), "rows of padding hold no song"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=9), st.floats(0.05, 0.95), st.integers(1, 9))
def test_a_sample_of_windows_is_some_of_every_song_others_each_epoch(
    counts: list[int], share: float, epoch: int
) -> None:
    # window w's only token is w + 1
    starts = np.cumsum([0, *counts])
    texts = Windows(np.arange(1, starts[-1] + 1, dtype=np.int32)[:, None], starts, np.array(counts))
    n = len(counts)
    data = made(texts, np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32))
    settings = SETTINGS.model_copy(
        update={"batch_unit": "songs", "batch_size": n, "window_sample_rate": share}
    )
    [(batch, _)] = batches.draw(data, settings, epoch)
    read = batch["words"][batch["tokens"][:, 0]]
    average = batch.get("average", np.eye(n))
    for song, count in enumerate(counts):
        place = batch["left"][song]  # pair number `song` is that song with itself
        own = read[average[place] > 0]
        assert 1 <= len(own) <= count
        assert set(own) <= set(range(starts[song] + 1, starts[song + 1] + 1))
        assert average[place].sum() == pytest.approx(1)


def test_the_share_of_windows_sampled_is_the_window_sample_rate() -> None:
    texts = Windows(np.arange(1, 5001, dtype=np.int32)[:, None], np.array([0, 5000]), np.array([5000]))
    data = made(texts, *np.zeros((2, 1), np.int32))
    settings = SETTINGS.model_copy(update={"batch_unit": "songs", "window_sample_rate": 0.3})
    first, second = (set(next(batches.draw(data, settings, epoch))[0]["words"]) for epoch in (1, 2))
    # four standard deviations of a binomial share are 0.026
    assert len(first) / 5000 == pytest.approx(0.3, abs=0.026)
    assert first != second


def test_an_epoch_reads_the_share_augmentation_of_songs_in_another_transcription() -> None:
    # song s's only token is s + 1, of its two other transcriptions s + 1001 and s + 2001
    songs = np.arange(1, 1001, dtype=np.int32)[:, None]
    texts = Windows(songs, np.arange(1001), np.ones(1000, dtype=np.int64))
    versions = np.concatenate([songs, songs + 1000, songs + 2000])
    data = made(texts, *np.arange(1000, dtype=np.int32)[None].repeat(2, axis=0))._replace(
        transcriptions=Windows(versions, np.arange(3001), np.ones(3000, dtype=np.int64))
    )
    settings = SETTINGS.model_copy(update={"batch_unit": "songs", "batch_size": 1000, "augmentation": 0.4})
    first, second = (_tokens_read(next(batches.draw(data, settings, epoch))[0]) for epoch in (1, 2))
    assert {(token - 1) % 1000 for token in first} == set(range(1000)), "each song once"
    shares = [np.mean([low < token <= low + 1000 for token in first]) for low in (0, 1000, 2000)]
    # four standard deviations of a binomial share of 1,000 are 0.062
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.062)
    assert first != second


def _tokens_read(batch: dict[str, np.ndarray]) -> list[int]:
    return sorted(batch["words"][batch["tokens"][:, 0]].tolist())


def _val() -> tuple[examples.Examples, np.ndarray]:
    """Forty val pairs, of which those of similarity 0.25 or more are listed, and predictions for them."""
    rng = np.random.default_rng(5)
    truth, predicted = rng.random(40).astype(np.float32), rng.random(40)
    nothing = np.zeros(40, dtype=np.int32)
    val = made(Windows(nothing[:, None], np.arange(41), nothing), nothing, nothing)
    return val._replace(similarity=truth, listed=truth >= 0.25), predicted


def test_val_metrics_are_those_of_scipy_and_sklearn() -> None:
    from scipy.stats import spearmanr
    from sklearn.metrics import average_precision_score, roc_auc_score

    val, predicted = _val()
    truth = val.similarity
    figures = loop.val_metrics(val, predicted, "cross_entropy")
    assert figures["val_listed_auc"] == pytest.approx(roc_auc_score(truth >= 0.25, predicted))
    assert figures["val_spearman"] == pytest.approx(spearmanr(truth, predicted).statistic)
    assert figures["val_average_precision"] == pytest.approx(average_precision_score(truth >= 0.5, predicted))
    assert figures["val_accuracy"] == pytest.approx(np.mean((truth >= 0.5) == (predicted >= 0.5)))


def test_the_cross_entropy_of_val_is_that_of_sklearn() -> None:
    from sklearn.metrics import log_loss

    val, predicted = _val()
    truth = val.similarity
    # sklearn's loss for one pair counted as similar with weight s and as dissimilar with weight 1 - s
    weights = np.concatenate([truth, 1 - truth])
    twice = np.concatenate([predicted, predicted])
    expected = 2 * log_loss(np.repeat([1, 0], 40), twice, sample_weight=weights) * weights.sum() / 80
    figures = loop.val_metrics(val, predicted, "cross_entropy")
    assert figures["val_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_squared_error_of_val_is_the_mean_over_pairs() -> None:
    val, predicted = _val()
    expected = np.mean((val.similarity - predicted) ** 2)
    assert loop.val_metrics(val, predicted, "mse")["val_loss"] == pytest.approx(expected)


def test_val_metrics_are_in_one_order_and_have_an_auc_where_pairs_are_unlisted() -> None:
    val, predicted = _val()
    columns = ["loss", "accuracy", "decile_accuracy", "spearman", "average_precision", "listed_auc"]
    figures = [f"val_{name}" for name in columns]
    assert list(loop.val_metrics(val, predicted, "mse")) == figures
    all_listed = val._replace(listed=val.similarity >= 0)
    assert list(loop.val_metrics(all_listed, predicted, "mse")) == figures[:-1]


def test_an_epoch_that_diverged_is_not_the_best() -> None:
    losses = [0.5, float("nan"), 0.25, 0.4]
    history = [{"epoch": epoch, "val_loss": loss} for epoch, loss in enumerate(losses, start=1)]
    assert loop.best_epoch(history) == 3


def test_epochs_are_shuffled_differently_and_repeatably() -> None:
    data = made(Windows(np.ones((5, 1), np.int32), np.arange(6), np.ones(5)), *np.zeros((2, 50), np.int32))
    settings = SETTINGS.model_copy(update={"batch_size": 50})
    first, again, second = (
        next(batches.draw(data, settings, epoch))[1]["similarity"].tolist() for epoch in (1, 1, 2)
    )
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
    assert len(history) == loop.best_epoch(history) + 2


def test_the_best_epochs_weights_are_kept(words: WordVectors, parts: Parts, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 60, "patience": 3, "learning_rate": 0.3})
    model = loop.make_model(settings, examples.TrainingData(parts, words, {}, "", {}))
    by_epoch = []

    def keep(record: loop.Epoch, at: tuple[int, int] | None) -> None:
        if at is None:
            by_epoch.append(model.get_weights())

    history = loop.fit(model, parts, settings, tmp_path / "epoch.npz", keep)
    best = loop.best_epoch(history)
    assert best < len(history) == len(by_epoch)
    for got, wanted in zip(model.get_weights(), by_epoch[best - 1], strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_without_val_pairs_all_epochs_run(words: WordVectors, parts: Parts, tmp_path: Path) -> None:
    val = parts["val"]
    alone = {"train": parts["train"], "val": val._replace(left=val.left[:0], right=val.right[:0])}
    history, _ = _fit(words, alone, tmp_path / "epoch.npz", patience=1)
    assert len(history) == SETTINGS.epochs
    assert set(history[0]) == {"epoch", "loss", "accuracy"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing cleans up."""


@pytest.fixture(scope="module")
def undisturbed(
    words: WordVectors, parts: Parts, tmp_path_factory: pytest.TempPathFactory
) -> list[np.ndarray]:
    """The weights of a run that nothing killed; with pooling over time, as XLA would take seconds a run."""
    return _fit(words, parts, tmp_path_factory.mktemp("whole") / "epoch.npz", pooling="mean")[1]


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("moment", ["in", "after"])
def test_a_run_killed_in_any_epoch_resumes_to_the_same_weights(
    words: WordVectors, parts: Parts, undisturbed: list[np.ndarray], tmp_path: Path, epoch: int, moment: str
) -> None:

    def kill(record: loop.Epoch, at: tuple[int, int] | None) -> None:
        if record["epoch"] == epoch and (
            at == (2, at[1]) if at and moment == "in" else not at and moment == "after"
        ):
            raise Killed

    with pytest.raises(Killed):
        _fit(words, parts, tmp_path / "killed.npz", kill, pooling="mean")
    epochs = []
    _, resumed = _fit(
        words,
        parts,
        tmp_path / "killed.npz",
        lambda record, at: epochs.append(record["epoch"]),
        pooling="mean",
    )
    assert min(epochs, default=SETTINGS.epochs) == min(epoch + (moment == "after"), SETTINGS.epochs)
    for got, wanted in zip(resumed, undisturbed, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_histograms_change_no_weight_and_are_the_same_after_a_kill(
    words: WordVectors, parts: Parts, undisturbed: list[np.ndarray], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"pooling": "mean", "histograms": True}
    _, shown = _fit(words, parts, tmp_path / "whole.npz", **options)
    for got, wanted in zip(shown, undisturbed, strict=True):
        np.testing.assert_array_equal(got, wanted)

    def kill(record: loop.Epoch, at: tuple[int, int] | None) -> None:
        if record["epoch"] == 3 and at is not None:
            raise Killed

    with pytest.raises(Killed):
        _fit(words, parts, tmp_path / "killed.npz", kill, **options)
    _fit(words, parts, tmp_path / "killed.npz", **options)
    whole, killed = (tmp_path / f"{name}-{histograms.FILE}" for name in ("whole", "killed"))
    assert whole.read_bytes() == killed.read_bytes()


def test_the_gradients_that_are_shown_are_those_of_the_epochs_first_batch(
    words: WordVectors, parts: Parts
) -> None:
    """Keras' own step of rate 1 takes the gradient off each weight."""
    settings = SETTINGS.model_copy(update={"dropout": 0.0, "pooling": "mean"})
    model = loop.make_model(settings, examples.TrainingData(parts, words, {}, "", {}))
    shown = loop.weights_and_gradients(model, parts["train"], settings, 2)
    before = loop.values(model.trainable_variables)
    for name, weight in zip([name for name in shown if name.startswith("weights/")], before, strict=True):
        np.testing.assert_array_equal(shown[name], weight)

    batch, targets = next(batches.draw(parts["train"], settings, 2))
    model.compile(keras.optimizers.SGD(1.0), loss=losses.pair_loss("mse"))
    model.train_on_batch(batch, targets["similarity"])
    after = loop.values(model.trainable_variables)
    gradients = [array for name, array in shown.items() if name.startswith("gradients/")]
    for gradient, old, new in zip(gradients, before, after, strict=True):
        assert np.abs(gradient).max() > 0
        np.testing.assert_allclose(gradient, old - new, atol=1e-6)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_damaged_checkpoint_is_named(
    words: WordVectors, parts: Parts, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "epoch.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"epoch\.npz: no checkpoint of a training"):
        _fit(words, parts, tmp_path / "epoch.npz")


def test_a_fingerprint_changes_with_settings_pairs_and_vectors(words: WordVectors, parts: Parts) -> None:
    other = words._replace(matrix=words.matrix + 1)
    fewer = parts | {"train": parts["train"]._replace(similarity=parts["train"].similarity / 2)}
    prints = [
        examples.fingerprint(SETTINGS, parts, words),
        examples.fingerprint(SETTINGS.model_copy(update={"units": 5}), parts, words),
        examples.fingerprint(SETTINGS, parts, other),
        examples.fingerprint(SETTINGS, fewer, words),
    ]
    assert len(set(prints)) == 4
    assert examples.fingerprint(SETTINGS, parts, words) == prints[0]


def test_a_segmenter_is_part_of_a_fingerprint_and_its_absence_is_not(
    words: WordVectors, parts: Parts
) -> None:
    cut = words._replace(coverage=words.coverage.model_copy(update={"segmenter": "icu"}))
    assert examples.fingerprint(SETTINGS, parts, cut) != examples.fingerprint(SETTINGS, parts, words)
    of_settings = json.dumps([examples.VERSION, SETTINGS.model_dump()], sort_keys=True)
    assert examples.start_digest(SETTINGS, None).digest() == hashlib.sha256(of_settings.encode()).digest()


def test_examples_are_read_by_the_segmenter_of_the_word_vectors() -> None:
    pytest.importorskip("icu4py")
    words = word_vectors.assemble({"北京": np.ones(2), "moss": np.ones(2)}, 1.0, "made", {}, segmenter="icu")
    songs = pd.DataFrame({"song_id": ["a", "b"], "lyrics": ["我爱北京", "moss"]})
    listed = pd.DataFrame({"left_id": ["a"], "right_id": ["b"], "similarity": [1.0], "split": ["train"]})
    prepared = examples.prepare(SETTINGS, songs, listed.assign(listed=True, weight=1.0), words)
    assert prepared.splits["train"].songs.lengths.tolist() == [3, 1]
    assert prepared.splits["train"].songs.ids.tolist() == [[UNKNOWN, UNKNOWN, 2], [3, PADDING, PADDING]]
