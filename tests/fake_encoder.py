"""The one encoder of the tests, whose answers are known by hand: it remembers only the last token it reads.

Input, cell and output gates of its LSTM stay open, the forget gate shut, so that the embedding of a text is
tanh(tanh(x)) of its last token's vector x. Each x is chosen for the embedding that is given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neuralist.model import onnx_export
from neuralist.text.vocabulary import Vocabulary


def write(folder: Path, embeddings: Mapping[str, Sequence[float]], unknown: Sequence[float]) -> None:
    """Write encoder.onnx and vocabulary.txt.

    Args:
        folder: made where it is missing.
        embeddings: of each word, units of them, in (-tanh(1), tanh(1)).
        unknown: of any other word.
    """
    folder.mkdir(parents=True, exist_ok=True)
    units = len(unknown)
    of_tokens = np.array([np.zeros(units), unknown, *embeddings.values()])  # padding first
    input_gate, forget_gate, output_gate, cell = 30.0, -30.0, 30.0, 0.0
    lstm = onnx_export.LSTM(
        kernel=np.hstack([np.zeros((units, 3 * units)), np.eye(units)]).astype(np.float32),
        bias=np.repeat([input_gate, forget_gate, output_gate, cell], units).astype(np.float32),
        recurrent=np.zeros((units, 4 * units), dtype=np.float32),
    )
    vectors = np.arctanh(np.arctanh(of_tokens)).astype(np.float32)
    onnx_export.export([onnx_export.Weights(vectors, lstm)], folder / "encoder.onnx")
    Vocabulary(embeddings).save(folder / "vocabulary.txt")
