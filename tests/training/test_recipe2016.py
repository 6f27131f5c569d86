"""The 2016 paper's recipe: its optimizer, clipping, forget bias, synonyms and pre-training."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras.ops import convert_to_numpy as to_numpy
from tests.settings import experiment

from neuralist.config import params
from neuralist.model.malstm import MaLSTM
from neuralist.text import word_vectors
from neuralist.text.word_vectors import WordVectors
from neuralist.training import batches, examples, loop
from neuralist.training.pretraining import Graded

pytestmark = pytest.mark.tensorflow

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
# Pooling over time, as XLA would take seconds a model.
SETTINGS = experiment(
    max_tokens=6, units=4, pooling="mean", batch_size=8, learning_rate=0.02, dropout=0.2, epochs=3, patience=3
)


@pytest.fixture(scope="module")
def words() -> WordVectors:
    drawn = np.random.default_rng(8).normal(size=(len(WORDS), 8))
    return word_vectors.assemble(dict(zip(WORDS, drawn, strict=True)), 3.0, "made", {})


def made(prefix: str, seed: int, n_val: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten texts of two worlds, moss and wires, and their 45 pairs, alike within a world, the last in val."""
    rng = np.random.default_rng(seed)
    lyrics = [" ".join(rng.choice(WORDS[:3] if i % 2 else WORDS[3:], size=5)) for i in range(10)]
    songs = pd.DataFrame({"song_id": [f"{prefix}{i}" for i in range(10)], "lyrics": lyrics})
    rows = [
        (f"{prefix}{i}", f"{prefix}{j}", 0.1 + 0.8 * ((i - j) % 2 == 0)) for j in range(10) for i in range(j)
    ]
    listing = pd.DataFrame(rows, columns=["left_id", "right_id", "similarity"])
    split = ["train"] * (45 - n_val) + ["val"] * n_val
    return songs, listing.assign(split=split, weight=1.0, listed=True)


TASK, OTHER = made("s", 9, 9), made("p", 10, 4)
GRADED = Graded(*OTHER)


def prepared(words: WordVectors, graded: Graded | None = None, **own: Any) -> examples.TrainingData:
    return examples.prepare(SETTINGS.model_copy(update=own), *TASK, words, graded)


def model_of(ready: examples.TrainingData, **own: Any) -> MaLSTM:
    return loop.make_model(SETTINGS.model_copy(update=own), ready)


def values(variable: Any) -> np.ndarray:
    found: Any = to_numpy(variable)
    return np.array(found)


def quiet(record: loop.Epoch, at: tuple[int, int] | None) -> None:
    """Report to nobody."""


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing cleans up."""


def test_the_forget_gates_begin_with_their_bias_and_all_others_with_0(words: WordVectors) -> None:
    model = model_of(prepared(words), forget_bias=2.5)
    # gates in the order i, f, c, o
    assert values(model.projection.bias).tolist() == [0.0] * 4 + [2.5] * 4 + [0.0] * 8


def stepped(words: WordVectors, gradients: list[float], **own: Any) -> tuple[np.ndarray, int]:
    """How far steps of planted gradients, each the same for all weights, move them; how many weights."""
    model = model_of(prepared(words), **own)
    variables = model.trainable_variables
    before = [values(variable) for variable in variables]
    moved = []
    for gradient in gradients:
        model.optimizer.apply([keras.ops.full(one.shape, gradient) for one in variables], variables)
        after = [values(variable) for variable in variables]
        changes = np.concatenate([(b - a).ravel() for a, b in zip(before, after, strict=True)])
        np.testing.assert_allclose(changes, changes[0], rtol=1e-2)  # float32 next to weights of about 1
        moved.append(changes.mean())
        before = after
    return np.array(moved), sum(one.size for one in before)


def adadelta(gradients: list[float], rate: float) -> list[float]:
    """Zeiler 2012, algorithm 1, with rho 0.95 and epsilon 1e-6."""
    squares, steps, moved = 0.0, 0.0, []
    for gradient in gradients:
        squares = 0.95 * squares + 0.05 * gradient**2
        step = -np.sqrt(steps + 1e-6) / np.sqrt(squares + 1e-6) * gradient
        steps = 0.95 * steps + 0.05 * step**2
        moved.append(rate * step)
    return moved


def test_adadelta_steps_as_zeiler_wrote_it(words: WordVectors) -> None:
    gradients = [0.5, -0.25, 2.0]
    found, _ = stepped(words, gradients, optimizer="adadelta", learning_rate=1.0)
    assert found == pytest.approx(adadelta(gradients, 1.0), rel=1e-2)
    found, _ = stepped(words, gradients, optimizer="adadelta", learning_rate=10.0)
    assert found == pytest.approx(adadelta(gradients, 10.0), rel=1e-2)


def test_a_huge_gradient_is_scaled_down_to_the_norm(words: WordVectors) -> None:
    # Then a small one: what the huge one left behind in the moving average shows by how much it was clipped.
    gradients = [1e6, 0.001]
    found, size = stepped(words, gradients, optimizer="adadelta", learning_rate=10.0, clip_norm=1.25)
    clipped = [1.25 / np.sqrt(size), 0.001]
    assert 0.001 * np.sqrt(size) < 1.25, "the small one is not clipped"
    assert found == pytest.approx(adadelta(clipped, 10.0), rel=2e-2)
    assert found[1] != pytest.approx(adadelta(gradients, 10.0)[1], rel=0.5)


def test_adam_falls_to_0_along_a_cosine_and_adadelta_keeps_its_rate(words: WordVectors) -> None:
    ready = prepared(words)
    n_steps = 3 * 5  # epochs, and batches of 8 pairs of 36
    for optimizer, expected in (
        ("adam", [0.02, 0.02 * (1 + np.cos(np.pi / 15)) / 2, 0.0]),
        ("adadelta", [0.02] * 3),
    ):
        model = model_of(ready, optimizer=optimizer)
        zeros = [keras.ops.zeros(one.shape) for one in model.trainable_variables]
        found = []
        for step in range(n_steps + 1):
            if step in (0, 1, n_steps):
                found.append(float(values(model.optimizer.learning_rate)))
            model.optimizer.apply(zeros, model.trainable_variables)
        assert found == pytest.approx(expected, abs=1e-8)


@pytest.fixture
def listed(tmp_path: Path) -> dict[str, Any]:
    """Settings that put stone for moss, moss for stone, wire for lamp, lamp for wire."""
    (tmp_path / "list.txt").write_text("moss stone\nlamp wire\n", encoding="utf-8")
    return {"synonyms": 0.5, "synonym_list": str(tmp_path / "list.txt")}


def read_as(ready: examples.TrainingData, settings: params.Experiment, epoch: int) -> list[list[int]]:
    """The training texts as the one batch of an epoch holds them, token ids a text."""
    everything = settings.model_copy(update={"batch_size": 100})
    [(batch, _)] = batches.draw(ready.splits["train"], everything, epoch)
    return batch["words"][batch["tokens"]].tolist()


def test_every_epoch_reads_the_training_texts_in_other_words_and_repeatably(
    words: WordVectors, listed: dict[str, Any]
) -> None:
    settings = SETTINGS.model_copy(update=listed)
    ready = prepared(words, **listed)
    plain = ready.splits["train"].songs.ids.tolist()
    first, again, second = (read_as(ready, settings, epoch) for epoch in (1, 1, 2))

    assert first == again
    assert first != second
    moss, stone, fern, lamp, wire, dial = range(2, 8)
    may = {
        moss: {moss, stone},
        stone: {moss, stone},
        lamp: {lamp, wire},
        wire: {lamp, wire},
        fern: {fern},
        dial: {dial},
    }
    for old, new in zip(np.ravel(plain), np.ravel(first), strict=True):
        assert new in may.get(old, {old})
    assert first != plain
    assert ready.splits["val"].synonyms is None
    assert read_as(prepared(words), SETTINGS, 1) == plain


def test_a_fingerprint_changes_with_the_synonyms_and_the_pairs_before(
    words: WordVectors, listed: dict[str, Any]
) -> None:
    one = prepared(words, **listed).fingerprint
    Path(listed["synonym_list"]).write_text("moss fern\n", encoding="utf-8")
    other = prepared(words, **listed).fingerprint
    graded = GRADED._replace(listing=GRADED.listing.assign(similarity=0.5))
    before = [prepared(words, graded=each).fingerprint for each in (None, GRADED, graded, GRADED)]

    assert one != other
    assert len(set(before)) == 3
    assert before[1] == before[3]


def trained(
    ready: examples.TrainingData,
    settings: params.Experiment,
    folder: Path,
    before: Any = quiet,
    task: Any = quiet,
) -> list[np.ndarray]:
    """The weights after pre-training and task, as the stage train calls them."""
    model = loop.make_model(settings, ready)
    loop.pretrain(model, ready, settings, folder / "epoch.npz", before)
    loop.fit(model, ready.splits, settings, folder / "epoch.npz", task)
    return model.get_weights()


def test_the_task_begins_with_the_weights_that_other_pairs_alone_would_leave(
    words: WordVectors, tmp_path: Path
) -> None:
    ready = prepared(words, GRADED)
    model = model_of(ready)
    history = loop.pretrain(model, ready, SETTINGS, tmp_path / "epoch.npz", quiet)

    alone = examples.prepare(SETTINGS, *OTHER, words)
    other = model_of(alone)
    expected = loop.fit(other, alone.splits, SETTINGS, tmp_path / "alone.npz", quiet)
    assert history == expected
    for got, wanted in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert int(values(model.optimizer.iterations)) == 0, "the task's optimizer begins anew"


def test_without_other_pairs_nothing_is_trained_before(words: WordVectors, tmp_path: Path) -> None:
    ready = prepared(words)
    model = model_of(ready)
    untrained = model.get_weights()
    assert loop.pretrain(model, ready, SETTINGS, tmp_path / "epoch.npz", quiet) == []
    for got, wanted in zip(model.get_weights(), untrained, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert list(tmp_path.iterdir()) == []


def kill(at_step: bool) -> Any:
    """A report that kills in the second epoch: at its second step, or when it is over."""

    def report(record: loop.Epoch, at: tuple[int, int] | None) -> None:
        if record["epoch"] == 2 and (at == (2, 5) if at_step else at is None):
            raise Killed

    return report


def test_a_run_with_synonyms_killed_twice_ends_with_the_same_weights(
    words: WordVectors, listed: dict[str, Any], tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update=listed)
    ready = prepared(words, GRADED, **listed)
    assert len(list(batches.draw(ready.splits["train"], settings, 1))) == 5

    undisturbed = trained(ready, settings, tmp_path / "whole")
    with pytest.raises(Killed):
        trained(ready, settings, tmp_path / "killed", before=kill(at_step=False))
    with pytest.raises(Killed):
        trained(ready, settings, tmp_path / "killed", task=kill(at_step=True))
    for got, wanted in zip(trained(ready, settings, tmp_path / "killed"), undisturbed, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_pairs_before_the_task_teach_the_heads_nothing(words: WordVectors) -> None:
    songs, listing = TASK
    known = songs.assign(
        year=range(1990, 2000),
        tags=[["rock"]] * 10,
        lastfm_tags=None,
        lastfm_weights=None,
        fold=2,
        has_list=False,
    )
    settings = SETTINGS.model_copy(update={"heads": {"year": 1.0}})
    ready = examples.prepare(settings, known, listing, words, GRADED)

    assert ready.splits["train"].head_targets.shape == (10, 1)
    assert np.isnan(ready.pretraining_splits["train"].head_targets).all()
    assert ready.pretraining_splits["train"].head_targets.shape == (10, 1)
