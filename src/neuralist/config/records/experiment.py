"""What training leaves of an experiment beside its model, and a study of its trials."""

from typing import Annotated, Any, Literal

from pydantic import Field

from neuralist.config.experiment import Experiment, Section, Segmenter, TermKind
from neuralist.config.records.base import Count, Share, optional


class SplitCoverage(Section):
    """How much of the lyrics of one split, or of one language, have a word vector.

    Attributes:
        tokens: number of words, repeated ones counted each time.
        token_coverage: share of them with a vector, in [0, 1]; None without any.
        word_coverage: the same of distinct words.
    """

    tokens: Count
    token_coverage: Share | None
    word_coverage: Share | None


class Coverage(Section):
    """Where token vectors are from, and which words they cover; vectors of characters have no splits.

    Attributes:
        source: the names of files, or how the vectors were made.
        words: number of vectors.
        dimensions: of a vector.
        segmenter: what cuts scripts written without spaces into words, wherever these vectors are used; None:
            a run of them is a word.
        segmenter_version: of ICU; None without a segmenter, and in records of before it was written.
        train: the training songs.
        val: the val songs.
        test: the test songs.
        spaces: how each further file was brought to the space of the first, in sentences; None of one file.
        languages: all songs of each language, as `text.languages.counted` orders and sums them.
    """

    source: str
    words: Count
    dimensions: Annotated[int, Field(ge=1)]
    segmenter: Segmenter | None = optional()
    segmenter_version: str | None = optional()
    train: SplitCoverage | None = optional()
    val: SplitCoverage | None = optional()
    test: SplitCoverage | None = optional()
    spaces: tuple[str, ...] | None = optional()
    languages: dict[str, SplitCoverage] | None = optional()


class CalibrationCurve(Section):
    """The knots of `model.similarity.Calibration`.

    Attributes:
        raw: ascending similarities in [0, 1], the last 1.
        expected: as many, in [0, 1] and never falling.
    """

    raw: tuple[float, ...]
    expected: tuple[float, ...]


InputName = TermKind | Literal["encoder"]


class FusionInput(Section):
    """An input of `model.fusion.Fusion`.

    Attributes:
        name: `encoder`, or a kind of terms.
        weight: of its curve in the mean.
        curve: from its similarity to the expected one.
    """

    name: InputName
    weight: Share
    curve: CalibrationCurve


class FusionFit(Section):
    """How good an answer is on val pairs that nothing was learned from.

    Attributes:
        mse: mean squared error.
        spearman: mean over folds.
    """

    mse: float
    spearman: float


class FusionRecord(Section):
    """Late fusion of the encoder's similarity with TF-IDF cosines, and what val shows of it.

    Attributes:
        n_pairs: of val.
        encoder: how good the encoder alone is; None with too few pairs to tell.
        joined: how good the fusion is.
        inputs: the encoder, then each kind of terms with a weight; empty where the encoder answers alone.
        last: the curve of the weighted mean; None where the encoder answers alone.
    """

    n_pairs: Count
    encoder: FusionFit | None
    joined: FusionFit | None
    inputs: tuple[FusionInput, ...]
    last: CalibrationCurve | None


class ExperimentRecord(Section):
    """A trained experiment: what it was trained with, on how much, and how its similarity is read.

    Attributes:
        name: of the experiment.
        fingerprint: SHA-256 of all that decides its weights, 64 hex digits.
        params: its settings.
        best_epoch: whose weights were kept, from 1; of an ensemble, in its first training.
        n_pairs: pairs of train and val.
        n_songs: songs of train and val.
        n_truncated: songs of train and val of which the end, or the beginning, is not read.
        heads: group of auxiliary heads (year, tags, lastfm, graph) to its number of outputs.
        n_pairs_before: pairs of pretraining, train and val; empty without pretraining.
        coverage: of the token vectors.
        calibration: fitted on val; None where the similarity is read as it is.
        cleaning: version of text.cleaning by which lyrics are cleaned before they are read; None: not at
            all.
        fusion: of its similarity with TF-IDF; None where none was asked for.
    """

    name: str
    fingerprint: str
    params: Experiment
    best_epoch: Count
    n_pairs: dict[str, Count]
    n_songs: dict[str, Count]
    n_truncated: dict[str, Count]
    heads: dict[str, Count]
    n_pairs_before: dict[str, Count]
    coverage: Coverage
    calibration: CalibrationCurve | None
    cleaning: Count | None = optional()
    fusion: FusionRecord | None = optional()


class BestTrial(Section):
    """The best trial of a study.

    Attributes:
        study: the study's name in Optuna.
        experiment: that trials started from.
        trial: its number, from 0.
        metric: as history.csv names it, such as val_spearman.
        value: of the metric, 6 significant digits.
        own_value: that of trial 0 where it has the experiment's own settings, of an ensemble by one model;
            None where the trial is not complete.
        first_better: number of the first trial with a better one; None without such a trial.
        outside: settings whose own value the space lacks, so that no trial has them all; None: none are.
        params: settings in place of the experiment's own.
    """

    study: str
    experiment: str
    trial: Count
    metric: str
    value: float
    own_value: float | None = optional()
    first_better: Count | None = optional()
    outside: tuple[str, ...] | None = optional()
    params: dict[str, Any]
