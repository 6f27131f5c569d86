"""Draw all songs as a page, by an encoder: that of params.yaml in stage `songmap`, any in `neuralist map`.

Input: the table `songs`, an encoder, params `songmap`. Output: the page as HTML, and how many songs it shows.
"""

import numpy as np
import pandas as pd

from neuralist.config.params import Songmap
from neuralist.model.encoder import Encoder
from neuralist.songmap import html_page, layout, song_words


def embed(songs: pd.DataFrame, encoder: Encoder) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the songs of which the encoder knows a word, and their embeddings, float32 (n, units)."""
    reading = encoder.read(songs["lyrics"].tolist())
    # Songs of no known word would be each other's nearest.
    is_known = reading.known > 0
    return songs.loc[is_known].reset_index(drop=True), reading.embeddings[is_known]


def page(
    songs: pd.DataFrame, encoder: Encoder, choices: Songmap, experiment: str, note: str
) -> tuple[str, int]:
    """Return the page of at most `most` songs, and how many it shows: those that `embed` returns.

    Args:
        songs: table `songs`.
        encoder: of the experiment.
        choices: section `songmap` of the params.
        experiment: its name, for the caption.
        note: description of the corpus.

    Raises:
        ValueError: fewer than 3 songs are left.
    """
    words = song_words.weighted(songs["lyrics"].tolist(), encoder.windowing.segmenter)
    shown, embeddings = embed(layout.sample_evenly(songs, choices.most), encoder)
    of_shown = words.rows(songs["song_id"].isin(shown["song_id"]).to_numpy())
    song_map = layout.songmap(shown, embeddings, encoder.similarity, choices.neighbours)
    caption = layout.caption(len(shown), len(songs), {}, experiment)
    drawn = html_page.page(song_map, of_shown, song_words.regions(embeddings), caption, note)
    return drawn, len(shown)
