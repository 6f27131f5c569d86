"""A trained encoder's arrays to an ONNX graph with the real LSTM operator; same arrays, same bytes.

Input: Weights. Output: a graph whose inputs and output are those of `neuralist.onnx_encoder`.
Operators: https://onnx.ai/onnx/operators.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuralist import tables

OPSET, IR_VERSION = 18, 8


class Layer(NamedTuple):
    """One LSTM layer's arrays, float32, gates in Keras' order i, f, c, o, directions one after the other."""

    kernel: np.ndarray  # (width of the input, directions * 4 * units)
    bias: np.ndarray  # (directions * 4 * units,)
    recurrent: np.ndarray  # (directions, units, 4 * units)


class Weights(NamedTuple):
    """The encoder's arrays, float32; `attention` is empty but for the pooling of that name."""

    vectors: np.ndarray  # (n_tokens, dimensions)
    layers: Sequence[Layer]
    pooling: str = "last"
    attention: Sequence[np.ndarray] = ()  # (width, width), (width,), (width, 1); see layers.Pooling
    length: np.ndarray | None = None  # (2,), mean and deviation; see layers.Length
    telling: tuple[np.ndarray, np.ndarray] | None = (
        None  # (width, n), (n,): kernel and bias; see layers.Telling
    )
    bag: tuple[np.ndarray, np.ndarray] | None = None  # (n_tokens, n), (n_tokens, 1): table and squares


def export(weights: Weights, path: Path) -> None:
    """Write the encoder as an ONNX graph; the same weights give the same bytes."""
    import onnx  # only training exports; reading needs ONNX Runtime alone
    from onnx import TensorProto, helper

    graph = _Graph()
    graph.constant("vectors", weights.vectors)
    # Turning ids before they are looked up moves a hundredth of what turning their vectors would.
    graph.add("Transpose", ["tokens"], "tokens_by_time", perm=[1, 0])
    graph.add("Gather", ["vectors", "tokens_by_time"], "states", axis=0)
    for index, layer in enumerate(weights.layers):
        _add_lstm(graph, layer, index)
    _add_pooling(graph, weights)
    graph.add("MatMul", ["average", "pooled"], "song")
    width = _add_song(graph, weights)
    taken = {
        "tokens": (TensorProto.INT32, ["windows", "steps"]),
        "lengths": (TensorProto.INT32, ["windows"]),
        "average": (TensorProto.FLOAT, ["songs", "windows"]),
        "n_tokens": (TensorProto.FLOAT, ["songs"]),
    }
    if weights.length is None:
        del taken["n_tokens"]
    if weights.bag is not None:
        taken["distinct"] = (TensorProto.INT32, ["songs", "most"])
    made = helper.make_graph(
        graph.nodes,
        "encoder",
        inputs=[helper.make_tensor_value_info(name, *told) for name, told in taken.items()],
        outputs=[helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["songs", width])],
        initializer=graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="neuralist")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    with tables.unfinished(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _add_lstm(graph: _Graph, layer: Layer, index: int) -> None:
    """Replace `states` (steps, texts, width) by those of one more layer; `last` holds the last ones."""
    directions, units, _ = layer.recurrent.shape
    bias = _onnx_gates(layer.bias[None, :], directions)[..., 0]
    names = [
        graph.constant(f"W{index}", _onnx_gates(layer.kernel, directions)),
        graph.constant(f"R{index}", np.concatenate([_onnx_gates(one, 1) for one in layer.recurrent])),
        # ONNX adds an input and a recurrent bias; Keras has one.
        graph.constant(f"B{index}", np.concatenate([bias, np.zeros_like(bias)], axis=1)),
    ]
    entered = "states" if index == 0 else f"states{index - 1}"
    graph.add(
        "LSTM",
        [entered, *names, "lengths"],
        f"by_direction{index}",
        f"last{index}",
        hidden_size=units,
        direction="bidirectional" if directions == 2 else "forward",
    )
    # (steps, directions, texts, units) to (steps, texts, directions * units)
    graph.add("Transpose", [f"by_direction{index}"], f"by_text{index}", perm=[0, 2, 1, 3])
    shape = graph.constant(f"shape{index}", np.array([0, 0, directions * units], dtype=np.int64))
    graph.add("Reshape", [f"by_text{index}", shape], f"states{index}")


def _add_pooling(graph: _Graph, weights: Weights) -> None:
    """Make `pooled` of the last layer's states, as layers.Pooling does."""
    top = len(weights.layers) - 1
    directions, units, _ = weights.layers[-1].recurrent.shape
    if weights.pooling == "last":
        width = graph.constant("width", np.array([-1, directions * units], dtype=np.int64))
        graph.add("Transpose", [f"last{top}"], "last", perm=[1, 0, 2])
        graph.add("Reshape", ["last", width], "pooled")
        return
    graph.constant("time", np.array([0], dtype=np.int64))
    graph.add("Cast", ["tokens_by_time"], "word", to=9)  # BOOL
    graph.add("Unsqueeze", ["word", graph.constant("inner", np.array([2], dtype=np.int64))], "present")
    states = f"states{top}"
    if weights.pooling == "mean_max":
        _add_max(graph, states, "highest")
        _add_mean(graph, weights, states, "mean")
        graph.add("Concat", ["mean", "highest"], "pooled", axis=-1)
    elif weights.pooling == "max":
        _add_max(graph, states, "pooled")
    else:
        _add_mean(graph, weights, states, "pooled")


def _add_max(graph: _Graph, states: str, name: str) -> None:
    below = graph.constant("below", np.array(-1, dtype=np.float32))
    graph.add("Where", ["present", states, below], "bounded")
    graph.add("ReduceMax", ["bounded", "time"], name, keepdims=0)


def _add_mean(graph: _Graph, weights: Weights, states: str, name: str) -> None:
    """A mean whose shares are equal, or those of the attention."""
    if weights.pooling == "attention":
        kernel, bias, context = (
            graph.constant(part, array)
            for part, array in zip(("kernel", "bias", "context"), weights.attention, strict=True)
        )
        graph.add("MatMul", [states, kernel], "turned")
        graph.add("Add", ["turned", bias], "shifted")
        graph.add("Tanh", ["shifted"], "bent")
        graph.add("MatMul", ["bent", context], "scored")
        low = graph.constant("low", np.array(-1e9, dtype=np.float32))
        graph.add("Where", ["present", "scored", low], "scores")
        graph.add("Softmax", ["scores"], "shares", axis=0)
    else:
        graph.add("Cast", ["present"], "ones", to=1)  # FLOAT
        graph.add("ReduceSum", ["ones", "time"], "counts", keepdims=1)
        # A window may be empty: one that fills a batch up.
        graph.add("Max", ["counts", graph.constant("one", np.array(1, dtype=np.float32))], "divisors")
        graph.add("Div", ["ones", "divisors"], "shares")
    # Past its end a text has states of no meaning, which a share of 0 need not silence.
    graph.add("Where", ["present", states, graph.constant("nothing", np.array(0, dtype=np.float32))], "shown")
    graph.add("Mul", ["shown", "shares"], "weighted")
    graph.add("ReduceSum", ["weighted", "time"], name, keepdims=0)


def _add_song(graph: _Graph, weights: Weights) -> int:
    """Make `embeddings` of `song`, what was pooled of it, as the layers of MaLSTM do; returns their width."""
    directions, units, _ = weights.layers[-1].recurrent.shape
    width = directions * units * (2 if weights.pooling == "mean_max" else 1)
    song = "song"
    if weights.length is not None:
        mean, deviation = (graph.constant(f"length{i}", np.array(weights.length[i])) for i in (0, 1))
        graph.add("Log", ["n_tokens"], "logarithm")
        graph.add("Sub", ["logarithm", mean], "centred")
        graph.add("Div", ["centred", deviation], "standardised")
        column = graph.constant("column", np.array([1], dtype=np.int64))
        graph.add("Unsqueeze", ["standardised", column], "length")
        graph.add("Mul", ["song", "length"], "by_length")
        graph.add("Concat", ["song", "by_length", "length"], "long_song", axis=-1)
        song, width = "long_song", 2 * width + 1
    if weights.telling is None:
        graph.add("Identity", [song], "embeddings")
        return width
    kernel, bias = (graph.constant(f"tell{i}", weights.telling[i]) for i in (0, 1))
    graph.add("MatMul", [song, kernel], "told")
    if weights.bag is None:
        graph.add("Add", ["told", bias], "embeddings")
    else:
        graph.add("Add", ["told", bias], "by_lstm")
        graph.add("Add", ["by_lstm", _add_bag(graph, *weights.bag)], "embeddings")
    return len(weights.telling[1])


def _add_bag(graph: _Graph, table: np.ndarray, squares: np.ndarray) -> str:
    """What the distinct words of a song add to its embedding, as layers.BagOfWords does but for the bias."""
    inner = graph.constant("words", np.array([1], dtype=np.int64))
    for name, array in (("bag", table), ("squares", squares)):
        graph.add("Gather", [graph.constant(f"{name}_table", array), "distinct"], f"{name}_of_words", axis=0)
        graph.add("ReduceSum", [f"{name}_of_words", inner], f"{name}_total", keepdims=0)
    least = graph.constant("least_square", np.array(1, dtype=np.float32))
    graph.add("Max", ["squares_total", least], "squares_bounded")
    graph.add("Sqrt", ["squares_bounded"], "bag_length")
    graph.add("Div", ["bag_total", "bag_length"], "by_bag")
    return "by_bag"


def _onnx_gates(keras_kernel: np.ndarray, directions: int) -> np.ndarray:
    """Reorder (rows, directions * 4 * units) of i, f, c, o to (directions, 4 * units, rows) of i, o, f, c."""
    parts = []
    for one in np.split(keras_kernel, directions, axis=1):
        i, f, c, o = np.split(one, 4, axis=1)
        parts.append(np.concatenate([i, o, f, c], axis=1).T)
    return np.stack(parts).astype(np.float32)
