"""Figures of benchmarks: medians, ratios, targets, and results.json, a row for each processor."""

import json
import os
import subprocess
import sysconfig
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import (
    architecture,
    encoding,
    explanations,
    figures,
    made,
    model_server,
    provenance,
    results,
    serving,
)
from benchmarks.figures import Figure, Peer
from benchmarks.provenance import Processor
from tests import tenths
from tests.settings import experiment

from neuralist.serving.model import Model

PEER = Peer("other", [8.0, 5.0, 2.0])


@pytest.mark.parametrize(
    ("target", "met"),
    [
        ("< 4", True),
        ("< 3", False),
        (">= 3", True),
        ("ratio < 0.7", True),
        ("ratio >= 0.7", False),
        (None, None),
    ],
)
def test_a_median_or_its_ratio_is_held_against_the_target(target: str | None, met: bool | None) -> None:
    assert Figure("one", [1.0, 3.0, 9.0], "s", target, PEER).met is met


def test_a_target_for_a_ratio_needs_a_peer() -> None:
    with pytest.raises(ValueError, match="one: target 'ratio < 2' needs a peer"):
        _ = Figure("one", [1.0], "s", "ratio < 2").met


@pytest.mark.parametrize("changes", architecture.KINDS.values(), ids=architecture.KINDS)
def test_the_models_whose_cost_is_measured_are_ones_that_params_yaml_takes(changes: dict[str, Any]) -> None:
    assert changes.items() <= experiment(**changes).model_dump().items()


def test_things_are_measured_in_turn_and_the_first_round_is_left_out() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    assert figures.in_turn(2, lambda: measure("a"), lambda: measure("b")) == [[3.0, 5.0], [4.0, 6.0]]
    assert order == ["a", "b"] * 3


def test_the_table_shows_median_spread_ratio_and_verdict() -> None:
    lines = figures.table([Figure("one", [1.0, 3.0, 9.0], "s", "< 3", PEER), Figure("two", [7.0], "MB")])
    assert [" ".join(line.split()) for line in lines.splitlines()[1:]] == [
        "one s 3 (1 to 9) 5 (2 to 8) 0.6 < 3 MISSED peer: other",
        "two MB 7",
    ]


HERE = Processor(model="Odd CPU, family 25, model 1", cores=2, flags=("avx2", "fma"))
ELSEWHERE = replace(HERE, flags=("avx2",))
MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)


def write(path: Path, processor: Processor, name: str, day: date, *measured: Figure) -> None:
    results.write(path, processor, name, results.group_of(measured, day, "abc1234"))


def test_a_group_replaces_its_figures_on_this_processor_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write(path, HERE, "search", MONDAY, Figure("gone", [1.0], "s"))
    write(path, HERE, "serving", MONDAY, Figure("kept", [1.0], "s"))
    write(path, ELSEWHERE, "search", MONDAY, Figure("kept", [2.0], "s"))
    write(path, HERE, "search", TUESDAY, Figure("one", [1.0, 3.0, 9.0], "s", "ratio < 0.5", PEER))

    kept = {"unit": "s", "spread": [1.0, 1.0], "ours": 1.0}
    one = {
        "unit": "s",
        "ours": 3.0,
        "spread": [1.0, 9.0],
        "peer_name": "other",
        "peer": 5.0,
        "peer_spread": [2.0, 8.0],
        "ratio": 0.6,
        "target": "ratio < 0.5",
        "met": False,
    }
    monday, tuesday = ({"date": day, "commit": "abc1234"} for day in ("2026-11-30", "2026-12-01"))
    assert json.loads(path.read_text()) == {
        "rows": [
            {
                "processor": {"model": "Odd CPU, family 25, model 1", "cores": 2, "flags": ["avx2", "fma"]},
                "groups": {
                    "search": tuesday | {"figures": {"one": one}},
                    "serving": monday | {"figures": {"kept": kept}},
                },
            },
            {
                "processor": {"model": "Odd CPU, family 25, model 1", "cores": 2, "flags": ["avx2"]},
                "groups": {
                    "search": monday
                    | {"figures": {"kept": {"unit": "s", "spread": [2.0, 2.0], "ours": 2.0}}},
                },
            },
        ]
    }
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_what_a_group_measured_stays_where_it_says_so() -> None:
    of_model = results.group_of([Figure("one", [1.0], "s")], MONDAY, "abc1234", "a model of 9 words")
    assert of_model.data == "a model of 9 words"


def test_two_figures_of_a_group_may_not_have_one_name() -> None:
    with pytest.raises(ValueError, match="two figures are called one; give each a name of its own"):
        results.group_of([Figure("one", [1.0], "s"), Figure("one", [2.0], "s")], MONDAY, "abc1234")


def test_a_day_that_is_not_known_is_older_than_the_day_it_is_before() -> None:
    groups = [
        results.Group(date=day, commit="abc1234", figures={})
        for day in ("2026-11-30", "before 2026-11-30", "2026-11-29")
    ]
    in_order = sorted(groups, key=lambda group: group.age)
    assert [group.date for group in in_order] == ["2026-11-29", "before 2026-11-30", "2026-11-30"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\n", "line 1, .* marks a merge conflict"),
        ('{"rows": [{"groups": {}}]}', "rows.0.processor: Field required; git has the last good one"),
    ],
)
def test_a_damaged_results_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"results.json: {message}"):
        results.load(path)


def test_the_committed_results_are_met_or_missed_as_they_say() -> None:
    rows = results.load()
    assert len({row.processor for row in rows}) == len(rows)
    for figure in (one for row in rows for group in row.groups.values() for one in group.figures.values()):
        if figure.met is not None:
            assert figure.target is not None
            assert figures.reached(figure.target, figure.ours, figure.ratio) is figure.met


def test_a_processor_has_family_and_model_number_where_linux_tells_them() -> None:
    text = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n"
    text += "flags\t\t: fpu avx2 avx avx512f fma ssse3\npower management:\n\nprocessor\t: 1\n"
    known = provenance.parse_cpu_info(text, 2)
    assert known == Processor(
        model="AMD EPYC, family 25, model 17", cores=2, flags=("avx", "avx2", "fma", "avx512f")
    )
    assert str(known) == "AMD EPYC, family 25, model 17, 2 cores"


def test_a_processor_of_arm_has_the_name_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance.platform, "machine", lambda: "aarch64")
    known = provenance.parse_cpu_info("processor\t: 0\nFeatures\t: fp asimd sve\n", 4)
    assert known == Processor(model="aarch64", cores=4, flags=("sve",))


# `python -m mlflow` takes the module of the folder it is started in.
def stand_in_for_mlflow(folder: Path, code: str) -> None:
    folder.joinpath("mlflow.py").write_text(code)


def test_a_server_that_ends_is_told_of_in_one_line(tmp_path: Path) -> None:
    stand_in_for_mlflow(tmp_path, "print('starting'); print('the port is taken\\n'); raise SystemExit(1)")
    with pytest.raises(ValueError, match=r"\Ano server of neuralist: the port is taken\Z"):
        model_server.running(tmp_path, "neuralist").__enter__()


def test_a_server_finds_the_commands_of_this_interpreter_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    stand_in_for_mlflow(tmp_path, "import shutil; print(shutil.which('uvicorn'))")
    uvicorn = Path(sysconfig.get_path("scripts"), "uvicorn")
    with pytest.raises(ValueError, match=f"no server of neuralist: {uvicorn}"):
        model_server.running(tmp_path, "neuralist").__enter__()


def test_a_pair_is_measured_beside_an_empty_model_round_by_round() -> None:
    # The 99th of 99 times is the 99th percentile.
    times = [float(number) for number in range(1, 100)]
    middle, last = serving.of_one_pair([(times, [40.0] * 99), ([2 * one for one in times], [60.0] * 99)])
    assert (middle.rounds, last.rounds) == ([50.0, 100.0], [99.0, 198.0])
    # Medians of two rounds: 75 by 50, and 148.5 by 50.
    assert (middle.ratio, middle.met) == (1.5, False)
    assert (last.ratio, last.met) == (2.97, False)


@pytest.mark.slow
def test_the_empty_model_answers_with_the_columns_of_the_registered_one() -> None:
    from benchmarks.empty_model import ANSWER

    from neuralist.serving import mlflow_model

    types = {float: "double", bool: "boolean", int: "long", str: "string"}
    outputs = mlflow_model._signature(mlflow_model.COMPARE).outputs
    assert [(column["name"], column["type"]) for column in outputs.to_dict()] == [
        (name, types[type(value)]) for name, value in ANSWER.items()
    ]


def test_made_songs_have_300_words_in_lines_with_a_chorus_and_marks() -> None:
    songs = made.songs(made.words(1000), 20)
    for song in songs:
        lines = song.splitlines()
        verses = [verse.splitlines() for verse in song.split("\n\n")]
        assert len(song.split()) == 300
        assert all(4 <= len(line.split()) <= 10 for line in lines[:-1] if line)
        assert [len(verse) for verse in verses[:-1]] == [4] * (len(verses) - 1)
        assert verses[1] == verses[3] != verses[2]
    lengths = [len(line.split()) for song in songs for line in song.splitlines() if line]
    assert 6.5 < sum(lengths) / len(lengths) < 7.5
    assert 0.04 < sum(song.count(",") for song in songs) / 6000 < 0.08


def test_the_drawn_encoder_lyrics_reads_lines_as_the_trained_one_does(tmp_path: Path) -> None:
    known = made.words(50)
    whole = " ".join(known[:12])
    in_lines = "\n".join([" ".join(known[:6]), " ".join(known[6:12])])
    last, lyrics = encoding.encoders(known, made.songs(known, 4), tmp_path)
    assert lyrics.style is not None
    assert lyrics.style.centres.shape == (2300, 17)
    of_last, of_lyrics = (encoder.encode([whole, in_lines]) for encoder in (last, lyrics))
    assert (of_last[0] == of_last[1]).all()
    assert (of_lyrics[0] != of_lyrics[1]).any()


@pytest.mark.parametrize(
    ("changed", "commit"), [("src/code.py", "{}, with changes"), ("benchmarks/results.json", "{}")]
)
def test_a_commit_tells_of_changed_code_and_not_of_results(
    changed: str, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        command = ["git", *names, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    git("init", "-q")
    for name in ("src/code.py", "benchmarks/results.json"):
        tmp_path.joinpath(name).parent.mkdir()
        tmp_path.joinpath(name).write_text("1")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    tmp_path.joinpath(changed).write_text("2")
    assert provenance.commit() == commit.format(git("rev-parse", "--short", "HEAD"))


def test_outside_a_checkout_the_commit_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "not recorded"


def test_lines_are_left_out_of_a_song_in_the_order_of_each_way_to_choose_them(tmp_path: Path) -> None:
    """A text is where its last word is, in tenths: this one at 0.7, without its last line at 0.5."""
    model = Model.load(tenths.write(tmp_path / "served"))
    text, other = "one\ntwo\nthree\nfour\nfive\nseven", "seven"
    table = model.explain(text, other)
    lines = table[(table["text"] == "a") & (table["unit"] == "line")]
    explained = {(part,): value for part, value in zip(lines["part"], lines["contribution"], strict=True)}

    fallen = explanations.falls(model, text, other, explained, np.random.default_rng(1))

    assert explanations.COUNTS == (1, 2, 3, 5)
    by_row = dict(zip(explanations.ROWS, fallen, strict=True))
    # Only "seven" contributes, and shares a word; of the others the first come first: five stays till last.
    first = 1 - np.exp(-0.2)
    np.testing.assert_allclose(by_row[explanations.HIGHEST], [first] * 4, atol=2e-6)
    np.testing.assert_allclose(by_row[explanations.COMMON], [first] * 4, atol=2e-6)
    # Nearest to seven are five, four, and so on.
    nearest = 1 - np.exp([-0.2, -0.3, -0.4, -0.6])
    np.testing.assert_allclose(by_row[explanations.NEAREST], nearest, atol=2e-6)
    np.testing.assert_allclose(by_row[explanations.LOWEST], 0, atol=2e-6)
    assert (by_row[explanations.RANDOM] <= nearest + 2e-6).all()
