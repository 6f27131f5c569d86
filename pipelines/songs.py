"""Stage `songs`: raw files -> songs with lyrics, their listed similarities, and rejected records.

Command: python pipelines/songs.py RAW --songs FILE --listed FILE --rejects FILE --corpus FILE --counts FILE
"""

import neuralist.reproducible  # noqa: F401

import json
from pathlib import Path

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.ingest import songs
from neuralist.ingest.sources import formats, generic_csv


def main() -> None:
    """Read a raw folder, write the tables, its corpus.yaml as JSON and the counts, and print the counts."""
    parser = path_parser(__doc__, ("raw",), ("songs", "listed", "rejects", "corpus", "counts"))
    args = parser.parse_args()
    description = corpus.read(args.raw)
    corpus.check(description, args.raw, Path("params.yaml"), gives_split=generic_csv.gives_split(args.raw))
    settings = params.load()
    raw = formats.read(args.raw, settings.similarity_range, settings.engine)
    built = songs.build(raw, settings.songs)
    songs.check_train(built.listed, args.raw)
    parquet.write(built.songs, tables.SONGS, args.songs)
    parquet.write(built.listed, tables.LISTED, args.listed)
    parquet.write(built.rejects, tables.REJECTS, args.rejects)
    corpus.save(description, args.corpus)
    files.write_text(args.counts, json.dumps(built.counts, indent=2, ensure_ascii=False) + "\n")
    for name, value in built.counts.items():
        for line, count in {name: value}.items() if isinstance(value, int) else value.items():
            print(f"{count:>10,}  {line if isinstance(value, int) else f'{name} {line}'}")


if __name__ == "__main__":
    console.run(main)
