"""An ensemble in training: the mean of the trainings with its seeds, also after a kill."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.settings import experiment

from neuralist.config import params, records
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.training import examples, loop
from neuralist.training.checkpoints import Epoch
from neuralist.training.experiment import train_experiment

pytestmark = pytest.mark.tensorflow

SETTINGS = experiment(
    protocol="given",
    units=4,
    similarity="learned",
    pooling="mean",
    dropout=0.2,
    batch_size=4,
    epochs=2,
    seed=7,
)
TEXTS = ["moss", "moss fern", "fern stone", "stone", "stone moss fern", "fern fern"]


def train(folder: Path, settings: params.Experiment) -> tuple[Encoder, list[int]]:
    """Train on a few pairs; returns the encoder, and the epochs that were reported."""
    rng, reported = np.random.default_rng(0), []
    words = word_vectors.assemble(
        {word: rng.normal(size=8) for word in ("moss", "fern", "stone")}, 3.0, "m", {}
    )
    songs = pd.DataFrame({"song_id": list("abcdef"), "lyrics": TEXTS})
    rows = [
        ("a", "b", 0.9, "train"),
        ("b", "c", 0.5, "train"),
        ("c", "d", 0.8, "train"),
        ("e", "f", 0.2, "val"),
    ]
    pairs = pd.DataFrame(rows, columns=["left_id", "right_id", "similarity", "split"])
    prepared = examples.prepare(settings, songs, pairs.assign(weight=1.0, listed=True), words)

    def after(epoch: int, _: Epoch) -> None:
        reported.append(epoch)

    train_experiment("made", settings, prepared, folder, folder.with_suffix(".checkpoints"), after=after)
    return Encoder.load(folder), reported


def test_an_ensemble_answers_with_the_mean_of_trainings_with_its_seeds(tmp_path: Path) -> None:
    alone = [train(tmp_path / str(seed), SETTINGS.model_copy(update={"seed": seed}))[0] for seed in (7, 8)]
    ensemble, reported = train(tmp_path / "both", SETTINGS.model_copy(update={"ensemble": 2}))
    embeddings = [encoder.encode(TEXTS) for encoder in (*alone, ensemble)]
    np.testing.assert_allclose(embeddings[2], np.hstack(embeddings[:2]), atol=1e-6)
    answers = [
        encoder.similarity(rows, np.roll(rows, 1, axis=0))
        for encoder, rows in zip((*alone, ensemble), embeddings, strict=True)
    ]
    assert np.abs(answers[0] - answers[1]).max() > 0.01
    np.testing.assert_allclose(answers[2], (answers[0] + answers[1]) / 2, atol=1e-6)
    assert reported == [1, 2]
    folders = [tmp_path / "both", tmp_path / "both" / "seed-8"]
    for folder, seed in zip(folders, (7, 8), strict=True):
        assert (folder / "history.csv").read_bytes() == (tmp_path / str(seed) / "history.csv").read_bytes()
    assert records.load_experiment(tmp_path / "both").params.ensemble == 2
    assert not (tmp_path / "both.checkpoints").exists()


def test_an_ensemble_killed_in_its_second_training_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"ensemble": 2})
    train(tmp_path / "undisturbed", settings)
    write, written = loop.checkpoints.write, []

    def killed(path: Path, checkpoint: loop.Checkpoint) -> None:
        write(path, checkpoint)
        written.append((path.name, len(checkpoint.history)))
        if written[-1] == ("epoch-2.npz", 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop.checkpoints, "write", killed)
        train(tmp_path / "killed", settings)
    assert written == [("epoch.npz", 1), ("epoch.npz", 2), ("epoch-2.npz", 1)]
    train(tmp_path / "killed", settings)
    for name in ("encoder.onnx", "similarity.npz", "history.csv", "seed-8/history.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
