"""Orders of songs for playlists: an even path between two songs, and the best of a ranking.

Input: distances, scores and numbers of artists and groups as numpy arrays. Output: positions of songs. A
distance is -log(similarity): steps of the similarities 0.5 and 0.5 are as long as one of 0.25.
"""

from collections.abc import Sequence

import numpy as np

# Songs that a path chooses among. Their distances are measured all with all: 0.3 s.
ON_THE_WAY = 500


def distance(similarity: np.ndarray) -> np.ndarray:
    """Return -log(similarity), at least 0; finite also for a similarity of 0."""
    return -np.log(np.clip(similarity, np.finfo(np.float64).tiny, 1))


def along(from_start: np.ndarray, to_end: np.ndarray) -> np.ndarray:
    """Return the ON_THE_WAY songs that make the shortest way from start over them to end, in order.

    They are ordered by the share of that way which lies before them; ties go to the earlier song.

    Args:
        from_start: distance of each song from the start, float64 (n_songs,); inf for songs to leave out.
        to_end: likewise to the end.

    Returns:
        Positions, int64 (at most ON_THE_WAY,).
    """
    way = from_start + to_end
    nearest = np.argsort(way, kind="stable")[:ON_THE_WAY]
    nearest = nearest[np.isfinite(way[nearest])]
    share = from_start[nearest] / np.maximum(way[nearest], np.finfo(np.float64).tiny)
    return nearest[np.lexsort((nearest, share))]


def even_path(distances: np.ndarray, artists: np.ndarray, n: int) -> list[int] | None:
    """Return the path of n songs from the first to the last whose squared steps have the least sum.

    The sum is small where steps are short and, for a way of one length, least where they are equal. Only
    later songs follow a song, so that none comes twice; dynamic programming then finds the best path.

    Args:
        distances: float64 (m, m), of songs in their order from start to end.
        artists: int64 (m,); two songs of one artist do not follow each other.
        n: 2 to m.

    Returns:
        n ascending rows of `distances`, 0 and m - 1 among them; None where there is no such path.
    """
    rows = np.arange(len(distances))
    may_follow = (rows[:, None] < rows) & (artists[:, None] != artists)
    steps = np.where(may_follow, distances**2, np.inf)
    cost, came_from = np.where(rows == 0, 0.0, np.inf), []
    for _ in range(n - 1):
        sums = cost[:, None] + steps
        came_from.append(sums.argmin(axis=0))
        cost = sums.min(axis=0)
    if not np.isfinite(cost[-1]):
        return None
    path = [len(distances) - 1]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    return path[::-1]


def best_in_turn(ranked: Sequence[int], artists: np.ndarray, n: int) -> list[int]:
    """Return the first n of ranked songs, no two in a row by one artist; fewer if none is left."""
    waiting, played = list(ranked), list[int]()
    while len(played) < n:
        places = range(len(waiting))
        at = next((at for at in places if not played or artists[waiting[at]] != artists[played[-1]]), None)
        if at is None:
            break
        played.append(waiting.pop(at))
    return played
