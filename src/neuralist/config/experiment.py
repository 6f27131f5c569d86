"""The settings of one experiment: the section `train` of params.yaml and the entries of `experiments`."""

import difflib
import operator
from collections.abc import Iterable
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from neuralist.excerpts import excerpt

Protocol = Literal["songs", "paper", "given"]
Similarity = Literal["manhattan", "euclidean", "cosine", "learned"]
Pooling = Literal["last", "mean", "max", "mean_max", "last_max"]
TermKind = Literal["word", "char"]
Segmenter = Literal["icu"]  # cuts scripts written without spaces into words


class Section(BaseModel):
    """A section of params.yaml, or a file of values that crosses a stage: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = {key: unknown_key(key, known) for key in values if key not in known}
            if unknown:
                raise PydanticCustomError("unknown_key", "unknown keys", {"keys": unknown})
        return values


def unknown_key(key: object, known: Iterable[str]) -> str:
    """Return what is wrong with an unknown key: the known one that it is nearest to, if any is near."""
    near = difflib.get_close_matches(str(key), list(known), n=1)
    return f"unknown key {excerpt(repr(key))}; " + (f"did you mean {near[0]!r}?" if near else "remove it")


def _inside(folder: str) -> str:
    path = PurePath(folder)
    if path.is_absolute() or not path.parts or ".." in path.parts or folder.startswith("~"):
        raise ValueError("the pairs lie in a folder inside the raw folder; give its path relative to that")
    return path.as_posix()


class _Training(Section):
    protocol: Protocol
    target: Literal["observable", "listed_only"]
    tokens: Literal["word", "char"]
    max_tokens: int = Field(ge=1, le=10_000)
    long_text: Literal["head", "tail", "chunks"]
    window: Annotated[int, Field(ge=1)] | None
    window_sample_rate: float = Field(gt=0, le=1)
    vectors: Literal["frozen", "trained"]
    char_dimensions: int = Field(ge=1, le=4096)
    units: int = Field(ge=1, le=4096)
    bidirectional: bool = False  # an experiment.json from before has none
    pooling: Pooling
    length_features: bool
    embedding: Annotated[int, Field(ge=1, le=4096)] | None
    similarity: Similarity
    ensemble: int = Field(1, ge=1, le=16, strict=True)  # an experiment.json from before has none
    calibration: bool
    fusion: tuple[TermKind, ...] = ()  # an experiment.json from before has none
    loss: Literal["mse", "cross_entropy"]
    heads: dict[Literal["year", "tags", "lastfm", "graph"], Annotated[float, Field(gt=0)]]
    distillation_weight: float = Field(ge=0, le=1)
    bag_of_words: bool
    style: bool = False  # an experiment.json from before has none
    pair_regression: bool = False  # an experiment.json from before has none
    averaged_vectors: int = Field(0, ge=0, le=4096)  # an experiment.json from before has none
    batch_unit: Literal["pairs", "songs"]
    batch_size: int = Field(ge=1)
    optimizer: Literal["adam", "adadelta"]
    learning_rate: float = Field(gt=0)
    clip_norm: Annotated[float, Field(gt=0)] | None
    forget_bias: float
    dropout: float = Field(ge=0, lt=1)
    augmentation: float = Field(0.0, ge=0, le=1)  # an experiment.json from before has none
    synonyms: float = Field(ge=0, le=1)
    synonym_list: str | None
    pretrain_on: Annotated[str, AfterValidator(_inside)] | None
    patience: int = Field(ge=1)
    # Only shows how it learns, and decides no weight: where it is off, no file and no fingerprint names it.
    histograms: bool = Field(False, exclude_if=operator.not_)
    seed: int

    @model_validator(mode="after")
    def _seeds_fit(self) -> "_Training":
        if self.seed + self.ensemble > 2**32:
            raise ValueError(
                f"seed: received {self.seed} for {self.ensemble} trainings; give one that stays below 2**32"
            )
        return self

    @model_validator(mode="after")
    def _kinds_differ(self) -> "_Training":
        if len(set(self.fusion)) < len(self.fusion):
            raise ValueError(f"fusion: received {', '.join(self.fusion)}; name each kind of terms once")
        return self

    @model_validator(mode="after")
    def _bag_answers(self) -> "_Training":
        if self.bag_of_words and (not self.heads or self.tokens == "char"):
            raise ValueError(
                "bag_of_words: true needs heads to answer for, and tokens: word; name some heads, "
                "or bag_of_words: false"
            )
        return self

    @model_validator(mode="after")
    def _style_joins_the_bag(self) -> "_Training":
        if self.style and not self.bag_of_words:
            raise ValueError("style: true joins the bag of words; add bag_of_words: true, or style: false")
        return self

    @model_validator(mode="after")
    def _regression_has_answers(self) -> "_Training":
        if self.pair_regression and (not self.heads or self.embedding or self.similarity == "learned"):
            raise ValueError(
                "pair_regression: true judges pairs by the answers of heads alone; name some heads, leave "
                "embedding empty and choose another similarity than learned, or pair_regression: false"
            )
        return self

    @model_validator(mode="after")
    def _averages_join_the_regression(self) -> "_Training":
        if self.averaged_vectors and (not self.pair_regression or self.tokens == "char"):
            raise ValueError(
                f"averaged_vectors: {self.averaged_vectors} joins the pair regression, and is of words; add "
                "pair_regression: true and tokens: word, or averaged_vectors: 0"
            )
        return self


class Train(_Training):
    """What holds for every experiment that does not say otherwise; epochs may be left to the corpus."""

    epochs: Annotated[int, Field(ge=1)] | Literal["auto"]


class Experiment(_Training):
    """All that decides one trained model, besides its input tables."""

    epochs: int = Field(ge=1)
