"""Predictors side by side: all metrics of their answers for the same pairs, under the same resamples.

Input: answers of models and baselines for val and test pairs of one protocol and target. Output: for each
split, predictor and metric the values for the sample and each resample, float64 (1 + draws,).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params
from neuralist.evaluation import baselines, ranking, resampling
from neuralist.evaluation.baselines import Pairs
from neuralist.metrics import Answers
from neuralist.text.tokenizer import TokenWindowing

# A predictor: ("model", experiment), (baseline, how it reads) where it reads lyrics, else (baseline, None).
Key = tuple[str, str | TokenWindowing | None]
Drawn = dict[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Pairs, their true similarities, and every predictor's answers.

    Attributes:
        train: the training pairs.
        to_score: all pairs.
        truth: of them.
        rows: split to positions of the pairs that the metrics of pairs are about.
        ranked: split to positions of all its pairs, and their queries; empty where nothing is ranked.
        answers: predictor to answers for all pairs.
    """

    train: Pairs
    to_score: Pairs
    truth: Answers
    rows: dict[str, np.ndarray]
    ranked: dict[str, tuple[np.ndarray, ranking.RankingQueries]]
    answers: dict[Key, Answers]

    @cached_property
    def thresholds(self) -> dict[Key, dict[str, float]]:
        """Each predictor's best thresholds on val."""
        val = self.rows["val"]
        truth = self.truth.at(val)
        return {
            key: metrics.best_thresholds(truth, answer.similarity[val])
            for key, answer in self.answers.items()
        }

    @property
    def thresholds_from(self) -> str:
        """Where the thresholds are from, in words."""
        similar = self.truth.similar[self.rows["val"]]
        return "val" if similar.any() and not similar.all() else "0.5, because val lacks a class"

    def values(self, settings: params.Evaluate) -> dict[str, dict[Key, Drawn]]:
        """Split to predictor to metric to its values; a split without pairs is left out."""
        measured: dict[str, dict[Key, Drawn]] = {}
        for split in (split for split, rows in self.rows.items() if len(rows)):
            measured[split] = self._of_pairs(self.rows[split], settings)
            if split in self.ranked:
                for key, drawn in self.rankings(split, settings).items():
                    measured[split][key] |= drawn
        return measured

    def rankings(self, split: str, settings: params.Evaluate) -> dict[Key, Drawn]:
        """Predictor to the metrics of ranking.NAMES on a split of `ranked`."""
        every, queries = self.ranked[split]
        scores = {key: answer.similarity[every] for key, answer in self.answers.items()}
        found = ranking.measure(queries, scores, settings.draws, settings.seed)
        return {key: dict(zip(ranking.NAMES, drawn.T, strict=True)) for key, drawn in found.items()}

    def _of_pairs(self, rows: np.ndarray, settings: params.Evaluate) -> dict[Key, Drawn]:
        left, right = (side[rows] for side in self.to_score)
        weights = resampling.pair_weights(left, right, settings.draws, settings.seed)
        answers = {key: answer.at(rows) for key, answer in self.answers.items()}
        return metrics.measure(self.truth.at(rows), answers, self.thresholds, weights)

    def counts(self, split: str) -> dict[str, Any]:
        """Pairs and songs of a split, shares of them that train holds too, and what is ranked."""
        scored = Pairs(*(side[self.rows[split]] for side in self.to_score))
        songs = np.union1d(*scored)
        counts: dict[str, Any] = {"n_pairs": len(scored.left), "n_songs": len(songs)}
        if len(songs):
            n_songs = 1 + max(int(side.max(initial=0)) for side in (*self.train, *scored))
            pairs = np.isin(baselines.unordered(scored, n_songs), baselines.unordered(self.train, n_songs))
            shares = {"pairs": pairs.mean(), "songs": np.isin(songs, np.union1d(*self.train)).mean()}
            counts["seen_in_train"] = {name: metrics.rounded(share) for name, share in shares.items()}
        if split in self.ranked:
            counts["ranking"] = self.ranked[split][1].counts
        return counts


def positions(songs: pd.DataFrame, listing: pd.DataFrame) -> Pairs:
    """Where the songs of each row stand in the songs table.

    Raises:
        ValueError: a row names a song that is not in `songs`.
    """
    index = pd.Index(songs["song_id"])
    pairs = Pairs(*(index.get_indexer(pd.Index(listing[side])) for side in ("left_id", "right_id")))
    for side, found in zip(("left_id", "right_id"), pairs, strict=True):
        if (found < 0).any():
            unknown = listing[side].iloc[int(np.argmin(found))]
            raise ValueError(f"{side} {unknown!r} is not in the songs table; run `dvc repro songs pairs`")
    return pairs


def queries(songs: pd.DataFrame, part: pd.DataFrame, new: np.ndarray) -> ranking.RankingQueries:
    """The queries among the observable pairs of a part.

    Args:
        songs: tables.SONGS.
        part: as `pair_sets.observable` gives them.
        new: bool (n_songs,), whether a song's artist is known, and no training song's.
    """
    return ranking.RankingQueries.of(
        positions(songs, part),
        part["listed"].to_numpy(bool),
        part["similarity"].to_numpy(np.float64),
        songs["has_list"].to_numpy(bool),
        new,
    )
