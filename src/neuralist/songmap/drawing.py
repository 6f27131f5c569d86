"""Draw songs as a page and as a picture, by an encoder: that of params.yaml in stage `songmap`, any in `map`.

Input: the table `songs`, an encoder, params `songmap`. Output: the page as HTML, and how many songs it shows;
a PNG.
"""

from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuralist.config.params import Songmap
from neuralist.model.encoder import Encoder
from neuralist.songmap import html_page, layout, picture, song_words
from neuralist.songmap.layout import SongMap
from neuralist.songmap.song_words import Regions
from neuralist.text.tfidf import TermWeights


def embed(songs: pd.DataFrame, encoder: Encoder) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the songs of which the encoder knows a word, and their embeddings, float32 (n, units)."""
    reading = encoder.read(songs["lyrics"].tolist())
    # Songs of no known word would be each other's nearest.
    is_known = reading.known > 0
    return songs.loc[is_known].reset_index(drop=True), reading.embeddings[is_known]


class Drawing(NamedTuple):
    """A map of songs, word weights with a row for each of them, their regions if any, and a caption."""

    song_map: SongMap
    words: TermWeights
    regions: Regions | None
    caption: str


def draw(
    songs: pd.DataFrame,
    encoder: Encoder,
    choices: Songmap,
    experiment: str,
    *,
    criteria: layout.Filter = MappingProxyType({}),
    most: int | None = None,
) -> Drawing:
    """Place songs on a map: those that a filter keeps, and of these at most `most`, evenly spaced.

    Args:
        songs: table `songs`.
        encoder: of the experiment.
        choices: section `songmap` of the params.
        experiment: its name, for the caption.
        criteria: the resolved filter.
        most: number of songs; that of `choices` by default.

    Raises:
        ValueError: fewer than 3 songs are left.
    """
    words = song_words.weighted(songs["lyrics"].tolist(), encoder.windowing.segmenter)
    matching = layout.filter_songs(songs, criteria) if criteria else songs
    shown, embeddings = embed(layout.sample_evenly(matching, most or choices.most), encoder)
    of_shown = words.rows(songs["song_id"].isin(shown["song_id"]).to_numpy())
    song_map = layout.songmap(shown, embeddings, encoder.similarity, choices.neighbours)
    caption = layout.caption(len(shown), len(matching), criteria, experiment, song_map.things)
    return Drawing(song_map, of_shown, song_words.regions(embeddings, of_shown), caption)


def page(drawn: Drawing, note: str) -> tuple[str, int]:
    """Return the page of a drawing, and how many songs it shows; `note` describes the corpus."""
    drawn_page = html_page.page(drawn.song_map, drawn.words, drawn.regions, drawn.caption, note)
    return drawn_page, len(drawn.song_map.songs)


def save_picture(drawn: Drawing, note: str, path: Path) -> None:
    """Write the picture of a drawing, its regions in the page's colours and with their names."""
    regions = drawn.regions
    named = None if regions is None else picture.named_regions(regions.labels, regions.names)
    picture.save_picture(drawn.song_map, drawn.caption, note, path, named)
