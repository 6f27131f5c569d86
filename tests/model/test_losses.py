"""Losses worked out by hand."""

import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy
from keras.ops import convert_to_tensor as tensor

from neuralist.model import losses

pytestmark = pytest.mark.tensorflow

# Similarity and weight; the last pair only fills the batch up.
TARGET = tensor(np.array([[1.0, 1.0], [0.25, 1.0], [0.0, 0.0]], dtype=np.float32))
PREDICTED = tensor(np.array([0.5, 0.75, 1.0], dtype=np.float32))


def test_the_squared_error_is_the_mean_over_pairs_that_have_weight() -> None:
    assert float(to_numpy(losses.pair_loss("mse")(TARGET, PREDICTED))) == pytest.approx((0.25 + 0.25) / 2)


def test_the_cross_entropy_takes_a_similarity_as_a_share() -> None:
    by_hand = (-np.log(0.5) - 0.25 * np.log(0.75) - 0.75 * np.log(0.25)) / 2
    found = float(to_numpy(losses.pair_loss("cross_entropy")(TARGET, PREDICTED)))
    assert found == pytest.approx(by_hand, rel=1e-5)


def test_accuracy_leaves_out_what_fills_a_batch_up() -> None:
    # 1 and 0.5 are both similar, 0.25 and 0.75 are not
    assert float(to_numpy(losses.accuracy(TARGET, PREDICTED))) == 0.5


def test_heads_share_the_weight_of_their_group_and_unknown_answers_teach_nothing() -> None:
    nan = np.nan
    target = np.array([[1.0, 0.0, 2.0], [nan, nan, 1.0], [nan, nan, nan]], dtype=np.float32)
    answers = np.array([[0.0, 1.0, 0.0], [9.0, 9.0, 0.0], [9.0, 9.0, 9.0]], dtype=np.float32)
    loss = losses.heads_loss({"tags": 2, "year": 1}, {"tags": 3.0, "year": 0.5})
    # tags: 1.5 * (1 + 1); year: 0.5 * (4 + 1); over the two songs of which something is known
    assert float(to_numpy(loss(tensor(target), tensor(answers)))) == pytest.approx((3.0 + 2.5) / 2)
