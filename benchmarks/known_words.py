"""How the answers change with the share of a song's words that the model knows.

Command: python -m benchmarks.known_words ARTIFACTS EXPERIMENT
ARTIFACTS holds songs.parquet and pairs.parquet; EXPERIMENT is a trained folder of protocol songs, fold 0. Of
the val songs with a list, known words are drawn and replaced by unknown ones; the songs that they are
compared with stay whole. Printed are listed AUC, and how many of the ten nearest of the whole song stay.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.nearest import nearest, share_kept
from neuralist.data.pair_sets import positions
from neuralist.model.encoder import Encoder
from neuralist.text.tokenizer import words

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
VAL_FOLD, SEEDS = 1, (1, 2)


def measure(songs: pd.DataFrame, pairs: pd.DataFrame, encoder: Encoder) -> dict[float, tuple[float, float]]:
    """Return listed AUC and the share of the nearest that stay, by the share of known words."""
    songs = songs.loc[songs["fold"] == VAL_FOLD].reset_index(drop=True)
    left, right = positions(songs, pairs.loc[pairs["split"] == "val"])
    listed = np.zeros((len(songs), len(songs)), dtype=bool)
    listed[left, right] = listed[right, left] = True
    group = songs["group_id"].to_numpy()
    other = group[:, None] != group
    queries = np.flatnonzero(songs["has_list"].to_numpy(bool) & (listed & other).any(axis=1))
    texts = [words(text) for text in songs["lyrics"]]
    catalogue, vocabulary = encoder.encode(songs["lyrics"].tolist()), set(encoder.vocabulary.words)

    def answers(embeddings: np.ndarray) -> tuple[list[float], list[set[int]]]:
        aucs, songs_near = [], []
        for query in queries:
            candidates = np.flatnonzero(other[query])
            similarity = encoder.similarity(embeddings[query][None], catalogue[candidates])
            is_listed = listed[query, candidates]
            aucs.append(roc_auc_score(is_listed, similarity))
            songs_near.append(nearest(similarity, candidates))
        return aucs, songs_near

    whole = answers(catalogue)[1]
    measured = {}
    for share in SHARES:
        rounds = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            aucs, near = answers(encoder.encode([_with_share(t, vocabulary, share, rng) for t in texts]))
            rounds.append((np.mean(aucs), share_kept(whole, near)))
        auc, stays = np.mean(rounds, axis=0)
        measured[share] = float(auc), float(stays)
    return measured


def _with_share(text: list[str], vocabulary: set[str], share: float, rng: np.random.Generator) -> str:
    """Replace known words by unknown ones until `share` of the text is known."""
    known = [number for number, word in enumerate(text) if word in vocabulary]
    n_replaced = max(0, len(known) - round(share * len(text)))
    replaced = set(rng.permutation(known)[:n_replaced].tolist())
    return " ".join(f"zzqx{number}" if number in replaced else word for number, word in enumerate(text))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("artifacts", "experiment"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    tables = [pd.read_parquet(args.artifacts / f"{name}.parquet") for name in ("songs", "pairs")]
    for share, (auc, stays) in measure(*tables, Encoder.load(args.experiment)).items():
        print(f"known {share:.0%}: listed AUC {auc:.3f}, of the ten nearest stay {stays:.0%}")


if __name__ == "__main__":
    main()
