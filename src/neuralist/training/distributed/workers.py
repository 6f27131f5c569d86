"""Workers: one training by several processes, on one machine or many, that hold a share of the pairs each.

They find each other by TF_CONFIG, the environment variable that TensorFlow defines: the addresses of all
workers, and which of them this process is. Worker 0 alone keeps checkpoints and writes results; the others
get what they need to go on from it, so that no folder need be shared.

The loop is our own, under TensorFlow's MultiWorkerMirroredStrategy: every worker computes the gradients of
its part of a batch, divided by what the whole batch counts, and their sum changes the weights of each alike.
The sum equals one process's gradient to 2e-6 of its largest value. Weights stay as near until a coordinate of
some pair's difference is so near 0 (1e-8) that rounding decides the sign of its Manhattan gradient, which
came about once in the first 94 steps of words300 on the demo, and never in the 10 epochs of songs15.
Not the JAX backend with keras.distribution, which works too: JAX would be one more thing to install, its scan
is no faster than TensorFlow's LSTM on a CPU, and shapes of batches, which it compiles, differ by worker here.
"""

import json
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from neuralist.config import params
from neuralist.model.malstm import MaLSTM
from neuralist.training import batches
from neuralist.training.checkpoints import Epoch
from neuralist.training.distributed.shards import Shard

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


class Place(NamedTuple):
    """Where all workers are, as host:port, and which of them this process is."""

    addresses: tuple[str, ...]
    number: int


def place(environment: Mapping[str, str] = os.environ) -> Place | None:
    """Read TF_CONFIG; None where it is not set or names one worker: then a process trains alone.

    Raises:
        ValueError: it is no cluster of workers.
    """
    text = environment.get(VARIABLE)
    if not text:
        return None
    try:
        config = json.loads(text)
        addresses, task = config["cluster"]["worker"], config["task"]
        index, known = int(task["index"]), set(config["cluster"]) == {"worker"} and task["type"] == "worker"
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{VARIABLE}: received {text!r} ({error!r}); expected {EXAMPLE}") from error
    if not known or not 0 <= index < len(addresses):
        raise ValueError(
            f"{VARIABLE}: received {text!r}; name all processes as `worker`, the first of them the chief, "
            f"and an index from 0 to their number less 1, as in {EXAMPLE}"
        )
    return Place(tuple(addresses), index) if len(addresses) > 1 else None


class Workers:
    """This worker among the others; made before anything else of TensorFlow is used.

    Attributes:
        shard: which share of the examples this worker holds.
        chief: whether it is worker 0.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or a worker has several devices.
        ConnectionAbortedError: a worker is gone, or never came; so do all methods.
    """

    def __init__(self, where: Place) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{VARIABLE} names several workers, which train by TensorFlow; KERAS_BACKEND is "
                f"{keras.backend.backend()!r}: leave it out"
            )
        self._where, self._checkpoint, self._epochs = where, None, 0
        self.shard = Shard(where.number, len(where.addresses))
        self.chief = self.shard.chief
        others = [address for number, address in enumerate(where.addresses) if number != where.number]
        print(f"worker {where.number} of {len(where.addresses)}: waiting for {', '.join(others)}", flush=True)
        import tensorflow as tf  # not above: a process that trains alone may have another backend

        self._tf: Any = tf
        self._strategy = self._ask(tf.distribute.MultiWorkerMirroredStrategy)
        if self._strategy.num_replicas_in_sync != len(where.addresses):
            raise ValueError(
                f"{VARIABLE}: {self._strategy.num_replicas_in_sync} devices, {len(where.addresses)} workers; "
                "start a worker for each GPU, with CUDA_VISIBLE_DEVICES naming it"
            )
        self._sums: dict[tuple[Any, ...], Any] = {}

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Add up arrays of the same shapes over all workers; float32, float64 or int64."""
        return [total.numpy() for total in self._total([self._tf.constant(array) for array in arrays])]

    def agree(self, fingerprint: str) -> None:
        """Have all workers compare what they train.

        Raises:
            ValueError: a worker has other settings or tables.
        """
        own = np.frombuffer(bytes.fromhex(fingerprint), dtype=np.uint16).astype(np.int64)
        # A worker whose number is the mean of the others' would not notice by the sum alone.
        if not np.array_equal(self.sum([own, own**2]), [own * self.shard.of, own**2 * self.shard.of]):
            raise ValueError(
                f"worker {self.shard.number} of {self.shard.of}: the workers' settings or tables differ; "
                "give all of them the same params.yaml and artifacts (`dvc pull`)"
            )

    def begin(
        self, history: list[Epoch], best: list[np.ndarray], state: list[Any], checkpoint: Path
    ) -> tuple[list[Epoch], list[np.ndarray]]:
        """Give every worker the history, the best weights and the state that the chief's checkpoint has.

        Args:
            history: so far, which counts at the chief alone; so do the next two.
            best: weights of the best epoch.
            state: variables of model and optimizer, which are changed in place.
            checkpoint: file, to be named when a worker is gone.
        """
        self._checkpoint, self._epochs = checkpoint, len(history)
        n_epochs = int(self._from_chief([np.array(len(history))])[0])
        told = np.zeros((n_epochs, 3))
        if self.chief and history:
            told[:] = [_told(record) for record in history]
        values = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in state]
        known, *arrays = self._from_chief([told, *values, *best])
        for variable, value in zip(state, arrays[: len(state)], strict=True):
            variable.assign(value)
        self._epochs = n_epochs
        return history if self.chief else [_record(row) for row in known], arrays[len(state) :]

    def tell(self, record: Epoch) -> None:
        """Say at the chief that an epoch is over and its checkpoint written; see `hear`."""
        self._epochs = int(record["epoch"])
        self._from_chief([np.array(_told(record))])

    def hear(self, record: Epoch) -> Epoch:
        """Wait at any other worker for the chief's `tell`, and add its val figure, if it has one."""
        told = _record(self._from_chief([np.zeros(3)])[0])
        self._epochs = int(told["epoch"])
        return record | told

    def trainer(self, model: MaLSTM, settings: params.Experiment) -> batches.Step:
        """Make a function that takes a step: this worker's part of a batch, and of its targets.

        It returns the figures of the whole batch: loss and accuracy of its pairs, and their number.
        """
        from neuralist.training import step_tensorflow  # TensorFlow's; see above

        tf, weights = self._tf, model.trainable_variables
        of_part = step_tensorflow.gradients(model, settings)

        def gradients(batch: Any, targets: Any, shares: Any) -> Any:
            found, figures = of_part(batch, targets, shares)
            # Dense, those of word vectors too, whose rows are others at each worker.
            return [*map(tf.convert_to_tensor, found), figures]

        compiled = tf.function(gradients, jit_compile=model.jit_compile is True)
        apply = tf.function(lambda found: model.optimizer.apply(found, weights))

        def step(batch: Any, targets: Any) -> tuple[np.ndarray, float]:
            counts = np.array([batches.n_counted(targets), _songs(targets)], dtype=np.float64)
            [totals] = self.sum([counts])
            shares = np.maximum(counts, 1) / np.maximum(totals, 1)
            *found, figures = self._total(compiled(batch, targets, shares.astype(np.float32)))
            apply(found)
            return figures.numpy().astype(float), float(totals[0])

        return step

    def _from_chief(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        # As one sum in float64, which holds every float32, uint32 and count exactly.
        flat = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
        [given] = self.sum([flat if self.chief else np.zeros_like(flat)])
        pieces = np.split(given, np.cumsum([array.size for array in arrays])[:-1])
        return [
            piece.reshape(array.shape).astype(array.dtype)
            for piece, array in zip(pieces, arrays, strict=True)
        ]

    def _total(self, tensors: list[Any]) -> list[Any]:
        # A function for each list of shapes: TensorFlow warns of one that it has to trace for many.
        of = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tensors)
        if of not in self._sums:
            self._sums[of] = self._tf.function(self._summing)
        return self._ask(lambda: self._sums[of](tensors))

    def _summing(self, tensors: list[Any]) -> Any:
        tf = self._tf

        def summed() -> Any:
            own = [tf.identity(tensor) for tensor in tensors]
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

        return self._strategy.run(summed)

    def _ask(self, work: Callable[[], Any]) -> Any:
        """Do what needs the other workers.

        TensorFlow notices in 10 s that one is gone, by heartbeats, and has all its collective work fail.
        """
        try:
            return work()
        except self._tf.errors.OpError as error:
            gone = self._gone(str(error))
            message = f"{gone}; start all workers again with the same commands"
            if self._checkpoint is not None and self._epochs:
                where = f"is at {self._checkpoint}" if self.chief else "is with worker 0"
                kept = f"the checkpoint of epoch {self._epochs} {where}"
                message = f"{gone}; {kept}: start all workers again with the same commands to go on from it"
            raise ConnectionAbortedError(message) from error

    def _gone(self, told: str) -> str:
        """Which worker is gone: the one that TensorFlow names, else the first that answers no call."""
        others = [index for index in range(self.shard.of) if index != self.shard.number]
        named = [int(number) for number in re.findall(r"job:worker/(?:replica:0/)?task:(\d+)", told)]
        found = [index for index in named if index in others]
        found += [index for index in others if not _answers(self._where.addresses[index])]
        if not found:
            return f"a worker is gone, or cannot be reached ({told.splitlines()[-1][:200]})"
        return f"worker {found[0]} at {self._where.addresses[found[0]]} is gone"


def _songs(targets: Mapping[str, np.ndarray]) -> float:
    """The songs of which some answer is known."""
    return float((~np.isnan(targets["answers"])).any(axis=1).sum()) if "answers" in targets else 0.0


def _told(record: Epoch) -> tuple[float, float, float]:
    return record["epoch"], float("val_loss" in record), record.get("val_loss", 0.0)


def _record(told: np.ndarray) -> Epoch:
    epoch, has_val, val_loss = told.tolist()
    own: Epoch = {"epoch": int(epoch)}
    return own | {"val_loss": val_loss} if has_val else own


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            return True
    except OSError:
        return False
