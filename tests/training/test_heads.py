"""What the heads of a model learn, and that a model learns nothing where there is nothing to learn."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import linalg
from tests.settings import experiment

from neuralist import metrics
from neuralist.evaluation import resampling
from neuralist.model import averaged_vectors, fusion, ridge
from neuralist.model.encoder import Encoder
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import style, word_vectors
from neuralist.text.tokenizer import TokenWindowing
from neuralist.tracking import run_content
from neuralist.training import examples, loop
from neuralist.training.experiment import train_experiment

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
    features = style.features(table["lyrics"].tolist())
    teacher = ridge.answer(table, tuple(sides), np.flatnonzero(is_train), "word", features)
    told = teacher.answers[:, 0]
    by_hand = distillation_weight * told + (1 - distillation_weight) * truth
    np.testing.assert_allclose(head_targets.targets[is_train, 0], by_hand[is_train], rtol=1e-5)


def test_the_teacher_reads_no_more_of_a_song_than_the_model() -> None:
    table, update = songs(40), {"heads": {"year": 1.0}, "distillation_weight": 1.0}
    settings = SETTINGS.model_copy(update=update)
    others = np.random.default_rng(3).permutation(table["lyrics"])  # all songs have five words
    longer = table.assign(lyrics=table["lyrics"] + "!\n" + others)

    def targets(frame: pd.DataFrame, max_tokens: int) -> np.ndarray:
        windowing = TokenWindowing("word", max_tokens, "head")
        return examples.build_head_targets(settings, frame, listing(table), windowing).targets

    # The mark after the fifth word is read: it belongs to no other.
    marked = table.assign(lyrics=table["lyrics"] + "!\n")
    np.testing.assert_array_equal(targets(longer, 5), targets(marked, 5))
    assert not np.allclose(targets(longer, 10), targets(marked, 10))


def test_with_heads_every_training_song_is_learned_from_also_without_a_pair() -> None:
    table = songs(40)
    settings = SETTINGS.model_copy(update={"heads": {"year": 1.0}, "batch_unit": "songs"})
    pairs = listing(table)
    few = pairs[~pairs["left_id"].isin(["s04"]) & ~pairs["right_id"].isin(["s04"])]
    prepared = examples.prepare(settings, table, few, VECTORS)

    assert len(prepared.splits["train"].songs.lengths) == 24
    assert prepared.heads == {"year": 1}
    assert not np.isnan(prepared.splits["train"].head_targets).any()


TAUGHT = experiment(
    **SETTINGS.model_dump()
    | {"heads": {"year": 1.0, "tags": 1.0}, "batch_unit": "songs", "distillation_weight": 0.5}
    | {"bag_of_words": True, "style": True, "pair_regression": True}
)


def test_other_last_bits_of_a_regression_are_the_same_training(monkeypatch: pytest.MonkeyPatch) -> None:
    table = songs(40)
    one = examples.prepare(TAUGHT, table, listing(table), VECTORS)
    exact_answer, exact_solve = ridge.answer, linalg.solve

    def answer(*given: Any) -> ridge.TeacherPredictions:
        exact = exact_answer(*given)
        return exact._replace(truth=exact.truth * (1 + 1e-6), answers=exact.answers * (1 - 1e-6))

    # As another number of threads does, only more.
    monkeypatch.setattr(ridge, "answer", answer)
    monkeypatch.setattr(linalg, "solve", lambda *given, **named: exact_solve(*given, **named) * (1 + 1e-6))
    other = examples.prepare(TAUGHT, table, listing(table), VECTORS)

    for changed in ("bag_of_words", "style", "pair_regression"):
        pairs = zip(getattr(one, changed), getattr(other, changed), strict=True)
        assert not all(np.array_equal(before, after) for before, after in pairs)
    heads = [prepared.splits["train"].head_targets for prepared in (one, other)]
    assert not np.array_equal(*heads)
    assert other.fingerprint == one.fingerprint


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("lyrics", "moss moss\nfern fern!"),
        ("year", 1931),
        ("tags", ["mossy", "wired"]),
        ("lastfm_tags", ["mossy"]),
        ("lastfm_weights", [50]),
        ("has_list", False),
    ],
)
def test_a_fingerprint_changes_with_what_is_known_of_a_training_song(column: str, value: Any) -> None:
    def fingerprint_with(song: int) -> str:
        table = songs(40)
        if song >= 0:
            cells = table[column].astype(object) if column != "year" else table[column].copy()
            cells.iat[song] = value
            table = table.assign(**{column: cells})
        return examples.prepare(TAUGHT, table, listing(table), VECTORS).fingerprint

    in_train, in_test = 4, 0  # fold 2, and fold 0
    assert fingerprint_with(in_train) != fingerprint_with(-1)
    assert fingerprint_with(in_test) == fingerprint_with(-1)


def test_a_fingerprint_changes_with_the_listed_pairs_that_the_teacher_reads() -> None:
    table = songs(40)
    pairs = listing(table)
    unlisted = pairs.assign(
        listed=pairs["listed"] & (pairs.index != pairs.index[pairs["split"] == "train"][0])
    )
    prints = [examples.prepare(TAUGHT, table, each, VECTORS).fingerprint for each in (pairs, unlisted, pairs)]

    assert prints[0] == prints[2] != prints[1]


def test_a_trained_encoder_adds_what_style_says_and_judges_pairs_by_the_regression(tmp_path: Path) -> None:
    table = songs(60)
    # Some texts have two lines, and others a mark.
    table["lyrics"] = [
        text.replace(" ", "\n", 1) if number % 3 == 0 else text + "!" * (number % 3 - 1)
        for number, text in enumerate(table["lyrics"])
    ]
    prepared = examples.prepare(TAUGHT, table, listing(table), VECTORS)
    settings = TAUGHT.model_copy(update={"histograms": True})
    train_experiment("whole", settings, prepared, tmp_path / "whole", tmp_path / "checkpoints")

    encoder = Encoder.load(tmp_path / "whole")
    plain = ["moss stone fern", "lamp wire dial lamp"]
    by_style = StyleAnswers.load(tmp_path / "whole")
    windows = prepared.vectors.vocabulary.windows(plain, TokenWindowing.of(TAUGHT))
    model: Any = keras.saving.load_model(tmp_path / "whole" / "model.keras")
    assert model.architecture.bag_share == 2 / 3
    expected = loop.encode([model], windows) + by_style(plain)
    np.testing.assert_allclose(encoder.encode(plain), expected, atol=1e-5)
    # The same words on more lines, and louder, are other answers.
    assert not np.allclose(encoder.encode(["moss stone\nfern!"]), encoder.encode(plain[:1]), atol=1e-4)

    # Two heads, year and tag, are standardised and scaled; alike pairs are of one world.
    assert encoder.similarity.kind == "logistic"
    val = prepared.splits["val"]
    embeddings = encoder.encode(list(val.texts))
    similarity = encoder.similarity(embeddings[val.left], embeddings[val.right])
    assert similarity[val.similarity > 0.5].mean() > 1.5 * similarity[val.similarity < 0.5].mean()
    assert encoder.similarity(embeddings, embeddings) == pytest.approx(np.ones(len(embeddings)))

    # Each file is known to MLflow's runs, beside those of other settings.
    written = {path.name for path in (tmp_path / "whole").iterdir()}
    known = {*run_content.MODEL_FILES, "experiment.json", "history.csv", "histograms.npz"}
    assert known - written == {fusion.FILE, averaged_vectors.FILE}
    assert not written - known


def test_where_nothing_is_known_of_a_song_there_is_neither_style_nor_regression(tmp_path: Path) -> None:
    table = songs(40).assign(year=pd.array([2000] * 40, dtype="Int64"), tags=None, has_list=False)
    update = {"heads": {"year": 1.0}, "batch_unit": "songs", "bag_of_words": True, "style": True}
    settings = experiment(**SETTINGS.model_dump() | update | {"pair_regression": True})
    prepared = examples.prepare(settings, table, listing(table), VECTORS)
    assert (prepared.heads, prepared.style, prepared.pair_regression) == ({}, None, None)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"style": True, "heads": {"year": 1.0}}, "style: true joins the bag of words"),
        ({"pair_regression": True}, "pair_regression: true judges pairs by the answers of heads alone"),
        ({"pair_regression": True, "heads": {"year": 1.0}, "embedding": 3}, "leave embedding empty"),
        ({"pair_regression": True, "heads": {"year": 1.0}, "similarity": "learned"}, "another similarity"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        experiment(**own)
