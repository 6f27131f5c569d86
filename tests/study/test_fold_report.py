"""The report of `make splits`: what it says of two baselines that differ in lyrics alone."""

import json

import numpy as np
import pytest

from neuralist.config import params
from neuralist.config.metric_table import OF_RANKING
from neuralist.study import cross_validation

pytestmark = pytest.mark.tensorflow


def drawn(*values: float) -> dict[str, np.ndarray]:
    """The same values, the sample's and those of its draws, for every metric."""
    return dict.fromkeys(OF_RANKING, np.array(values))


def test_what_lyrics_add_to_metadata_is_said_with_an_interval() -> None:
    experiment = params.load().experiment("lyrics", 1)
    with_lyrics = f"year and lyrics* ({experiment.max_tokens} words)"
    of_split = {"lyrics": drawn(0.6, 0.6), with_lyrics: drawn(0.9, 0.8), "year gap*": drawn(0.8, 0.75)}
    training = {"val": of_split, "test": of_split}
    report = cross_validation.report([training], {"lyrics": experiment}, None, "test", 0.95)

    title = f"{with_lyrics} - year gap*"
    # No row has artist, year and tags, so there is no difference of these.
    differences = json.loads(report.numbers)["differences"]
    assert list(differences) == [title]
    assert differences[title]["listed_auc"]["value"] == 0.1
    assert report.lines[-1] == f"- {title}: listed AUC 0.100 [0.050, 0.050], nDCG@10 0.100 [0.050, 0.050]"
