"""Everything that a model must beat, each learned on train alone and answering in similarity.

Input: songs (tables.SONGS), TrainingPairs, the pairs to score; a pair is two positions in the songs table.
Output: name to Answers for the pairs to score.

A score that is no similarity (a cosine, a gap in years) is mapped to one by isotonic regression on the
training pairs, so that deciles and MSE are fair. The look-up and the model of artist, year and tags predict
similarity themselves: a mapping fitted on rows that they remember would spoil them.
"""

import numpy as np
import pandas as pd

from neuralist.evaluation.baselines import labels, lyrics, metadata
from neuralist.evaluation.baselines.common import Pairs, TrainingPairs, mapped, unordered
from neuralist.metrics import Answers
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.word_vectors import WordVectors

__all__ = ["FROM_LYRICS", "Pairs", "TrainingPairs", "from_lyrics", "unordered", "untrained", "without_lyrics"]

# In the order of the tables: whether the baseline reads lyrics.
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


def without_lyrics(songs: pd.DataFrame, training: TrainingPairs, to_score: Pairs) -> dict[str, Answers]:
    """The baselines that read no lyrics; those without a value for any training pair are left out.

    Args:
        songs: tables.SONGS.
        training: what may be learned from.
        to_score: the pairs to answer for.

    Raises:
        ValueError: there is no training pair.
    """
    if not len(training.similarity):
        raise ValueError("baselines: no pair is in train; add pairs, or change the protocol")
    n_to_score = len(to_score.left)
    answers = {
        "constant": Answers.of(np.full(n_to_score, training.mean())),
        "commonest_class": labels.commonest_class(training, n_to_score),
        "lookup": Answers.of(labels.lookup(training, to_score, len(songs))),
    }
    scores = metadata.scores(songs, training, to_score)
    for name, (of_train, of_scored) in scores.items():
        answers[name] = Answers.of(mapped(of_train, training, of_scored))
    described = [scores[name] for name in metadata.OF_SONGS if name in scores]
    if len(described) > 1:
        of_train, of_scored = (np.column_stack(columns) for columns in zip(*described, strict=True))
        answers["artist_year_tags"] = Answers.of(metadata.tree(of_train, training, of_scored))
    return answers


def from_lyrics(
    songs: pd.DataFrame,
    windowing: TokenWindowing,
    training: TrainingPairs,
    to_score: Pairs,
    vectors: WordVectors | None,
    *,
    sentence_encoder: str | None = None,
) -> dict[str, Answers]:
    """The baselines that read lyrics, and of them the part that a model reads.

    Args:
        songs: tables.SONGS.
        windowing: that part; two experiments that differ in its `window` alone share their baselines.
        training: what may be learned from; TF-IDF, style and ridge are fitted on all training songs.
        to_score: the pairs to answer for.
        vectors: the word vectors that the model starts from; None leaves out what averages them.
        sentence_encoder: name or path of a sentence-transformers model, to compare with it too.

    Raises:
        ValueError: the sentence encoder cannot be loaded.
    """
    songs = songs.assign(lyrics=[windowing.excerpt(text) for text in songs["lyrics"]])
    scores = lyrics.scores(songs, windowing.tokens, training, to_score, vectors)
    if sentence_encoder is not None:
        texts = songs["lyrics"].tolist()
        scores["sentence_encoder"] = lyrics.sentence_scores(texts, training, to_score, sentence_encoder)
    return {
        name: Answers.of(mapped(of_train, training, of_scored))
        for name, (of_train, of_scored) in scores.items()
    }


def untrained(
    songs: pd.DataFrame, windowing: TokenWindowing, to_score: Pairs, vectors: WordVectors | None
) -> dict[str, Answers]:
    """Plain scores, (1 + cosine) / 2, where there is no training pair: of TF-IDF and of averaged vectors.

    Args:
        songs: tables.SONGS; those in the pairs asked for tell how rare a word is.
        windowing: what of a text is read.
        to_score: the pairs to answer for.
        vectors: word vectors; None leaves out what averages them.
    """
    return {
        name: Answers.of(score) for name, score in lyrics.plain(songs, windowing, to_score, vectors).items()
    }
