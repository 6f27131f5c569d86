"""Stage `catalogue`: songs and the changes of catalogue/ -> the songs that are recommended and on the map.

    python pipelines/catalogue.py artifacts/songs.parquet catalogue \
        --songs artifacts/catalogue_songs.parquet --rejects artifacts/catalogue_rejects.parquet

In: the table songs; the folder catalogue/ that `neuralist catalogue` changes. Out: songs without those that
were removed, with those that were added or corrected; and each that could not be added, with the reason.
Nothing that trains or evaluates reads them.
"""

import neuralist.reproducible  # noqa: F401

from neuralist import console
from neuralist.arguments import path_parser
from neuralist.config import params
from neuralist.data import parquet, tables
from neuralist.ingest import catalogue, changes


def main() -> None:
    """Write the songs of the catalogue and the rejects, and print how many of each there are."""
    parser = path_parser(__doc__, ("songs_in", "changes"), ("songs", "rejects"))
    args = parser.parse_args()
    songs = parquet.read(args.songs_in, tables.SONGS)
    added, removed = changes.read_added(args.changes), changes.read_removed(args.changes)
    built = catalogue.build(songs, added, removed, params.load().songs)
    parquet.write(built.songs, tables.SONGS, args.songs)
    parquet.write(built.rejects, tables.REJECTS, args.rejects)
    for _, where, reason, value in built.rejects.itertuples(index=False, name=None):
        print(f"  {where}: {reason}, received {value!r}")
    print(
        f"{len(built.songs):,} songs: {built.n_new:,} new, {built.n_corrected:,} corrected, "
        f"{built.n_removed:,} removed, {len(built.rejects):,} not added"
    )


if __name__ == "__main__":
    console.run(main)
