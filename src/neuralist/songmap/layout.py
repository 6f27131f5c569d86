"""The content of a song map: which songs it shows, their points by PCA of embeddings, their nearest songs.

Input: the table `songs` and embeddings, float (n, units). Output: a `SongMap`, drawn by `picture` and
`html_page`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neuralist import html
from neuralist.data.songs import Things, things
from neuralist.model.neighbours import Neighbours
from neuralist.model.similarity import Similarity
from neuralist.text import languages, names

Filter = Mapping[str, str | int | bool]
LATEST = "latest"
MIN_SONGS = 3  # of a map


class Song(NamedTuple):
    """What the map shows of a song; an unknown artist is an empty string, an unknown title the id.

    Characters that act on others are marks (see `html.visible`), but for those of the id, which addresses
    hold. Of lyrics it shows nothing but the first words, behind the id, where artist and title are unknown.
    """

    song_id: str
    artist: str
    title: str
    genre: str
    year: int | None
    language: str


class SongMap(NamedTuple):
    """Songs as points of a plane, with the nearest songs of each.

    Attributes:
        songs: n songs.
        points: float64 (n, 2), the first two principal components.
        explained: share of the embeddings' variance that each component keeps, in [0, 1].
        nearest: int64 (n, k), indices in `songs`, the most similar first; k < n.
        similarity: float64 (n, k), the model's similarity to those, in [0, 1].
        embeddings: float (n, units), of which the page makes playlists.
        measure: the model's similarity of embeddings.
        things: the word for them, songs or texts.
    """

    songs: list[Song]
    points: np.ndarray
    explained: tuple[float, float]
    nearest: np.ndarray
    similarity: np.ndarray
    embeddings: np.ndarray
    measure: Similarity
    things: Things = "songs"


def resolve_filter(songs: pd.DataFrame, criteria: Filter) -> dict[str, Any]:
    """Replace `latest` in a filter by the largest value of its column that at least 3 songs have.

    Where there is none, as in a corpus without years, the criterion is dropped.

    Raises:
        ValueError: a column is unknown.
    """
    unknown = sorted(set(criteria) - set(_columns(songs)))
    if unknown:
        raise ValueError(f"songmap.filter: received column {unknown[0]!r}; choose of {_columns(songs)}")
    resolved = {
        column: _latest(songs[column].tolist()) if value == LATEST else value
        for column, value in criteria.items()
    }
    return {column: value for column, value in resolved.items() if value is not None}


def filter_songs(songs: pd.DataFrame, criteria: Filter) -> pd.DataFrame:
    """Return the songs whose columns have the filter's values, in their own order; all if it is empty.

    Raises:
        ValueError: a column is unknown, or fewer than 3 songs remain.
    """
    mask = np.ones(len(songs), dtype=bool)
    for column, value in resolve_filter(songs, criteria).items():
        mask &= (songs[column] == value).fillna(False).to_numpy(dtype=bool)
    if mask.sum() < MIN_SONGS:
        values = "; ".join(f"{column} holds {_values(songs[column].tolist())}" for column in criteria)
        raise ValueError(
            f"songmap.filter: {dict(criteria)} matches {mask.sum()} of {len(songs)} songs, and a map needs 3"
            + (f"; {values}" if values else "")
        )
    return songs.loc[mask].reset_index(drop=True)


def first_versions(songs: pd.DataFrame) -> pd.DataFrame:
    """Return a song for each group of versions and covers, the first by song_id, in their own order."""
    first = songs.groupby("group_id")["song_id"].transform("min")
    return songs.loc[songs["song_id"] == first].reset_index(drop=True)


def sample_evenly(songs: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return at most `limit` songs, evenly spaced in their order; more points would hide each other."""
    if len(songs) <= limit:
        return songs
    return songs.iloc[np.linspace(0, len(songs) - 1, limit).astype(int)].reset_index(drop=True)


def caption(n_shown: int, n_songs: int, criteria: Filter, experiment: str, things: Things = "songs") -> str:
    """Return the map's heading: how many songs, which filter, which encoder."""
    songs = f"{n_shown} {things}" if n_shown == n_songs else f"{n_shown} of {n_songs} {things}"
    filters = [f"{column} {value}" for column, value in criteria.items()]
    return ", ".join([songs, *filters, f"by the encoder of {experiment}"])


def songmap(songs: pd.DataFrame, embeddings: np.ndarray, similarity: Similarity, neighbours: int) -> SongMap:
    """Return the song map of songs and their embeddings.

    Args:
        songs: table `songs`, at least 3 rows.
        embeddings: float (n, units), a row for each song.
        similarity: the model's similarity of embeddings.
        neighbours: number of nearest songs of each, at most n - 1.

    Raises:
        ValueError: embeddings are not a finite row for each song, or there are fewer than 3 songs.
    """
    if len(songs) < MIN_SONGS:
        raise ValueError(f"songmap: received {len(songs)} songs; a map needs at least 3")
    if embeddings.ndim != 2 or len(embeddings) != len(songs) or not np.isfinite(embeddings).all():
        raise ValueError(
            f"songmap: embeddings {embeddings.shape} are not a finite row for each of {len(songs)} songs"
        )
    is_unnamed = songs["artist"].isna() & songs["title"].isna()
    first_words = songs["song_id"] + ": " + songs.loc[is_unnamed, "lyrics"].map(names.first_words)
    shown = [
        Song(
            str(song_id),
            html.visible(str(artist)),
            html.visible(str(title)),
            html.visible(str(genre)),
            None if pd.isna(year) else int(year),
            html.visible(str(language)),
        )
        for song_id, artist, title, genre, year, language in zip(
            songs["song_id"],
            songs["artist"].fillna(""),
            songs["title"].mask(is_unnamed, first_words).fillna(songs["song_id"]),
            songs["genre"].fillna("other"),
            songs["year"],
            songs["language"].fillna(languages.UNKNOWN),
            strict=True,
        )
    ]
    points, explained = pca(embeddings)
    near = nearest(embeddings, similarity, neighbours)
    return SongMap(shown, points, explained, *near, embeddings, similarity, things(songs))


def pca(embeddings: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Project on the two directions of largest variance (principal component analysis by SVD).

    The sign of a direction is arbitrary; it is set so that the loading of largest magnitude is positive.

    Returns:
        Points float64 (n, 2), and the share of the variance that each direction keeps; 0 without variance.
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
    """Return each song's `count` most similar others and their similarity, both (n, min(count, n - 1)).

    Of equally similar songs the earlier comes first.
    """
    count = min(count, len(embeddings) - 1)
    places, scores = [], []
    for song, near in enumerate(Neighbours(embeddings, similarity).nearest(embeddings, count + 1)):
        # A song itself is among its nearest, unless as many are equally near and come earlier.
        others = near.positions != song
        places.append(near.positions[others][:count])
        scores.append(near.similarity[others][:count])
    return np.array(places), np.array(scores)


def _latest(column: list[Any]) -> Any:
    counts = Counter(value for value in column if not pd.isna(value))
    return max((value for value, count in counts.items() if count >= MIN_SONGS), default=None)


def _columns(songs: pd.DataFrame) -> list[str]:
    others = {"lyrics", "tags", "track_ids", "lastfm_tags", "lastfm_weights"}
    return [str(column) for column in songs.columns if column not in others]


def _values(column: list[Any]) -> str:
    distinct = sorted({value for value in column if not pd.isna(value)})
    listed = ", ".join(map(repr, distinct[:8]))
    return listed if len(distinct) <= 8 else f"{listed}, ... {distinct[-1]!r} ({len(distinct)} values)"
