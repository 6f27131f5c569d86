"""The baselines a model is compared with: each is fitted on the train split alone and predicts similarity.

Input: songs (tables.SONGS), TrainingPairs (pairs with similarities and weights), the pairs to score; a pair
is two row numbers of the songs table. Output: baseline to Answers for the pairs to score.

A score that is no similarity (a cosine, a gap in years) is mapped to one by isotonic regression on the
training pairs, so that deciles and MSE are fair. The look-up and the tree of artist, year and tags predict
similarity themselves: a mapping fitted on rows that they memorise would overfit.
"""

import numpy as np
import pandas as pd

from neuralist.evaluation.baselines import labels, lyrics, metadata
from neuralist.evaluation.baselines.common import Pairs, TrainingPairs, to_similarity, unordered_ids
from neuralist.metrics import Answers
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.word_vectors import WordVectors

__all__ = [
    "FROM_LYRICS",
    "Pairs",
    "TrainingPairs",
    "from_lyrics",
    "unordered_ids",
    "untrained",
    "without_lyrics",
]

# Baseline to whether it reads lyrics, in the order of the tables.
FROM_LYRICS = {
    "constant": False,
    "commonest_class": False,
    "lookup": False,
    "tfidf": True,
    "averaged_vectors": True,
    "averaged_vectors_projected": True,
    "style": True,
    "ridge_tfidf": True,
    "ridge": True,
    "sentence_encoder": True,
    "same_artist": False,
    "year_gap": False,
    "tags": False,
    "artist_year_tags": False,
    "has_list": False,
    "degree": False,
    "n_tracks": False,
}


def without_lyrics(songs: pd.DataFrame, training: TrainingPairs, pairs: Pairs) -> dict[str, Answers]:
    """Predictions of the baselines without lyrics, less those without a value for any training pair.

    Args:
        songs: tables.SONGS.
        training: the training pairs.
        pairs: the pairs to score.

    Raises:
        ValueError: there is no training pair.
    """
    if not len(training.similarity):
        raise ValueError("baselines: no pair is in train; add pairs, or change the protocol")
    n_pairs = len(pairs.left)
    answers = {
        "constant": Answers.of(np.full(n_pairs, training.mean())),
        "commonest_class": labels.commonest_class(training, n_pairs),
        "lookup": Answers.of(labels.lookup(training, pairs, len(songs))),
    }
    scores = metadata.scores(songs, training, pairs)
    for name, (train_scores, pair_scores) in scores.items():
        answers[name] = Answers.of(to_similarity(train_scores, training, pair_scores))
    features = [scores[name] for name in metadata.TREE_FEATURES if name in scores]
    if len(features) > 1:
        train_scores, pair_scores = (np.column_stack(columns) for columns in zip(*features, strict=True))
        answers["artist_year_tags"] = Answers.of(metadata.tree(train_scores, training, pair_scores))
    return answers


def from_lyrics(
    songs: pd.DataFrame,
    windowing: TokenWindowing,
    training: TrainingPairs,
    pairs: Pairs,
    vectors: WordVectors | None,
    *,
    sentence_encoder: str | None = None,
) -> dict[str, Answers]:
    """Predictions of the baselines from lyrics, which read as much of a text as the model does.

    Args:
        songs: tables.SONGS.
        windowing: how much of a text is read; baselines do not depend on its `window`.
        training: the training pairs; TF-IDF, style and ridge are fitted on all training songs.
        pairs: the pairs to score.
        vectors: the model's initial word vectors; None leaves out the baselines that average them.
        sentence_encoder: name or path of a sentence-transformers model to compare with.

    Raises:
        ValueError: the sentence encoder cannot be loaded.
    """
    songs = songs.assign(lyrics=[windowing.excerpt(text) for text in songs["lyrics"]])
    scores = lyrics.scores(songs, windowing.tokens, training, pairs, vectors)
    if sentence_encoder is not None:
        texts = songs["lyrics"].tolist()
        scores["sentence_encoder"] = lyrics.sentence_scores(texts, training, pairs, sentence_encoder)
    return {
        name: Answers.of(to_similarity(train_scores, training, pair_scores))
        for name, (train_scores, pair_scores) in scores.items()
    }


def untrained(
    songs: pd.DataFrame, windowing: TokenWindowing, pairs: Pairs, vectors: WordVectors | None
) -> dict[str, Answers]:
    """Predictions for data without training pairs: (1 + cosine) / 2 of TF-IDF and of averaged vectors.

    Args:
        songs: tables.SONGS; those in `pairs` give the document frequencies.
        windowing: how much of a text is read.
        pairs: the pairs to score.
        vectors: word vectors; None leaves out the baselines that average them.
    """
    return {
        name: Answers.of(score)
        for name, score in lyrics.untrained_scores(songs, windowing, pairs, vectors).items()
    }
