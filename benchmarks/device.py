"""Songs a second on the device that Keras finds, a GPU where there is one: `python -m benchmarks device`.

Trained and encoded by experiment words300, on the made data of group training. KERAS_BACKEND names the
backend (tensorflow, jax or torch); the code is the same for all of them, and for every device.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import figures, training
from benchmarks.figures import Figure

ROUNDS, STEPS, PAIRS = 5, 8, (64, 1024)


def measure(_: argparse.Namespace) -> Iterator[Figure]:
    """Songs a second in training, with small and with large batches, and in encoding."""
    import keras

    from neuralist.training.loop import encode, make_model

    settings, prepared = training.made("words300")
    model, songs = make_model(settings, prepared), prepared.splits["train"].songs
    where = f"{keras.backend.backend()} on {model.weights[0].value.device}"
    for size in PAIRS:
        own = settings.model_copy(update={"batch_size": size})
        [rates] = figures.in_turn(ROUNDS, _trained(own, prepared))
        yield Figure(f"training, {size} pairs a batch, {where}", rates, "songs/s")
    [rates] = figures.in_turn(ROUNDS, figures.rate(lambda: encode(model, songs), len(songs.lengths)))
    yield Figure(f"encoding, {where}", rates, "songs/s")


def _trained(settings: Any, prepared: Any) -> Callable[[], float]:
    """What takes some steps and returns the songs a second that it read."""
    from neuralist.training.loop import make_model, trainer

    step, drawn = trainer(make_model(settings, prepared), settings), training.endless(settings, prepared)

    def rate() -> float:
        batches = [next(drawn) for _ in range(STEPS)]
        songs = sum(int((batch["tokens"][:, 0] > 0).sum()) for batch, _ in batches)

        def steps() -> None:
            for batch, targets in batches:
                step(batch, targets)

        return figures.rate(steps, songs)()

    return rate
