"""A song map as one page that opens offline.

Input: a `layout.SongMap`, words and clusters. Output: HTML; whatever is shown is escaped.
"""

from typing import Any

import numpy as np

from neuralist import html
from neuralist.songmap import song_words
from neuralist.songmap.layout import SongMap
from neuralist.songmap.picture import COLOURS, OTHER, filled, genres
from neuralist.songmap.song_words import Clusters, Words

SHARED_WORDS, CLUSTER_WORDS = 4, 3  # words named of two songs, and of a cluster


def page(drawn: SongMap, words: Words, clusters: Clusters | None, caption: str, note: str = "") -> str:
    """The map as one self-contained HTML page, to be searched and walked, with the words that songs share.

    Args:
        drawn: the songs.
        words: what words weigh in them, a row a song.
        clusters: groups of them, if there are any.
        caption: what is shown.
        note: what the corpus is.
    """
    return html.render(
        "neuralist.songmap",
        "songmap.html.j2",
        caption=caption,
        note=note,
        n_songs=len(drawn.songs),
        neighbours=drawn.nearest.shape[1],
        explained=[f"{share:.0%}" for share in drawn.explained],
        data=_columns(drawn) | _neighbours(drawn, words) | _groups(drawn, words, clusters),
    )


def _columns(drawn: SongMap) -> dict[str, Any]:
    x, y = filled(drawn.points)
    named = {name: [getattr(song, name) for song in drawn.songs] for name in ("title", "artist", "year")}
    ids = [song.song_id for song in drawn.songs]
    return {"songs": {"id": ids, **named, "x": x.round(4).tolist(), "y": y.round(4).tolist()}}


def _neighbours(drawn: SongMap, words: Words) -> dict[str, Any]:
    left = np.repeat(np.arange(len(drawn.songs)), drawn.nearest.shape[1])
    pairs = iter(song_words.shared(words, left, drawn.nearest.ravel(), SHARED_WORDS))
    found = [[next(pairs) for _ in nearest] for nearest in drawn.nearest]
    vocabulary = sorted({word for song in found for pair in song for word in pair})
    numbers = {word: number for number, word in enumerate(vocabulary)}
    return {
        "nearest": drawn.nearest.tolist(),
        "similarity": drawn.similarity.round(4).tolist(),
        "words": vocabulary,
        "shared": [[[numbers[word] for word in pair] for pair in song] for song in found],
    }


def _groups(drawn: SongMap, words: Words, clusters: Clusters | None) -> dict[str, Any]:
    listed = genres(drawn)
    numbers = {genre.name: number for number, genre in enumerate(listed)}
    found: dict[str, Any] = {
        "colours": COLOURS,
        "other": OTHER,
        "genres": [{"name": genre.name, "style": genre.style} for genre in listed],
        "genre": [numbers[song.genre] for song in drawn.songs],
    }
    if clusters is None:
        return found
    named = song_words.distinctive(words, clusters.labels, CLUSTER_WORDS)
    return found | {
        "clusters": [
            {"name": ", ".join(of_one) or f"cluster {number}", "style": number - 1}
            for number, of_one in enumerate(named, start=1)
        ],
        "cluster": clusters.labels.tolist(),
        "silhouette": clusters.silhouette,
    }
