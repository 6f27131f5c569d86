"""The baselines a model is compared with: each is fitted on the train split alone and predicts similarity.

Input: songs (tables.SONGS), TrainingPairs (pairs with similarities and weights), the pairs to score; a pair
is two row numbers of the songs table. Output: baseline to Answers for the pairs to score.

A score that is no similarity (a cosine, a gap in years) is mapped to one by isotonic regression on the
training pairs, so that deciles and MSE are fair. The look-up and the trees of artist, year and tags predict
similarity themselves: a mapping fitted on rows that they memorise would overfit.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from neuralist.evaluation.baselines import labels, lyrics, metadata
from neuralist.evaluation.baselines.common import (
    Pairs,
    Scores,
    TrainingPairs,
    rescaled_cosine,
    to_similarity,
    unordered_ids,
)
from neuralist.metrics import Answers
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.word_vectors import WordVectors

__all__ = [
    "BASELINES",
    "Pairs",
    "TrainingPairs",
    "from_lyrics",
    "unordered_ids",
    "untrained",
    "without_lyrics",
]


class Baseline(NamedTuple):
    """A baseline.

    Attributes:
        label: as people read it; a * marks one that reads metadata.
        made_from: what it reads of the songs to score; `encoder` is the model's own, without TF-IDF; `both`
            is lyrics and metadata.
    """

    label: str
    made_from: Literal["encoder", "similarities", "lyrics", "metadata", "both"]

    @property
    def from_lyrics(self) -> bool:
        """Whether it reads lyrics, as much of a text as the model does."""
        return self.made_from in ("lyrics", "both")


# In the order of the tables.
BASELINES = {
    "encoder_alone": Baseline("encoder alone", "encoder"),
    "constant": Baseline("constant (train mean)", "similarities"),
    "commonest_class": Baseline("commonest class", "similarities"),
    "lookup": Baseline("look-up with song bias", "similarities"),
    "tfidf": Baseline("TF-IDF", "lyrics"),
    "tfidf_characters": Baseline("TF-IDF of characters", "lyrics"),
    "averaged_vectors": Baseline("averaged word vectors", "lyrics"),
    "averaged_vectors_projected": Baseline("averaged word vectors, projected", "lyrics"),
    "style": Baseline("style", "lyrics"),
    "ridge_tfidf": Baseline("ridge from TF-IDF", "lyrics"),
    "ridge": Baseline("ridge from TF-IDF and style", "lyrics"),
    "pair_regression": Baseline("logistic regression on pairs", "lyrics"),
    "sentence_encoder": Baseline("sentence encoder", "lyrics"),
    "same_artist": Baseline("same artist*", "metadata"),
    "year_gap": Baseline("year gap*", "metadata"),
    "tags": Baseline("tags*", "metadata"),
    "lastfm_tags": Baseline("Last.fm tags*", "metadata"),
    "artist_year_tags": Baseline("artist, year, tags*", "metadata"),
    "year_lyrics": Baseline("year and lyrics*", "both"),
    "artist_year_tags_lyrics": Baseline("artist, year, tags and lyrics*", "both"),
    "has_list": Baseline("has a list*", "metadata"),
    "degree": Baseline("listed pairs elsewhere*", "metadata"),
    "n_tracks": Baseline("number of tracks*", "metadata"),
}
# What lyrics add to metadata: a baseline that reads both, beside the one without lyrics.
WITH_LYRICS = {"year_lyrics": "year_gap", "artist_year_tags_lyrics": "artist_year_tags"}


def without_lyrics(
    of_metadata: Mapping[str, Scores], training: TrainingPairs, pairs: Pairs
) -> dict[str, Answers]:
    """Predictions of the baselines without lyrics.

    Args:
        of_metadata: from `metadata.scores`.
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
        "lookup": Answers.of(labels.lookup(training, pairs, len(training.splits))),
    }
    for name, (train_scores, pair_scores) in of_metadata.items():
        answers[name] = Answers.of(to_similarity(train_scores, training, pair_scores))
    features = [of_metadata[name] for name in metadata.TREE_FEATURES if name in of_metadata]
    if len(features) > 1:
        answers["artist_year_tags"] = Answers.of(metadata.trees(features, training))
    return answers


def from_lyrics(
    songs: pd.DataFrame,
    windowing: TokenWindowing,
    training: TrainingPairs,
    pairs: Pairs,
    vectors: WordVectors | None,
    *,
    of_metadata: Mapping[str, Scores],
    sentence_encoder: str | None = None,
) -> dict[str, Answers]:
    """Predictions of the baselines that read lyrics, as much of a text as the model does.

    Those that read metadata too are left out where there are no scores of it, or no pair regression.

    Args:
        songs: tables.SONGS.
        windowing: how much of a text is read; baselines do not depend on its `window`.
        training: the training pairs; TF-IDF, style and ridge are fitted on all training songs.
        pairs: the pairs to score.
        vectors: the model's initial word vectors; None leaves out the baselines that average them.
        of_metadata: from `metadata.scores`.
        sentence_encoder: name or path of a sentence-transformers model to compare with, or module:name.

    Raises:
        ValueError: the sentence encoder cannot be loaded.
    """
    songs = songs.assign(lyrics=[windowing.excerpt(text) for text in songs["lyrics"]])
    scores = lyrics.scores(songs, windowing, training, pairs, vectors)
    if sentence_encoder is not None:
        texts = songs["lyrics"].tolist()
        scores["sentence_encoder"] = lyrics.sentence_scores(texts, training, pairs, sentence_encoder)
    answers = {
        name: Answers.of(to_similarity(train_scores, training, pair_scores))
        for name, (train_scores, pair_scores) in scores.items()
    }
    if "pair_regression" in scores:
        known = [of_metadata[name] for name in metadata.TREE_FEATURES if name in of_metadata]
        read = {
            "year_lyrics": [of_metadata["year_gap"]] if "year_gap" in of_metadata else [],
            "artist_year_tags_lyrics": known if len(known) > 1 else [],
        }
        for name, features in read.items():
            if features:
                answers[name] = Answers.of(metadata.trees([*features, scores["pair_regression"]], training))
    return answers


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
    texts = [windowing.excerpt(text) for text in songs["lyrics"]]
    of_terms = lyrics.tfidf_weights(texts, np.union1d(*pairs), windowing)
    answers = {name: Answers.of(rescaled_cosine(weights, pairs)) for name, weights in of_terms.items()}
    if vectors is not None:
        averages = lyrics.averaged_vectors(texts, vectors)
        answers["averaged_vectors"] = Answers.of(rescaled_cosine(averages, pairs))
    return answers
