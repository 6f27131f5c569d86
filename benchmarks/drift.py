"""How often `neuralist drift` raises an alarm: on songs like those of training, and on others.

Command: python -m benchmarks.drift ARTIFACTS NAME=SONGS...
ARTIFACTS holds songs.parquet, pairs.parquet and served/ of protocol songs; each SONGS is a songs.parquet. So
many songs are drawn at random of those trained on, of the rest ("unseen"), and of each NAME. Printed are the
shares of the draws in which a feature is beyond its limit in params.yaml, of the working folder.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from neuralist.cli.drift import limit_of
from neuralist.config import params, records
from neuralist.evaluation.drift import MIN_SONGS, effects
from neuralist.model.encoder import Reading
from neuralist.serving import drift
from neuralist.serving.model import Model

SIZES, DRAWS, SEED = (10, 20, 30, 100, 300), 200, 1


def songs_of(path: Path, model: Model) -> drift.Songs:
    """Return the songs of a table, read by the model."""
    table = pd.read_parquet(path, columns=["song_id", "lyrics", "year", "language", "tags"])
    texts = [model.encoder.clean(text) for text in table["lyrics"]]
    return drift.Songs(texts, table, model.read(texts, cleaned=True))


def drawn(songs: drift.Songs, rows: np.ndarray) -> drift.Songs:
    """Return some of the songs."""
    reading = Reading(*(values[rows] for values in songs.reading))
    return drift.Songs([songs.texts[row] for row in rows], songs.facts.iloc[rows], reading)


def is_beyond(reference: records.DriftReference, songs: drift.Songs, choices: params.Drift) -> bool:
    """Return whether a feature is beyond its limit; however few the songs are, which the command refuses."""
    for feature in drift.count(reference, songs):
        if not feature.new.sum():
            continue
        found = effects(feature.reference, feature.new, is_ordered=feature.is_ordered, choices=choices)
        for effect in found:
            limit = limit_of(choices, feature.name, effect.statistic)
            if limit is not None and effect.low > limit:
                return True
    return False


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("artifacts", type=Path)
    parser.add_argument("others", nargs="*", metavar="NAME=SONGS")
    args, choices = parser.parse_args(), params.load().drift
    served = args.artifacts / "served"
    model, reference = Model.load(served), records.load_drift(served)
    known = songs_of(args.artifacts / "songs.parquet", model)
    trained_on = set((served / "training_songs.txt").read_text().split("\n"))
    is_train = known.facts["song_id"].isin(trained_on).to_numpy()
    groups = {"training": drawn(known, np.flatnonzero(is_train))}
    groups["unseen"] = drawn(known, np.flatnonzero(~is_train))
    for name, path in (other.split("=", 1) for other in args.others):
        groups[name] = songs_of(Path(path), model)
    draw = np.random.default_rng(SEED)
    for name, songs in groups.items():
        for size in SIZES:
            if size > len(songs.texts):
                continue
            samples = (draw.choice(len(songs.texts), size, replace=False) for _ in range(DRAWS))
            share = np.mean([is_beyond(reference, drawn(songs, rows), choices) for rows in samples])
            judged = "" if size >= MIN_SONGS else " (not judged by the command)"
            print(f"{name}: {size} songs: beyond a limit in {share:.1%} of the draws{judged}", flush=True)


if __name__ == "__main__":
    main()
