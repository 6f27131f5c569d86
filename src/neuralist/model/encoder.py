"""The trained encoder, an ONNX graph, run by ONNX Runtime: everything after training.

Input: tokens int32 (n_windows, n_steps), 0 = padding; lengths int32 (n_windows,), tokens of each window;
average float32 (n_songs, n_windows), the share of each window in each song; n_tokens float32 (n_songs,),
tokens of the whole song, for models that read the length; distinct int32 (n_songs, most), each song's
distinct tokens, for models with a bag of words. Output: embeddings float32 (n_songs, width).
Operators: https://onnx.ai/onnx/operators.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.config import records
from neuralist.model.similarity import Similarity
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import PADDING, Vocabulary, Windows

# Padding included. What an LSTM makes of these stays in the processor's cache; of eight times as many a song
# takes half as long again.
TOKENS_A_CALL = 8 * 300


class Reading(NamedTuple):
    """What an encoder made of texts, in their order."""

    embeddings: np.ndarray  # float32 (n_texts, width)
    n_tokens: np.ndarray  # int64 (n_texts,), tokens read, cut ones left out


class Compared(NamedTuple):
    """How alike pairs of texts are, in their order."""

    similarity: np.ndarray  # float64 (n_pairs,), in [0, 1]
    n_tokens_left: np.ndarray  # int64 (n_pairs,), tokens read
    n_tokens_right: np.ndarray


class Encoder:
    """Texts to embeddings, with an experiment's exported graph and vocabulary."""

    def __init__(
        self, graph: Path, vocabulary: Vocabulary, windowing: TokenWindowing, similarity: Similarity
    ) -> None:
        import onnxruntime  # 0.2 s that exporting need not pay
        from onnxruntime.capi import onnxruntime_pybind11_state as state  # pyright: ignore

        self.vocabulary, self.windowing, self.similarity = vocabulary, windowing, similarity
        options = onnxruntime.SessionOptions()
        # Threads take whole calls, see `_run_all`. Inside one they would wait for each other at each step of
        # an LSTM: on a busy machine a song then takes a third longer.
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented) as error:
            raise ValueError(
                f"{graph}: no graph that ONNX Runtime can run ({error}); run `dvc repro` to train it again"
            ) from error
        self._inputs = {taken.name for taken in self._session.get_inputs()}

    @classmethod
    def load(cls, folder: Path) -> "Encoder":
        """Read a trained or served folder: encoder.onnx, vocabulary.txt and experiment.json.

        Raises:
            ValueError: a file of the folder is missing or damaged.
        """
        missing = [
            name
            for name in ("encoder.onnx", "vocabulary.txt", "experiment.json")
            if not (folder / name).is_file()
        ]
        if missing:
            raise ValueError(
                f"{folder}: {', '.join(missing)} missing; run `dvc repro` to train this experiment"
            )
        trained = records.load_experiment(folder)
        vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        return cls(
            folder / "encoder.onnx", vocabulary, TokenWindowing.of(trained.params), Similarity.of(trained)
        )

    def compare(self, left: Sequence[str], right: Sequence[str]) -> Compared:
        """Similarity of each pair of texts, left[i] with right[i]; see `read`."""
        embeddings, n_tokens = self.read([*left, *right])
        a, b = np.split(embeddings, 2)
        return Compared(self.similarity(a, b), *np.split(n_tokens, 2))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32 (n_texts, width), in the order given; see `read`."""
        return self.read(texts).embeddings

    def read(self, texts: Sequence[str]) -> Reading:
        """Embed texts, each distinct one once, and count the tokens read of each.

        Raises:
            ValueError: a text holds no word.
        """
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        windows = self.vocabulary.windows(list(numbers), self.windowing)
        n_read = np.count_nonzero(windows.ids != PADDING, axis=1)
        n_tokens = np.add.reduceat(n_read, windows.starts[:-1], dtype=np.int64) if numbers else n_read
        order = np.array([numbers[text] for text in texts], dtype=np.intp)
        n_tokens = n_tokens[order]
        if not n_tokens.all():
            raise ValueError(
                f"text {int(np.argmin(n_tokens)) + 1} of {len(texts)} holds no word; give texts with words"
            )
        return Reading(self.encode_windows(windows)[order], n_tokens)

    def encode_windows(self, windows: Windows) -> np.ndarray:
        """Embed texts that are token ids already: float32 (n_texts, width)."""
        lengths = np.count_nonzero(windows.ids != PADDING, axis=1).astype(np.int32)
        counts = np.diff(windows.starts)
        width = self._session.get_outputs()[0].shape[1]
        embeddings = np.empty((len(counts), width), dtype=np.float32)
        if len(counts):
            # Texts of like length share a call, so that little of it is padding.
            longest = np.maximum.reduceat(lengths, windows.starts[:-1])
            order = np.lexsort((counts, longest))
            calls = np.cumsum((counts * longest)[order]) // TOKENS_A_CALL
            parts = np.split(order, np.flatnonzero(np.diff(calls)) + 1)
            for texts, found in zip(parts, self._run_all(windows, lengths, parts), strict=True):
                embeddings[texts] = found
        return embeddings

    def _run_all(
        self, windows: Windows, lengths: np.ndarray, parts: Sequence[np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Embed each part of the texts in a call of its own, on all cores."""
        run = partial(self._run, windows, lengths)
        if len(parts) == 1:
            yield run(parts[0])
            return
        with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as pool:
            yield from pool.map(run, parts)

    def _run(self, windows: Windows, lengths: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Embed some of the texts, in one call of the graph."""
        owners, rows = windows.rows(texts)
        counts = np.bincount(owners, minlength=len(texts))
        average = np.zeros((len(texts), len(rows)), dtype=np.float32)
        average[owners, np.arange(len(rows))] = 1 / counts[owners]
        feed = {
            "tokens": windows.ids[rows, : lengths[rows].max()],
            "lengths": lengths[rows],
            "average": average,
            "n_tokens": windows.lengths[texts].astype(np.float32),
        }
        if "distinct" in self._inputs:
            feed["distinct"] = windows.distinct(texts, len(texts))
        known = {name: value for name, value in feed.items() if name in self._inputs}
        return np.asarray(self._session.run(["embeddings"], known)[0])
