"""Stage `pairs`: songs, listed -> rows (as listed) and pairs (each once), with their splits; unlisted pairs.

Command: python pipelines/pairs.py songs.parquet listed.parquet --rows rows.parquet --pairs pairs.parquet \
    --unlisted unlisted.parquet
"""

import neuralist.reproducible  # noqa: F401

from collections import Counter

from neuralist import console
from neuralist.arguments import path_parser
from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.engine.connect import connect
from neuralist.ingest import pairs


def main() -> None:
    """Read songs and listed similarities, write the three tables, and print the sizes of their splits."""
    parser = path_parser(__doc__, ("songs", "listed"), ("rows", "pairs", "unlisted"))
    args, settings = parser.parse_args(), params.load()
    choices = settings.pairs
    songs = parquet.read(args.songs, tables.SONGS, ["song_id", "track_ids", "has_list", "fold"])
    with connect(settings.engine) as engine:
        engine.read_parquet("listed", args.listed, tables.LISTED)
        listed = pairs.Listed(engine, songs, choices)
        rows = pairs.BatchNaming(listed.ids, tables.ROWS)
        parquet.write_batches(rows.with_ids(listed.rows()), tables.ROWS, args.rows)
        each_once = pairs.BatchNaming(listed.ids, tables.PAIRS, collect=True)
        parquet.write_batches(each_once.with_ids(listed.pairs()), tables.PAIRS, args.pairs)
    unlisted = pairs.unlisted(each_once.frame(), songs, choices, gives_split=listed.gives_split)
    parquet.write(unlisted, tables.UNLISTED, args.unlisted)
    print(f"{listed.n_listed:>10,}  listed")
    print(f"{listed.n_listed - rows.splits.total():>10,}  of them between two tracks of one song, left out")
    drawn = Counter(unlisted["split"])
    for name, splits in (("rows", rows.splits), ("pairs", each_once.splits), ("unlisted", drawn)):
        print(f"{splits.total():>10,}  {name}")
        for split, count in sorted(splits.items()):
            print(f"{count:>10,}  {name} {split}")


if __name__ == "__main__":
    console.run(main)
