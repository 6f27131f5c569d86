"""Late fusion whose answers are known by hand: 3/4 of the encoder's similarity, 1/4 of (1 + cosine) / 2."""

from pathlib import Path

import numpy as np

from neuralist.config import records
from neuralist.model.fusion import Fusion, Join
from neuralist.model.similarity import Calibration
from neuralist.text.hashed_tfidf import HashedTfidf
from neuralist.text.tokenizer import TokenWindowing

STRAIGHT = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
FIT = records.FusionFit(mse=0.25, spearman=0.5)
JOIN = Join((STRAIGHT, STRAIGHT), np.array([0.75, 0.25]), STRAIGHT)


def joined(encoder: float, cosine: float) -> float:
    return 0.75 * encoder + 0.25 * (1 + cosine) / 2


def add(folder: Path) -> Path:
    """Let TF-IDF of words, fitted on the text "moss", take part in the answers of an encoder's folder."""
    trained = records.load_experiment(folder)
    tfidf = HashedTfidf.fit("word", TokenWindowing.of(trained.params), ["moss"])
    made = Fusion((tfidf,), JOIN)
    made.save(folder)
    record = records.FusionRecord(
        n_pairs=600, encoder=FIT, joined=FIT, inputs=made.inputs(), last=JOIN.last.record()
    )
    records.save(trained.model_copy(update={"fusion": record}), folder / "experiment.json")
    return folder
