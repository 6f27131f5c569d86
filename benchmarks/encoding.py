"""Encoding songs of 300 words with exported encoders of untrained weights, beside a sentence encoder.

Vocabulary of 23,000 words with vectors of 300 numbers. `last state` is as in the paper, with 50 units;
`lyrics` as the experiment of that name, with 100 units, a bag of words, and the style answers of 2,300
training songs, as the Million Song subset has. Texts are encoded 512 at a time, as in serving.
"""

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import figures, made
from benchmarks.figures import Figure, Missing, Peer
from neuralist.model import onnx_export
from neuralist.model.encoder import Encoder
from neuralist.model.onnx_export import LSTM, BagOfWords, Heads, Weights
from neuralist.model.similarity import Similarity
from neuralist.model.style_answers import StyleAnswers
from neuralist.serving.model import CHUNK, Model
from neuralist.text import style
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary

ROUNDS, TEXTS, PEERS_TEXTS = 9, 2048, 16
DIMENSIONS, HEADS, CENTRES = 300, 70, 2300
TARGETS = {"last state": ">= 8000", "lyrics": ">= 3500"}


def measure(options: argparse.Namespace) -> Iterator[Figure | Missing]:
    """Songs a second: whole, and in its two parts."""
    known = made.words()
    texts = made.songs(known, TEXTS)
    with TemporaryDirectory() as folder:
        last, lyrics = encoders(known, texts, Path(folder))
    windows = last.vocabulary.windows(texts[:CHUNK], last.windowing)
    measures: dict[str, Callable[[], float]] = {
        "last state": figures.rate(lambda: Model(last, Path, Path).encode(texts), TEXTS),
        "lyrics": figures.rate(lambda: Model(lyrics, Path, Path).encode(texts), TEXTS),
        "texts to ids": figures.rate(lambda: last.vocabulary.windows(texts, last.windowing), TEXTS),
        "texts with accents to ids": figures.rate(_accented(last, texts), TEXTS),
        "graph of last state": figures.rate(lambda: last.encode_windows(windows), len(windows.lengths)),
    }
    peer = None
    if options.sentence_encoder and find_spec("sentence_transformers"):
        measures["peer"] = figures.rate(_sentence_encoder(options.sentence_encoder, texts), PEERS_TEXTS)
    else:
        yield Missing(
            "the ratio to a sentence encoder",
            "pip install -e '.[transformer]', and give --sentence-encoder all-MiniLM-L6-v2 or its folder",
        )
    found = dict(zip(measures, figures.in_turn(ROUNDS, *measures.values()), strict=True))
    if "peer" in found:
        peer = Peer(Path(options.sentence_encoder).name, found.pop("peer"))
    for name, rounds in found.items():
        yield Figure(name, rounds, "songs/s", TARGETS.get(name), peer if name in TARGETS else None)


def encoders(known: list[str], texts: list[str], folder: Path) -> tuple[Encoder, Encoder]:
    """Return `last state` and `lyrics`, with drawn weights; style is scaled as these texts have it."""
    draw = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return draw.normal(scale=0.1, size=shape).astype(np.float32)

    def lstm(units: int) -> LSTM:
        return LSTM(drawn(DIMENSIONS, 4 * units), drawn(4 * units), drawn(units, 4 * units))

    vocabulary = Vocabulary(known)
    n_tokens = len(vocabulary)
    vectors = drawn(n_tokens, DIMENSIONS)
    onnx_export.export([Weights(vectors, lstm(50))], folder / "last.onnx")
    length, told = np.array([5.5, 0.5], dtype=np.float32), (drawn(401, HEADS), drawn(HEADS))
    bag = (drawn(n_tokens, HEADS), drawn(n_tokens, 1) ** 2)
    of_lyrics = Weights(vectors, lstm(100), None, "mean_max", length, Heads(*told), BagOfWords(*bag))
    onnx_export.export([of_lyrics], folder / "lyrics.onnx")
    read = {"last": TokenWindowing("word", 300, "head"), "lyrics": TokenWindowing("word", 420, "head", 60)}
    mean, deviation = style.scale_of(style.features(texts))
    centres = draw.normal(size=(CENTRES, len(style.NAMES))).astype(np.float32)
    answers = {"last": None, "lyrics": StyleAnswers(mean, deviation, centres, drawn(CENTRES, HEADS))}
    last, lyrics = (
        Encoder(folder / f"{name}.onnx", vocabulary, windowing, Similarity("manhattan"), style=answers[name])
        for name, windowing in read.items()
    )
    return last, lyrics


def _accented(encoder: Encoder, texts: list[str]) -> Callable[[], object]:
    changed = [text.replace("a", "á") for text in texts]
    return lambda: encoder.vocabulary.windows(changed, encoder.windowing)


def _sentence_encoder(name: str, texts: list[str]) -> Callable[[], object]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(name, device="cpu")
    return lambda: model.encode(texts[:PEERS_TEXTS], show_progress_bar=False)
