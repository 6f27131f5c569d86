"""What the words of further languages cost: a `lyrics` encoder of 23,000 words, and of 85,000.

Untrained weights, vectors of 300 numbers, 100 units and a bag of words of the first 23,000; the larger model
is what the vectors of four languages make of one of the Million Song subset. Each figure is of a process of
its own, which loads the encoder and compares two songs of 300 words.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import made
from benchmarks.encoding import DIMENSIONS, HEADS
from benchmarks.figures import Figure, Peer
from neuralist.model import onnx_export, word_table
from neuralist.model.onnx_export import LSTM, BagOfWords, Heads, Weights
from neuralist.text.vocabulary import Vocabulary

ROUNDS, WORDS, CALLS = 5, 85_000, 50
_CHILD = """
import json, sys, time
from pathlib import Path
import numpy as np
from benchmarks import made
from neuralist.model.encoder import Encoder
from neuralist.model.similarity import Similarity
from neuralist.text.tokenizer import TokenWindowing
from neuralist.text.vocabulary import Vocabulary
folder, calls = Path(sys.argv[1]), int(sys.argv[2])
songs = made.songs(made.words(), 2)
began = time.perf_counter()
vocabulary = Vocabulary.load(folder.parent / sys.argv[3])
read = TokenWindowing("word", 420, "head", 60)
encoder = Encoder(folder, vocabulary, read, Similarity("manhattan"))
encoder.encode(songs)
loaded = time.perf_counter() - began
times = []
for _ in range(calls):
    began = time.perf_counter()
    encoder.encode(songs)
    times.append(time.perf_counter() - began)
# Not ru_maxrss, which a process has from the one that started it.
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
memory = int(peak.split()[1]) / 1024
print(json.dumps([loaded, memory, 1000 * float(np.median(times))]))
"""


def measure(options: argparse.Namespace) -> Iterator[Figure]:
    """Size, seconds to load, memory and time of a request."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        graphs = {
            name: folder / f"{name}.onnx" for name in ("23,000 words", "85,000 words", "85,000 words, int8")
        }
        known = {"23,000 words": made.words(), "85,000 words": made.words(WORDS)}
        for name, words in known.items():
            Vocabulary(words).save(folder / f"{name}.txt")
            _export(len(words) + 2, graphs[name])
        large = graphs["85,000 words"]
        word_table.write(large, word_table.read(large), graphs["85,000 words, int8"], quantise=True)

        def child(name: str) -> list[float]:
            vocabulary = f"{name.removesuffix(', int8')}.txt"
            command = [sys.executable, "-c", _CHILD, str(graphs[name]), str(CALLS), vocabulary]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        rounds = {name: list[list[float]]() for name in graphs}
        for _ in range(ROUNDS):  # in turn
            for name, of_name in rounds.items():
                of_name.append(child(name))
        megabytes = {name: path.stat().st_size / 2**20 for name, path in graphs.items()}
    small, *others = graphs
    for name in others:
        yield Figure(f"encoder.onnx, {name}", [megabytes[name]], "MB", None, Peer(small, [megabytes[small]]))
        for place, (title, unit) in enumerate((("loading", "s"), ("memory", "MB"), ("two songs", "ms"))):
            of_name, of_small = ([row[place] for row in rounds[which]] for which in (name, small))
            yield Figure(f"{title}, {name}", of_name, unit, None, Peer(small, of_small))


def _export(n_tokens: int, graph: Path) -> None:
    """Write an encoder with drawn weights."""
    draw = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return draw.normal(scale=0.1, size=shape).astype(np.float32)

    lstm = LSTM(drawn(DIMENSIONS, 400), drawn(400), drawn(100, 400))
    length = np.array([5.5, 0.5], dtype=np.float32)
    bag = BagOfWords(drawn(made.WORDS + 2, HEADS), drawn(made.WORDS + 2, 1) ** 2)
    heads = Heads(drawn(401, HEADS), drawn(HEADS))
    onnx_export.export(
        [Weights(drawn(n_tokens, DIMENSIONS), lstm, None, "mean_max", length, heads, bag)], graph
    )
