"""What two directions, other poolings, a learned similarity and an ensemble cost beside the plain model.

Plain is experiment words300 of params.yaml: one direction, pooling last, Manhattan similarity. Songs are the
made ones of group training, at most 30 words of each, as a sentence has, and at most 300. Training is by
64 pairs a batch. Encoding is by the exported graph, with untrained weights; each song is also compared with
another one, since a learned similarity costs there.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import figures, training
from benchmarks.figures import Figure, Peer
from neuralist.model import onnx_export
from neuralist.model.encoder import Encoder
from neuralist.serving.model import CHUNK
from neuralist.text.tokenizer import TokenWindowing

ROUNDS, SECONDS, LENGTHS = 5, 0.2, (30, 300)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "two directions": {"bidirectional": True},
    "pooling mean": {"pooling": "mean"},
    "pooling max": {"pooling": "max"},
    "pooling mean_max": {"pooling": "mean_max"},
    "pooling last_max": {"pooling": "last_max"},
    "learned similarity": {"similarity": "learned"},
    "ensemble of 3": {"ensemble": 3},
    "as in graded": {"bidirectional": True, "pooling": "mean_max", "similarity": "learned"},
}


def measure(_: argparse.Namespace) -> Iterator[Figure]:
    """Pairs a second in training and songs a second in encoding, of each kind beside the plain model."""
    for length in LENGTHS:
        plain, prepared = training.made("words300", max_tokens=length)
        kinds = [plain.model_copy(update=changes) for changes in KINDS.values()]
        trained = [_trained(settings, prepared) for settings in kinds]
        yield from _compared(f"training, {length} words", "pairs/s", trained)
        with TemporaryDirectory() as folder:
            encoded = [_encoded(settings, prepared, Path(folder) / "encoder.onnx") for settings in kinds]
        yield from _compared(f"encoding, {length} words", "songs/s", encoded)


def _compared(title: str, unit: str, works: list[Callable[[], int]]) -> Iterator[Figure]:
    """Every other kind beside the first, in turn; each is repeated for SECONDS in a round."""
    ways = [training.Way(name, work) for name, work in zip(KINDS, works, strict=True)]
    plain, *others = figures.in_turn(ROUNDS, *(partial(way.rate, SECONDS) for way in ways))
    for way, rounds in zip(ways[1:], others, strict=True):
        yield Figure(f"{title}, {way.name}", rounds, unit, peer=Peer(ways[0].name, plain))


def _trained(settings: Any, prepared: Any) -> Callable[[], int]:
    """Return a function that takes some steps and returns the pairs it saw; an ensemble, with each model."""
    from neuralist.training.experiment import members

    ways = [training.ours(member, prepared) for member in members(settings)]

    def work() -> int:
        pairs = [way.steps() for way in ways]
        return pairs[0]

    return work


def _encoded(settings: Any, prepared: Any, graph: Path) -> Callable[[], int]:
    """Return a function that encodes songs, compares each with another one, and returns how many they are."""
    from neuralist.training import loop, saving
    from neuralist.training.experiment import members

    models = [loop.make_model(member, prepared) for member in members(settings)]
    onnx_export.export([saving.weights(model) for model in models], graph)
    similarity = loop.similarity(models)
    windowing = TokenWindowing.of(settings)
    encoder = Encoder(graph, prepared.vectors.vocabulary, windowing, similarity)
    songs = prepared.splits["train"].songs.select(np.arange(CHUNK))

    def work() -> int:
        embeddings = encoder.encode_windows(songs)
        similarity(embeddings, np.roll(embeddings, 1, axis=0))
        return CHUNK

    return work
