"""The resolved settings that stages depend on in place of params.yaml, each a JSON file of its own.

Input: params.yaml and the epochs that the corpus asks for. Output: a folder with

| file | holds | read by stage |
|---|---|---|
| experiments/<name>.json | an Experiment, for each name in `run` | train |
| pretraining.json | a PretrainingSettings | pretraining |
| study.json | a StudySettings, or Skipped with `trials: 0` | study |
| vectors.json | a VectorsSettings | vectors |

DVC follows a dep inside another stage's out and runs again only the stages whose file changed: a change to
one experiment trains that one alone.
"""

import shutil
from pathlib import Path
from typing import TypeVar

from neuralist import files
from neuralist.config import params, records
from neuralist.config.experiment import Experiment, Section

M = TypeVar("M", bound=Section)


class StudySettings(Section):
    """What the study searches, without what decides none of its trials: the storage, and other spaces.

    Attributes:
        experiment: name of the experiment that trials start from.
        base: its settings.
        study: section `study`, with storage null and the one space that is used.
    """

    experiment: str
    base: Experiment
    study: params.Study


class VectorsSettings(Section):
    """What the word vectors depend on.

    Attributes:
        vectors: section `vectors`.
        given: whether the corpus gives the split, so that pairs name a split's songs; else folds hold them.
    """

    vectors: params.Vectors
    given: bool


class PretrainingSettings(Section):
    """Which folders of graded pairs are read.

    Attributes:
        similarity_range: lowest and highest grade, for a folder that names none.
        experiments: name to folder within the raw folder (`pretrain_on`), or null.
        study: that of the experiment that trials start from.
    """

    similarity_range: tuple[float, float]
    experiments: dict[str, str | None]
    study: str | None


class Skipped(Section):
    """Stands in place of settings where a stage has nothing to do, and says why."""

    skipped: str


def write(settings: params.Params, epochs: int, folder: Path) -> None:
    """Write the folder anew; what is resolved to the same values has the same bytes.

    Args:
        settings: params.yaml.
        epochs: what an experiment's epochs `auto` stand for.
        folder: artifacts/settings.
    """
    experiments = {name: settings.experiment(name, epochs) for name in settings.run}
    study = _study(settings, epochs)
    resolved: dict[str, Section] = {
        **{f"experiments/{name}.json": experiment for name, experiment in experiments.items()},
        "pretraining.json": PretrainingSettings(
            similarity_range=settings.similarity_range,
            experiments={name: experiment.pretrain_on for name, experiment in experiments.items()},
            study=None if isinstance(study, Skipped) else study.base.pretrain_on,
        ),
        "study.json": study,
        "vectors.json": VectorsSettings(vectors=settings.vectors, given=settings.train.protocol == "given"),
    }
    shutil.rmtree(folder, ignore_errors=True)
    for file, values in resolved.items():
        records.save(values, folder / file)


def _study(settings: params.Params, epochs: int) -> StudySettings | Skipped:
    if not settings.study.trials:
        return Skipped(skipped="study.trials is 0 in params.yaml, so no settings were searched")
    searched = settings.study.model_dump(exclude={"space", "spaces"})
    return StudySettings(
        experiment=settings.studied_experiment,
        # No histograms: they would make the study run again, to find the same.
        base=settings.experiment(settings.studied_experiment, epochs, {"histograms": False}),
        study=params.Study.model_validate(searched | {"space": settings.studied_space, "storage": None}),
    )


def read_or_skipped(path: Path, model: type[M]) -> M | Skipped:
    """Read the settings of a stage, or why there are none.

    Raises:
        ValueError: the file is missing, or holds neither.
    """
    content = files.read_json(path)
    return records.check(content, Skipped if "skipped" in content else model, path)
