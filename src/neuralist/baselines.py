"""Everything that a model must beat, each learned on the training pairs alone and answering in similarity.

Input: songs (tables.SONGS), the training pairs with their similarities, the pairs asked for; a pair is two
positions in the songs table. Output: name to Answers for the pairs asked for.

A score that is no similarity (a cosine, a gap in years) is mapped to one by isotonic regression on the
training pairs, so that deciles and MSE are fair. The look-up and the model of artist, year and tags predict
similarity themselves: a mapping fitted on rows that they remember would spoil them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import lsqr

from neuralist.metrics import Answers, decile, nearest_tenth
from neuralist.tokens import PADDING, UNKNOWN, Reads, words
from neuralist.vectors import WordVectors

# In the order of the tables: whether the baseline reads lyrics.
FROM_LYRICS = {
    "constant": False,
    "commonest_class": False,
    "lookup": False,
    "tfidf": True,
    "averaged_vectors": True,
    "same_artist": False,
    "year_gap": False,
    "tags": False,
    "artist_year_tags": False,
}
# Pairs whose rows of a sparse matrix are multiplied at once: 300-word songs then take some 50 MB.
_PAIRS_AT_ONCE = 8192


class Pairs(NamedTuple):
    """Positions in the songs table, int64 (n,) each."""

    left: np.ndarray
    right: np.ndarray


def without_lyrics(
    songs: pd.DataFrame, train: Pairs, similarity: np.ndarray, asked: Pairs
) -> dict[str, Answers]:
    """The baselines that read no lyrics; one whose column is empty in the training pairs' songs is left out.

    Args:
        songs: tables.SONGS.
        train: the training pairs.
        similarity: of the training pairs, float64 in [0, 1].
        asked: the pairs to answer for.

    Raises:
        ValueError: there is no training pair.
    """
    if not len(similarity):
        raise ValueError("baselines: no pair is in the training part; add pairs, or change the protocol")
    n_asked = len(asked.left)
    answers = {
        "constant": Answers.of(np.full(n_asked, similarity.mean())),
        "commonest_class": commonest_class(similarity, n_asked),
        "lookup": Answers.of(lookup(train, similarity, asked, len(songs))),
    }
    scores = _metadata(songs, train, asked)
    for name, (of_train, of_asked) in scores.items():
        answers[name] = Answers.of(mapped(of_train, similarity, of_asked))
    if len(scores) > 1:
        of_train, of_asked = (np.column_stack(columns) for columns in zip(*scores.values(), strict=True))
        answers["artist_year_tags"] = Answers.of(_model(of_train, similarity, of_asked))
    return answers


def from_lyrics(
    lyrics: Sequence[str], train: Pairs, similarity: np.ndarray, asked: Pairs, vectors: WordVectors
) -> dict[str, Answers]:
    """The baselines that read lyrics, which are cut to the model's first words beforehand.

    Args:
        lyrics: each song's words, as `cut` gives them.
        train: the training pairs; TF-IDF is fitted on their songs.
        similarity: of the training pairs, float64 in [0, 1].
        asked: the pairs to answer for.
        vectors: the word vectors that the model starts from.
    """
    songs = {"tfidf": tfidf(lyrics, train), "averaged_vectors": averaged_vectors(lyrics, vectors)}
    return {
        name: Answers.of(mapped(_cosine(matrix, train), similarity, _cosine(matrix, asked)))
        for name, matrix in songs.items()
    }


def cut(lyrics: Sequence[str], max_words: int) -> list[str]:
    """Each text's first words, lower-cased, with a space between: what a model of `max_words` is shown."""
    return [" ".join(words(text)[:max_words]) for text in lyrics]


def commonest_class(similarity: np.ndarray, n_asked: int) -> Answers:
    """The commonest class of each kind in training; as a similarity, the middle of the commonest decile."""
    classes = decile(similarity)
    commonest = int(np.bincount(classes).argmax())
    tenth = int(np.bincount(nearest_tenth(similarity)).argmax())
    return Answers(
        similarity=np.full(n_asked, (commonest + 0.5) / 10),
        similar=np.full(n_asked, (classes >= 5).mean() > 0.5),
        decile=np.full(n_asked, commonest),
        tenth=np.full(n_asked, tenth),
    )


def lookup(train: Pairs, similarity: np.ndarray, asked: Pairs, n_songs: int) -> np.ndarray:
    """What training says of the same two songs, else mean + bias(left) + bias(right), in [0, 1].

    Direction does not matter, and several training rows of one pair are averaged. Biases are those of ridge
    regression with penalty 1, as if each song had one more row that does not deviate; a song that training
    does not hold has bias 0. On the predecessor's rows, penalties from 0.5 to 3 differ by 0.01 in accuracy.
    """
    mean = similarity.mean()
    row = np.repeat(np.arange(len(similarity)), 2)
    column = np.column_stack(train).ravel()
    design = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(similarity), n_songs))
    bias = lsqr(design, similarity - mean, damp=1.0, atol=1e-12, btol=1e-12)[0]
    estimate = np.clip(mean + bias[asked.left] + bias[asked.right], 0, 1)
    listed, of_row = np.unique(unordered(train, n_songs), return_inverse=True)
    means = np.bincount(of_row, similarity) / np.bincount(of_row)
    wanted = unordered(asked, n_songs)
    found = np.minimum(np.searchsorted(listed, wanted), len(listed) - 1)
    return np.where(listed[found] == wanted, means[found], estimate)


def unordered(pairs: Pairs, n_songs: int) -> np.ndarray:
    """A number for each pair, int64 (n,), the same for both directions."""
    return np.minimum(*pairs) * n_songs + np.maximum(*pairs)


def tfidf(lyrics: Sequence[str], train: Pairs) -> sparse.csr_array:
    """Unit vectors (n_songs, n_terms): sublinear TF-IDF of words and word pairs, fitted on training songs."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(lowercase=False, token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True)
    vectorizer.fit([lyrics[song] for song in np.union1d(*train)])
    return sparse.csr_array(vectorizer.transform(lyrics))


def averaged_vectors(lyrics: Sequence[str], vectors: WordVectors) -> np.ndarray:
    """Unit vectors (n_songs, dimensions) along the mean of the known words' vectors; zeros without any."""
    means = np.zeros((len(lyrics), vectors.matrix.shape[1]))
    longest = max((text.count(" ") + 1 for text in lyrics), default=1)
    for song, text in enumerate(lyrics):
        ids = vectors.vocabulary.windows([text], Reads("word", longest, "head")).ids[0]
        known = ids[(ids != PADDING) & (ids != UNKNOWN)]
        if len(known):
            means[song] = vectors.matrix[known].mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.divide(means, lengths, out=means, where=lengths > 0)


def mapped(of_train: np.ndarray, similarity: np.ndarray, of_asked: np.ndarray) -> np.ndarray:
    """Similarity in [0, 1] for each score in [0, 1] (higher: more alike), by isotonic regression on training.

    A thousandth of the score itself is mixed in: the regression is made of steps, and within a step the score
    still tells pairs apart. NaN, an unknown score, gets the mean of training pairs whose score is unknown.
    """
    from sklearn.isotonic import IsotonicRegression

    known, asked = ~np.isnan(of_train), ~np.isnan(of_asked)
    predicted = np.full(len(of_asked), similarity.mean() if known.all() else similarity[~known].mean())
    if known.any() and asked.any():
        steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        steps.fit(of_train[known], similarity[known])
        predicted[asked] = 0.999 * steps.predict(of_asked[asked]) + 0.001 * of_asked[asked]
    return predicted


def _cosine(songs: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """(1 + cosine) / 2 of each pair's song vectors of length 1; a zero vector has cosine 0 with all."""
    return np.clip((1 + _products(songs, pairs)) / 2, 0, 1)


def _products(songs: np.ndarray | sparse.csr_array, pairs: Pairs) -> np.ndarray:
    """Inner product of each pair's rows, float64 (n_pairs,)."""
    parts = [np.zeros(0)]
    for start in range(0, len(pairs.left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        left, right = songs[pairs.left[part]], songs[pairs.right[part]]
        product = left.multiply(right) if isinstance(left, sparse.csr_array) else left * right
        parts.append(np.asarray(product.sum(axis=1), dtype=np.float64).ravel())
    return np.concatenate(parts)


def _metadata(songs: pd.DataFrame, train: Pairs, asked: Pairs) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores in [0, 1] of the training pairs and of those asked for; NaN where a song lacks the value."""
    scores = {"same_artist": same_artist, "year_gap": year_closeness, "tags": tag_overlap}
    found = {name: (score(songs, train), score(songs, asked)) for name, score in scores.items()}
    return {name: score for name, score in found.items() if not np.isnan(score[0]).all()}


def same_artist(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 where both songs name the same artist, else 0."""
    codes, _ = pd.factorize(songs["artist"].str.strip().str.casefold())
    left, right = codes[pairs.left], codes[pairs.right]
    return np.where((left < 0) | (right < 0), np.nan, left == right)


def year_closeness(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """1 / (1 + years between the songs)."""
    years = songs["year"].to_numpy(dtype=np.float64, na_value=np.nan)
    return 1 / (1 + np.abs(years[pairs.left] - years[pairs.right]))


def tag_overlap(songs: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """Jaccard index of the songs' tags: tags in common / tags of either."""
    tags = [[] if found is None else sorted(set(found)) for found in songs["tags"]]
    codes, _ = pd.factorize(np.array([tag for found in tags for tag in found], dtype=object))
    counts = np.array([len(found) for found in tags])
    starts = np.concatenate([[0], np.cumsum(counts)])
    shape = (len(songs), int(codes.max(initial=0)) + 1)
    holds = sparse.csr_array((np.ones(len(codes)), codes, starts), shape=shape)
    common = _products(holds, pairs)
    left, right = counts[pairs.left], counts[pairs.right]
    known = (left > 0) & (right > 0)
    return np.divide(common, left + right - common, out=np.full(len(common), np.nan), where=known)


def _model(of_train: np.ndarray, similarity: np.ndarray, of_asked: np.ndarray) -> np.ndarray:
    """A regression tree over the metadata scores (n, n_scores), which takes NaN as it is; 20 pairs a leaf."""
    from sklearn.tree import DecisionTreeRegressor

    if not len(of_asked):
        return np.zeros(0)
    # Boosted trees are no better and slow: average precision on real val rows 0.385 in 1 s, this 0.396.
    tree = DecisionTreeRegressor(min_samples_leaf=20, random_state=0)
    return tree.fit(of_train, similarity).predict(of_asked)
