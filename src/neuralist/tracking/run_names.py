"""Name a run after its experiment and what differs from the first run of that experiment.

lyrics is the first; lyrics units=20, lyrics seed=1 and lyrics data=62a209c are later ones. What is a param or
metric of MLflow is written by `shown`, so that one column holds one type.
"""

import json
from collections.abc import Mapping
from typing import Any, get_args

MOST, LENGTH = 3, 20  # differences that a name gives, and characters of a value
_ABSENT = ("None", "()", "[]", "{}", "")  # as earlier layouts wrote what is not set


def shown(params: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as MLflow's params: numbers and names as they are, lists and mappings as JSON.

    What is not set (None, an empty list or mapping) is left out, or a column of numbers would hold a word.
    """
    return {
        key: json.dumps(value) if isinstance(value, (list, tuple, dict)) else str(value)
        for key, value in params.items()
        if value is not None and value not in ((), [], {})
    }


def name(
    experiment: str, params: Mapping[str, Any], first: Mapping[str, str] | None, data: tuple[str, str]
) -> str:
    """Return the name of a run.

    Args:
        experiment: of the run.
        params: of the run, as typed values.
        first: params of the first run of the experiment, as MLflow has them; None: this one is the first.
        data: DVC's md5 of this run's raw data and of the first one's; "" where it is unknown.
    """
    if first is None:
        return experiment
    texts = shown(params)
    former = {key: value for key, value in first.items() if value not in _ABSENT}
    differing = [
        f"{key}={_brief(params[key])}"
        for key in params
        if texts.get(key) != former.get(key)
        and str(params[key]) != former.get(key)  # a list, as earlier layouts wrote it
        and (key in first or key in _nullable())  # else the setting is newer than the first run
    ]
    if all(data) and data[0] != data[1]:
        differing.append(f"data={data[0][:7]}")
    more = [f"+{len(differing) - MOST}"] if len(differing) > MOST else []
    return " ".join([experiment, *differing[:MOST], *more])


def _brief(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple, dict)) else str(value)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def _nullable() -> set[str]:
    """Return the settings of an experiment that may be left unset, which `shown` then leaves out."""
    from neuralist.config.experiment import Experiment

    fields = Experiment.model_fields.items()
    return {key for key, field in fields if type(None) in get_args(field.annotation)} | {"fusion", "heads"}
