"""Which of two predictors is shown to be better, and which experiment is the best on val."""

import pytest
from tests import trained

from neuralist.config import metric_table
from neuralist.config.records import Estimate
from neuralist.evaluation import selection


@pytest.mark.parametrize(
    ("low", "high", "of_skill", "of_error"),
    [
        (0.125, 0.5, 1, -1),
        (-0.5, -0.125, -1, 1),
        (-0.125, 0.5, 0, 0),
        (0.0, 0.5, 0, 0),
        (None, None, None, None),
    ],
)
def test_a_lead_is_shown_where_the_interval_lies_on_the_better_side_of_0(
    low: float | None, high: float | None, of_skill: int | None, of_error: int | None
) -> None:
    difference = Estimate(value=0.25, low=low, high=high)

    assert selection.shown_lead(difference, "spearman") == of_skill
    assert selection.shown_lead(difference, "mse") == of_error


def test_the_models_own_encoder_is_no_rival_that_must_be_beaten() -> None:
    assert {"encoder_alone", "tags"}.isdisjoint(selection.RIVALS)
    assert {"constant", "tfidf"} <= set(selection.RIVALS)


def test_the_best_on_val_is_chosen() -> None:
    entries = {"one": trained.entry(spearman=0.5), "two": trained.entry(spearman=0.75)}
    entries["one"]["splits"]["test"]["metrics"]["spearman"]["value"] = 1.0

    assert selection.best(trained.metrics(**entries), "spearman") == "two"


def test_of_errors_the_lowest_is_best() -> None:
    experiments = trained.metrics(one=trained.entry(mse=0.5), two=trained.entry(mse=0.75))

    assert selection.best(experiments, "mse") == "one"


def test_the_first_of_equals_is_chosen() -> None:
    assert selection.best(trained.metrics(b=trained.entry(), a=trained.entry()), "roc_auc") == "b"


def test_protocol_songs_goes_before_given_and_paper_is_never_chosen() -> None:
    paper = trained.entry("paper", spearman=0.9)
    given, songs = trained.entry("given", spearman=0.8), trained.entry("songs", spearman=-0.1)

    assert selection.best(trained.metrics(p=paper, g=given, s=songs), "spearman") == "s"
    assert selection.best(trained.metrics(p=paper, g=given), "spearman") == "g"
    assert selection.best(trained.metrics(p=paper), "spearman") is None


def test_an_experiment_without_a_figure_is_not_chosen() -> None:
    unknown = trained.entry(spearman=None)

    assert selection.best(trained.metrics(one=unknown, two=trained.entry(spearman=-0.5)), "spearman") == "two"
    assert selection.best(trained.metrics(one=unknown), "spearman") is None


def test_listed_auc_chooses_where_lists_are_ranked_else_spearman() -> None:
    plain, ranked = trained.entry(), trained.entry(listed_auc=0.625)

    assert selection.resolve_metric(trained.metrics(one=plain), "auto") == "spearman"
    assert selection.resolve_metric(trained.metrics(one=plain, other=ranked), "auto") == "listed_auc"
    assert selection.resolve_metric(trained.metrics(other=ranked), "mse") == "mse"


def test_every_metric_that_params_may_name_chooses_by_its_own_direction() -> None:
    for metric in metric_table.CHOOSING:
        low, high = (trained.entry(**{metric: value}) for value in (0.25, 0.75))
        experiments = trained.metrics(low=low, high=high)

        assert selection.best(experiments, metric) == ("low" if metric == "mse" else "high"), metric
