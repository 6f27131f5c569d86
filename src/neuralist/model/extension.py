"""Add words of further vector files to a trained model, without training it.

Input: a folder of a trained or packed model whose word vectors stayed as they were (vectors: frozen), and
files of the same space. Output: a copy of the folder whose encoder knows the files' words too: a word of both
gets the mean of its vectors, as if the files had been merged before (`text.vector_files`), and the LSTM
reads the new vectors by the weights that it has. What depends on a catalogue is not written anew:
`serving.package`.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import files
from neuralist.config import records
from neuralist.config.records import Coverage, ExperimentRecord
from neuralist.model import representatives, word_table
from neuralist.model.averaged_vectors import AveragedVectors
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
    """Write a copy of a model's folder, whole or not at all, whose encoder knows the words of further files.

    Args:
        folder: of the model.
        paths: the files.
        out: the folder to write, which does not exist.
        align: whether files of another space are turned into the model's.

    Raises:
        ValueError: the model reads characters, has trained its vectors, is of an earlier format, or its
            folder is damaged; a file is unusable, of another space, given twice, or was added before; `out`
            exists.
    """
    if out.exists():
        raise ValueError(f"{out}: exists already; name a folder that does not")
    experiment = _extendable(folder, [path.name for path in paths])
    table = word_table.read(folder / GRAPH)
    model = _as_file(folder, table)
    checked = [vector_files.in_one_space(model, vector_files.read(path), align=align) for path in paths]
    added, spaces = [file for file, _ in checked], tuple(note for _, note in checked)
    known = set(model.words)
    for file in added:
        if known.issuperset(file.words):
            raise ValueError(
                f"{file.name}: the model knows all of its {len(file.words):,} words; leave it out, for it "
                "adds none"
            )
    merged = vector_files.merge([model, *added])
    own = np.zeros(len(merged.words))
    own[: len(model.words)] = word_vectors.load_origins(folder).own
    origins = merged.origins(own * merged.shares[:, 0])
    coverage = _coverage(experiment.coverage, added, spaces, len(merged.words))
    words = word_vectors.WordVectors(Vocabulary(merged.words), _table(table, merged), coverage, origins)
    with files.temporary_folder(out.parent, files.UNFINISHED) as unfinished:
        made = unfinished / out.name
        shutil.copytree(folder, made, ignore=shutil.ignore_patterns("model.keras", "seed-*", "history.csv"))
        word_table.write(folder / GRAPH, words.matrix, made / GRAPH, quantise=True)
        words.save_words(made)
        squares = word_table.read_constant(folder / GRAPH, "squares_table")
        if squares is not None:
            of_words = np.zeros(len(words.matrix), dtype=np.float32)
            of_words[: len(squares)] = squares[:, 0]
            representatives.find(words.matrix, of_words, origins).save(made)
        if experiment.params.averaged_vectors:
            averages = AveragedVectors.load(folder, len(table))
            averages.of_words(words.matrix, origins.weight).save(made)
        records.save(experiment.model_copy(update={"coverage": coverage}), made / "experiment.json")
        made.rename(out)
    n_merged = int(np.count_nonzero(merged.is_shared[: len(model.words)]))
    names = tuple(file.name for file in added)
    return Extension(names, len(merged.words) - len(model.words), n_merged, spaces)


def _extendable(folder: Path, names: Sequence[str]) -> ExperimentRecord:
    """Return what a model's folder says of its training.

    Raises:
        ValueError: the model cannot be extended by files of these names.
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
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(
            f"{', '.join(twice)}: the name of two files; give each file once, or rename one of the two"
        )
    before = experiment.coverage.source.split(" + ")
    if known := [name for name in names if name in before]:
        raise ValueError(
            f"{folder}: knows the words of {', '.join(known)} already; leave that file out, or rename "
            "another file of that name"
        )
    return experiment


def _coverage(before: Coverage, added: Sequence[VectorFile], spaces: Sequence[str], n_words: int) -> Coverage:
    """Return where the words of the extended model are from, and what cuts them."""
    found = (word_vectors.segmenter_for("auto", file.words) for file in added)
    is_new = before.segmenter is None and any(name is not None for name in found)
    return before.model_copy(
        update=(word_vectors.cut_by("icu") if is_new else {})
        | {
            "source": " + ".join([before.source, *(file.name for file in added)]),
            "words": n_words,
            "spaces": (*(before.spaces or ()), *spaces),
        }
    )


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
