"""Neuralist from Python: load a trained model, and use it.

    import neuralist
    model = neuralist.load("artifacts/served")
    model.similarity("first lyrics", "second lyrics")

Importing this takes half a second: neither TensorFlow nor MLflow is imported, except that `load` imports
MLflow for models:/.
"""

import weakref
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from neuralist.api import locate
from neuralist.model.encoder import Encoder
from neuralist.serving.model import Model

__all__ = ["Model", "load"]


def load(model: str | Path | None = None) -> Model:
    """Load a trained model.

    Args:
        model: a served folder or that of a trained experiment; or the name of an experiment of the checkout
            around the working folder; or models:/<name>@<alias> or models:/<name>/<version>, a registered
            model, which needs the extra `train`. None: the checkout's artifacts/served.

    Raises:
        ValueError: there is no such model, or a file of it is damaged.
    """
    # A download, and what an experiment is packed into, is deleted with the model.
    resources = ExitStack()
    try:
        folder = locate.find(model, resources)
        loaded = Model(Encoder.load(folder), partial(locate.served, folder, resources), partial(load, model))
    except BaseException:
        resources.close()
        raise
    weakref.finalize(loaded, resources.close)
    return loaded
