"""Words that songs share, and groups of songs with the words that tell them apart.

In: lyrics and embeddings. Out: single words and the numbers of groups; never a line of lyrics.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from neuralist.text.tfidf import TermWeights, tfidf

COMMON, COMMON_SONGS = 0.1, 10  # a word that more songs hold tells nothing of two of them
REGIONS = range(3, 11)  # numbers of regions to choose from
SONGS_A_REGION = 3  # on average, at least
NAME_WORDS = 3  # in the name of a group
MEASURED = 1000  # songs that the silhouette is taken of
SEED = 2017


class Regions(NamedTuple):
    """Songs in groups of like embeddings, the largest group first.

    Attributes:
        labels: int64 (n_songs,), the group of each song, from 0.
        silhouette: how clear-cut the groups are, in [-1, 1]; near 0 they run into each other.
        names: of the groups, by the words that tell them apart.
    """

    labels: np.ndarray
    silhouette: float
    names: list[str]


def weighted(lyrics: Sequence[str], segmenter: str | None = None) -> TermWeights:
    """Weigh the words of songs by TF-IDF, fitted on these songs.

    Counted are words of at least 2 songs and of at most a tenth of them (of at most 10 where there are few).
    A word's count enters by its logarithm: a chorus says it often, and not more. `segmenter` as in
    `tokenizer.words`.
    """
    max_songs = max(COMMON * len(lyrics), COMMON_SONGS)
    every = np.arange(len(lyrics))
    return tfidf(lyrics, every, "word", min_texts=2, max_texts=max_songs, lengths=(1, 1), segmenter=segmenter)


def shared(words: TermWeights, left: np.ndarray, right: np.ndarray, most: int) -> list[list[str]]:
    """For each pair of songs the words of both that add most to their TF-IDF cosine, the weightiest first.

    Args:
        words: of all songs.
        left: int (n_pairs,), rows of `words`.
        right: int (n_pairs,), likewise.
        most: words named of a pair.
    """
    products = sparse.csr_array(words.weights[left] * words.weights[right])
    cuts = products.indptr[1:-1]
    columns, weights = np.split(products.indices, cuts), np.split(products.data, cuts)
    return [_weightiest(words.terms, *pair, most) for pair in zip(columns, weights, strict=True)]


def distinctive(words: TermWeights, labels: np.ndarray, most: int) -> list[list[str]]:
    """For each group the words whose mean weight in it stands out most from that in all other songs."""
    found = []
    for group in range(labels.max() + 1):
        inside, outside = (words.weights[np.flatnonzero(mask)] for mask in (labels == group, labels != group))
        lead = inside.sum(axis=0) / max(inside.shape[0], 1) - outside.sum(axis=0) / max(outside.shape[0], 1)
        leading = np.flatnonzero(lead > 0)
        found.append(_weightiest(words.terms, leading, lead[leading], most))
    return found


def region_names(words: TermWeights, labels: np.ndarray) -> list[str]:
    """Name each region by the words that tell it apart, or by its number where there are none."""
    named = distinctive(words, labels, NAME_WORDS)
    return [", ".join(of_region) or f"region {number}" for number, of_region in enumerate(named, start=1)]


def regions(embeddings: np.ndarray, words: TermWeights) -> Regions | None:
    """Group songs by k-means on their embeddings, with the number of groups of the highest silhouette.

    Args:
        embeddings: float (n_songs, units), finite.
        words: word weights, a row for each song.

    Returns:
        None where there are fewer than 9 songs, or fewer distinct ones than groups.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from threadpoolctl import threadpool_limits

    points = np.asarray(embeddings, dtype=np.float64).round(4)  # the last bits differ between machines
    n_songs = len(points)
    most = min(n_songs // SONGS_A_REGION, len(np.unique(points, axis=0)) - 1)
    found = []
    # One thread: several add up in no fixed order, and on small data they are 100 times slower.
    with threadpool_limits(1):
        for n_regions in (number for number in REGIONS if number <= most):
            # scikit-learn's signature names the text "auto" alone.
            model = KMeans(n_regions, n_init=10, random_state=SEED)  # pyright: ignore[reportArgumentType]
            labels = model.fit_predict(points)
            sample = MEASURED if n_songs > MEASURED else None
            silhouette = silhouette_score(points, labels, sample_size=sample, random_state=SEED)
            found.append((round(float(silhouette), 3), labels))
    if not found:
        return None
    silhouette, labels = max(found, key=lambda one: one[0])
    ordered = _largest_first(labels)
    return Regions(ordered, silhouette, region_names(words, ordered))


def _largest_first(labels: np.ndarray) -> np.ndarray:
    names, first, counts = np.unique(labels, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    numbers = np.empty(len(names), dtype=np.int64)
    numbers[order] = np.arange(len(names))
    return numbers[labels]


def _weightiest(names: list[str], columns: np.ndarray, weights: np.ndarray, most: int) -> list[str]:
    # Rounded, so that equal weights go by the alphabet on every machine.
    ranked = sorted(zip(-weights.round(9), (names[column] for column in columns), strict=True))
    return [name for _, name in ranked[:most]]
