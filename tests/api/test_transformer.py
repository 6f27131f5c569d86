"""`neuralist.LyricsEncoder` in scikit-learn's pipelines."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tests import served

import neuralist

EMBEDDINGS = [[0, 0], [0.5, 0]]  # of moss and stone


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return served.write(tmp_path_factory.mktemp("model") / "served")


def test_it_embeds_a_column_and_names_its_features(folder: Path) -> None:
    encoder = neuralist.LyricsEncoder(folder).fit(["moss"])
    np.testing.assert_allclose(encoder.transform(["moss", "stone"]), EMBEDDINGS, atol=1e-6)
    assert encoder.get_feature_names_out().tolist() == ["lyricsencoder0", "lyricsencoder1"]


def test_it_works_in_a_column_transformer_that_gives_tables(folder: Path) -> None:
    songs = pd.DataFrame({"year": [1990, 2000], "lyrics": ["moss", "stone"]}, index=["a", "b"])
    columns = ColumnTransformer(
        [("text", neuralist.LyricsEncoder(folder), "lyrics"), ("year", "passthrough", ["year"])]
    )
    table = columns.set_output(transform="pandas").fit_transform(songs)
    assert list(table) == ["text__lyricsencoder0", "text__lyricsencoder1", "year__year"]
    assert table.index.tolist() == ["a", "b"]
    np.testing.assert_allclose(table.to_numpy(), [[0, 0, 1990], [0.5, 0, 2000]], atol=1e-6)


def test_a_classifier_learns_from_it(folder: Path) -> None:
    pipeline = make_pipeline(neuralist.LyricsEncoder(folder), LogisticRegression(C=1e6))
    pipeline.fit(["moss", "stone", "moss", "stone"], ["a", "b", "a", "b"])
    assert pipeline.predict(["stone", "moss"]).tolist() == ["b", "a"]


def test_it_is_cloned_and_pickled_fitted_or_not(folder: Path) -> None:
    encoder = neuralist.LyricsEncoder(folder)
    assert clone(encoder).model == folder
    copied = pickle.loads(pickle.dumps(encoder.fit(["moss"])))
    np.testing.assert_array_equal(copied.transform(["stone"]), encoder.transform(["stone"]))
    # A parameter that was set after fit is for the next fit.
    copied = pickle.loads(pickle.dumps(encoder.set_params(model="no such model")))
    np.testing.assert_array_equal(copied.transform(["stone"]), encoder.transform(["stone"]))


def test_without_fit_it_says_so(folder: Path) -> None:
    with pytest.raises(NotFittedError):
        neuralist.LyricsEncoder(folder).transform(["moss"])


def test_a_table_in_place_of_a_column_is_refused(folder: Path) -> None:
    encoder = neuralist.LyricsEncoder(folder).fit(["moss"])
    with pytest.raises(ValueError, match="received a DataFrame; give a text, a list of texts or a Series"):
        encoder.transform(pd.DataFrame({"lyrics": ["moss"]}))  # pyright: ignore[reportArgumentType]
