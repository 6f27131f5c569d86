"""Means over several trainings, worked out by hand."""

import numpy as np

from neuralist.config.metric_table import OF_RANKING
from neuralist.config.records import Estimate
from neuralist.evaluation import fold_averages


def drawn(*values: float) -> dict[str, np.ndarray]:
    """The same values, the sample's and those of its draws, for every metric."""
    return dict.fromkeys(OF_RANKING, np.array(values))


def test_means_are_those_of_the_trainings_and_leads_are_paired_draw_by_draw() -> None:
    trainings = [
        {"ours": drawn(0.6, 0.5, 0.7), "theirs": drawn(0.5, 0.4, 0.6)},
        {"ours": drawn(0.8, 0.7, 0.9), "theirs": drawn(0.5, 0.4, 0.6)},
    ]
    averages = fold_averages.averaged(trainings, "ours", 0.5)

    ours, theirs = averages["ours"], averages["theirs"]
    # draws of the mean: 0.6 and 0.8; quarters between them are 0.65 and 0.75
    assert ours.mean["listed_auc"] == Estimate(value=0.7, low=0.65, high=0.75)
    assert ours.each["listed_auc"] == [0.6, 0.8]
    assert ours.lead == {}
    # (0.1 + 0.3) / 2 in the sample and in either draw, though both predictors vary
    assert theirs.lead["ndcg_at_10"] == Estimate(value=0.2, low=0.2, high=0.2)


def test_a_difference_of_two_predictors_is_paired_draw_by_draw() -> None:
    trainings = [
        {"with": drawn(0.6, 0.5, 0.8), "without": drawn(0.5, 0.4, 0.5)},
        {"with": drawn(0.8, 0.9, 0.6), "without": drawn(0.5, 0.6, 0.3)},
    ]
    # (0.1 + 0.3) / 2 in the sample; (0.1 + 0.3) / 2 = 0.2 and (0.3 + 0.3) / 2 = 0.3 in the draws.
    difference = fold_averages.difference(trainings, "with", "without", 0.5)
    assert difference["listed_auc"] == Estimate(value=0.2, low=0.225, high=0.275)


def test_a_table_says_where_no_lead_is_shown_and_where_the_subject_trails() -> None:
    trainings = [
        {"ours": drawn(0.6, 0.5, 0.7), "near": drawn(0.6, 0.6, 0.6), "better": drawn(0.9, 0.8, 0.95)},
    ]
    lines = fold_averages.markdown(fold_averages.averaged(trainings, "ours", 0.9), "ours")

    assert lines[0].startswith("| | listed AUC | of each | ours leads by | nDCG@10 |")
    assert lines[2].startswith("| ours | 0.600 [0.510, 0.690] | 0.600 |  |")
    assert "| 0.000 [-0.090, 0.090] ~ |" in lines[3]
    assert "| -0.300 [-0.297, -0.253] ! |" in lines[4]
    assert {line.count("|") for line in lines} == {10}
