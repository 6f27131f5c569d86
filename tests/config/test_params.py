"""params.yaml: typed and frozen; what it refuses, it names."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neuralist.config import params

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "params.yaml"


def changed(tmp_path: Path, change: dict[str, Any]) -> Path:
    """The shipped params.yaml with some values laid over it."""
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params.overlay(params.read_yaml(SHIPPED), change)))
    return path


def test_the_shipped_file_holds_both_word_lengths_under_both_protocols() -> None:
    settings = params.load(SHIPPED)
    shapes = {
        (settings.experiment(name).protocol, settings.experiment(name).max_tokens)
        for name in settings.experiments
    }

    assert shapes >= {("paper", 15), ("paper", 300), ("songs", 15), ("songs", 300)}


def test_an_experiment_is_the_section_train_with_its_entry_laid_over(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        {
            "train": {"units": 7, "epochs": 3},
            "experiments": {"songs300": {"epochs": 9}},
            "run": ["songs300"],
            "study": {"spaces": {}},
        },
    )
    experiment = params.load(path).experiment("songs300")

    assert (experiment.units, experiment.epochs) == (7, 9)


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        params.load(SHIPPED).train.units = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"^params\.yaml: colour: unknown key 'colour'; remove it$"),
        ({"train": {"unit": 3}}, r"^params\.yaml: train\.unit: unknown key 'unit'; did you mean 'units'\?$"),
        ({"registr": {}}, r"^params\.yaml: registr: unknown key 'registr'; did you mean 'register'\?$"),
        (
            {"songs": {"cover_overlaps": 1, "genre": {}}},
            r"overlaps: unknown key 'cover_overlaps'; did you mean 'cover_overlap'\?; songs\.genre: unknown",
        ),
        *(
            ({"register": {"name": name}}, r"^params\.yaml: register\.name: received '.*; give letters")
            for name in ("", " ", "a/b", "a:b", "a@b", "a?b", "a b", "..", "_a", "x" * 201, "é" * 101)
        ),
        ({"register": {"name": None}}, r"register\.name: .*received None"),
        ({"register": {"name": "a-recommender"}}, r"register\.name: received 'a-recommender'; a name with"),
        ({"train": {"units": 0}}, r"train\.units: .*received 0"),
        ({"train": {"units": "many"}}, r"train\.units: .*received 'many'"),
        ({"train": {"protocol": "random"}}, r"train\.protocol: .*received 'random'"),
        ({"train": {"dropout": 1}}, r"train\.dropout: "),
        ({"songs": {"genres": {}}}, r"songs\.genres: .*received {}"),
        ({"pairs": {"test_fold": 5}}, r"pairs\.test_fold: .*received 5"),
        ({"pairs": {"paper_shares": [0.5, 0.2, 0.2]}}, r"pairs\.paper_shares: .*must sum to 1, not 0\.9"),
        ({"similarity_range": [1, 0]}, r"similarity_range: .*lower bound 1.* must be below"),
        ({"expected": {"songs": [5, 5]}}, r"expected\.songs: .*lower bound 5.* must be below .* 5"),
        ({"expected": {"songs": [float("inf"), None]}}, r"expected\.songs: .*lower bound inf must be below"),
        ({"experiments": {}}, r"experiments: "),
        ({"run": ["lyrics", "lyrics"]}, r"run: received \['lyrics', 'lyrics'\]; name each once"),
        ({"run": ["lyric"]}, r"run: received \['lyric'\]; name each once, out of .*'lyrics'"),
        ({"variants": {"odd": {"unit": 3}}}, r"\.unit: .*\(variants\.odd\)"),
        ({"experiments": {"Odd name": {}}}, r"experiments\.Odd name"),
        (
            {"experiments": {"songs300": {"unit": 3}}},
            r"experiments\.songs300\.unit: unknown key 'unit'; did you",
        ),
        ({"train": {"bag_of_words": True}}, r"train: .*bag_of_words: true needs heads"),
        (
            {"experiments": {"lyrics": {"bag_of_words": True, "heads": {"year": 1.0}, "tokens": "char"}}},
            r"bag_of_words: true needs",
        ),
        ({"drift": {"difference": {"tags": -0.1}}}, r"drift\.difference\.tags: .*received -0\.1"),
        ({"drift": {"stability": {"tempo": 0.1}}}, r"drift\.stability\.tempo: "),
        ({"drift": {"most": 29}}, r"drift\.most: .*received 29"),
        ({"songmap": {"experiment": "none"}}, r"songmap\.experiment: received 'none'; name one of"),
        (
            {"register": {"metric": "spearmann"}},
            r"^params\.yaml: register\.metric: received 'spearmann'; choose one of auto, listed_auc, .*mse",
        ),
        ({"register": {"metric": "nearest_tenth_accuracy"}}, r"register\.metric: received 'nearest_tenth_"),
        ({"register": {"metric": "listed_au"}}, r"register\.metric: received 'listed_au'; choose"),
        ({"register": {"metric": None}}, r"register\.metric: .*received None"),
        (
            {"study": {"metric": "mse"}},
            r"^params\.yaml: study\.metric: received 'mse'; choose one of loss, accuracy, .*, listed_auc$",
        ),
        (
            {"study": {"metric": "listed_auc"}},
            r"study\.metric: received 'listed_auc', but val has no unlisted pairs for songs300; choose",
        ),
        (
            {"study": {"metric": "listed_auc", "experiment": "lyrics"}, "pairs": {"unlisted_ratio": 0}},
            r"study\.metric: received 'listed_auc', but val has no unlisted pairs for lyrics",
        ),
        ({"study": {"experiment": "none"}}, r"study\.experiment: received 'none'; name one of"),
        ({"study": {"experiment": "tuned"}}, r"study\.experiment: received 'tuned'"),
        (
            {"study": {"space": {"unit": [1]}}},
            r"^params\.yaml: study\.space\.unit: unknown key 'unit'; did you mean 'units'\?$",
        ),
        ({"study": {"space": {"seed": [1]}}}, r"study\.space\.seed: not to be searched"),
        ({"study": {"space": {"pretrain_on": ["graded"]}}}, r"study\.space\.pretrain_on: not to be searched"),
        ({"study": {"space": {"units": [4, "8"]}}}, r"study\.space\.units: received '8'; write it as 8$"),
        ({"study": {"space": {"units": [4, 8.0]}}}, r"study\.space\.units: received 8\.0; write it as 8$"),
        (
            {"study": {"space": {"units": {"low": 4.0, "high": 8.0}}}},
            r"space\.units: received 4\.0; write it",
        ),
        ({"study": {"space": {"units": []}}}, r"study\.space\.units: received \[\]; name one value or more$"),
        ({"study": {"space": {"units": [50, 0]}}}, r"\.units: .*received 0 \(study\.space\.units\)"),
        (
            {"study": {"space": {"dropout": {"low": 0.5, "high": 1.5}}}},
            r"received 1\.5 \(study\.space\.dropout",
        ),
        (
            {"study": {"space": {"dropout": {"low": 0.5, "high": 0.5}}}},
            r"dropout: received {'high': 0\.5, 'low': 0\.5}; give .* numbers `low` below `high`",
        ),
        (
            {"study": {"space": {"units": {"low": 0, "high": 5, "log": True}}}},
            r"study\.space\.units: received .*; give .*, above 0 with `log: true`$",
        ),
        (
            {"study": {"space": {"units": 3}}},
            r"^params\.yaml: study\.space\.units: received 3; give a list of values, or numbers `low` below "
            r"`high`, above 0 with `log: true`$",
        ),
        (
            {"study": {"spaces": {"graded": {"units": {"low": "few", "high": 5}}}}},
            r"^params\.yaml: study\.spaces\.graded\.units: received {'high': 5, 'low': 'few'}; give a list",
        ),
        ({"study": {"space": None}}, r"^params\.yaml: study\.space: received None; give keys and values$"),
        ({"study": {"space": ["units"]}}, r"study\.space: received \['units'\]; give keys and values$"),
        ({"run": None}, r"^params\.yaml: run: received None; give a list$"),
        (
            {"study": {"spaces": {"none": {"units": [4]}}}},
            r"^params\.yaml: study\.spaces\.none: no experiment "
            r"has this name; name one of \[.*'graded'.*\], or remove the space$",
        ),
        (
            {"study": {"spaces": {"tuned": {"units": [4]}}}},
            r"study\.spaces\.tuned: no experiment has this name",
        ),
        ({"study": {"spaces": {"graded": {}}}}, r"study\.spaces\.graded: received {}; give one or more$"),
        ({"study": {"spaces": None}}, r"study\.spaces: received None; give keys and values$"),
        (
            {"study": {"spaces": {"graded": {"unit": [1]}}}},
            r"study\.spaces\.graded\.unit: unknown key 'unit'; did you mean 'units'\?$",
        ),
        ({"study": {"spaces": {"graded": {"seed": [1]}}}}, r"spaces\.graded\.seed: not to be searched"),
        ({"study": {"spaces": {"graded": {"units": []}}}}, r"spaces\.graded\.units: received \[\]; name one"),
        ({"study": {"spaces": {"graded": {"units": ["8"]}}}}, r"graded\.units: received '8'; write it as 8$"),
        (
            {"study": {"spaces": {"graded": {"units": [0]}}}},
            r"experiments\.graded\.units: .*received 0 \(study\.spaces\.graded\.units\)$",
        ),
        # Checked as values of graded_char, which reads characters, though the study starts from songs300.
        (
            {"study": {"spaces": {"graded_char": {"bag_of_words": [True]}}}},
            r"bag_of_words: true needs .* \(study\.spaces\.graded_char\.bag_of_words\)$",
        ),
        (
            {"experiments": {"tuned": {}}, "run": ["tuned"]},
            r"experiments\.tuned: the study's result has this name",
        ),
    ],
)
def test_a_refused_value_is_named_with_its_key(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        params.load(changed(tmp_path, change))


@pytest.mark.parametrize(
    "change",
    [
        {"similarity_range": [10**1_000, 2]},
        {"run": ["x" * 1_000]},
        {"train": {"units": "x" * 1_000}},
        {"train": {"x" * 1_000: 1}},
        {"songmap": {"experiment": "x" * 1_000}},
        {"study": {"space": {"units": ["8" * 1_000]}}},
    ],
)
def test_a_long_value_is_cut_in_the_message(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as refused:
        params.load(changed(tmp_path, change))

    longest_word = max(str(refused.value).split(), key=len)
    assert len(longest_word) <= 110


@pytest.mark.parametrize(
    "section", [field.alias or name for name, field in params.Params.model_fields.items()]
)
def test_a_missing_section_is_named(tmp_path: Path, section: str) -> None:
    values = params.read_yaml(SHIPPED)
    del values[section]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values))

    with pytest.raises(ValueError, match=f"{section}: Field required"):
        params.load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"- a list\n", "expected keys and values, received list"),
        (b"", "expected keys and values, received NoneType"),
        (b"a: [1\n", "not readable as YAML"),
        (b"a: \xff\xfe\n", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ValueError, match=message):
        params.load(path)


@pytest.mark.parametrize("written", ["[5, null]", "[5, .inf]"])
def test_a_bound_may_be_left_open_in_two_ways(tmp_path: Path, written: str) -> None:
    change = yaml.safe_load(f"expected: {{songs: {written}, rows: [-.inf, 9]}}")
    expected = params.load(changed(tmp_path, change)).expected

    assert (expected.songs, expected.rows) == ((5, None), (None, 9))


def test_what_a_study_found_lies_over_the_experiment() -> None:
    settings = params.load(SHIPPED)
    found = settings.experiment("songs15", overrides={"units": 7, "pooling": "mean"})

    assert (found.max_tokens, found.units, found.pooling) == (15, 7, "mean")


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [({"low": 2, "high": 4}, [2, 3, 4], [1, 5]), (["last", "mean"], ["last"], ["max", None])],
)
def test_a_space_holds_what_it_names(entry: Any, inside: list[Any], outside: list[Any]) -> None:
    space = params.StudySection.model_validate(
        params.load(SHIPPED).study.model_dump() | {"space": {"name": entry}}
    ).space

    assert [params.holds(space["name"], value) for value in inside] == [True] * len(inside)
    assert [params.holds(space["name"], value) for value in outside] == [False] * len(outside)


def test_the_songmap_may_be_drawn_by_the_tuned_experiment(tmp_path: Path) -> None:
    assert params.load(changed(tmp_path, {"songmap": {"experiment": "tuned"}})).mapped_experiment == "tuned"


@pytest.mark.parametrize(
    "change",
    [
        {"study": {"metric": "accuracy"}, "register": {"metric": "mse"}},
        {"study": {"metric": "listed_auc", "experiment": "lyrics"}, "register": {"metric": "ndcg_at_10"}},
        {"study": {"metric": "listed_auc", "trials": 0}},
    ],
)
def test_metrics_that_are_measured_may_be_named(tmp_path: Path, change: dict[str, Any]) -> None:
    settings = params.load(changed(tmp_path, change))

    assert settings.study.metric == change["study"]["metric"]


def test_an_unknown_experiment_is_refused() -> None:
    with pytest.raises(ValueError, match=r"experiments\.words99 is not in params\.yaml"):
        params.load(SHIPPED).experiment("words99")


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)
MAPPINGS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


@given(MAPPINGS)
def test_laying_nothing_over_changes_nothing(below: dict[str, Any]) -> None:
    assert params.overlay(below, {}) == below


@given(MAPPINGS, MAPPINGS)
def test_what_lies_above_shows_and_the_rest_stays(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = params.overlay(below, above)

    assert merged.keys() == below.keys() | above.keys()
    assert params.overlay(merged, above) == merged
    for key, value in below.items():
        if key not in above:
            assert merged[key] == value


def test_whole_numbers_may_stand_for_fractions_in_a_space(tmp_path: Path) -> None:
    space = {"dropout": [0, 0.5], "learning_rate": {"low": 0.5, "high": 1}, "units": {"low": 4, "high": 8}}
    loaded = params.load(changed(tmp_path, {"study": {"space": space}})).study.space

    assert loaded["dropout"] == (0, 0.5)
    assert loaded["learning_rate"] == params.Interval(low=0.5, high=1)


@pytest.mark.parametrize(
    ("named", "run", "studied"),
    [
        ("songs15", ["songs15", "lyrics"], "songs15"),
        ("songs300", ["songs15", "lyrics"], "lyrics"),
        (None, ["lyrics", "songs15"], "songs15"),
    ],
)
def test_the_study_starts_from_an_experiment_that_is_run(
    tmp_path: Path, named: str | None, run: list[str], studied: str
) -> None:
    loaded = params.load(changed(tmp_path, {"study": {"experiment": named}, "run": run}))
    assert loaded.studied_experiment == studied


@pytest.mark.parametrize(
    ("run", "dropout"), [(["graded"], params.Interval(low=0.2, high=0.6)), (["graded", "lyrics"], (0.5,))]
)
def test_the_space_of_the_experiment_that_is_searched_is_used_before_the_one_of_all(
    tmp_path: Path, run: list[str], dropout: Any
) -> None:
    """The study starts from the last of `run`, as songs300 is not in it; lyrics has no space of its own."""
    change = {"study": {"space": {"dropout": [0.5]}}, "run": run}

    assert params.load(changed(tmp_path, change)).studied_space["dropout"] == dropout


def test_a_space_that_is_not_searched_need_not_fit_the_experiment_that_is(tmp_path: Path) -> None:
    """`bag_of_words` can be searched for lyrics, not for graded, which has no heads."""
    study = {"experiment": "lyrics", "space": {"bag_of_words": [True, False]}}

    loaded = params.load(changed(tmp_path, {"study": study, "run": ["graded"]}))
    assert "bag_of_words" not in loaded.studied_space
    with pytest.raises(ValueError, match=r"bag_of_words: true needs .*\(study\.space\.bag_of_words\)"):
        params.load(changed(tmp_path, {"study": study | {"spaces": {}}, "run": ["graded"]}))


@pytest.mark.parametrize("name", ["graded", "graded_char"])
def test_the_shipped_spaces_hold_the_settings_of_their_experiment(name: str) -> None:
    settings = params.load(SHIPPED)
    own = settings.experiment(name)

    outside = [
        key
        for key, entry in settings.study.spaces[name].items()
        if not params.holds(entry, getattr(own, key))
    ]
    assert outside == []


def test_without_spaces_every_study_searches_the_one_of_all(tmp_path: Path) -> None:
    values = params.read_yaml(SHIPPED)
    del values["study"]["spaces"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values | {"run": ["graded"]}))

    loaded = params.load(tmp_path / "params.yaml")
    assert loaded.studied_space == loaded.study.space


def test_the_space_of_a_study_is_replaced_not_merged() -> None:
    below = {"study": {"trials": 3, "space": {"units": [1, 2]}}}
    above = {"study": {"space": {"dropout": [0.1, 0.2]}}}
    assert params.overlay(below, above) == {"study": {"trials": 3, "space": {"dropout": [0.1, 0.2]}}}


def test_the_spaces_of_experiments_are_replaced_not_merged() -> None:
    below = {"study": {"trials": 3, "spaces": {"a": {"units": [1, 2]}}}}
    above = {"study": {"spaces": {"b": {"units": [3]}}}}
    assert params.overlay(below, above) == {"study": {"trials": 3, "spaces": {"b": {"units": [3]}}}}


def test_the_list_of_experiments_is_replaced_not_merged() -> None:
    below = {"experiments": {"a": {"units": 1}}, "train": {"units": 1, "epochs": 2}}
    above = {"experiments": {"b": {}}, "train": {"units": 3}}

    assert params.overlay(below, above) == {"experiments": {"b": {}}, "train": {"units": 3, "epochs": 2}}
