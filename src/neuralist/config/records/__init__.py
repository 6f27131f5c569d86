"""What stages pass on as JSON or YAML: one model for each file, used by its writer and by every reader.

| file | model | written by stage |
|---|---|---|
| corpus.json | corpus.CorpusNote | songs |
| vectors/coverage.json | experiment.Coverage | vectors |
| experiments/<name>/experiment.json | experiment.ExperimentRecord | train, tuned |
| study/best.yaml | experiment.BestTrial | study |
| estimates/<name>.json | metrics.ExperimentMetrics | evaluate |
| served/served.json | served.ServedModel | package |
| served/blend.json | served.BlendRecord | package |
| served/drift.json | drift.DriftReference | package |

The resolved settings of `config.resolved` are passed on too. Keys are written in the order of the attributes.
"""

from neuralist.config.records.base import check, load, save
from neuralist.config.records.corpus import CorpusNote
from neuralist.config.records.drift import DriftReference, NameBins, NumberBins
from neuralist.config.records.experiment import (
    BestTrial,
    CalibrationCurve,
    Coverage,
    ExperimentRecord,
    FusionFit,
    FusionInput,
    FusionRecord,
    InputName,
    SplitCoverage,
)
from neuralist.config.records.metrics import (
    BaselineEstimate,
    Estimate,
    ExperimentMetrics,
    RankingCounts,
    SplitMetrics,
    Thresholds,
    load_estimates,
)
from neuralist.config.records.served import (
    BLEND,
    DRIFT,
    FORMAT,
    BlendPart,
    BlendRecord,
    Fact,
    ServedModel,
    load_blend,
    load_drift,
    load_experiment,
    load_served,
)
