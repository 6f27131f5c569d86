"""Baselines that read lyrics: TF-IDF, averaged word vectors, style, ridge regression, a sentence encoder."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.optimize import nnls

from neuralist.evaluation.baselines.common import Pairs, Scores, TrainingPairs, cosine, nearness, unit_cosine
from neuralist.model import ridge
from neuralist.text import style
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import PADDING, UNKNOWN
from neuralist.text.word_vectors import WordVectors


def scores(
    songs: pd.DataFrame, tokens: str, training: TrainingPairs, to_score: Pairs, vectors: WordVectors | None
) -> dict[str, Scores]:
    """Scores in [0, 1] by baseline, of songs whose lyrics hold no more than is read.

    Ridge is left out where songs have neither year, nor tags, nor lists.
    """
    texts, whole = songs["lyrics"].tolist(), TokenWindowing(tokens, 1, "chunks")
    found = {
        "tfidf": cosine(tfidf(texts, training.songs, tokens).weights, training, to_score),
        "style": nearness(style.standardised(texts, training.songs), training, to_score),
    }
    if vectors is not None:
        averages = averaged_vectors(texts, vectors)
        found["averaged_vectors"] = cosine(averages, training, to_score)
        found["averaged_vectors_projected"] = cosine(projected(averages, training), training, to_score)
    for name, plain in (("ridge_tfidf", True), ("ridge", False)):
        teacher = ridge.answer(songs, training.listed, training.songs, whole, plain=plain)
        if teacher.names:
            found[name] = nearness(teacher.positions, training, to_score)
    return found


def plain(
    songs: pd.DataFrame, windowing: TokenWindowing, to_score: Pairs, vectors: WordVectors | None
) -> dict[str, np.ndarray]:
    """Cosines as they are, (1 + cosine) / 2; the texts asked for tell TF-IDF how rare a word is."""
    texts = [windowing.excerpt(text) for text in songs["lyrics"]]
    found = {"tfidf": unit_cosine(tfidf(texts, np.union1d(*to_score), windowing.tokens).weights, to_score)}
    if vectors is not None:
        found["averaged_vectors"] = unit_cosine(averaged_vectors(texts, vectors), to_score)
    return found


def averaged_vectors(texts: Sequence[str], vectors: WordVectors) -> np.ndarray:
    """Unit vectors (n_texts, dimensions) along the mean of the known words' vectors; zeros without any."""
    means = np.zeros((len(texts), vectors.matrix.shape[1]))
    everything = TokenWindowing("word", max(map(len, texts), default=0) + 1, "head")
    for text, words in enumerate(texts):
        ids = vectors.vocabulary.windows([words], everything).ids[0]
        with_vector = ids[(ids != PADDING) & (ids != UNKNOWN)]
        if len(with_vector):
            means[text] = vectors.matrix[with_vector].mean(axis=0, dtype=np.float64)
    return _unit(means)


def projected(averages: np.ndarray, training: TrainingPairs) -> np.ndarray:
    """Averaged vectors less the training songs' mean, with a weight a dimension, again of length 1.

    A pair's score is sum_d w_d^2 a_d b_d; the squares are fitted to similarity by non-negative least squares
    with a ridge penalty of the products' mean variance (a whole matrix, from the covariance of listed pairs,
    is worse: listed_auc 0.563 against 0.570 on five real val parts, and 0.540 without any projection).
    """
    centred = _unit(averages - averages[training.songs].mean(axis=0))
    share = training.weight / training.weight.sum()
    features = centred[training.pairs.left] * centred[training.pairs.right]
    features -= share @ features
    weighted = features * share[:, None]
    normal = features.T @ weighted
    penalty = np.trace(normal) / len(normal)
    if not penalty > 0:
        return centred
    root = linalg.cholesky(normal + penalty * np.eye(len(normal)))
    aim = linalg.solve_triangular(root, weighted.T @ (training.similarity - training.mean()), trans=1)
    return _unit(centred * np.sqrt(nnls(root, aim)[0]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12)


def sentence_scores(texts: Sequence[str], training: TrainingPairs, to_score: Pairs, name: str) -> Scores:
    """Cosine of a sentence encoder's embeddings, which reads at most its own number of tokens.

    Raises:
        ValueError: the package sentence-transformers is missing, or cannot load the model.
    """
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError(
            f"evaluate.sentence_encoder: received {name!r}, but the package sentence-transformers is missing "
            f"({error}); install the extra `transformer`, or give null"
        ) from error
    try:
        encoder = SentenceTransformer(name, device="cpu")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"evaluate.sentence_encoder: {name!r} cannot be loaded ({error}); give a model's name or folder"
        ) from error
    needed = np.unique(np.concatenate([*training.pairs, *to_score]))
    found = np.asarray(encoder.encode([texts[song] for song in needed], show_progress_bar=False))
    embeddings = np.zeros((len(texts), found.shape[1]))
    embeddings[needed] = _unit(found.astype(np.float64))
    return cosine(embeddings, training, to_score)
