"""Neuralist: how alike two songs are, learned from their lyrics.

import neuralist
model = neuralist.load("artifacts/served")
model.similarity("first lyrics", "second lyrics")
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuralist.api import Model as Model
    from neuralist.api import load as load
    from neuralist.api.transformer import LyricsEncoder as LyricsEncoder

__all__ = ["LyricsEncoder", "Model", "load"]
__version__ = "0.2.0"

# Great Expectations imports all of PySpark where it is installed, and that doubts pandas 3 at once. Tables go
# to Spark and come from it as Arrow's; where pandas has a part, in Spark's functions, the warning stays.
warnings.filterwarnings(
    "ignore",
    "PySpark does not yet fully support pandas",
    FutureWarning,
    r"pyspark\.(sql\.connect|testing)\.utils",
)


def __getattr__(name: str) -> Any:
    # On first use: stages and `--help` import this package, and need none of ONNX Runtime and pandas.
    if name in __all__:
        module = "neuralist.api.transformer" if name == "LyricsEncoder" else "neuralist.api"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'neuralist' has no attribute {name!r}")
