"""Stage `songmap`: songs on a plane, by the trained encoder.

    python pipelines/songmap.py artifacts/songs.parquet artifacts/experiments \
        --corpus artifacts/corpus.json --picture artifacts/songmap.png --page artifacts/songmap.html

In: the table songs and the trained experiments; params `songmap`. Out: a PNG of the songs that the filter
keeps, and a self-contained page of all songs.
"""

import argparse
from pathlib import Path

from neuralist import corpus, params, scripts, song_words, songmap, songmap_drawing, tables
from neuralist.onnx_encoder import Encoder


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("songs", type=Path)
    parser.add_argument("experiments", type=Path, help="folder with a trained experiment each")
    parser.add_argument("--corpus", type=Path, required=True, metavar="JSON")
    parser.add_argument("--picture", type=Path, required=True, metavar="PNG")
    parser.add_argument("--page", type=Path, required=True, metavar="HTML")
    return parser.parse_args()


def main() -> None:
    """Embed the songs, draw those of the filter as a picture and all of them as a page."""
    args = parse()
    settings = params.load()
    choices, experiment = settings.songmap, settings.mapped_experiment
    known, note = tables.read(args.songs, tables.SONGS), corpus.load(args.corpus).note
    held = songmap.conditions(known, choices.filter)
    matching = songmap.chosen(known, held)
    pictured = songmap.spread(matching, songmap_drawing.MOST)
    encoder = Encoder.load(args.experiments / experiment)
    embeddings = encoder.encode(pictured["lyrics"].tolist())
    drawn = songmap.songmap(pictured, embeddings, encoder.similarity, choices.neighbours)
    caption = songmap.caption(len(pictured), len(matching), held, experiment)
    songmap_drawing.save_picture(drawn, caption, note, args.picture)

    shown = songmap.spread(known, choices.most)
    words = song_words.weighted(known["lyrics"].tolist())
    of_shown = words.of(known["song_id"].isin(shown["song_id"]).to_numpy())
    embeddings = encoder.encode(shown["lyrics"].tolist())
    drawn = songmap.songmap(shown, embeddings, encoder.similarity, choices.neighbours)
    caption = songmap.caption(len(shown), len(known), {}, experiment)
    clusters = song_words.clusters(embeddings)
    tables.write_text(args.page, songmap_drawing.page(drawn, of_shown, clusters, caption, note))
    print(f"{len(shown)} songs drawn by {experiment}, {len(pictured)} of them in the picture")


if __name__ == "__main__":
    scripts.run(main)
