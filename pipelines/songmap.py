"""Stage `songmap`: songs on a plane, by the trained encoder.

    python pipelines/songmap.py artifacts/songs.parquet artifacts/experiments \
        --corpus artifacts/corpus.json --picture artifacts/songmap.png --page artifacts/songmap.html

In: the table songs and the trained experiments; params `songmap`. Out: a PNG and a self-contained page.
"""

import argparse
from pathlib import Path

from neuralist import corpus, params, scripts, songmap, songmap_drawing, tables
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
    """Embed the chosen songs and draw them."""
    args = parse()
    settings = params.load()
    choices, experiment = settings.songmap, settings.mapped_experiment
    known = tables.read(args.songs, tables.SONGS)
    held = songmap.conditions(known, choices.filter)
    matching = songmap.chosen(known, held)
    songs = songmap.spread(matching, choices.most)
    encoder = Encoder.load(args.experiments / experiment)
    embeddings = encoder.encode(songs["lyrics"].tolist())
    drawn = songmap.songmap(songs, embeddings, encoder.similarity_kind, choices.neighbours)
    note = corpus.load(args.corpus).note
    caption = songmap.caption(len(songs), len(matching), held, experiment)
    songmap_drawing.save_picture(drawn, caption, note, args.picture)
    tables.write_text(args.page, songmap_drawing.page(drawn, caption, note))
    print(f"{len(songs)} songs drawn by {experiment}")


if __name__ == "__main__":
    scripts.run(main)
