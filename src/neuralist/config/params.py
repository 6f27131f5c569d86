"""params.yaml as typed, frozen values: unknown keys refused, ranges checked, errors name the key."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    Field,
    FiniteFloat,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from neuralist import files
from neuralist.config import renamed
from neuralist.config.experiment import Experiment, Section, Segmenter, Train, unknown_key
from neuralist.config.metric_table import AUTO, CHOOSING, ON_VAL
from neuralist.excerpts import excerpt

N_FOLDS = 5
RECOMMENDER = "-recommender"  # at the end of the name of a corpus' second model
NAME_RULE = "letters, digits, '.', '_' or '-', at most 200 bytes, beginning with a letter or digit"
AUTO_EPOCHS = 50
TUNED, WHOLE = "tuned", ("experiments", "space", "spaces", "heads", "variants", "genres")
EngineName = Literal["duckdb", "spark"]
M = TypeVar("M", bound="Section")
# What to give, by pydantic's type of error; "choice" is ours, and says it itself.
FIXES = {
    "dict_type": "give keys and values",
    "model_type": "give keys and values",
    "tuple_type": "give a list",
    "too_short": "give one or more",
}


def _ascending(bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """Check that the bounds ascend; those that bound nothing (null, .inf, -.inf) become None."""
    low, high = (-inf if bounds[0] is None else bounds[0]), (inf if bounds[1] is None else bounds[1])
    if low >= high:
        raise ValueError(f"the lower bound {low} must be below the upper bound {high}")
    return (None if low == -inf else low), (None if high == inf else high)


def _one(shares: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"the shares {list(shares)} must sum to 1, not {sum(shares):g}")
    return shares


def _choice(names: Iterable[str]) -> Callable[[str], str]:
    """Return a validator that accepts these names only."""
    choices = ", ".join(names)

    def check(name: str) -> str:
        if name not in choices.split(", "):
            raise PydanticCustomError("choice", "choose one of {choices}", {"choices": choices})
        return name

    return check


def is_name(name: str) -> bool:
    """Whether a name can be that of a workspace and of a model in MLflow, in paths and addresses as well.

    Letters and digits of any script, '.', '_' and '-', at most 200 bytes, beginning with a letter or digit.
    MLflow refuses / and :, and takes apart an address at @, ? and #.
    """
    kinds = [
        unicodedata.category(character)[0] for character in name
    ]  # L, M, N: letters, their marks, digits
    inside = all(kind in "LMN" or character in "._-" for kind, character in zip(kinds, name, strict=True))
    return inside and kinds[:1] in (["L"], ["N"]) and len(name.encode()) <= 200


def _model_name(name: str) -> str:
    if not is_name(name):
        raise PydanticCustomError("choice", f"give {NAME_RULE}")
    if name.endswith(RECOMMENDER):
        raise PydanticCustomError(
            "choice", "a name with this end is that of another corpus' second model; give another name"
        )
    return name


Range = Annotated[tuple[float | None, float | None], AfterValidator(_ascending)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Expected(Section):
    """Ranges that the tables of this corpus must stay in; None is no bound."""

    songs: Range
    rows: Range
    pairs: Range
    similar_share: Range


class Songs(Section):
    """Joining raw records to songs."""

    cover_overlap: float = Field(gt=0, le=1)
    placeholders: tuple[str, ...]
    genres: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)] | None


class Pairs(Section):
    """Cutting rows and pairs into train, val and test."""

    test_fold: int = Field(ge=0, le=4)
    paper_shares: Annotated[tuple[Share, Share, Share], AfterValidator(_one)]
    unlisted_ratio: float = Field(ge=0)
    seed: int


class Vectors(Section):
    """Word vectors: from a file or several, or trained with gensim."""

    source: str | Annotated[tuple[str, ...], Field(min_length=1)]
    align: bool = False
    segmenter: Literal["auto", "none"] | Segmenter = "auto"  # a vectors.json from before has none
    most_frequent: int = Field(ge=0)
    length: float = Field(gt=0)
    dimensions: int = Field(ge=1, le=4096)
    window: int = Field(ge=1)
    epochs: int = Field(ge=1)
    min_count: int = Field(ge=1)
    seed: int


class Interval(Section):
    """Numbers from `low` to `high`, whole ones when both are; `log`: small and large ones equally often."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _ascends(self) -> "Interval":
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 with log")
        return self


def _entry(entry: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Refuse a malformed entry of a search space by one sentence, not by one for each type it could be."""
    try:
        return check(entry)
    except ValidationError:
        fix = "give a list of values, or numbers `low` below `high`, above 0 with `log: true`"
        raise PydanticCustomError("choice", fix) from None


Space = dict[str, Annotated[Interval | tuple[Any, ...], WrapValidator(_entry)]]
FilledSpace = Annotated[Space, Field(min_length=1)]


def holds(entry: Interval | tuple[Any, ...], value: Any) -> bool:
    """Whether a search space's entry holds a value."""
    return entry.low <= value <= entry.high if isinstance(entry, Interval) else value in entry


class Study(Section):
    """Optuna's search for better settings of one experiment."""

    experiment: str | None
    metric: Annotated[str, AfterValidator(_choice(ON_VAL))]
    trials: int = Field(ge=0)  # 0: no study
    epochs: int = Field(ge=1)
    prune_after: int = Field(ge=0)
    storage: str | None
    seed: int
    space: FilledSpace


class StudySection(Study):
    """Section study of params.yaml: a Study, and by experiment what varies there in place of `space`."""

    spaces: dict[str, FilledSpace] = Field(default_factory=dict)


class Evaluate(Section):
    """Intervals of the metrics."""

    draws: int = Field(ge=10)
    level: Share
    sentence_encoder: str | None
    seed: int


class Songmap(Section):
    """Which songs the map shows, and by whose encoder."""

    experiment: str | None
    filter: dict[str, str | int | bool]
    most: int = Field(ge=3, le=50_000)
    neighbours: int = Field(ge=1, le=20)


class Registration(Section):
    """Which experiment is served, and the name of the corpus' model in MLflow."""

    name: Annotated[str, AfterValidator(_model_name)]
    metric: Annotated[str, AfterValidator(_choice((AUTO, *CHOOSING)))]


Limit = Annotated[float, Field(ge=0)] | None


class DriftLimits(Section):
    """The largest effect size of each feature that is no drift; None: any."""

    length: Limit
    known_words: Limit
    language: Limit
    year: Limit
    tags: Limit
    embedding: Limit


class Drift(Section):
    """How far new songs may differ from those of training."""

    difference: DriftLimits
    stability: DriftLimits
    most: int = Field(ge=30)
    draws: int = Field(ge=100)
    level: Share
    seed: int


class Params(Section):
    """The whole of params.yaml."""

    engine: EngineName
    similarity_range: Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ascending)]
    expected: Expected
    songs: Songs
    pairs: Pairs
    vectors: Vectors
    study: StudySection
    train: Train
    experiments: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")], dict[str, Any]] = Field(
        min_length=1
    )
    run: tuple[str, ...] = Field(min_length=1)
    variants: dict[str, dict[str, Any]]
    evaluate: Evaluate
    songmap: Songmap
    registration: Registration = Field(alias="register")  # pydantic has a `register` of its own
    drift: Drift

    @property
    def studied_experiment(self) -> str:
        """The experiment whose settings the study starts from: by default the last of `run`.

        Also where `run` does not name study.experiment, which is that of another selection of experiments:
        what is not trained has no figures beside `tuned`.
        """
        return self.study.experiment if self.study.experiment in self.run else self.run[-1]

    @property
    def studied_space(self) -> Space:
        """What varies in the study: the space of the experiment that it starts from, or else study.space."""
        return self.study.spaces.get(self.studied_experiment, self.study.space)

    @property
    def mapped_experiment(self) -> str:
        """The experiment whose encoder draws the song map: by default the last of `run`."""
        return self.songmap.experiment or self.run[-1]

    def experiment(
        self, name: str, auto_epochs: int = AUTO_EPOCHS, overrides: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Return the settings of an experiment: section `train`, overridden by `experiments.<name>`.

        Args:
            name: of the experiment.
            auto_epochs: what epochs `auto` stands for.
            overrides: settings that override both, such as a variant's or a trial's.

        Raises:
            ValueError: no such experiment, or a key or value in it that is refused.
        """
        if name not in self.experiments:
            raise ValueError(f"experiments.{name} is not in params.yaml; it has {sorted(self.experiments)}")
        merged = self.train.model_dump() | self.experiments[name] | dict(overrides or {})
        if merged["epochs"] == "auto":
            merged["epochs"] = auto_epochs
        return _checked(Experiment, merged, prefix=f"experiments.{name}.")


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml, each experiment included.

    Raises:
        ValueError: the file is missing, no YAML mapping, or a key or value is refused.
    """
    values = read_yaml(path)
    renamed.refuse(values, "params.yaml")
    params = _checked(Params, values)
    for name in params.experiments:
        params.experiment(name)
    _check_names(params)
    _check_unlisted(params)
    _check_spaces(params)
    for name, own in params.variants.items():
        try:
            params.experiment(params.run[-1], overrides=own)
        except ValueError as error:
            raise ValueError(f"{error} (variants.{name})") from None
    return params


def model_name(path: Path) -> str:
    """Return register.name of a params.yaml; nothing else in it is checked.

    Raises:
        ValueError: the file is missing, no YAML mapping, or section `register` is refused.
    """
    return _checked(Registration, read_yaml(path).get("register") or {}, prefix="register.").name


def _check_names(params: Params) -> None:
    """Have each experiment that is named be there, and have a name of its own."""
    unknown = [name for name in params.run if name not in params.experiments]
    if unknown or len(set(params.run)) < len(params.run):
        raise ValueError(
            f"params.yaml: run: received {excerpt(repr(list(params.run)))}; "
            f"name each once, out of {sorted(params.experiments)}"
        )
    if TUNED in params.experiments:
        raise ValueError(
            f"params.yaml: experiments.{TUNED}: the study's result has this name; choose another"
        )
    named = {
        "songmap": params.mapped_experiment,
        "study": params.study.experiment or params.studied_experiment,
    }
    for section, name in named.items():
        is_tuned = (section, name) == ("songmap", TUNED)
        if name not in params.experiments and not (is_tuned and params.study.trials):
            why = ", which is not trained with study.trials 0" if is_tuned else ""
            raise ValueError(
                f"params.yaml: {section}.experiment: received {excerpt(repr(name))}{why}; "
                f"name one of {sorted(params.experiments)}, or null for the last of `run`"
            )


def _check_unlisted(params: Params) -> None:
    """Have the study's metric measured: without unlisted val pairs there is none of ranking."""
    if not params.study.trials or ON_VAL[params.study.metric].of != "ranking":
        return
    base = params.experiment(params.studied_experiment)
    if (base.protocol, base.target) != ("songs", "observable") or not params.pairs.unlisted_ratio:
        raise ValueError(
            f"params.yaml: study.metric: received {params.study.metric!r}, but val has no unlisted pairs for "
            f"{params.studied_experiment}; choose another metric, or an experiment of protocol songs and "
            "target observable, with pairs.unlisted_ratio above 0"
        )


def _check_spaces(params: Params) -> None:
    """Have the spaces of experiments checked, and study.space where it is the one that is searched."""
    for experiment, space in params.study.spaces.items():
        if experiment not in params.experiments:
            raise ValueError(
                f"params.yaml: study.spaces.{experiment}: no experiment has this name; "
                f"name one of {sorted(params.experiments)}, or remove the space"
            )
        _check_space(params, experiment, space, f"study.spaces.{experiment}")
    if params.studied_experiment not in params.study.spaces:
        _check_space(params, params.studied_experiment, params.study.space, "study.space")


def _check_space(params: Params, experiment: str, space: Space, section: str) -> None:
    """Have each value of a space, or an interval's two ends, checked as the experiment's."""
    fixed = {"protocol", "epochs", "patience", "seed", "pretrain_on", "ensemble", "histograms"}
    for name, entry in space.items():
        key = f"{section}.{name}"
        if name not in Experiment.model_fields:
            searched = [field for field in Experiment.model_fields if field not in fixed]
            raise ValueError(f"params.yaml: {key}: {unknown_key(name, searched)}")
        if name in fixed:
            raise ValueError(
                f"params.yaml: {key}: not to be searched; "
                f"choose among {', '.join(sorted(set(Experiment.model_fields) - fixed))}"
            )
        if entry == ():
            raise ValueError(f"params.yaml: {key}: received []; name one value or more")
        for value in (entry.low, entry.high) if isinstance(entry, Interval) else entry:
            try:
                changed = params.experiment(experiment, overrides={name: value})
            except ValueError as error:
                raise ValueError(f"{error} ({key})") from None
            _check_type(key, value, getattr(changed, name))


def _check_type(key: str, value: Any, meant: Any) -> None:
    """Have a value of a space be of its setting's type: Optuna passes it on as it is, '8' or 8.0 too."""
    is_number = isinstance(meant, float) and type(value) is int
    if value != meant or not (is_number or type(value) is type(meant)):
        raise ValueError(f"params.yaml: {key}: received {excerpt(repr(value))}; write it as {meant!r}")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ValueError: the file is missing, in conflict or no YAML mapping.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: a folder or a named pipe stands there; put the file in its place")
    try:
        text = path.read_text(encoding="utf-8")
        files.refuse_conflict(path, text)
        values = files.parse_yaml(text)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; run from the folder that holds params.yaml") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected keys and values, received {type(values).__name__}")
    return values


def overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Merge nested mappings, `above` overriding `below`; the keys WHOLE are replaced as a whole."""
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(below.get(key), dict) and key not in WHOLE
        merged[key] = overlay(below[key], value) if nested else value
    return merged


def _checked(model: type[M], values: dict[str, Any], prefix: str = "") -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"params.yaml: {message(error, prefix)}") from None


def message(error: ValidationError, prefix: str = "") -> str:
    """Return pydantic's errors on one line: key, reason, value received."""
    reasons = []
    for problem in error.errors():
        key = prefix + ".".join(excerpt(str(part)) for part in problem["loc"])
        if problem["type"] == "unknown_key":  # of config.experiment
            section = f"{key}." if problem["loc"] else prefix
            unknown = problem.get("ctx", {})["keys"].items()
            reasons += [f"{section}{excerpt(key)}: {reason}" for key, reason in unknown]
            continue
        received = f"received {excerpt(repr(problem['input']))}"
        reason = FIXES.get(problem["type"], problem["msg"])
        if problem["type"] != "missing":
            names_fix = problem["type"] in ("choice", *FIXES)
            reason = f"{received}; {reason}" if names_fix else f"{reason}, {received}"
        reasons.append(f"{key + ': ' if key else ''}{reason}")
    return "; ".join(reasons)
