"""The word vectors inside an exported graph: read, replaced, and stored in fewer bytes.

ONNX Runtime does not give a graph's constants, so these functions read the file by ONNX (0.3 s to import).
Quantised, each vector is stored as int8 numbers and a scale: a quarter of the bytes. The graph multiplies
them when it is loaded. What that costs is in docs/results/across_languages.md.
"""

from pathlib import Path
from typing import Any

import numpy as np

from neuralist import files

NAME = "vectors"  # of the constant, behind the name of its encoder in a graph of several
_NUMBERS, _SCALES, _FLOAT = "_int8", "_scale", "_float"
_LARGEST = 127  # of int8


def read(graph: Path) -> np.ndarray:
    """Return the word vectors of a graph, float32 (n_tokens, dimensions).

    Raises:
        ValueError: it is missing or damaged, or has a table for each of several encoders.
    """
    constants = _constants(_load(graph))
    return _vectors(constants, _name(graph, constants))


def names(graph: Path) -> list[str]:
    """Return the names of a graph's tables: of an ensemble that trained them, one for each encoder."""
    return _names(_constants(_load(graph)))


def read_constant(graph: Path, name: str) -> np.ndarray | None:
    """Return a constant of a graph, of several encoders that of the first; None without such a one."""
    named = (array for key, array in _constants(_load(graph)).items() if key.rpartition("/")[2] == name)
    return next(named, None)


def write(graph: Path, vectors: np.ndarray, out: Path, *, quantise: bool) -> None:
    """Write a graph with other word vectors, float32 (n_tokens, dimensions).

    Args:
        graph: to read.
        vectors: to put in place of the graph's own.
        out: the file to write.
        quantise: whether to store them as int8.

    Raises:
        ValueError: see `read`.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = _load(graph)
    name = _name(graph, _constants(model))
    own = {name, name + _NUMBERS, name + _SCALES}
    others = [tensor for tensor in model.graph.initializer if tensor.name not in own]
    nodes = [node for node in model.graph.node if not {name, name + _FLOAT} & set(node.output)]
    stored = {name: vectors}
    if quantise:
        numbers, scales = quantised(vectors)
        stored = {name + _NUMBERS: numbers, name + _SCALES: scales}
        nodes = [
            helper.make_node("Cast", [name + _NUMBERS], [name + _FLOAT], to=TensorProto.FLOAT),
            helper.make_node("Mul", [name + _FLOAT, name + _SCALES], [name]),
            *nodes,
        ]
    tensors = [numpy_helper.from_array(array, key) for key, array in stored.items()]
    for field, values in ((model.graph.node, nodes), (model.graph.initializer, [*tensors, *others])):
        del field[:]
        field.extend(values)
    onnx.checker.check_model(model)
    with files.unfinished(out) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def quantised(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors as int8 (n, dimensions) and scales float32 (n, 1), whose product is nearest to them."""
    scales = (np.abs(vectors).max(axis=1, keepdims=True) / _LARGEST).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(vectors / scales).astype(np.int8), scales


def _load(graph: Path) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # ONNX's own dependency

    try:
        model = onnx.load(str(graph))
    except (DecodeError, OSError) as error:
        raise ValueError(_no_graph(graph, str(error))) from error
    if not model.graph.node:
        raise ValueError(_no_graph(graph, "it is empty"))
    return model


def _no_graph(graph: Path, reason: str) -> str:
    return f"{graph}: no graph of an encoder ({reason}); run `dvc repro` to train it again"


def _constants(model: Any) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _name(graph: Path, constants: dict[str, np.ndarray]) -> str:
    names = _names(constants)
    if len(names) != 1:
        raise ValueError(
            f"{graph}: holds {len(names)} tables of word vectors, since they were trained with its encoders; "
            "name a model with vectors: frozen"
        )
    return names[0]


def _names(constants: dict[str, np.ndarray]) -> list[str]:
    stems = {name.removesuffix(_NUMBERS) for name in constants}
    return sorted(stem for stem in stems if stem.rpartition("/")[2] == NAME)


def _vectors(constants: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name in constants:
        return constants[name]
    return constants[name + _NUMBERS].astype(np.float32) * constants[name + _SCALES]
