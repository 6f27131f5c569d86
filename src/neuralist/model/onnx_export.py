"""Export a trained encoder as an ONNX graph with the LSTM operator; same arrays, same bytes.

Input: the Weights of an encoder, or of each of an ensemble. Output: a graph whose inputs and output are those
of `neuralist.model.encoder`.
Operators: https://onnx.ai/onnx/operators.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuralist import files

OPSET, IR_VERSION = 18, 8
ENCODERS = "encoders"  # metadata of an ensemble's graph: how many encoders it holds


class LSTM(NamedTuple):
    """The LSTM's arrays, float32, gates in the order i, f, o, c."""

    kernel: np.ndarray  # (dimensions, 4 * units)
    bias: np.ndarray  # (4 * units,)
    recurrent: np.ndarray  # (units, 4 * units)


class Heads(NamedTuple):
    """The arrays of layers.AuxiliaryHeads, float32, times the heads' scales."""

    kernel: np.ndarray  # (width, n)
    bias: np.ndarray  # (n,)


class BagOfWords(NamedTuple):
    """The arrays of layers.BagOfWords but for its bias, float32."""

    table: np.ndarray  # (n_tokens, n)
    squares: np.ndarray  # (n_tokens, 1)


class Weights(NamedTuple):
    """The encoder's arrays, float32."""

    vectors: np.ndarray  # (n_tokens, dimensions)
    lstm: LSTM
    backward: LSTM | None = None  # that reads from the last word to the first
    pooling: str = "last"
    length_features: np.ndarray | None = None  # (2,), mean and deviation; see layers.LengthFeatures
    auxiliary_heads: Heads | None = None
    bag_of_words: BagOfWords | None = None
    scale: np.ndarray | None = None  # (width,), see layers.Scale


def export(encoders: Sequence[Weights], path: Path) -> None:
    """Write encoders as one ONNX graph, whose embeddings are theirs, one after the other.

    Equal arrays of several encoders, such as word vectors that are not trained, are stored once.
    """
    import onnx  # only training exports; reading needs ONNX Runtime alone
    from onnx import TensorProto, helper

    graph, width = _Graph(), 0
    # Transposing ids rather than their vectors moves a hundredth of the data.
    graph.add("Transpose", ["tokens"], "tokens_by_time", perm=[1, 0])
    if len(encoders) == 1:
        width = _add_encoder(graph, encoders[0])
    else:
        for number, weights in enumerate(encoders, start=1):
            graph.scope = f"encoder{number}/"
            width += _add_encoder(graph, weights)
        graph.scope = ""
        names = [f"encoder{number}/embeddings" for number in range(1, len(encoders) + 1)]
        graph.add("Concat", names, "embeddings", axis=-1)
    inputs = {
        "tokens": (TensorProto.INT32, ["windows", "steps"]),
        "lengths": (TensorProto.INT32, ["windows"]),
        "average": (TensorProto.FLOAT, ["songs", "windows"]),
    }
    if encoders[0].length_features is not None:
        inputs["n_tokens"] = TensorProto.FLOAT, ["songs"]
    if encoders[0].bag_of_words is not None:
        inputs["distinct"] = TensorProto.INT32, ["songs", "most"]
    onnx_graph = helper.make_graph(
        graph.nodes,
        "encoder",
        inputs=[helper.make_tensor_value_info(name, *of_input) for name, of_input in inputs.items()],
        outputs=[helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["songs", width])],
        initializer=graph.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(onnx_graph, opset_imports=[opset], producer_name="neuralist")
    model.ir_version = IR_VERSION
    if len(encoders) > 1:
        helper.set_model_props(model, {ENCODERS: str(len(encoders))})
    onnx.checker.check_model(model)
    with files.unfinished(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Collects the nodes and constants of a graph.

    Attributes:
        scope: is put before the names that are added, but for those of SHARED.
    """

    SHARED = ("tokens", "lengths", "average", "n_tokens", "distinct", "tokens_by_time")

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.scope = ""
        self._stored: dict[tuple[str, tuple[int, ...], bytes], str] = {}  # by name in the scope, and content
        self._names: dict[str, str] = {}  # of constants: in its scope, and as it is stored

    def add(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> None:
        from onnx import helper

        from_, to = ([self._name(name) for name in names] for names in (inputs, outputs))
        self.nodes.append(helper.make_node(operator, from_, to, **attributes))

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store a constant, unless one of that name has the same value already; returns the name."""
        from onnx import numpy_helper

        tensor = numpy_helper.from_array(np.ascontiguousarray(value), self.scope + name)
        key = name, value.shape, hashlib.sha256(tensor.raw_data).digest()
        if key not in self._stored:
            self.constants.append(tensor)
            self._stored[key] = tensor.name
        self._names[self.scope + name] = self._stored[key]
        return name

    def axis(self, number: int) -> str:
        """Return the constant with the number of an axis."""
        return self.constant(f"axis{number}", np.array([number], dtype=np.int64))

    def _name(self, name: str) -> str:
        if name in self.SHARED or "/" in name:
            return name
        return self._names.get(self.scope + name, self.scope + name)


def _add_encoder(graph: _Graph, weights: Weights) -> int:
    """Add `embeddings` of an encoder, from the inputs; returns their width."""
    graph.constant("vectors", weights.vectors)
    graph.add("Gather", ["vectors", "tokens_by_time"], "entered", axis=0)
    _add_lstm(graph, [weights.lstm] if weights.backward is None else [weights.lstm, weights.backward])
    graph.add("MatMul", ["average", _add_pooling(graph, weights)], "song")
    width = _add_song(graph, weights)
    if weights.scale is not None:
        graph.add("Mul", ["unscaled", graph.constant("scale", weights.scale)], "embeddings")
    return width


def _add_lstm(graph: _Graph, directions: list[LSTM]) -> None:
    """Add `states` (steps, texts, width) and `last` (texts, width), from `entered`, word vectors by step.

    Of two directions the width is twice the units, and ONNX has the states of both in the text's order.
    """
    units = len(directions[0].recurrent)
    # ONNX adds an input and a recurrent bias; Keras has one.
    biases = [_onnx_gates(lstm.bias[None, :])[..., 0] for lstm in directions]
    names = [
        graph.constant("W", np.concatenate([_onnx_gates(lstm.kernel) for lstm in directions])),
        graph.constant("R", np.concatenate([_onnx_gates(lstm.recurrent) for lstm in directions])),
        graph.constant("B", np.pad(np.concatenate(biases), ((0, 0), (0, 4 * units)))),
    ]
    inputs, states, last = ["entered", *names, "lengths"], "by_direction", "last_by_direction"
    if len(directions) == 1:
        # Both outputs have an axis of directions, of size 1.
        graph.add("LSTM", inputs, states, last, hidden_size=units)
        graph.add("Squeeze", [states, graph.axis(1)], "states")
        graph.add("Squeeze", [last, graph.axis(0)], "last")
        return
    graph.add("LSTM", inputs, states, last, hidden_size=units, direction="bidirectional")
    for output, name, order in ((states, "states", [0, 2, 1, 3]), (last, "last", [1, 0, 2])):
        # Directions come next to units, and the two axes are joined.
        graph.add("Transpose", [output], f"{name}_apart", perm=order)
        shape = np.array([*[0] * (len(order) - 2), 2 * units])  # 0: as it is
        graph.add("Reshape", [f"{name}_apart", graph.constant(f"{name}_shape", shape)], name)


def _add_pooling(graph: _Graph, weights: Weights) -> str:
    """Add the pooling of layers.Pooling; returns the name of its output."""
    parts = weights.pooling.split("_")
    if parts == ["last"]:
        return "last"
    graph.add("Cast", ["tokens_by_time"], "word", to=9)  # BOOL
    graph.add("Unsqueeze", ["word", graph.axis(2)], "present")
    if "mean" in parts:
        graph.add("Cast", ["present"], "ones", to=1)  # FLOAT
        graph.add("ReduceSum", ["ones", graph.axis(0)], "counts", keepdims=1)
        # A window that fills up a batch is empty.
        graph.add("Max", ["counts", graph.constant("one", np.array(1, dtype=np.float32))], "divisors")
        graph.add("Div", ["ones", "divisors"], "shares")
        # States past a text's end may be NaN, which times 0 is NaN.
        nothing = graph.constant("nothing", np.array(0, dtype=np.float32))
        graph.add("Where", ["present", "states", nothing], "shown")
        graph.add("Mul", ["shown", "shares"], "weighted")
        graph.add("ReduceSum", ["weighted", graph.axis(0)], "mean", keepdims=0)
    if "max" in parts:
        below = graph.constant("below", np.array(-1, dtype=np.float32))
        graph.add("Where", ["present", "states", below], "bounded")
        graph.add("ReduceMax", ["bounded", graph.axis(0)], "highest", keepdims=0)
    names = ["highest" if part == "max" else part for part in parts]
    if len(names) == 1:
        return names[0]
    graph.add("Concat", names, weights.pooling, axis=-1)
    return weights.pooling


def _add_song(graph: _Graph, weights: Weights) -> int:
    """Add `embeddings`, or `unscaled` ones, from the pooled `song`, as the layers do; returns their width."""
    directions = 1 if weights.backward is None else 2
    width = len(weights.lstm.recurrent) * directions * len(weights.pooling.split("_"))
    song, output = "song", "embeddings" if weights.scale is None else "unscaled"
    if weights.length_features is not None:
        mean, deviation = (graph.constant(f"length{i}", np.array(weights.length_features[i])) for i in (0, 1))
        graph.add("Log", ["n_tokens"], "logarithm")
        graph.add("Sub", ["logarithm", mean], "centred")
        graph.add("Div", ["centred", deviation], "standardised")
        graph.add("Unsqueeze", ["standardised", graph.axis(1)], "length")
        graph.add("Mul", ["song", "length"], "by_length")
        graph.add("Concat", ["song", "by_length", "length"], "long_song", axis=-1)
        song, width = "long_song", 2 * width + 1
    if weights.auxiliary_heads is None:
        graph.add("Identity", [song], output)
        return width
    kernel = graph.constant("tell0", weights.auxiliary_heads.kernel)
    bias = graph.constant("tell1", weights.auxiliary_heads.bias)
    graph.add("MatMul", [song, kernel], "told")
    graph.add("Add", ["told", bias], output if weights.bag_of_words is None else "by_lstm")
    if weights.bag_of_words is not None:
        graph.add("Add", ["by_lstm", _add_bag(graph, weights.bag_of_words)], output)
    return len(weights.auxiliary_heads.bias)


def _add_bag(graph: _Graph, bag: BagOfWords) -> str:
    """Add layers.BagOfWords without its bias; returns the name of its output."""
    for name, array in (("bag", bag.table), ("squares", bag.squares)):
        graph.add("Gather", [graph.constant(f"{name}_table", array), "distinct"], f"{name}_of_words", axis=0)
        graph.add("ReduceSum", [f"{name}_of_words", graph.axis(1)], f"{name}_total", keepdims=0)
    minimum = graph.constant("least_square", np.array(1, dtype=np.float32))
    graph.add("Max", ["squares_total", minimum], "squares_bounded")
    graph.add("Sqrt", ["squares_bounded"], "bag_length")
    graph.add("Div", ["bag_total", "bag_length"], "by_bag")
    return "by_bag"


def _onnx_gates(kernel: np.ndarray) -> np.ndarray:
    """Reorder (rows, 4 * units) of i, f, o, c to (1, 4 * units, rows) of i, o, f, c."""
    i, f, o, c = np.split(kernel, 4, axis=1)
    return np.concatenate([i, o, f, c], axis=1).T[None].astype(np.float32)
