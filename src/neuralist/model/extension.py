"""Add words of further vector files to a trained model, without training it.

Input: a folder of a trained or packed model whose word vectors stayed as they were (vectors: frozen), and
files of the same space. Output: a copy of the folder whose encoder knows the files' words too: a word of both
gets the mean of its vectors, as if the files had been merged before (`text.vector_files`), and the LSTM
reads the new vectors by the weights that it has. What depends on a catalogue is not written anew:
`serving.package`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist.config import records
from neuralist.model import representatives, word_table
from neuralist.text import vector_files, word_vectors
from neuralist.text.vector_files import VectorFile
from neuralist.text.vocabulary import UNKNOWN, Vocabulary

GRAPH = "encoder.onnx"
_FIRST = UNKNOWN + 1  # id of the first word


class Extension(NamedTuple):
    """What was added to a model.

    Attributes:
        files: their names.
        n_words: words that are new to the model.
        n_merged: words that it had, whose vectors are now means.
        spaces: how each file was brought to the model's space, in sentences.
    """

    files: tuple[str, ...]
    n_words: int
    n_merged: int
    spaces: tuple[str, ...]


def extend(folder: Path, paths: Sequence[Path], out: Path, *, align: bool) -> Extension:
    """Write a copy of a model's folder whose encoder knows the words of further files.

    Args:
        folder: of the model.
        paths: the files.
        out: the folder to write, which does not exist.
        align: whether files of another space are turned into the model's.

    Raises:
        ValueError: the model reads characters, has trained its vectors, is of an earlier format, or its
            folder is damaged; a file is unusable, of another space, or was added before.
    """
    experiment = records.load_experiment(folder)
    if experiment.params.tokens != "word" or experiment.params.vectors != "frozen":
        raise ValueError(
            f"{folder}: reads {experiment.params.tokens}s by vectors that were {experiment.params.vectors}; "
            "extend a model of tokens: word and vectors: frozen"
        )
    if not (folder / word_vectors.ORIGINS_FILE).is_file():
        raise ValueError(
            f"{folder}: of an earlier format, which says nothing of its words' ranks; run `dvc repro` in its "
            "checkout to train it again"
        )
    table = word_table.read(folder / GRAPH)
    model = _as_file(folder, table)
    before = set(experiment.coverage.source.split(" + "))
    if twice := sorted(before & {path.name for path in paths}):
        raise ValueError(f"{folder}: knows the words of {', '.join(twice)} already; give other files")
    checked = [vector_files.in_one_space(model, vector_files.read(path), align=align) for path in paths]
    merged = vector_files.merge([model, *(file for file, _ in checked)])
    own = np.zeros(len(merged.words))
    own[: len(model.words)] = word_vectors.load_origins(folder).own
    origins = merged.origins(own * merged.shares[:, 0])
    extended = _table(table, merged)
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns("model.keras", "seed-*", "history.csv"))
    word_table.write(folder / GRAPH, extended, out / GRAPH, quantise=True)
    spaces = tuple(note for _, note in checked)
    segmenter = experiment.coverage.segmenter or word_vectors.segmenter_for("auto", merged.words)
    coverage = experiment.coverage.model_copy(
        update={
            "segmenter": segmenter,
            "source": " + ".join([experiment.coverage.source, *(path.name for path in paths)]),
            "words": len(merged.words),
            "spaces": (*(experiment.coverage.spaces or ()), *spaces),
        }
    )
    word_vectors.WordVectors(Vocabulary(merged.words), extended, coverage, origins).save_words(out)
    squares = word_table.read_constant(folder / GRAPH, "squares_table")
    if squares is not None:
        is_counted = np.zeros(len(extended), dtype=bool)
        is_counted[: len(squares)] = squares[:, 0] > 0
        representatives.find(extended, is_counted, origins).save(out)
    records.save(experiment.model_copy(update={"coverage": coverage}), out / "experiment.json")
    n_merged = int(np.count_nonzero(merged.is_shared[: len(model.words)]))
    names = tuple(path.name for path in paths)
    return Extension(names, len(merged.words) - len(model.words), n_merged, spaces)


def _as_file(folder: Path, table: np.ndarray) -> VectorFile:
    """Return a model's words as if they were those of a file."""
    words, origins = Vocabulary.load(folder / "vocabulary.txt").words, word_vectors.load_origins(folder)
    if len(table) != len(words) + _FIRST or any(len(array) != len(words) for array in origins):
        raise ValueError(
            f"{folder}: its vocabulary, vectors and {word_vectors.ORIGINS_FILE} differ in length; run "
            "`dvc repro` to train it again"
        )
    weight, norm = (array.astype(np.float64) for array in (origins.weight, origins.norm))
    return VectorFile("the model", words, table[_FIRST:], weight, norm)


def _table(table: np.ndarray, merged: vector_files.Merged) -> np.ndarray:
    """Return the word vectors of the extended model: new and merged ones are as long as the model's."""
    length = np.median(np.linalg.norm(table[_FIRST:], axis=1))
    rows = (length * vector_files.unit(merged.vectors)).astype(np.float32)
    is_kept = ~merged.is_shared[: len(table) - _FIRST]
    rows[: len(is_kept)][is_kept] = table[_FIRST:][is_kept]
    return np.vstack([table[:_FIRST], rows])
