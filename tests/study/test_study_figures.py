"""A study's figures: on one page that needs no network, and as pictures; one study, one set of bytes."""

import re
from pathlib import Path

import matplotlib.image
import optuna
import pytest
from benchmarks import browsers
from optuna.importance import PedAnovaImportanceEvaluator
from playwright.sync_api import sync_playwright

from neuralist.figure_style import DARK, LIGHT, contrast, luminance
from neuralist.study import figures

pytestmark = pytest.mark.slow  # Optuna draws each figure twice, for the page and as a picture


def made(n_trials: int, n_pruned: int = 0) -> optuna.Study:
    """A study of trials of which the last ones were stopped early."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name="made", sampler=optuna.samplers.RandomSampler(seed=1))

    def objective(trial: optuna.Trial) -> float:
        value = trial.suggest_float("dropout", 0, 1) + trial.suggest_categorical("units", [1, 2])
        if trial.number >= n_trials - n_pruned:
            raise optuna.TrialPruned
        return value + trial.suggest_float("learning_rate", 0.001, 0.02, log=True)

    study.optimize(objective, n_trials=n_trials)
    return study


def test_each_figure_is_on_the_page_and_a_picture(tmp_path: Path) -> None:
    figures.save(made(50), "val loss", "Best: trial 2 < 3", tmp_path)

    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    for name in figures.FIGURES:
        assert f'id="{name}"' in page
        height, width, _ = matplotlib.image.imread(tmp_path / f"{name}.png").shape
        assert height > 300, name
        assert width > 800, name
    assert "val loss" in page
    assert "<p>Best: trial 2 &lt; 3</p>" in page
    assert re.findall(r'<(?:script|link)[^>]*(?:src|href)="[^"]*"', page) == [], (
        "nothing is loaded from elsewhere"
    )


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        figures.save(made(4), "val loss", "Best: trial 2 < 3", tmp_path / folder)

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["history.png", "parallel_coordinates.png", "study.html"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize("names", [["units", "loss", "dropout"], ["loss", "dropout", "units"]])
def test_settings_of_equal_importance_stand_in_the_order_of_their_names(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal but for the last bit, which the order of adding decides."""
    importances = {"units": 0.1 + 0.2, "loss": 0.3, "dropout": 0.7}
    shuffled = {name: importances[name] for name in names}
    monkeypatch.setattr(PedAnovaImportanceEvaluator, "evaluate", lambda *_, **__: shuffled)
    assert list(figures.StableImportances().evaluate(made(1)).items()) == [
        ("dropout", 0.7),
        ("loss", 0.3),
        ("units", 0.3),
    ]


def test_importances_need_fifty_complete_trials_and_a_sentence_says_why(tmp_path: Path) -> None:
    figures.save(made(50, n_pruned=1), "val loss", "Best: trial 2 < 3", tmp_path)

    assert not (tmp_path / "importance.png").exists()
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert "Not shown: 50 complete trials are needed, and there are 49." in page
    assert 'id="importance"' not in page


@pytest.mark.parametrize(
    ("n_trials", "n_pruned", "said"),
    [
        (3, 0, "n = 3 trials: 3 complete"),
        (1200, 2, "n = 1,200 trials: 1,198 complete, 2 stopped early"),
    ],
)
def test_the_number_of_trials_is_stated(n_trials: int, n_pruned: int, said: str) -> None:
    assert figures.count(made(n_trials, n_pruned)) == said


def test_a_study_without_a_value_in_a_trial_counts_it() -> None:
    study = made(2)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    assert figures.count(study) == "n = 3 trials: 2 complete, 1 without a value"


def test_the_page_is_drawn_anew_when_the_system_turns_dark(tmp_path: Path) -> None:
    if not (program := browsers.find()):
        pytest.skip("no Chromium")
    figures.save(made(4), "val loss", "Best: trial 2 < 3", tmp_path)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
        page.goto((tmp_path / "study.html").as_uri())
        grounds = "figures => figures.map(figure => figure._fullLayout.paper_bgcolor)"
        light = page.eval_on_selector_all(".wide", grounds)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("isDark.matches")
        dark = page.eval_on_selector_all(".wide", grounds)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        browser.close()

    assert light == [LIGHT.paper] * 2
    assert dark == [DARK.paper] * 2
    assert wider == 0, "on a phone, figures scroll in their cards"


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_trial_stands_out_most_from_the_paper_on_the_page(direction: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=direction)
    for x in (0.25, 1.0, 0.0):
        study.enqueue_trial({"x": x})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    best = 2 if direction == "minimize" else 1

    for theme in (LIGHT, DARK):
        drawn = figures.page_figure(figures.FIGURES["parallel_coordinates"], study, "loss", theme)
        lines = [trace["line"]["color"] for trace in drawn["data"] if trace["mode"] == "lines"]
        contrasts = [contrast(luminance(line), luminance(theme.paper)) for line in lines]
        assert contrasts.index(max(contrasts)) == best
        assert min(contrasts) > 1.4, "the worst is seen, too"
