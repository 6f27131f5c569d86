"""Stage `pairs`: songs, listed -> rows (as listed) and pairs (each once), cut into parts; unlisted pairs.

python pipelines/pairs.py songs.parquet listed.parquet --rows rows.parquet --pairs pairs.parquet \
    --unlisted unlisted.parquet
"""

import argparse
from pathlib import Path

from neuralist import pairs, params, scripts, tables


def main() -> None:
    """Read songs and listed similarities, write the three tables, and print how many fell where."""
    args = parse()
    choices = params.load().pairs
    songs, listed = tables.read(args.songs, tables.SONGS), tables.read(args.listed, tables.LISTED)
    rows = pairs.rows(listed, songs, choices)
    given = bool(listed["split"].notna().any())
    each_once = pairs.pairs(rows, songs, choices, given=given)
    unlisted = pairs.unlisted(each_once, songs, choices, given=given)
    tables.write(rows, tables.ROWS, args.rows)
    tables.write(each_once, tables.PAIRS, args.pairs)
    tables.write(unlisted, tables.UNLISTED, args.unlisted)
    print(f"{len(listed):>10,}  listed")
    print(f"{len(listed) - len(rows):>10,}  of them between two tracks of one song, left out")
    for name, table in (("rows", rows), ("pairs", each_once), ("unlisted", unlisted)):
        print(f"{len(table):>10,}  {name}")
        for split, count in table["split"].value_counts().sort_index().items():
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
    scripts.run(main)
