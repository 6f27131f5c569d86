"""Records of `config.records` for tests: as small as they can be, with what a test says of its own."""

from typing import Any

from tests.settings import experiment

from neuralist.config import records

COVERED = {"tokens": 4, "token_coverage": 0.75, "word_coverage": 0.75}


def trained(
    name: str = "one", settings: dict[str, Any] | None = None, **own: Any
) -> records.ExperimentRecord:
    """What training leaves of an experiment, whose settings are those of params.yaml but for some."""
    covered = {} if settings and settings.get("tokens") == "char" else {"val": COVERED}
    values = {
        "name": name,
        "fingerprint": name.ljust(64, "0"),
        "params": experiment(**settings or {}),
        "best_epoch": 1,
        "n_pairs": {"train": 3, "val": 2},
        "n_songs": {"train": 3, "val": 3},
        "n_truncated": {"train": 0, "val": 0},
        "heads": {},
        "n_pairs_before": {},
        "coverage": {"source": "by hand", "words": 3, "dimensions": 1} | covered,
        "calibration": None,
    }
    return records.ExperimentRecord.model_validate(values | own)


def served(**own: Any) -> records.ServedModel:
    """What served.json says of a model that leads over nothing."""
    values = {
        "format": records.FORMAT,
        "experiment": "one",
        "fingerprint": "one".ljust(64, "0"),
        "corpus_note": "Made by hand.",
        "threshold": 0.5,
        "metric": "spearman",
        "value": {"value": 0.25, "low": 0.125, "high": 0.5},
        "protocol": "songs",
        "beats_baselines": False,
        "lags": [],
        "n_pairs": {"train": 3, "val": 2, "test": 4},
        "quantiles": [percent / 100 for percent in range(101)],
        "content": "0" * 64,
    }
    return records.ServedModel.model_validate(values | own)
