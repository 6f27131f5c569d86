"""What stages pass on: written and read by one model each, and refused in one line that names the file."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import BaseModel, ValidationError
from tests import made_records, served, trained

from neuralist.config import records, renamed
from neuralist.data import parquet, tables
from neuralist.serving.catalogue import Catalogue
from neuralist.serving.model import Model

# What `package` of commit 55b9eeb wrote, of a model of made-up words with heads, a bag of words, windows, the
# length and a calibration; answers.json holds what that commit's own code answered.
FORMAT_1 = Path(__file__).resolve().parents[1] / "format_1"
ANSWERS = json.loads((FORMAT_1 / "answers.json").read_text(encoding="utf-8"))
CURVE = {"raw": [0.5, 1.0], "expected": [0.25, 1.0]}
FUSION = {
    "n_pairs": 100,
    "encoder": {"mse": 0.25, "spearman": 0.5},
    "joined": {"mse": 0.125, "spearman": 0.625},
    "inputs": [{"name": name, "weight": 0.5, "curve": CURVE} for name in ("encoder", "char")],
    "last": CURVE,
}
DRIFT = records.DriftReference(
    n_songs=3,
    numbers={"length": records.NumberBins(edges=(1.0, 2.5), counts=(0, 2, 1), median=2.0)},
    names={"tags": records.NameBins(names=("folk",), counts=(2, 1), n_songs=2)},
    mean=(0.5, 0.25),
    directions=((0.6, 0.8),),
)
EVERY: list[BaseModel] = [
    records.CorpusNote(note="Made up.", epochs=3),
    made_records.trained(calibration=CURVE),
    made_records.trained(fusion=FUSION | {"inputs": [], "last": None, "encoder": None, "joined": None}),
    made_records.trained(fusion=FUSION),
    *trained.metrics(one=trained.compared(trained.entry(), "tfidf")).values(),
    made_records.served(),
    DRIFT,
]


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_a_record_is_read_back_as_it_was_written(record: BaseModel, tmp_path: Path) -> None:
    records.save(record, tmp_path / "record.json")

    assert records.load(tmp_path / "record.json", type(record)) == record


def test_a_best_trial_is_yaml_in_the_order_of_its_attributes(tmp_path: Path) -> None:
    best = records.BestTrial(
        study="s-1", experiment="s", trial=2, metric="val_mse", value=0.5, params={"units": 3, "loss": "mse"}
    )
    records.save(best, tmp_path / "best.yaml")

    assert (tmp_path / "best.yaml").read_text() == (
        "study: s-1\nexperiment: s\ntrial: 2\nmetric: val_mse\nvalue: 0.5\nparams:\n  units: 3\n  loss: mse\n"
    )
    assert records.load(tmp_path / "best.yaml", records.BestTrial) == best

    gained = best.model_copy(update={"own_value": 0.75, "first_better": 1})
    records.save(gained, tmp_path / "best.yaml")
    assert "value: 0.5\nown_value: 0.75\nfirst_better: 1\nparams:\n" in (tmp_path / "best.yaml").read_text()
    assert records.load(tmp_path / "best.yaml", records.BestTrial) == gained


def test_an_attribute_that_is_left_out_is_not_written_and_a_value_of_none_is(tmp_path: Path) -> None:
    path = tmp_path / "estimate.json"
    records.save(records.Estimate(value=None, low=None, high=None), path)

    assert json.loads(path.read_text()) == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing"),
        ("{", "not readable (Expecting property name"),
        ("[1]", "expected keys and values, received [1]"),
        ('{"note": "a"}', "epochs: Field required"),
        ('{"note": "a", "epochs": 0}', "epochs: Input should be greater than or equal to 1, received 0"),
        ('{"note": "a", "epochs": 1, "more": 2}', "more: unknown key 'more'; remove it"),
    ],
)
def test_a_file_that_is_missing_or_damaged_is_one_line_with_the_fix(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "corpus.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ValueError) as refused:
        records.load(path, records.CorpusNote)
    assert str(refused.value).startswith(f"{path}: {reason}")
    assert str(refused.value).endswith("; run `dvc repro`")
    assert "\n" not in str(refused.value)


def test_a_file_damaged_all_over_is_still_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps({f"key {number}": "x" * 50 for number in range(1000)}))

    with pytest.raises(ValueError) as refused:
        records.load(path, records.ExperimentMetrics)
    assert len(str(refused.value)) < 500


def test_a_metric_that_is_in_no_table_is_refused() -> None:
    entry = trained.entry(spearmann=0.5)

    with pytest.raises(ValidationError, match=r"no metric; choose among listed_auc, .* spearman"):
        trained.metrics(one=entry)


def test_a_record_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        made_records.served().threshold = 0.9  # pyright: ignore[reportAttributeAccessIssue]


# --- the format of the served folder ----------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(FORMAT_1, tmp_path / "served")


def test_a_folder_of_format_1_answers_as_the_code_that_wrote_it() -> None:
    model = Model.load(FORMAT_1)
    answer = model.compare(ANSWERS["lyrics_a"], ANSWERS["lyrics_b"])
    nearest = model.recommend(ANSWERS["lyrics"], **ANSWERS["params"])

    # The code of then did not say it. "granite" is not in the vocabulary.
    assert [answer.pop(name).tolist() for name in ("known_a", "known_b")] == [[1, 1, 0.5], [1, 1, 1]]
    _assert_same({name: column.tolist() for name, column in answer.items()}, ANSWERS["compare"])
    _assert_same(nearest.to_dict("list"), ANSWERS["recommend"])
    assert records.load_served(FORMAT_1).format == 1


def _assert_same(columns: dict[Any, list[Any]], expected: dict[str, list[Any]]) -> None:
    assert columns.keys() == expected.keys()
    for name, column in expected.items():
        # Another processor may round the last digit the other way.
        assert columns[name] == (pytest.approx(column, abs=2e-6) if name == "similarity" else column), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["neuralist", "neuralist-recommender"])
def test_the_mlflow_models_load_a_folder_of_format_1(kind: str, tmp_path: Path) -> None:
    import mlflow
    import pandas as pd

    from neuralist.serving import mlflow_model

    mlflow.pyfunc.save_model(path=str(tmp_path / "model"), **mlflow_model.model_arguments(kind, FORMAT_1))
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    if kind == "neuralist":
        asked = pd.DataFrame({name: ANSWERS[name] for name in ("lyrics_a", "lyrics_b")})
        answer = model.predict(asked)
        assert answer[["known_a", "known_b"]].to_numpy().tolist() == [[1, 1], [1, 1], [0.5, 1]]
        _assert_same(answer.drop(columns=["known_a", "known_b", "error"]).to_dict("list"), ANSWERS["compare"])
    else:
        answer = model.predict(pd.DataFrame({"lyrics": ANSWERS["lyrics"]}), params=ANSWERS["params"])
        _assert_same(answer.to_dict("list"), ANSWERS["recommend"])


def test_settings_that_were_renamed_since_format_1_get_their_new_names(folder: Path) -> None:
    written = json.loads((folder / "experiment.json").read_text())["params"]

    assert set(renamed.SETTINGS) <= set(written)
    read = records.load_experiment(folder).params.model_dump()
    assert {old: read[new] for old, new in renamed.SETTINGS.items()} == {
        old: written[old] for old in renamed.SETTINGS
    }


def test_a_folder_of_this_format_has_no_old_names(folder: Path) -> None:
    records.save(made_records.served(), folder / "served.json")

    with pytest.raises(ValueError, match=r"experiment\.json: params\.max_words: unknown key 'max_words'; "):
        records.load_experiment(folder)


@pytest.mark.parametrize("newer", [11, "10.1"])
def test_a_newer_folder_is_refused_in_one_line_that_says_to_update(folder: Path, newer: object) -> None:
    content = json.loads((folder / "served.json").read_text())
    (folder / "served.json").write_text(json.dumps(content | {"format": newer}))

    for load in (records.load_served, records.load_experiment, Model.load, Catalogue.load):
        with pytest.raises(ValueError) as refused:
            load(folder)
        assert str(refused.value) == (
            f"{folder / 'served.json'}: format {newer!r}, but this version reads 1 to 10; update neuralist"
        )


def test_a_folder_of_format_2_reads_lyrics_as_they_come(tmp_path: Path) -> None:
    # That format has no `cleaning` in experiment.json, and made_records leaves it out too.
    model = Model.load(_of_format(2, tmp_path))

    assert model.served.format == 2
    assert model.compare(["moss\n[Outro]"], ["moss"])["tokens_used_a"].tolist() == [2]


def test_in_a_folder_of_format_3_every_song_is_a_group_of_its_own(tmp_path: Path) -> None:
    model = Model.load(_of_format(3, tmp_path))

    assert model.catalogue.songs["group_id"].tolist() == ["s0", "s1", "s2", "s3", "s4"]
    assert model.recommend("moss")["song_id"].tolist() == ["s0", "s3", "s1", "s4", "s2"]


def test_in_a_folder_of_format_4_the_encoder_answers_alone(tmp_path: Path) -> None:
    served.write(tmp_path)
    _as_format(4, tmp_path)

    assert "fusion" not in json.loads((tmp_path / "experiment.json").read_text())
    assert Model.load(tmp_path).similarity("moss", "stone") == served.MOSS_STONE


@pytest.mark.parametrize("number", [4, 5, 6])
def test_in_a_folder_of_a_format_before_7_lyrics_rank_alone(number: int, tmp_path: Path) -> None:
    served.write(tmp_path)
    _as_format(number, tmp_path)
    model = Model.load(tmp_path)

    assert model.recommend("moss")["song_id"].tolist() == ["s0", "s3", "s1", "s4", "s2"]
    with pytest.raises(ValueError) as refused:
        model.recommend("moss", year=1990, tags="folk")
    assert str(refused.value) == (
        "year: an earlier version packed this model, which ranks by lyrics alone; "
        "run `dvc repro package` to pack it again"
    )


def test_a_folder_before_format_9_names_no_songs_language(tmp_path: Path) -> None:
    served.write(tmp_path)
    _without(tmp_path, {"language"}, 8)
    model = Model.load(tmp_path)

    assert model.recommend("moss")["song_id"].tolist() == ["s0", "s3", "s1", "s4", "s2"]
    for language in ("same", "other", "en"):
        with pytest.raises(ValueError) as refused:
            model.catalogue.nearest(served.EMBEDDINGS[:1], 5, language=language, query_languages=["en"])
        assert str(refused.value) == (
            "language: an earlier version packed this model, without the languages of its songs; run "
            "`dvc repro package` to pack it again"
        )


def test_a_folder_before_format_8_has_nothing_to_compare_new_songs_with(tmp_path: Path) -> None:
    served.write(tmp_path)
    records.save(DRIFT, tmp_path / "drift.json")
    assert records.load_drift(tmp_path) == DRIFT

    records.save(made_records.served(format=7), tmp_path / "served.json")
    with pytest.raises(ValueError) as refused:
        records.load_drift(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: packed in format 7, which says nothing of how training songs are distributed; "
        "run `dvc repro` in its checkout to pack it again"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"numbers": {"length": {"edges": [1.0], "counts": [1], "median": 1.0}}}, "one count more"),
        ({"numbers": {"length": {"edges": [2.0, 2.0], "counts": [1, 1, 1], "median": 2.0}}}, "must ascend"),
        ({"names": {"tags": {"names": ["folk"], "counts": [1], "n_songs": 1}}}, "one for all others"),
    ],
)
def test_a_distribution_whose_bins_do_not_fit_is_refused(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "drift.json"
    path.write_text(json.dumps(DRIFT.model_dump() | change))

    with pytest.raises(ValueError, match=reason):
        records.load(path, records.DriftReference)


def _as_format(number: int, folder: Path) -> None:
    """Turn a served folder into one of format 4, 5 or 6: without a blend, tags and languages."""
    (folder / records.BLEND).unlink()
    _without(folder, {"tags", "tag_weights", "language"}, number)


def _of_format(number: int, folder: Path) -> Path:
    """Write a served folder as a format before 4 did: its catalogue has no groups and no first words."""
    served.write(folder)
    _without(folder, {"group_id", "first_words", "tags", "tag_weights", "language"}, number)
    return folder


def _without(folder: Path, newer: set[str], number: int) -> None:
    """Take columns from a served folder's catalogue, and give it the number of an earlier format."""
    records.save(made_records.served(format=number), folder / "served.json")
    path = folder / "catalogue.parquet"
    older = pa.schema([field for field in tables.CATALOGUE if field.name not in newer])
    parquet.write(parquet.read(path, tables.CATALOGUE)[older.names], older, path)


def test_the_folder_of_format_1_is_small_and_holds_every_file() -> None:
    names = {path.name for path in FORMAT_1.iterdir()}
    served = {"encoder.onnx", "vocabulary.txt", "catalogue.parquet", "embeddings.npy", "training_songs.txt"}

    assert names == served | {"experiment.json", "served.json", "card.md", "answers.json"}
    assert sum(path.stat().st_size for path in FORMAT_1.iterdir()) < 50_000
    assert np.load(FORMAT_1 / "embeddings.npy").shape == (30, 3)
