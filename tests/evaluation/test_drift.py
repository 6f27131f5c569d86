"""Effect sizes of drift: by hand and by scipy, quiet where nothing changed, loud where much did."""

import math
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.settings import SHIPPED

from neuralist.config import params
from neuralist.evaluation import drift
from neuralist.ingest.sources import billboard
from neuralist.model.encoder import Reading
from neuralist.serving import drift as counting

CHOICES = params.load(SHIPPED).drift
FEW = CHOICES.model_copy(update={"draws": 300})


def effects(reference: list[int], new: list[int], *, is_ordered: bool = True) -> dict[str, drift.Effect]:
    found = drift.effects(np.array(reference), np.array(new), is_ordered=is_ordered, choices=CHOICES)
    return {effect.statistic: effect for effect in found}


def test_ks_is_that_of_scipy_on_the_numbers_of_the_bins() -> None:
    reference, new = np.array([3, 5, 2, 7]), np.array([9, 0, 4, 1])
    of_songs = [np.repeat(np.arange(4), counts) for counts in (reference, new)]

    assert drift.ks(reference, new) == pytest.approx(stats.ks_2samp(*of_songs).statistic)


def test_total_variation_by_hand() -> None:
    # Shares 1/2, 1/2, 0 and 1/4, 1/4, 1/2: the last name has half of the new songs, and none of training.
    assert drift.total_variation(np.array([4, 4, 0]), np.array([1, 1, 2])) == pytest.approx(0.5)


def test_the_stability_index_by_hand() -> None:
    # With a song more on each side, spread as both together are (1/2, 1/2): 3.5 and 1.5, 1.5 and 3.5 of 5.
    expected = (0.7 - 0.3) * math.log(0.7 / 0.3) * 2

    assert drift.psi(np.array([3, 1]), np.array([1, 3])) == pytest.approx(expected)


def test_the_stability_index_is_finite_where_a_bin_is_empty() -> None:
    # A third bin is empty on both sides; 10 and 0 of 10 become 10.5 and 0.5 of 11.
    expected = (10 / 11) * math.log(21) * 2

    assert drift.psi(np.array([10, 0, 0]), np.array([0, 10, 0])) == pytest.approx(expected)


def test_numbers_have_ks_and_names_have_total_variation() -> None:
    assert list(effects([50, 50], [50, 50])) == ["KS", "PSI"]
    assert list(effects([50, 50], [50, 50], is_ordered=False)) == ["TV", "PSI"]


def test_the_interval_is_twice_the_value_less_the_quantiles_of_resamples() -> None:
    # Two bins, where D is the difference of two shares: in theory normal, around 0.3 = 0.8 - 0.5, with a
    # variance of 0.5 * 0.5 / 1000 + 0.8 * 0.2 / 400.
    effect = effects([500, 500], [320, 80])["KS"]
    half = stats.norm.ppf(0.975) * math.sqrt(0.25 / 1000 + 0.16 / 400)

    assert effect.value == pytest.approx(0.3)
    assert (effect.low, effect.high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.006)


def test_equal_counts_have_no_effect_however_few() -> None:
    for effect in effects([100] * 10, [3] * 10).values():
        assert (effect.value, effect.low) == pytest.approx((0, 0), abs=1e-12)


def test_the_same_counts_give_the_same_interval() -> None:
    assert effects([10, 40, 50], [30, 10, 20]) == effects([10, 40, 50], [30, 10, 20])


def alarms(reference: np.ndarray, new: np.ndarray, *, is_ordered: bool) -> bool:
    limits = {drift.PSI: 0.25, drift.KS: 0.2, drift.TOTAL_VARIATION: 0.2}
    found = drift.effects(reference, new, is_ordered=is_ordered, choices=FEW)
    return any(effect.low > limits[effect.statistic] for effect in found)


@pytest.mark.parametrize("is_ordered", [True, False])
def test_thirty_songs_of_the_same_kind_seldom_raise_an_alarm(is_ordered: bool) -> None:
    draw, shares = np.random.default_rng(1), np.full(10, 0.1)
    reference = draw.multinomial(2000, shares)
    samples = draw.multinomial(30, shares, 100)

    assert sum(alarms(reference, sample, is_ordered=is_ordered) for sample in samples) <= 3
    # Without their intervals, a fifth of these stability indexes and more would be above their limit.
    assert np.mean(drift.psi(reference, samples) > 0.25) > 0.2


def test_three_hundred_songs_of_another_kind_always_raise_it() -> None:
    draw, shares = np.random.default_rng(1), np.full(10, 0.1)
    reference, changed = draw.multinomial(2000, shares), np.repeat([0.02, 0.18], 5)

    assert all(alarms(reference, draw.multinomial(300, changed), is_ordered=True) for _ in range(20))


def test_half_a_million_songs_take_no_longer_than_thirty() -> None:
    start = time.process_time()
    effects([50_000] * 10, [40_000] * 5 + [60_000] * 5)

    assert time.process_time() - start < 1


def test_thirty_real_songs_at_random_raise_no_alarm(real: Path) -> None:
    table, _, _ = billboard.read(real)
    table = table.loc[table["lyrics"].str.len() > 0].astype({"year": "Int64"}).reset_index(drop=True)
    # Without a model: all words are known, and all embeddings equal.
    reading = Reading(np.zeros((len(table), 1), np.float32), np.ones(len(table), int), np.ones(len(table)))
    everything = np.ones(len(table), dtype=bool)
    songs = counting.Songs(table["lyrics"].tolist(), table, reading)
    reference = counting.learn(songs, everything, ~everything)
    draw, raised = np.random.default_rng(1), 0
    for _ in range(40):
        rows = draw.choice(len(table), 30, replace=False)
        some = Reading(*(values[rows] for values in reading))
        features = counting.count(
            reference, counting.Songs([songs.texts[row] for row in rows], table.iloc[rows], some)
        )
        raised += any(alarms(one.reference, one.new, is_ordered=one.is_ordered) for one in features)

    assert {"length", "year", "tags"} <= {feature.name for feature in features}
    assert raised <= 2
