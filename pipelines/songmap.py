"""Stage `songmap`: a map of songs by the trained encoder's embeddings.

    python pipelines/songmap.py artifacts/catalogue_songs.parquet artifacts/experiments \
        --corpus artifacts/corpus.json --picture artifacts/songmap.png --page artifacts/songmap.html

In: the songs of the catalogue and the trained experiments; params `songmap`. Out: a PNG of all songs, or of
those that a filter keeps, and a self-contained page of all songs; of the versions and covers of a song, the
first by id.
"""

import neuralist.reproducible  # noqa: F401

from neuralist import console, files
from neuralist.arguments import path_parser
from neuralist.config import corpus, params
from neuralist.data import parquet, tables
from neuralist.model.encoder import Encoder
from neuralist.songmap import drawing, layout, picture


def main() -> None:
    """Draw the songs of the filter as a picture, and all of them as a page."""
    parser = path_parser(__doc__, ("songs", "experiments"), ("corpus", "picture", "page"))
    args, settings = parser.parse_args(), params.load()
    choices, experiment = settings.songmap, settings.mapped_experiment
    songs = layout.first_versions(parquet.read(args.songs, tables.SONGS))
    note = corpus.load(args.corpus).note
    criteria = layout.resolve_filter(songs, choices.filter)
    encoder = Encoder.load(args.experiments / experiment)
    whole = drawing.draw(songs, encoder, choices, experiment)
    pictured = whole
    if criteria or len(whole.song_map.songs) > picture.MAX_SONGS:
        most = picture.MAX_SONGS
        pictured = drawing.draw(songs, encoder, choices, experiment, criteria=criteria, most=most)
    drawing.save_picture(pictured, note, args.picture)
    page, n_shown = drawing.page(whole, note)
    files.write_text(args.page, page)
    n_pictured = len(pictured.song_map.songs)
    print(f"{n_shown} {whole.song_map.things} drawn by {experiment}, {n_pictured} of them in the picture")


if __name__ == "__main__":
    console.run(main)
