"""Effect sizes held to limits by a Great Expectations suite: what `neuralist drift` exits by.

Input: effect sizes with their limits. Output: a `report.Outcome` of each. `suites` has those of the tables.
"""

# pyright: reportPrivateImportUsage=false
# (Great Expectations documents this import path, and re-exports by it, without an __all__.)

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from great_expectations.expectations import ExpectColumnValuesToBeBetween

from neuralist.validation.report import Outcome
from neuralist.validation.runner import check_frame


class Limited(NamedTuple):
    """An effect size of a feature, the lower end of its interval, and the limit of that."""

    feature: str
    statistic: str
    low: float
    limit: float


def check(effects: Sequence[Limited]) -> list[Outcome]:
    """Expect the lower end of each effect size's interval to be no higher than its limit.

    Great Expectations sees a table of one row, with a column for each effect size.

    Raises:
        ValueError: a check itself failed to run.
    """
    columns = [f"{effect.feature}: {effect.statistic}" for effect in effects]
    frame = pd.DataFrame([[effect.low for effect in effects]], columns=columns, dtype="float64")
    suite = [
        ExpectColumnValuesToBeBetween(
            column=column,
            max_value=effect.limit,
            description=f"{column} is not shown to be above {effect.limit:g}",
        )
        for column, effect in zip(columns, effects, strict=True)
    ]
    outcomes = check_frame(frame, "drift", [*suite]) if effects else []
    for outcome in outcomes:
        if outcome.verdict == "broken":
            raise ValueError(f"{outcome.promise}: the check failed to run ({outcome.error})")
    return outcomes
