"""Stage `pairs`: songs, listed -> rows (as listed) and pairs (each once), cut into parts; unlisted pairs.

python pipelines/pairs.py songs.parquet listed.parquet --rows rows.parquet --pairs pairs.parquet \
    --unlisted unlisted.parquet
"""

import argparse
from collections import Counter
from pathlib import Path

from neuralist import console
from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.engine.connect import connect
from neuralist.ingest import pairs


def main() -> None:
    """Read songs and listed similarities, write the three tables, and print how many fell where."""
    args = parse()
    chosen = params.load()
    choices = chosen.pairs
    songs = parquet.read(args.songs, tables.SONGS, ["song_id", "track_ids", "has_list", "fold"])
    with connect(chosen.engine) as on:
        on.read("listed", args.listed, tables.LISTED)
        listed = pairs.Listed(on, songs, choices)
        rows = pairs.Written(listed.ids, tables.ROWS)
        parquet.write_batches(rows.named(listed.rows()), tables.ROWS, args.rows)
        each_once = pairs.Written(listed.ids, tables.PAIRS, keep=True)
        parquet.write_batches(each_once.named(listed.pairs()), tables.PAIRS, args.pairs)
    unlisted = pairs.unlisted(each_once.frame(), songs, choices, given=listed.given)
    parquet.write(unlisted, tables.UNLISTED, args.unlisted)
    print(f"{listed.n_listed:>10,}  listed")
    print(f"{listed.n_listed - rows.splits.total():>10,}  of them between two tracks of one song, left out")
    drawn = Counter(unlisted["split"])
    for name, splits in (("rows", rows.splits), ("pairs", each_once.splits), ("unlisted", drawn)):
        print(f"{splits.total():>10,}  {name}")
        for split, count in sorted(splits.items()):
            print(f"{count:>10,}  {name} {split}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path)
    parser.add_argument("listed", type=Path)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--unlisted", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    console.run(main)
