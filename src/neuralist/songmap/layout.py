"""A map of songs: which are shown, where they lie by PCA of their embeddings, and which are nearest.

In: the table `songs` and embeddings, float (n, units). Out: a `SongMap`, drawn by `picture` and `html_page`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neuralist.model.similarity import Similarity

Filter = Mapping[str, str | int | bool]
LATEST = "latest"
LEAST = 3  # songs that a map needs


@dataclass(frozen=True)
class Song:
    """What the map says of a song; never its lyrics. An artist that is not known is empty."""

    song_id: str
    artist: str
    title: str
    genre: str
    year: int | None


@dataclass(frozen=True)
class SongMap:
    """Songs on a plane, with those nearest to each.

    Attributes:
        songs: n of them.
        points: float64 (n, 2), the first two principal components.
        explained: share of the embeddings' variance that each component keeps, in [0, 1].
        nearest: int64 (n, k), places in `songs`, the most similar first; k < n.
        similarity: float64 (n, k), the model's own, in [0, 1].
    """

    songs: list[Song]
    points: np.ndarray
    explained: tuple[float, float]
    nearest: np.ndarray
    similarity: np.ndarray


def conditions(songs: pd.DataFrame, keep: Filter) -> dict[str, Any]:
    """The filter with `latest` replaced by the largest value of its column that at least 3 songs hold.

    Where there is none, as in a corpus without years, the condition is left out.

    Raises:
        ValueError: a column is unknown.
    """
    unknown = sorted(set(keep) - set(_columns(songs)))
    if unknown:
        raise ValueError(f"songmap.filter: received column {unknown[0]!r}; choose of {_columns(songs)}")
    found = {
        column: _latest(songs[column].tolist()) if value == LATEST else value
        for column, value in keep.items()
    }
    return {column: value for column, value in found.items() if value is not None}


def chosen(songs: pd.DataFrame, keep: Filter) -> pd.DataFrame:
    """The songs whose columns hold the given values, in their own order; all of them where none is given.

    Raises:
        ValueError: a column is unknown, or fewer than 3 songs remain.
    """
    mask = np.ones(len(songs), dtype=bool)
    for column, value in conditions(songs, keep).items():
        mask &= (songs[column] == value).fillna(False).to_numpy(dtype=bool)
    if mask.sum() < LEAST:
        held = "; ".join(f"{column} holds {_values(songs[column].tolist())}" for column in keep)
        raise ValueError(
            f"songmap.filter: {dict(keep)} matches {mask.sum()} of {len(songs)} songs, and a map needs 3"
            + (f"; {held}" if held else "")
        )
    return songs.loc[mask].reset_index(drop=True)


def spread(songs: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` songs, evenly spaced in their order: more points than that hide each other."""
    if len(songs) <= most:
        return songs
    return songs.iloc[np.linspace(0, len(songs) - 1, most).astype(int)].reset_index(drop=True)


def caption(shown: int, of: int, held: Filter, experiment: str) -> str:
    """What the map shows, for its heading: how many songs, by which conditions, by whose encoder."""
    songs = f"{shown} songs" if shown == of else f"{shown} of {of} songs"
    named = [f"{column} {value}" for column, value in held.items()]
    return ", ".join([songs, *named, f"by the encoder of {experiment}"])


def songmap(songs: pd.DataFrame, embeddings: np.ndarray, similarity: Similarity, neighbours: int) -> SongMap:
    """Lay songs out by their embeddings.

    Args:
        songs: table `songs`, at least 3 rows.
        embeddings: float (n, units), one a song.
        similarity: the model's.
        neighbours: how many of the most similar songs to name; fewer where there are fewer songs.

    Raises:
        ValueError: not one finite embedding a song, or fewer than 3 songs.
    """
    if len(songs) < 3:
        raise ValueError(f"songmap: received {len(songs)} songs; a map needs at least 3")
    if embeddings.ndim != 2 or len(embeddings) != len(songs) or not np.isfinite(embeddings).all():
        raise ValueError(
            f"songmap: embeddings {embeddings.shape} are not a finite row for each of {len(songs)} songs"
        )
    shown = [
        Song(str(song_id), str(artist), str(title), str(genre), None if pd.isna(year) else int(year))
        for song_id, artist, title, genre, year in zip(
            songs["song_id"],
            songs["artist"].fillna(""),
            songs["title"].fillna(songs["song_id"]),
            songs["genre"].fillna("other"),
            songs["year"],
            strict=True,
        )
    ]
    points, explained = pca(embeddings)
    return SongMap(shown, points, explained, *nearest(embeddings, similarity, neighbours))


def pca(embeddings: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Project on the two directions of largest variance.

    The sign of a direction is free; here its loading of largest magnitude is positive.

    Returns:
        Points float64 (n, 2), and the share of the variance that each direction keeps, 0 where none is.
    """
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    if centred.shape[1] == 1:
        centred = np.hstack([centred, np.zeros_like(centred)])
    _, singular, loadings = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(loadings[:2]).argmax(axis=1)
    directions = loadings[:2] * np.where(loadings[[0, 1], largest] < 0, -1, 1)[:, None]
    variance = singular**2
    share = variance[:2] / max(variance.sum(), np.finfo(np.float64).tiny)
    return centred @ directions.T, (float(share[0]), float(share[1]))


def nearest(embeddings: np.ndarray, similarity: Similarity, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most similar others of each song and their similarity, both (n, min(count, n - 1)).

    Of two that are equally similar the earlier comes first.
    """
    n = len(embeddings)
    found = np.empty((n, min(count, n - 1)), dtype=np.int64)
    scores = np.empty(found.shape)
    for song, embedding in enumerate(embeddings):
        of_others = similarity(embedding[None], embeddings)
        ranking = np.argsort(-of_others, kind="stable")
        found[song] = ranking[ranking != song][: found.shape[1]]
        scores[song] = of_others[found[song]]
    return found, scores


def _latest(column: list[Any]) -> Any:
    held = Counter(value for value in column if not pd.isna(value))
    return max((value for value, count in held.items() if count >= LEAST), default=None)


def _columns(songs: pd.DataFrame) -> list[str]:
    return [str(column) for column in songs.columns if column not in ("lyrics", "tags", "track_ids")]


def _values(column: list[Any]) -> str:
    distinct = sorted({value for value in column if not pd.isna(value)})
    listed = ", ".join(map(repr, distinct[:8]))
    return listed if len(distinct) <= 8 else f"{listed}, ... {distinct[-1]!r} ({len(distinct)} values)"
