"""Stage `songs`: raw files -> songs with lyrics, their listed similarities, and every record not used.

Command: python pipelines/songs.py RAW --songs FILE --listed FILE --rejects FILE --corpus FILE --counts FILE
"""

import argparse
import json
from pathlib import Path

from neuralist import console, files
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.ingest import songs
from neuralist.ingest.sources import formats


def main() -> None:
    """Read a raw folder, write three tables, what it says of itself and the counts, and print these."""
    args = parse()
    told = corpus.read(args.raw)
    corpus.check(told, args.raw, Path("params.yaml"))
    choices = params.load()
    made = songs.build(formats.read(args.raw, choices.similarity_range, choices.engine), choices.songs)
    songs.check_train(made.listed, args.raw)
    parquet.write(made.songs, tables.SONGS, args.songs)
    parquet.write(made.listed, tables.LISTED, args.listed)
    parquet.write(made.rejects, tables.REJECTS, args.rejects)
    corpus.save(told, args.corpus)
    files.write_text(args.counts, json.dumps(made.counts, indent=2, ensure_ascii=False) + "\n")
    for name, value in made.counts.items():
        for line, count in {name: value}.items() if isinstance(value, int) else value.items():
            print(f"{count:>10,}  {line if isinstance(value, int) else f'{name} {line}'}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="raw folder")
    for name in ("songs", "listed", "rejects", "counts", "corpus"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    console.run(main)
