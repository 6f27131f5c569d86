"""Late fusion in a training: a small model of characters on made names, and when it is off."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests import made_names
from tests.settings import experiment

from neuralist.config import records
from neuralist.model import fusion
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.text.hashed_tfidf import HashedTfidf
from neuralist.training import examples
from neuralist.training.experiment import train_experiment

pytestmark = pytest.mark.tensorflow

SETTINGS = experiment(
    protocol="given",
    tokens="char",
    max_tokens=40,
    char_dimensions=8,
    units=16,
    pooling="mean",
    learning_rate=0.01,
    batch_size=64,
    dropout=0.0,
    epochs=3,
    fusion=["char"],
)


def table(n_val: int = 150) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Names of train, val and test, and their pairs."""
    texts, parts = [], []
    for seed, (split, n_names) in enumerate({"train": 300, "val": n_val, "test": 200}.items()):
        own, pairs = made_names.listing(n_names, seed)
        numbers = pairs[["left", "right"]] + len(texts)
        ids = {f"{side}_id": [f"n{number}" for number in numbers[side]] for side in numbers}
        parts.append(pd.DataFrame(ids).assign(similarity=pairs["similarity"], split=split))
        texts += own
    songs = pd.DataFrame({"song_id": [f"n{number}" for number in range(len(texts))], "lyrics": texts})
    return songs, pd.concat(parts, ignore_index=True).assign(weight=1.0, listed=True)


def trained(folder: Path, n_val: int = 150) -> str:
    words = word_vectors.assemble({"unused": np.ones(2)}, 3.0, "made", {})
    prepared = examples.prepare(SETTINGS, *table(n_val), words)
    (folder / "checkpoints").mkdir(parents=True)
    return train_experiment("names", SETTINGS, prepared, folder, folder / "checkpoints")


def test_a_model_of_names_is_not_behind_the_better_of_encoder_and_tfidf(tmp_path: Path) -> None:
    said = trained(tmp_path)
    record = records.load_experiment(tmp_path).fusion
    assert record is not None
    assert [part.name for part in record.inputs] == ["encoder", "char"]
    assert f"fusion of encoder {record.inputs[0].weight:.2f}, char" in said
    assert record.joined.mse < record.encoder.mse
    assert record.n_pairs == 600

    encoder, (songs, listing) = Encoder.load(tmp_path), table()
    test = listing[listing["split"] == "test"]
    texts = songs["lyrics"].tolist()
    left, right = (test[side].str[1:].to_numpy(np.int64) for side in ("left_id", "right_id"))
    embeddings = encoder.encode(texts)
    similarity = encoder.pair_similarity(texts, embeddings)
    joined = similarity(left, right)
    assert np.array_equal(joined, similarity(right, left))
    assert (similarity(left, left) == 1).all()

    train = sorted({*listing.loc[listing["split"] == "train", ["left_id", "right_id"]].to_numpy().ravel()})
    fitted = HashedTfidf.fit(
        "char", encoder.windowing, songs.set_index("song_id").loc[train, "lyrics"].tolist()
    )
    alone = encoder.similarity(embeddings[left], embeddings[right]), fitted.rows(texts).cosines(left, right)
    truth, rng = test["similarity"].to_numpy(), np.random.default_rng(1)
    better = max(alone, key=lambda answer: roc_auc_score(truth, answer))
    leads = []
    for _ in range(200):
        rows = (4 * rng.integers(200, size=200)[:, None] + np.arange(4)).ravel()  # a name has four pairs
        leads.append(roc_auc_score(truth[rows], joined[rows]) - roc_auc_score(truth[rows], better[rows]))
    assert np.quantile(leads, 0.975) >= 0


def test_with_too_few_val_pairs_it_is_off_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / fusion.FILE).write_bytes(b"of an earlier training")
    assert trained(tmp_path, n_val=24).endswith("; fusion off, 96 val pairs are under 100")
    record = records.load_experiment(tmp_path).fusion
    assert record == records.FusionRecord(n_pairs=96, encoder=None, joined=None, inputs=(), last=None)
    assert not (tmp_path / fusion.FILE).exists()
    assert Encoder.load(tmp_path).fusion is None
