"""Late fusion: by hand, what holds by construction, when it is off, and never behind on made names."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from tests import fake_encoder, fused, made_names, made_records

from neuralist.config import records
from neuralist.model import fusion
from neuralist.model.encoder import Encoder
from neuralist.model.fusion import Join
from neuralist.model.similarity import Calibration
from neuralist.text.hashed_tfidf import BUCKETS, HashedTfidf
from neuralist.text.tokenizer import TokenWindowing

BENT = Calibration(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.25, 1.0]))


def join(*weights: float) -> Join:
    return Join((fused.STRAIGHT, BENT), np.array(weights), fused.STRAIGHT)


def learned(seed: int, n_pairs: int = 120, n_inputs: int = 3) -> Join:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 1, n_pairs)
    inputs = np.clip(truth[:, None] + rng.normal(0, [0.1, 0.3, 0.5][:n_inputs], (n_pairs, n_inputs)), 0, 1)
    return Join.fit(inputs, truth, rng.uniform(0.5, 20, n_pairs))


def test_a_join_by_hand() -> None:
    # 3/4 of 0.4, and 1/4 of 0.25, which stands for 0.5.
    assert join(0.75, 0.25)(np.array([[0.4, 0.5]])) == pytest.approx([0.3625])


def test_of_an_input_that_says_nothing_nothing_is_taken() -> None:
    truth = np.linspace(0, 1, 200)
    noise = np.random.default_rng(1).uniform(0, 1, 200)
    made = Join.fit(np.column_stack([truth, noise]), truth, np.ones(200))
    assert made.weights == pytest.approx([1, 0], abs=0.02)
    assert made.weights.sum() == pytest.approx(1)


def test_pairs_count_as_often_as_their_weights_say() -> None:
    rng = np.random.default_rng(3)
    inputs, truth, often = rng.uniform(0, 1, (60, 2)), rng.uniform(0, 1, 60), rng.integers(1, 4, 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuralist.model.similarity.STEP", 1)  # it counts pairs, whatever they weigh
        weighted = Join.fit(inputs, truth, often.astype(float))
        repeated = Join.fit(np.repeat(inputs, often, axis=0), np.repeat(truth, often), np.ones(often.sum()))
    asked = rng.uniform(0, 1, (20, 2))
    np.testing.assert_allclose(weighted(asked), repeated(asked), atol=1e-9)


@given(st.integers(0, 99), st.integers(1, 3))
def test_equal_texts_have_1_and_nothing_leaves_the_range(seed: int, n_inputs: int) -> None:
    made = learned(seed, n_inputs=n_inputs)
    assert made(np.ones((1, n_inputs))).tolist() == [1.0]
    answers = made(np.random.default_rng(seed).uniform(0, 1, (50, n_inputs)))
    assert ((answers >= 0) & (answers <= 1)).all()


@given(st.integers(0, 99), st.integers(0, 2), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_the_answer_never_falls_where_an_input_rises(seed: int, column: int, values: list[float]) -> None:
    low = np.array([values[:3]])
    high = low.copy()
    high[0, column] = max(values[3], low[0, column])
    made = learned(seed)
    assert made(low)[0] <= made(high)[0]


def test_pairs_without_a_term_in_common_keep_their_mean() -> None:
    # Half of the pairs have a cosine of 0, and a similarity of 0.5.
    cosine, truth = np.repeat([0.0, 0.8], 100), np.repeat([0.5, 0.9], 100)
    made = Join.fit(fusion.inputs(np.full(200, 0.5), [cosine]), truth, np.ones(200))
    assert made(fusion.inputs(np.full(1, 0.5), [np.zeros(1)])) == pytest.approx([0.5], abs=0.01)


# --- whether it is used ----------------------------------------------------------------------------


def gain(noise_of_tfidf: float, n_pairs: int = 400) -> fusion.Gain:
    rng = np.random.default_rng(5)
    truth = rng.uniform(0, 1, n_pairs)
    inputs = np.clip(truth[:, None] + rng.normal(0, [0.2, noise_of_tfidf], (n_pairs, 2)), 0, 1)
    songs = rng.integers(300, size=(2, n_pairs))
    return fusion.cross_validate(inputs, truth, np.ones(n_pairs), *songs)


def test_a_second_opinion_as_good_as_the_first_is_a_gain() -> None:
    found = gain(0.2)
    assert found.shown
    # Two errors of the same size and no connection: half the variance, less what the clipping changes.
    assert 0.4 < found.joined.mse / found.encoder.mse < 0.7
    assert found.joined.spearman > found.encoder.spearman


def test_noise_is_no_gain() -> None:
    assert not gain(10).shown


def test_a_few_equal_texts_are_no_gain_where_the_order_of_the_rest_suffers() -> None:
    # A fiftieth of the pairs has a similarity of 1, and only the second input knows. The rest have 0 or a
    # tenth, and only the first does.
    rng = np.random.default_rng(1)
    is_equal, order = rng.uniform(0, 1, 2000) < 0.02, rng.uniform(0, 1, 2000)
    truth = np.where(is_equal, 1.0, 0.1 * (order + rng.normal(0, 0.3, 2000) > 0.8))
    second = np.where(is_equal, 0.95, rng.uniform(0, 0.9, 2000))
    found = fusion.cross_validate(
        np.column_stack([order, second]), truth, np.ones(2000), *np.arange(4000).reshape(2, 2000)
    )
    assert found.joined.mse < found.encoder.mse / 2
    assert found.joined.spearman < found.encoder.spearman
    assert not found.shown


@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4)), min_size=2, max_size=12
    )
)
def test_the_rank_correlation_is_scipys_of_pairs_repeated(pairs: list[tuple[int, int, int]]) -> None:
    answer, truth, often = np.array(pairs).T
    ours = fusion._spearman(answer, truth, often.astype(float))
    if len(set(answer)) > 1 and len(set(truth)) > 1:
        theirs = stats.spearmanr(np.repeat(answer, often), np.repeat(truth, often)).statistic
        assert ours == pytest.approx(theirs, abs=1e-9)
    else:
        assert ours == 0


@pytest.mark.parametrize("songs", [np.zeros((2, 200), dtype=int), np.arange(400).reshape(2, 200)])
def test_every_pair_of_one_song_and_every_song_in_one_pair_can_be_told(songs: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 1, 200)
    found = fusion.cross_validate(np.column_stack([truth, truth]), truth, np.ones(200), *songs)
    assert not found.shown, "nothing can be learned without the one song, or nothing is gained"


# --- in an encoder's folder ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose encoder gives every text the same embedding: its similarity is 1 for all pairs."""
    fake_encoder.write(tmp_path / "fused", {"moss": (0.0,)}, unknown=(0.0,))
    records.save(made_records.trained(), tmp_path / "fused" / "experiment.json")
    return fused.add(tmp_path / "fused")


def test_an_encoder_answers_for_pairs_by_its_fusion(folder: Path) -> None:
    encoder, texts = Encoder.load(folder), ["moss", "stone", "stone"]
    embeddings = encoder.encode(texts)
    similarity = encoder.pair_similarity(texts, embeddings)
    assert similarity(np.array([0, 1, 0]), np.array([1, 2, 0])) == pytest.approx([fused.joined(1, 0), 1, 1])
    assert encoder.similarity(embeddings[:1], embeddings[1:]).tolist() == [1, 1]


def test_the_same_counts_give_the_same_bytes_and_no_term_stands_there(folder: Path) -> None:
    content = (folder / fusion.FILE).read_bytes()
    assert (fused.add(folder) / fusion.FILE).read_bytes() == content
    assert len(content) < 5000
    assert b"moss" not in content


@pytest.mark.parametrize("damage", ["missing", "no archive", "another kind", "another size"])
def test_a_damaged_file_is_named_with_the_fix(folder: Path, damage: str) -> None:
    path = folder / fusion.FILE
    if damage == "missing":
        path.unlink()
    elif damage == "no archive":
        path.write_bytes(b"moss")
    else:
        kind, size = {"another kind": ("char", BUCKETS), "another size": ("word", 9)}[damage]
        arrays: dict[str, Any] = {"n_texts": np.array(1), kind: np.zeros(size, dtype=np.int32)}
        np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"fusion\.npz: .*run `dvc repro`"):
        Encoder.load(folder)


# --- made names ------------------------------------------------------------------------------------


def letters(texts: list[str]) -> np.ndarray:
    """How often each text has each letter, as unit vectors: what an encoder without an order would see."""
    counts = np.array([[text.count(letter) for letter in made_names.LETTERS] for text in texts])
    return counts / np.linalg.norm(counts, axis=1)[:, None]


def stub(kind: str, texts: list[str], pairs: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Similarities of an encoder: by letters, by chance, fair (its errors its own), or nearly right."""
    if kind == "letters":
        vectors = letters(texts)
        return (vectors[pairs["left"]] * vectors[pairs["right"]]).sum(axis=1)
    noise = rng.uniform(0, 1, len(pairs))
    share = {"chance": 0.0, "fair": 0.3, "right": 0.8}[kind]
    return share * pairs["similarity"].to_numpy() + (1 - share) * noise


@pytest.mark.parametrize("kind", ["letters", "chance", "fair", "right"])
def test_on_made_names_the_joined_answer_is_not_behind_the_better_of_the_two(kind: str) -> None:
    rng = np.random.default_rng(1)
    train, _ = made_names.listing(300, seed=2)
    tfidf = HashedTfidf.fit("char", TokenWindowing("char", 60, "head"), train)
    inputs, truths = [], []
    for seed in (3, 4):
        texts, pairs = made_names.listing(200, seed)
        left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
        inputs.append(fusion.inputs(stub(kind, texts, pairs, rng), [tfidf.rows(texts).cosines(left, right)]))
        truths.append(pairs["similarity"].to_numpy())
    joined = Join.fit(inputs[0], truths[0], np.ones(len(truths[0])))(inputs[1])
    better = max(inputs[1].T, key=lambda column: roc_auc_score(truths[1], column))

    draws = [rng.integers(200, size=200) for _ in range(200)]  # names, each with its four pairs
    rows = [(4 * names[:, None] + np.arange(4)).ravel() for names in draws]
    leads = [
        roc_auc_score(truths[1][row], joined[row]) - roc_auc_score(truths[1][row], better[row])
        for row in rows
    ]
    low, high = np.quantile(leads, [0.025, 0.975])
    assert high >= 0
    if kind == "fair":
        assert low > 0, "each knows what the other does not"
