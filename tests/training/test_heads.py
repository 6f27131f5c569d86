"""What the heads of a model learn, and that a model learns nothing where there is nothing to learn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.settings import experiment

from neuralist import metrics
from neuralist.evaluation import resampling
from neuralist.model import ridge
from neuralist.text import word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.training import examples, loop

pytestmark = pytest.mark.tensorflow

WORDS = ["moss", "stone", "fern", "lamp", "wire", "dial"]
SETTINGS = experiment(
    target="listed_only", max_tokens=6, units=4, batch_size=16, learning_rate=0.02, dropout=0.0, epochs=6
)
VECTORS = word_vectors.assemble(
    {word: np.random.default_rng(number).normal(size=8) for number, word in enumerate(WORDS)}, 3.0, "made", {}
)


def songs(n: int) -> pd.DataFrame:
    """Songs of two worlds, of which the second is the later one; every fifth song of fold 0, and so on."""
    rng = np.random.default_rng(9)
    texts = [" ".join(rng.choice(WORDS[:3] if i % 2 else WORDS[3:], size=5)) for i in range(n)]
    return pd.DataFrame(
        {
            "song_id": [f"s{i:02}" for i in range(n)],
            "lyrics": texts,
            "year": pd.array([1960 + 40 * (i % 2) + i % 3 for i in range(n)], dtype="Int64"),
            "tags": [["mossy" if i % 2 else "wired"] for i in range(n)],
            "lastfm_tags": None,
            "lastfm_weights": None,
            "fold": [i // 2 % 5 for i in range(n)],
            "has_list": True,
        }
    )


def listing(table: pd.DataFrame) -> pd.DataFrame:
    """All pairs within folds 2 to 4 (train) and within fold 1 (val): alike where both are of one world."""
    part = table["fold"].map({0: "test", 1: "val"}).fillna("train")
    rows = [
        (a, b, 0.9 if (i - j) % 2 == 0 else 0.1, part[i], True, 1.0)
        for j, b in enumerate(table["song_id"])
        for i, a in enumerate(table["song_id"][:j])
        if part[i] == part[j]
    ]
    return pd.DataFrame(rows, columns=["left_id", "right_id", "similarity", "split", "listed", "weight"])


def trained_auc(table: pd.DataFrame, tmp_path: Path) -> tuple[float, float, float]:
    """ROC AUC on the val pairs of a model trained on the train pairs, with its 95 % interval by song."""
    prepared = examples.prepare(SETTINGS, table, listing(table), VECTORS)
    model = loop.make_model(SETTINGS, prepared)
    loop.fit(model, prepared.splits, SETTINGS, tmp_path / "epoch.npz", lambda record, at: None)
    val = prepared.splits["val"]
    truth, answers = metrics.Answers.of(val.similarity), metrics.Answers.of(loop.predict([model], val))
    weights = resampling.pair_weights(val.left, val.right, 200, 1)
    drawn = metrics.measure(truth, {0: answers}, {0: dict.fromkeys(metrics.THRESHOLDED, 0.5)}, weights)[0]
    auc = metrics.summary(drawn["roc_auc"], "roc_auc", 0.95)
    assert None not in (auc.value, auc.low, auc.high)
    return auc.value, auc.low, auc.high


def test_a_model_whose_labels_are_shuffled_has_no_skill(tmp_path: Path) -> None:
    table = songs(60)
    value, _, _ = trained_auc(table, tmp_path / "true")
    assert value > 0.9
    # Shuffled among songs, not among pairs: alike texts stay alike, and so would their similarities.
    shuffled = table.assign(lyrics=np.random.default_rng(5).permutation(table["lyrics"]))
    _, low, high = trained_auc(shuffled, tmp_path / "shuffled")
    assert low < 0.5 < high


@pytest.mark.parametrize("distillation_weight", [0.0, 0.25, 1.0])
def test_heads_learn_the_truth_and_in_part_what_the_ridge_says(distillation_weight: float) -> None:
    table, windowing = songs(40), TokenWindowing("word", 6, "head")
    settings = SETTINGS.model_copy(
        update={"heads": {"year": 1.0, "tags": 1.0}, "distillation_weight": distillation_weight}
    )
    pairs = listing(table)
    head_targets = examples.build_head_targets(settings, table, pairs, windowing)

    is_train = table["fold"].isin([2, 3, 4]).to_numpy()
    assert head_targets.songs.tolist() == is_train.tolist()
    assert head_targets.heads == {"year": 1, "tags": 1}
    years = table["year"].to_numpy(float)
    truth = (years - years[is_train].mean()) / years[is_train].std()
    index = pd.Index(table["song_id"])
    train = pairs[pairs["split"] == "train"]
    sides = (index.get_indexer(pd.Index(train[side])) for side in ("left_id", "right_id"))
    told = ridge.answer(table, tuple(sides), np.flatnonzero(is_train), windowing).answers[:, 0]
    by_hand = distillation_weight * told + (1 - distillation_weight) * truth
    np.testing.assert_allclose(head_targets.targets[is_train, 0], by_hand[is_train], rtol=1e-5)


def test_with_heads_every_training_song_is_learned_from_also_without_a_pair() -> None:
    table = songs(40)
    settings = SETTINGS.model_copy(update={"heads": {"year": 1.0}, "batch_unit": "songs"})
    pairs = listing(table)
    few = pairs[~pairs["left_id"].isin(["s04"]) & ~pairs["right_id"].isin(["s04"])]
    prepared = examples.prepare(settings, table, few, VECTORS)

    assert len(prepared.splits["train"].songs.lengths) == 24
    assert prepared.heads == {"year": 1}
    assert not np.isnan(prepared.splits["train"].head_targets).any()
