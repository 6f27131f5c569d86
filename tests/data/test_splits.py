"""Which songs a split has, and what is said of a val or test that is too small."""

import pandas as pd
import pytest

from neuralist.data import splits


def scored(val: list[tuple[float, bool]], test: list[tuple[float, bool]]) -> pd.DataFrame:
    rows = [(*pair, split) for split, pairs in (("val", val), ("test", test)) for pair in pairs]
    return pd.DataFrame(rows, columns=["similarity", "listed", "split"])


ENOUGH = [(0.1, True), *[(0.9, True)] * 29]
FEW = "fewer than 30 listed pairs"


@pytest.mark.parametrize(
    ("val", "test", "sentences"),
    [
        (ENOUGH, ENOUGH, []),
        (ENOUGH[:29], ENOUGH, [f"val has {FEW} (29): its figures say little."]),
        (ENOUGH, [(0.1, True), (0.0, False)], [f"test has {FEW} (1): its figures say little."]),
        ([], ENOUGH, ["val has no listed pairs."]),
        ([(0.25, True)] * 30, ENOUGH, ["val has one grade only, 0.25: it tells no model from another."]),
        # The grade of unlisted pairs, 0, is another than that of the listed ones.
        ([(1.0, True)] * 30 + [(0.0, False)], ENOUGH, []),
        (
            [(0.0, True)] * 2,
            [],
            [
                f"val has {FEW} (2): its figures say little.",
                "val has one grade only, 0: it tells no model from another.",
                "test has no listed pairs.",
            ],
        ),
    ],
)
def test_a_val_or_test_of_few_pairs_or_one_grade_is_described(
    val: list[tuple[float, bool]], test: list[tuple[float, bool]], sentences: list[str]
) -> None:
    assert splits.describe_small(scored(val, test)) == sentences
