"""Stage `songmap`: a map of songs by the trained encoder's embeddings.

    python pipelines/songmap.py artifacts/catalogue_songs.parquet artifacts/experiments \
        --corpus artifacts/corpus.json --picture artifacts/songmap.png --page artifacts/songmap.html

In: the songs of the catalogue and the trained experiments; params `songmap`. Out: a PNG of the songs that the
filter keeps, and a self-contained page of all songs; of the versions and covers of a song, the first by id.
"""

import neuralist.reproducible  # noqa: F401

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.model.encoder import Encoder
from neuralist.songmap import drawing, layout, picture


def main() -> None:
    """Embed the songs, draw those of the filter as a picture and all of them as a page."""
    parser = path_parser(__doc__, ("songs", "experiments"), ("corpus", "picture", "page"))
    args, settings = parser.parse_args(), params.load()
    choices, experiment = settings.songmap, settings.mapped_experiment
    songs = layout.first_versions(parquet.read(args.songs, tables.SONGS))
    note = corpus.load(args.corpus).note
    criteria = layout.resolve_filter(songs, choices.filter)
    matching = layout.filter_songs(songs, criteria)
    encoder = Encoder.load(args.experiments / experiment)
    pictured, embeddings = drawing.embed(layout.sample_evenly(matching, picture.MAX_SONGS), encoder)
    song_map = layout.songmap(pictured, embeddings, encoder.similarity, choices.neighbours)
    caption = layout.caption(len(pictured), len(matching), criteria, experiment)
    picture.save_picture(song_map, caption, note, args.picture)
    page, n_shown = drawing.page(songs, encoder, choices, experiment, note)
    files.write_text(args.page, page)
    print(f"{n_shown} songs drawn by {experiment}, {len(pictured)} of them in the picture")


if __name__ == "__main__":
    console.run(main)
