"""A key that params.yaml or corpus.yaml had before is refused, with what to write in its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from neuralist.config import corpus, params, renamed

SHIPPED = Path(__file__).resolve().parents[2] / "params.yaml"


def nested(key: str, value: Any) -> dict[str, Any]:
    """A value under a dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize(
    "place", ["train", "experiments.songs300", "variants.mse", "study.space", "study.spaces.graded"]
)
def test_each_setting_renamed_is_refused_with_its_new_name_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setitem(renamed.SETTINGS, "size", "units")
    for old, new in renamed.SETTINGS.items():
        change = nested(f"{place}.{old}", 1)
        message = rf"{place}\.{old} is called {place}\.{new} now; rename the key$"
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(params.overlay(params.read_yaml(SHIPPED), change)))
        with pytest.raises(ValueError, match=rf"^params\.yaml: {message}"):
            params.load(path)
        (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(change))
        with pytest.raises(ValueError, match=rf"corpus\.yaml: {message}"):
            corpus.read(tmp_path)


@pytest.mark.parametrize("key", renamed.REMOVED)
def test_each_key_removed_is_refused_with_the_reason(tmp_path: Path, key: str) -> None:
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(nested(key, 1)))

    with pytest.raises(ValueError, match=rf"corpus\.yaml: {key}: {renamed.REMOVED[key]}; remove the key$"):
        corpus.read(tmp_path)


def test_all_old_keys_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(renamed.SETTINGS, "size", "units")
    values = {"train": {"size": 1}, "experiments": {"own": {"size": 2}}, "study": {"direction": "minimize"}}

    with pytest.raises(
        ValueError, match=r"^a: train\.size .*; experiments\.own\.size .*; study\.direction: "
    ):
        renamed.refuse(values, "a")


def test_a_renamed_setting_is_one_and_its_old_name_is_none() -> None:
    settings = set(params.Experiment.model_fields)

    assert set(renamed.SETTINGS.values()) <= settings
    assert settings.isdisjoint(renamed.SETTINGS)


@pytest.mark.parametrize("values", [{}, {"train": None, "study": 3}, {"experiments": {"own": None}}])
def test_sections_of_any_shape_pass_for_params_to_judge(values: dict[str, Any]) -> None:
    renamed.refuse(values, "a")
