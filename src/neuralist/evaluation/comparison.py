"""Compare predictors: all metrics of their predictions for the same pairs, under the same resamples.

Input: predictions of models and baselines for val and test pairs of one protocol and target. Output: for each
split, predictor and metric the values for the sample and each resample, float64 (1 + n_resamples,).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from neuralist import metrics
from neuralist.config import params
from neuralist.data.pair_sets import Pairs, positions
from neuralist.evaluation import baselines, ranking, resampling
from neuralist.metrics import Answers
from neuralist.text.tokenizer import TokenWindowing

# A predictor: ("model", experiment), (baseline, windowing) where it reads lyrics, else (baseline, None).
Key = tuple[str, str | TokenWindowing | None]
ResampledMetrics = dict[str, np.ndarray]  # metric to float64 (1 + n_resamples,); the first is the sample's


@dataclass(frozen=True)
class Comparison:
    """Pairs, their true similarities, and the predictions of every predictor.

    Attributes:
        train: the training pairs.
        pairs: the scored pairs, of all splits.
        truth: their true similarities.
        rows: split to the rows of `pairs` that the pair metrics are computed on.
        ranked: split to the rows of its observable pairs, and their queries; empty where nothing is ranked.
        answers: predictor to its predictions for `pairs`.
        texts: a number of each song's text, the same for equal texts, int64 (n_songs,); None where no counts
            are asked for.
    """

    train: Pairs
    pairs: Pairs
    truth: Answers
    rows: dict[str, np.ndarray]
    ranked: dict[str, tuple[np.ndarray, ranking.RankingQueries]]
    answers: dict[Key, Answers]
    texts: np.ndarray | None = None

    @classmethod
    def of_models(
        cls,
        songs: pd.DataFrame,
        listing: pd.DataFrame,
        predicted: Mapping[str, np.ndarray],
        rows: dict[str, np.ndarray],
        ranked_rows: Mapping[str, np.ndarray],
    ) -> "Comparison":
        """Return the comparison of models on the same pairs, without training pairs and new artists.

        Args:
            songs: tables.SONGS.
            listing: the pairs, with similarity and listed.
            predicted: a model's name to its predictions for them.
            rows: see the class.
            ranked_rows: split to the rows of its observable pairs; empty where nothing is ranked.
        """
        nothing, no_song = np.zeros(0, dtype=np.int64), np.zeros(len(songs), dtype=bool)
        return cls(
            train=Pairs(nothing, nothing),
            pairs=positions(songs, listing),
            truth=Answers.of(np.asarray(listing["similarity"])),
            rows=rows,
            ranked={
                name: (at, queries(songs, listing.iloc[at], no_song)) for name, at in ranked_rows.items()
            },
            answers={("model", name): Answers.of(own) for name, own in predicted.items()},
        )

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
        """The split that the thresholds were chosen on, or why it was none."""
        similar = self.truth.similar[self.rows["val"]]
        return "val" if similar.any() and not similar.all() else "0.5, because val lacks a class"

    def values(self, settings: params.Evaluate) -> dict[str, dict[Key, ResampledMetrics]]:
        """Compute split to predictor to metric to its values; a split without pairs is left out."""
        by_split = {
            split: self._pair_metrics(rows, settings) for split, rows in self.rows.items() if len(rows)
        }
        for split in by_split.keys() & self.ranked.keys():
            for key, ranking_metrics in self.rankings(split, settings).items():
                by_split[split][key] |= ranking_metrics
        return by_split

    def rankings(self, split: str, settings: params.Evaluate) -> dict[Key, ResampledMetrics]:
        """Compute the metrics of ranking.NAMES on a split of `ranked`, by predictor."""
        split_rows, split_queries = self.ranked[split]
        scores = {key: answer.similarity[split_rows] for key, answer in self.answers.items()}
        values = ranking.measure(split_queries, scores, settings.draws, settings.seed)
        return {key: dict(zip(ranking.NAMES, of_key.T, strict=True)) for key, of_key in values.items()}

    def _pair_metrics(self, rows: np.ndarray, settings: params.Evaluate) -> dict[Key, ResampledMetrics]:
        left, right = (side[rows] for side in self.pairs)
        weights = resampling.pair_weights(left, right, settings.draws, settings.seed)
        answers = {key: answer.at(rows) for key, answer in self.answers.items()}
        return metrics.measure(self.truth.at(rows), answers, self.thresholds, weights)

    def counts(self, split: str) -> dict[str, Any]:
        """Count a split's pairs, songs and queries, and the shares that train has too, also of texts."""
        pairs = Pairs(*(side[self.rows[split]] for side in self.pairs))
        songs = np.union1d(*pairs)
        counts: dict[str, Any] = {"n_pairs": len(pairs.left), "n_songs": len(songs)}
        if len(songs):
            n_songs = 1 + max(int(side.max(initial=0)) for side in (*self.train, *pairs))
            repeated = np.isin(
                baselines.unordered_ids(pairs, n_songs), baselines.unordered_ids(self.train, n_songs)
            )
            train_songs = np.union1d(*self.train)
            shares = {"pairs": repeated.mean(), "songs": np.isin(songs, train_songs).mean()}
            if self.texts is not None:
                shares["texts"] = np.isin(np.unique(self.texts[songs]), self.texts[train_songs]).mean()
            counts["seen_in_train"] = {name: metrics.rounded(share) for name, share in shares.items()}
        if split in self.ranked:
            counts["ranking"] = self.ranked[split][1].counts
        return counts


def queries(songs: pd.DataFrame, observable: pd.DataFrame, new_artist: np.ndarray) -> ranking.RankingQueries:
    """Build the ranking queries from the observable pairs of a split.

    Args:
        songs: tables.SONGS.
        observable: the pairs, as `pair_sets.observable` returns them.
        new_artist: bool (n_songs,), whether the song has an artist that no training song has.
    """
    return ranking.RankingQueries.of(
        positions(songs, observable),
        observable["listed"].to_numpy(bool),
        observable["similarity"].to_numpy(np.float64),
        songs["has_list"].to_numpy(bool),
        new_artist,
    )
