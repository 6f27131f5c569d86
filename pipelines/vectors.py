"""Stage vectors: one word vector matrix for all experiments, fitted on no val or test song.

Command: python pipelines/vectors.py RAW SONGS --vectors FOLDER
"""

import argparse
from pathlib import Path

from neuralist import params, scripts, tables, vectors
from neuralist.tokens import words


def parse() -> argparse.Namespace:
    """Read the paths that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Read a vector file or train on the songs outside the val and test folds; report the coverage."""
    args, settings = parse(), params.load()
    songs = tables.read(args.songs, tables.SONGS)
    parts = songs["fold"].map(settings.pairs.part)
    texts = {part: songs.loc[parts == part, "lyrics"].tolist() for part in ("train", "val", "test")}
    file = vectors.find_file(settings.vectors.source, args.raw)
    if file:
        known = {word for text in texts["train"] for word in words(text)}
        found = vectors.read_file(file, known, settings.vectors.most_frequent)
    else:
        found = vectors.train(texts["train"], settings.vectors)
    source = file.name if file else "trained on the training songs"
    made = vectors.assemble(found, settings.vectors.length, source, texts)
    made.save(args.vectors)
    print(
        f"word vectors: {made.coverage['words']:,} x {made.coverage['dimensions']}, {made.coverage['source']}"
    )
    for part in texts:
        covered = made.coverage[part]
        print(f"  {part}: {covered['token_coverage']} of {covered['tokens']:,} tokens have a vector")


if __name__ == "__main__":
    scripts.run(main)
