"""The trained encoder as an ONNX graph with the real LSTM operator, run by ONNX Runtime after training.

Input: tokens int32 (n_texts, n_steps), 0 = padding, and lengths int32 (n_texts,); output: embeddings
float32 (n_texts, units * directions). A text is a song, or a window of a long one, whose embedding is then
the mean of its windows'. Operators: https://onnx.ai/onnx/operators.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuralist import tables
from neuralist.tokens import PADDING, Reads, Vocabulary

OPSET, IR_VERSION = 18, 8
TEXTS_A_CALL = 64


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
    attention: Sequence[np.ndarray] = ()  # (width, width), (width,), (width, 1); see model.Pooling


class Reading(NamedTuple):
    """What an encoder made of texts, in their order."""

    embeddings: np.ndarray  # float32 (n_texts, units * directions)
    n_tokens: np.ndarray  # int64 (n_texts,), tokens read, cut ones left out


def export(weights: Weights, path: Path) -> None:
    """Write the encoder as an ONNX graph; the same weights give the same bytes."""
    import onnx  # only training exports; reading needs ONNX Runtime alone
    from onnx import TensorProto, helper

    graph = _Graph()
    graph.constant("vectors", weights.vectors)
    graph.add("Gather", ["vectors", "tokens"], "embedded", axis=0)
    graph.add("Transpose", ["embedded"], "states", perm=[1, 0, 2])
    for index, layer in enumerate(weights.layers):
        _add_lstm(graph, layer, index)
    _add_pooling(graph, weights)
    directions, units, _ = weights.layers[-1].recurrent.shape
    made = helper.make_graph(
        graph.nodes,
        "encoder",
        inputs=[
            helper.make_tensor_value_info("tokens", TensorProto.INT32, ["texts", "steps"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
        ],
        outputs=[
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["texts", directions * units])
        ],
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
    """Make `embeddings` of the last layer's states, as model.Pooling does."""
    top = len(weights.layers) - 1
    directions, units, _ = weights.layers[-1].recurrent.shape
    if weights.pooling == "last":
        width = graph.constant("width", np.array([-1, directions * units], dtype=np.int64))
        graph.add("Transpose", [f"last{top}"], "last", perm=[1, 0, 2])
        graph.add("Reshape", ["last", width], "embeddings")
        return
    time = graph.constant("time", np.array([0], dtype=np.int64))
    graph.add("Transpose", ["tokens"], "tokens_by_time", perm=[1, 0])
    graph.add("Cast", ["tokens_by_time"], "word", to=9)  # BOOL
    graph.add("Unsqueeze", ["word", graph.constant("inner", np.array([2], dtype=np.int64))], "present")
    states = f"states{top}"
    if weights.pooling == "max":
        below = graph.constant("below", np.array(-1, dtype=np.float32))
        graph.add("Where", ["present", states, below], "shown")
        graph.add("ReduceMax", ["shown", time], "embeddings", keepdims=0)
        return
    nothing = graph.constant("nothing", np.array(0, dtype=np.float32))
    if weights.pooling == "attention":
        kernel, bias, context = (
            graph.constant(name, array)
            for name, array in zip(("kernel", "bias", "context"), weights.attention, strict=True)
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
        graph.add("ReduceSum", ["ones", time], "counts", keepdims=1)
        graph.add("Div", ["ones", "counts"], "shares")
    # Past its end a text has states of no meaning, which a share of 0 need not silence.
    graph.add("Where", ["present", states, nothing], "shown")
    graph.add("Mul", ["shown", "shares"], "weighted")
    graph.add("ReduceSum", ["weighted", time], "embeddings", keepdims=0)


def _onnx_gates(keras_kernel: np.ndarray, directions: int) -> np.ndarray:
    """Reorder (rows, directions * 4 * units) of i, f, c, o to (directions, 4 * units, rows) of i, o, f, c."""
    parts = []
    for one in np.split(keras_kernel, directions, axis=1):
        i, f, c, o = np.split(one, 4, axis=1)
        parts.append(np.concatenate([i, o, f, c], axis=1).T)
    return np.stack(parts).astype(np.float32)


class Encoder:
    """Texts to embeddings, with an experiment's exported graph and vocabulary."""

    def __init__(self, graph: Path, vocabulary: Vocabulary, reads: Reads, similarity_kind: str) -> None:
        import onnxruntime  # 0.2 s that exporting need not pay
        from onnxruntime.capi import onnxruntime_pybind11_state as state  # pyright: ignore

        self.vocabulary, self.reads, self.similarity_kind = vocabulary, reads, similarity_kind
        options = onnxruntime.SessionOptions()
        # Threads that spin between calls win nothing when idle, and on a busy machine the slowest calls take
        # three to five times as long.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented) as error:
            raise ValueError(
                f"{graph}: no graph that ONNX Runtime can run ({error}); run `dvc repro` to train it again"
            ) from error

    @classmethod
    def load(cls, folder: Path) -> "Encoder":
        """Read a trained experiment's folder: encoder.onnx, vocabulary.txt and experiment.json.

        Raises:
            ValueError: a file of the folder is missing.
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
        settings = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))["params"]
        # Folders of version 0.1.0 do not name what was the only way then.
        tokens, long_text = settings.get("tokens", "word"), settings.get("long_text", "head")
        reads = Reads(tokens, settings["max_words"], long_text)
        vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        return cls(folder / "encoder.onnx", vocabulary, reads, settings["similarity"])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32 (n_texts, units * directions), in the order given; see `read`."""
        return self.read(texts).embeddings

    def read(self, texts: Sequence[str]) -> Reading:
        """Embed texts, and count the tokens read of each.

        Raises:
            ValueError: a text holds no word.
        """
        windows = self.vocabulary.windows(texts, self.reads)
        lengths = np.count_nonzero(windows.ids != PADDING, axis=1).astype(np.int32)
        starts = windows.starts[:-1]
        n_tokens = np.add.reduceat(lengths, starts, dtype=np.int64) if len(texts) else lengths
        if not n_tokens.all():
            raise ValueError(
                f"text {int(np.argmin(n_tokens)) + 1} of {len(texts)} holds no word; give texts with words"
            )
        embeddings = self.encode_ids(windows.ids, lengths)
        if len(embeddings) > len(texts):
            embeddings = np.add.reduceat(embeddings, starts) / np.diff(windows.starts)[:, None]
        return Reading(embeddings.astype(np.float32, copy=False), n_tokens)

    def encode_ids(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Embed token ids int32 (n_texts, n_steps) of the given lengths, each at least 1."""
        by_length = np.argsort(lengths, kind="stable")
        parts = [by_length[start : start + TEXTS_A_CALL] for start in range(0, len(ids), TEXTS_A_CALL)]
        width = self._session.get_outputs()[0].shape[1]
        embeddings = np.empty((len(ids), width), dtype=np.float32)
        for part in parts:
            feed = {"tokens": ids[part, : lengths[part].max()], "lengths": lengths[part]}
            embeddings[part] = np.asarray(self._session.run(["embeddings"], feed)[0])
        return embeddings


def similarity(left: np.ndarray, right: np.ndarray, kind: str) -> np.ndarray:
    """Similarity in [0, 1], float64 (n_pairs,), of embeddings (n_pairs, units); see `model.PairSimilarity`.

    Raises:
        ValueError: `kind` is not manhattan, euclidean or cosine.
    """
    left, right = left.astype(np.float64), right.astype(np.float64)
    if kind == "manhattan":
        return np.exp(-np.abs(left - right).sum(axis=1))
    lengths = np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1)
    if kind == "euclidean":
        total = np.maximum(lengths[0] + lengths[1], np.finfo(np.float64).tiny)
        return 1 - np.linalg.norm(left - right, axis=1) / total
    if kind == "cosine":
        product = np.maximum(lengths[0] * lengths[1], np.finfo(np.float64).tiny)
        return np.clip((1 + (left * right).sum(axis=1) / product) / 2, 0, 1)
    raise ValueError(f"similarity: received {kind!r}; choose manhattan, euclidean or cosine")
