"""`neuralist.load`: one call finds a model by folder, by name or in the registry, and imports little."""

import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests import served, trained

import neuralist
from neuralist import api

# Each costs a second or more to import, or is not installed where a model only answers.
HEAVY = ("tensorflow", "keras", "mlflow", "great_expectations", "dvc", "optuna", "gensim", "sklearn", "scipy")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trained.write_checkout(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_package_offers_load_and_the_class_of_models(tmp_path: Path) -> None:
    model = neuralist.load(served.write(tmp_path))
    assert isinstance(model, neuralist.Model)
    assert model.similarity("moss", "stone") == served.MOSS_STONE
    assert repr(model) == "Model(similarity='manhattan', width=2)"
    with pytest.raises(AttributeError, match="module 'neuralist' has no attribute 'lode'"):
        _ = neuralist.lode  # pyright: ignore[reportAttributeAccessIssue]


def test_a_name_a_path_and_nothing_load_the_same_model(checkout: Path) -> None:
    expected = pytest.approx(trained.similarity(0.0, 0.5), abs=1e-6)
    for model in ("tiny", "artifacts/served", checkout / "artifacts/served", None):
        loaded = neuralist.load(model)
        assert loaded.similarity("moss", "stone") == expected
        assert loaded.recommend("moss", k=1)["title"].tolist() == ["Song a"]


def test_an_experiment_is_packed_only_when_its_threshold_or_catalogue_is_asked_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "artifacts/estimates/other.json").unlink()
    model = neuralist.load("other")
    assert model.similarity("moss", "stone") == 1
    with pytest.raises(ValueError, match=r"other: no estimates of it in .*; run `dvc repro evaluate`"):
        model.recommend("moss")


def test_what_an_experiment_is_packed_into_is_deleted_with_the_model(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    model = neuralist.load("other")
    assert len(model.recommend("moss", k=2)) == 2
    assert list(temporary.iterdir())

    del model
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_trained_folder_outside_a_checkout_has_no_catalogue(tmp_path: Path) -> None:
    trained.write_experiment(tmp_path / "alone", {"moss": 0.0, "stone": 0.5})
    model = neuralist.load(tmp_path / "alone")
    assert model.similarity("moss", "moss") == 1
    with pytest.raises(ValueError, match="alone: not packed for serving, so it has no threshold"):
        model.recommend("moss")


def test_what_is_no_model_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="~nosuchuser: no such model; give"):
        neuralist.load("~nosuchuser")
    with pytest.raises(ValueError, match="model: received 5; give"):
        neuralist.load(5)  # pyright: ignore[reportArgumentType]


def test_a_registered_model_without_mlflow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("mlflow", "mlflow.exceptions"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "neuralist.tracking.download", raising=False)
    with pytest.raises(ValueError, match=r"needs MLflow .*; pip install 'neuralist\[train\]'"):
        api.load("models:/neuralist@champion")


def test_a_served_model_answers_without_heavy_imports(tmp_path: Path) -> None:
    code = f"""
import sys
import neuralist
assert "pandas" not in sys.modules
model = neuralist.load({str(served.write(tmp_path))!r})
model.similarity("moss", "stone"), model.predict(["moss"], ["stone"]), model.recommend("moss")
print(*(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
