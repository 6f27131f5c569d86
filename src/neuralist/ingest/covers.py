"""Groups of songs that share their text: a song with its covers, which must fall in one fold.

Songs of equal texts are a group, however short these are, and so are songs that a list of duplicates joins.
Else the overlap decides.

The overlap of two songs is the overlap coefficient of their sets of four-word phrases: the number of shared
phrases over the size of the *smaller* set, since a cover often leaves out a verse. On the Billboard songs a
threshold of 0.4 gives 58 pairs: 52 covers, and the 6 pairs among four songs that hold the same "not licensed"
notice, which are rejected earlier. Jaccard similarity at 0.4 gives 37 and misses covers that lack a verse.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from neuralist.text.equal_texts import first_equal

_PHRASE_WORDS = 4
_MIN_SHARED = 10  # phrases: with fewer, two short texts are alike by accident
_MAX_SONGS = 1_000  # a phrase in more songs than this is a stock phrase and no sign of a cover
_BLOCK = 4_096  # songs multiplied at once


def group_ids(songs: pd.DataFrame, overlap: float, duplicates: np.ndarray | None = None) -> pd.Series:
    """Return each song's group: the song_id of the earliest song among those that are linked.

    Equal texts, covers and duplicates are links.

    Args:
        songs: columns song_id, year (null sorts last) and folded (see `equal_texts.folded`).
        overlap: minimum overlap coefficient that links two songs, in (0, 1].
        duplicates: positions of each two songs that are one, int64 (n_links, 2), as `duplicate_links` gives.

    Returns:
        group_id, with the index of `songs`.
    """
    equal = np.column_stack([first_equal(songs.folded), np.arange(len(songs))])
    links = np.concatenate([equal, overlapping_pairs(songs.folded, overlap)])
    if duplicates is not None:
        links = np.concatenate([links, duplicates])
    graph = sparse.coo_array(
        (np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(songs), len(songs))
    )
    _, labels = connected_components(graph, directed=False)
    order = songs.assign(label=labels).sort_values(["year", "song_id"], na_position="last")
    earliest = order.drop_duplicates("label").set_index("label").song_id
    return pd.Series(labels, index=songs.index).map(earliest)


def duplicate_links(track_ids: Iterable[Sequence[str]], duplicates: pd.DataFrame) -> np.ndarray:
    """Return positions of songs with tracks in one group of duplicates, int64 (n_links, 2).

    Args:
        track_ids: of each song.
        duplicates: columns group and track_id; ids that no song has are passed over.

    Returns:
        The first song of a group with each other one of it; a song with two tracks in a group is none.
    """
    song_of_track = {track: song for song, tracks in enumerate(track_ids) for track in tracks}
    tracks = duplicates["track_id"].tolist()
    songs = np.array([song_of_track.get(track, -1) for track in tracks], np.int64)
    known = duplicates.assign(song=songs).loc[songs >= 0]
    first = known.groupby("group")["song"].transform("first")
    links = np.column_stack([first, known["song"]]).astype(np.int64)
    return links[links[:, 0] != links[:, 1]]


def overlapping_pairs(texts: pd.Series, overlap: float) -> np.ndarray:
    """Return positions of each two texts with this overlap or more, left < right, int64 (n_pairs, 2).

    Computed as a sparse matrix product in blocks of rows: time grows with the sum over phrases of the squared
    number of texts that hold them (1.2 M products for 3,868 songs, under 0.1 s), memory with the largest
    block. Leaving out stock phrases bounds both.
    """
    contains = _phrase_matrix(texts)
    sizes = contains.sum(axis=1)
    blocks = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(texts), _BLOCK):
        shared = (contains[start : start + _BLOCK] @ contains.T).tocoo()
        left, right = shared.row + start, shared.col
        is_pair = (
            (left < right)
            & (shared.data >= _MIN_SHARED)
            & (shared.data >= overlap * np.minimum(sizes[left], sizes[right]))
        )
        blocks.append(np.column_stack([left[is_pair], right[is_pair]]).astype(np.int64))
    return np.concatenate(blocks)


def _phrase_matrix(texts: pd.Series) -> sparse.csr_array:
    """Return the incidence matrix of texts and phrases, 0 or 1, int64 (n_texts, n_phrases)."""
    phrase_numbers: dict[tuple[str, ...], int] = {}
    ends, columns = [0], []
    for text in texts.tolist():
        words = text.split(" ")
        phrases = dict.fromkeys(zip(*(words[skip:] for skip in range(_PHRASE_WORDS)), strict=False))
        columns.extend(phrase_numbers.setdefault(phrase, len(phrase_numbers)) for phrase in phrases)
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.int64)
    contains = sparse.csr_array((ones, columns, ends), shape=(len(texts), len(phrase_numbers)))
    return contains[:, contains.sum(axis=0) <= _MAX_SONGS]
