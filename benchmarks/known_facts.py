"""How much better songs are ranked where artist, year or tags of the query are known beside its lyrics.

Command: python -m benchmarks.known_facts ARTIFACTS SPLITS OUT EXPERIMENT [--split val|test] [--folds 0,1,2]
ARTIFACTS holds songs.parquet and rows.parquet, and SPLITS the trainings of `make splits`, fold<number>/; the
settings are those of ./params.yaml. For each fold the blend is learned on val, as stage `package` learns it.
On val itself a pair is judged by weights that were learned without the songs of its left song's fold. A fact
that a song lacks counts as the average pair's.

OUT gets means and intervals in the form of results.json of `make splits`; on to the pages:

    python docs/collect.py folds known_facts OUT
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuralist import files
from neuralist.config import params
from neuralist.config.records import Estimate, Fact
from neuralist.data import parquet, tables
from neuralist.evaluation import fold_averages, ranking
from neuralist.ingest import pairs
from neuralist.model.blend import FACTS, Weighing
from neuralist.model.encoder import Encoder
from neuralist.serving import blending

LYRICS = "lyrics"
SETS: dict[str, tuple[Fact, ...]] = {
    **{f"{LYRICS}, {fact}": (fact,) for fact in FACTS},
    f"{LYRICS}, year, tags": ("year", "tags"),
    ", ".join([LYRICS, *FACTS]): FACTS,
}
SUBJECT = ", ".join([LYRICS, *FACTS])
NO_LIMIT = 10**9  # songs of a split


def scores(val: blending.ValPairs, judged: blending.ValPairs | None) -> dict[str, np.ndarray]:
    """Return what ranks the pairs, by lyrics alone and with each set of facts, float64 (n_pairs,).

    Args:
        val: the pairs to learn from.
        judged: those of test; None for val itself.
    """
    of_pairs = val if judged is None else judged
    found = {LYRICS: of_pairs.similarity}
    for name, facts in SETS.items():
        rows = blending.usable(facts, val)
        if judged is None:
            found[name] = np.full(len(val.left), np.nan)
            for in_fold, weighing in blending.folds(facts, val, rows):
                own = in_fold[val.queries.left]
                found[name][own] = _log_odds(weighing, val)[own]
        else:
            found[name] = _log_odds(blending.fitted(facts, val, rows), judged)
    return found


def _log_odds(weighing: Weighing, of_pairs: blending.ValPairs) -> np.ndarray:
    return weighing.log_odds(of_pairs.similarity, of_pairs.nearness)


def measure(
    songs: pd.DataFrame, pair_table: pd.DataFrame, encoder: Encoder, split: str
) -> tuple[dict[str, Any], float]:
    """Return a fold's ranking metrics by what is known of the query, and listed AUC on val where all is.

    Args:
        songs: tables.SONGS.
        pair_table: tables.PAIRS of the fold.
        encoder: trained on its training songs.
        split: val or test.
    """
    embeddings = encoder.encode(songs["lyrics"].tolist())

    def similarity(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return encoder.similarity(embeddings[left], embeddings[right])

    def of(split: str) -> blending.ValPairs:
        return blending.val_pairs(songs, pair_table, similarity, "songs", split, NO_LIMIT)

    val, judged = of("val"), None if split == "val" else of(split)
    settings = params.load().evaluate
    [on_val] = ranking.measure(val.queries, {SUBJECT: scores(val, None)[SUBJECT]}, 0, 0)[SUBJECT]
    queries = (judged or val).queries
    measured = ranking.measure(queries, scores(val, judged), settings.draws, settings.seed)
    by_name = {name: dict(zip(ranking.NAMES, values.T, strict=True)) for name, values in measured.items()}
    return by_name, float(on_val[ranking.NAMES.index("listed_auc")])


def main() -> None:
    """Measure each fold, print the means, and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("artifacts", "splits", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("experiment")
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--folds", type=lambda text: [int(one) for one in text.split(",")])
    args, settings = parser.parse_args(), params.load()
    songs = parquet.read(args.artifacts / "songs.parquet", tables.SONGS)
    rows = parquet.read(args.artifacts / "rows.parquet", tables.ROWS)
    trainings, on_val = [], []
    for fold in args.folds or range(params.N_FOLDS):
        folders = sorted((args.splits / f"fold{fold}").glob(f"{args.experiment}-*/encoder.onnx"))
        if len(folders) != 1:
            raise SystemExit(
                f"{args.splits / f'fold{fold}'}: {len(folders)} trainings of {args.experiment}, expected 1"
            )
        pair_table = pairs.of_fold(rows, songs, settings.pairs, fold).pairs
        metrics, val_auc = measure(songs, pair_table, Encoder.load(folders[0].parent), args.split)
        trainings.append(metrics)
        on_val.append(val_auc)
    averages = fold_averages.averaged(trainings, SUBJECT, settings.evaluate.level)
    print("\n".join(fold_averages.markdown(averages, SUBJECT)))
    numbers: dict[str, Any] = {name: average._asdict() for name, average in averages.items()}
    numbers["val"] = {SUBJECT: float(np.mean(on_val))}
    files.write_text(args.out, json.dumps(numbers, indent=2, default=Estimate.model_dump) + "\n")


if __name__ == "__main__":
    main()
