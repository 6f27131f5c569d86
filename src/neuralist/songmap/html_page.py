"""Render a song map as a self-contained HTML page.

Input: a `layout.SongMap`, words and regions. Output: HTML with all text escaped.
"""

import base64
from typing import Any

import numpy as np
import pandas as pd

from neuralist import html
from neuralist.model.similarity import Similarity
from neuralist.songmap import song_words
from neuralist.songmap.layout import SongMap
from neuralist.songmap.picture import COLOURS, OTHER, Group, genres, spoken, unit_positions
from neuralist.songmap.song_words import Regions
from neuralist.text import names
from neuralist.text.tfidf import TermWeights

_STEPS = 32_767  # of the page's embeddings: those of 16 bits
SHARED_WORDS = 4  # shown for two songs


def page(song_map: SongMap, words: TermWeights, regions: Regions | None, caption: str, note: str = "") -> str:
    """Return the map as an HTML page with search, neighbours and the words that similar songs share.

    Args:
        song_map: the map.
        words: word weights, a row for each song of the map.
        regions: regions of the songs, if there are any.
        caption: what is shown.
        note: description of the corpus.
    """
    return html.render(
        "neuralist.songmap",
        "songmap.html.j2",
        caption=caption,
        note=note,
        n_songs=len(song_map.songs),
        things=song_map.things,
        thing=song_map.things.removesuffix("s"),
        is_music=song_map.things == "songs",
        neighbours=song_map.nearest.shape[1],
        explained=[f"{share:.0%}" for share in song_map.explained],
        data={
            **_columns(song_map),
            **_neighbours(song_map, words),
            **_groups(song_map, regions),
            "embeddings": _embeddings(song_map.embeddings),
            "measure": _measure(song_map.measure),
        },
    )


def _columns(song_map: SongMap) -> dict[str, Any]:
    x, y = unit_positions(song_map.points)
    columns = {name: [getattr(song, name) for song in song_map.songs] for name in ("title", "artist", "year")}
    ids = [song.song_id for song in song_map.songs]
    # No two songs of a playlist in a row are by one artist, with guests or without; -1 is an unknown one.
    artists = [names.without_guests(song.artist) or None for song in song_map.songs]
    by = pd.factorize(pd.Series(artists, dtype=object))[0].tolist()
    return {"songs": {"id": ids, **columns, "by": by, "x": x.round(4).tolist(), "y": y.round(4).tolist()}}


def _embeddings(embeddings: np.ndarray) -> dict[str, Any]:
    """Return embeddings in steps of 1 / 32,767 of the largest value: a hundredth of what a reader sees."""
    step = float(np.abs(embeddings).max(initial=0.0)) / _STEPS or 1.0
    values = (np.asarray(embeddings, np.float64) / step).round().astype("<i2")
    return {"width": embeddings.shape[1], "step": step, "values": base64.b64encode(values.tobytes()).decode()}


def _measure(similarity: Similarity) -> dict[str, Any]:
    """Return the similarity as the page computes it, see songmap_playlist.js.j2."""
    curve = similarity.calibration
    networks = [network._asdict() for network in similarity.networks]
    return {
        "kind": similarity.kind,
        "encoders": similarity.n_encoders,
        "calibration": None if curve is None else curve.record().model_dump(),
        "networks": [
            {name: np.asarray(values, np.float64).round(7).tolist() for name, values in network.items()}
            for network in networks
        ],
    }


def _neighbours(song_map: SongMap, words: TermWeights) -> dict[str, Any]:
    left = np.repeat(np.arange(len(song_map.songs)), song_map.nearest.shape[1])
    pairs = iter(song_words.shared(words, left, song_map.nearest.ravel(), SHARED_WORDS))
    shared = [[next(pairs) for _ in nearest] for nearest in song_map.nearest]
    vocabulary = sorted({word for song in shared for pair in song for word in pair})
    numbers = {word: number for number, word in enumerate(vocabulary)}
    return {
        "nearest": song_map.nearest.tolist(),
        "similarity": song_map.similarity.round(4).tolist(),
        "words": vocabulary,
        "shared": [[[numbers[word] for word in pair] for pair in song] for song in shared],
    }


def _groups(song_map: SongMap, regions: Regions | None) -> dict[str, Any]:
    genre_groups, languages = genres(song_map), spoken(song_map)
    groups: dict[str, Any] = {
        "colours": COLOURS,
        "other": OTHER,
        "genres": _styles(genre_groups),
        "genre": _numbers(genre_groups, [song.genre for song in song_map.songs]),
        "languages": _styles(languages),
        "language": _numbers(languages, [song.language for song in song_map.songs]),
    }
    if regions is None:
        return groups
    return groups | {
        "regions": [{"name": name, "style": number} for number, name in enumerate(regions.names)],
        "region": regions.labels.tolist(),
        "silhouette": regions.silhouette,
    }


def _styles(groups: list[Group]) -> list[dict[str, Any]]:
    return [{"name": group.name, "style": group.style} for group in groups]


def _numbers(groups: list[Group], names_of_songs: list[str]) -> list[int]:
    numbers = {group.name: number for number, group in enumerate(groups)}
    return [numbers[name] for name in names_of_songs]
