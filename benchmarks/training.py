"""Training: pairs a second, against the same model written plainly in Keras, and in PyTorch if it is there.

Made data of the shape of the Million Song subset: 1,200 songs, 16,000 pairs with skewed degrees, words by
Zipf's law. Ours are the experiments words300 and words15 of params.yaml. The peers are two towers, Embedding
and LSTM for each side of every pair, with batches of as many pairs; each gets its fastest setting of those
tried, and the same first losses as ours on the same batches are asked for before anything is timed. Larger
batches, which are another training, are compared as well, against no target.

The arithmetic of a step, with U units, D dimensions of a word vector, S songs of T words, W distinct words:

    recurrence   forward 2 U 4U a word, backward twice that (states, weights):   24 U^2 S T
    projection   forward 2 D 4U a distinct word, backward the same (weights):    16 D U W

With U = 50, D = 300, T = 300 that is 18 MFLOP a song and 240 kFLOP a word. The peers read two songs a pair
and project every word of them, 72 MFLOP a song more. The floor is our arithmetic at the rate of a large
matrix product, measured in the same run.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.figures import Figure, Missing, Peer, in_turn, seconds

N_SONGS, N_PAIRS, N_WORDS, DIMENSIONS = 1200, 16_000, 23_000, 300
ROUNDS, SECONDS = 5, 3.0
LARGER = 256  # pairs a batch
TOLERANCE = 1e-4
FIRST_STEP = "import benchmarks.training as t; t.first_step()"


class Way(NamedTuple):
    """A way to train, or to encode: what it is, and what goes on and returns the pairs, or songs, it saw."""

    name: str
    steps: Callable[[], int]

    def rate(self, seconds: float = SECONDS) -> float:
        """Pairs, or songs, a second, over so many seconds or one call at least."""
        start, pairs = time.perf_counter(), 0
        while not pairs or time.perf_counter() - start < seconds:
            pairs += self.steps()
        return pairs / (time.perf_counter() - start)


def measure(options: argparse.Namespace) -> Iterator[Figure | Missing]:
    """All figures of training."""
    if not find_spec("torch"):
        yield Missing("PyTorch's nn.LSTM", "install torch to have it as a second peer")
    for name, wanted in (("words300", "ratio >= 4"), ("words15", "ratio >= 3.5")):
        settings, prepared = made(name)
        _check_losses(settings, prepared)
        yield from _compared(settings, prepared, wanted)
        yield from _compared(settings.model_copy(update={"batch_size": LARGER}), prepared, None)
    seconds, memory = zip(*(_first_step() for _ in range(3)), strict=True)
    yield Figure("from nothing to the first step, 300 words", seconds, "s", "< 25")
    yield Figure("highest memory of that training", memory, "MB", "< 1500")


def _compared(settings: Any, prepared: Any, wanted: str | None) -> Iterator[Figure]:
    """Ours beside its peers, in turn, and beside what its arithmetic takes."""
    title = f"training, {settings.max_tokens} words, {settings.batch_size} pairs a batch"
    ways = [ours(settings, prepared), _fastest(_keras_peers(settings, prepared))]
    if find_spec("torch"):
        ways.append(_torch_peer(settings, prepared))
    own, of_keras, *of_torch = in_turn(ROUNDS, *(way.rate for way in ways))
    yield Figure(title, own, "pairs/s", wanted, Peer(ways[1].name, of_keras))
    for rates in of_torch:
        yield Figure(f"{title}, beside PyTorch", own, "pairs/s", peer=Peer(ways[2].name, rates))
    pairs, flop = _arithmetic(settings, prepared)
    taken, floor = pairs / statistics.median(own), flop / _flops()
    yield Figure(f"{title}: a step by its arithmetic's floor", [taken / floor], "times")
    for part, times in _parts(settings, prepared).items():
        yield Figure(f"{title}: {part}", times, "ms")


def _parts(settings: Any, prepared: Any) -> dict[str, list[float]]:
    """Milliseconds of the parts of a step, each alone on one batch; what is left of the step is not named."""
    import tensorflow as tf

    from neuralist.model import lstm_tensorflow
    from neuralist.training import loop

    drawn = endless(settings, prepared)
    batch, targets = next(drawn)
    model = loop.make_model(settings, prepared)
    step = loop.trainer(model, settings)
    tokens, words = tf.transpose(tf.constant(batch["tokens"])), tf.constant(batch["words"])
    vectors = tf.gather(model.vectors.embeddings, words)
    weights = tf.random.normal((DIMENSIONS, 4 * settings.units))
    kernel = tf.random.normal((settings.units, 4 * settings.units), stddev=0.1)
    projected = tf.matmul(vectors, weights)

    @tf.function(jit_compile=model.jit_compile is True, autograph=False)
    def product() -> Any:
        return tf.matmul(vectors, weights), tf.matmul(vectors, projected, transpose_a=True)

    @tf.function(autograph=False)
    def forward() -> Any:
        return lstm_tensorflow.states(projected, kernel, tokens)

    @tf.function(autograph=False)
    def both_ways() -> Any:
        with tf.GradientTape() as tape:
            tape.watch([projected, kernel])
            total = tf.reduce_sum(lstm_tensorflow.states(projected, kernel, tokens))
        return tape.gradient(total, [projected, kernel])

    parts: dict[str, Callable[[], Any]] = {
        "a step on one batch": lambda: step(batch, targets),
        "drawing a batch": lambda: next(drawn),
        "the input product and its gradient": lambda: [array.numpy() for array in product()],
        "the recurrence, forward": lambda: forward().numpy(),
        "the recurrence and its gradient": lambda: [array.numpy() for array in both_ways()],
    }
    return dict(zip(parts, in_turn(ROUNDS, *(_milliseconds(call) for call in parts.values())), strict=True))


def _milliseconds(call: Callable[[], Any]) -> Callable[[], float]:
    """Make a function that returns the median time of 20 calls."""
    for _ in range(3):
        call()
    return lambda: 1000 * statistics.median(seconds(call) for _ in range(20))


def _arithmetic(settings: Any, prepared: Any) -> tuple[float, float]:
    """Pairs and floating-point operations of a mean step; see the module's docstring."""
    from neuralist.training import batches

    drawn = list(batches.draw(prepared.splits["train"], settings, 1))
    songs, steps = drawn[0][0]["tokens"].shape
    pairs = statistics.mean(batches.n_counted(targets) for _, targets in drawn)
    words = statistics.mean((batch["words"] > 0).sum() for batch, _ in drawn)
    flop = 24 * settings.units**2 * songs * steps + 16 * DIMENSIONS * settings.units * words
    return pairs, flop


def made(name: str, **changes: Any) -> tuple[Any, Any]:
    """An experiment of params.yaml, with some settings changed, and made examples for it."""
    from neuralist.config import params
    from neuralist.text.vocabulary import Vocabulary, Windows
    from neuralist.text.word_vectors import WordVectors
    from neuralist.training import examples

    settings = params.load(Path("params.yaml")).experiment(name).model_copy(update=changes)
    rng = np.random.default_rng(0)
    lengths = np.minimum(settings.max_tokens, rng.lognormal(5.6, 0.5, N_SONGS).astype(int) + 5)
    zipf = 1 / np.arange(1, N_WORDS + 1)
    ids = rng.choice(N_WORDS, (N_SONGS, settings.max_tokens), p=zipf / zipf.sum()) + 2
    ids[np.arange(settings.max_tokens) >= lengths[:, None]] = 0
    popular = rng.pareto(1.5, N_SONGS) + 0.1
    left, right = rng.choice(N_SONGS, (2, N_PAIRS), p=popular / popular.sum()).astype(np.int32)
    train = examples.Examples(
        Windows(ids.astype(np.int32), np.arange(N_SONGS + 1), lengths),
        left,
        right,
        rng.random(N_PAIRS).astype(np.float32),
        np.ones(N_PAIRS, dtype=bool),
        np.ones(N_PAIRS),
        np.zeros((N_SONGS, 0), dtype=np.float32),
    )
    matrix = rng.normal(size=(N_WORDS + 2, DIMENSIONS)).astype(np.float32)
    matrix *= 3 / np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix[0] = 0
    vectors = WordVectors(Vocabulary(map(str, range(N_WORDS))), matrix, {})
    return settings, examples.TrainingData({"train": train, "val": train}, vectors, {}, "", {})


def endless(settings: Any, prepared: Any) -> Iterator[tuple[Any, Any]]:
    """Batches of one epoch after the other."""
    from neuralist.training import batches

    for epoch in count(1):
        yield from batches.draw(prepared.splits["train"], settings, epoch)


def ours(settings: Any, prepared: Any) -> Way:
    """Our training, with every shape of batch compiled."""
    from neuralist.training import loop

    step = loop.trainer(loop.make_model(settings, prepared), settings)
    drawn = endless(settings, prepared)

    def steps() -> int:
        return sum(int(step(*next(drawn))[1]) for _ in range(4))

    for _ in range(6):
        steps()
    return Way("ours", steps)


def _fastest(tried: Iterator[Way]) -> Way:
    """The fastest of a peer's settings."""
    rates = []
    for way in tried:
        rates.append((way.rate(), way))
        print(f"tried: {way.name}: {rates[-1][0]:,.0f} pairs/s", flush=True)
    return max(rates, key=lambda one: one[0])[1]


def _two_towers(settings: Any, prepared: Any, *, unroll: bool = False) -> Any:
    """The same model written plainly: an Embedding and an LSTM that both sides of a pair go through."""
    import keras

    matrix = prepared.vectors.matrix
    embedding = keras.layers.Embedding(*matrix.shape, mask_zero=True, trainable=False)
    lstm = keras.layers.LSTM(settings.units, unroll=unroll)
    sides = [keras.Input((settings.max_tokens,), dtype="int32") for _ in range(2)]
    left, right = (lstm(embedding(side)) for side in sides)
    distance = keras.layers.Lambda(
        lambda both: keras.ops.exp(-keras.ops.norm(both[0] - both[1], ord=1, axis=-1))
    )
    model = keras.Model(sides, distance([left, right]))
    embedding.set_weights([matrix])
    return model, lstm


def _keras_peers(settings: Any, prepared: Any) -> Iterator[Way]:
    import keras

    data = prepared.splits["train"]
    # Unrolling 300 steps takes minutes to compile.
    kinds = [
        (jit, unroll)
        for jit in (False, True)
        for unroll in ((False, True) if settings.max_tokens < 50 else (False,))
    ]
    size = settings.batch_size
    rows = slice(0, size * (16 if settings.max_tokens < 50 else 4))
    sides = [data.songs.ids[side[rows]] for side in (data.left, data.right)]
    for jit, unroll in kinds:
        model, _ = _two_towers(settings, prepared, unroll=unroll)
        model.compile(keras.optimizers.Adam(settings.learning_rate), loss="mse", jit_compile=jit)

        def fit(model: Any = model) -> int:
            model.fit(sides, data.similarity[rows], batch_size=size, verbose=0)
            return len(sides[0])

        fit()
        yield Way("Keras, two towers" + ", jit" * jit + ", unrolled" * unroll, fit)


def _torch_peer(settings: Any, prepared: Any) -> Way:
    import torch

    data = prepared.splits["train"]
    vectors = torch.nn.Embedding.from_pretrained(torch.tensor(prepared.vectors.matrix))
    ids, last = torch.tensor(data.songs.ids), torch.tensor(data.songs.lengths - 1)
    lstm = torch.nn.LSTM(DIMENSIONS, settings.units, batch_first=True)
    adam = torch.optim.Adam(lstm.parameters(), settings.learning_rate)
    size = settings.batch_size

    def ends(songs: Any) -> Any:
        return lstm(vectors(ids[songs]))[0][torch.arange(size), last[songs]]

    def fit() -> int:
        for start in range(0, 4 * size, size):
            rows = slice(start, start + size)
            left, right = (ends(torch.tensor(side[rows])) for side in (data.left, data.right))
            predicted = torch.exp(-torch.norm(left - right, p=1, dim=-1))
            loss = torch.mean((predicted - torch.tensor(data.similarity[rows])) ** 2)
            adam.zero_grad()
            loss.backward()
            adam.step()
        return 4 * size

    fit()
    return Way("PyTorch nn.LSTM", fit)


def _check_losses(settings: Any, prepared: Any) -> None:
    """Ask the peer for our losses, on the same batches from the same weights.

    Raises:
        ArithmeticError: a loss of the first five steps differs by more than 1e-4.
    """
    import keras

    from neuralist.training import batches, loop

    pairs = settings.model_copy(update={"batch_unit": "pairs", "batch_size": 64})
    ours = loop.make_model(pairs, prepared)
    peer, lstm = _two_towers(pairs, prepared)
    (kernel, bias), (recurrent,) = ours.projection.get_weights(), ours.recurrence.get_weights()
    lstm.set_weights([_keras_gates(array) for array in (kernel, recurrent, bias)])
    peer.compile(keras.optimizers.Adam(pairs.learning_rate), loss="mse")
    step = loop.trainer(ours, pairs)
    for number, (batch, targets) in zip(
        range(5), batches.draw(prepared.splits["train"], pairs, 1), strict=False
    ):
        songs = batch["words"][batch["tokens"]]
        theirs = peer.train_on_batch(
            [songs[batch["left"]], songs[batch["right"]]], targets["similarity"][:, 0]
        )
        own = step(batch, targets)[0][0]
        if abs(own - float(np.ravel(theirs)[0])) > TOLERANCE:
            raise ArithmeticError(f"step {number + 1}: loss {own} here, {theirs} in the plain model")


def _keras_gates(array: np.ndarray) -> np.ndarray:
    """Reorder the gates of the last axis from i, f, o, c to i, f, c, o."""
    i, f, o, c = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, c, o], axis=-1)


def _flops() -> float:
    """Floating-point operations a second of a large matrix product, the best of ten."""
    import keras

    size = 2048
    square = keras.ops.ones((size, size), dtype="float32")
    times = []
    for _ in range(10):
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(square, square))
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times)


def _first_step() -> tuple[float, float]:
    """Seconds from the start of a process to its first step, and its highest memory in MB."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", FIRST_STEP], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, float(done.stdout.split()[-1])


def first_step() -> None:
    """Make the model of words300, train one step, and print the highest memory in MB."""
    from neuralist.training import batches, loop

    settings, prepared = made("words300")
    step = loop.trainer(loop.make_model(settings, prepared), settings)
    step(*next(batches.draw(prepared.splits["train"], settings, 1)))
    # Not getrusage: its figure is not below what the parent had when it started this process.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [highest] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    print(int(highest) / 1000)
