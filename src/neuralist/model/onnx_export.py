"""Export a trained encoder as an ONNX graph; same arrays, same bytes.

Input: the Weights of an encoder, or of each of an ensemble. Output: a graph whose inputs and output are those
of `neuralist.model.encoder`.

An LSTM comes in two forms that share its weights, and a call takes the faster one. For a few windows it is
ONNX's operator. That multiplies the vector of every word of every window by the input weights again. For more
windows it is a Scan over time, for which that product is made once for each word of the vocabulary: both
factors are constant, so ONNX Runtime makes it when it loads the graph, and the file does not grow.
Operators: https://onnx.ai/onnx/operators.
"""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuralist import files

OPSET, IR_VERSION = 18, 8
FEW = 4  # windows up to which ONNX's operator is the faster form
_SHUT = -1e4  # far below any sum of a gate: its sigmoid is 0
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
    _add_shared(graph)
    if len(encoders) == 1:
        width = _add_encoder(graph, encoders[0])
    else:
        for number, weights in enumerate(encoders, start=1):
            width += _add_encoder(graph.scoped(f"encoder{number}/"), weights)
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
    onnx_graph = graph.proto(
        [helper.make_tensor_value_info(name, *of_input) for name, of_input in inputs.items()],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["songs", width])],
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
    """Collects the nodes of a graph, or of a graph inside of one, such as a branch of If.

    Names are put behind the scope's; a name that a scope does not define is that of the one around it. All
    constants are stored in the outermost graph.
    """

    def __init__(self, scope: str = "", around: "_Graph | None" = None) -> None:
        self.nodes: list[Any] = []
        # All constants, by name and content.
        self.constants: dict[tuple[str, tuple[int, ...], bytes], Any] = around.constants if around else {}
        self._scope, self._around = scope, around
        self._names: dict[str, str] = {}  # what the scope defines: name to whole name

    def scoped(self, scope: str) -> "_Graph":
        """Return a scope of the same graph."""
        inner = self.inside(scope)
        inner.nodes = self.nodes
        return inner

    def inside(self, scope: str) -> "_Graph":
        """Return a graph inside of this one."""
        return _Graph(self._scope + scope, self)

    def add(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> None:
        """Add a node."""
        from onnx import helper

        from_ = [self.name(name) for name in inputs]
        to = [self.define(name) for name in outputs]
        self.nodes.append(helper.make_node(operator, from_, to, **attributes))

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store a constant, unless one of that name has the same value already; returns the name."""
        from onnx import numpy_helper

        tensor = numpy_helper.from_array(np.ascontiguousarray(value), self._scope + name)
        key = name, value.shape, hashlib.sha256(tensor.raw_data).digest()
        self._names[name] = self.constants.setdefault(key, tensor).name
        return name

    def axis(self, number: int) -> str:
        """Return the constant with the number of an axis."""
        return self.constant(f"axis{number}", np.array([number], dtype=np.int64))

    def define(self, name: str) -> str:
        """Return the whole name of a value that is defined here."""
        self._names[name] = self._scope + name
        return self._names[name]

    def name(self, name: str) -> str:
        """Return the whole name of a value, defined here or around this."""
        if name in self._names:
            return self._names[name]
        return name if self._around is None else self._around.name(name)  # the graph's inputs are as they are

    def proto(self, inputs: list[Any], outputs: list[Any]) -> Any:
        """Return the graph as ONNX has it."""
        from onnx import helper

        constants = list(self.constants.values()) if self._around is None else []
        return helper.make_graph(self.nodes, self._scope or "encoder", inputs, outputs, initializer=constants)

    def values(self, names: Sequence[str]) -> list[Any]:
        """Return the types of float values, whose shapes ONNX infers."""
        from onnx import TensorProto, helper

        return [helper.make_tensor_value_info(self.name(name), TensorProto.FLOAT, None) for name in names]


def _add_shared(graph: _Graph) -> None:
    """Add what all encoders and directions use of the windows."""
    graph.add("Transpose", ["tokens"], "tokens_by_time", perm=[1, 0])
    graph.add("Cast", ["lengths"], "long_lengths", to=7)  # INT64
    graph.add("ReverseSequence", ["tokens_by_time", "long_lengths"], "reversed_tokens")
    graph.add("Cast", ["tokens_by_time"], "is_word", to=9)  # BOOL
    graph.add("Unsqueeze", ["is_word", graph.axis(2)], "present")
    graph.add("Not", ["present"], "absent")
    graph.add("Cast", ["absent"], "padding", to=1)  # FLOAT
    graph.add("Cast", ["lengths"], "counts", to=1)  # FLOAT
    # A window that fills up a batch is empty.
    graph.add("Max", ["counts", graph.constant("one", np.array(1, dtype=np.float32))], "divisors")
    graph.add("Unsqueeze", ["divisors", graph.axis(1)], "n_words")
    graph.add("Shape", ["lengths"], "n_windows")
    few = graph.constant("few", np.array([FEW], dtype=np.int64))
    graph.add("LessOrEqual", ["n_windows", few], "is_few")


def _add_encoder(graph: _Graph, weights: Weights) -> int:
    """Add `embeddings` of an encoder, from the inputs; returns their width."""
    graph.constant("vectors", weights.vectors)
    kinds = weights.pooling.split("_")
    forward = graph.scoped("forward/")
    _add_direction(forward, weights.lstm, "forward", kinds)
    pooled = [[forward.name(kind)] for kind in kinds]
    if weights.backward is not None:
        backward = graph.scoped("backward/")
        _add_direction(backward, weights.backward, "reverse", kinds)
        for names, kind in zip(pooled, kinds, strict=True):
            names.append(backward.name(kind))
    graph.add("Concat", list(itertools.chain.from_iterable(pooled)), "pooled", axis=-1)
    graph.add("MatMul", ["average", "pooled"], "song")
    width = _add_song(graph, weights)
    if weights.scale is not None:
        graph.add("Mul", ["unscaled", graph.constant("scale", weights.scale)], "embeddings")
    return width


def _add_direction(graph: _Graph, lstm: LSTM, direction: str, kinds: Sequence[str]) -> None:
    """Add an LSTM's states over each window, pooled as layers.Pooling does: `last`, `mean`, `max`."""
    units = len(lstm.recurrent)
    graph.constant("W", _onnx_gates(lstm.kernel))
    graph.constant("R", _onnx_gates(lstm.recurrent))
    # ONNX adds an input and a recurrent bias; Keras has one.
    graph.constant("B", np.pad(_onnx_gates(lstm.bias[None, :])[..., 0], ((0, 0), (0, 4 * units))))
    for name in "WRB":
        graph.add("Squeeze", [name, graph.axis(0)], f"{name}_matrix")
    graph.add("Split", ["B_matrix"], "bias", "no_bias", num_outputs=2)
    graph.add("Gemm", ["vectors", "W_matrix", "bias"], "products", transB=1)
    # Padding shuts the gates i, o and f, so that states stay 0.
    shut = np.repeat(np.array([_SHUT, 0], dtype=np.float32), [3 * units, units])[None]
    of_padding = [graph.constant("first", np.array([[0]], dtype=np.int64)), graph.constant("shut", shut)]
    graph.add("ScatterND", ["products", *of_padding], "table")
    operator = _operator(graph.inside("operator/"), units, direction, kinds)
    scan = _scan(graph.inside("scan/"), units, direction, kinds)
    graph.add("If", ["is_few"], *kinds, then_branch=operator, else_branch=scan)


def _operator(graph: _Graph, units: int, direction: str, kinds: Sequence[str]) -> Any:
    """Return a graph of the states, pooled, by ONNX's LSTM."""
    graph.add("Gather", ["vectors", "tokens_by_time"], "entered", axis=0)
    inputs = ["entered", "W", "R", "B", "lengths"]
    graph.add("LSTM", inputs, "of_one", "last_of_one", hidden_size=units, direction=direction)
    graph.add("Squeeze", ["last_of_one", graph.axis(0)], "last")
    if kinds != ["last"]:
        graph.add("Squeeze", ["of_one", graph.axis(1)], "states")
    # States past a text's end may be NaN.
    if "mean" in kinds:
        nothing = graph.constant("nothing", np.array(0, dtype=np.float32))
        graph.add("Where", ["present", "states", nothing], "shown")
        graph.add("ReduceSum", ["shown", graph.axis(0)], "total", keepdims=0)
        graph.add("Div", ["total", "n_words"], "mean")
    if "max" in kinds:
        below = graph.constant("below", np.array(-1, dtype=np.float32))
        graph.add("Where", ["present", "states", below], "bounded")
        graph.add("ReduceMax", ["bounded", graph.axis(0)], "max", keepdims=0)
    return graph.proto([], graph.values(kinds))


def _scan(graph: _Graph, units: int, direction: str, kinds: Sequence[str]) -> Any:
    """Return a graph of the states, pooled, by a Scan over the table, which reads from the last step on.

    So padding, at the end of a text, is read before it.
    """
    from onnx import numpy_helper

    size = graph.constant("units", np.array([units], dtype=np.int64))
    graph.add("Concat", ["n_windows", size], "shape", axis=0)
    starts = {"hidden": 0, "cell": 0}
    if "mean" in kinds:
        starts["total"] = 0
    if "max" in kinds:
        starts["max"] = -1
    for name, start in starts.items():
        value = numpy_helper.from_array(np.array([start], dtype=np.float32))
        graph.add("ConstantOfShape", ["shape"], f"{name}_start", value=value)
    tokens = "reversed_tokens" if direction == "forward" else "tokens_by_time"
    graph.add(
        "Scan",
        [*(f"{name}_start" for name in starts), tokens, "padding"],
        *("last" if name == "hidden" else name for name in starts),
        num_scan_inputs=2,
        scan_input_directions=[1, 1],
        body=_step(graph.inside("step/"), units, list(starts)),
    )
    if "mean" in kinds:
        graph.add("Div", ["total", "n_words"], "mean")
    return graph.proto([], graph.values(kinds))


def _step(graph: _Graph, units: int, states: Sequence[str]) -> Any:
    """Return the graph of a step of an LSTM: from `states`, tokens and what is padding, to the states.

    Args:
        graph: to add to.
        units: size of the states.
        states: hidden and cell, then the total and the maximum of the hidden ones so far, where they count.
    """
    from onnx import TensorProto, helper

    types = dict.fromkeys(states, TensorProto.FLOAT) | {
        "token": TensorProto.INT32,
        "is_padding": TensorProto.FLOAT,
    }
    inputs = [helper.make_tensor_value_info(graph.define(name), kind, None) for name, kind in types.items()]
    graph.add("Gather", ["table", "token"], "products", axis=0)
    graph.add("Gemm", ["hidden", "R_matrix", "products"], "gates", transB=1)
    parts = graph.constant("parts", np.array([3 * units, units]))
    graph.add("Split", ["gates", parts], "iof", "c", axis=1)
    graph.add("Sigmoid", ["iof"], "opened")
    graph.add("Split", ["opened"], "i", "o", "f", axis=1, num_outputs=3)
    graph.add("Tanh", ["c"], "candidate")
    graph.add("Mul", ["f", "cell"], "kept")
    graph.add("Mul", ["i", "candidate"], "added")
    graph.add("Add", ["kept", "added"], "next_cell")
    graph.add("Tanh", ["next_cell"], "bounded")
    graph.add("Mul", ["o", "bounded"], "next_hidden")
    if "total" in states:
        graph.add("Add", ["total", "next_hidden"], "next_total")
    if "max" in states:
        graph.add("Sub", ["next_hidden", "is_padding"], "shown")  # -1 at padding, where the state is 0
        graph.add("Max", ["max", "shown"], "next_max")
    return graph.proto(inputs, graph.values([f"next_{name}" for name in states]))


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
