"""Train with several workers: processes, on one machine or many, that have a share of the pairs each.

They find each other by TF_CONFIG, the environment variable that TensorFlow defines: the addresses of all
workers, and the index of this process. Worker 0, the chief, writes checkpoints and results; the others get
from it what they need to resume, so that no folder need be shared.

We use our own loop under TensorFlow's MultiWorkerMirroredStrategy: every worker computes the gradients of its
share of a batch, divided by the size of the whole batch, and all apply the sum of these gradients.
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

import numpy as np

from neuralist.config import params
from neuralist.model.backend import keras
from neuralist.model.malstm import MaLSTM
from neuralist.training import batches
from neuralist.training.checkpoints import Epoch
from neuralist.training.distributed.shards import Shard

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


class Cluster(NamedTuple):
    """The addresses of all workers, host:port, and the index of this process among them."""

    addresses: tuple[str, ...]
    number: int


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Read TF_CONFIG; None where it is not set or has one worker, so that this process trains alone.

    Raises:
        ValueError: it does not describe a cluster of workers.
    """
    text = environment.get(VARIABLE)
    if not text:
        return None
    try:
        config = json.loads(text)
        addresses, task = config["cluster"]["worker"], config["task"]
        index = int(task["index"])
        only_workers = set(config["cluster"]) == {"worker"} and task["type"] == "worker"
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{VARIABLE}: received {text!r} ({error!r}); expected {EXAMPLE}") from error
    if not only_workers or not 0 <= index < len(addresses):
        raise ValueError(
            f"{VARIABLE}: received {text!r}; name all processes as `worker`, the first of them the chief, "
            f"and an index from 0 to their number less 1, as in {EXAMPLE}"
        )
    return Cluster(tuple(addresses), index) if len(addresses) > 1 else None


class Workers:
    """The connection of this worker to the others; create it before any other use of TensorFlow.

    Attributes:
        shard: this worker's share of the examples.
        chief: whether it is worker 0.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or a worker has several devices.
        ConnectionAbortedError: a worker is gone, or never came; so do all methods.
    """

    def __init__(self, cluster: Cluster) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{VARIABLE} names several workers, which train by TensorFlow; KERAS_BACKEND is "
                f"{keras.backend.backend()!r}: leave it out"
            )
        self._cluster, self._checkpoint, self._epochs = cluster, None, 0
        self.shard = Shard(cluster.number, len(cluster.addresses))
        self.chief = self.shard.chief
        others = [address for number, address in enumerate(cluster.addresses) if number != cluster.number]
        n_workers = self.shard.of
        print(f"worker {cluster.number} of {n_workers}: waiting for {', '.join(others)}", flush=True)
        import tensorflow as tf  # not above: a process that trains alone may have another backend

        self._tf: Any = tf
        self._strategy = self._collective(tf.distribute.MultiWorkerMirroredStrategy)
        if self._strategy.num_replicas_in_sync != n_workers:
            raise ValueError(
                f"{VARIABLE}: {self._strategy.num_replicas_in_sync} devices, {n_workers} workers; "
                "start a worker for each GPU, with CUDA_VISIBLE_DEVICES naming it"
            )
        self._sums: dict[tuple[Any, ...], Any] = {}

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Sum arrays over all workers, which give the same shapes; float32, float64 or int64."""
        return [total.numpy() for total in self._sum_tensors([self._tf.constant(array) for array in arrays])]

    def agree(self, fingerprint: str) -> None:
        """Check that all workers have the same fingerprint.

        Raises:
            ValueError: a worker has other settings or tables.
        """
        own = np.frombuffer(bytes.fromhex(fingerprint), dtype=np.uint16).astype(np.int64)
        # By the sum alone a worker whose fingerprint is the mean of all would not notice.
        if not np.array_equal(self.sum([own, own**2]), [own * self.shard.of, own**2 * self.shard.of]):
            raise ValueError(
                f"worker {self.shard.number} of {self.shard.of}: the workers' settings or tables differ; "
                "give all of them the same params.yaml and artifacts (`dvc pull`)"
            )

    def begin(
        self, history: list[Epoch], best: list[np.ndarray], state: list[Any], checkpoint: Path
    ) -> tuple[list[Epoch], list[np.ndarray]]:
        """Send every worker the history, the best weights and the state of the chief's checkpoint.

        Args:
            history: so far; only the chief's is used, as with the next two.
            best: weights of the best epoch.
            state: variables of model and optimizer, which are changed in place.
            checkpoint: file to name in the message when a worker is gone.
        """
        self._checkpoint, self._epochs = checkpoint, len(history)
        n_epochs = int(self._from_chief([np.array(len(history))])[0])
        rows = np.zeros((n_epochs, 3))
        if self.chief and history:
            rows[:] = [_to_row(epoch) for epoch in history]
        values = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in state]
        chief_rows, *arrays = self._from_chief([rows, *values, *best])
        for variable, value in zip(state, arrays[: len(state)], strict=True):
            variable.assign(value)
        self._epochs = n_epochs
        return history if self.chief else [_from_row(row) for row in chief_rows], arrays[len(state) :]

    def send_epoch(self, measured: Epoch) -> None:
        """Send, from the chief, the metrics of an epoch whose checkpoint is written; see `receive_epoch`."""
        self._epochs = int(measured["epoch"])
        self._from_chief([np.array(_to_row(measured))])

    def receive_epoch(self, measured: Epoch) -> Epoch:
        """Wait, at any other worker, for the chief's `send_epoch`, and add its val_loss if there is one."""
        of_chief = _from_row(self._from_chief([np.zeros(3)])[0])
        self._epochs = int(of_chief["epoch"])
        return measured | of_chief

    def trainer(self, model: MaLSTM, settings: params.Experiment) -> batches.Step:
        """Make the function that takes a step, from this worker's share of a batch; see `batches.Step`.

        It returns loss, accuracy and number of pairs of the whole batch.
        """
        from neuralist.training import step_tensorflow  # imports TensorFlow; see above

        tf, weights = self._tf, model.trainable_variables
        compute = step_tensorflow.gradients(model, settings)

        def gradients(batch: Any, targets: Any, shares: Any) -> Any:
            weight_gradients, loss_and_accuracy = compute(batch, targets, shares)
            # Dense, also of word vectors, whose sparse rows differ between workers.
            return [*map(tf.convert_to_tensor, weight_gradients), loss_and_accuracy]

        compiled = tf.function(gradients, jit_compile=model.jit_compile is True)
        apply = tf.function(lambda weight_gradients: model.optimizer.apply(weight_gradients, weights))

        def step(batch: Any, targets: Any) -> tuple[np.ndarray, float]:
            counts = np.array([batches.n_counted(targets), _count_songs(targets)], dtype=np.float64)
            [totals] = self.sum([counts])
            shares = np.maximum(counts, 1) / np.maximum(totals, 1)
            *weight_gradients, loss_and_accuracy = self._sum_tensors(
                compiled(batch, targets, shares.astype(np.float32))
            )
            apply(weight_gradients)
            return loss_and_accuracy.numpy().astype(float), float(totals[0])

        return step

    def _from_chief(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        # As one sum in float64, which represents every float32, uint32 and count exactly.
        flat = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
        [from_chief] = self.sum([flat if self.chief else np.zeros_like(flat)])
        parts = np.split(from_chief, np.cumsum([array.size for array in arrays])[:-1])
        return [
            part.reshape(array.shape).astype(array.dtype) for part, array in zip(parts, arrays, strict=True)
        ]

    def _sum_tensors(self, tensors: list[Any]) -> list[Any]:
        # One function for each list of shapes: TensorFlow warns of a function traced for many.
        signature = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tensors)
        if signature not in self._sums:
            self._sums[signature] = self._tf.function(self._all_reduce)
        return self._collective(lambda: self._sums[signature](tensors))

    def _all_reduce(self, tensors: list[Any]) -> Any:
        tf = self._tf

        def all_reduce() -> Any:
            own = [tf.identity(tensor) for tensor in tensors]
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

        return self._strategy.run(all_reduce)

    def _collective(self, work: Callable[[], Any]) -> Any:
        """Run a collective operation, and explain its failure when a worker is gone.

        TensorFlow notices that within 10 s, by heartbeats, and then all collective operations fail.
        """
        try:
            return work()
        except self._tf.errors.OpError as error:
            failure = self._describe_failure(str(error))
            again = "start all workers again with the same commands"
            message = f"{failure}; {again}"
            if self._checkpoint is not None and self._epochs:
                location = f"is at {self._checkpoint}" if self.chief else "is with worker 0"
                saved = f"the checkpoint of epoch {self._epochs} {location}"
                message = f"{failure}; {saved}: {again} to go on from it"
            raise ConnectionAbortedError(message) from error

    def _describe_failure(self, error: str) -> str:
        """Say which worker is gone: the one that TensorFlow names, else the first that cannot be reached."""
        others = [index for index in range(self.shard.of) if index != self.shard.number]
        in_error = [int(number) for number in re.findall(r"job:worker/(?:replica:0/)?task:(\d+)", error)]
        candidates = [index for index in in_error if index in others]
        candidates += [index for index in others if not _is_reachable(self._cluster.addresses[index])]
        if not candidates:
            return f"a worker is gone, or cannot be reached ({error.splitlines()[-1][:200]})"
        return f"worker {candidates[0]} at {self._cluster.addresses[candidates[0]]} is gone"


def _count_songs(targets: Mapping[str, np.ndarray]) -> float:
    """Number of songs with a head target."""
    return float((~np.isnan(targets["answers"])).any(axis=1).sum()) if "answers" in targets else 0.0


def _to_row(measured: Epoch) -> tuple[float, float, float]:
    return measured["epoch"], float("val_loss" in measured), measured.get("val_loss", 0.0)


def _from_row(row: np.ndarray) -> Epoch:
    epoch, has_val, val_loss = row.tolist()
    measured: Epoch = {"epoch": int(epoch)}
    return measured | {"val_loss": val_loss} if has_val else measured


def _is_reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=3):
            return True
    except OSError:
        return False
