"""A model that reads characters: made names against their misspelt forms and against other names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from tests import made_records
from tests.made_names import typed
from tests.settings import experiment

from neuralist.config import records
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors
from neuralist.training import examples, loop, saving

pytestmark = pytest.mark.tensorflow

STARTS = ["b", "br", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v"]
SETTINGS = experiment(
    protocol="given",
    tokens="char",
    max_tokens=30,
    char_dimensions=16,
    units=24,
    pooling="mean",
    learning_rate=0.01,
    batch_size=64,
    dropout=0.0,
    epochs=6,
    patience=6,
)


def name(rng: np.random.Generator) -> str:
    """Two words of two or three syllables: names enough that hardly two of them share a word."""
    syllables = ["".join([rng.choice(STARTS), rng.choice(list("aeiou"))]) for _ in range(6)]
    cut, end = rng.integers(2, 4), rng.integers(5, 7)
    return f"{''.join(syllables[:cut])}n {''.join(syllables[cut:end])}"


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, pd.DataFrame]:
    """400 names, each with its misspelt form (1) and with those of two others of its split (0)."""
    rng = np.random.default_rng(1)
    names = [name(rng) for _ in range(400)]
    texts = {f"n{i}": text for i, text in enumerate(names)}
    texts |= {f"m{i}": typed(rng, typed(rng, text)) for i, text in enumerate(names)}
    rows = []
    for split, numbers in (("train", range(300)), ("val", range(300, 330)), ("test", range(330, 400))):
        for i in numbers:
            others = rng.choice([other for other in numbers if other != i], size=2, replace=False)
            rows += [(f"n{i}", f"m{i}", 1.0, split), *((f"n{i}", f"m{j}", 0.0, split) for j in others)]
    songs = pd.DataFrame({"song_id": list(texts), "lyrics": list(texts.values())})
    listing = pd.DataFrame(rows, columns=["left_id", "right_id", "similarity", "split"])
    return songs, listing.assign(weight=1.0, listed=True)


def test_names_never_seen_are_told_from_others_however_they_are_misspelt(
    table: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    songs, listing = table
    words = word_vectors.assemble({"unused": np.ones(2)}, 3.0, "made", {})
    ready = examples.prepare(SETTINGS, songs, listing, words)
    model = loop.make_model(SETTINGS, ready)
    history = loop.fit(model, ready.splits, SETTINGS, tmp_path / "epoch.npz", lambda record, at: None)
    saving.save([saving.Trained(model, history)], ready.vectors, tmp_path)
    record = made_records.trained(params=SETTINGS, coverage=ready.vectors.coverage)
    records.save(record, tmp_path / "experiment.json")

    encoder = Encoder.load(tmp_path)
    test = listing[listing["split"] == "test"]
    text_of = songs.set_index("song_id")["lyrics"]
    left, right = (encoder.encode(text_of[test[side]].tolist()) for side in ("left_id", "right_id"))
    predicted = encoder.similarity(left, right)

    # 0.5 by chance; a standard error of it is 0.04 for 70 pairs against 140
    assert roc_auc_score(test["similarity"], predicted) > 0.9
    assert np.array_equal(predicted, encoder.similarity(right, left))
