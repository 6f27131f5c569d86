"""Frames a second of the song map's page with 50,000 made-up songs, in a real browser.

The page is moved, zoomed and pointed at once a frame, as fast as the browser asks for frames; the time of a
frame is that of its requestAnimationFrame. Without a graphics processor the browser draws on the CPU.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import sparse

from benchmarks import browsers
from benchmarks.figures import Figure, Missing
from neuralist.model.similarity import Similarity
from neuralist.songmap import html_page
from neuralist.songmap.layout import Song, SongMap
from neuralist.songmap.song_words import Regions
from neuralist.text.tfidf import TermWeights

SONGS, REGIONS, NEIGHBOURS, UNITS, ROUNDS, FRAMES = 50_000, 8, 6, 50, 5, 40
WORDS = ("silver", "lantern", "river", "copper", "window", "garden", "midnight", "velvet", "paper", "harbour")
MOVES = {
    "moving the whole map": "pan(frame % 30 < 15 ? 12 : -12, frame % 2 ? 5 : -5)",
    "moving it, zoomed in sixfold": "pan(frame % 30 < 15 ? 12 : -12, frame % 2 ? 5 : -5)",
    "zooming": "zoomAt(frame % 30 < 15 ? 1.08 : 1 / 1.08, 700, 400)",
    "pointing at songs": "point(under(300 + frame * 7 % 500, 200 + frame * 5 % 400, 16))",
}
# Frames a second over FRAMES frames, each drawn anew.
MEASURE = """async ([move, zoom, frames]) => {
  const next = () => new Promise(requestAnimationFrame), act = new Function("frame", move);
  Object.assign(camera, { x: 0.5, y: 0.5, zoom });
  redraw();
  await next();
  const begun = await next();
  let now = begun;
  for (let frame = 0; frame < frames; frame += 1) {
    act(frame);
    now = await next();
  }
  return 1000 * frames / (now - begun);
}"""


def measure(_: argparse.Namespace) -> Iterator[Figure | Missing]:
    """Frames a second for each kind of move."""
    from playwright.sync_api import sync_playwright

    program = browsers.find()
    if not program:
        yield Missing(
            "frames a second of the map", f"install one of {', '.join(browsers.NAMES)}, or set CHROMIUM"
        )
        return
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "songmap.html")
        path.write_text(page(SONGS), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1440, "height": 900})
        opened.goto(path.as_uri())
        opened.locator("#count", has_text="songs").wait_for()
        for name, move in MOVES.items():
            asked = [move, 6 if "sixfold" in name else 1, FRAMES]
            _first, *rounds = (float(opened.evaluate(MEASURE, asked)) for _ in range(ROUNDS + 1))
            yield Figure(f"map of {SONGS:,} songs, {name}", rounds, "frames/s", ">= 20")
        browser.close()


def page(n_songs: int) -> str:
    """Return the page of made-up songs in regions that overlap."""
    draw = np.random.default_rng(0)
    labels = draw.integers(REGIONS, size=n_songs)
    points = 2 * draw.normal(size=(REGIONS, 2))[labels] + 0.6 * draw.normal(size=(n_songs, 2))
    near = draw.integers(n_songs, size=(n_songs, NEIGHBOURS))  # no frame asks for them
    drawn_words = draw.integers(len(WORDS), size=(n_songs, 3))
    titles = [" ".join(WORDS[word] for word in words).title() for words in drawn_words]
    songs = [
        Song(f"s{number}", f"Artist {number % 999}", title, "rock", 1950 + number % 66, "en")
        for number, title in enumerate(titles)
    ]
    embeddings = np.hstack([points, 0.05 * draw.normal(size=(n_songs, UNITS - 2))]).astype(np.float32)
    measure_of = Similarity("manhattan")
    drawn = SongMap(songs, points, (0.5, 0.3), near, np.full(near.shape, 0.5), embeddings, measure_of)
    weights = sparse.random_array((n_songs, len(WORDS)), density=0.3, format="csr", rng=0)
    words = TermWeights(sparse.csr_array(weights), sorted(WORDS))
    return html_page.page(drawn, words, Regions(labels, 0.2), f"{n_songs:,} songs, made up")
