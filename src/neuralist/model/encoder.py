"""Run the trained encoder, an ONNX graph, by ONNX Runtime; all that follows training uses it.

Input: tokens int32 (n_windows, n_steps), 0 = padding; lengths int32 (n_windows,), tokens of each window;
average float32 (n_songs, n_windows), the share of each window in each song; n_tokens float32 (n_songs,),
tokens of the whole song, for models with length features; distinct int32 (n_songs, max_distinct), each song's
distinct tokens, for models with a bag of words. Output: embeddings float32 (n_songs, width).
Operators: https://onnx.ai/onnx/operators.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import threads
from neuralist.config import records
from neuralist.config.records import ExperimentRecord
from neuralist.model.averaged_vectors import AveragedVectors
from neuralist.model.fusion import Fusion
from neuralist.model.onnx_export import ENCODERS
from neuralist.model.representatives import Representatives
from neuralist.model.similarity import Similarity
from neuralist.model.style_answers import StyleAnswers
from neuralist.text import cleaning, segmentation, tokenizer
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import PADDING, UNKNOWN, Vocabulary, Windows

# Tokens of a call of the graph, padding included: with fewer, the steps' own cost counts; more bring nothing.
TOKENS_PER_CALL = 32 * 300


# The similarity of pairs of texts, by their positions, int64 (n_pairs,), left and right.
PairSimilarity = Callable[[np.ndarray, np.ndarray], np.ndarray]


# Of a vocabulary's words: English lyrics have few that look elided (d'amour), French ones one in ten.
ELIDED = 0.01


class ReadsOtherwise(UserWarning):
    """A model's texts are not cut into the words that it was trained on."""


class Reading(NamedTuple):
    """Embeddings of texts, in their order, tokens read, and how many of these the model knows."""

    embeddings: np.ndarray  # float32 (n_texts, width); of a text without a known token, arbitrary
    n_tokens: np.ndarray  # int64 (n_texts,), tokens read; truncated ones do not count
    known: np.ndarray  # float64 (n_texts,), the share of the tokens read that the vocabulary holds


class Encoder:
    """Maps texts to embeddings, by an experiment's exported graph and vocabulary.

    Args:
        graph: encoder.onnx.
        vocabulary: of the experiment.
        windowing: which tokens are read.
        similarity: of embeddings.
        clean: makes of a text as it came the text that is read; see `text.cleaning.cleaner`.
        fusion: by which TF-IDF takes part in the similarity of pairs; None: it does not.
        style: what it adds to the graph's embeddings; None: nothing.
        representatives: of words in the bag of words; None: every word has its own row, or none.
        averaged_vectors: whose coordinates stand behind those of the graph; None: no others.
    """

    def __init__(  # noqa: PLR0913 - each is a part that some models have
        self,
        graph: Path,
        vocabulary: Vocabulary,
        windowing: TokenWindowing,
        similarity: Similarity,
        *,
        clean: Callable[[str], str] = str,
        fusion: Fusion | None = None,
        style: StyleAnswers | None = None,
        representatives: Representatives | None = None,
        averaged_vectors: AveragedVectors | None = None,
    ) -> None:
        import onnxruntime  # 0.2 s that exporting need not pay
        from onnxruntime.capi import onnxruntime_pybind11_state as state  # pyright: ignore

        self.vocabulary, self.windowing, self.similarity = vocabulary, windowing, similarity
        self.clean, self.fusion, self.style, self.representatives = clean, fusion, style, representatives
        self.averaged_vectors = averaged_vectors
        options = onnxruntime.SessionOptions()
        # Calls run side by side, see `encode_windows`. Threads within a call would wait for each other at
        # each step of the LSTM: on a busy machine a song then takes a third longer.
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (
            state.Fail,
            state.InvalidArgument,
            state.InvalidGraph,
            state.InvalidProtobuf,
            state.NotImplemented,
        ) as error:
            raise ValueError(
                f"{graph}: no graph that ONNX Runtime can run ({error}); run `dvc repro` to train it again"
            ) from error
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._graph_width: int = self._session.get_outputs()[0].shape[1]
        n_averaged = 0 if averaged_vectors is None else averaged_vectors.width * similarity.n_encoders
        self.width = self._graph_width + n_averaged
        self._check_similarity(graph)

    def _check_similarity(self, graph: Path) -> None:
        """Refuse a similarity of other embeddings than the graph's: it would answer wrongly or fail later."""
        n_encoders = int(self._session.get_modelmeta().custom_metadata_map.get(ENCODERS, 1))
        row = np.zeros((1, self.width))
        try:
            if self.style is not None and self.style.coefficients.shape[1] != self._graph_width:
                raise ValueError(f"style.npz is of {self.style.coefficients.shape[1]} coordinates")
            if n_encoders != self.similarity.n_encoders:
                raise ValueError(f"the graph holds {n_encoders}, the similarity {self.similarity.n_encoders}")
            self.similarity(row, row)
        except ValueError as error:
            raise ValueError(
                f"{graph}: its encoders do not fit the files beside it ({error}); "
                "run `dvc repro` to train it again"
            ) from error

    @classmethod
    def load(cls, folder: Path) -> "Encoder":
        """Read a trained or served folder: encoder.onnx, vocabulary.txt, experiment.json, similarity.npz.

        Raises:
            ValueError: a file of the folder is missing or damaged, or the package that cuts its words is.

        Warns:
            ReadsOtherwise: texts are cut into other words here than when it was trained.
        """
        names = "encoder.onnx", "vocabulary.txt", "experiment.json"
        missing = ", ".join(name for name in names if not (folder / name).is_file())
        if missing:
            raise ValueError(f"{folder}: {missing} missing; run `dvc repro` to train this experiment")
        experiment = records.load_experiment(folder)
        vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        windowing = TokenWindowing.of(experiment.params, experiment.coverage.segmenter)
        for reason in _reads_otherwise(experiment, vocabulary):
            warnings.warn(f"{folder}: {reason}", ReadsOtherwise, stacklevel=2)
        similarity = Similarity.load(experiment, folder)
        clean = cleaning.cleaner(experiment.cleaning)
        fusion = Fusion.load(folder, experiment.fusion, windowing)
        style = StyleAnswers.load(folder) if experiment.params.style else None
        has_bag = experiment.params.bag_of_words
        representatives = Representatives.load(folder, len(vocabulary)) if has_bag else None
        averages = (
            AveragedVectors.load(folder, len(vocabulary)) if experiment.params.averaged_vectors else None
        )
        return cls(
            folder / "encoder.onnx",
            vocabulary,
            windowing,
            similarity,
            clean=clean,
            fusion=fusion,
            style=style,
            representatives=representatives,
            averaged_vectors=averages,
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32 (n_texts, width), in input order; see `read`."""
        return self.read(texts).embeddings

    def read(self, texts: Sequence[str], *, cleaned: bool = False) -> Reading:
        """Clean and embed texts, equal texts once, and count the tokens read and known.

        Args:
            texts: the texts.
            cleaned: whether they are cleaned already, by `clean`.

        Raises:
            ValueError: a text has no word.
        """
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        distinct = list(numbers) if cleaned else [self.clean(text) for text in numbers]
        windows = self.vocabulary.windows(distinct, self.windowing)
        order = np.array([numbers[text] for text in texts], dtype=np.intp)
        n_read = windows.per_text(windows.ids != PADDING)
        n_tokens = n_read[order]
        if not n_tokens.all():
            raise ValueError(
                f"text {int(np.argmin(n_tokens)) + 1} of {len(texts)} holds no word; give texts with words"
            )
        n_unknown = windows.per_text(windows.ids == UNKNOWN)[order]
        embeddings = self.encode_windows(windows)
        if self.style is not None:
            is_cut = n_read < windows.lengths
            excerpts = [
                self.windowing.excerpt(text) if cut else text
                for text, cut in zip(distinct, is_cut, strict=True)
            ]
            foreign = None if self.representatives is None else self.representatives.foreign(windows)
            embeddings += self.style(excerpts, foreign, self.windowing.segmenter)
        if self.averaged_vectors is not None:
            n_encoders = self.similarity.n_encoders
            embeddings = self.averaged_vectors.beside(embeddings, windows, n_encoders)
        return Reading(embeddings[order], n_tokens, 1 - n_unknown / n_tokens)

    def pair_similarity(self, texts: Sequence[str], embeddings: np.ndarray) -> PairSimilarity:
        """Return the similarity of pairs among texts; without fusion it is that of their embeddings.

        Args:
            texts: the texts, cleaned.
            embeddings: of the texts, float32 (n_texts, width).
        """
        fusion = self.fusion
        if fusion is None:
            return lambda left, right: self.similarity(embeddings[left], embeddings[right])
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        rows = fusion.rows(list(numbers))
        number = np.array([numbers[text] for text in texts], dtype=np.intp)

        def joined(left: np.ndarray, right: np.ndarray) -> np.ndarray:
            similarity = self.similarity(embeddings[left], embeddings[right])
            return fusion(similarity, rows, number[left], number[right])

        return joined

    def encode_windows(self, windows: Windows) -> np.ndarray:
        """Embed texts given as token ids by the graph alone: float32 (n_texts, coordinates of the graph)."""
        lengths = np.count_nonzero(windows.ids != PADDING, axis=1).astype(np.int32)
        counts = np.diff(windows.starts)
        embeddings = np.empty((len(counts), self._graph_width), dtype=np.float32)
        if len(counts):
            # Texts of similar length share a call, to keep padding small.
            longest = np.maximum.reduceat(lengths, windows.starts[:-1])
            order = np.lexsort((counts, longest))
            call = np.cumsum((counts * longest)[order]) // TOKENS_PER_CALL
            batches = np.split(order, np.flatnonzero(np.diff(call)) + 1)
            run = partial(self._run, windows, lengths)
            for texts, rows in zip(batches, threads.mapped(run, batches), strict=True):
                embeddings[texts] = rows
        return embeddings

    def _run(self, windows: Windows, lengths: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Embed some of the texts in a single call of the graph."""
        owners, rows = windows.rows(texts)
        counts = np.bincount(owners, minlength=len(texts))
        average = np.zeros((len(texts), len(rows)), dtype=np.float32)
        average[owners, np.arange(len(rows))] = 1 / counts[owners]
        feed = {
            "tokens": windows.ids[rows, : max(1, lengths[rows].max())],  # a Scan takes a step at least
            "lengths": lengths[rows],
            "average": average,
            "n_tokens": windows.lengths[texts].astype(np.float32),
        }
        if "distinct" in self._inputs:
            token = None if self.representatives is None else self.representatives.token
            feed["distinct"] = windows.distinct(texts, len(texts), token)
        inputs = {name: value for name, value in feed.items() if name in self._inputs}
        return np.asarray(self._session.run(["embeddings"], inputs)[0])


def _reads_otherwise(experiment: ExperimentRecord, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield why a model's texts are cut into other words than those that it was trained on."""
    trained_with = experiment.coverage.segmenter_version
    if trained_with is not None and _major(here := segmentation.version()) != _major(trained_with):
        yield (
            f"its words were cut by ICU {trained_with}, and texts are by ICU {here}, perhaps into some other "
            f"words; install the icu4py that holds ICU {_major(trained_with)}, or train it again"
        )
    if experiment.params.tokens == "word":
        with_apostrophe = (word for word in vocabulary.words if "'" in word)
        elided = [word for word in with_apostrophe if len(tokenizer.words(word)) > 1]
        if elided and len(elided) >= ELIDED * len(vocabulary.words):
            yield (
                f"it was trained before elided words were cut: {len(elided):,} of its words, such as "
                f"{elided[0]}, are in no text any more; train it again"
            )


def _major(version: str) -> str:
    return version.split(".")[0]
