"""Candidates of the query's genre and of others, and the table of them: worked out by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import genres

from neuralist.config import params
from neuralist.data.pair_sets import Pairs
from neuralist.metrics import Answers

SONGS = pd.DataFrame(
    {"genre": ["rock", "rock", "rock", "soul", "soul", None], "has_list": [True] + [False] * 5}
)
PAIRS = Pairs(np.zeros(5, dtype=np.int64), np.arange(1, 6))


def test_a_pair_is_within_a_genre_or_across_two_unless_one_is_unknown() -> None:
    masks = genres.candidates(SONGS, PAIRS)
    assert masks["all"].tolist() == [True] * 5
    assert masks["same genre"].tolist() == [True, True, False, False, False]
    assert masks["other genre"].tolist() == [False, False, True, True, False]


def test_listed_auc_is_that_among_the_candidates_of_a_kind() -> None:
    # Song 0 has the listed songs 1 and 3. The model puts 1 above 2, and 3 below 4; 5 is last.
    comparison: Any = SimpleNamespace(
        ranked={"val": (np.arange(5), None)},
        pairs=PAIRS,
        truth=Answers.of(np.array([0.9, 0, 0.8, 0, 0])),
        answers={
            "model": Answers.of(np.array([0.9, 0.5, 0.2, 0.4, 0.1])),
            "style": Answers.of(np.array([0.1, 0.5, 0.8, 0.6, 0.9])),
        },
    )
    measured = genres.Measured()
    keys: Any = {"model": "model", "style": "style"}
    settings = params.load().evaluate.model_copy(update={"draws": 0})
    measured.add(SONGS, comparison, keys, "val", settings)
    # All: 1 is above the three unlisted songs, 3 above one of them: 4 of 6.
    aucs = {kind: measured.auc["model", kind][0][0] for kind in genres.KINDS}
    assert aucs == pytest.approx({"all": 4 / 6, "same genre": 1, "other genre": 0})
    # Style has the opposite order.
    assert measured.like_style == pytest.approx([-1])
    assert measured.n_queries == {"all": 1, "same genre": 1, "other genre": 1}
