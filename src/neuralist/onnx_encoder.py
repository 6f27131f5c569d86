"""The trained encoder as an ONNX graph with the real LSTM operator, run by ONNX Runtime after training.

Input: tokens int32 (n_songs, n_words), 0 = padding, and lengths int32 (n_songs,); output: embeddings
float32 (n_songs, units). Operator set: https://onnx.ai/onnx/operators (Gather, Transpose, LSTM, Squeeze).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuralist import tables
from neuralist.tokens import PADDING, Vocabulary

OPSET, IR_VERSION = 17, 8
SONGS_A_CALL = 64


class Weights(NamedTuple):
    """The encoder's arrays, float32, gates in Keras' order i, f, c, o."""

    vectors: np.ndarray  # (n_tokens, dimensions)
    kernel: np.ndarray  # (dimensions, 4 * units)
    recurrent: np.ndarray  # (units, 4 * units)
    bias: np.ndarray  # (4 * units,)


def export(weights: Weights, path: Path) -> None:
    """Write the encoder as an ONNX graph; the same weights give the same bytes."""
    import onnx  # only training exports; reading needs ONNX Runtime alone
    from onnx import TensorProto, helper, numpy_helper

    units = weights.recurrent.shape[0]
    bias = _onnx_gates(weights.bias[None, :])[..., 0]
    constants = {
        "vectors": weights.vectors,
        "W": _onnx_gates(weights.kernel),
        "R": _onnx_gates(weights.recurrent),
        # ONNX adds an input and a recurrent bias; Keras has one.
        "B": np.concatenate([bias, np.zeros_like(bias)], axis=1),
        "direction": np.array([0], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["vectors", "tokens"], ["embedded"], axis=0),
        helper.make_node("Transpose", ["embedded"], ["by_time"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["by_time", "W", "R", "B", "lengths"], ["", "last"], hidden_size=units),
        helper.make_node("Squeeze", ["last", "direction"], ["embeddings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        inputs=[
            helper.make_tensor_value_info("tokens", TensorProto.INT32, ["songs", "words"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["songs"]),
        ],
        outputs=[helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["songs", units])],
        initializer=[
            numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="neuralist"
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    with tables.unfinished(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def _onnx_gates(keras_kernel: np.ndarray) -> np.ndarray:
    """Reorder (rows, 4 * units) in gates i, f, c, o to ONNX's (1, 4 * units, rows) in gates i, o, f, c."""
    i, f, c, o = np.split(keras_kernel, 4, axis=1)
    return np.concatenate([i, o, f, c], axis=1).T[None].astype(np.float32)


class Encoder:
    """Texts to embeddings, with an experiment's exported graph and vocabulary."""

    def __init__(self, graph: Path, vocabulary: Vocabulary, max_words: int, similarity_kind: str) -> None:
        import onnxruntime  # 0.2 s that exporting need not pay

        self.vocabulary, self.max_words, self.similarity_kind = vocabulary, max_words, similarity_kind
        self._session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

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
        vocabulary = Vocabulary.load(folder / "vocabulary.txt")
        return cls(folder / "encoder.onnx", vocabulary, settings["max_words"], settings["similarity"])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts: float32 (n_texts, units), in the order given.

        Raises:
            ValueError: a text holds no word.
        """
        ids = self.vocabulary.ids(texts, self.max_words)
        lengths = np.count_nonzero(ids != PADDING, axis=1).astype(np.int32)
        if not lengths.all():
            raise ValueError(
                f"text {int(np.argmin(lengths)) + 1} of {len(texts)} holds no word; give texts with words"
            )
        return self.encode_ids(ids, lengths)

    def encode_ids(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Embed token ids int32 (n_songs, n_words) of the given lengths, each at least 1."""
        by_length = np.argsort(lengths, kind="stable")
        parts = [by_length[start : start + SONGS_A_CALL] for start in range(0, len(ids), SONGS_A_CALL)]
        units = self._session.get_outputs()[0].shape[1]
        embeddings = np.empty((len(ids), units), dtype=np.float32)
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
