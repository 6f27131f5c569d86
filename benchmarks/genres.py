"""Listed AUC within and across genre, and how far the model's similarity follows style.

Command: python -m benchmarks.genres ARTIFACTS SPLITS OUT [--experiment lyrics] [--split test]
ARTIFACTS holds songs.parquet, rows.parquet and vectors/; SPLITS is the folder of `make splits`, of whose
folds the trainings are read. params.yaml is that of the working folder. Each number is a mean over the folds
there are, with an interval from resamples of the songs. OUT is JSON with the columns and rows of a page's
table.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from neuralist import files, metrics
from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.data.pair_sets import Pairs
from neuralist.evaluation import evaluation, ranking
from neuralist.evaluation.comparison import Comparison, Key
from neuralist.evaluation.results import interval
from neuralist.ingest import pairs as ingest_pairs
from neuralist.model.encoder import Encoder
from neuralist.text import word_vectors

BASELINES = ("ridge", "pair_regression", "style")
KINDS = ("all", "same genre", "other genre")
LISTED_AUC = ranking.NAMES.index("listed_auc")


def candidates(songs: pd.DataFrame, pairs: Pairs) -> dict[str, np.ndarray]:
    """Return masks over pairs, bool (n_pairs,), by kind; a pair of unknown genre is of neither kind."""
    codes, _ = pd.factorize(songs["genre"])
    left, right = codes[pairs.left], codes[pairs.right]
    known = (left >= 0) & (right >= 0)
    return {
        "all": np.ones(len(left), dtype=bool),
        "same genre": known & (left == right),
        "other genre": known & (left != right),
    }


class Measured:
    """The values of predictors in every fold: for the sample and for each resample of its songs."""

    def __init__(self) -> None:
        self.auc: dict[tuple[str, str], list[np.ndarray]] = {}
        self.like_style: list[float] = []
        self.n_queries: dict[str, int] = {}

    def add(
        self,
        songs: pd.DataFrame,
        comparison: Comparison,
        keys: dict[str, Key],
        split: str,
        settings: params.Evaluate,
    ) -> None:
        """Add a fold: listed AUC by kind of candidate, and the rank correlation of model and style."""
        rows, _ = comparison.ranked[split]
        pairs = Pairs(*(side[rows] for side in comparison.pairs))
        similarity = {name: comparison.answers[key].similarity[rows] for name, key in keys.items()}
        listed = comparison.truth.similarity[rows] > 0
        for kind, of_kind in candidates(songs, pairs).items():
            queries = ranking.RankingQueries.of(
                Pairs(*(side[of_kind] for side in pairs)),
                listed[of_kind],
                comparison.truth.similarity[rows][of_kind],
                songs["has_list"].to_numpy(bool),
                np.zeros(len(songs), dtype=bool),
            )
            self.n_queries[kind] = self.n_queries.get(kind, 0) + queries.counts["n_queries"]
            scores = {name: own[of_kind] for name, own in similarity.items()}
            for name, values in ranking.measure(queries, scores, settings.draws, settings.seed).items():
                self.auc.setdefault((name, kind), []).append(values[:, LISTED_AUC])
        ranks = [rankdata(similarity[name]) for name in ("model", "style")]
        self.like_style.append(float(np.corrcoef(*ranks)[0, 1]))

    def table(self, level: float) -> dict[str, object]:
        """Columns, rows and facts, as docs/results holds them."""
        names = list(dict.fromkeys(name for name, _ in self.auc))
        rows = [[name, *(self._cell(name, kind, level) for kind in KINDS)] for name in names]
        return {
            "facts": {
                "folds": len(self.like_style),
                **{f"queries, {kind}": number for kind, number in self.n_queries.items()},
                "spearman of model and style": f"{np.mean(self.like_style):.3f}",
                "spearman of each fold": ", ".join(f"{value:.3f}" for value in self.like_style),
            },
            "columns": ["listed AUC among candidates of", *KINDS],
            "rows": rows,
        }

    def _cell(self, name: str, kind: str, level: float) -> str:
        values = np.mean(self.auc[name, kind], axis=0)
        return interval(metrics.summary(values, "listed_auc", level), "listed_auc")


def folds(artifacts: Path, splits: Path, experiment: str, settings: params.Params) -> Iterator[tuple]:
    """Yield songs, a fold's comparison and its predictors' keys, for each fold with a training in SPLITS."""
    songs = parquet.read(artifacts / "songs.parquet", tables.SONGS)
    rows = parquet.read(artifacts / "rows.parquet", tables.ROWS)
    vectors = word_vectors.load(artifacts / "vectors")
    for fold in range(params.N_FOLDS):
        trained = sorted((splits / f"fold{fold}").glob(f"{experiment}-*/experiment.json"))
        if not trained:
            continue
        encoder = Encoder.load(trained[-1].parent)
        listings = ingest_pairs.of_fold(rows, songs, settings.pairs, fold)
        scored = listings.scored(songs, "songs")
        own = settings.experiment(experiment, 1)
        predictions = evaluation.predict(experiment, encoder, songs, scored)
        [(_, comparison)] = evaluation.comparisons(
            songs, listings, predictions, {experiment: own}, vectors, settings=settings.evaluate
        )
        keys = evaluation.predictors(experiment, own, comparison)
        yield songs, comparison, {name: keys[name] for name in ("model", *BASELINES) if name in keys}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("artifacts", "splits", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--experiment", default="lyrics")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    args, settings = parser.parse_args(), params.load()
    measured = Measured()
    for songs, comparison, keys in folds(args.artifacts, args.splits, args.experiment, settings):
        measured.add(songs, comparison, keys, args.split, settings.evaluate)
        print(f"{len(measured.like_style)} folds measured", flush=True)
    content = json.dumps(measured.table(settings.evaluate.level), indent=1)
    files.write_text(args.out, content + "\n")
    print(content)


if __name__ == "__main__":
    main()
