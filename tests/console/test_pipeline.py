"""What `make repro` shows of DVC's output: a line for each stage that ran."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.dvc_output import SECOND_CALL

from neuralist.console import pipeline

ROOT = Path(__file__).resolve().parents[2]
FIRST_CALL = """\
Verifying data sources in stage: 'data.dvc'

Running stage 'songs':
> python pipelines/songs.py data
       307  records
       294  songs
Updating lock file 'dvc.lock'

Stage 'pairs' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

Running stage 'train@words15':
> python pipelines/train.py words15
words15 epoch 1/10  loss 0.0889  accuracy 0.6256  val_loss 0.0728
words15: best epoch 1 of 10
Updating lock file 'dvc.lock'

Running stage 'track':
> python pipelines/track.py data artifacts
words15: recorded in MLflow
the runs, in `mlflow ui`: http://here
"""


def test_the_stages_that_run_each_time_are_those_of_dvc_yaml() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {name for name, stage in stages.items() if stage.get("always_changed")} == pipeline.ALWAYS


def shown(output: str, **terminal: Any) -> tuple[Any, str]:
    """What is left of a call's output at its end, and what was printed."""
    file = io.StringIO()
    with pipeline.progress(Console(file=file, width=100, **terminal)) as bars:
        stages = pipeline.PipelineView(bars)
        for line in output.splitlines():
            stages.line(line)
        bars.refresh()
        stages.end()
    return stages, file.getvalue()


def test_a_stage_is_one_line_with_its_time_and_what_it_said() -> None:
    stages, text = shown(FIRST_CALL)

    assert text.splitlines() == [
        "songs               0 s  307 records",
        "pairs                    from the cache of runs",
        "train@words15       0 s  words15: best epoch 1 of 10",
        "track               0 s  words15: recorded in MLflow",
    ]
    assert (stages.kept, stages.ran) == (0, ["songs", "pairs", "train@words15", "track"])


def test_on_a_terminal_a_training_shows_how_far_it_is_and_its_losses() -> None:
    text = shown(FIRST_CALL[: FIRST_CALL.index("words15: best")], force_terminal=True)[1]

    assert "epoch 1/10  loss 0.0889  val_loss 0.0728" in text


def test_stages_that_always_run_are_no_line_where_nothing_else_ran() -> None:
    stages, text = shown(SECOND_CALL)

    assert (stages.kept, stages.ran, text) == (2, ["track", "register"], "")
    assert stages.all_kept
    assert not stages.wrote_to_store


def test_a_stage_that_wrote_more_than_once_says_how_often() -> None:
    recorded = "".join(f"{name}: recorded in MLflow\n" for name in ("lyrics", "tuned", "words15"))
    text = shown(SECOND_CALL.replace("the runs, in", f"{recorded}the runs, in"))[1]

    assert text == "track               0 s  lyrics: recorded in MLflow, and 2 more\n"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("the runs, in", "words15: recorded in MLflow\nthe runs, in", "track"),
        ("lyrics is version 1 already", "lyrics is now champion, version 2 of neuralist: why", "register"),
        ("lyrics is version 1 already", "lyrics is now challenger, version 2 of neuralist: why", "register"),
        (
            "lyrics is version 1",
            "neuralist version 1 has moved with the checkout: it is version 2 now\nlyrics is version 2",
            "register",
        ),
    ],
)
def test_a_stage_that_wrote_to_the_store_is_a_line_that_says_what(old: str, new: str, line: str) -> None:
    stages, text = shown(SECOND_CALL.replace(old, new))

    assert text.split() == [line, "0", "s", *new.splitlines()[0].split()]
    assert stages.all_kept
    assert stages.wrote_to_store


KINDS = {
    "kept": "Stage '{}' didn't change, skipping\n",
    "cached": "Stage '{}' is cached - skipping run, checking out outputs\nUpdating lock file 'dvc.lock'\n",
    "ran": "Running stage '{}':\n> a command\n{}: done\nUpdating lock file 'dvc.lock'\n\n",
}
NAMES = st.from_regex(r"[a-z]{1,12}(@[a-z0-9]{1,12})?", fullmatch=True).filter(
    lambda name: name not in pipeline.ALWAYS
)


@given(stages=st.lists(st.tuples(NAMES, st.sampled_from(sorted(KINDS)))))
def test_each_stage_is_counted_once_and_each_that_ran_is_a_line(stages: list[tuple[str, str]]) -> None:
    view, text = shown("".join(KINDS[kind].replace("{}", name) for name, kind in stages))

    ran = [name for name, kind in stages if kind != "kept"]
    assert (view.ran, view.kept) == (ran, len(stages) - len(ran))
    assert [line.split()[0] for line in text.splitlines()] == ran
    assert view.all_kept == (not ran)
    assert not view.wrote_to_store
