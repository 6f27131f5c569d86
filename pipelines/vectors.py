"""Stage vectors: one word vector matrix for all experiments, fitted on no val or test song.

Command: python pipelines/vectors.py RAW SONGS PAIRS --vectors FOLDER
"""

import argparse
from pathlib import Path

from neuralist import console
from neuralist.config import params
from neuralist.data import parquet, splits, tables
from neuralist.text import word_vectors
from neuralist.training import pretraining


def parse() -> argparse.Namespace:
    """Read the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("songs", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Read a vector file or train on the training songs; report the coverage."""
    args, settings = parse(), params.load()
    songs, listed = parquet.read(args.songs, tables.SONGS), parquet.read(args.pairs, tables.PAIRS)
    given = settings.train.protocol == "given"
    parts = splits.parts(songs, listed, settings.pairs, given=given)
    texts = {part: of_part["lyrics"].tolist() for part, of_part in parts.items()}
    before = pretraining.texts(map(settings.experiment, settings.run), texts["val"] + texts["test"])
    made = word_vectors.fit(texts, before, settings.vectors, args.raw)
    made.save(args.vectors)
    print(
        f"word vectors: {made.coverage['words']:,} x {made.coverage['dimensions']}, {made.coverage['source']}"
    )
    for part in texts:
        covered = made.coverage[part]
        print(f"  {part}: {covered['token_coverage']} of {covered['tokens']:,} tokens have a vector")


if __name__ == "__main__":
    console.run(main)
