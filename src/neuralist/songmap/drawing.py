"""Draw all songs as a page, by an encoder: that of params.yaml in stage `songmap`, any in `neuralist map`.

Input: the table `songs`, an encoder, params `songmap`. Output: the page as HTML.
"""

import pandas as pd

from neuralist.config.params import Songmap
from neuralist.model.encoder import Encoder
from neuralist.songmap import html_page, layout, song_words


def page(songs: pd.DataFrame, encoder: Encoder, choices: Songmap, experiment: str, note: str) -> str:
    """Return the page of at most `most` songs; those of which the encoder knows no word are left out.

    Args:
        songs: table `songs`.
        encoder: of the experiment.
        choices: section `songmap` of the params.
        experiment: its name, for the caption.
        note: description of the corpus.

    Raises:
        ValueError: fewer than 3 songs are left.
    """
    words = song_words.weighted(songs["lyrics"].tolist())
    shown = layout.sample_evenly(songs, choices.most)
    reading = encoder.read(shown["lyrics"].tolist())
    # Songs of no known word would be each other's nearest.
    shown, embeddings = (
        shown.loc[reading.known > 0].reset_index(drop=True),
        reading.embeddings[reading.known > 0],
    )
    of_shown = words.rows(songs["song_id"].isin(shown["song_id"]).to_numpy())
    song_map = layout.songmap(shown, embeddings, encoder.similarity, choices.neighbours)
    caption = layout.caption(len(shown), len(songs), {}, experiment)
    return html_page.page(song_map, of_shown, song_words.clusters(embeddings), caption, note)
